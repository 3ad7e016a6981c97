/* test_files.h: what is under tests/data, and the openssl tool as a second opinion. */
#ifndef ACMEC_TESTS_TEST_FILES_H
#define ACMEC_TESTS_TEST_FILES_H

#include <acmec/base/buf.h>
#include <acmec/base/mem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_FILE_MAX (512 * 1024)

/* Appends tests/data/NAME; ends the test program if it is not there. */
static inline void test_file(const char *name, struct buf *out)
{
    char path[1024], block[4096];
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        abort();
    }
    while ((len = fread(block, 1, sizeof block, file)) > 0)
        buf_add(out, block, len);
    (void)fclose(file);
}

/* Runs `openssl ARGS...` with input on stdin and appends what it says. False: it failed. argv ends
 * in NULL and begins with "openssl". Input and output must each fit a pipe (64 KiB). */
static inline bool test_openssl(const char *const argv[], struct span input, struct buf *out)
{
    int in[2], from[2], status = 0;
    char block[4096];
    ssize_t got = 0;
    if (pipe(in) != 0 || pipe(from) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(from[1], 1);
        (void)dup2(from[1], 2);
        (void)close(in[1]);
        (void)close(from[0]);
        (void)execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(from[1]);
    if (child < 0 || write(in[1], input.ptr, input.len) != (ssize_t)input.len)
        abort();
    (void)close(in[1]);
    while ((got = read(from[0], block, sizeof block)) > 0)
        buf_add(out, block, (size_t)got);
    (void)close(from[0]);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline bool test_has_openssl(void)
{
    static const char *const ARGV[] = {"openssl", "version", NULL};
    struct buf out = BUF(TEST_FILE_MAX);
    bool has = test_openssl(ARGV, (struct span){"", 0}, &out);
    buf_release(&out);
    return has;
}

#endif

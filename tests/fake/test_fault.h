/* test_fault.h: makes the n-th system call of one kind fail, or be the last, in a run of this very
 * test program: by strace, so that nothing in the product knows of it. */
#ifndef ACMEC_TESTS_TEST_FAULT_H
#define ACMEC_TESTS_TEST_FAULT_H

#include "fake/test_place.h"

#include <sys/wait.h>

/* Every call that changes a file or opens one. */
#define FAULT_CALLS                                                                                \
    "openat", "write", "pwrite64", "fsync", "flock", "fchmod", "fchown", "ftruncate", "rename",    \
        "renameat", "renameat2", "symlink", "mkdir", "unlink", "unlinkat", "rmdir", "getdents64"

/* Runs argv (NULL-terminated), quietly; its exit code, or 128 + signal. */
static inline int fault_spawn(const char *const *argv)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whether this machine lets us; under a sanitizer ptrace is taken. */
static inline bool fault_possible(void)
{
#ifdef ACMEC_SANITIZED
    return false;
#else
    static const char *const TRY[] = {"strace", "-qq",           "-o",   "/dev/null",
                                      "-e",     "trace=getppid", "true", NULL};
    return fault_spawn(TRY) == 0;
#endif
}

/* `self job dir` with strace's own words for what is put in ("bind:error=EACCES:when=2"). */
static inline int fault_run_with(const char *job, const char *dir, const char *fault)
{
    AUTO_FREE trace = mem_printf("trace=%.*s", (int)strcspn(fault, ":"), fault);
    AUTO_FREE inject = mem_printf("inject=%s", fault);
    const char *argv[] = {"strace", "-qq",  "-o", "/dev/null", "-e", trace,
                          "-e",     inject, "",   job,         dir,  NULL};
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len < 0 ? 0 : len] = '\0';
    argv[8] = self;
    return fault_spawn(argv);
}

/* `self job dir` with the n-th call failing ("error=ENOSPC") or killing ("signal=KILL"). */
static inline int fault_run(const char *job, const char *dir, const char *call, const char *how,
                            unsigned n)
{
    AUTO_FREE fault = mem_printf("%s:%s:when=%u", call, how, n);
    return fault_run_with(job, dir, fault);
}

/* How many calls of this kind an undisturbed `self job dir` makes. */
static inline unsigned fault_count(const char *job, const char *dir, const char *call)
{
    AUTO_FREE log = mem_printf("%s.trace", dir);
    AUTO_FREE trace = mem_printf("trace=%s", call);
    AUTO_FREE name = mem_printf("%s(", call);
    char self[4096], line[8192];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len < 0 ? 0 : len] = '\0';
    const char *argv[] = {"strace", "-qq", "-o", log, "-e", trace, self, job, dir, NULL};
    if (fault_spawn(argv) != 0)
        return 0;
    FILE *file = fopen(log, "r");
    unsigned count = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strncmp(line + strspn(line, "0123456789 "), name, strlen(name)) == 0;
    if (file != NULL)
        (void)fclose(file);
    (void)unlink(log);
    return count;
}

#endif

#include <acmec/cli/output.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_write(void **state)
{
    (void)state;
    int ends[2];
    char text[16] = "";
    struct error err = {0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(output_write(ends[1], SPAN_LIT("hello"), &err));
    assert_true(output_write(-1, SPAN_LIT(""), &err));
    assert_int_equal(read(ends[0], text, sizeof text - 1), 5);
    assert_string_equal(text, "hello");
    (void)close(ends[0]);
    assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
    assert_false(output_write(ends[1], SPAN_LIT("hello"), &err));
    assert_int_equal(err.code, ERR_FILES);
    (void)close(ends[1]);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_false(output_write(full, SPAN_LIT("hello"), &err));
    assert_non_null(strstr(err.text, "No space left"));
    (void)close(full);
}

/* In a child whose standard output is the descriptor: the exit code of a report. */
static int report_to(int fd, const char *about, bool json)
{
    pid_t child = fork();
    if (child == 0) {
        struct context context;
        struct error err;
        char *argv[] = {(char[]){"acmec"}, (char[]){"help"}, NULL};
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, STDERR_FILENO);
        (void)dup2(fd, STDOUT_FILENO);
        output_prepare();
        if (!context_parse(&context, 2, argv, &err))
            _exit(99);
        context.report.kind = REPORT_TEXT;
        context.report.text = BUF(64);
        buf_add_str(&context.report.text, about);
        int code = output_report(&context, json);
        context_release(&context);
        _exit(code);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_report(void **state)
{
    (void)state;
    int ends[2];
    char text[1024] = "";
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(report_to(ends[1], "hello\n", false), 0);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    assert_string_equal(text, "hello\n");
    memset(text, 0, sizeof text);
    assert_int_equal(report_to(ends[1], "hello\n", true), 0);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    assert_int_equal(strncmp(text, "{\"acmec\":\"", 10), 0);
    assert_non_null(strstr(text, "\"command\":\"help\""));
    (void)close(ends[0]);
    assert_int_equal(report_to(ends[1], "hello\n", false), 7);
    assert_int_equal(report_to(ends[1], "", false), 0);
    (void)close(ends[1]);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(report_to(full, "hello\n", true), 7);
    (void)close(full);
}

static void test_closed_streams(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct error err;
        (void)close(STDIN_FILENO);
        (void)close(STDOUT_FILENO);
        output_prepare();
        int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
        bool good = next > STDERR_FILENO && !output_write(STDOUT_FILENO, SPAN_LIT("x"), &err);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The exit code of a prepared program that gets a signal which was at first handled so. */
static int signalled(int number, void (*before)(int))
{
    pid_t child = fork();
    if (child == 0) {
        (void)signal(number, before);
        output_prepare();
        (void)raise(number);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_signals(void **state)
{
    (void)state;
    assert_int_equal(signalled(SIGINT, SIG_DFL), 130);
    assert_int_equal(signalled(SIGTERM, SIG_DFL), 143);
    assert_int_equal(signalled(SIGHUP, SIG_DFL), 130);
    assert_int_equal(signalled(SIGHUP, SIG_IGN), 0);
    assert_int_equal(signalled(SIGPIPE, SIG_DFL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_closed_streams),
        cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

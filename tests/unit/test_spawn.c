#include "fake/test_place.h"

#include <acmec/io/spawn.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define OUTPUT_MAX 64
#define PATIENCE_MS 10000

static const char *const NO_ENVIRONMENT[] = {NULL};

static int64_t now_ms(void)
{
    struct clock clock = clock_system();
    return clock_mono_ms(&clock);
}

static struct child *start_shell(const char *script, const struct spawn_request *like)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct spawn_request request = *like;
    struct child *child = NULL;
    struct error err = {0};
    request.path = "/bin/sh";
    request.argv = argv;
    if (request.envp == NULL)
        request.envp = NO_ENVIRONMENT;
    if (request.output_max == 0)
        request.output_max = OUTPUT_MAX;
    if (!child_start(7, &request, 0, &child, &err))
        fail_msg("%s", err.text);
    assert_int_equal(child_id(child), 7);
    return child;
}

/* Steps at the moment `at` (of the child's own time) until it has ended. */
static void wait_for_end(struct child *child, int64_t at)
{
    int64_t until = now_ms() + PATIENCE_MS;
    while (!child_step(child, at)) {
        struct pollfd output = {.fd = child_fd(child), .events = POLLIN};
        assert_true(now_ms() < until);
        (void)poll(&output, 1, 10);
    }
    assert_int_equal(child_fd(child), -1);
    assert_int_equal(child_deadline_ms(child), INT64_MAX);
    assert_true(child_step(child, at)); /* again: the same */
}

static struct spawn_result run(const char *script, const struct spawn_request *like)
{
    struct spawn_result result;
    struct child *child = start_shell(script, like);
    wait_for_end(child, 0);
    child_result(child, &result);
    child_free(child);
    return result;
}

static void expect_output(const char *script, const struct spawn_request *like, const char *output)
{
    struct spawn_result result = run(script, like);
    assert_int_equal(result.exit_code, 0);
    assert_string_equal(buf_str(&result.output), output);
    buf_release(&result.output);
}

/* Reads until the child has said so much. */
static void wait_for_output(struct child *child)
{
    struct pollfd output = {.fd = child_fd(child), .events = POLLIN};
    assert_int_equal(poll(&output, 1, PATIENCE_MS), 1);
}

/* The pid that an output begins with. */
static pid_t pid_in(const char *output)
{
    return (pid_t)strtol(output, NULL, 10);
}

/* A zombie that its parent or init has not looked at yet is dead. */
static bool is_dead(pid_t pid)
{
    AUTO_FREE path = mem_printf("/proc/%d/stat", (int)pid);
    char line[512] = "";
    FILE *file = fopen(path, "re");
    bool there = file != NULL && fgets(line, sizeof line, file) != NULL;
    if (file != NULL)
        (void)fclose(file);
    const char *name_end = strrchr(line, ')');
    return !there || name_end == NULL || name_end[2] == 'Z';
}

static void expect_death(pid_t pid)
{
    assert_true(pid > 1);
    for (int i = 0; i < PATIENCE_MS / 10 && !is_dead(pid); i++)
        (void)poll(NULL, 0, 10);
    assert_true(is_dead(pid));
}

/* ---- how it ends ---- */

static void test_ends(void **state)
{
    static const struct {
        const char *script;
        int exit_code, signal;
    } rows[] = {
        {"exit 0", 0, 0},
        {"exit 3", 3, 0},
        {"exit 255", 255, 0},
        {"kill -TERM $$", -1, SIGTERM},
        {"kill -KILL $$", -1, SIGKILL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct spawn_result result = run(rows[i].script, &(struct spawn_request){0});
        assert_int_equal(result.exit_code, rows[i].exit_code);
        assert_int_equal(result.signal, rows[i].signal);
        assert_false(result.timed_out);
        assert_int_equal(result.output.len, 0);
        buf_release(&result.output);
    }
}

static void test_cannot_start(void **state)
{
    struct place place;
    (void)state;
    place_make(&place);
    place_write(&place, "plain", "#!/bin/sh\n");
    place_write(&place, "lost\033", "#!/no/interpreter\n");
    static const struct {
        const char *name, *text;
    } rows[] = {{"missing", "missing': No such file"},
                {"plain", "plain': Permission denied"},
                {"lost\033", "lost\\u{001B}': No such file"},
                {".", "Permission denied"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_FREE path = place_path(&place, rows[i].name);
        if (i == 2)
            assert_int_equal(chmod(path, 0755), 0);
        const char *argv[] = {"x", NULL};
        struct spawn_request request = {.path = path, .argv = argv, .envp = NO_ENVIRONMENT};
        struct child *child = (struct child *)&place;
        struct error err = {0};
        assert_false(child_start(1, &request, 0, &child, &err));
        assert_int_equal(err.code, ERR_HOOK);
        if (strstr(err.text, rows[i].text) == NULL)
            fail_msg("%s", err.text);
        assert_ptr_equal(child, &place);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie stays */
    }
    place_remove(&place);
}

/* ---- what it gets ---- */

static void test_surroundings(void **state)
{
    static const char *const environment[] = {"B=2", "A=1 1", NULL};
    (void)state;
    AUTO_FD leak = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(leak >= 0);
    (void)setenv("LEAKED", "x", 1);
    expect_output("echo $A,$B,$LEAKED", &(struct spawn_request){.envp = environment}, "1 1,2,\n");
    /* Nothing to read, and no descriptor but the three. */
    expect_output("cat; echo end", &(struct spawn_request){0}, "end\n");
    expect_output("cd /proc/self/fd; for f in *; do [ $f -gt 2 ] && [ -e /proc/$$/fd/$f ] && "
                  "readlink /proc/$$/fd/$f; done; echo end",
                  &(struct spawn_request){0}, "end\n");
    expect_output("echo to stderr >&2", &(struct spawn_request){0}, "to stderr\n");
    expect_output("[ $(cut -d' ' -f5 /proc/$$/stat) = $$ ] && echo leads its group",
                  &(struct spawn_request){0}, "leads its group\n");
}

/* Also where this process itself has less than three. */
static void test_without_input(void **state)
{
    (void)state;
    AUTO_FD before = fcntl(0, F_DUPFD_CLOEXEC, 10);
    (void)close(0);
    expect_output("cat; echo end", &(struct spawn_request){0}, "end\n");
    expect_output("readlink /proc/$$/fd/0", &(struct spawn_request){0}, "/dev/null\n");
    if (before >= 0)
        assert_int_equal(dup2(before, 0), 0);
}

/* What this process ignores or blocks does not hold for a child. */
static void test_signals(void **state)
{
    sigset_t blocked, before;
    (void)state;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    (void)signal(SIGPIPE, SIG_IGN);
    expect_output("grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2", &(struct spawn_request){0},
                  "0000000000000000\n0000000000000000\n");
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- what it says ---- */

static void test_last_words(void **state)
{
    const struct spawn_request small = {.output_max = 8};
    (void)state;
    expect_output("printf 12345678", &small, "12345678");
    expect_output("printf 123456789", &small, "23456789");
    struct spawn_result result = run("head -c 300000 /dev/zero; printf '%s' the-end", &small);
    assert_int_equal(result.exit_code, 0);
    assert_int_equal(result.output.len, 8);
    assert_memory_equal(result.output.data, "\0the-end", 8);
    assert_true(buf_ok(&result.output));
    buf_release(&result.output);
}

/* All that was said before the end is there in one step. */
static void test_said_before_end(void **state)
{
    struct spawn_result result;
    siginfo_t ended;
    (void)state;
    struct child *child = start_shell("head -c 60000 /dev/zero; printf end",
                                      &(struct spawn_request){.output_max = 100000});
    assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    assert_true(child_step(child, 0));
    child_result(child, &result);
    assert_int_equal(result.output.len, 60003);
    buf_release(&result.output);
    child_free(child);
}

static void test_secret_output(void **state)
{
    const struct spawn_request secret = {.output_max = 8, .secret_output = true};
    (void)state;
    expect_output("echo of no interest >&2; printf 12345678", &secret, "12345678");
    /* A key is whole, or it is none. */
    struct spawn_result result = run("printf 123456789", &secret);
    assert_false(buf_ok(&result.output));
    assert_true(result.output.secret);
    buf_release(&result.output);
}

static void test_errors_apart(void **state)
{
    const struct spawn_request apart = {.output_max = 8, .errors_apart = true};
    (void)state;
    struct spawn_result result = run("echo result; echo 0123456789 >&2", &apart);
    assert_string_equal(buf_str(&result.output), "result\n");
    assert_string_equal(buf_str(&result.errors), "3456789\n");
    buf_release(&result.output);
    buf_release(&result.errors);
}

static void test_input(void **state)
{
    static char bytes[200000]; /* more than a pipe would hold */
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    const struct spawn_request given = {.input = span_of(bytes, sizeof bytes)};
    expect_output("wc -c | tr -d ' '", &given, "200000\n");
    expect_output("wc -c | tr -d ' '", &(struct spawn_request){.output_max = 0}, "0\n");
}

/* One that never stops talking takes neither the memory nor the loop, and its time comes. */
static void test_flood(void **state)
{
    struct spawn_result result;
    (void)state;
    struct child *child = start_shell("exec yes", &(struct spawn_request){.timeout_ms = 100});
    for (int i = 0; i < 50; i++) {
        wait_for_output(child);
        assert_false(child_step(child, 99));
    }
    wait_for_end(child, 100);
    child_result(child, &result);
    assert_true(result.timed_out);
    assert_int_equal(result.signal, SIGTERM);
    assert_int_equal(result.output.len, OUTPUT_MAX);
    buf_release(&result.output);
    child_free(child);
}

/* A server that a hook started may keep the output open: the hook has ended all the same. */
static void test_grandchild(void **state)
{
    struct spawn_result result;
    (void)state;
    struct child *child = start_shell("sleep 60 & echo $!", &(struct spawn_request){0});
    wait_for_end(child, 0);
    child_result(child, &result);
    assert_int_equal(result.exit_code, 0);
    pid_t grandchild = pid_in(buf_str(&result.output));
    assert_false(is_dead(grandchild));
    child_free(child);
    assert_false(is_dead(grandchild)); /* it is none of ours to end */
    (void)kill(grandchild, SIGKILL);
    buf_release(&result.output);
}

/* ---- its time ---- */

static void test_no_limit(void **state)
{
    (void)state;
    struct child *child = start_shell("echo x; sleep 60", &(struct spawn_request){0});
    assert_int_equal(child_deadline_ms(child), INT64_MAX);
    wait_for_output(child);
    assert_false(child_step(child, INT64_MAX - 1));
    child_free(child);
}

static void test_time_limit(void **state)
{
    struct spawn_result result;
    (void)state;
    struct child *child =
        start_shell("exec 2>/dev/null; trap 'echo asked; exit 4' TERM; echo ready; while :; do "
                    "sleep 0.01; done",
                    &(struct spawn_request){.timeout_ms = 1000});
    assert_int_equal(child_deadline_ms(child), 1000);
    wait_for_output(child);
    assert_false(child_step(child, 999));
    assert_int_equal(child_deadline_ms(child), 1000);
    assert_false(child_step(child, 1000));
    assert_int_equal(child_deadline_ms(child), 1000 + CHILD_GRACE_MS);
    wait_for_end(child, 1001);
    child_result(child, &result);
    assert_true(result.timed_out);
    assert_int_equal(result.exit_code, 4);
    assert_string_equal(buf_str(&result.output), "ready\nasked\n");
    buf_release(&result.output);
    child_free(child);
}

/* One that does not hear goes with its whole group. */
static void test_deaf(void **state)
{
    struct spawn_result result;
    (void)state;
    struct child *child = start_shell("trap '' TERM; sleep 60 & echo $!; wait",
                                      &(struct spawn_request){.timeout_ms = 1000});
    wait_for_output(child);
    assert_false(child_step(child, 1000));
    assert_false(child_step(child, 1000 + CHILD_GRACE_MS - 1));
    wait_for_end(child, 1000 + CHILD_GRACE_MS);
    child_result(child, &result);
    assert_int_equal(result.signal, SIGKILL);
    assert_int_equal(result.exit_code, -1);
    expect_death(pid_in(buf_str(&result.output)));
    buf_release(&result.output);
    child_free(child);
}

static void test_free_ends(void **state)
{
    char said[64] = "", *rest;
    (void)state;
    child_free(NULL);
    struct child *child = start_shell("sleep 60 & echo $$ $!; wait", &(struct spawn_request){0});
    wait_for_output(child);
    assert_true(read(child_fd(child), said, sizeof said - 1) > 0);
    pid_t pid = (pid_t)strtol(said, &rest, 10);
    assert_false(is_dead(pid));
    child_free(child);
    assert_int_equal(waitpid(pid, NULL, 0), -1); /* reaped */
    expect_death(pid_in(rest));                  /* and its group gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_surroundings),
        cmocka_unit_test(test_without_input),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_said_before_end),
        cmocka_unit_test(test_secret_output),
        cmocka_unit_test(test_errors_apart),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_grandchild),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_time_limit),
        cmocka_unit_test(test_deaf),
        cmocka_unit_test(test_free_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/fake_worker.h"

#include <acmec/base/clock.h>
#include <acmec/io/worker.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SAY 64 /* a frame of the fake workers here */
#define PATIENCE_MS 10000

/* ---- roles ---- */

static void say(struct fake_worker *worker, const char *text)
{
    size_t begin = frame_begin(&worker->out, SAY);
    buf_add_str(&worker->out, text);
    frame_end(&worker->out, begin);
}

static void play_echo(struct fake_worker *worker)
{
    struct span payload;
    for (;;) {
        uint8_t type = fake_worker_read(worker, &payload);
        size_t begin = frame_begin(&worker->out, type);
        buf_add_span(&worker->out, payload);
        frame_end(&worker->out, begin);
    }
}

/* What it was given: "variables|signals blocked|descriptors|uid gid parent". */
static void play_describe(struct fake_worker *worker)
{
    size_t variables = 0;
    sigset_t blocked;
    AUTO(buf) text = BUF(4096);
    for (char **at = environ; *at != NULL; at++)
        variables++;
    (void)sigprocmask(SIG_BLOCK, NULL, &blocked);
    buf_addf(&text, "%zu|%d|", variables, sigismember(&blocked, SIGTERM));
    for (int fd = 0; fd < FAKE_WORKER_FD; fd++) {
        struct stat status;
        bool null = fstat(fd, &status) == 0 && status.st_rdev == makedev(1, 3);
        buf_add_str(&text, null ? "null " : "? ");
    }
    for (int fd = FAKE_WORKER_FD; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            buf_addf(&text, "%d ", fd);
    buf_addf(&text, "|%s %s %s", worker->argv[1], worker->argv[2], worker->argv[3]);
    say(worker, buf_str(&text));
    fake_worker_idle(worker);
}

/* Writes its number into each descriptor that was passed. */
static void play_passed(struct fake_worker *worker)
{
    for (int fd = FAKE_WORKER_FD + 1; fcntl(fd, F_GETFD) >= 0; fd++)
        (void)!write(fd, &fd, sizeof fd);
    say(worker, "written");
    fake_worker_idle(worker);
}

static void play_too_long(struct fake_worker *worker)
{
    fake_worker_send_raw(worker, "\x00\x20\x00\x01\x40", 5);
    fake_worker_hang();
}

static void play_empty(struct fake_worker *worker)
{
    fake_worker_send_raw(worker, "\0\0\0\0", 4);
    fake_worker_hang();
}

static void play_half(struct fake_worker *worker)
{
    fake_worker_send_raw(worker, "\x00\x00\x00\x09\x40zzz", 8);
}

static void play_says(struct fake_worker *worker)
{
    say(worker, "something");
    fake_worker_flush(worker);
    fake_worker_hang();
}

static void play_ends(struct fake_worker *worker)
{
    (void)worker;
}

static void play_hang(struct fake_worker *worker)
{
    (void)worker;
    fake_worker_hang();
}

static void play_flood(struct fake_worker *worker)
{
    for (;;) {
        for (int i = 0; i < 4096; i++)
            say(worker, "x");
        fake_worker_flush(worker);
    }
}

/* Ends by itself when the keeper goes, and leaves a sign of it. */
static void play_tidy(struct fake_worker *worker)
{
    char byte;
    AUTO_FREE sign = mem_printf("%s.tidy", worker->argv[0]);
    say(worker, "here");
    fake_worker_flush(worker);
    while (read(FAKE_WORKER_FD, &byte, 1) > 0)
        ;
    (void)close(open(sign, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static const struct fake_role roles[] = {
    {"echo", play_echo},         {"describe", play_describe}, {"passed", play_passed},
    {"too-long", play_too_long}, {"empty", play_empty},       {"half", play_half},
    {"says", play_says},         {"ends", play_ends},         {"hang", play_hang},
    {"flood", play_flood},       {"tidy", play_tidy},
};

/* ---- the keeper's side ---- */

static const struct worker_program program = {"acmec-fake", 0};

struct bed {
    struct place place;
    struct worker worker;
    struct buf said; /* payloads of all frames */
    size_t frames;
    bool refuses;
    const char *own_reason;
};

static int start(void **state)
{
    static struct bed bed;
    bed = (struct bed){.worker = {.fd = -1}, .said = BUF(64 * 1024 * 1024)};
    place_make(&bed.place);
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    struct bed *bed = *state;
    worker_end(&bed->worker);
    buf_release(&bed->said);
    place_remove(&bed->place);
    return 0;
}

static void start_role(struct bed *bed, const char *role, const int *passed, size_t count)
{
    struct error err = {0};
    fake_worker_install(&bed->place, program.name, role);
    if (!worker_start(&bed->worker, &program, bed->place.dir, passed, count, 1000, &err))
        fail_msg("%s", err.text);
    assert_true(worker_runs(&bed->worker));
    assert_int_equal(bed->worker.hello_deadline_ms, 1000 + WORKER_HELLO_MS);
    assert_int_equal(fcntl(bed->worker.fd, F_GETFD), FD_CLOEXEC);
}

static bool take(void *ctx, uint8_t type, struct span payload)
{
    struct bed *bed = ctx;
    assert_int_equal(type, SAY);
    bed->frames++;
    buf_add_span(&bed->said, payload);
    if (bed->own_reason != NULL)
        (void)snprintf(bed->worker.end_text, sizeof bed->worker.end_text, "%s", bed->own_reason);
    return !bed->refuses;
}

/* One step after something can be done. */
static bool step(struct bed *bed)
{
    struct worker_sink sink = {take, bed};
    struct pollfd socket = {.fd = bed->worker.fd, .events = worker_poll_events(&bed->worker)};
    assert_true(poll(&socket, 1, PATIENCE_MS) > 0);
    return worker_step(&bed->worker, &sink, 1000);
}

static void step_until_said(struct bed *bed, size_t len)
{
    while (bed->said.len < len)
        assert_true(step(bed));
}

static void expect_over(const struct bed *bed, const char *why)
{
    assert_false(worker_runs(&bed->worker));
    assert_int_equal(bed->worker.fd, -1);
    assert_string_equal(bed->worker.end_text, why);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* waited for */
    assert_int_equal(errno, ECHILD);
}

/* ---- starting ---- */

/* No variable, no signal blocked, what the first three descriptors are, and which others there are;
 * a sanitizer's report goes to stderr. */
#ifdef ACMEC_SANITIZED
#define SURROUNDINGS "0|0|null null ? 3 |"
#else
#define SURROUNDINGS "0|0|null null null 3 |"
#endif

static void test_surroundings(void **state)
{
    struct bed *bed = *state;
    AUTO_FD leak = fcntl(0, F_DUPFD, 100); /* without CLOEXEC, as a caller may leave one */
    sigset_t blocked, before;
    (void)setenv("LEAKED", "x", 1);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    start_role(bed, "describe", NULL, 0);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    step_until_said(bed, 10);
    AUTO_FREE tail = mem_printf(" %d", (int)getpid());
    const char *said = buf_str(&bed->said);
    size_t len = strlen(SURROUNDINGS);
    if (strncmp(said, SURROUNDINGS, len) != 0 || strstr(said + len, tail) == NULL)
        fail_msg("%s", said);
    assert_true(leak >= 100);
}

static unsigned uid_of(struct bed *bed, const struct worker_program *who)
{
    struct error err = {0};
    fake_worker_install(&bed->place, who->name, "describe");
    buf_clear(&bed->said);
    assert_true(worker_start(&bed->worker, who, bed->place.dir, NULL, 0, 0, &err));
    step_until_said(bed, 10);
    const char *at = strrchr(buf_str(&bed->said), '|') + 1;
    char *rest;
    unsigned uid = (unsigned)strtoul(at, &rest, 10);
    assert_int_equal(strtoul(rest, NULL, 10), uid);
    worker_end(&bed->worker);
    return strncmp(at, "- - ", 4) == 0 ? 0 : uid;
}

/* As root: the system's user of the name, else two numbers that nobody has. */
static void test_identity(void **state)
{
    static const struct worker_program first = {"acmec-fake", 0}, second = {"acmec-fake", 1};
    static const struct worker_program known = {"nobody", 0};
    struct bed *bed = *state;
    if (geteuid() != 0)
        skip();
    unsigned one = uid_of(bed, &first), two = uid_of(bed, &second);
    assert_in_range(one, 61184, 65519);
    assert_in_range(two, 61184, 65519);
    assert_int_not_equal(one, two);
    assert_int_equal(uid_of(bed, &known), 65534);
}

static void test_passed(void **state)
{
    struct bed *bed = *state;
    int ends[16][2], passed[17];
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(pipe2(ends[i], O_CLOEXEC), 0);
        passed[i] = ends[i][1];
    }
    passed[16] = passed[0];
    start_role(bed, "passed", passed, 16);
    step_until_said(bed, 7);
    for (size_t i = 0; i < 16; i++) {
        int number = 0;
        assert_int_equal(read(ends[i][0], &number, sizeof number), sizeof number);
        assert_int_equal(number, FAKE_WORKER_FD + 1 + (int)i);
        (void)close(ends[i][0]);
        (void)close(ends[i][1]);
    }
    worker_end(&bed->worker);
    struct error err = {0};
    assert_false(worker_start(&bed->worker, &program, bed->place.dir, passed, 17, 0, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_false(worker_runs(&bed->worker));
}

static void test_where(void **state)
{
    static const struct worker_program missing = {"acmec-missing", 0}, self = {"test_worker", 0};
    struct bed *bed = *state;
    struct error err = {0};
    place_write(&bed->place, program.name, "not executable");
    assert_false(worker_start(&bed->worker, &program, bed->place.dir, NULL, 0, 0, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, "/acmec-fake': Permission denied"));
    /* Without a folder: beside this program, else where an installed one would be. */
    assert_false(worker_start(&bed->worker, &missing, NULL, NULL, 0, 0, &err));
    assert_non_null(strstr(err.text, ACMEC_LIBEXEC_FROM_BIN "/acmec-missing': No such file"));
    assert_false(worker_runs(&bed->worker));
    assert_true(worker_start(&bed->worker, &self, NULL, NULL, 0, 0, &err));
    while (step(bed))
        ;
    expect_over(bed, "it ended");
}

/* ---- talking ---- */

/* More than the socket holds goes both ways, whole and in order. */
static void test_both_ways(void **state)
{
    struct bed *bed = *state;
    AUTO(buf) sent = BUF(16 * 1024 * 1024);
    start_role(bed, "echo", NULL, 0);
    assert_int_equal(worker_poll_events(&bed->worker), POLLIN);
    for (uint32_t i = 0; i < 200; i++) {
        size_t begin = frame_begin(&bed->worker.out, SAY);
        size_t from = bed->worker.out.len;
        for (uint32_t k = 0; k < 100 * i; k++)
            frame_put_u32(&bed->worker.out, i ^ k);
        buf_add(&sent, bed->worker.out.data + from, bed->worker.out.len - from);
        frame_end(&bed->worker.out, begin);
    }
    assert_int_equal(worker_poll_events(&bed->worker), POLLIN | POLLOUT);
    while (bed->frames < 200)
        assert_true(step(bed));
    assert_true(span_equals(buf_span(&bed->said), buf_span(&sent)));
    assert_int_equal(worker_poll_events(&bed->worker), POLLIN);
    assert_true(worker_runs(&bed->worker));
}

/* A flood is taken in portions, so that the rest of the loop has its turn. */
static void test_flood(void **state)
{
    struct bed *bed = *state;
    start_role(bed, "flood", NULL, 0);
    for (int i = 0; i < 20; i++) {
        size_t before = bed->frames;
        assert_true(step(bed));
        assert_true(bed->frames - before <= 16 * 65536 / 6 + 1);
    }
    assert_true(bed->frames > 0);
}

/* ---- what ends it ---- */

static void test_ends(void **state)
{
    static const struct {
        const char *role;
        bool refuses;
        const char *own_reason, *why;
    } rows[] = {
        {"ends", false, NULL, "it ended"},
        {"half", false, NULL, "it ended"},
        {"too-long", false, NULL, "it broke the protocol"},
        {"empty", false, NULL, "it broke the protocol"},
        {"says", true, NULL, "it broke the protocol"},
        {"says", true, "a reason of the link's own", "a reason of the link's own"},
    };
    struct bed *bed = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bed->refuses = rows[i].refuses;
        bed->own_reason = rows[i].own_reason;
        start_role(bed, rows[i].role, NULL, 0);
        while (step(bed))
            ;
        expect_over(bed, rows[i].why);
        worker_end(&bed->worker); /* again: nothing */
        worker_close(&bed->worker);
    }
}

static void test_no_hello(void **state)
{
    struct bed *bed = *state;
    struct worker_sink sink = {take, bed};
    start_role(bed, "hang", NULL, 0);
    assert_true(worker_step(&bed->worker, &sink, 1000 + WORKER_HELLO_MS - 1));
    bed->worker.greeted = true;
    assert_true(worker_step(&bed->worker, &sink, 1000 + WORKER_HELLO_MS));
    bed->worker.greeted = false;
    assert_false(worker_step(&bed->worker, &sink, 1000 + WORKER_HELLO_MS));
    expect_over(bed, "it did not start in time");
}

/* One that reads nothing: the queue has an end. */
static void test_deaf(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE much = mem_new(1, 1024 * 1024);
    start_role(bed, "hang", NULL, 0);
    for (int i = 0; i < 60; i++)
        buf_add(&bed->worker.out, much, 1024 * 1024);
    assert_true(step(bed));
    for (int i = 0; i < 8; i++)
        buf_add(&bed->worker.out, much, 1024 * 1024);
    struct worker_sink sink = {take, bed};
    assert_false(worker_step(&bed->worker, &sink, 1000));
    expect_over(bed, "it does not listen");
}

static void test_fail(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE long_reason = mem_new(1, 1000);
    memset(long_reason, 'x', 999);
    start_role(bed, "hang", NULL, 0);
    worker_fail(&bed->worker, long_reason);
    long_reason[sizeof bed->worker.end_text - 1] = '\0';
    expect_over(bed, long_reason);
}

static void test_close(void **state)
{
    struct bed *bed = *state;
    struct clock clock = clock_system();
    AUTO_FREE sign = mem_printf("%s.tidy", program.name);
    start_role(bed, "tidy", NULL, 0);
    step_until_said(bed, 4);
    worker_close(&bed->worker);
    assert_true(place_has(&bed->place, sign));
    assert_false(worker_runs(&bed->worker));
    start_role(bed, "hang", NULL, 0);
    int64_t before = clock_mono_ms(&clock);
    worker_close(&bed->worker);
    assert_in_range(clock_mono_ms(&clock) - before, 190, 5000);
    expect_over(bed, "");
    AUTO_FREE path = place_path(&bed->place, sign);
    assert_int_equal(unlink(path), 0);
    start_role(bed, "tidy", NULL, 0);
    bed->said.len = 0;
    step_until_said(bed, 4);
    worker_end(&bed->worker); /* at once */
    assert_false(place_has(&bed->place, sign));
}

int main(int argc, char **argv)
{
    fake_worker_main(argc, argv, roles, sizeof roles / sizeof roles[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_surroundings, start, end),
        cmocka_unit_test_setup_teardown(test_identity, start, end),
        cmocka_unit_test_setup_teardown(test_passed, start, end),
        cmocka_unit_test_setup_teardown(test_where, start, end),
        cmocka_unit_test_setup_teardown(test_both_ways, start, end),
        cmocka_unit_test_setup_teardown(test_flood, start, end),
        cmocka_unit_test_setup_teardown(test_ends, start, end),
        cmocka_unit_test_setup_teardown(test_no_hello, start, end),
        cmocka_unit_test_setup_teardown(test_deaf, start, end),
        cmocka_unit_test_setup_teardown(test_fail, start, end),
        cmocka_unit_test_setup_teardown(test_close, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/net_roles.h"
#include "fake/responder_roles.h"

#include <acmec/io/reactor.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

static const struct fake_role roles[] = {
    {"net-good", play_good}, {"net-kinds", play_kinds},          {"net-late", play_late},
    {"net-ends", play_ends}, {"responder-good", responder_good}, {"responder-ends", responder_ends},
};

static const char *const NO_ENVIRONMENT[] = {NULL};

struct bed {
    struct place place;
    struct reactor *reactor;
    const struct ports *ports;
};

static int start(void **state)
{
    static const struct http_settings settings = {.user_agent = "acmec/test", .proxy = "p"};
    static struct bed bed;
    struct error err = {0};
    place_make(&bed.place);
    fake_worker_install(&bed.place, "acmec-net", "net-good");
    fake_worker_install(&bed.place, "acmec-responder", "responder-good");
    if (!reactor_new(&settings, bed.place.dir, &bed.reactor, &err))
        return -1;
    bed.ports = reactor_ports(bed.reactor);
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    struct bed *bed = *state;
    reactor_free(bed->reactor);
    place_remove(&bed->place);
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1; /* nobody is left */
}

static struct event next(const struct bed *bed, int64_t deadline_ms)
{
    struct event event;
    memset(&event, 0x55, sizeof event);
    bed->ports->events->ops->wait(bed->ports->events, deadline_ms, &event);
    return event;
}

static int64_t now_ms(const struct bed *bed)
{
    return clock_mono_ms(bed->ports->clock);
}

static bool spawn(const struct bed *bed, uint64_t id, const char *script, unsigned timeout_ms,
                  struct error *err)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    const struct spawn_request request = {.path = "/bin/sh",
                                          .argv = argv,
                                          .envp = NO_ENVIRONMENT,
                                          .timeout_ms = timeout_ms,
                                          .output_max = 64};
    return bed->ports->spawn->ops->start(bed->ports->spawn, id, &request, err);
}

static void spawn_good(const struct bed *bed, uint64_t id, const char *script, unsigned timeout_ms)
{
    struct error err = {0};
    if (!spawn(bed, id, script, timeout_ms, &err))
        fail_msg("%s", err.text);
}

static void submit(const struct bed *bed, uint64_t id)
{
    struct error err = {0};
    AUTO_FREE url = mem_strdup("https://ca.example/");
    const struct http_request request = {.method = HTTP_GET, .url = url};
    if (!bed->ports->http->ops->submit(bed->ports->http, id, &request, &err))
        fail_msg("%s", err.text);
}

/* ---- time ---- */

static void test_deadlines(void **state)
{
    const struct bed *bed = *state;
    int64_t before = now_ms(bed);
    assert_int_equal(next(bed, before - 1).kind, EVENT_TIMEOUT);
    assert_int_equal(next(bed, INT64_MIN).kind, EVENT_TIMEOUT);
    assert_in_range(now_ms(bed) - before, 0, 5000);
    assert_int_equal(next(bed, before + 40).kind, EVENT_TIMEOUT);
    assert_in_range(now_ms(bed) - before, 40, 5000);
    assert_in_range(clock_wall(bed->ports->clock), 1700000000, INT32_MAX * INT64_C(4));
}

/* What has happened already is told, also past the deadline. */
static void test_past_deadline(void **state)
{
    const struct bed *bed = *state;
    siginfo_t ended;
    spawn_good(bed, 5, "exit 3", 0);
    assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    struct event event = next(bed, INT64_MIN);
    assert_int_equal(event.kind, EVENT_CHILD);
    assert_int_equal(event.id, 5);
    assert_int_equal(event.child.exit_code, 3);
    event_release(&event);
    assert_int_equal(next(bed, INT64_MIN).kind, EVENT_TIMEOUT);
}

/* ---- workers ---- */

static void test_http(void **state)
{
    const struct bed *bed = *state;
    submit(bed, 1);
    struct event event = next(bed, INT64_MAX);
    assert_int_equal(event.kind, EVENT_HTTP);
    assert_int_equal(event.id, 1);
    assert_non_null(strstr(buf_str(&event.response.body), "|acmec/test||p|"));
    event_release(&event);
}

static void test_kinds(void **state)
{
    const struct bed *bed = *state;
    const struct ports *ports = bed->ports;
    struct error err = {0};
    AUTO(tls_request) probe = {.address = mem_strdup("192.0.2.7"), .port = 443};
    AUTO(dns_query) query = {.name = mem_strdup("a.example"), .type = DNS_A};
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        fake_worker_install(&bed->place, "acmec-net", "net-kinds");
        assert_true(ports->dns->ops->submit(ports->dns, 6, &query, &err));
        assert_true(ports->probe->ops->submit(ports->probe, 6, &probe, &err));
        submit(bed, 6);
        enum event_kind kinds[] = {EVENT_PROBE, EVENT_DNS, EVENT_HTTP};
        if (cancelled != 0) {
            ports->dns->ops->cancel(ports->dns, 6);
            ports->probe->ops->cancel(ports->probe, 6);
        }
        for (size_t i = cancelled == 0 ? 0 : 2; i < 3; i++) {
            struct event event = next(bed, INT64_MAX);
            assert_int_equal(event.kind, kinds[i]);
            assert_int_equal(event.id, 6);
            assert_int_equal(event.failure, HTTP_FAIL_NONE);
            event_release(&event);
        }
        int status = end(state);
        assert_int_equal(status, 0);
        assert_int_equal(start(state), 0);
        bed = *state;
        ports = bed->ports;
    }
}

static void test_cancel(void **state)
{
    const struct bed *bed = *state;
    fake_worker_install(&bed->place, "acmec-net", "net-late");
    submit(bed, 1);
    bed->ports->http->ops->cancel(bed->ports->http, 1);
    submit(bed, 2);
    struct event event = next(bed, INT64_MAX);
    assert_int_equal(event.id, 2);
    event_release(&event);
}

static void test_lost_worker(void **state)
{
    const struct bed *bed = *state;
    fake_worker_install(&bed->place, "acmec-net", "net-ends");
    submit(bed, 1);
    struct event event = next(bed, INT64_MAX);
    assert_int_equal(event.kind, EVENT_HTTP);
    assert_int_equal(event.failure, HTTP_FAIL_WORKER);
    event_release(&event);
}

static void test_proof(void **state)
{
    const struct bed *bed = *state;
    struct proof_port *proof = bed->ports->proof;
    const struct tls_answer tls = {"b.example", SPAN_LIT("cert"), SPAN_LIT("key")};
    struct error err = {0};
    assert_true(proof->ops->listen(proof, "127.0.0.1", 0, false, &err));
    assert_true(proof->ops->add(proof, "a", "a.thumbprint", &err));
    static const enum event_kind kinds[] = {EVENT_PROOF_READY, EVENT_PROOF_HIT};
    for (size_t i = 0; i < 4; i++) {
        struct event event = next(bed, INT64_MAX);
        assert_int_equal(event.kind, kinds[i % 2]);
        assert_string_equal(event.token, i < 2 ? "a" : "b");
        if (i == 1)
            proof->ops->remove(proof, "a");
        if (i == 1)
            assert_true(proof->ops->add_tls(proof, "b", &tls, &err));
    }
    assert_true(place_holds(&bed->place, "said",
                            "hello " ACMEC_VERSION " 1 0\nadd a a.thumbprint\nremove a\n"
                            "add-tls b b.example\n"));
}

static void test_lost_proof(void **state)
{
    const struct bed *bed = *state;
    struct proof_port *proof = bed->ports->proof;
    struct error err = {0};
    fake_worker_install(&bed->place, "acmec-responder", "responder-ends");
    assert_true(proof->ops->add(proof, "a", "a.thumbprint", &err));
    struct event event = next(bed, INT64_MAX);
    assert_int_equal(event.kind, EVENT_PROOF_LOST);
    assert_string_equal(event.error.text, "the responder failed: it ended");
}

/* ---- children ---- */

static void test_children(void **state)
{
    const struct bed *bed = *state;
    bool seen[5] = {false};
    spawn_good(bed, 1, "read x; exit 1", 0); /* nothing to read */
    for (uint64_t id = 2; id <= 4; id++)
        spawn_good(bed, id, id == 4 ? "trap '' TERM; kill -KILL $$" : "echo said; exit 2", 0);
    for (int i = 0; i < 4; i++) {
        struct event event = next(bed, INT64_MAX);
        assert_int_equal(event.kind, EVENT_CHILD);
        assert_in_range(event.id, 1, 4);
        assert_false(seen[event.id]);
        seen[event.id] = true;
        assert_int_equal(event.child.exit_code, event.id == 4 ? -1 : event.id == 1 ? 1 : 2);
        assert_string_equal(buf_str(&event.child.output),
                            event.id == 2 || event.id == 3 ? "said\n" : "");
        event_release(&event);
    }
}

/* Nobody else wakes the loop when a child's time is over. */
static void test_child_time(void **state)
{
    const struct bed *bed = *state;
    spawn_good(bed, 1, "exec sleep 60", 50);
    struct event event = next(bed, INT64_MAX);
    assert_int_equal(event.kind, EVENT_CHILD);
    assert_true(event.child.timed_out);
    assert_int_equal(event.child.signal, SIGTERM);
    event_release(&event);
}

static void test_many_children(void **state)
{
    const struct bed *bed = *state;
    struct error err = {0};
    uint64_t id = 0;
    while (spawn(bed, ++id, "exec sleep 60", 0, &err) && id < 100)
        ;
    assert_int_equal(id, 65);
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, "more than 64"));
}

/* One that cannot be started takes no place. */
static void test_no_child(void **state)
{
    const struct bed *bed = *state;
    const char *argv[] = {"x", NULL};
    const struct spawn_request request = {.path = "/missing", .argv = argv, .envp = NO_ENVIRONMENT};
    struct error err = {0};
    for (uint64_t id = 1; id <= 70; id++)
        assert_false(bed->ports->spawn->ops->start(bed->ports->spawn, id, &request, &err));
    assert_int_equal(err.code, ERR_HOOK);
    assert_int_equal(next(bed, INT64_MIN).kind, EVENT_TIMEOUT);
}

/* ---- signals ---- */

static void test_signals(void **state)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    const struct bed *bed = *state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(kill(getpid(), numbers[i]), 0);
        struct event event = next(bed, INT64_MAX);
        assert_int_equal(event.kind, EVENT_SIGNAL);
        assert_int_equal(event.signal, numbers[i]);
    }
    assert_int_equal(kill(getpid(), SIGCHLD), 0);
    assert_int_equal(kill(getpid(), SIGPIPE), 0); /* ignored */
    assert_int_equal(next(bed, INT64_MIN).kind, EVENT_TIMEOUT);
}

static bool is_blocked(int number)
{
    sigset_t blocked;
    (void)sigprocmask(SIG_BLOCK, NULL, &blocked);
    return sigismember(&blocked, number) == 1;
}

/* After it all is as before; what nohup ignores stays ignored meanwhile. */
static void test_restored(void **state)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGCHLD};
    struct bed *bed = *state;
    struct sigaction pipe_action;
    reactor_free(bed->reactor);
    bed->reactor = NULL;
    reactor_free(NULL);
    for (size_t i = 0; i < 4; i++)
        assert_false(is_blocked(numbers[i]));
    assert_int_equal(sigaction(SIGPIPE, NULL, &pipe_action), 0);
    assert_true(pipe_action.sa_handler == SIG_DFL);
    (void)signal(SIGHUP, SIG_IGN);
    const struct http_settings settings = {.user_agent = "acmec/test"};
    struct error err = {0};
    assert_true(reactor_new(&settings, bed->place.dir, &bed->reactor, &err));
    bed->ports = reactor_ports(bed->reactor);
    assert_false(is_blocked(SIGHUP));
    assert_true(is_blocked(SIGTERM));
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(next(bed, INT64_MIN).kind, EVENT_TIMEOUT);
    (void)signal(SIGHUP, SIG_DFL);
}

/* It ends whoever still runs, and tells nobody of what was not asked for. */
static void test_end(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    spawn_good(bed, 1, "trap '' TERM; while :; do sleep 1; done", 0);
    spawn_good(bed, 2, "exit 0", 0);
    submit(bed, 1);
    assert_true(bed->ports->proof->ops->add(bed->ports->proof, "a", "a.x", &err));
    assert_int_equal(kill(getpid(), SIGTERM), 0); /* waits in the descriptor, and is taken */
    struct event event = next(bed, INT64_MAX);
    assert_int_equal(event.kind, EVENT_SIGNAL);
    event_release(&event);
}

int main(int argc, char **argv)
{
    fake_worker_main(argc, argv, roles, sizeof roles / sizeof roles[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deadlines, start, end),
        cmocka_unit_test_setup_teardown(test_past_deadline, start, end),
        cmocka_unit_test_setup_teardown(test_http, start, end),
        cmocka_unit_test_setup_teardown(test_kinds, start, end),
        cmocka_unit_test_setup_teardown(test_cancel, start, end),
        cmocka_unit_test_setup_teardown(test_lost_worker, start, end),
        cmocka_unit_test_setup_teardown(test_proof, start, end),
        cmocka_unit_test_setup_teardown(test_lost_proof, start, end),
        cmocka_unit_test_setup_teardown(test_children, start, end),
        cmocka_unit_test_setup_teardown(test_child_time, start, end),
        cmocka_unit_test_setup_teardown(test_many_children, start, end),
        cmocka_unit_test_setup_teardown(test_no_child, start, end),
        cmocka_unit_test_setup_teardown(test_signals, start, end),
        cmocka_unit_test_setup_teardown(test_restored, start, end),
        cmocka_unit_test_setup_teardown(test_end, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

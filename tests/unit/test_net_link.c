#include "fake/net_roles.h"

#include <acmec/base/log.h>
#include <acmec/io/net_link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

/* ---- the keeper's side ---- */

struct bed {
    struct clock clock;
    int64_t ms;
    struct place place;
    struct events events;
    struct net_link *link;
};

static int64_t bed_ms(struct clock *clock)
{
    return ((struct bed *)(void *)clock)->ms;
}

static const struct clock_ops bed_clock = {bed_ms, bed_ms};

static int start(void **state)
{
    static struct bed bed;
    bed = (struct bed){.clock = {&bed_clock}, .ms = 1000};
    place_make(&bed.place);
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    struct bed *bed = *state;
    net_link_free(bed->link);
    events_release(&bed->events);
    place_remove(&bed->place);
    return 0;
}

static void open_link(struct bed *bed, const char *role, const struct http_settings *settings)
{
    net_link_free(bed->link);
    fake_worker_install(&bed->place, "acmec-net", role);
    bed->link = net_link_new(settings, bed->place.dir, &bed->clock, &bed->events);
    assert_int_equal(net_link_fd(bed->link), -1);
    assert_int_equal(net_link_deadline_ms(bed->link), INT64_MAX);
    net_link_step(bed->link); /* nothing runs: nothing happens */
}

static const struct http_settings plain = {.user_agent = "acmec/test"};

static bool submit(struct bed *bed, uint64_t id, const char *url, struct error *err)
{
    AUTO_FREE owned = mem_strdup(url);
    struct http_request request = {.method = HTTP_GET, .url = owned, .body = BUF(16)};
    return net_link_submit(bed->link, id, &request, err);
}

static void submit_good(struct bed *bed, uint64_t id, const char *url)
{
    struct error err = {0};
    if (!submit(bed, id, url, &err))
        fail_msg("%s", err.text);
}

/* Steps until there is an event. */
static struct event next_event(struct bed *bed)
{
    struct event event;
    while (!events_pop(&bed->events, &event)) {
        struct pollfd socket = {net_link_fd(bed->link), net_link_poll_events(bed->link), 0};
        assert_int_not_equal(socket.fd, -1);
        assert_true(poll(&socket, 1, PATIENCE_MS) > 0);
        net_link_step(bed->link);
    }
    return event;
}

/* ---- expectations ---- */

static void expect_reply(struct bed *bed, uint64_t id, const char *body)
{
    struct event event = next_event(bed);
    assert_int_equal(event.kind, EVENT_HTTP);
    assert_int_equal(event.id, id);
    assert_int_equal(event.failure, HTTP_FAIL_NONE);
    assert_int_equal(event.response.status, 200);
    assert_string_equal(buf_str(&event.response.body), body);
    event_release(&event);
}

static void expect_failure(struct bed *bed, uint64_t id, enum http_failure failure,
                           const char *text)
{
    struct event event = next_event(bed);
    assert_int_equal(event.kind, EVENT_HTTP);
    assert_int_equal(event.id, id);
    assert_int_equal(event.failure, failure);
    assert_string_equal(event.failure_text, text);
    event_release(&event);
}

static void expect_nothing(struct bed *bed)
{
    struct event event;
    assert_false(events_pop(&bed->events, &event));
}

/* ---- a good worker ---- */

static void clear_environment(void)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY",   "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
}

static void test_settings(void **state)
{
    static const struct {
        const char *names[3], *values[3]; /* environment */
        struct http_settings settings;
        const char *seen;
    } rows[] = {
        {{NULL}, {NULL}, {.user_agent = "a"}, "a||-|-"},
        {{NULL}, {NULL}, {.user_agent = "a", .ca_bundle = {"pem", 3}}, "a|pem|-|-"},
        {{"https_proxy", "all_proxy", "no_proxy"},
         {"h", "all", "n"},
         {.user_agent = "a"},
         "a||h|n"},
        {{"HTTPS_PROXY", "NO_PROXY"}, {"H", "N"}, {.user_agent = "a"}, "a||H|N"},
        {{"https_proxy", "all_proxy"}, {"", "all"}, {.user_agent = "a"}, "a||all|-"},
        {{"ALL_PROXY"}, {"ALL"}, {.user_agent = "a"}, "a||ALL|-"},
        {{"https_proxy", "no_proxy"},
         {"h", "n"},
         {.user_agent = "a", .proxy = "p", .no_proxy = "np"},
         "a||p|np"},
        {{"https_proxy", "HTTPS_PROXY"}, {"", "H"}, {.user_agent = "a"}, "a||H|-"},
        {{"NO_PROXY"}, {""}, {.user_agent = "a"}, "a||-|-"},
        {{"http_proxy"}, {"only for plain http"}, {.user_agent = "a"}, "a||-|-"},
    };
    struct bed *bed = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clear_environment();
        for (size_t k = 0; k < 3 && rows[i].names[k] != NULL; k++)
            (void)setenv(rows[i].names[k], rows[i].values[k], 1);
        open_link(bed, "good", &rows[i].settings);
        clear_environment();
        submit_good(bed, 1, "https://ca.example/");
        AUTO_FREE body = mem_printf("%s|%s|https://ca.example/", ACMEC_VERSION, rows[i].seen);
        expect_reply(bed, 1, body);
    }
}

static void test_replies(void **state)
{
    struct bed *bed = *state;
    open_link(bed, "disorder", &plain);
    submit_good(bed, 8, "https://ca.example/first");
    submit_good(bed, 9, "https://ca.example/second");
    assert_int_not_equal(net_link_fd(bed->link), -1);
    expect_reply(bed, 9, "https://ca.example/second");
    expect_reply(bed, 8, "https://ca.example/first");
    expect_nothing(bed);
}

static void ask_all(struct bed *bed, uint64_t id)
{
    struct error err = {0};
    AUTO(tls_request) probe = {.address = mem_strdup("192.0.2.7"), .port = 443};
    AUTO(dns_query) query = {.name = mem_strdup("a.example"), .type = DNS_A};
    assert_true(net_link_query(bed->link, id, &query, &err));
    assert_true(net_link_probe(bed->link, id, &probe, &err));
    submit_good(bed, id, "https://ca.example/");
}

/* Each port counts its ids by itself: the same one is three questions. */
static void test_kinds(void **state)
{
    struct bed *bed = *state;
    open_link(bed, "kinds", &plain);
    ask_all(bed, 4);
    struct event seen = next_event(bed);
    assert_int_equal(seen.kind, EVENT_PROBE);
    assert_int_equal(seen.id, 4);
    assert_string_equal(buf_str(&seen.tls.chain[0]), "192.0.2.7");
    event_release(&seen);
    struct event answer = next_event(bed);
    assert_int_equal(answer.kind, EVENT_DNS);
    assert_int_equal(answer.id, 4);
    assert_int_equal(answer.dns.rcode, DNS_NXDOMAIN);
    event_release(&answer);
    expect_reply(bed, 4, "https://ca.example/");
    /* Only what was meant is forgotten; what is left fails as its kind. */
    open_link(bed, "kinds", &plain);
    ask_all(bed, 4);
    net_link_cancel(bed->link, EVENT_PROBE, 4);
    net_link_cancel(bed->link, EVENT_DNS, 4);
    expect_reply(bed, 4, "https://ca.example/");
    expect_nothing(bed);
    open_link(bed, "silent", &plain);
    ask_all(bed, 4);
    bed->ms += WORKER_HELLO_MS;
    static const enum event_kind kinds[] = {EVENT_DNS, EVENT_PROBE, EVENT_HTTP};
    net_link_step(bed->link);
    for (size_t i = 0; i < 3; i++) {
        struct event event = next_event(bed);
        assert_int_equal(event.kind, kinds[i]);
        assert_int_equal(event.failure, HTTP_FAIL_WORKER);
        event_release(&event);
    }
}

static void test_failure(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    AUTO_FREE log = place_path(&bed->place, "log");
    log_set_level(LOG_LEVEL_DEBUG);
    assert_true(log_open(log, &err));
    open_link(bed, "fails", &plain);
    submit_good(bed, 1, "https://ca.example/");
    expect_failure(bed, 1, HTTP_FAIL_TLS, "no \\u{001B}[2J cipher");
    log_close();
    log_set_level(LOG_LEVEL_WARN);
    AUTO_FREE lines = place_read(&bed->place, "log");
    assert_non_null(strstr(lines, "acmec-net: log \\u{001B}[2J line\n"));
    assert_null(strchr(lines, '\033'));
}

/* A cancelled exchange brings no event, whatever is said of it later. */
static void test_cancel(void **state)
{
    struct bed *bed = *state;
    open_link(bed, "late", &plain);
    net_link_cancel(bed->link, EVENT_HTTP, 5); /* unknown: nothing */
    submit_good(bed, 1, "https://ca.example/");
    net_link_cancel(bed->link, EVENT_HTTP, 1);
    submit_good(bed, 2, "https://ca.example/");
    expect_reply(bed, 2, "in time");
    expect_nothing(bed);
    open_link(bed, "ends", &plain);
    submit_good(bed, 3, "https://ca.example/");
    submit_good(bed, 4, "https://ca.example/");
    net_link_cancel(bed->link, EVENT_HTTP, 3);
    expect_failure(bed, 4, HTTP_FAIL_WORKER, "it ended");
    expect_nothing(bed);
}

/* ---- a bad one ---- */

/* Each lie ends it; what is outstanding fails with it, what was answered stays answered. */
static void test_lies(void **state)
{
    struct bed *bed = *state;
    for (size_t i = 0; i < NET_LIES; i++) {
        open_link(bed, net_lies[i].role, &plain);
        submit_good(bed, 1, "https://ca.example/");
        submit_good(bed, 2, "https://ca.example/");
        if (net_lies[i].answered)
            expect_reply(bed, 1, "");
        else
            expect_failure(bed, 1, HTTP_FAIL_WORKER, "it broke the protocol");
        expect_failure(bed, 2, HTTP_FAIL_WORKER, "it broke the protocol");
        expect_nothing(bed);
        assert_int_equal(net_link_fd(bed->link), -1);
        assert_int_equal(net_link_deadline_ms(bed->link), INT64_MAX);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* killed and reaped */
    }
}

/* It is started once more, and then no more: the run fails as `network`. */
static void test_starts(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    open_link(bed, "ends", &plain);
    for (uint64_t id = 1; id <= 2; id++) {
        submit_good(bed, id, "https://ca.example/");
        expect_failure(bed, id, HTTP_FAIL_WORKER, "it ended");
    }
    fake_worker_install(&bed->place, "acmec-net", "good");
    assert_false(submit(bed, 3, "https://ca.example/", &err));
    assert_int_equal(err.code, ERR_NETWORK);
    assert_string_equal(err.text, "the network process failed: it ended");
    expect_nothing(bed);
}

static void test_second_is_good(void **state)
{
    struct bed *bed = *state;
    open_link(bed, "no-hello", &plain);
    submit_good(bed, 1, "https://ca.example/");
    expect_failure(bed, 1, HTTP_FAIL_WORKER, "it broke the protocol");
    fake_worker_install(&bed->place, "acmec-net", "good");
    submit_good(bed, 2, "https://ca.example/");
    AUTO_FREE body = mem_printf("%s|acmec/test||-|-|https://ca.example/", ACMEC_VERSION);
    expect_reply(bed, 2, body);
}

static void test_other_version(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    clear_environment();
    open_link(bed, "other-version", &plain);
    submit_good(bed, 1, "https://ca.example/");
    expect_failure(bed, 1, HTTP_FAIL_WORKER, "acmec was upgraded while it ran, run it again");
    assert_false(submit(bed, 2, "https://ca.example/", &err));
    assert_int_equal(err.code, ERR_NETWORK);
    assert_non_null(strstr(err.text, "acmec was upgraded while it ran, run it again"));
}

static void test_cannot_start(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    bed->link = net_link_new(&plain, "/missing", &bed->clock, &bed->events);
    assert_false(submit(bed, 1, "https://ca.example/", &err));
    assert_int_equal(err.code, ERR_FILES);
    expect_nothing(bed);
}

static void test_silent(void **state)
{
    struct bed *bed = *state;
    open_link(bed, "silent", &plain);
    submit_good(bed, 1, "https://ca.example/");
    assert_int_equal(net_link_deadline_ms(bed->link), 1000 + WORKER_HELLO_MS);
    bed->ms = 1000 + WORKER_HELLO_MS - 1;
    net_link_step(bed->link);
    expect_nothing(bed);
    bed->ms++;
    net_link_step(bed->link);
    expect_failure(bed, 1, HTTP_FAIL_WORKER, "it did not start in time");
}

/* One that answers nothing is given the exchange's own time, and some more. */
static void test_hangs(void **state)
{
    struct bed *bed = *state;
    open_link(bed, "hangs", &plain);
    submit_good(bed, 9, "https://ca.example/");
    expect_reply(bed, 9, "one and no more");
    AUTO_FREE url = mem_strdup("https://ca.example/");
    struct http_request quick = {.method = HTTP_GET, .url = url, .timeout_ms = 500};
    struct error err = {0};
    assert_true(net_link_submit(bed->link, 1, &quick, &err));
    submit_good(bed, 2, "https://ca.example/");
    int64_t first = net_link_deadline_ms(bed->link);
    assert_in_range(first, 1000 + 500, 1000 + 500 + 15000);
    net_link_cancel(bed->link, EVENT_HTTP, 1);
    int64_t second = net_link_deadline_ms(bed->link);
    assert_in_range(second, 1000 + 30000, 1000 + 30000 + 15000);
    bed->ms = first; /* nobody waits for a cancelled one */
    net_link_step(bed->link);
    bed->ms = second - 1;
    net_link_step(bed->link);
    expect_nothing(bed);
    bed->ms = second;
    net_link_step(bed->link);
    expect_failure(bed, 2, HTTP_FAIL_WORKER, "it hangs");
    expect_nothing(bed);
    assert_int_equal(net_link_fd(bed->link), -1);
}

static void test_end(void **state)
{
    struct bed *bed = *state;
    net_link_free(NULL);
    open_link(bed, "hangs", &plain);
    for (uint64_t id = 1; id <= 100; id++)
        submit_good(bed, id, "https://ca.example/");
    net_link_free(bed->link);
    bed->link = NULL;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(int argc, char **argv)
{
    net_roles_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_settings, start, end),
        cmocka_unit_test_setup_teardown(test_replies, start, end),
        cmocka_unit_test_setup_teardown(test_kinds, start, end),
        cmocka_unit_test_setup_teardown(test_failure, start, end),
        cmocka_unit_test_setup_teardown(test_cancel, start, end),
        cmocka_unit_test_setup_teardown(test_lies, start, end),
        cmocka_unit_test_setup_teardown(test_starts, start, end),
        cmocka_unit_test_setup_teardown(test_second_is_good, start, end),
        cmocka_unit_test_setup_teardown(test_other_version, start, end),
        cmocka_unit_test_setup_teardown(test_cannot_start, start, end),
        cmocka_unit_test_setup_teardown(test_silent, start, end),
        cmocka_unit_test_setup_teardown(test_hangs, start, end),
        cmocka_unit_test_setup_teardown(test_end, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

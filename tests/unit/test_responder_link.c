#include "fake/responder_roles.h"

#include <acmec/base/log.h>
#include <acmec/io/listen.h>
#include <acmec/io/responder_link.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PATIENCE_MS 10000
#define PROGRAM "acmec-responder"

struct bed {
    struct clock clock;
    int64_t ms;
    struct place place;
    struct events events;
    struct responder_link *link;
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
    responder_link_free(bed->link);
    events_release(&bed->events);
    place_remove(&bed->place);
    return 0;
}

/* ---- steps ---- */

static void open_link(struct bed *bed, const char *role)
{
    AUTO_FREE said = place_path(&bed->place, "said");
    responder_link_free(bed->link);
    events_release(&bed->events);
    (void)unlink(said);
    fake_worker_install(&bed->place, PROGRAM, role);
    bed->link = responder_link_new(bed->place.dir, &bed->clock, &bed->events);
    assert_int_equal(responder_link_fd(bed->link), -1);
    assert_int_equal(responder_link_deadline_ms(bed->link), INT64_MAX);
    responder_link_step(bed->link); /* nothing runs: nothing happens */
}

static void add(struct bed *bed, const char *token)
{
    struct error err = {0};
    AUTO_FREE authorization = mem_printf("%s.thumbprint", token);
    if (!responder_link_add(bed->link, token, authorization, &err))
        fail_msg("%s", err.text);
}

static void step(struct bed *bed)
{
    struct pollfd socket = {responder_link_fd(bed->link), responder_link_poll_events(bed->link), 0};
    assert_int_not_equal(socket.fd, -1);
    assert_true(poll(&socket, 1, PATIENCE_MS) > 0);
    responder_link_step(bed->link);
}

static struct event next_event(struct bed *bed)
{
    struct event event;
    while (!events_pop(&bed->events, &event))
        step(bed);
    return event;
}

static void expect(struct bed *bed, enum event_kind kind, const char *token)
{
    struct event event = next_event(bed);
    assert_int_equal(event.kind, kind);
    assert_string_equal(event.token, token);
}

/* READY for each, in this order, however many visits come between. */
static void expect_ready(struct bed *bed, const char *token)
{
    struct event event;
    do
        event = next_event(bed);
    while (event.kind == EVENT_PROOF_HIT);
    assert_int_equal(event.kind, EVENT_PROOF_READY);
    assert_string_equal(event.token, token);
}

static void expect_lost(struct bed *bed, const char *why)
{
    struct event event;
    do
        event = next_event(bed);
    while (event.kind == EVENT_PROOF_READY);
    AUTO_FREE text = mem_printf("the responder failed: %s", why);
    assert_int_equal(event.kind, EVENT_PROOF_LOST);
    assert_int_equal(event.error.code, ERR_FILES);
    assert_string_equal(event.error.text, text);
    assert_int_equal(responder_link_fd(bed->link), -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* killed and reaped */
}

/* What the fakes were told so far, all starts together. */
static void expect_said(const struct bed *bed, const char *said)
{
    if (!place_holds(&bed->place, "said", said)) {
        AUTO_FREE have = place_read(&bed->place, "said");
        fail_msg("%s", have == NULL ? "nothing was said" : have);
    }
}

/* ---- a good responder ---- */

static void test_tokens(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    open_link(bed, "good");
    add(bed, "a");
    assert_int_equal(responder_link_deadline_ms(bed->link), 1000 + WORKER_HELLO_MS);
    expect(bed, EVENT_PROOF_READY, "a");
    struct event hit = next_event(bed);
    assert_int_equal(hit.kind, EVENT_PROOF_HIT);
    assert_string_equal(hit.token, "a");
    assert_string_equal(hit.visitor, "192.0.2.1\\u{001B}");
    assert_int_equal(responder_link_deadline_ms(bed->link), INT64_MAX);
    responder_link_remove(bed->link, "unknown");
    responder_link_remove(bed->link, "a");
    responder_link_remove(bed->link, "a");
    const struct tls_answer tls = {"b.example", SPAN_LIT("cert"), SPAN_LIT("key")};
    assert_true(responder_link_add_tls(bed->link, "b", &tls, &err));
    expect_ready(bed, "b");
    expect_said(bed, "hello " ACMEC_VERSION " 0 0\nadd a a.thumbprint\nremove a\n"
                     "add-tls b b.example\n");
}

/* The same token again: another answer, another READY. */
static void test_replaced(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    open_link(bed, "good");
    add(bed, "a");
    assert_true(responder_link_add(bed->link, "a", "a.other", &err));
    expect_ready(bed, "a");
    expect_ready(bed, "a");
    responder_link_remove(bed->link, "a");
    responder_link_remove(bed->link, "a");
    add(bed, "b");
    expect_ready(bed, "b");
    expect_said(bed, "hello " ACMEC_VERSION " 0 0\nadd a a.thumbprint\nadd a a.other\nremove a\n"
                     "add b b.thumbprint\n");
}

static void test_malformed(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE longest = mem_new(1, WIRE_AUTHORIZATION_MAX + 2);
    memset(longest, 'x', WIRE_AUTHORIZATION_MAX + 1);
    const struct {
        const char *token, *authorization;
    } rows[] = {{"", "x"}, {"a/b", "x"}, {"..", "x"}, {"a.b", "x"}, {longest, "x"}, {"a", longest}};
    const struct tls_answer bad_name = {"B.example", SPAN_LIT("cert"), SPAN_LIT("key")};
    const struct tls_answer good_name = {"b.example", SPAN_LIT("cert"), SPAN_LIT("key")};
    struct error err;
    open_link(bed, "good");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        err = (struct error){0};
        assert_false(responder_link_add(bed->link, rows[i].token, rows[i].authorization, &err));
        assert_int_equal(err.code, ERR_REFUSED);
    }
    assert_false(responder_link_add_tls(bed->link, "a", &bad_name, &err));
    assert_false(responder_link_add_tls(bed->link, "a/b", &good_name, &err));
    assert_int_equal(responder_link_fd(bed->link), -1); /* nothing was started for it */
}

/* A flood of visits says nothing new, and takes no memory. */
static void test_flood(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    struct event event;
    AUTO_FREE log = place_path(&bed->place, "log");
    log_set_level(LOG_LEVEL_DEBUG);
    assert_true(log_open(log, &err));
    open_link(bed, "busy");
    add(bed, "a");
    unsigned hits = 0;
    while ((event = next_event(bed)).kind == EVENT_PROOF_HIT)
        hits++;
    log_close();
    log_set_level(LOG_LEVEL_WARN);
    assert_int_equal(hits, 64);
    assert_int_equal(event.kind, EVENT_PROOF_READY);
    assert_string_equal(event.token, "a"); /* of the unknown one nothing is told */
    AUTO_FREE lines = place_read(&bed->place, "log");
    assert_non_null(strstr(lines, "acmec-responder: a \\u{001B}[2J line\n"));
}

/* ---- listeners ---- */

static uint16_t free_port(void)
{
    struct listeners listeners = {0};
    struct error err = {0};
    struct sockaddr_in at = {0};
    socklen_t len = sizeof at;
    assert_true(listen_open("127.0.0.1", 0, &listeners, &err));
    assert_int_equal(getsockname(listeners.fds[0], (struct sockaddr *)&at, &len), 0);
    listeners_release(&listeners);
    return ntohs(at.sin_port);
}

static void listen_at(struct bed *bed, uint16_t port, bool tls)
{
    struct error err = {0};
    if (!responder_link_listen(bed->link, "127.0.0.1", port, tls, &err))
        fail_msg("%s", err.text);
}

static void test_listeners(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    struct listeners taken = {0};
    uint16_t first = free_port();
    open_link(bed, "good");
    listen_at(bed, first, false);
    listen_at(bed, first, false);                       /* again: nothing */
    assert_int_equal(responder_link_fd(bed->link), -1); /* bound before it is needed */
    assert_false(listen_open("127.0.0.1", first, &taken, &err));
    assert_false(responder_link_listen(bed->link, "127.0.0.1", first, true, &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    add(bed, "a");
    expect_ready(bed, "a");
    /* More of them while it runs: it starts anew with all and its tokens, as often as need be. */
    listen_at(bed, free_port(), true);
    listen_at(bed, free_port(), false);
    expect_ready(bed, "a");
    listen_at(bed, free_port(), false);
    expect_ready(bed, "a");
    AUTO_FREE said = place_read(&bed->place, "said");
    const char *last = strstr(said, "hello " ACMEC_VERSION " 3 1\nadd a a.thumbprint\n");
    assert_ptr_equal(strstr(said, "hello " ACMEC_VERSION " 1 0\nadd a a.thumbprint\n"), said);
    assert_non_null(last);
    assert_null(strstr(last + 1, "hello"));
    responder_link_free(bed->link);
    bed->link = NULL;
    assert_true(listen_open("127.0.0.1", first, &taken, &err)); /* free again */
    listeners_release(&taken);
}

static void test_many_places(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    open_link(bed, "good");
    for (size_t i = 0; i < WIRE_LISTENERS_MAX / LISTENERS_MAX; i++)
        listen_at(bed, free_port(), (i & 1) != 0);
    assert_false(responder_link_listen(bed->link, "127.0.0.1", free_port(), false, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.text, "more than 8"));
    add(bed, "a");
    expect_ready(bed, "a");
    expect_said(bed, "hello " ACMEC_VERSION " 4 4\nadd a a.thumbprint\n");
}

/* ---- a bad one ---- */

/* Each lie ends it; it is started once more with its tokens, then the proof is lost. */
static void test_lies(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    for (size_t i = 0; i < RESPONDER_LIES; i++) {
        open_link(bed, responder_lies[i].role);
        add(bed, "a");
        expect_lost(bed, "it broke the protocol");
        expect_said(bed, "hello " ACMEC_VERSION " 0 0\nadd a a.thumbprint\n"
                         "hello " ACMEC_VERSION " 0 0\nadd a a.thumbprint\n");
        assert_false(responder_link_add(bed->link, "b", "b.x", &err));
        assert_int_equal(err.code, ERR_FILES);
        responder_link_remove(bed->link, "a");
        responder_link_step(bed->link);
    }
}

static void test_second_is_good(void **state)
{
    struct bed *bed = *state;
    struct event event;
    open_link(bed, "ends-once");
    add(bed, "a");
    add(bed, "b");
    responder_link_remove(bed->link, "b");
    expect_ready(bed, "a");
    assert_true(next_event(bed).kind == EVENT_PROOF_HIT);
    assert_false(events_pop(&bed->events, &event));
}

static void test_without_tokens(void **state)
{
    struct bed *bed = *state;
    struct event event;
    open_link(bed, "ends");
    add(bed, "a");
    responder_link_remove(bed->link, "a");
    while (responder_link_fd(bed->link) != -1)
        step(bed);
    assert_false(events_pop(&bed->events, &event)); /* nothing is lost: nobody needs it */
    fake_worker_install(&bed->place, PROGRAM, "good");
    add(bed, "b");
    expect_ready(bed, "b");
}

static void test_greetings(void **state)
{
    struct bed *bed = *state;
    open_link(bed, "other-version");
    add(bed, "a");
    expect_lost(bed, "acmec was upgraded while it ran, run it again");
    open_link(bed, "no-hello");
    add(bed, "a");
    expect_lost(bed, "it broke the protocol");
    open_link(bed, "silent");
    add(bed, "a");
    for (int i = 1; i <= 2; i++) {
        bed->ms += WORKER_HELLO_MS - 1;
        responder_link_step(bed->link);
        assert_int_not_equal(responder_link_fd(bed->link), -1);
        bed->ms++;
        responder_link_step(bed->link);
    }
    expect_lost(bed, "it did not start in time");
}

static void test_cannot_start(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    responder_link_free(NULL);
    bed->link = responder_link_new("/missing", &bed->clock, &bed->events);
    assert_false(responder_link_add(bed->link, "a", "a.x", &err));
    assert_int_equal(err.code, ERR_FILES);
    responder_link_remove(bed->link, "a");
}

int main(int argc, char **argv)
{
    responder_roles_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tokens, start, end),
        cmocka_unit_test_setup_teardown(test_replaced, start, end),
        cmocka_unit_test_setup_teardown(test_malformed, start, end),
        cmocka_unit_test_setup_teardown(test_flood, start, end),
        cmocka_unit_test_setup_teardown(test_listeners, start, end),
        cmocka_unit_test_setup_teardown(test_many_places, start, end),
        cmocka_unit_test_setup_teardown(test_lies, start, end),
        cmocka_unit_test_setup_teardown(test_second_is_good, start, end),
        cmocka_unit_test_setup_teardown(test_without_tokens, start, end),
        cmocka_unit_test_setup_teardown(test_greetings, start, end),
        cmocka_unit_test_setup_teardown(test_cannot_start, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* net_roles.h: what a program in acmec-net's place may do: good ones, poor ones, and liars. */
#ifndef ACMEC_TESTS_NET_ROLES_H
#define ACMEC_TESTS_NET_ROLES_H

#include "fake/fake_worker.h"

#include <acmec/data/wire_net.h>

static inline void greet(struct fake_worker *worker, const char *version)
{
    wire_net_put_hello(&worker->out, version);
    fake_worker_flush(worker);
}

static inline void reply(struct fake_worker *worker, uint64_t id, const char *headers,
                         const char *body)
{
    AUTO(http_response) response = {.status = 200, .headers = BUF(65536), .body = BUF(65536)};
    buf_add_str(&response.headers, headers);
    buf_add_str(&response.body, body);
    wire_net_put_reply(&worker->out, id, &response);
}

/* The id of the next request. */
static inline uint64_t next_id(struct fake_worker *worker, struct http_request *request)
{
    uint64_t id = 0;
    if (!wire_net_get_request(fake_worker_await(worker, WIRE_NET_REQUEST), &id, request))
        _exit(1);
    return id;
}

/* Says of each request what it got: hello, configuration, request. */
static inline void play_good(struct fake_worker *worker)
{
    char version[64] = "";
    struct wire_net_config config;
    greet(worker, ACMEC_VERSION);
    if (!wire_net_get_hello(fake_worker_await(worker, WIRE_NET_HELLO), version) ||
        !wire_net_get_config(fake_worker_await(worker, WIRE_NET_CONFIG), &config))
        _exit(1);
    for (;;) {
        AUTO(http_request) request = {0};
        uint64_t id = next_id(worker, &request);
        AUTO_FREE text =
            mem_printf("%s|%s|%s|%s|%s|%s", version, config.user_agent, buf_str(&config.ca_bundle),
                       config.proxy == NULL ? "-" : config.proxy,
                       config.no_proxy == NULL ? "-" : config.no_proxy, request.url);
        reply(worker, id, "x: y\n", text);
    }
}

/* Waits for two requests and answers them the other way round, then anything as it comes. */
static inline void play_disorder(struct fake_worker *worker)
{
    greet(worker, ACMEC_VERSION);
    AUTO(http_request) first = {0};
    AUTO(http_request) second = {0};
    uint64_t ids[2] = {next_id(worker, &first), 0};
    ids[1] = next_id(worker, &second);
    reply(worker, ids[1], "", second.url);
    reply(worker, ids[0], "", first.url);
    fake_worker_idle(worker);
}

static inline void play_fails(struct fake_worker *worker)
{
    AUTO(http_request) request = {0};
    greet(worker, ACMEC_VERSION);
    uint64_t id = next_id(worker, &request);
    wire_net_put_log(&worker->out, "log \033[2J line");
    wire_net_put_failed(&worker->out, id, HTTP_FAIL_TLS, "no \033[2J cipher");
    fake_worker_idle(worker);
}

/* Answers one question of each kind. */
static inline void play_kinds(struct fake_worker *worker)
{
    AUTO(tls_report) report = {.version = TLS_1_3, .chain_count = 1};
    AUTO(dns_answer) answer = {.rcode = DNS_NXDOMAIN};
    AUTO(http_request) request = {0};
    AUTO(tls_request) probe = {0};
    AUTO(dns_query) query = {0};
    uint64_t http, tls, dns;
    greet(worker, ACMEC_VERSION);
    if (!wire_net_get_query(fake_worker_await(worker, WIRE_NET_QUERY), &dns, &query) ||
        !wire_net_get_probe(fake_worker_await(worker, WIRE_NET_PROBE), &tls, &probe) ||
        !wire_net_get_request(fake_worker_await(worker, WIRE_NET_REQUEST), &http, &request))
        _exit(1);
    report.chain[0] = BUF(64);
    buf_add_str(&report.chain[0], probe.address);
    wire_net_put_seen(&worker->out, tls, &report);
    wire_net_put_answer(&worker->out, dns, &answer);
    reply(worker, http, "", request.url);
    fake_worker_idle(worker);
}

/* Answers a request only after its cancellation has come. */
static inline void play_late(struct fake_worker *worker)
{
    AUTO(http_request) request = {0};
    AUTO(http_request) next = {0};
    uint64_t cancelled = 0;
    greet(worker, ACMEC_VERSION);
    uint64_t id = next_id(worker, &request);
    if (!wire_net_get_cancel(fake_worker_await(worker, WIRE_NET_CANCEL), &cancelled) ||
        cancelled != id)
        _exit(1);
    reply(worker, id, "", "too late");
    reply(worker, next_id(worker, &next), "", "in time");
    fake_worker_idle(worker);
}

static inline void play_hangs(struct fake_worker *worker)
{
    AUTO(http_request) request = {0};
    greet(worker, ACMEC_VERSION);
    reply(worker, next_id(worker, &request), "", "one and no more");
    fake_worker_flush(worker);
    fake_worker_hang();
}

static inline void play_silent(struct fake_worker *worker)
{
    (void)worker;
    fake_worker_hang();
}

static inline void play_ends(struct fake_worker *worker)
{
    AUTO(http_request) request = {0};
    greet(worker, ACMEC_VERSION);
    (void)next_id(worker, &request);
}

static inline void play_other_version(struct fake_worker *worker)
{
    greet(worker, "0.0.1\033");
    fake_worker_idle(worker);
}

/* ---- what no worker may say, after a good greeting and one request ---- */

static inline void bad_unknown_id(struct fake_worker *worker, uint64_t id)
{
    reply(worker, id + 1000, "", "");
}

static inline void bad_reply_twice(struct fake_worker *worker, uint64_t id)
{
    reply(worker, id, "", "");
    reply(worker, id, "", "");
}

static inline void bad_failed_after_reply(struct fake_worker *worker, uint64_t id)
{
    reply(worker, id, "", "");
    wire_net_put_failed(&worker->out, id, HTTP_FAIL_LOST, "");
}

static inline void bad_seen(struct fake_worker *worker, uint64_t id)
{
    AUTO(tls_report) report = {.version = TLS_1_3, .chain_count = 1};
    report.chain[0] = BUF(64);
    buf_add_str(&report.chain[0], "DER");
    wire_net_put_seen(&worker->out, id, &report);
}

static inline void bad_answer(struct fake_worker *worker, uint64_t id)
{
    struct dns_answer answer = {.rcode = DNS_NXDOMAIN};
    wire_net_put_answer(&worker->out, id, &answer);
}

static inline void bad_failed_unknown(struct fake_worker *worker, uint64_t id)
{
    wire_net_put_failed(&worker->out, id + 1000, HTTP_FAIL_LOST, "");
}

static inline void bad_hello_twice(struct fake_worker *worker, uint64_t id)
{
    (void)id;
    wire_net_put_hello(&worker->out, ACMEC_VERSION);
}

static inline void bad_keepers_word(struct fake_worker *worker, uint64_t id)
{
    wire_net_put_cancel(&worker->out, id);
}

static inline void bad_type(struct fake_worker *worker, uint64_t id)
{
    (void)id;
    frame_end(&worker->out, frame_begin(&worker->out, 255));
}

static inline void bad_status(struct fake_worker *worker, uint64_t id)
{
    struct http_response response = {.status = 7};
    wire_net_put_reply(&worker->out, id, &response);
}

static inline void bad_log(struct fake_worker *worker, uint64_t id)
{
    size_t begin = frame_begin(&worker->out, WIRE_NET_LOG);
    (void)id;
    frame_put_u32(&worker->out, 1);
    frame_end(&worker->out, begin);
}

static inline void bad_length(struct fake_worker *worker, uint64_t id)
{
    (void)id;
    frame_put_u32(&worker->out, FRAME_MAX + 1);
}

static const struct {
    const char *role;
    void (*say)(struct fake_worker *worker, uint64_t id);
    bool answered; /* the request itself got its reply before */
} net_lies[] = {
    {"unknown-id", bad_unknown_id, false},
    {"reply-twice", bad_reply_twice, true},
    {"failed-after-reply", bad_failed_after_reply, true},
    {"seen", bad_seen, false}, /* a request's id, and an answer of another kind */
    {"answer", bad_answer, false},
    {"failed-unknown", bad_failed_unknown, false},
    {"hello-twice", bad_hello_twice, false},
    {"keepers-word", bad_keepers_word, false},
    {"type", bad_type, false},
    {"status", bad_status, false},
    {"log", bad_log, false},
    {"length", bad_length, false},
};
#define NET_LIES (sizeof net_lies / sizeof net_lies[0])

static inline void play_lie(struct fake_worker *worker)
{
    AUTO(http_request) request = {0};
    greet(worker, ACMEC_VERSION);
    uint64_t id = next_id(worker, &request);
    for (size_t i = 0; i < NET_LIES; i++)
        if (strcmp(worker->role, net_lies[i].role) == 0)
            net_lies[i].say(worker, id);
    fake_worker_idle(worker);
}

static inline void play_no_hello(struct fake_worker *worker)
{
    wire_net_put_log(&worker->out, "before all else");
    fake_worker_idle(worker);
}

static const struct fake_role net_roles[] = {
    {"good", play_good},         {"disorder", play_disorder}, {"fails", play_fails},
    {"kinds", play_kinds},       {"late", play_late},         {"hangs", play_hangs},
    {"silent", play_silent},     {"ends", play_ends},         {"other-version", play_other_version},
    {"no-hello", play_no_hello},
};

/* As fake_worker_main. */
static inline void net_roles_main(int argc, char **argv)
{
    struct fake_role roles[sizeof net_roles / sizeof net_roles[0] + NET_LIES];
    size_t count = sizeof net_roles / sizeof net_roles[0];
    memcpy(roles, net_roles, sizeof net_roles);
    for (size_t i = 0; i < NET_LIES; i++)
        roles[count++] = (struct fake_role){net_lies[i].role, play_lie};
    fake_worker_main(argc, argv, roles, count);
}

#endif

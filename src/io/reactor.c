#include <acmec/io/reactor.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/io/net_link.h>
#include <acmec/io/responder_link.h>
#include <acmec/io/spawn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#define CHILDREN_MAX 64
#define FIXED_POLLS 3 /* signals, net, responder */

struct reactor {
    struct http_port http;
    struct probe_port probe;
    struct dns_port dns;
    struct proof_port proof;
    struct spawn_port spawn;
    struct event_port waiter;
    struct clock clock;
    struct ports ports;
    struct events events;
    struct net_link *net;
    struct responder_link *responder;
    struct child *children[CHILDREN_MAX];
    size_t child_count;
    int signals; /* signalfd */
    sigset_t old_mask;
    struct sigaction old_pipe;
};

#define REACTOR_OF(port, member)                                                                   \
    ((struct reactor *)((char *)(port)-offsetof(struct reactor, member)))

/* ---- the ports ---- */

static bool http_submit(struct http_port *port, uint64_t id, const struct http_request *request,
                        struct error *err)
{
    return net_link_submit(REACTOR_OF(port, http)->net, id, request, err);
}

static void http_cancel(struct http_port *port, uint64_t id)
{
    net_link_cancel(REACTOR_OF(port, http)->net, EVENT_HTTP, id);
}

static bool probe_submit(struct probe_port *port, uint64_t id, const struct tls_request *request,
                         struct error *err)
{
    return net_link_probe(REACTOR_OF(port, probe)->net, id, request, err);
}

static void probe_cancel(struct probe_port *port, uint64_t id)
{
    net_link_cancel(REACTOR_OF(port, probe)->net, EVENT_PROBE, id);
}

static bool dns_submit(struct dns_port *port, uint64_t id, const struct dns_query *query,
                       struct error *err)
{
    return net_link_query(REACTOR_OF(port, dns)->net, id, query, err);
}

static void dns_cancel(struct dns_port *port, uint64_t id)
{
    net_link_cancel(REACTOR_OF(port, dns)->net, EVENT_DNS, id);
}

static bool proof_listen(struct proof_port *port, const char *address, uint16_t number, bool tls,
                         struct error *err)
{
    return responder_link_listen(REACTOR_OF(port, proof)->responder, address, number, tls, err);
}

static bool proof_add(struct proof_port *port, const char *token, const char *key_authorization,
                      struct error *err)
{
    return responder_link_add(REACTOR_OF(port, proof)->responder, token, key_authorization, err);
}

static bool proof_add_tls(struct proof_port *port, const char *token,
                          const struct tls_answer *answer, struct error *err)
{
    return responder_link_add_tls(REACTOR_OF(port, proof)->responder, token, answer, err);
}

static void proof_remove(struct proof_port *port, const char *token)
{
    responder_link_remove(REACTOR_OF(port, proof)->responder, token);
}

static bool spawn_start(struct spawn_port *port, uint64_t id, const struct spawn_request *request,
                        struct error *err)
{
    struct reactor *reactor = REACTOR_OF(port, spawn);
    if (reactor->child_count == CHILDREN_MAX)
        return fail(err, ERR_FILES, "more than %d processes at once", CHILDREN_MAX);
    struct child *child;
    if (!child_start(id, request, clock_mono_ms(&reactor->clock), &child, err))
        return false;
    reactor->children[reactor->child_count++] = child;
    return true;
}

/* ---- waiting ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_deadline(const struct reactor *reactor, int64_t deadline_ms)
{
    int64_t next =
        sooner(net_link_deadline_ms(reactor->net), responder_link_deadline_ms(reactor->responder));
    for (size_t i = 0; i < reactor->child_count; i++)
        next = sooner(next, child_deadline_ms(reactor->children[i]));
    return sooner(next, deadline_ms);
}

static int timeout_of(int64_t until_ms, int64_t now_ms)
{
    if (until_ms <= now_ms)
        return 0;
    return until_ms - now_ms > INT32_MAX ? INT32_MAX : (int)(until_ms - now_ms);
}

static void push_signal(struct reactor *reactor, const struct signalfd_siginfo *info)
{
    struct event event = {.kind = EVENT_SIGNAL, .signal = (int)info->ssi_signo};
    if (info->ssi_signo != SIGCHLD)
        events_push(&reactor->events, &event);
}

static void read_signals(struct reactor *reactor)
{
    struct signalfd_siginfo info;
    while (read(reactor->signals, &info, sizeof info) == (ssize_t)sizeof info)
        push_signal(reactor, &info);
}

static void step_children(struct reactor *reactor)
{
    int64_t now_ms = clock_mono_ms(&reactor->clock);
    for (size_t i = 0; i < reactor->child_count;) {
        struct child *child = reactor->children[i];
        if (!child_step(child, now_ms)) {
            i++;
            continue;
        }
        struct event event = {.kind = EVENT_CHILD, .id = child_id(child)};
        child_result(child, &event.child);
        events_push(&reactor->events, &event);
        child_free(child);
        reactor->children[i] = reactor->children[--reactor->child_count];
    }
}

/* One poll(2) for everything, then a step for whatever may have something. */
static void poll_once(struct reactor *reactor, int timeout_ms)
{
    struct pollfd polls[FIXED_POLLS + 2 * CHILDREN_MAX] = {
        {.fd = reactor->signals, .events = POLLIN},
        {.fd = net_link_fd(reactor->net), .events = net_link_poll_events(reactor->net)},
        {.fd = responder_link_fd(reactor->responder),
         .events = responder_link_poll_events(reactor->responder)},
    };
    nfds_t count = FIXED_POLLS;
    for (size_t i = 0; i < reactor->child_count; i++) {
        const struct child *child = reactor->children[i];
        polls[count++] = (struct pollfd){.fd = child_fd(child), .events = POLLIN};
        polls[count++] = (struct pollfd){.fd = child_errors_fd(child), .events = POLLIN};
    }
    (void)poll(polls, count, timeout_ms);
    read_signals(reactor);
    net_link_step(reactor->net);
    responder_link_step(reactor->responder);
    step_children(reactor);
}

static void wait_for_event(struct event_port *port, int64_t deadline_ms, struct event *out)
{
    struct reactor *reactor = REACTOR_OF(port, waiter);
    for (;;) {
        if (events_pop(&reactor->events, out))
            return;
        int64_t now_ms = clock_mono_ms(&reactor->clock);
        poll_once(reactor, timeout_of(next_deadline(reactor, deadline_ms), now_ms));
        if (events_pop(&reactor->events, out))
            return;
        if (clock_mono_ms(&reactor->clock) >= deadline_ms) {
            *out = (struct event){.kind = EVENT_TIMEOUT};
            return;
        }
    }
}

/* ---- start and end ---- */

static const struct http_ops http_ops = {http_submit, http_cancel};
static const struct probe_ops probe_ops = {probe_submit, probe_cancel};
static const struct dns_ops dns_ops = {dns_submit, dns_cancel};
static const struct proof_ops proof_ops = {proof_listen, proof_add, proof_add_tls, proof_remove};
static const struct spawn_ops spawn_ops = {spawn_start};
static const struct event_ops event_ops = {wait_for_event};

/* HUP stays ignored where it was (nohup). */
static bool take_signals(struct reactor *reactor, struct error *err)
{
    sigset_t taken;
    struct sigaction hangup, ignore = {.sa_handler = SIG_IGN};
    (void)sigemptyset(&taken);
    (void)sigaddset(&taken, SIGINT);
    (void)sigaddset(&taken, SIGTERM);
    (void)sigaddset(&taken, SIGCHLD);
    if (sigaction(SIGHUP, NULL, &hangup) != 0 || hangup.sa_handler != SIG_IGN)
        (void)sigaddset(&taken, SIGHUP);
    reactor->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (reactor->signals < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot wait for signals");
    (void)sigprocmask(SIG_BLOCK, &taken, &reactor->old_mask);
    (void)sigaction(SIGPIPE, &ignore, &reactor->old_pipe);
    return true;
}

bool reactor_new(const struct http_settings *settings, const char *workers_dir,
                 struct reactor **out, struct error *err)
{
    struct reactor *reactor = mem_new(1, sizeof *reactor);
    if (!take_signals(reactor, err)) {
        free(reactor);
        return false;
    }
    reactor->clock = clock_system();
    reactor->http.ops = &http_ops;
    reactor->probe.ops = &probe_ops;
    reactor->dns.ops = &dns_ops;
    reactor->proof.ops = &proof_ops;
    reactor->spawn.ops = &spawn_ops;
    reactor->waiter.ops = &event_ops;
    reactor->net = net_link_new(settings, workers_dir, &reactor->clock, &reactor->events);
    reactor->responder = responder_link_new(workers_dir, &reactor->clock, &reactor->events);
    reactor->ports = (struct ports){
        .clock = &reactor->clock,
        .http = &reactor->http,
        .probe = &reactor->probe,
        .dns = &reactor->dns,
        .proof = &reactor->proof,
        .spawn = &reactor->spawn,
        .events = &reactor->waiter,
    };
    *out = reactor;
    return true;
}

void reactor_free(struct reactor *reactor)
{
    if (reactor == NULL)
        return;
    for (size_t i = 0; i < reactor->child_count; i++)
        child_free(reactor->children[i]);
    net_link_free(reactor->net);
    responder_link_free(reactor->responder);
    events_release(&reactor->events);
    (void)close(reactor->signals);
    (void)sigprocmask(SIG_SETMASK, &reactor->old_mask, NULL);
    (void)sigaction(SIGPIPE, &reactor->old_pipe, NULL);
    free(reactor);
}

const struct ports *reactor_ports(struct reactor *reactor)
{
    return &reactor->ports;
}

#include <acmec/io/net_link.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/wire_net.h>
#include <stdio.h>

#define STARTS_MAX 2
#define DEFAULT_TIMEOUT_MS 30000
/* The worker's own limits end an exchange before; one that lasts longer means a worker that hangs.
 */
#define HANG_AFTER_MS 10000

static const struct worker_program program = {"acmec-net", 0};

/* What the worker was asked; one that was cancelled may still be answered. The worker knows it by
 * `number`, since each port counts its ids by itself. */
struct pending {
    uint64_t number, id;
    enum event_kind kind;
    int64_t deadline_ms;
    bool cancelled;
};

struct net_link {
    struct wire_net_config config;
    char *dir;
    struct clock *clock;
    struct events *events;
    struct worker worker;
    unsigned starts;
    struct pending *pending;
    size_t count, capacity;
    uint64_t last_number;
};

static const char *environment_of(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if (value == NULL || value[0] == '\0')
        value = getenv(upper);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

struct net_link *net_link_new(const struct http_settings *settings, const char *dir,
                              struct clock *clock, struct events *events)
{
    struct net_link *link = mem_new(1, sizeof *link);
    const char *proxy = settings->proxy;
    const char *no_proxy = settings->no_proxy;
    if (proxy == NULL) {
        proxy = environment_of("https_proxy", "HTTPS_PROXY");
        proxy = proxy != NULL ? proxy : environment_of("all_proxy", "ALL_PROXY");
    }
    if (no_proxy == NULL)
        no_proxy = environment_of("no_proxy", "NO_PROXY");
    link->config.user_agent = mem_strdup(settings->user_agent);
    link->config.ca_bundle = BUF(WIRE_BUNDLE_MAX);
    buf_add_span(&link->config.ca_bundle, settings->ca_bundle);
    link->config.proxy = mem_strdup(proxy);
    link->config.no_proxy = mem_strdup(no_proxy);
    link->dir = mem_strdup(dir);
    link->clock = clock;
    link->events = events;
    link->worker.fd = -1;
    return link;
}

void net_link_free(struct net_link *link)
{
    if (link == NULL)
        return;
    worker_close(&link->worker);
    wire_net_config_release(&link->config);
    free(link->dir);
    free(link->pending);
    free(link);
}

/* ---- what is pending ---- */

/* Returns its number. */
static uint64_t add_pending(struct net_link *link, enum event_kind kind, uint64_t id,
                            unsigned timeout_ms)
{
    if (link->count == link->capacity) {
        link->capacity = link->capacity == 0 ? 64 : link->capacity * 2;
        link->pending = mem_resize(link->pending, link->capacity, sizeof *link->pending);
    }
    unsigned limit = timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : timeout_ms;
    link->pending[link->count++] = (struct pending){
        .number = ++link->last_number,
        .id = id,
        .kind = kind,
        .deadline_ms = clock_mono_ms(link->clock) + limit + HANG_AFTER_MS,
    };
    return link->last_number;
}

static struct pending *find_pending(struct net_link *link, uint64_t number)
{
    for (size_t i = 0; i < link->count; i++)
        if (link->pending[i].number == number)
            return &link->pending[i];
    return NULL;
}

/* Takes it off the list; false: there is no such one of this kind. */
static bool take_pending(struct net_link *link, uint64_t number, enum event_kind kind,
                         struct pending *out)
{
    struct pending *found = find_pending(link, number);
    if (found == NULL || found->kind != kind)
        return false;
    *out = *found;
    *found = link->pending[--link->count];
    return true;
}

static void push_failure(struct net_link *link, const struct pending *pending,
                         enum http_failure failure, const char *text)
{
    struct event event = {.kind = pending->kind, .id = pending->id, .failure = failure};
    (void)snprintf(event.failure_text, sizeof event.failure_text, "%.*s",
                   (int)sizeof event.failure_text - 1, text);
    events_push(link->events, &event);
}

static void fail_all(struct net_link *link)
{
    for (size_t i = 0; i < link->count; i++)
        if (!link->pending[i].cancelled)
            push_failure(link, &link->pending[i], HTTP_FAIL_WORKER, link->worker.end_text);
    link->count = 0;
}

/* ---- frames from the worker ---- */

static bool take_hello(struct net_link *link, struct span payload)
{
    char version[64];
    if (link->worker.greeted || !wire_net_get_hello(payload, version))
        return false;
    link->worker.greeted = true;
    if (strcmp(version, ACMEC_VERSION) == 0)
        return true;
    link->starts = STARTS_MAX;
    (void)snprintf(link->worker.end_text, sizeof link->worker.end_text,
                   "acmec was upgraded while it ran, run it again");
    return false;
}

static bool take_reply(struct net_link *link, struct span payload)
{
    AUTO(http_response) response = {0};
    struct pending pending;
    uint64_t number;
    if (!wire_net_get_reply(payload, &number, &response) ||
        !take_pending(link, number, EVENT_HTTP, &pending))
        return false;
    if (pending.cancelled)
        return true;
    struct event event = {.kind = EVENT_HTTP, .id = pending.id, .response = response};
    response = (struct http_response){0};
    events_push(link->events, &event);
    return true;
}

static bool take_seen(struct net_link *link, struct span payload)
{
    AUTO(tls_report) report = {0};
    struct pending pending;
    uint64_t number;
    if (!wire_net_get_seen(payload, &number, &report) ||
        !take_pending(link, number, EVENT_PROBE, &pending))
        return false;
    if (pending.cancelled)
        return true;
    struct event event = {.kind = EVENT_PROBE, .id = pending.id, .tls = report};
    report = (struct tls_report){0};
    events_push(link->events, &event);
    return true;
}

static bool take_answer(struct net_link *link, struct span payload)
{
    AUTO(dns_answer) answer = {0};
    struct pending pending;
    uint64_t number;
    if (!wire_net_get_answer(payload, &number, &answer) ||
        !take_pending(link, number, EVENT_DNS, &pending))
        return false;
    if (pending.cancelled)
        return true;
    struct event event = {.kind = EVENT_DNS, .id = pending.id, .dns = answer};
    answer = (struct dns_answer){0};
    events_push(link->events, &event);
    return true;
}

static bool take_failed(struct net_link *link, struct span payload)
{
    AUTO(wire_net_failed) failed = {0};
    struct pending pending;
    if (!wire_net_get_failed(payload, &failed))
        return false;
    const struct pending *found = find_pending(link, failed.id);
    if (found == NULL || !take_pending(link, failed.id, found->kind, &pending))
        return false;
    if (!pending.cancelled)
        push_failure(link, &pending, failed.failure, escaped_str(failed.text).text);
    return true;
}

static bool take_log(struct span payload)
{
    char text[WIRE_TEXT_MAX + 1];
    if (!wire_net_get_log(payload, text))
        return false;
    log_debug("acmec-net: %s", escaped_str(text).text);
    return true;
}

static bool take_frame(void *ctx, uint8_t type, struct span payload)
{
    struct net_link *link = ctx;
    if (!link->worker.greeted && type != WIRE_NET_HELLO)
        return false;
    switch (type) {
    case WIRE_NET_HELLO:
        return take_hello(link, payload);
    case WIRE_NET_REPLY:
        return take_reply(link, payload);
    case WIRE_NET_FAILED:
        return take_failed(link, payload);
    case WIRE_NET_SEEN:
        return take_seen(link, payload);
    case WIRE_NET_ANSWER:
        return take_answer(link, payload);
    case WIRE_NET_LOG:
        return take_log(payload);
    default:
        return false;
    }
}

/* ---- the port ---- */

static bool start(struct net_link *link, struct error *err)
{
    if (link->starts == STARTS_MAX)
        return fail(err, ERR_NETWORK, "the network process failed: %s", link->worker.end_text);
    if (!worker_start(&link->worker, &program, link->dir, NULL, 0, clock_mono_ms(link->clock), err))
        return false;
    link->starts++;
    wire_net_put_hello(&link->worker.out, ACMEC_VERSION);
    wire_net_put_config(&link->worker.out, &link->config);
    return true;
}

bool net_link_submit(struct net_link *link, uint64_t id, const struct http_request *request,
                     struct error *err)
{
    if (!worker_runs(&link->worker) && !start(link, err))
        return false;
    uint64_t number = add_pending(link, EVENT_HTTP, id, request->timeout_ms);
    wire_net_put_request(&link->worker.out, number, request);
    return true;
}

bool net_link_probe(struct net_link *link, uint64_t id, const struct tls_request *request,
                    struct error *err)
{
    if (!worker_runs(&link->worker) && !start(link, err))
        return false;
    uint64_t number = add_pending(link, EVENT_PROBE, id, request->timeout_ms);
    wire_net_put_probe(&link->worker.out, number, request);
    return true;
}

bool net_link_query(struct net_link *link, uint64_t id, const struct dns_query *query,
                    struct error *err)
{
    if (!worker_runs(&link->worker) && !start(link, err))
        return false;
    uint64_t number = add_pending(link, EVENT_DNS, id, query->timeout_ms);
    wire_net_put_query(&link->worker.out, number, query);
    return true;
}

void net_link_cancel(struct net_link *link, enum event_kind kind, uint64_t id)
{
    for (size_t i = 0; i < link->count; i++) {
        struct pending *pending = &link->pending[i];
        if (pending->kind != kind || pending->id != id)
            continue;
        pending->cancelled = true;
        wire_net_put_cancel(&link->worker.out, pending->number);
    }
}

int net_link_fd(const struct net_link *link)
{
    return worker_runs(&link->worker) ? link->worker.fd : -1;
}

short net_link_poll_events(const struct net_link *link)
{
    return worker_poll_events(&link->worker);
}

int64_t net_link_deadline_ms(const struct net_link *link)
{
    int64_t next = INT64_MAX;
    if (!worker_runs(&link->worker))
        return next;
    if (!link->worker.greeted)
        next = link->worker.hello_deadline_ms;
    for (size_t i = 0; i < link->count; i++)
        if (!link->pending[i].cancelled && link->pending[i].deadline_ms < next)
            next = link->pending[i].deadline_ms;
    return next;
}

/* Cancelled requests whose time is over will not be answered any more. */
static bool hangs(struct net_link *link, int64_t now_ms)
{
    for (size_t i = 0; i < link->count;) {
        if (link->pending[i].deadline_ms > now_ms)
            i++;
        else if (link->pending[i].cancelled)
            link->pending[i] = link->pending[--link->count];
        else
            return true;
    }
    return false;
}

void net_link_step(struct net_link *link)
{
    struct worker_sink sink = {take_frame, link};
    int64_t now_ms = clock_mono_ms(link->clock);
    if (!worker_runs(&link->worker))
        return;
    bool good = worker_step(&link->worker, &sink, now_ms);
    if (good && hangs(link, now_ms)) {
        worker_fail(&link->worker, "it hangs");
        good = false;
    }
    if (!good)
        fail_all(link);
}

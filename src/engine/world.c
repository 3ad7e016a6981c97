#include <acmec/engine/world.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/records.h>
#include <acmec/io/reactor.h>
#include <signal.h>
#include <sys/utsname.h>

#define CA_BUNDLE_MAX (1024 * 1024)
#define LOCK_POLL_MS 200

bool world_open(struct run *run, const char *ca_bundle, const char *proxy, struct error *err)
{
    AUTO(buf) bundle = BUF(CA_BUNDLE_MAX);
    struct utsname system = {0};
    (void)uname(&system);
    AUTO_FREE agent =
        mem_printf("acmec/" ACMEC_VERSION " (%s; %s)", system.sysname, system.machine);
    if (ca_bundle != NULL && !file_read(ca_bundle, &bundle, NULL, err))
        return while_doing(err, "--ca-bundle");
    struct http_settings settings = {
        .user_agent = agent,
        .ca_bundle = buf_span(&bundle),
        .proxy = run->settings->proxy != NULL ? run->settings->proxy : proxy,
    };
    if (!reactor_new(&settings, NULL, &run->reactor, err))
        return false;
    run->ports = reactor_ports(run->reactor);
    run->exchanges = exchanges_new(run->ports);
    run->home = lane_new(run->exchanges, NULL);
    run->probes = probes_new(run->ports);
    run->lookups = lookups_new(run->ports);
    run->records = records_new(run);
    return true;
}

void world_close(struct run *run)
{
    authorities_free(run);
    records_free(run->records);
    exchanges_free(run->exchanges);
    probes_free(run->probes);
    lookups_free(run->lookups);
    run->exchanges = NULL;
    run->home = NULL;
    run->probes = NULL;
    run->lookups = NULL;
    run->records = NULL;
    reactor_free(run->reactor);
    run->reactor = NULL;
}

bool world_goes_on(const struct run *run, struct error *err)
{
    if (run->stop_signal == 0)
        return true;
    return fail(err, run->stop_signal == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED,
                "ended by a signal; the next run goes on from here");
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void world_wait(struct run *run, int64_t until_ms, struct event *out)
{
    struct event_port *port = run->ports->events;
    until_ms = sooner(until_ms, records_step(run->records));
    int64_t exchange_ms = exchanges_step(run->exchanges);
    int64_t probe_ms = probes_step(run->probes);
    int64_t lookup_ms = lookups_step(run->lookups);
    until_ms = sooner(sooner(until_ms, exchange_ms), sooner(probe_ms, lookup_ms));
    port->ops->wait(port, until_ms, out);
    if (out->kind == EVENT_HTTP)
        exchanges_take(run->exchanges, out);
    else if (out->kind == EVENT_PROBE)
        probes_take(run->probes, out);
    else if (out->kind == EVENT_DNS)
        lookups_take(run->lookups, out);
    else if (out->kind == EVENT_CHILD)
        (void)records_take(run->records, out);
}

void world_wait_for(struct run *run, int64_t until_ms,
                    bool (*take)(void *ctx, const struct event *event), void *ctx)
{
    struct event event = {0};
    world_wait(run, until_ms, &event);
    bool taken = take != NULL && event.kind == EVENT_CHILD && take(ctx, &event);
    if (event.kind == EVENT_SIGNAL)
        run->stop_signal = event.signal;
    if (!taken && run->others.event != NULL)
        run->others.event(run->others.ctx, &event);
    event_release(&event);
}

bool world_pass(struct run *run, int64_t until_ms, struct error *err)
{
    if (!world_goes_on(run, err))
        return false;
    world_wait_for(run, until_ms, NULL, NULL);
    return world_goes_on(run, err);
}

typedef bool (*lock_taker)(struct store *store, const char *name, struct lock *out,
                           struct error *err);

static bool wait_for_lock(struct run *run, lock_taker take, const char *name, struct lock *out,
                          struct error *err)
{
    int64_t deadline_ms = run_now_ms(run) + run->settings->wait_seconds * 1000;
    while (!take(run->store, name, out, err)) {
        int64_t now_ms = run_now_ms(run);
        if (err->code != ERR_LOCKED || now_ms >= deadline_ms ||
            !world_pass(run, now_ms + LOCK_POLL_MS, err))
            return false;
    }
    return true;
}

bool world_lock_cert(struct run *run, const char *name, struct lock *out, struct error *err)
{
    return wait_for_lock(run, store_lock_cert, name, out, err);
}

bool world_lock_nginx(struct run *run, const char *conf, struct lock *out, struct error *err)
{
    return wait_for_lock(run, store_lock_nginx, conf, out, err);
}

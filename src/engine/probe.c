#include <acmec/engine/probe.h>

#include <acmec/base/mem.h>
#include <stdlib.h>
#include <string.h>

enum probe_state { PROBE_WAITING, PROBE_SENT, PROBE_OVER };

struct probe {
    struct probe *next;
    struct probe_request request;
    const struct probe_listener *listener;
    void *owner;
    size_t tag;
    enum probe_state state;
    uint64_t id;
    int64_t until_ms, not_before_ms;
};

struct probes {
    const struct ports *ports;
    struct probe *first, **end;
    uint64_t last_id;
    bool ended; /* one ended within the step: its owner wants to be stepped */
};

struct probes *probes_new(const struct ports *ports)
{
    struct probes *all = mem_new(1, sizeof *all);
    all->ports = ports;
    all->end = &all->first;
    return all;
}

static void probe_free(struct probe *probe)
{
    tls_request_release(&probe->request.tls);
    free(probe);
}

void probes_free(struct probes *all)
{
    while (all != NULL && all->first != NULL) {
        struct probe *probe = all->first;
        all->first = probe->next;
        probe_free(probe);
    }
    free(all);
}

static int64_t now_ms(const struct probes *all)
{
    return clock_mono_ms(all->ports->clock);
}

void probe_start(struct probes *all, const struct probe_request *request,
                 const struct probe_listener *listener, void *owner, size_t tag)
{
    struct probe *probe = mem_new(1, sizeof *probe);
    probe->request = *request;
    tls_request_copy(&request->tls, &probe->request.tls);
    probe->listener = listener;
    probe->owner = owner;
    probe->tag = tag;
    probe->until_ms = now_ms(all) + request->within_ms;
    *all->end = probe;
    all->end = &probe->next;
}

void probes_cancel(struct probes *all, const void *owner)
{
    for (struct probe *probe = all->first; probe != NULL; probe = probe->next) {
        if (probe->owner != owner || probe->state == PROBE_OVER)
            continue;
        if (probe->state == PROBE_SENT)
            all->ports->probe->ops->cancel(all->ports->probe, probe->id);
        probe->state = PROBE_OVER;
    }
}

static void sweep(struct probes *all)
{
    struct probe **link = &all->first;
    while (*link != NULL) {
        struct probe *probe = *link;
        if (probe->state == PROBE_OVER) {
            *link = probe->next;
            probe_free(probe);
        } else {
            link = &probe->next;
        }
    }
    all->end = link;
}

/* ---- ends ---- */

static void end_failed(struct probes *all, struct probe *probe, enum http_failure failure,
                       const struct error *error)
{
    probe->state = PROBE_OVER;
    all->ended = true;
    probe->listener->failed(probe->owner, probe->tag, failure, error);
}

static bool plan_again(const struct probes *all, struct probe *probe)
{
    int64_t again_ms = now_ms(all) + PROBE_AGAIN_MS;
    if (again_ms > probe->until_ms)
        return false;
    probe->state = PROBE_WAITING;
    probe->not_before_ms = again_ms;
    return true;
}

bool probe_leaf_sha256(const struct tls_report *report, unsigned char out[static SHA256_SIZE])
{
    struct error ignored;
    return report->chain_count > 0 && digest_sha256(buf_span(&report->chain[0]), out, &ignored);
}

static bool is_wanted(const struct probe *probe, const struct tls_report *report)
{
    unsigned char leaf[SHA256_SIZE];
    return probe->request.any_leaf || (probe_leaf_sha256(report, leaf) &&
                                       memcmp(leaf, probe->request.leaf_sha256, sizeof leaf) == 0);
}

static void take_failure(struct probes *all, struct probe *probe, const struct event *event)
{
    struct error error = {0};
    if (plan_again(all, probe))
        return;
    (void)fail(&error, ERR_NETWORK, "%s%s%s", http_failure_word(event->failure),
               event->failure_text[0] == '\0' ? "" : ": ", event->failure_text);
    end_failed(all, probe, event->failure, &error);
}

static void take_report(struct probes *all, struct probe *probe, struct tls_report *report)
{
    struct error error = {0};
    if (is_wanted(probe, report)) {
        probe->state = PROBE_OVER;
        probe->listener->seen(probe->owner, probe->tag, report);
        return;
    }
    if (plan_again(all, probe))
        return;
    (void)fail(&error, ERR_WEB_SERVER, "another certificate is served");
    end_failed(all, probe, HTTP_FAIL_NONE, &error);
}

/* ---- the loop ---- */

static void send_now(struct probes *all, struct probe *probe)
{
    struct probe_port *port = all->ports->probe;
    struct error error = {0};
    probe->id = ++all->last_id;
    probe->state = PROBE_SENT;
    if (!port->ops->submit(port, probe->id, &probe->request.tls, &error))
        end_failed(all, probe, HTTP_FAIL_WORKER, &error);
}

int64_t probes_step(struct probes *all)
{
    int64_t now = now_ms(all), next = INT64_MAX;
    sweep(all);
    all->ended = false;
    for (struct probe *probe = all->first; probe != NULL; probe = probe->next) {
        if (probe->state != PROBE_WAITING)
            continue;
        if (probe->not_before_ms <= now)
            send_now(all, probe);
        else if (probe->not_before_ms < next)
            next = probe->not_before_ms;
    }
    return all->ended ? now : next;
}

void probes_take(struct probes *all, struct event *event)
{
    struct probe *probe = all->first;
    while (probe != NULL && (probe->state != PROBE_SENT || probe->id != event->id))
        probe = probe->next;
    if (probe == NULL)
        return;
    if (event->failure != HTTP_FAIL_NONE)
        take_failure(all, probe, event);
    else
        take_report(all, probe, &event->tls);
}

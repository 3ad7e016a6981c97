#include <acmec/engine/lookup.h>

#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <stdlib.h>

enum lookup_state { LOOKUP_WAITING, LOOKUP_SENT, LOOKUP_OVER };

struct lookup {
    struct lookup *next;
    struct dns_query query;
    const struct lookup_listener *listener;
    void *owner;
    size_t tag;
    enum lookup_state state;
    uint64_t id;
};

struct lookups {
    const struct ports *ports;
    struct lookup *first, **end;
    uint64_t last_id;
};

struct lookups *lookups_new(const struct ports *ports)
{
    struct lookups *all = mem_new(1, sizeof *all);
    all->ports = ports;
    all->end = &all->first;
    return all;
}

static void lookup_free(struct lookup *lookup)
{
    dns_query_release(&lookup->query);
    free(lookup);
}

void lookups_free(struct lookups *all)
{
    while (all != NULL && all->first != NULL) {
        struct lookup *lookup = all->first;
        all->first = lookup->next;
        lookup_free(lookup);
    }
    free(all);
}

void lookup_start(struct lookups *all, const struct dns_query *query,
                  const struct lookup_listener *listener, void *owner, size_t tag)
{
    struct lookup *lookup = mem_new(1, sizeof *lookup);
    lookup->query = *query;
    lookup->query.name = mem_strdup(query->name);
    lookup->query.server = mem_strdup(query->server);
    lookup->listener = listener;
    lookup->owner = owner;
    lookup->tag = tag;
    *all->end = lookup;
    all->end = &lookup->next;
}

void lookups_cancel(struct lookups *all, const void *owner)
{
    for (struct lookup *lookup = all->first; lookup != NULL; lookup = lookup->next) {
        if (lookup->owner != owner || lookup->state == LOOKUP_OVER)
            continue;
        if (lookup->state == LOOKUP_SENT)
            all->ports->dns->ops->cancel(all->ports->dns, lookup->id);
        lookup->state = LOOKUP_OVER;
    }
}

static void sweep(struct lookups *all)
{
    struct lookup **link = &all->first;
    while (*link != NULL) {
        struct lookup *lookup = *link;
        if (lookup->state == LOOKUP_OVER) {
            *link = lookup->next;
            lookup_free(lookup);
        } else {
            link = &lookup->next;
        }
    }
    all->end = link;
}

static void end_failed(struct lookup *lookup, struct error *error)
{
    (void)while_doing(error, "asking the DNS for %s of %s", dns_type_word(lookup->query.type),
                      escaped_str(lookup->query.name).text);
    lookup->state = LOOKUP_OVER;
    lookup->listener->failed(lookup->owner, lookup->tag, error);
}

int64_t lookups_step(struct lookups *all)
{
    bool ended = false;
    sweep(all);
    for (struct lookup *lookup = all->first; lookup != NULL; lookup = lookup->next) {
        struct error error = {0};
        if (lookup->state != LOOKUP_WAITING)
            continue;
        lookup->id = ++all->last_id;
        lookup->state = LOOKUP_SENT;
        if (all->ports->dns->ops->submit(all->ports->dns, lookup->id, &lookup->query, &error))
            continue;
        end_failed(lookup, &error);
        ended = true; /* whose it was may want to go on at once */
    }
    return ended ? clock_mono_ms(all->ports->clock) : INT64_MAX;
}

void lookups_take(struct lookups *all, struct event *event)
{
    struct lookup *lookup = all->first;
    struct error error = {0};
    while (lookup != NULL && (lookup->state != LOOKUP_SENT || lookup->id != event->id))
        lookup = lookup->next;
    if (lookup == NULL)
        return;
    if (event->failure == HTTP_FAIL_NONE) {
        lookup->state = LOOKUP_OVER;
        lookup->listener->answered(lookup->owner, lookup->tag, &event->dns);
        return;
    }
    (void)fail(&error, ERR_NETWORK, "%s",
               event->failure_text[0] == '\0' ? http_failure_word(event->failure)
                                              : event->failure_text);
    end_failed(lookup, &error);
}

/* lookup: questions to the DNS, each asked once (acmec-net tries several servers by itself), its
 * answer told to whoever asked. It judges no answer. */
#ifndef ACMEC_ENGINE_LOOKUP_H
#define ACMEC_ENGINE_LOOKUP_H

#include <acmec/data/ports.h>

struct lookups;

/* One of them is called, once, from lookups_take or lookups_step, and may start further lookups. */
struct lookup_listener {
    /* NXDOMAIN, SERVFAIL and their like are answers too. answer is borrowed; what the listener
     * takes out of it, it leaves empty. */
    void (*answered)(void *owner, size_t tag, struct dns_answer *answer);
    /* ERR_NETWORK: no server answered. */
    void (*failed)(void *owner, size_t tag, const struct error *error);
};

struct lookups *lookups_new(const struct ports *ports);
void lookups_free(struct lookups *lookups);

/* query is copied; owner and tag are handed to listener (borrowed, static). */
void lookup_start(struct lookups *lookups, const struct dns_query *query,
                  const struct lookup_listener *listener, void *owner, size_t tag);
/* Forgets all of an owner: no callback comes any more. */
void lookups_cancel(struct lookups *lookups, const void *owner);

/* Sends what is to be sent; returns when to be called again (INT64_MAX: after an event). */
int64_t lookups_step(struct lookups *lookups);
/* An EVENT_DNS; others are not ours. */
void lookups_take(struct lookups *lookups, struct event *event);

#endif

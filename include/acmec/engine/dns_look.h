/* dns_look: waits until a TXT record is seen by the servers that the CA will ask: all of those that
 * the zone names, where a CNAME leads as well; the system's resolver where no such server is found.
 * A server that does not answer counts for nothing. It changes nothing, and judges no other record.
 */
#ifndef ACMEC_ENGINE_DNS_LOOK_H
#define ACMEC_ENGINE_DNS_LOOK_H

#include <acmec/engine/run.h>

struct dns_look;

enum dns_seen {
    DNS_SEEN,
    DNS_NOT_SEEN, /* until the deadline */
    DNS_BLIND     /* nobody answers our questions, or knows the domain at all */
};

struct dns_look_wish {
    const char *name; /* without the last dot; copied */
    /* Whether a TXT record is the one that is looked for. */
    bool (*is_it)(void *ctx, struct span text);
    /* Called once, from lookups_take, lookups_step or dns_look_step. */
    void (*told)(void *ctx, enum dns_seen seen);
    void *ctx;
    int64_t deadline_ms;
    bool once; /* one that is not there is not waited for */
};
struct dns_look *dns_look_new(struct run *run, const struct dns_look_wish *wish);
/* NULL is fine; told comes no more. */
void dns_look_free(struct dns_look *look);

/* Goes on when its time has come; returns the next moment (INT64_MAX: after an answer). */
int64_t dns_look_step(struct dns_look *look);

#endif

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

/* name: without the last dot; both copied. told is called once, from lookups_take, lookups_step or
 * dns_look_step. */
struct dns_look *dns_look_new(struct run *run, const char *name, const char *value,
                              int64_t deadline_ms, void (*told)(void *ctx, enum dns_seen seen),
                              void *ctx);
/* NULL is fine; told comes no more. */
void dns_look_free(struct dns_look *look);

/* Goes on when its time has come; returns the next moment (INT64_MAX: after an answer). */
int64_t dns_look_step(struct dns_look *look);

#endif

/* demand: what a new order asks of the CA beside its names: a profile (draft-ietf-acme-profiles),
 * dates (RFC 8555 section 7.4), and the certificate that it replaces (RFC 9773 section 5); and what
 * of it is left out when the CA objects. Pure. */
#ifndef ACMEC_ACME_DEMAND_H
#define ACMEC_ACME_DEMAND_H

#include <acmec/acme/problem.h>

struct demand {
    char *profile;                 /* owned; NULL: the CA's own choice */
    bool profile_optional;         /* left out when the CA refuses it */
    int64_t not_before, not_after; /* Unix seconds; 0: the CA's own choice */
    char *replaces;                /* owned certID; NULL: none */
};

void demand_release(struct demand *demand);
void demand_copy(const struct demand *from, struct demand *out);

/* The CA refused the order. Whether something is left out now that this may have been about, so
 * that the order is worth a second try: `replaces`, unless the refusal is plainly about something
 * else; an optional profile that is gone. Each is left out once, so this ends. */
bool demand_yield(struct demand *demand, const struct problem *problem);

#endif

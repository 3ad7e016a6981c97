/* renewal: when a certificate is due, and how long a failure holds it back. Pure arithmetic on Unix
 * seconds. */
#ifndef ACMEC_ACME_RENEWAL_H
#define ACMEC_ACME_RENEWAL_H

#include <acmec/data/spec.h>

/* The moment from which a certificate is due: an explicit renew-before if it is earlier, else when
 * a third of the lifetime is left, half if the lifetime is under ten days. */
int64_t renewal_due_at(int64_t not_before, int64_t not_after, const struct renew_before *before);

/* The same where the CA has suggested the moment ari (RFC 9773): that, or an explicit renew-before
 * if it is earlier. Not before not_before_ari (a certificate that ARI alone asked for is not
 * replaced by ARI alone at once), and not later than where the last tenth of the lifetime begins.
 */
int64_t renewal_due_by_ari(int64_t not_before, int64_t not_after, const struct renew_before *before,
                           int64_t ari, int64_t not_before_ari);
/* How long after its issuance such a certificate is safe from ARI: a twentieth of the lifetime. */
int64_t renewal_ari_pause(int64_t not_before, int64_t not_after);

/* Seconds to hold back after the failures-th failure in a row (1..): 1, 10, 100 minutes, then a
 * day, never more than a twentieth of lifetime (0 = unknown: 90 days). */
int64_t renewal_backoff(unsigned failures, int64_t lifetime);

/* The latest moment that a rate limit may hold a certificate back: until, clamped to now + 7 days
 * and to where the last tenth of the lifetime begins (not_after 0: no certificate yet). */
int64_t renewal_limit_until(int64_t until, int64_t now, int64_t not_before, int64_t not_after);

#endif

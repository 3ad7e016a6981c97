/* revocation: has a certificate revoked by its CA: by the account that ordered it, or by its own
 * key.
 *
 * A key that is revoked as compromised is banned (io/store_banned) before the CA hears of it. What
 * is revoked is noted, so that the next `renew` replaces it. */
#ifndef ACMEC_ENGINE_REVOCATION_H
#define ACMEC_ENGINE_REVOCATION_H

#include <acmec/engine/run.h>

/* Asks a person, or wants settings.yes. out gets one outcome, with its error if it failed; false:
 * what concerns no certificate. */
bool revocation_run(struct run *run, const struct revocation *revocation,
                    const struct cert_spec *spec, struct outcome_list *out, struct error *err)
    MUST_USE;

#endif

/* preflight: would issuance work? Asks what the CA will ask: where the names lead, whether CAA lets
 * it issue, whether a self-made answer is served at every address; and the CA's directory, our rate
 * limits and nginx. It orders nothing, registers nothing, and leaves nothing behind. */
#ifndef ACMEC_ENGINE_PREFLIGHT_H
#define ACMEC_ENGINE_PREFLIGHT_H

#include <acmec/data/preflight_rows.h>
#include <acmec/engine/run.h>

/* run->limits have been read. False: a signal, or no worker; what is red is in the rows. */
bool preflight_run(struct run *run, const struct preflight_request *request,
                   struct preflight_rows *out, struct error *err) MUST_USE;

#endif

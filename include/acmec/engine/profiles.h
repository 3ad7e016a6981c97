/* profiles: what kinds of certificates a CA offers: its directory is read, and nothing else is
 * asked, so that no account is needed. */
#ifndef ACMEC_ENGINE_PROFILES_H
#define ACMEC_ENGINE_PROFILES_H

#include <acmec/engine/run.h>

/* spec: its server, CA bundle and proxy. */
bool profiles_read(struct run *run, const struct cert_spec *spec, struct profile_views *out,
                   struct error *err) MUST_USE;

#endif

/* describe: what is known of a certificate, as an outcome that people and programs are told. */
#ifndef ACMEC_ENGINE_DESCRIBE_H
#define ACMEC_ENGINE_DESCRIBE_H

#include <acmec/engine/run.h>

/* Fills what the state file knows of a certificate. spec NULL: unknown. */
void outcome_from_state(const struct run *run, const char *name, const struct cert_state *state,
                        const struct cert_spec *spec, struct outcome *out);

/* Notes the files of nginx that were edited for the certificate. */
void outcome_read_installed(const struct run *run, struct outcome *out);

#endif

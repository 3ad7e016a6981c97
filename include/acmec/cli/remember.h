/* remember: after success `issue` writes into certs/NAME.conf every option that was given
 * explicitly, so that a bare `renew` does the same again. Lines that are right keep every byte. */
#ifndef ACMEC_CLI_REMEMBER_H
#define ACMEC_CLI_REMEMBER_H

#include <acmec/cli/option.h>
#include <acmec/data/spec.h>
#include <acmec/engine/engine.h>

/* given: the command line's options; spec: what they came to, with its name. The file is read anew,
 * so that an edit made meanwhile stays. Nothing to change: nothing is written. */
bool remember_options(struct engine *engine, const struct option_set *given,
                      const struct cert_spec *spec, struct error *err) MUST_USE;

#endif

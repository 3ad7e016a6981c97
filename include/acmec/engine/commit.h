/* commit: judges a new chain and makes it the live generation (design section 5). */
#ifndef ACMEC_ENGINE_COMMIT_H
#define ACMEC_ENGINE_COMMIT_H

#include <acmec/engine/run.h>

struct commit_request {
    const struct cert_spec *spec;
    const struct key *key;
    struct span chain;
    unsigned generation;
    const char *directory_url, *account_url;
};

/* Checks the chain against key and names, and that a live chain which the system trusts is not
 * replaced by one that it does not (unless --yes); then, but for a dry run, commits the generation
 * and writes the state: live part, no order, no failure, deploy pending where there is a deploy
 * hook. */
bool commit_generation(struct run *run, const struct commit_request *request,
                       struct cert_state *state, struct error *err) MUST_USE;

#endif

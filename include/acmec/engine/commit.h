/* commit: judges a new chain and makes it the live generation (design section 5). */
#ifndef ACMEC_ENGINE_COMMIT_H
#define ACMEC_ENGINE_COMMIT_H

#include <acmec/engine/certkey.h>
#include <acmec/engine/run.h>

struct commit_request {
    const struct cert_spec *spec;
    const struct identifier_list *dropped;     /* asked for as well, but the CA left them out */
    const struct certkey *keys[KEY_TYPES_MAX]; /* one for each pair of spec */
    struct span chains[KEY_TYPES_MAX];
    unsigned generation;
    bool staged; /* live/NAME is switched by the deploy, not now */
    const char *directory_url, *account_url;
    const char *profile; /* escaped; NULL: the CA said none */
    bool has_ari;        /* its CA offers it */
    bool by_ari;         /* nothing but ARI asked for it */
};

/* Checks each chain against its key and the names, and that a live chain which the system trusts is
 * not replaced by one that it does not (unless --yes); then, but for a dry run, commits the
 * generation and writes the state: live part, no order, no failure, deploy pending where there is a
 * deploy hook. */
bool commit_generation(struct run *run, const struct commit_request *request,
                       struct cert_state *state, struct error *err) MUST_USE;

/* Notes when the live certificate is due, by spec, and of which state of the configuration files
 * that is true. */
void commit_stamp(struct run *run, const struct cert_spec *spec, struct cert_state *state);

#endif

/* ordering: one order from newOrder to the chain: it drives acme/order with exchanges, a key and a
 * way of proof, and sees to it that a killed run finds on disk what the next one needs: the order's
 * URL before anything is waited for, the key before the order is finalized. */
#ifndef ACMEC_ENGINE_ORDERING_H
#define ACMEC_ENGINE_ORDERING_H

#include <acmec/acme/order.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/certkey.h>
#include <acmec/engine/run.h>

struct ordering;
struct proof;

/* For the nth pair of spec. All borrowed; state's order of that pair is kept up to date, and
 * written. authority is ready. generation: that of the first pair; 0: the order chooses. */
struct ordering *ordering_new(struct run *run, const struct cert_spec *spec,
                              struct authority *authority, struct cert_state *state, size_t pair,
                              unsigned generation);
/* Takes proofs down; the stored order stays. */
void ordering_free(struct ordering *ordering);

/* Checks what would be refused at the end, then takes up the stored order if it still fits, else
 * makes a new one. */
bool ordering_begin(struct ordering *ordering, struct error *err) MUST_USE;

enum ordering_answer {
    ORDERING_RUNS,
    ORDERING_DONE,
    ORDERING_FAILED,     /* error says why */
    ORDERING_UNREACHABLE /* the CA is gone, or refuses the account: no fault of this certificate,
                            and the authority has failed; the order is kept */
};
/* until_ms: when to be called again at the latest. */
enum ordering_answer ordering_step(struct ordering *ordering, int64_t *until_ms,
                                   struct error *error);

/* After DONE; borrowed. generation is 0 in a dry run. */
struct span ordering_chain(const struct ordering *ordering);
const struct certkey *ordering_key(const struct ordering *ordering);
const char *ordering_profile(const struct ordering *ordering); /* escaped; NULL: the CA said none */
unsigned ordering_generation(const struct ordering *ordering);
bool ordering_reused_proof(const struct ordering *ordering);
/* After FAILED, until ordering_free: what was presented is still in place; NULL: nothing was. */
const struct proof *ordering_proof(const struct ordering *ordering);
/* After FAILED. The names that are to blame are added; refused_by_ca: the CA had reasons of its
 * own, no proof failed. */
void ordering_failed_names(const struct ordering *ordering, struct identifier_list *out);
bool ordering_refused_by_ca(const struct ordering *ordering);
bool ordering_rate_limit(const struct ordering *ordering, enum limit_scope *scope);

bool ordering_take_child(struct ordering *ordering, const struct event *event);
void ordering_proof_ready(struct ordering *ordering, const char *token);
void ordering_visited(struct ordering *ordering, const char *token);
/* Whether it needs our own responder. */
bool ordering_has_responder(const struct ordering *ordering);

#endif

/* proof: the ways to put the answer to a challenge in place, behind one small interface: a new way
 * is a row in the table of proof.c and a source of its own (prove_responder.c, prove_webroot.c).
 *
 * Each name of a certificate has its way (data/proving). A way presents, says when it believes the
 * answer to work, and takes it down again. It never talks to the CA. */
#ifndef ACMEC_ENGINE_PROOF_H
#define ACMEC_ENGINE_PROOF_H

#include <acmec/acme/order.h>
#include <acmec/engine/exchange.h>
#include <acmec/engine/run.h>

struct proof;
struct proof_answer;

/* What a way of proof tells its certificate's job; index is the job's own number for the answer. */
struct proof_listener {
    void (*ready)(void *ctx, size_t index);
    void (*failed)(void *ctx, size_t index, const struct error *error);
    void *ctx;
};

/* A certificate's answers. spec and session are borrowed; an account is needed for proofs by DNS
 * only. */
struct proof *proof_new(struct run *run, const struct cert_spec *spec, struct session *session,
                        const struct proof_listener *listener);
/* Takes down what is still up, and frees. */
void proof_free(struct proof *proof);

/* Chooses the way of each name that is to be proved by PROOF_AUTO, and says before the first order
 * what would fail at the end: a folder that cannot be written to, a port that is taken, a wildcard
 * that the way cannot prove. Comes first; once. */
bool proof_check(struct proof *proof, struct error *err) MUST_USE;

/* After proof_check. The type of challenge of each name of spec, in its order; borrowed. */
const char *const *proof_challenge_types(const struct proof *proof);
/* Whether every way sees the CA's visits. */
bool proof_is_watched(const struct proof *proof);
/* Whether one of the ways needs our own responder. */
bool proof_has_responder(const struct proof *proof);

/* Puts the answer of an ORDER_PRESENT in place; listener's ready or failed follows, now or later.
 */
void proof_present(struct proof *proof, const struct order_action *action);
/* What was presented and not taken down. Borrowed until the next change. */
const struct proof_answer *const *proof_answers(const struct proof *proof, size_t *count);
/* Takes all answers down. Again: nothing. */
void proof_clear(struct proof *proof);

/* Our own responder serves this token now (EVENT_PROOF_READY). */
void proof_take_ready(struct proof *proof, const char *token);

/* ---- for the sources of the ways ---- */
struct proof_way;

struct proof_answer {
    struct proof *proof;
    const struct proof_way *way;
    const struct proving *choice; /* borrowed; choice->argument is the way's */
    const struct cert_spec *spec; /* borrowed */
    struct session *session;      /* borrowed */
    size_t index;
    struct identifier identifier;
    char *token, *key_authorization; /* owned; "" for dns-persist-01 */
    struct persist_offer persist;    /* of dns-persist-01 */
    bool up;
    const char *doubt;  /* static; "was not seen": why the CA may not see it; NULL: none is known */
    const char *advice; /* of proof_try_home */
    void *own;          /* of the way */
};

struct proof_way {
    const char *challenge_type;   /* "http-01" */
    bool watched;                 /* by our own responder: it sees the CA's visits */
    bool wildcards, no_addresses; /* which names it can prove */
    /* PROOF_AUTO takes the first of its ways that suits; NULL: it always does. */
    bool (*suits)(struct run *run, const struct cert_spec *spec, const struct identifier *name);
    /* What PROOF_AUTO says that it chose; NULL: nobody chooses this way. Appends. */
    void (*describe)(const struct cert_spec *spec, struct buf *out);
    /* Once for each different choice of a certificate. */
    bool (*check)(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err);
    /* False: failed. True with *ready: works already, else ready or failed come later. */
    bool (*present)(struct run *run, struct proof_answer *answer, bool *ready, struct error *err);
    void (*remove)(struct run *run, struct proof_answer *answer);
};
extern const struct proof_way prove_responder, prove_webroot, prove_alpn, prove_dns,
    prove_dns_account, prove_stateless, prove_http_hook, prove_nginx, prove_persist;
/* Asks the local web server for an answer over HTTP that is in place, then says ready, or failed
 * with advice (static) if the server certainly does not serve it. */
void proof_try_home(struct run *run, struct proof_answer *answer, const char *advice);
void proof_answer_ready(struct proof_answer *answer);
void proof_answer_failed(struct proof_answer *answer, const struct error *error);

#endif

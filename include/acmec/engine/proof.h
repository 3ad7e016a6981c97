/* proof: the ways to put an HTTP-01 answer in place, behind one small interface: a new way is a row
 * in the table of proof.c and a source of its own (prove_responder.c, prove_webroot.c).
 *
 * A way presents, says when it believes the answer to work, and takes it down again. It never talks
 * to the CA. */
#ifndef ACMEC_ENGINE_PROOF_H
#define ACMEC_ENGINE_PROOF_H

#include <acmec/engine/run.h>

struct proof;

/* What a way of proof tells its certificate's job; index is the job's own number for the answer. */
struct proof_listener {
    void (*ready)(void *ctx, size_t index);
    void (*failed)(void *ctx, size_t index, const struct error *error);
    void *ctx;
};

/* A certificate's answers. spec is borrowed. */
struct proof *proof_new(struct run *run, const struct cert_spec *spec,
                        const struct proof_listener *listener);
/* Takes down what is still up, and frees. */
void proof_free(struct proof *proof);

/* What would fail at the end is said before the first order: a folder that cannot be written to, a
 * port that is taken, a wildcard that HTTP-01 cannot prove. */
bool proof_check(struct proof *proof, struct error *err) MUST_USE;

/* Puts the answer in place; listener's ready or failed follows, now or later. */
void proof_present(struct proof *proof, size_t index, const struct identifier *identifier,
                   const char *token, const char *key_authorization);
/* Takes all answers down. Again: nothing. */
void proof_clear(struct proof *proof);

/* Our own responder serves this token now (EVENT_PROOF_READY). */
void proof_take_ready(struct proof *proof, const char *token);
/* Whether the way sees the CA's visits. */
bool proof_is_watched(const struct proof *proof);

/* ---- for the sources of the ways ---- */
struct proof_answer {
    struct proof *proof;
    const struct cert_spec *spec; /* borrowed */
    size_t index;
    struct identifier identifier;
    char *token, *key_authorization; /* owned */
    bool up;
    void *own; /* of the way */
};
struct proof_way {
    const char *word;
    bool watched;
    bool (*check)(struct run *run, const struct cert_spec *spec, struct error *err);
    /* False: failed. True with *ready: works already, else ready or failed come later. */
    bool (*present)(struct run *run, const struct cert_spec *spec, struct proof_answer *answer,
                    bool *ready, struct error *err);
    void (*remove)(struct run *run, struct proof_answer *answer);
};
extern const struct proof_way prove_responder, prove_webroot;
void proof_answer_ready(struct proof_answer *answer);
void proof_answer_failed(struct proof_answer *answer, const struct error *error);

#endif

/* course: where an order stands, and what each status makes of it (RFC 8555 section 7.1.6). Part of
 * the order's machine: order.c alone uses it. It sends nothing and reads no bytes; what the server
 * says last decides, so that a resumed order is no special case. */
#ifndef ACMEC_ACME_COURSE_H
#define ACMEC_ACME_COURSE_H

#include <acmec/acme/order_object.h>
#include <acmec/acme/pace.h>
#include <acmec/acme/proofs.h>

enum phase {
    PHASE_CREATE,    /* a new order is to be made */
    PHASE_RESUME,    /* a stored one is to be looked at */
    PHASE_AUTHORIZE, /* the proofs run their errands */
    PHASE_PROVE,     /* polled until it is ready */
    PHASE_FINALIZE,
    PHASE_ISSUE, /* polled until it is valid */
    PHASE_DOWNLOAD,
    PHASE_CHOOSE,   /* other chains are looked at */
    PHASE_DIAGNOSE, /* failed: the authorizations are asked why */
    PHASE_DONE,
    PHASE_FAILED
};

struct course {
    enum phase phase;
    struct proofs *proofs; /* borrowed */
    struct pace pace;
    bool watched;    /* the CA's visits are seen */
    bool fresh;      /* a fresh proof is still to be seen to */
    bool resumed;    /* taken up from an earlier process */
    bool committed;  /* a challenge was answered, or the order finalized, by this one */
    bool reused;     /* the CA took a proof of an earlier time */
    bool stale;      /* failed, but only because it was out of date */
    bool looked;     /* at the authorizations, because it stays pending */
    bool first_poll; /* since the proofs were made, still to come */
    bool timed_out;
    bool proof_failed;  /* and not because of what this CA may issue */
    int64_t proving_ms; /* when the last challenge was answered; 0 = not yet */
    struct error error; /* of a failed one */
};

/* A final reply, and when it came: wall seconds and monotonic milliseconds. */
struct incoming {
    size_t index;
    const struct http_response *response;
    int64_t now;
    int64_t now_ms;
};

/* Whether nothing has been heard of the order yet. */
bool course_is_new(const struct course *course);
/* Goes where the order's status leads. */
bool course_follow(struct course *course, const struct order_object *object,
                   const struct incoming *in, struct error *err) MUST_USE;
/* Asks again later, in this phase; past the deadline the order fails. */
void course_ask_later(struct course *course, enum phase phase, const struct incoming *in);
/* A new order is to be made in the place of this one; the deadline stays. */
void course_restart(struct course *course);
/* Nothing is left to do for the proofs. */
void course_settle(struct course *course, int64_t now_ms);
/* When the next request for the order as a whole is due. */
int64_t course_due_ms(const struct course *course);
/* Fails with error (copied). maybe_stale: a stored order that could not even be taken up may only
 * be out of date. */
void course_give_up(struct course *course, const struct error *error, bool maybe_stale);

#endif

/* order: one certificate's way through RFC 8555 section 7.4, as a state machine without I/O.
 *
 * The caller asks order_next again and again until it gets IDLE or WAIT, does what it is told, and
 * tells the order what came of it. Several SENDs may be outstanding at once (authorizations and
 * challenges go in parallel). The order never retries: the caller sends an exchange until it has a
 * final reply, by the rules of acme/problem, and hands in that one.
 *
 *   NEW_ORDER -> AUTHORIZATION * n -> present -> RESPOND * n -> POLL ... -> FINALIZE -> POLL ...
 *   -> CERTIFICATE -> ALTERNATE * n -> done. A resumed order begins with POLL. An order that the CA
 *   refuses for something that may be left out (acme/demand) begins anew without it. */
#ifndef ACMEC_ACME_ORDER_H
#define ACMEC_ACME_ORDER_H

#include <acmec/acme/challenge.h>
#include <acmec/acme/demand.h>

/* X(id, what it does, for messages): rows of the step table in order.c, which gives each its
 * payload, its request builder, its wanted statuses, and its reader. */
#define ORDER_STEPS(X)                                                                             \
    X(NEW_ORDER, "ordering")                                                                       \
    X(AUTHORIZATION, "reading an authorization")                                                   \
    X(DEACTIVATE, "giving back an authorization")                                                  \
    X(RESPOND, "answering a challenge")                                                            \
    X(POLL, "asking for the order's status")                                                       \
    X(FAILED_AUTHORIZATION, "reading what failed")                                                 \
    X(FINALIZE, "finalizing the order")                                                            \
    X(CERTIFICATE, "downloading the certificate")                                                  \
    X(ALTERNATE, "downloading another chain")

#define STEP_AS_ENUM(id, text) STEP_##id,
enum order_step { ORDER_STEPS(STEP_AS_ENUM) STEP_COUNT };
#undef STEP_AS_ENUM

const char *order_step_text(enum order_step step);

enum order_do {
    ORDER_SEND,    /* build with order_request(step, index), send, then order_reply or order_lost */
    ORDER_PRESENT, /* put token and key_authorization in place, then order_presented(index) */
    ORDER_NEED_CSR, /* order_set_csr, then go on; nothing else will come before */
    ORDER_WAIT,     /* nothing before until_ms, unless a reply, a visit or order_presented comes */
    ORDER_IDLE,     /* nothing until something outstanding comes back */
    ORDER_DONE,     /* order_chain holds the chain */
    ORDER_FAILED    /* order_error says why; gone says whether the stored order was only stale */
};

struct order_action {
    enum order_do what;
    enum order_step step;                /* SEND */
    size_t index;                        /* SEND of an authorization's step, PRESENT */
    int64_t until_ms;                    /* WAIT: monotonic */
    const struct identifier *identifier; /* PRESENT; borrowed */
    const char *token;                   /* PRESENT; borrowed */
    const char *key_authorization;       /* PRESENT; borrowed; "" where there is no token */
    const struct persist_offer *persist; /* PRESENT; borrowed; of dns-persist-01 */
};

struct order_wish {
    const struct identifier_list *names; /* copied */
    const char *const *challenge_types;  /* one for each name, static: "http-01"; copied */
    const struct demand *demand;         /* copied; NULL: nothing beside the names */
    const char *preferred_chain;         /* copied; acme/alternates; NULL: the default */
    bool watched;       /* our own responder: the first poll follows the CA's visits */
    bool fresh_proof;   /* a dry run: valid authorizations are deactivated and ordered anew, once */
    int64_t timeout_ms; /* for proof and for issuance together, from the first RESPOND on; 5 min */
};

struct order;

/* session is borrowed for the order's life and has an account. */
struct order *order_new(struct session *session, const struct order_wish *wish);
/* Takes up the stored url: begins with POLL. One that is gone (404, 403, wrong account), invalid,
 * or about other names gives ORDER_FAILED with order_is_stale true: the caller makes a new one. */
struct order *order_resume(struct session *session, const struct order_wish *wish, const char *url);
void order_free(struct order *order);

/* What to do now. Each SEND, PRESENT is given out once; NEED_CSR, WAIT, IDLE, DONE, FAILED repeat.
 */
void order_next(struct order *order, int64_t now_ms, struct order_action *out);

/* Builds (again, for a retry, with another nonce) the request of a SEND that was given out. */
bool order_request(struct order *order, const struct order_action *action, int64_t now_ms,
                   struct http_request *out, struct error *err) MUST_USE;
/* The final reply of a SEND, good or bad. now: wall clock, for Retry-After. */
void order_reply(struct order *order, const struct order_action *action,
                 const struct http_response *response, int64_t now, int64_t now_ms);
/* The SEND came to nothing: the order fails with error (copied). */
void order_lost(struct order *order, const struct order_action *action, const struct error *error);

void order_presented(struct order *order, size_t index);
/* The proof could not be put in place: the order fails. */
void order_not_presented(struct order *order, size_t index, const struct error *error);
/* The CA (or anybody) has fetched this token. */
void order_visited(struct order *order, const char *token, int64_t now_ms);
/* DER, copied. */
void order_set_csr(struct order *order, struct span csr_der);

const char *order_url(const struct order *order);   /* NULL until known */
struct span order_chain(const struct order *order); /* PEM as downloaded, strict-checked */
/* After DONE: whether the chain is from the preferred issuer; true where none was preferred. */
bool order_chain_preferred(const struct order *order);
/* What the CA says the order's profile is, escaped; NULL: nothing. Borrowed. */
const char *order_profile(const struct order *order);
/* What is still demanded. Borrowed. */
const struct demand *order_demand(const struct order *order);
const struct error *order_error(const struct order *order); /* after FAILED */
bool order_is_stale(const struct order *order);
/* After DONE: the CA took proofs of an earlier time for at least one name. */
bool order_reused_proof(const struct order *order);
/* After FAILED: the names that are to blame: those that the CA's subproblems are about, and those
 * whose authorization failed. Added to out; an order can fail for other reasons. */
void order_failed_names(const struct order *order, struct identifier_list *out);
/* After FAILED: no proof failed, and none could not be put in place: the CA had its own reasons,
 * and another CA may have others. */
bool order_refused_by_ca(const struct order *order);
/* After FAILED: the CA refused the account itself, before it looked at the names. */
bool order_account_refused(const struct order *order);
/* After FAILED: the problem was a rate limit, of this scope. */
bool order_rate_limit(const struct order *order, enum limit_scope *scope);

#endif

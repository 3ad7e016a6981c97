/* account: what is asked about an account itself (RFC 8555 section 7.3), as rows of one step table:
 * each gives a request and reads its reply. Pure. The session guards what is signed and for which
 * URL; retry, and what follows from a reply, are the caller's. */
#ifndef ACMEC_ACME_ACCOUNT_H
#define ACMEC_ACME_ACCOUNT_H

#include <acmec/acme/eab.h>
#include <acmec/acme/session.h>

/* X(id, what it does, for messages) */
#define ACCOUNT_STEPS(X)                                                                           \
    X(REGISTER, "registering the account")                                                         \
    X(FIND, "asking for the account of this key")                                                  \
    X(UPDATE, "changing the account's contacts")                                                   \
    X(DEACTIVATE, "deactivating the account")                                                      \
    X(ROLLOVER, "changing the account's key")                                                      \
    X(ORDERS, "reading the account's orders")

#define ACCOUNT_STEP_AS_ENUM(id, text) ACCOUNT_##id,
enum account_step { ACCOUNT_STEPS(ACCOUNT_STEP_AS_ENUM) ACCOUNT_STEP_COUNT };
#undef ACCOUNT_STEP_AS_ENUM

const char *account_step_text(enum account_step step);

/* X(id, word): section 7.1.6. */
#define ACCOUNT_STATUSES(X)                                                                        \
    X(VALID, "valid")                                                                              \
    X(DEACTIVATED, "deactivated")                                                                  \
    X(REVOKED, "revoked")

#define ACCOUNT_STATUS_AS_ENUM(id, word) ACCOUNT_IS_##id,
enum account_status { ACCOUNT_STATUSES(ACCOUNT_STATUS_AS_ENUM) ACCOUNT_STATUS_COUNT };
#undef ACCOUNT_STATUS_AS_ENUM

const char *account_status_word(enum account_status status);

/* All borrowed. */
struct account_wish {
    const char *emails;        /* REGISTER, UPDATE: comma-separated; "" or NULL: none */
    bool agree_to_terms;       /* REGISTER */
    const struct eab *eab;     /* REGISTER; NULL: none */
    const struct key *new_key; /* ROLLOVER: must sign for the change as well */
    const char *orders_url;    /* ORDERS: account_reply's, or the next page's */
};

/* Called again for each try: no JWS is sent twice. ERR_USAGE: an e-mail address that is none;
 * ERR_REFUSED: the CA offers no such thing. */
bool account_request(struct session *session, enum account_step step,
                     const struct account_wish *wish, int64_t now_ms, struct http_request *out,
                     struct error *err) MUST_USE;

struct account_reply {
    char *url;                  /* owned; NULL but for REGISTER and FIND */
    enum account_status status; /* VALID also where the body is empty or does not say */
    char *contact;    /* owned, escaped; comma-separated addresses; NULL: none, or not said */
    char *orders_url; /* owned; NULL: not offered */
};
void account_reply_release(struct account_reply *reply);

/* Reads a good reply (2xx) to any step but ORDERS. REGISTER and FIND set the session's account. */
bool account_read(struct session *session, enum account_step step,
                  const struct http_response *response, struct account_reply *out,
                  struct error *err) MUST_USE;
/* ERR_REFUSED where the account is not valid. */
bool account_is_usable(enum account_status status, struct error *err) MUST_USE;

#define ACCOUNT_ORDERS_MAX 10000
struct account_orders {
    char **urls; /* owned, escaped */
    size_t count;
};
void account_orders_release(struct account_orders *orders);
/* Adds one page of the orders list (section 7.1.2.1) that url gave; *next, owned: the next page's
 * URL, NULL after the last, or when there are ACCOUNT_ORDERS_MAX. A bare array is taken as well. */
bool account_read_orders(struct session *session, const char *url,
                         const struct http_response *response, struct account_orders *orders,
                         char **next, struct error *err) MUST_USE;

#endif

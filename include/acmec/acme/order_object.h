/* order_object: reads an order as a CA writes it (RFC 8555 section 7.1.3). Pure; it decides
 * nothing.
 */
#ifndef ACMEC_ACME_ORDER_OBJECT_H
#define ACMEC_ACME_ORDER_OBJECT_H

#include <acmec/acme/problem.h>
#include <acmec/acme/session.h>

/* More authorizations than this in one order are refused. */
#define AUTHORIZATIONS_MAX (2 * IDENTIFIERS_MAX)

/* X(id, word, next): RFC 8555 section 7.1.6, and the function of order.c that follows the status.
 */
#define ORDER_STATUSES(X)                                                                          \
    X(PENDING, "pending", follow_pending)                                                          \
    X(READY, "ready", follow_ready)                                                                \
    X(PROCESSING, "processing", follow_processing)                                                 \
    X(VALID, "valid", follow_valid)                                                                \
    X(INVALID, "invalid", follow_invalid)

#define ORDER_AS_ENUM(id, word, next) ORDER_##id,
enum order_status { ORDER_STATUSES(ORDER_AS_ENUM) ORDER_COUNT };
#undef ORDER_AS_ENUM

struct order_object {
    enum order_status status;
    char **authorizations; /* owned URLs without duplicates, bound to their role; may be empty */
    size_t authorization_count;
    char *finalize;     /* owned, bound; NULL when the reply has none */
    char *certificate;  /* owned, bound; only in a valid order, NULL when the reply has none */
    char *profile;      /* owned, escaped; NULL when the reply has none */
    struct error error; /* the order's own, ERR_NONE = none */
};

void order_object_release(struct order_object *object);

/* Reads the body. Its identifiers must be names, in any order, each once; only where
 * identifiers_needed is false may they be missing. An unknown status, a member of a wrong type
 * among the required, a URL that the session's guard refuses: false (ERR_NETWORK, ERR_REFUSED). */
bool order_object_read(struct session *session, const struct http_response *response,
                       const struct identifier_list *names, bool identifiers_needed,
                       struct order_object *out, struct error *err) MUST_USE;

#endif

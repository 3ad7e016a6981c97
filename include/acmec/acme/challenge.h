/* challenge: reads an authorization and picks the challenge to answer (RFC 8555 sections 7.1.4, 8).
 */
#ifndef ACMEC_ACME_CHALLENGE_H
#define ACMEC_ACME_CHALLENGE_H

#include <acmec/acme/persist.h>
#include <acmec/acme/problem.h>
#include <acmec/acme/session.h>
#include <acmec/data/identifier.h>

#define TOKEN_MAX 255

/* X(id, word): RFC 8555 section 7.1.6. */
#define AUTHORIZATION_STATUSES(X)                                                                  \
    X(PENDING, "pending")                                                                          \
    X(VALID, "valid")                                                                              \
    X(INVALID, "invalid")                                                                          \
    X(DEACTIVATED, "deactivated")                                                                  \
    X(EXPIRED, "expired")                                                                          \
    X(REVOKED, "revoked")

#define AUTHORIZATION_AS_ENUM(id, word) AUTHORIZATION_##id,
enum authorization_status { AUTHORIZATION_STATUSES(AUTHORIZATION_AS_ENUM) AUTHORIZATION_COUNT };
#undef AUTHORIZATION_AS_ENUM

const char *authorization_status_word(enum authorization_status status);

#define CHALLENGE_STATUSES(X)                                                                      \
    X(PENDING, "pending")                                                                          \
    X(PROCESSING, "processing")                                                                    \
    X(VALID, "valid")                                                                              \
    X(INVALID, "invalid")

#define CHALLENGE_AS_ENUM(id, word) CHALLENGE_##id,
enum challenge_status { CHALLENGE_STATUSES(CHALLENGE_AS_ENUM) CHALLENGE_COUNT };
#undef CHALLENGE_AS_ENUM

struct authorization {
    enum authorization_status status;
    struct identifier identifier; /* with "*." where wildcard is true */
    char *challenge_url;          /* owned; NULL when none is wanted or offered */
    bool responded;               /* the challenge is processing or valid already */
    char token[TOKEN_MAX + 1];    /* [A-Za-z0-9_-]{22,TOKEN_MAX}; "" for dns-persist-01 */
    struct persist_offer persist; /* of dns-persist-01 */
    struct error error; /* of the challenge that failed, or is failing while still processing, with
                           the identifier; ERR_NONE = no */
};

void authorization_release(struct authorization *authorization);

/* Which type of challenge ("http-01") proves which name. */
struct challenge_plan {
    const struct identifier_list *names; /* borrowed */
    const char *const *types;            /* one for each name; static strings */
};
/* NULL: it is none of the names. */
const char *challenge_type_for(const struct challenge_plan *plan,
                               const struct identifier *identifier);

/* Reads an authorization object. For a pending one the planned challenge is found and its token
 * checked; a name that is not in the plan is ERR_REFUSED, and so is a type that is not offered (it
 * lists what is); unknown types, and types without the token
 * that they should have, are skipped. Binds the challenge's URL.
 */
bool authorization_read(struct session *session, const struct http_response *response,
                        const struct challenge_plan *plan, struct authorization *out,
                        struct error *err) MUST_USE;

/* Reads the reply to an answered challenge, which is the challenge. An empty body counts as
 * processing. reason: why it is invalid, with the identifier. */
bool challenge_read(const struct http_response *response, const struct identifier *identifier,
                    enum challenge_status *status, struct error *reason, struct error *err)
    MUST_USE;

/* token "." thumbprint, appended. */
bool challenge_key_authorization(const struct key *account_key, const char *token, struct buf *out,
                                 struct error *err) MUST_USE;

bool challenge_token_ok(const char *token);

#endif

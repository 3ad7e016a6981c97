/* revoke: the request that revokes a certificate (RFC 8555 section 7.6), and what the CA's reply
 * means. Pure. */
#ifndef ACMEC_ACME_REVOKE_H
#define ACMEC_ACME_REVOKE_H

#include <acmec/acme/session.h>

/* X(id, code, word, word of RFC 5280 section 5.3.1) */
#define REVOKE_REASONS(X)                                                                          \
    X(UNSPECIFIED, 0, "unspecified", "unspecified")                                                \
    X(KEY_COMPROMISE, 1, "key-compromise", "keyCompromise")                                        \
    X(CA_COMPROMISE, 2, "ca-compromise", "cACompromise")                                           \
    X(AFFILIATION_CHANGED, 3, "affiliation-changed", "affiliationChanged")                         \
    X(SUPERSEDED, 4, "superseded", "superseded")                                                   \
    X(CESSATION_OF_OPERATION, 5, "cessation-of-operation", "cessationOfOperation")                 \
    X(CERTIFICATE_HOLD, 6, "certificate-hold", "certificateHold")                                  \
    X(REMOVE_FROM_CRL, 8, "remove-from-crl", "removeFromCRL")                                      \
    X(PRIVILEGE_WITHDRAWN, 9, "privilege-withdrawn", "privilegeWithdrawn")                         \
    X(AA_COMPROMISE, 10, "aa-compromise", "aACompromise")

#define REASON_AS_ENUM(id, code, word, rfc) REASON_##id,
enum revoke_reason { REVOKE_REASONS(REASON_AS_ENUM) REASON_COUNT };
#undef REASON_AS_ENUM

const char *revoke_reason_word(enum revoke_reason reason);
/* Either word. False: none. */
bool revoke_reason_from_word(const char *word, enum revoke_reason *out);

struct revoke_wish {
    struct span cert_der;
    const enum revoke_reason *reason; /* NULL: none is given */
    bool by_key;                      /* signed by the certificate's key, which the session has */
};

/* ERR_REFUSED: the CA offers no revocation. */
bool revoke_request(struct session *session, const struct revoke_wish *wish, int64_t now_ms,
                    struct http_request *out, struct error *err) MUST_USE;

/* Whether the certificate is revoked now. *already: it was before. */
bool revoke_read(const struct http_response *response, int64_t now, bool *already,
                 struct error *err) MUST_USE;

#endif

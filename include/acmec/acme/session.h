/* session: one account at one CA: its directory, its nonces, and the guard over everything that the
 * account key signs. Pure: it builds requests and reads replies, and knows no socket and no clock.
 *
 * The guard (security.md of a hostile CA, RFC 8555 section 6): each URL that the CA names is bound
 * to the first role in which it was seen. A URL in a second role, one that equals the account's
 * URL, an endpoint's or the directory's, one that is not https, or is longer than HTTP_URL_MAX, or
 * holds control characters, blanks or non-ASCII bytes, is refused before anything is signed. Each
 * payload is signed for its own role only. The URL is signed and sent exactly as the CA wrote it.
 */
#ifndef ACMEC_ACME_SESSION_H
#define ACMEC_ACME_SESSION_H

#include <acmec/crypto/key.h>
#include <acmec/data/http_msg.h>

/* X(id, word): roles of URLs. Those before ACCOUNT are directory endpoints. */
#define URL_ROLES(X)                                                                               \
    X(NEW_NONCE, "newNonce")                                                                       \
    X(NEW_ACCOUNT, "newAccount")                                                                   \
    X(NEW_ORDER, "newOrder")                                                                       \
    X(REVOKE_CERT, "revokeCert")                                                                   \
    X(KEY_CHANGE, "keyChange")                                                                     \
    X(RENEWAL_INFO, "renewalInfo")                                                                 \
    X(ACCOUNT, "account")                                                                          \
    X(ORDER, "order")                                                                              \
    X(AUTHORIZATION, "authorization")                                                              \
    X(CHALLENGE, "challenge")                                                                      \
    X(FINALIZE, "finalize")                                                                        \
    X(CERTIFICATE, "certificate")                                                                  \
    X(ORDERS, "orders list")

#define ROLE_AS_ENUM(id, word) ROLE_##id,
enum url_role { URL_ROLES(ROLE_AS_ENUM) ROLE_COUNT };
#undef ROLE_AS_ENUM

/* X(id, role): what may be signed, and for URLs of which role. READ is POST-as-GET. ACCOUNT is what
 * changes the account itself; no URL that a reply gives can have its role (session_bind). */
#define PAYLOADS(X)                                                                                \
    X(NEW_ACCOUNT, ROLE_NEW_ACCOUNT)                                                               \
    X(ACCOUNT, ROLE_ACCOUNT)                                                                       \
    X(KEY_CHANGE, ROLE_KEY_CHANGE)                                                                 \
    X(NEW_ORDER, ROLE_NEW_ORDER)                                                                   \
    X(RESPOND, ROLE_CHALLENGE)                                                                     \
    X(FINALIZE, ROLE_FINALIZE)                                                                     \
    X(DEACTIVATE, ROLE_AUTHORIZATION)                                                              \
    X(REVOKE, ROLE_REVOKE_CERT)                                                                    \
    X(REVOKE_BY_KEY, ROLE_REVOKE_CERT)                                                             \
    X(READ_ORDER, ROLE_ORDER)                                                                      \
    X(READ_AUTHORIZATION, ROLE_AUTHORIZATION)                                                      \
    X(READ_CERTIFICATE, ROLE_CERTIFICATE)                                                          \
    X(READ_ORDERS, ROLE_ORDERS)

#define PAYLOAD_AS_ENUM(id, role) PAYLOAD_##id,
enum payload { PAYLOADS(PAYLOAD_AS_ENUM) PAYLOAD_COUNT };
#undef PAYLOAD_AS_ENUM

struct session;

/* account_key is borrowed for the session's life. directory_url is copied; NULL if it is not a
 * usable https URL. */
struct session *session_new(const char *directory_url, const struct key *account_key);
/* For a session that was made without a key (NULL), since there is no account yet: the directory is
 * read first. Also once the account has another key. */
void session_set_key(struct session *session, const struct key *account_key);
void session_free(struct session *session);

/* ---- directory (RFC 8555 section 7.1.1) ---- */
/* GET directory; https redirects may be followed. */
void session_directory_request(const struct session *session, struct http_request *out);
/* newNonce, newAccount, newOrder are required; anything unknown or not a string is skipped.
 * ERR_NETWORK when it is not a directory ("... is not an ACME directory"). */
bool session_read_directory(struct session *session, const struct http_response *response,
                            struct error *err) MUST_USE;
bool session_has_directory(const struct session *session);
const char *session_directory_url(const struct session *session);
const char *session_terms_url(const struct session *session); /* NULL = none; escaped */
bool session_needs_eab(const struct session *session);        /* meta.externalAccountRequired */
/* meta.caaIdentities: issuer domain names for CAA records, joined by commas; NULL = none. */
const char *session_caa_identities(const struct session *session);
/* The issuer names that records of dns-persist-01 may have, joined by commas:
 * meta.issuerDomainNames (draft -02), else those for CAA records; NULL = none. */
const char *session_persist_issuers(const struct session *session);
/* meta.accountHashPrefix (dns-persist-01 from draft -02 on); NULL = none; escaped. */
const char *session_account_hash_prefix(const struct session *session);

/* meta.profiles (draft-ietf-acme-profiles), in the CA's order, at most SESSION_PROFILES_MAX. */
#define SESSION_PROFILES_MAX 64
struct session_profile {
    char *name;        /* owned, as the CA wrote it */
    char *description; /* owned, as the CA wrote it; "" where it is no text */
};
/* The nth (from 0), or NULL. Borrowed. */
const struct session_profile *session_profile(const struct session *session, size_t nth);
bool session_offers_profile(const struct session *session, const char *name);

/* ---- nonces (section 6.5): a pool, last in first out ---- */
#define NONCE_AGE_MAX_MS (5 * 60 * 1000)
/* HEAD newNonce. */
void session_nonce_request(const struct session *session, struct http_request *out);
/* Takes the nonce of any reply; nothing happens when there is none or it is malformed. */
void session_take_nonce(struct session *session, const struct http_response *response,
                        int64_t now_ms);
size_t session_nonce_count(const struct session *session, int64_t now_ms);

/* ---- account; acme/account asks about it ---- */
/* Uses an account URL (the kid), as stored or as newAccount gave it. */
bool session_set_account(struct session *session, const char *account_url, struct error *err)
    MUST_USE;
const char *session_account_url(const struct session *session); /* NULL = none yet */
const struct key *session_key(const struct session *session);

/* ---- the guard ---- */
/* Binds url to role; fine when it is bound to it already. ERR_REFUSED otherwise, naming both roles.
 */
bool session_bind(struct session *session, enum url_role role, const char *url, struct error *err)
    MUST_USE;
/* A signed POST of payload (JSON text; "" for the READ ones) to a URL that is bound to the
 * payload's role. Takes a nonce from the pool: the caller made sure that there is one (false,
 * ERR_NETWORK otherwise). Called again for each retry: a JWS is never sent twice. */
bool session_sign(struct session *session, enum payload payload, const char *url, struct span json,
                  int64_t now_ms, struct http_request *out, struct error *err) MUST_USE;
/* The endpoint's URL, or NULL. */
const char *session_endpoint(const struct session *session, enum url_role role);

#endif

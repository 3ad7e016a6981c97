/* jws: flattened JSON Web Signatures as RFC 8555 section 6.2 wants them. Pure, but for the key. */
#ifndef ACMEC_ACME_JWS_H
#define ACMEC_ACME_JWS_H

#include <acmec/crypto/digest.h>
#include <acmec/crypto/key.h>

struct jws_header {
    const char *nonce; /* NULL: none (inner JWS) */
    const char *url;
    const char *kid; /* NULL: the jwk is put in its place */
};

/* Appends {"protected":..,"payload":..,"signature":..}. payload is signed as it is; empty gives "".
 */
bool jws_sign(const struct key *key, const struct jws_header *header, struct span payload,
              struct buf *out, struct error *err) MUST_USE;

/* The MAC of an external account binding (section 7.3.4). */
struct jws_mac {
    enum hmac_kind kind;
    struct span secret; /* borrowed */
};
/* "HS256", "HS384" or "HS512"; the other way, false: another word. */
const char *jws_mac_alg(enum hmac_kind kind);
bool jws_mac_from_alg(struct span alg, enum hmac_kind *out);
/* The same form as jws_sign, with a kid and a MAC in the signature's place. */
bool jws_sign_mac(const struct jws_mac *mac, const struct jws_header *header, struct span payload,
                  struct buf *out, struct error *err) MUST_USE;

#endif

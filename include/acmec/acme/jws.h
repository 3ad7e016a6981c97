/* jws: flattened JSON Web Signatures as RFC 8555 section 6.2 wants them. Pure, but for the key. */
#ifndef ACMEC_ACME_JWS_H
#define ACMEC_ACME_JWS_H

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

#endif

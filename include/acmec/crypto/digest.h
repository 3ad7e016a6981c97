/* digest: SHA-256, HMAC and random bytes. */
#ifndef ACMEC_CRYPTO_DIGEST_H
#define ACMEC_CRYPTO_DIGEST_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <stdint.h>

#define SHA256_SIZE 32

bool digest_sha256(struct span bytes, unsigned char out[static SHA256_SIZE], struct error *err)
    MUST_USE;
/* The hash that an HMAC is made with. */
enum hmac_kind { HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, HMAC_KIND_COUNT };

/* Appends the HMAC (RFC 2104) of message under secret. ERR_CONFIG for a secret that the crypto
 * library does not take (an empty one). */
bool digest_hmac(enum hmac_kind kind, struct span secret, struct span message, struct buf *out,
                 struct error *err) MUST_USE;
/* The same in lower-case hex. */
#define SHA256_HEX (2 * SHA256_SIZE + 1)
bool digest_sha256_hex(struct span bytes, char out[static SHA256_HEX], struct error *err) MUST_USE;
bool digest_random(void *out, size_t len, struct error *err) MUST_USE;

#endif

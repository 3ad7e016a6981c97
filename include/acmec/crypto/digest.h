/* digest: SHA-256 and random bytes. */
#ifndef ACMEC_CRYPTO_DIGEST_H
#define ACMEC_CRYPTO_DIGEST_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>
#include <stdint.h>

#define SHA256_SIZE 32

bool digest_sha256(struct span bytes, unsigned char out[static SHA256_SIZE], struct error *err)
    MUST_USE;
bool digest_random(void *out, size_t len, struct error *err) MUST_USE;

#endif

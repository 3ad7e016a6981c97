/* compat.h: what differs between mbedTLS 2.28, 3.6 and 4.x, and nothing else. */
#ifndef ACMEC_CRYPTO_COMPAT_H
#define ACMEC_CRYPTO_COMPAT_H

#include <mbedtls/version.h>

#define MBEDTLS_MAJOR (MBEDTLS_VERSION_NUMBER >> 24)

/* COMPAT_RNG: the random source argument, which 4.x no longer takes. */
#if MBEDTLS_MAJOR < 4
#include <psa/crypto.h>
static inline int compat_random(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}
#define COMPAT_RNG , compat_random, NULL
#else
#define COMPAT_RNG
#endif

#if MBEDTLS_MAJOR == 3
#define compat_pk_parse_key(pk, der, len) mbedtls_pk_parse_key(pk, der, len, NULL, 0 COMPAT_RNG)
#else
#define compat_pk_parse_key(pk, der, len) mbedtls_pk_parse_key(pk, der, len, NULL, 0)
#endif

/* An extension of a request that is not critical. */
#if MBEDTLS_MAJOR == 2
#define compat_csr_extension(csr, oid, oid_len, der, len)                                          \
    mbedtls_x509write_csr_set_extension(csr, oid, oid_len, der, len)
#else
#define compat_csr_extension(csr, oid, oid_len, der, len)                                          \
    mbedtls_x509write_csr_set_extension(csr, oid, oid_len, 0, der, len)
#endif

#endif

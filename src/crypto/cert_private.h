/* cert_private.h: what the sources of crypto/cert share. */
#ifndef ACMEC_CRYPTO_CERT_PRIVATE_H
#define ACMEC_CRYPTO_CERT_PRIVATE_H

#include <acmec/crypto/cert.h>
#include <mbedtls/x509_crt.h>

/* SHA-2 signatures, RSA from 2048 bits, any curve: one strictness on every mbedTLS. */
extern const mbedtls_x509_crt_profile CERT_PROFILE;

/* Appends one certificate to the list that starts at crt (initialised). False: it is none, or has
 * bytes after it. Critical extensions that mbedTLS does not know are let pass: the chain is
 * compared with what was asked for, and judging a CA's constraints is the visitor's part. */
bool cert_parse_der(mbedtls_x509_crt *crt, struct span der) MUST_USE;

bool cert_read_time(const mbedtls_x509_time *time, int64_t *out) MUST_USE;

/* The first attribute with that OID, escaped and cut to fit; false: there is none. */
bool cert_read_attribute(const mbedtls_x509_name *name, struct span oid, char out[static 256]);
extern const struct span CERT_COMMON_NAME, CERT_ORGANIZATION;

/* *out is zeroed before and released after, also on failure: it holds what was read until then. */
bool cert_read_info(const mbedtls_x509_crt *crt, enum err_code code, struct cert_info *out,
                    struct error *err) MUST_USE;

#endif

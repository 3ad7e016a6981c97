/* alpn_cert: the self-signed certificate that proves a name by tls-alpn-01 (RFC 8737 section 3,
 * RFC 8738 section 6), with a key of its own that lives as long as the proof. The responder gets
 * both; neither has anything to do with the account or the certificate that is ordered. */
#ifndef ACMEC_CRYPTO_ALPN_CERT_H
#define ACMEC_CRYPTO_ALPN_CERT_H

#include <acmec/crypto/key.h>
#include <acmec/data/identifier.h>

#define ALPN_CERT_MAX 1024 /* DER */
#define ALPN_KEY_MAX 256   /* DER, PKCS#8 of an ECDSA P-256 key */

/* Appends both as DER; key must be a SECRET_BUF. The certificate holds the identifier as its only
 * subject alternative name and, critical, the digest of the key authorization; it is valid from a
 * day before now to a week after. identifier is no wildcard (ERR_USAGE). */
bool alpn_cert_make(const struct identifier *identifier, const char *key_authorization, int64_t now,
                    struct buf *cert, struct buf *key, struct error *err) MUST_USE;

#endif

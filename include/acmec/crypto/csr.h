/* csr: the certificate request (RFC 2986) that finalizes an order: empty subject, all identifiers
 * in the subject alternative name (dNSName, iPAddress), signed with the certificate's key. No CN,
 * no key usages. */
#ifndef ACMEC_CRYPTO_CSR_H
#define ACMEC_CRYPTO_CSR_H

#include <acmec/crypto/key.h>
#include <acmec/data/identifier.h>

#define CSR_DER_MAX (64 * 1024)

/* Appends the DER. */
bool csr_make(const struct key *key, const struct identifier_list *names, struct buf *out,
              struct error *err) MUST_USE;

#endif

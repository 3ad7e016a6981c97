/* csr: the certificate request (RFC 2986) that finalizes an order.
 *
 * Ours has an empty subject, all identifiers in the subject alternative name (dNSName, iPAddress),
 * and is signed with the certificate's key: no CN, no key usages. One that a person made is read,
 * never changed: its private key stays where it is. */
#ifndef ACMEC_CRYPTO_CSR_H
#define ACMEC_CRYPTO_CSR_H

#include <acmec/crypto/key.h>
#include <acmec/data/identifier.h>

#define CSR_DER_MAX (64 * 1024)
#define CSR_TEXT_MAX (96 * 1024)

struct csr_wish {
    const struct identifier_list *names;
    bool must_staple; /* the TLS feature of RFC 7633 */
};

/* Appends the DER. */
bool csr_make(const struct key *key, const struct csr_wish *wish, struct buf *out,
              struct error *err) MUST_USE;

struct csr_info {
    struct buf der;                   /* owned; as it was given */
    struct buf spki;                  /* owned; its public key, in the form of cert_check_chain */
    struct identifier_list names;     /* the common name first, where it is one */
    char sha256[SHA256_HEX];          /* of the DER */
    char key_fingerprint[SHA256_HEX]; /* as key_fingerprint */
};

void csr_info_release(struct csr_info *info);

/* Reads one request, PEM or DER, whose signature must verify by SHA-2. ERR_USAGE in words for:
 * something else, a damaged one, a kind of key that cannot be handled, RSA under 2048 bits, no
 * name, names of other kinds than DNS and IP. */
bool csr_read(struct span text, struct csr_info *out, struct error *err) MUST_USE;

/* Whether it is for this key. */
bool csr_is_for(const struct csr_info *info, const struct key *key);

#endif

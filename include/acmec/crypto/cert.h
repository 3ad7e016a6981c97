/* cert: reads certificates and judges a chain before it may become live. Never fetches anything. */
#ifndef ACMEC_CRYPTO_CERT_H
#define ACMEC_CRYPTO_CERT_H

#include <acmec/crypto/key.h>
#include <acmec/data/identifier.h>
#include <acmec/data/pem.h>

#define CERT_ARI_ID_MAX 136

struct cert_info {
    struct identifier_list names; /* dNSName and iPAddress of the leaf, normalised */
    int64_t not_before, not_after;
    char serial[64];              /* lower-case hex of the DER content bytes */
    char issuer[256];             /* the issuer's CN, else its O, escaped */
    char ari_id[CERT_ARI_ID_MAX]; /* RFC 9773 section 4.1; "" without an authority key identifier */
};

void cert_info_release(struct cert_info *info);

/* What the first certificate of a strict PEM chain says. */
bool cert_read(struct span chain_pem, enum err_code code, struct cert_info *out, struct error *err)
    MUST_USE;

/* Design section 5, "Commit of a generation": strict PEM, the leaf's key is ours, it has exactly
 * the names asked for (any order), every signature verifies link by link, not_before < not_after
 * and the leaf not expired at now. ERR_REFUSED with the reason. */
bool cert_check_chain(struct span chain_pem, const struct key *key,
                      const struct identifier_list *names, int64_t now, struct cert_info *out,
                      struct error *err) MUST_USE;

/* The same for a public key whose private half is elsewhere: spki of csr_info. */
bool cert_check_chain_of(struct span chain_pem, struct span spki,
                         const struct identifier_list *names, int64_t now, struct cert_info *out,
                         struct error *err) MUST_USE;

/* The leaf alone, in DER, and what key_fingerprint says of its key. */
bool cert_read_leaf(struct span chain_pem, struct buf *der, char key_fingerprint[static SHA256_HEX],
                    struct error *err) MUST_USE;

/* Whether the leaf of chain_pem carries key's public half. */
bool cert_fits_key(struct span chain_pem, const struct key *key);

/* X(id, sentence): why a chain is not trusted. */
#define CERT_TRUSTS(X)                                                                             \
    X(TRUSTED, "it is trusted")                                                                    \
    X(UNREADABLE, "the chain cannot be read")                                                      \
    X(UNKNOWN, "it leads to no CA that is trusted here")                                           \
    X(EXPIRED, "a certificate of the chain has expired")                                           \
    X(NOT_YET, "a certificate of the chain is not valid yet")                                      \
    X(WEAK, "a certificate of the chain has a weak key or signature")                              \
    X(OTHER_USE, "the certificate is not for servers")

#define CERT_TRUST_AS_ENUM(id, sentence) CERT_##id,
enum cert_trust { CERT_TRUSTS(CERT_TRUST_AS_ENUM) CERT_TRUST_COUNT };
#undef CERT_TRUST_AS_ENUM

const char *cert_trust_sentence(enum cert_trust trust);

/* As cert_is_trusted, with the reason; anchor: the trusted CA's name (CN, else O, escaped), or "".
 */
enum cert_trust cert_judge_trust(struct span chain_pem, struct span trust_pem, int64_t now,
                                 char anchor[static 256]);

/* Whether the chain leads to a certificate in trust_pem (a bundle; broken ones inside are skipped)
 * for TLS servers, at now. */
bool cert_is_trusted(struct span chain_pem, struct span trust_pem, int64_t now);

/* Whether a certificate of the chain, or only its last one (topmost), was issued by a subject with
 * this common name, compared without case. A chain that cannot be read: false. */
bool cert_has_issuer(struct span chain_pem, const char *common_name, bool topmost);

/* Splits a chain into the leaf alone and the rest, both normalised PEM (LF, 64 columns), and the
 * whole, appended to the three buffers. */
bool cert_split_chain(struct span chain_pem, struct buf *leaf, struct buf *rest, struct buf *whole,
                      struct error *err) MUST_USE;

#endif

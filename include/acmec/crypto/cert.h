/* cert: reads certificates and judges a chain before it may become live. Never fetches anything. */
#ifndef ACMEC_CRYPTO_CERT_H
#define ACMEC_CRYPTO_CERT_H

#include <acmec/crypto/key.h>
#include <acmec/data/identifier.h>
#include <acmec/data/pem.h>

struct cert_info {
    struct identifier_list names; /* dNSName and iPAddress of the leaf, normalised */
    int64_t not_before, not_after;
    char serial[64];  /* lower-case hex of the DER content bytes */
    char issuer[256]; /* the issuer's CN, else its O, escaped */
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

/* Whether the leaf of chain_pem carries key's public half. */
bool cert_fits_key(struct span chain_pem, const struct key *key);

/* Whether the chain leads to a certificate in trust_pem (a bundle; broken ones inside are skipped)
 * for TLS servers, at now. */
bool cert_is_trusted(struct span chain_pem, struct span trust_pem, int64_t now);

/* Splits a chain into the leaf alone and the rest, both normalised PEM (LF, 64 columns), and the
 * whole, appended to the three buffers. */
bool cert_split_chain(struct span chain_pem, struct buf *leaf, struct buf *rest, struct buf *whole,
                      struct error *err) MUST_USE;

#endif

/* cert_view: what any certificate of any server says, for people and monitoring. Read leniently: a
 * field that cannot be read is empty. It judges nothing. */
#ifndef ACMEC_CRYPTO_CERT_VIEW_H
#define ACMEC_CRYPTO_CERT_VIEW_H

#include <acmec/crypto/digest.h>
#include <acmec/data/identifier.h>

struct cert_view {
    char subject[256], issuer[256]; /* CN, else O, else ""; escaped */
    char serial[64];                /* lower-case hex, or "" */
    char key[48];                   /* "RSA, 2048 bits", or "" */
    struct identifier_list names;   /* dNSName and iPAddress */
    int64_t not_before, not_after;  /* 0: unknown */
    char sha256[SHA256_HEX];        /* of the certificate */
    bool is_self_issued;
    bool wants_staple; /* worth nothing without a stapled OCSP reply (RFC 7633) */
};

void cert_view_release(struct cert_view *view);

/* One certificate in DER. One that cannot be read at all has its sha256 alone. ERR_CONFIG where
 * even that cannot be computed. */
bool cert_view_read(struct span der, struct cert_view *out, struct error *err) MUST_USE;

/* Whether name (a DNS name or an address, normalised) is one of names as a browser compares them
 * (RFC 9525): a wildcard stands for exactly one label. */
bool cert_view_covers(const struct identifier_list *names, const struct identifier *name);

#endif

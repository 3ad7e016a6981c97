/* key_private.h: what the sources of crypto/key, and csr and cert, share about a key. */
#ifndef ACMEC_CRYPTO_KEY_PRIVATE_H
#define ACMEC_CRYPTO_KEY_PRIVATE_H

#include <acmec/crypto/key.h>

#define KEY_SECRET_MAX 2560 /* PKCS#1 of RSA-4096 is at most 2350 bytes */
#define KEY_PUBLIC_MAX 544  /* {n, e} of RSA-4096 is at most 532 bytes with e up to 2^64 */
#define KEY_DER_MAX 3072    /* PKCS#8 */
#define KEY_SPKI_MAX 640
#define KEY_SIGNATURE_MAX 512 /* RSA-4096 */
#define EC_WIDTH_MAX 48

/* The kinds of key, one row for each enum key_type. */
struct key_kind {
    bool is_rsa;
    size_t bits;
    struct span curve_oid; /* EC only */
    const char *curve;     /* its name in a JWK, RFC 7518 section 6.2.1.1 */
    const char *jws_alg;
    struct span signature_oid; /* the same algorithm in X.509 */
};

const struct key_kind *key_kind(enum key_type type);
/* Bytes of one coordinate, of the scalar, or of the RSA modulus. */
static inline size_t key_width(const struct key_kind *kind)
{
    return kind->bits / 8;
}

/* One page, locked in memory where the system allows it, never in a core dump, wiped when freed. */
struct key {
    enum key_type type;
    size_t secret_len;
    size_t public_len;
    unsigned char secret[KEY_SECRET_MAX]; /* EC: the scalar at its full width; RSA: PKCS#1 DER */
    unsigned char public[KEY_PUBLIC_MAX]; /* EC: 04 x y; RSA: DER {n, e} */
};

static inline struct span key_secret(const struct key *key)
{
    return span_of(key->secret, key->secret_len);
}

static inline struct span key_public(const struct key *key)
{
    return span_of(key->public, key->public_len);
}

/* A key from its secret in the form of struct key; the crypto library judges it. */
bool key_from_secret(enum key_type type, struct span secret, enum err_code code, struct key **out,
                     struct error *err) MUST_USE;

/* DER appended to out: PKCS#8 (a secret buffer), and the SubjectPublicKeyInfo of RFC 5280. */
bool key_write_pkcs8(const struct key *key, struct buf *out, struct error *err) MUST_USE;
bool key_write_spki(const struct key *key, struct buf *out, struct error *err) MUST_USE;

#endif

/* key: private keys of accounts and certificates: make, read, write, sign.
 *
 * A key lives in one locked, undumpable page and leaves it only as PKCS#8 PEM in a secret buffer
 * (key_write_pem) for the store. Never in a log, never in a process that talks to the network.
 * crypto_start comes first, also for digest, csr and cert; nothing of this floor may run in a
 * forked child (mbedTLS 2.28 repeats its random numbers there). One thread only. */
#ifndef ACMEC_CRYPTO_KEY_H
#define ACMEC_CRYPTO_KEY_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <acmec/crypto/digest.h>
#include <acmec/data/spec.h>

#define KEY_PEM_MAX (16 * 1024)

struct key;

/* Starts the crypto library for this process. Once; again does nothing. */
bool crypto_start(struct error *err) MUST_USE;

/* A new key. RSA takes up to 9 seconds on mbedTLS 2.28: the engine has a child process do it. */
bool key_generate(enum key_type type, struct key **out, struct error *err) MUST_USE;

/* Reads PKCS#8, PKCS#1 or SEC1 PEM (one key, a leading EC PARAMETERS block is fine). Encrypted
 * keys, Ed25519, P-521 and sizes that we do not issue are refused in words. code is the error's
 * class. */
bool key_read_pem(struct span pem, enum err_code code, struct key **out, struct error *err)
    MUST_USE;

/* PKCS#8 PEM, appended to out, which must be a SECRET_BUF(KEY_PEM_MAX). */
bool key_write_pem(const struct key *key, struct buf *out, struct error *err) MUST_USE;

void key_free(struct key *key); /* taken; NULL is fine */

enum key_type key_get_type(const struct key *key);

/* Whether both have the same public half. */
bool key_same_public(const struct key *a, const struct key *b);

/* SHA-256 of the public half (SubjectPublicKeyInfo in DER), lower-case hex: what tells keys apart
 * in files. */
bool key_fingerprint(const struct key *key, char out[static SHA256_HEX], struct error *err)
    MUST_USE;

/* ---- for JWS (RFC 7515, 7518) ---- */

/* "ES256", "ES384" or "RS256". */
const char *key_jws_alg(const struct key *key);
/* Signs: r||s of fixed width (deterministic ECDSA) or PKCS#1 v1.5, over the hash that key_jws_alg
 * names. Appends the raw signature. */
bool key_jws_sign(const struct key *key, struct span message, struct buf *out, struct error *err)
    MUST_USE;
/* The public JWK in RFC 7638 form: members sorted, no white space. Appends. */
bool key_jwk(const struct key *key, struct buf *out, struct error *err) MUST_USE;
/* base64url(SHA-256(JWK)), 43 characters, appended. */
bool key_thumbprint(const struct key *key, struct buf *out, struct error *err) MUST_USE;

#endif

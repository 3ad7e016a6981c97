#include "key_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/digest.h>
#include <acmec/data/b64url.h>
#include <psa/crypto.h>
#include <sys/mman.h>

#include "der.h"

#define PAGE 4096
_Static_assert(sizeof(struct key) <= PAGE, "a key fits one page");

#define OID_SPAN(oid)                                                                              \
    {                                                                                              \
        (oid), sizeof(oid) - 1                                                                     \
    }
#define EC(bits, word, curve, alg, sign)                                                           \
    {                                                                                              \
        false, bits, OID_SPAN(curve), word, alg, OID_SPAN(sign)                                    \
    }
#define RSA(bits)                                                                                  \
    {                                                                                              \
        true, bits, {NULL, 0}, NULL, "RS256", OID_SPAN(OID_RSA_SHA256)                             \
    }
static const struct key_kind KINDS[KEY_TYPE_COUNT] = {
    [KEY_ECDSA_P256] = EC(256, "P-256", OID_P256, "ES256", OID_ECDSA_SHA256),
    [KEY_ECDSA_P384] = EC(384, "P-384", OID_P384, "ES384", OID_ECDSA_SHA384),
    [KEY_RSA_2048] = RSA(2048),
    [KEY_RSA_3072] = RSA(3072),
    [KEY_RSA_4096] = RSA(4096),
};

const struct key_kind *key_kind(enum key_type type)
{
    return &KINDS[type];
}

/* ---- PSA: a key is there only for the moment in which it is used, since 2.28 has 32 slots ---- */

static psa_algorithm_t hash_alg(const struct key_kind *kind)
{
    return kind->bits == 384 ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256;
}

static psa_algorithm_t sign_alg(const struct key_kind *kind)
{
    return kind->is_rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(hash_alg(kind))
                        : PSA_ALG_DETERMINISTIC_ECDSA(hash_alg(kind));
}

static psa_key_attributes_t attributes_of(const struct key_kind *kind)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, kind->is_rsa ? PSA_KEY_TYPE_RSA_KEY_PAIR
                                               : PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, kind->bits);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attributes, sign_alg(kind));
    return attributes;
}

static psa_status_t import(enum key_type type, struct span secret, psa_key_id_t *out)
{
    psa_key_attributes_t attributes = attributes_of(key_kind(type));
    return psa_import_key(&attributes, (const unsigned char *)secret.ptr, secret.len, out);
}

bool crypto_start(struct error *err)
{
    psa_status_t status = psa_crypto_init();
    if (status != PSA_SUCCESS)
        return fail(err, ERR_CONFIG, "the crypto library does not start (status %d)", (int)status);
    return true;
}

/* ---- a key's memory ---- */

static struct key *new_key(enum key_type type)
{
    void *page = aligned_alloc(PAGE, PAGE);
    if (page == NULL)
        mem_exhausted();
    (void)mlock(page, PAGE); /* a low RLIMIT_MEMLOCK must not stop a renewal */
    (void)madvise(page, PAGE, MADV_DONTDUMP);
    memset(page, 0, PAGE);
    struct key *key = page;
    key->type = type;
    return key;
}

void key_free(struct key *key)
{
    if (key == NULL)
        return;
    mem_wipe(key, PAGE);
    (void)madvise(key, PAGE, MADV_DODUMP);
    (void)munlock(key, PAGE);
    free(key);
}

/* Fills both halves from PSA's copy. */
static struct key *from_psa(enum key_type type, psa_key_id_t id, psa_status_t *status)
{
    struct key *key = new_key(type);
    *status = psa_export_key(id, key->secret, sizeof key->secret, &key->secret_len);
    if (*status == PSA_SUCCESS)
        *status = psa_export_public_key(id, key->public, sizeof key->public, &key->public_len);
    if (*status == PSA_SUCCESS)
        return key;
    key_free(key);
    return NULL;
}

bool key_generate(enum key_type type, struct key **out, struct error *err)
{
    psa_key_attributes_t attributes = attributes_of(key_kind(type));
    psa_key_id_t id = 0;
    struct key *key = NULL;
    psa_status_t status = psa_generate_key(&attributes, &id);
    if (status == PSA_SUCCESS) {
        key = from_psa(type, id, &status);
        (void)psa_destroy_key(id);
    }
    if (key == NULL)
        return fail(err, ERR_CONFIG, "cannot make a key of type %s (status %d)",
                    key_type_word(type), (int)status);
    *out = key;
    return true;
}

bool key_from_secret(enum key_type type, struct span secret, enum err_code code, struct key **out,
                     struct error *err)
{
    psa_key_id_t id = 0;
    struct key *key = NULL;
    psa_status_t status = import(type, secret, &id);
    if (status == PSA_SUCCESS) {
        key = from_psa(type, id, &status);
        (void)psa_destroy_key(id);
    }
    if (key == NULL)
        return fail(err, code, "the private key is damaged (status %d)", (int)status);
    *out = key;
    return true;
}

enum key_type key_get_type(const struct key *key)
{
    return key->type;
}

bool key_same_public(const struct key *a, const struct key *b)
{
    return a->type == b->type && span_equals(key_public(a), key_public(b));
}

bool key_fingerprint(const struct key *key, char out[static SHA256_HEX], struct error *err)
{
    AUTO(buf) spki = BUF(KEY_SPKI_MAX);
    return key_write_spki(key, &spki, err) && digest_sha256_hex(buf_span(&spki), out, err);
}

/* ---- JWS ---- */

const char *key_jws_alg(const struct key *key)
{
    return key_kind(key->type)->jws_alg;
}

bool key_jws_sign(const struct key *key, struct span message, struct buf *out, struct error *err)
{
    const struct key_kind *kind = key_kind(key->type);
    unsigned char hash[48], signature[KEY_SIGNATURE_MAX];
    size_t hash_len = 0, signature_len = 0;
    psa_key_id_t id = 0;
    psa_status_t status = import(key->type, key_secret(key), &id);
    if (status == PSA_SUCCESS) {
        status = psa_hash_compute(hash_alg(kind), (const unsigned char *)message.ptr, message.len,
                                  hash, sizeof hash, &hash_len);
        if (status == PSA_SUCCESS)
            status = psa_sign_hash(id, sign_alg(kind), hash, hash_len, signature, sizeof signature,
                                   &signature_len);
        (void)psa_destroy_key(id);
    }
    if (status != PSA_SUCCESS)
        return fail(err, ERR_CONFIG, "cannot sign with a key of type %s (status %d)",
                    key_type_word(key->type), (int)status);
    buf_add(out, signature, signature_len);
    return buf_ok(out) || fail(err, ERR_CONFIG, "a signature is larger than its buffer");
}

static void add_member(struct buf *out, const char *before, struct span bytes)
{
    buf_add_str(out, before);
    b64url_encode(bytes, out);
    buf_add_byte(out, '"');
}

/* Printed, not built as JSON: every byte is of a fixed alphabet, and jansson stays out of here. */
bool key_jwk(const struct key *key, struct buf *out, struct error *err)
{
    const struct key_kind *kind = key_kind(key->type);
    struct span in = key_public(key), n, e;
    if (!kind->is_rsa) {
        size_t width = key_width(kind);
        buf_addf(out, "{\"crv\":\"%s\",\"kty\":\"EC\"", kind->curve);
        add_member(out, ",\"x\":\"", span_of(key->public + 1, width));
        add_member(out, ",\"y\":\"", span_of(key->public + 1 + width, width));
    } else {
        if (!der_take(&in, DER_SEQUENCE, &in) || !der_take_unsigned(&in, &n) ||
            !der_take_unsigned(&in, &e))
            return fail(err, ERR_CONFIG, "the crypto library gave no RSA public key");
        add_member(out, "{\"e\":\"", e);
        add_member(out, ",\"kty\":\"RSA\",\"n\":\"", n);
    }
    buf_add_byte(out, '}');
    return buf_ok(out) || fail(err, ERR_CONFIG, "a JWK is larger than its buffer");
}

bool key_thumbprint(const struct key *key, struct buf *out, struct error *err)
{
    AUTO(buf) jwk = BUF(4096);
    unsigned char hash[SHA256_SIZE];
    if (!key_jwk(key, &jwk, err) || !digest_sha256(buf_span(&jwk), hash, err))
        return false;
    b64url_encode(span_of(hash, sizeof hash), out);
    return buf_ok(out) || fail(err, ERR_CONFIG, "a thumbprint is larger than its buffer");
}

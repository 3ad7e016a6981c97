#include <acmec/crypto/digest.h>

#include <psa/crypto.h>
#include <stdio.h>

bool digest_sha256(struct span bytes, unsigned char out[static SHA256_SIZE], struct error *err)
{
    unsigned char hash[SHA256_SIZE];
    size_t len = 0;
    psa_status_t status = psa_hash_compute(PSA_ALG_SHA_256, (const unsigned char *)bytes.ptr,
                                           bytes.len, hash, sizeof hash, &len);
    if (status != PSA_SUCCESS || len != sizeof hash)
        return fail(err, ERR_CONFIG, "the crypto library made no SHA-256 (status %d)", (int)status);
    memcpy(out, hash, sizeof hash);
    return true;
}

static const psa_algorithm_t hmac_algs[HMAC_KIND_COUNT] = {
    [HMAC_SHA256] = PSA_ALG_HMAC(PSA_ALG_SHA_256),
    [HMAC_SHA384] = PSA_ALG_HMAC(PSA_ALG_SHA_384),
    [HMAC_SHA512] = PSA_ALG_HMAC(PSA_ALG_SHA_512),
};

bool digest_hmac(enum hmac_kind kind, struct span secret, struct span message, struct buf *out,
                 struct error *err)
{
    unsigned char value[PSA_MAC_MAX_SIZE];
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    size_t len = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, hmac_algs[kind]);
    psa_status_t status =
        psa_import_key(&attributes, (const unsigned char *)secret.ptr, secret.len, &id);
    if (status == PSA_SUCCESS)
        status = psa_mac_compute(id, hmac_algs[kind], (const unsigned char *)message.ptr,
                                 message.len, value, sizeof value, &len);
    (void)psa_destroy_key(id);
    if (status != PSA_SUCCESS)
        return fail(err, ERR_CONFIG, "the crypto library made no HMAC (status %d)", (int)status);
    buf_add(out, value, len);
    return true;
}

bool digest_sha256_hex(struct span bytes, char out[static SHA256_HEX], struct error *err)
{
    unsigned char hash[SHA256_SIZE];
    if (!digest_sha256(bytes, hash, err))
        return false;
    for (size_t i = 0; i < sizeof hash; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
    return true;
}

bool digest_random(void *out, size_t len, struct error *err)
{
    psa_status_t status = psa_generate_random(out, len);
    if (status != PSA_SUCCESS)
        return fail(err, ERR_CONFIG, "the crypto library gave no random bytes (status %d)",
                    (int)status);
    return true;
}

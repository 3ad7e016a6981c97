#include <acmec/crypto/digest.h>

#include <psa/crypto.h>

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

bool digest_random(void *out, size_t len, struct error *err)
{
    psa_status_t status = psa_generate_random(out, len);
    if (status != PSA_SUCCESS)
        return fail(err, ERR_CONFIG, "the crypto library gave no random bytes (status %d)",
                    (int)status);
    return true;
}

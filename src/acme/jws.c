#include <acmec/acme/jws.h>

#include <acmec/base/cleanup.h>
#include <acmec/crypto/csr.h>
#include <acmec/data/b64url.h>
#include <acmec/data/json.h>

/* base64url of base64url of the largest CSR, and room for the rest. */
#define PART_MAX (2 * CSR_DER_MAX + 16 * 1024)

static bool put_jwk(const struct key *key, json_t *header, struct error *err)
{
    AUTO(buf) text = BUF(4096);
    json_t *jwk = NULL;
    if (!key_jwk(key, &text, err) ||
        !json_parse_object(buf_span(&text), text.max, ERR_CONFIG, &jwk, err))
        return false;
    (void)json_object_set_new(header, "jwk", jwk);
    return true;
}

/* What signs: an account's key, or a MAC. */
struct signer {
    const struct key *key; /* NULL: mac */
    const struct jws_mac *mac;
};

static const char *const mac_algs[HMAC_KIND_COUNT] = {
    [HMAC_SHA256] = "HS256",
    [HMAC_SHA384] = "HS384",
    [HMAC_SHA512] = "HS512",
};

const char *jws_mac_alg(enum hmac_kind kind)
{
    return mac_algs[kind];
}

bool jws_mac_from_alg(struct span alg, enum hmac_kind *out)
{
    for (enum hmac_kind kind = 0; kind < HMAC_KIND_COUNT; kind++) {
        if (span_is(alg, mac_algs[kind])) {
            *out = kind;
            return true;
        }
    }
    return false;
}

/* Appends base64url of the protected header. */
static bool encode_header(const struct signer *signer, const struct jws_header *header,
                          struct buf *out, struct error *err)
{
    json_auto_t *object = json_object();
    json_put_str(object, "alg",
                 signer->key != NULL ? key_jws_alg(signer->key) : mac_algs[signer->mac->kind]);
    if (header->kid != NULL)
        json_put_str(object, "kid", header->kid);
    else if (!put_jwk(signer->key, object, err))
        return false;
    if (header->nonce != NULL)
        json_put_str(object, "nonce", header->nonce);
    json_put_str(object, "url", header->url);
    AUTO(buf) text = BUF(16 * 1024);
    json_write(object, &text);
    if (!buf_ok(&text))
        return fail(err, ERR_REFUSED, "the header of a signed request is too long");
    b64url_encode(buf_span(&text), out);
    return true;
}

static bool sign_message(const struct signer *signer, struct span message, struct buf *out,
                         struct error *err)
{
    if (signer->key != NULL)
        return key_jws_sign(signer->key, message, out, err);
    return digest_hmac(signer->mac->kind, signer->mac->secret, message, out, err);
}

static bool sign(const struct signer *signer, const struct jws_header *header, struct span payload,
                 struct buf *out, struct error *err)
{
    AUTO(buf) message = BUF(2 * PART_MAX);
    AUTO(buf) encoded = BUF(PART_MAX);
    AUTO(buf) raw = BUF(1024);
    AUTO(buf) signature = BUF(2048);
    json_auto_t *object = json_object();

    if (!encode_header(signer, header, &message, err))
        return false;
    json_put_str(object, "protected", buf_str(&message));
    b64url_encode(payload, &encoded);
    json_put_str(object, "payload", buf_str(&encoded));
    buf_add_byte(&message, '.');
    buf_add_span(&message, buf_span(&encoded));
    if (!buf_ok(&encoded) || !buf_ok(&message))
        return fail(err, ERR_REFUSED, "a request to be signed is too long");
    if (!sign_message(signer, buf_span(&message), &raw, err))
        return false;
    b64url_encode(buf_span(&raw), &signature);
    json_put_str(object, "signature", buf_str(&signature));
    json_write(object, out);
    return true;
}

bool jws_sign(const struct key *key, const struct jws_header *header, struct span payload,
              struct buf *out, struct error *err)
{
    return sign(&(struct signer){.key = key}, header, payload, out, err);
}

bool jws_sign_mac(const struct jws_mac *mac, const struct jws_header *header, struct span payload,
                  struct buf *out, struct error *err)
{
    return sign(&(struct signer){.mac = mac}, header, payload, out, err);
}

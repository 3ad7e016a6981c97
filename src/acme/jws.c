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

/* Appends base64url of the protected header. */
static bool encode_header(const struct key *key, const struct jws_header *header, struct buf *out,
                          struct error *err)
{
    json_auto_t *object = json_object();
    json_put_str(object, "alg", key_jws_alg(key));
    if (header->kid != NULL)
        json_put_str(object, "kid", header->kid);
    else if (!put_jwk(key, object, err))
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

bool jws_sign(const struct key *key, const struct jws_header *header, struct span payload,
              struct buf *out, struct error *err)
{
    AUTO(buf) message = BUF(2 * PART_MAX);
    AUTO(buf) encoded = BUF(PART_MAX);
    AUTO(buf) raw = BUF(1024);
    AUTO(buf) signature = BUF(2048);
    json_auto_t *object = json_object();

    if (!encode_header(key, header, &message, err))
        return false;
    json_put_str(object, "protected", buf_str(&message));
    b64url_encode(payload, &encoded);
    json_put_str(object, "payload", buf_str(&encoded));
    buf_add_byte(&message, '.');
    buf_add_span(&message, buf_span(&encoded));
    if (!buf_ok(&encoded) || !buf_ok(&message))
        return fail(err, ERR_REFUSED, "a request to be signed is too long");
    if (!key_jws_sign(key, buf_span(&message), &raw, err))
        return false;
    b64url_encode(buf_span(&raw), &signature);
    json_put_str(object, "signature", buf_str(&signature));
    json_write(object, out);
    return true;
}

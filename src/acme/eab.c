#include <acmec/acme/eab.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/b64url.h>
#include <ctype.h>

void eab_release(struct eab *eab)
{
    free(eab->kid);
    buf_release(&eab->secret);
    *eab = (struct eab){0};
}

/* The word before the secret, if it is one of a MAC: taken off text. */
static enum hmac_kind take_kind(struct span *text)
{
    enum hmac_kind kind = HMAC_SHA256;
    while (text->len > 0 && isspace((unsigned char)text->ptr[0]))
        *text = span_of(text->ptr + 1, text->len - 1);
    size_t len = 0;
    while (len < text->len && !isspace((unsigned char)text->ptr[len]))
        len++;
    if (len < text->len && jws_mac_from_alg(span_of(text->ptr, len), &kind))
        *text = span_of(text->ptr + len, text->len - len);
    return kind;
}

/* CAs hand it out in either alphabet, and people copy it with what stands around it. */
static void normalise(struct span text, struct buf *out)
{
    size_t end = text.len;
    while (end > 0 && (text.ptr[end - 1] == '=' || isspace((unsigned char)text.ptr[end - 1])))
        end--;
    for (size_t i = 0; i < end; i++) {
        char c = text.ptr[i];
        if (isspace((unsigned char)c))
            continue;
        buf_add_byte(out, c == '+' ? '-' : c == '/' ? '_' : c);
    }
}

bool eab_read(const char *kid, struct span text, struct eab *out, struct error *err)
{
    AUTO(buf) encoded = SECRET_BUF(EAB_TEXT_MAX);
    struct eab eab = {.secret = SECRET_BUF(EAB_TEXT_MAX)};
    struct error ignored = {0};
    eab.kind = take_kind(&text);
    normalise(text, &encoded);
    /* What the decoder complains about may be a part of the secret. */
    if (!buf_ok(&encoded) || !b64url_decode(buf_span(&encoded), &eab.secret, &ignored) ||
        eab.secret.len == 0) {
        buf_release(&eab.secret);
        (void)fail(err, ERR_CONFIG, "it holds no HMAC key");
        return with_hint(err, "it takes the key as the CA shows it, in base64url or base64");
    }
    eab.kid = mem_strdup(kid);
    *out = eab;
    return true;
}

bool eab_bind(const struct eab *eab, const struct key *account_key, const char *url,
              struct buf *out, struct error *err)
{
    AUTO(buf) jwk = BUF(4096);
    const struct jws_mac mac = {eab->kind, buf_span(&eab->secret)};
    const struct jws_header header = {.url = url, .kid = eab->kid};
    return key_jwk(account_key, &jwk, err) && jws_sign_mac(&mac, &header, buf_span(&jwk), out, err);
}

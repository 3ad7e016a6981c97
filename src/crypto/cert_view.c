#include <acmec/crypto/cert_view.h>

#include "cert_private.h"
#include <stdio.h>

void cert_view_release(struct cert_view *view)
{
    identifier_list_release(&view->names);
}

static void read_name(const mbedtls_x509_name *name, char out[static 256])
{
    if (!cert_read_attribute(name, CERT_COMMON_NAME, out) &&
        !cert_read_attribute(name, CERT_ORGANIZATION, out))
        out[0] = '\0';
}

static void read_key(const mbedtls_x509_crt *crt, char out[static 48])
{
    const char *kind = mbedtls_pk_can_do(&crt->pk, MBEDTLS_PK_RSA)     ? "RSA"
                       : mbedtls_pk_can_do(&crt->pk, MBEDTLS_PK_ECKEY) ? "ECDSA"
                                                                       : NULL;
    if (kind != NULL)
        (void)snprintf(out, 48, "%s, %zu bits", kind, mbedtls_pk_get_bitlen(&crt->pk));
}

/* The extension's name stands for what it holds: no other feature than stapling was ever used. */
static bool has_tls_feature(const mbedtls_x509_crt *crt)
{
    static const unsigned char name[] = {0x06, 0x08, 0x2b, 0x06, 0x01,
                                         0x05, 0x05, 0x07, 0x01, 0x18};
    return crt->v3_ext.p != NULL &&
           memmem(crt->v3_ext.p, crt->v3_ext.len, name, sizeof name) != NULL;
}

static void read_all(const mbedtls_x509_crt *crt, struct cert_view *out)
{
    struct cert_info info = {0};
    struct error ignored;
    read_name(&crt->subject, out->subject);
    read_name(&crt->issuer, out->issuer);
    read_key(crt, out->key);
    /* What it read before it met something odd is there all the same. */
    (void)!cert_read_info(crt, ERR_CONFIG, &info, &ignored);
    (void)snprintf(out->serial, sizeof out->serial, "%s", info.serial);
    out->not_before = info.not_before;
    out->not_after = info.not_after;
    out->names = info.names;
    out->wants_staple = has_tls_feature(crt);
    out->is_self_issued = span_equals(span_of(crt->subject_raw.p, crt->subject_raw.len),
                                      span_of(crt->issuer_raw.p, crt->issuer_raw.len));
}

bool cert_view_read(struct span der, struct cert_view *out, struct error *err)
{
    struct cert_view view = {0};
    mbedtls_x509_crt crt;
    if (!digest_sha256_hex(der, view.sha256, err))
        return false;
    mbedtls_x509_crt_init(&crt);
    if (cert_parse_der(&crt, der))
        read_all(&crt, &view);
    mbedtls_x509_crt_free(&crt);
    *out = view;
    return true;
}

/* "*.example.com" covers "a.example.com", not "a.b.example.com" and not "example.com". */
static bool covers(const struct identifier *have, const struct identifier *name)
{
    if (identifier_equals(have, name))
        return true;
    if (have->type != IDENTIFIER_DNS || name->type != IDENTIFIER_DNS ||
        !identifier_is_wildcard(have))
        return false;
    const char *rest = strchr(name->value, '.');
    return rest != NULL && rest != name->value && strcmp(rest, have->value + 1) == 0;
}

bool cert_view_covers(const struct identifier_list *names, const struct identifier *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (covers(&names->items[i], name))
            return true;
    return false;
}

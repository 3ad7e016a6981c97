/* A person's request: read by hand, since mbedTLS 2.28 knows no subject alternative names in one.
 */
#include <acmec/crypto/csr.h>

#include <acmec/base/cleanup.h>
#include <acmec/data/escape.h>
#include <acmec/data/pem.h>
#include <arpa/inet.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>

#include "der.h"
#include "key_private.h"

#define RSA_BITS_MIN 2048

/* The parts of a request, borrowed from its DER. */
struct parts {
    struct span info; /* as it is signed, with its header */
    struct span subject, spki, attributes;
    struct span algorithm; /* the OID */
    struct span signature;
};

static const struct {
    struct span oid;
    mbedtls_md_type_t hash;
} ALGORITHMS[] = {
    {{OID_RSA_SHA256, sizeof(OID_RSA_SHA256) - 1}, MBEDTLS_MD_SHA256},
    {{OID_RSA_SHA384, sizeof(OID_RSA_SHA384) - 1}, MBEDTLS_MD_SHA384},
    {{OID_RSA_SHA512, sizeof(OID_RSA_SHA512) - 1}, MBEDTLS_MD_SHA512},
    {{OID_ECDSA_SHA256, sizeof(OID_ECDSA_SHA256) - 1}, MBEDTLS_MD_SHA256},
    {{OID_ECDSA_SHA384, sizeof(OID_ECDSA_SHA384) - 1}, MBEDTLS_MD_SHA384},
    {{OID_ECDSA_SHA512, sizeof(OID_ECDSA_SHA512) - 1}, MBEDTLS_MD_SHA512},
};

void csr_info_release(struct csr_info *info)
{
    buf_release(&info->der);
    buf_release(&info->spki);
    identifier_list_release(&info->names);
    *info = (struct csr_info){0};
}

bool csr_is_for(const struct csr_info *info, const struct key *key)
{
    AUTO(buf) spki = BUF(KEY_SPKI_MAX);
    struct error ignored;
    return key_write_spki(key, &spki, &ignored) &&
           span_equals(buf_span(&spki), buf_span(&info->spki));
}

/* ---- its outer form ---- */

static bool to_der(struct span text, struct buf *out, struct error *err)
{
    AUTO(pem_list) list = {0};
    if (text.len > 0 && (unsigned char)text.ptr[0] == DER_SEQUENCE) {
        buf_add_span(out, text);
        return true;
    }
    if (!pem_parse(text, ERR_USAGE, &list, err))
        return false;
    bool is_one = list.count == 1 && (strcmp(list.blocks[0].label, "CERTIFICATE REQUEST") == 0 ||
                                      strcmp(list.blocks[0].label, "NEW CERTIFICATE REQUEST") == 0);
    if (!is_one)
        return fail(err, ERR_USAGE, "this is not one certificate request");
    buf_add_span(out, buf_span(&list.blocks[0].der));
    return buf_ok(out) || fail(err, ERR_USAGE, "larger than %d bytes", CSR_DER_MAX);
}

/* From where it began to where the rest begins. */
static struct span taken(struct span before, struct span rest)
{
    return span_of(before.ptr, (size_t)(rest.ptr - before.ptr));
}

static bool take_info(struct span info, struct parts *out)
{
    struct span ignored, before;
    if (!der_take(&info, DER_INTEGER, &ignored) || !der_take(&info, DER_SEQUENCE, &out->subject))
        return false;
    before = info;
    if (!der_take(&info, DER_SEQUENCE, &ignored))
        return false;
    out->spki = taken(before, info);
    return der_take(&info, DER_CONTEXT_0, &out->attributes) && info.len == 0;
}

static bool take_parts(struct span der, struct parts *out)
{
    struct span whole, info, algorithm, before;
    if (!der_take(&der, DER_SEQUENCE, &whole) || der.len != 0)
        return false;
    before = whole;
    if (!der_take(&whole, DER_SEQUENCE, &info))
        return false;
    out->info = taken(before, whole);
    if (!der_take(&whole, DER_SEQUENCE, &algorithm) ||
        !der_take(&algorithm, DER_OID, &out->algorithm) ||
        !der_take(&whole, DER_BIT_STRING, &out->signature) || whole.len != 0 ||
        out->signature.len < 1 || out->signature.ptr[0] != 0)
        return false;
    out->signature = span_of(out->signature.ptr + 1, out->signature.len - 1);
    return take_info(info, out);
}

/* ---- its key ---- */

struct public_key {
    mbedtls_pk_context pk;
};

static void public_key_release(struct public_key *key)
{
    mbedtls_pk_free(&key->pk);
}

static bool take_key(struct span spki, struct public_key *key, struct buf *out, struct error *err)
{
    unsigned char *at = (unsigned char *)spki.ptr; /* mbedTLS lacks the const, and only reads */
    unsigned char der[KEY_SPKI_MAX];
    int len = -1;
    if (mbedtls_pk_parse_subpubkey(&at, at + spki.len, &key->pk) == 0)
        len = mbedtls_pk_write_pubkey_der(&key->pk, der, sizeof der);
    if (len <= 0)
        return fail(err, ERR_USAGE, "its key is of a kind that is not supported");
    if (mbedtls_pk_can_do(&key->pk, MBEDTLS_PK_RSA) &&
        mbedtls_pk_get_bitlen(&key->pk) < RSA_BITS_MIN)
        return fail(err, ERR_USAGE, "its RSA key has fewer than %d bits", RSA_BITS_MIN);
    buf_add(out, der + sizeof der - (size_t)len, (size_t)len);
    return true;
}

static bool verify(const struct parts *parts, struct public_key *key, struct error *err)
{
    unsigned char hash[MBEDTLS_MD_MAX_SIZE];
    const mbedtls_md_info_t *md = NULL;
    mbedtls_md_type_t type = MBEDTLS_MD_NONE;
    for (size_t i = 0; i < sizeof ALGORITHMS / sizeof ALGORITHMS[0]; i++)
        if (span_equals(parts->algorithm, ALGORITHMS[i].oid))
            md = mbedtls_md_info_from_type(type = ALGORITHMS[i].hash);
    if (md == NULL)
        return fail(err, ERR_USAGE, "it is signed in a way that is not supported");
    if (mbedtls_md(md, (const unsigned char *)parts->info.ptr, parts->info.len, hash) != 0 ||
        mbedtls_pk_verify(&key->pk, type, hash, mbedtls_md_get_size(md),
                          (const unsigned char *)parts->signature.ptr, parts->signature.len) != 0)
        return fail(err, ERR_USAGE, "its signature is wrong");
    return true;
}

/* ---- its names ---- */

static bool add_name(const char *text, struct identifier_list *out, struct error *err)
{
    struct identifier name;
    if (!identifier_parse(text, &name, err))
        return false;
    (void)identifier_list_add(out, &name);
    return out->count <= IDENTIFIERS_MAX ||
           fail(err, ERR_USAGE, "more than %d names in one certificate", IDENTIFIERS_MAX);
}

static bool add_dns(struct span value, struct identifier_list *out, struct error *err)
{
    char text[IDENTIFIER_MAX + 1];
    if (value.len > IDENTIFIER_MAX || memchr(value.ptr, 0, value.len) != NULL)
        return fail(err, ERR_USAGE, "it names '%s', which is no DNS name", escaped(value).text);
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    return add_name(text, out, err);
}

static bool add_address(struct span value, struct identifier_list *out, struct error *err)
{
    char text[INET6_ADDRSTRLEN];
    bool good = (value.len == 4 || value.len == 16) &&
                inet_ntop(value.len == 16 ? AF_INET6 : AF_INET, value.ptr, text, sizeof text);
    if (!good)
        return fail(err, ERR_USAGE, "it has an IP address of %zu bytes", value.len);
    return add_name(text, out, err);
}

/* A common name that is no host's name ("Our shop") is none of the certificate's. */
static void add_common_name(struct span subject, struct identifier_list *out)
{
    struct span set, pair, oid, value;
    struct error ignored;
    while (der_take(&subject, DER_SET, &set)) {
        if (!der_take(&set, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &oid) ||
            !span_equals(oid, SPAN_LIT(OID_COMMON_NAME)))
            continue;
        if (der_take(&pair, DER_UTF8_STRING, &value) ||
            der_take(&pair, DER_PRINTABLE_STRING, &value))
            (void)!add_dns(value, out, &ignored);
    }
}

static bool add_alternative_names(struct span names, struct identifier_list *out, struct error *err)
{
    while (names.len > 0) {
        struct span value;
        bool good;
        if (der_take(&names, DER_SAN_DNS, &value))
            good = add_dns(value, out, err);
        else if (der_take(&names, DER_SAN_IP, &value))
            good = add_address(value, out, err);
        else
            good = fail(err, ERR_USAGE, "it has a name that is neither a DNS name nor an address");
        if (!good)
            return false;
    }
    return true;
}

/* Extensions ::= SEQUENCE OF { OID, BOOLEAN DEFAULT FALSE, OCTET STRING } */
static bool read_extensions(struct span extensions, struct identifier_list *out, struct error *err)
{
    struct span extension, oid, critical, value, names;
    while (der_take(&extensions, DER_SEQUENCE, &extension)) {
        if (!der_take(&extension, DER_OID, &oid) ||
            !span_equals(oid, SPAN_LIT(OID_SUBJECT_ALT_NAME)))
            continue;
        (void)der_take(&extension, DER_BOOLEAN, &critical);
        if (!der_take(&extension, DER_OCTET_STRING, &value) ||
            !der_take(&value, DER_SEQUENCE, &names))
            return fail(err, ERR_USAGE, "its names cannot be read");
        if (!add_alternative_names(names, out, err))
            return false;
    }
    return true;
}

static bool read_names(const struct parts *parts, struct identifier_list *out, struct error *err)
{
    struct span attributes = parts->attributes, attribute, oid, set, extensions;
    add_common_name(parts->subject, out);
    while (der_take(&attributes, DER_SEQUENCE, &attribute)) {
        if (!der_take(&attribute, DER_OID, &oid) ||
            !span_equals(oid, SPAN_LIT(OID_EXTENSION_REQUEST)))
            continue;
        if (!der_take(&attribute, DER_SET, &set) || !der_take(&set, DER_SEQUENCE, &extensions))
            return fail(err, ERR_USAGE, "its extensions cannot be read");
        if (!read_extensions(extensions, out, err))
            return false;
    }
    return out->count > 0 || fail(err, ERR_USAGE, "it names no host");
}

/* ---- all of it ---- */

static bool read_parts(struct csr_info *info, struct error *err)
{
    AUTO(public_key) key;
    struct parts parts;
    mbedtls_pk_init(&key.pk);
    if (!take_parts(buf_span(&info->der), &parts))
        return fail(err, ERR_USAGE, "it is damaged, or no certificate request");
    return take_key(parts.spki, &key, &info->spki, err) && verify(&parts, &key, err) &&
           read_names(&parts, &info->names, err) &&
           digest_sha256_hex(buf_span(&info->der), info->sha256, err) &&
           digest_sha256_hex(buf_span(&info->spki), info->key_fingerprint, err);
}

bool csr_read(struct span text, struct csr_info *out, struct error *err)
{
    AUTO(csr_info) info = {.der = BUF(CSR_DER_MAX), .spki = BUF(KEY_SPKI_MAX)};
    if (!to_der(text, &info.der, err) || !read_parts(&info, err))
        return false;
    *out = info;
    info = (struct csr_info){0};
    return true;
}

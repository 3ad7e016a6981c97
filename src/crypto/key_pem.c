/* The forms in which a key is stored: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017), SEC1 (RFC 5915). */
#include "key_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/pem.h>

#include "der.h"

#define OID_IS(span, literal) span_equals(span, SPAN_LIT(literal))

static const struct {
    struct span oid;
    const char *word;
} OTHER_ALGORITHMS[] = {
    {{"\x2b\x65\x70", 3}, "Ed25519"},
    {{"\x2b\x65\x71", 3}, "Ed448"},
    {{"\x2b\x65\x6e", 3}, "X25519"},
    {{"\x2b\x65\x6f", 3}, "X448"},
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", 9}, "RSA-PSS"},
    {{"\x2a\x86\x48\xce\x38\x04\x01", 7}, "DSA"},
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01", 9}, "Diffie-Hellman"},
    {{"\x2b\x81\x04\x00\x23", 5}, "P-521"},
    {{"\x2b\x81\x04\x00\x21", 5}, "P-224"},
    {{"\x2b\x81\x04\x00\x0a", 5}, "secp256k1"},
    {{"\x2b\x24\x03\x03\x02\x08\x01\x01\x07", 9}, "brainpoolP256r1"},
    {{"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", 9}, "brainpoolP384r1"},
};

static const struct {
    const char *label;
    const char *why;
} OTHER_LABELS[] = {
    {"OPENSSH PRIVATE KEY", "this is a private key in OpenSSH's own form"},
    {"DSA PRIVATE KEY", "DSA keys are not supported"},
    {"PUBLIC KEY", "this is a public key, not a private one"},
    {"RSA PUBLIC KEY", "this is a public key, not a private one"},
    {"CERTIFICATE", "this is a certificate, not a private key"},
    {"CERTIFICATE REQUEST", "this is a certificate request, not a private key"},
};

static bool fail_encrypted(enum err_code code, struct error *err)
{
    (void)fail(err, code, "the private key is encrypted");
    return with_hint(err, "write it without a passphrase: openssl pkey -in OLD.pem -out NEW.pem");
}

static bool fail_damaged(enum err_code code, struct error *err)
{
    return fail(err, code, "the private key is damaged: its DER is not that of a key");
}

static bool fail_algorithm(struct span oid, enum err_code code, struct error *err)
{
    const char *word = "of an unknown algorithm";
    for (size_t i = 0; i < sizeof OTHER_ALGORITHMS / sizeof OTHER_ALGORITHMS[0]; i++)
        if (span_equals(oid, OTHER_ALGORITHMS[i].oid))
            word = OTHER_ALGORITHMS[i].word;
    (void)fail(err, code, "the private key is %s, which is not supported", word);
    return with_hint(err, "use ECDSA P-256 or P-384, or RSA with 2048, 3072 or 4096 bits");
}

/* ---- reading ---- */

/* A key's DER on its way to a type and a secret. */
struct key_source {
    struct span params; /* the curve: an OID element; empty until found */
    enum err_code code;
};

static bool read_rsa(struct span der, const struct key_source *source, struct key **out,
                     struct error *err)
{
    struct span in = der, version, n;
    if (!der_take(&in, DER_SEQUENCE, &in) || !der_take_unsigned(&in, &version) ||
        !der_take_unsigned(&in, &n) || n.len == 0)
        return fail_damaged(source->code, err);
    size_t bits = n.len * 8;
    for (unsigned top = (unsigned char)n.ptr[0]; top < 0x80; top <<= 1)
        bits--;
    for (enum key_type type = 0; type < KEY_TYPE_COUNT; type++)
        if (key_kind(type)->is_rsa && key_kind(type)->bits == bits)
            return key_from_secret(type, der, source->code, out, err);
    return fail(err, source->code, "RSA keys of %zu bits are not supported: 2048, 3072 or 4096 are",
                bits);
}

static bool curve_type(const struct key_source *source, enum key_type *out, struct error *err)
{
    struct span params = source->params, oid;
    if (params.len == 0)
        return fail(err, source->code, "the private key does not name its curve");
    if (!der_take(&params, DER_OID, &oid))
        return fail(err, source->code, "the private key describes its curve instead of naming it");
    for (enum key_type type = 0; type < KEY_TYPE_COUNT; type++)
        if (!key_kind(type)->is_rsa && span_equals(oid, key_kind(type)->curve_oid)) {
            *out = type;
            return true;
        }
    return fail_algorithm(oid, source->code, err);
}

static bool read_ec(struct span der, struct key_source *source, struct key **out, struct error *err)
{
    struct span in = der, version, scalar, params;
    enum key_type type = KEY_TYPE_COUNT;
    if (!der_take(&in, DER_SEQUENCE, &in) || !der_take_unsigned(&in, &version) ||
        !OID_IS(version, "\x01") || !der_take(&in, DER_OCTET_STRING, &scalar))
        return fail_damaged(source->code, err);
    if (der_take(&in, DER_CONTEXT_0, &params) && source->params.len == 0)
        source->params = params;
    if (!curve_type(source, &type, err))
        return false;
    size_t width = key_width(key_kind(type));
    while (scalar.len > width && scalar.ptr[0] == 0) {
        scalar.ptr++;
        scalar.len--;
    }
    if (scalar.len > width)
        return fail_damaged(source->code, err);
    unsigned char padded[EC_WIDTH_MAX] = {0}; /* some writers leave leading zeros out */
    memcpy(padded + (width - scalar.len), scalar.ptr, scalar.len);
    bool ok = key_from_secret(type, span_of(padded, width), source->code, out, err);
    mem_wipe(padded, sizeof padded);
    return ok;
}

static bool read_pkcs8(struct span der, struct key_source *source, struct key **out,
                       struct error *err)
{
    struct span in = der, version, algorithm, oid, inner;
    if (!der_take(&in, DER_SEQUENCE, &in) || !der_take_unsigned(&in, &version) ||
        !der_take(&in, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid) ||
        !der_take(&in, DER_OCTET_STRING, &inner))
        return fail_damaged(source->code, err);
    if (OID_IS(oid, OID_RSA))
        return read_rsa(inner, source, out, err);
    if (!OID_IS(oid, OID_EC))
        return fail_algorithm(oid, source->code, err);
    source->params = algorithm;
    return read_ec(inner, source, out, err);
}

static bool read_block(const struct pem_block *block, struct key_source *source, struct key **out,
                       struct error *err)
{
    struct span der = buf_span(&block->der);
    if (strcmp(block->label, "PRIVATE KEY") == 0)
        return read_pkcs8(der, source, out, err);
    if (strcmp(block->label, "RSA PRIVATE KEY") == 0)
        return read_rsa(der, source, out, err);
    if (strcmp(block->label, "EC PRIVATE KEY") == 0)
        return read_ec(der, source, out, err);
    if (strcmp(block->label, "ENCRYPTED PRIVATE KEY") == 0)
        return fail_encrypted(source->code, err);
    for (size_t i = 0; i < sizeof OTHER_LABELS / sizeof OTHER_LABELS[0]; i++)
        if (strcmp(block->label, OTHER_LABELS[i].label) == 0)
            return fail(err, source->code, "%s", OTHER_LABELS[i].why);
    return fail(err, source->code, "'%s' is no private key", escaped_str(block->label).text);
}

bool key_read_pem(struct span pem, enum err_code code, struct key **out, struct error *err)
{
    static const char ENCRYPTED[] = "Proc-Type: 4,ENCRYPTED";
    AUTO(pem_list) list = {0};
    struct key_source source = {.code = code};
    if (pem.len > KEY_PEM_MAX)
        return fail(err, code, "the private key is longer than %d bytes", KEY_PEM_MAX);
    if (pem.len > 0 && memmem(pem.ptr, pem.len, ENCRYPTED, sizeof ENCRYPTED - 1) != NULL)
        return fail_encrypted(code, err);
    if (!pem_parse(pem, code, &list, err))
        return while_doing(err, "reading a private key");
    size_t first = 0;
    if (list.count > 1 && strcmp(list.blocks[0].label, "EC PARAMETERS") == 0) {
        source.params = buf_span(&list.blocks[0].der);
        first = 1;
    }
    if (list.count == first)
        return fail(err, code, "there is no private key");
    if (list.count > first + 1)
        return fail(err, code, "there is more than one private key");
    return read_block(&list.blocks[first], &source, out, err);
}

/* ---- writing ---- */

static void put_algorithm(struct der_writer *writer, const struct key_kind *kind)
{
    const unsigned char *since = writer->at;
    if (kind->is_rsa) {
        der_put(writer, DER_NULL, span_of("", 0));
        der_put(writer, DER_OID, SPAN_LIT(OID_RSA));
    } else {
        der_put(writer, DER_OID, kind->curve_oid);
        der_put(writer, DER_OID, SPAN_LIT(OID_EC));
    }
    der_wrap(writer, DER_SEQUENCE, since);
}

/* SEC1 as openssl puts it into PKCS#8: with the public half, without the curve. */
static void put_sec1(struct der_writer *writer, const struct key *key)
{
    const unsigned char *since = writer->at;
    der_put_bit_string(writer, key_public(key));
    der_wrap(writer, DER_CONTEXT_1, since);
    der_put(writer, DER_OCTET_STRING, key_secret(key));
    der_put(writer, DER_INTEGER, SPAN_LIT("\x01"));
    der_wrap(writer, DER_SEQUENCE, since);
}

bool key_write_pkcs8(const struct key *key, struct buf *out, struct error *err)
{
    const struct key_kind *kind = key_kind(key->type);
    unsigned char der[KEY_DER_MAX];
    struct der_writer writer = der_writer(der, sizeof der);
    if (kind->is_rsa)
        der_put_raw(&writer, key_secret(key));
    else
        put_sec1(&writer, key);
    der_wrap(&writer, DER_OCTET_STRING, writer.end);
    put_algorithm(&writer, kind);
    der_put(&writer, DER_INTEGER, span_of("", 1));
    der_wrap(&writer, DER_SEQUENCE, writer.end);
    if (!writer.failed)
        buf_add_span(out, der_written(&writer));
    mem_wipe(der, sizeof der);
    if (writer.failed || !buf_ok(out))
        return fail(err, ERR_CONFIG, "a private key is larger than PKCS#8 was given room for");
    return true;
}

bool key_write_pem(const struct key *key, struct buf *out, struct error *err)
{
    AUTO(buf) der = SECRET_BUF(KEY_DER_MAX);
    if (!key_write_pkcs8(key, &der, err))
        return false;
    pem_write("PRIVATE KEY", buf_span(&der), out);
    if (!buf_ok(out))
        return fail(err, ERR_CONFIG, "a private key is larger than its buffer");
    return true;
}

bool key_write_spki(const struct key *key, struct buf *out, struct error *err)
{
    unsigned char der[KEY_SPKI_MAX];
    struct der_writer writer = der_writer(der, sizeof der);
    der_put_bit_string(&writer, key_public(key));
    put_algorithm(&writer, key_kind(key->type));
    der_wrap(&writer, DER_SEQUENCE, writer.end);
    if (writer.failed)
        return fail(err, ERR_CONFIG, "a public key is larger than its buffer");
    buf_add_span(out, der_written(&writer));
    return true;
}

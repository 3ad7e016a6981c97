/* Written by hand: mbedTLS 2.28 gives ecdsa-with-SHA256 the NULL that RFC 5758 section 3.2 forbids,
 * and its signatures would take another way than those of JWS. */
#include <acmec/crypto/csr.h>

#include <acmec/base/cleanup.h>

#include "der_x509.h"

/* Tag, length and 255 bytes for each name; the public key and what is around them. */
#define INFO_MAX (IDENTIFIERS_MAX * (IDENTIFIER_MAX + 4) + KEY_SPKI_MAX + 128)
#define REQUEST_MAX (INFO_MAX + KEY_SIGNATURE_MAX + 64)
_Static_assert(REQUEST_MAX <= CSR_DER_MAX, "the largest request is within its promise");

/* RFC 7633: the certificate is worth nothing without a stapled OCSP reply (status_request, 5). */
static void put_must_staple(struct der_writer *writer)
{
    const unsigned char *since = writer->at;
    der_put(writer, DER_INTEGER, SPAN_LIT("\x05"));
    der_wrap(writer, DER_SEQUENCE, since);
    der_wrap(writer, DER_OCTET_STRING, since);
    der_put(writer, DER_OID, SPAN_LIT(OID_TLS_FEATURE));
    der_wrap(writer, DER_SEQUENCE, since);
}

/* The subject alternative name, in the order of the list. */
static bool put_names(struct der_writer *writer, const struct identifier_list *names,
                      struct error *err)
{
    const unsigned char *since = writer->at;
    for (size_t i = names->count; i-- > 0;) {
        const struct identifier *name = &names->items[i];
        if (!der_put_general_name(writer, name))
            return fail(err, ERR_USAGE, "'%s' is not an IP address", name->value);
    }
    der_wrap(writer, DER_SEQUENCE, since); /* GeneralNames */
    der_wrap(writer, DER_OCTET_STRING, since);
    der_put(writer, DER_OID, SPAN_LIT(OID_SUBJECT_ALT_NAME));
    der_wrap(writer, DER_SEQUENCE, since); /* Extension */
    return true;
}

/* The attribute that asks for extensions. */
static bool put_extensions(struct der_writer *writer, const struct csr_wish *wish,
                           struct error *err)
{
    const unsigned char *since = writer->at;
    if (wish->must_staple)
        put_must_staple(writer);
    if (!put_names(writer, wish->names, err))
        return false;
    der_wrap(writer, DER_SEQUENCE, since); /* Extensions */
    der_wrap(writer, DER_SET, since);
    der_put(writer, DER_OID, SPAN_LIT(OID_EXTENSION_REQUEST));
    der_wrap(writer, DER_SEQUENCE, since); /* Attribute */
    der_wrap(writer, DER_CONTEXT_0, since);
    return true;
}

/* CertificationRequestInfo: what is signed. */
static bool put_info(struct der_writer *writer, const struct key *key, const struct csr_wish *wish,
                     struct error *err)
{
    AUTO(buf) spki = BUF(KEY_SPKI_MAX);
    if (!put_extensions(writer, wish, err) || !key_write_spki(key, &spki, err))
        return false;
    der_put_raw(writer, buf_span(&spki));
    der_put(writer, DER_SEQUENCE, span_of("", 0)); /* the empty subject */
    der_put(writer, DER_INTEGER, span_of("", 1));  /* version 1 is written as 0 */
    der_wrap(writer, DER_SEQUENCE, writer->end);
    return !writer->failed || fail(err, ERR_USAGE, "the names are too long for one certificate");
}

bool csr_make(const struct key *key, const struct csr_wish *wish, struct buf *out,
              struct error *err)
{
    const struct identifier_list *names = wish->names;
    const struct key_kind *kind = key_kind(key_get_type(key));
    unsigned char info_der[INFO_MAX], der[REQUEST_MAX];
    struct der_writer info = der_writer(info_der, sizeof info_der);
    struct der_writer request = der_writer(der, sizeof der);
    AUTO(buf) signature = BUF(KEY_SIGNATURE_MAX);
    if (names->count == 0)
        return fail(err, ERR_USAGE, "a certificate needs at least one name");
    if (names->count > IDENTIFIERS_MAX)
        return fail(err, ERR_USAGE, "a certificate can have at most %d names", IDENTIFIERS_MAX);
    if (!put_info(&info, key, wish, err) || !key_jws_sign(key, der_written(&info), &signature, err))
        return false;
    der_put_signature(&request, kind, buf_span(&signature));
    der_put_algorithm(&request, kind);
    der_put_raw(&request, der_written(&info));
    der_wrap(&request, DER_SEQUENCE, request.end);
    if (!request.failed)
        buf_add_span(out, der_written(&request));
    if (request.failed || !buf_ok(out))
        return fail(err, ERR_CONFIG, "a certificate request is larger than its buffer");
    return true;
}

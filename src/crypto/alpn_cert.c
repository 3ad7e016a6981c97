#include <acmec/crypto/alpn_cert.h>

#include <acmec/base/cleanup.h>
#include <acmec/crypto/digest.h>
#include <time.h>

#include "der_x509.h"

#define DAY 86400
#define SERIAL_SIZE 16
#define TBS_MAX 800

/* Extension ::= SEQUENCE { OID, critical DEFAULT FALSE, OCTET STRING }; the value is what was
 * written since. */
static void wrap_extension(struct der_writer *writer, struct span oid, bool critical,
                           const unsigned char *since)
{
    der_wrap(writer, DER_OCTET_STRING, since);
    if (critical)
        der_put(writer, DER_BOOLEAN, SPAN_LIT("\xff"));
    der_put(writer, DER_OID, oid);
    der_wrap(writer, DER_SEQUENCE, since);
}

static bool put_extensions(struct der_writer *writer, const struct identifier *identifier,
                           const char *key_authorization, struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    if (!digest_sha256(span_str(key_authorization), digest, err))
        return false;
    der_put(writer, DER_OCTET_STRING, span_of(digest, sizeof digest));
    wrap_extension(writer, SPAN_LIT(OID_ACME_IDENTIFIER), true, writer->end);

    const unsigned char *since = writer->at;
    if (identifier_is_wildcard(identifier) || !der_put_general_name(writer, identifier))
        return fail(err, ERR_USAGE, "'%s' cannot be proved by tls-alpn-01", identifier->value);
    der_wrap(writer, DER_SEQUENCE, since); /* GeneralNames */
    wrap_extension(writer, SPAN_LIT(OID_SUBJECT_ALT_NAME), false, since);
    der_wrap(writer, DER_SEQUENCE, writer->end);
    der_wrap(writer, DER_CONTEXT_3, writer->end);
    return true;
}

/* CN=acmec; a name's own text stays out of it. */
static void put_subject(struct der_writer *writer)
{
    const unsigned char *since = writer->at;
    der_put(writer, DER_UTF8_STRING, SPAN_LIT("acmec"));
    der_put(writer, DER_OID, SPAN_LIT(OID_COMMON_NAME));
    der_wrap(writer, DER_SEQUENCE, since);
    der_wrap(writer, DER_SET, since);
    der_wrap(writer, DER_SEQUENCE, since);
}

/* UTCTime: good for years up to 2049. */
static void put_time(struct der_writer *writer, int64_t when)
{
    struct tm parts = {0};
    time_t seconds = (time_t)when;
    if (gmtime_r(&seconds, &parts) == NULL || parts.tm_year < 50 || parts.tm_year >= 150) {
        writer->failed = true;
        return;
    }
    const int pairs[] = {parts.tm_year % 100, parts.tm_mon + 1, parts.tm_mday,
                         parts.tm_hour,       parts.tm_min,     parts.tm_sec};
    char text[2 * sizeof pairs / sizeof pairs[0] + 1];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        text[2 * i] = (char)('0' + pairs[i] / 10);
        text[2 * i + 1] = (char)('0' + pairs[i] % 10);
    }
    text[sizeof text - 1] = 'Z';
    der_put(writer, DER_UTC_TIME, span_of(text, sizeof text));
}

static void put_validity(struct der_writer *writer, int64_t now)
{
    const unsigned char *since = writer->at;
    put_time(writer, now + 7 * DAY);
    put_time(writer, now - DAY);
    der_wrap(writer, DER_SEQUENCE, since);
}

static bool put_serial(struct der_writer *writer, struct error *err)
{
    unsigned char serial[SERIAL_SIZE];
    if (!digest_random(serial, sizeof serial, err))
        return false;
    serial[0] |= 1; /* never 0 */
    der_put_unsigned(writer, span_of(serial, sizeof serial));
    return true;
}

/* TBSCertificate: what is signed. */
static bool put_info(struct der_writer *writer, const struct key *key,
                     const struct identifier *identifier, const char *key_authorization,
                     int64_t now, struct error *err)
{
    AUTO(buf) spki = BUF(KEY_SPKI_MAX);
    if (!put_extensions(writer, identifier, key_authorization, err) ||
        !key_write_spki(key, &spki, err))
        return false;
    der_put_raw(writer, buf_span(&spki));
    put_subject(writer);
    put_validity(writer, now);
    put_subject(writer); /* the issuer is itself */
    der_put_algorithm(writer, key_kind(key_get_type(key)));
    if (!put_serial(writer, err))
        return false;
    const unsigned char *since = writer->at;
    der_put(writer, DER_INTEGER, SPAN_LIT("\x02")); /* version 3 */
    der_wrap(writer, DER_CONTEXT_0, since);
    der_wrap(writer, DER_SEQUENCE, writer->end);
    return !writer->failed || fail(err, ERR_CONFIG, "the clock is out of range");
}

static bool make(const struct key *key, const struct identifier *identifier,
                 const char *key_authorization, int64_t now, struct buf *out, struct error *err)
{
    const struct key_kind *kind = key_kind(key_get_type(key));
    unsigned char info_der[TBS_MAX], der[ALPN_CERT_MAX];
    struct der_writer info = der_writer(info_der, sizeof info_der);
    struct der_writer cert = der_writer(der, sizeof der);
    AUTO(buf) signature = BUF(KEY_SIGNATURE_MAX);
    if (!put_info(&info, key, identifier, key_authorization, now, err) ||
        !key_jws_sign(key, der_written(&info), &signature, err))
        return false;
    der_put_signature(&cert, kind, buf_span(&signature));
    der_put_algorithm(&cert, kind);
    der_put_raw(&cert, der_written(&info));
    der_wrap(&cert, DER_SEQUENCE, cert.end);
    if (!cert.failed)
        buf_add_span(out, der_written(&cert));
    return (!cert.failed && buf_ok(out)) ||
           fail(err, ERR_CONFIG, "a certificate is larger than its buffer");
}

bool alpn_cert_make(const struct identifier *identifier, const char *key_authorization, int64_t now,
                    struct buf *cert, struct buf *key, struct error *err)
{
    struct key *made = NULL;
    if (!key_generate(KEY_ECDSA_P256, &made, err))
        return false;
    bool good = make(made, identifier, key_authorization, now, cert, err) &&
                key_write_pkcs8(made, key, err);
    key_free(made);
    return good;
}

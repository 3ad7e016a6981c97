#include "cert_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/data/b64url.h>
#include <acmec/data/escape.h>
#include <acmec/data/timefmt.h>
#include <arpa/inet.h>
#include <strings.h>

#include "der.h"
#include "key_private.h"

#define NAMES_MAX 1000 /* of a foreign certificate */

const mbedtls_x509_crt_profile CERT_PROFILE = {
    .allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    .allowed_pks = 0xFFFFFFF,
    .allowed_curves = 0xFFFFFFF,
    .rsa_min_bitlen = 2048,
};

const struct span CERT_COMMON_NAME = {OID_COMMON_NAME, sizeof(OID_COMMON_NAME) - 1};
const struct span CERT_ORGANIZATION = {OID_ORGANIZATION, sizeof(OID_ORGANIZATION) - 1};

static int allow_extension(void *unused, const mbedtls_x509_crt *crt, const mbedtls_x509_buf *oid,
                           int critical, const unsigned char *value, const unsigned char *end)
{
    (void)unused, (void)crt, (void)oid, (void)critical, (void)value, (void)end;
    return 0;
}

bool cert_parse_der(mbedtls_x509_crt *crt, struct span der)
{
    if (mbedtls_x509_crt_parse_der_with_ext_cb(crt, (const unsigned char *)der.ptr, der.len, 1,
                                               allow_extension, NULL) != 0)
        return false;
    while (crt->next != NULL)
        crt = crt->next;
    return crt->raw.len == der.len;
}

static bool has_spki(mbedtls_x509_crt *crt, struct span spki)
{
    unsigned char theirs[KEY_SPKI_MAX];
    int len = mbedtls_pk_write_pubkey_der(&crt->pk, theirs, sizeof theirs);
    return len > 0 && span_equals(spki, span_of(theirs + sizeof theirs - (size_t)len, (size_t)len));
}

static bool has_key(mbedtls_x509_crt *crt, const struct key *key)
{
    AUTO(buf) ours = BUF(KEY_SPKI_MAX);
    struct error ignored;
    return key_write_spki(key, &ours, &ignored) && has_spki(crt, buf_span(&ours));
}

/* ---- what a certificate says ---- */

void cert_info_release(struct cert_info *info)
{
    identifier_list_release(&info->names);
}

static bool read_dns(struct span text, struct identifier *out)
{
    if (text.len == 0 || text.len > IDENTIFIER_MAX)
        return false;
    *out = (struct identifier){.type = IDENTIFIER_DNS};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.*", c) != NULL;
        if (c == '\0' || (!upper && !plain))
            return false;
        out->value[i] = (char)(upper ? c + ('a' - 'A') : c);
    }
    return true;
}

static bool read_address(struct span bytes, struct identifier *out)
{
    char text[INET6_ADDRSTRLEN];
    struct error ignored;
    int family = bytes.len == 16 ? AF_INET6 : AF_INET;
    return (bytes.len == 4 || bytes.len == 16) &&
           inet_ntop(family, bytes.ptr, text, sizeof text) != NULL &&
           identifier_parse(text, out, &ignored);
}

static bool read_names(const mbedtls_x509_crt *crt, enum err_code code, struct identifier_list *out,
                       struct error *err)
{
    for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; san != NULL; san = san->next) {
        struct span value = span_of(san->buf.p, san->buf.len);
        bool is_dns = san->buf.tag == DER_SAN_DNS, is_ip = san->buf.tag == DER_SAN_IP;
        struct identifier name;
        if (!is_dns && !is_ip)
            continue; /* mail addresses and URIs serve no server */
        if (!(is_dns ? read_dns(value, &name) : read_address(value, &name)))
            return fail(err, code, "the certificate names '%s', which is no %s",
                        is_dns ? escaped(value).text : "an address",
                        is_dns ? "DNS name" : "IP address");
        if (identifier_list_add(out, &name) && out->count > NAMES_MAX)
            return fail(err, code, "the certificate has more than %d names", NAMES_MAX);
    }
    return true;
}

bool cert_read_time(const mbedtls_x509_time *time, int64_t *out)
{
    return timefmt_from_calendar(time->year, time->mon, time->day, time->hour, time->min, time->sec,
                                 out);
}

static bool read_serial(const mbedtls_x509_crt *crt, char out[static 64])
{
    if (crt->serial.len > 31)
        return false;
    for (size_t i = 0; i < crt->serial.len; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", crt->serial.p[i]);
    return true;
}

bool cert_read_attribute(const mbedtls_x509_name *name, struct span oid, char out[static 256])
{
    for (; name != NULL; name = name->next) {
        if (!span_equals(span_of(name->oid.p, name->oid.len), oid))
            continue;
        struct escaped text = escaped(span_of(name->val.p, name->val.len));
        size_t len = strlen(text.text);
        if (len > 255)
            for (len = 255; len > 0 && ((unsigned char)text.text[len] & 0xc0) == 0x80;)
                len--;
        memcpy(out, text.text, len);
        out[len] = '\0';
        return true;
    }
    return false;
}

/* The keyIdentifier, by hand: mbedTLS 2.28 does not read it. */
static bool read_authority_key(const mbedtls_x509_crt *crt, struct span *out)
{
    struct span in = span_of(crt->v3_ext.p, crt->v3_ext.len);
    struct span extensions = {0}, extension, oid, critical, value;
    if (in.len == 0 || !der_take(&in, DER_SEQUENCE, &extensions))
        return false;
    while (der_take(&extensions, DER_SEQUENCE, &extension)) {
        if (!der_take(&extension, DER_OID, &oid) ||
            !span_equals(oid, SPAN_LIT(OID_AUTHORITY_KEY_ID)))
            continue;
        (void)der_take(&extension, DER_BOOLEAN, &critical);
        return der_take(&extension, DER_OCTET_STRING, &value) &&
               der_take(&value, DER_SEQUENCE, &value) && der_take(&value, DER_KEY_IDENTIFIER, out);
    }
    return false;
}

/* One that is too long counts as none. */
static void read_ari_id(const mbedtls_x509_crt *crt, char out[static CERT_ARI_ID_MAX])
{
    AUTO(buf) id = BUF(CERT_ARI_ID_MAX - 1);
    struct span authority_key;
    if (!read_authority_key(crt, &authority_key) || authority_key.len == 0)
        return;
    b64url_encode(authority_key, &id);
    buf_add_byte(&id, '.');
    b64url_encode(span_of(crt->serial.p, crt->serial.len), &id);
    if (buf_ok(&id))
        memcpy(out, buf_str(&id), id.len + 1);
}

bool cert_read_info(const mbedtls_x509_crt *crt, enum err_code code, struct cert_info *out,
                    struct error *err)
{
    if (!cert_read_time(&crt->valid_from, &out->not_before) ||
        !cert_read_time(&crt->valid_to, &out->not_after))
        return fail(err, code, "the certificate's dates are out of range");
    if (!read_serial(crt, out->serial))
        return fail(err, code, "the certificate's serial number is too long");
    if (!cert_read_attribute(&crt->issuer, CERT_COMMON_NAME, out->issuer))
        (void)cert_read_attribute(&crt->issuer, CERT_ORGANIZATION, out->issuer);
    read_ari_id(crt, out->ari_id);
    return read_names(crt, code, &out->names, err);
}

/* ---- chains ---- */

/* Each certificate by itself, so that one can be asked whether it signed the other. */
struct certs {
    mbedtls_x509_crt items[PEM_CHAIN_CERTS_MAX];
    size_t count;
};

static void certs_release(struct certs *certs)
{
    for (size_t i = 0; i < certs->count; i++)
        mbedtls_x509_crt_free(&certs->items[i]);
}

/* Reads at most `most` certificates of a strict chain. */
static bool read_certs(struct span chain_pem, size_t most, enum err_code code, struct certs *out,
                       struct error *err)
{
    AUTO(pem_list) list = {0};
    if (!pem_parse_chain(chain_pem, code, &list, err))
        return while_doing(err, "reading a certificate chain");
    for (size_t i = 0; i < list.count && i < most; i++) {
        mbedtls_x509_crt_init(&out->items[i]);
        out->count = i + 1;
        if (!cert_parse_der(&out->items[i], buf_span(&list.blocks[i].der)))
            return fail(err, code, "certificate %zu of the chain cannot be read", i + 1);
    }
    return true;
}

bool cert_read(struct span chain_pem, enum err_code code, struct cert_info *out, struct error *err)
{
    AUTO(certs) certs = {.count = 0};
    AUTO(cert_info) info = {0};
    if (!read_certs(chain_pem, 1, code, &certs, err) ||
        !cert_read_info(&certs.items[0], code, &info, err))
        return false;
    *out = info;
    info.names = (struct identifier_list){0};
    return true;
}

bool cert_read_leaf(struct span chain_pem, struct buf *der, char key_fingerprint[static SHA256_HEX],
                    struct error *err)
{
    AUTO(certs) certs = {.count = 0};
    unsigned char spki[KEY_SPKI_MAX];
    if (!read_certs(chain_pem, 1, ERR_USAGE, &certs, err))
        return false;
    mbedtls_x509_crt *leaf = &certs.items[0];
    int len = mbedtls_pk_write_pubkey_der(&leaf->pk, spki, sizeof spki);
    if (len <= 0)
        return fail(err, ERR_USAGE, "the certificate's key is of a kind that is not supported");
    if (!digest_sha256_hex(span_of(spki + sizeof spki - (size_t)len, (size_t)len), key_fingerprint,
                           err))
        return false;
    buf_add(der, leaf->raw.p, leaf->raw.len);
    return true;
}

bool cert_fits_key(struct span chain_pem, const struct key *key)
{
    AUTO(certs) certs = {.count = 0};
    struct error ignored;
    return read_certs(chain_pem, 1, ERR_CONFIG, &certs, &ignored) && has_key(&certs.items[0], key);
}

static bool is_issued_by(const mbedtls_x509_crt *crt, const char *common_name)
{
    char issuer[256];
    return cert_read_attribute(&crt->issuer, CERT_COMMON_NAME, issuer) &&
           strcasecmp(issuer, escaped_str(common_name).text) == 0;
}

bool cert_has_issuer(struct span chain_pem, const char *common_name, bool topmost)
{
    AUTO(certs) certs = {.count = 0};
    struct error ignored;
    if (!read_certs(chain_pem, PEM_CHAIN_CERTS_MAX, ERR_REFUSED, &certs, &ignored))
        return false;
    for (size_t i = topmost ? certs.count - 1 : 0; i < certs.count; i++)
        if (is_issued_by(&certs.items[i], common_name))
            return true;
    return false;
}

static bool check_link(struct certs *certs, size_t child, struct error *err)
{
    mbedtls_x509_crt *lower = &certs->items[child], *upper = &certs->items[child + 1];
    uint32_t flags = 0;
    if (span_equals(span_of(lower->raw.p, lower->raw.len), span_of(upper->raw.p, upper->raw.len)))
        return fail(err, ERR_REFUSED, "certificate %zu of the chain repeats certificate %zu",
                    child + 2, child + 1);
    /* An expired root at the end of a chain is no fault: the link is judged, not the trust. */
    int status = mbedtls_x509_crt_verify_with_profile(lower, upper, NULL, &CERT_PROFILE, NULL,
                                                      &flags, NULL, NULL);
    flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (status == 0 || (status == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && flags == 0))
        return true;
    if ((flags & MBEDTLS_X509_BADCERT_BAD_MD) != 0)
        return fail(err, ERR_REFUSED, "certificate %zu of the chain has a weak signature",
                    child + 1);
    if ((flags & MBEDTLS_X509_BADCERT_BAD_KEY) != 0)
        return fail(err, ERR_REFUSED, "certificate %zu of the chain has a weak key", child + 2);
    return fail(err, ERR_REFUSED, "certificate %zu of the chain is not signed by certificate %zu",
                child + 1, child + 2);
}

static bool check_names(const struct identifier_list *have, const struct identifier_list *wanted,
                        struct error *err)
{
    if (identifier_list_same_set(have, wanted))
        return true;
    for (size_t i = 0; i < wanted->count; i++)
        if (!identifier_list_has(have, &wanted->items[i]))
            return fail(err, ERR_REFUSED, "the certificate is not for '%s'",
                        wanted->items[i].value);
    for (size_t i = 0; i < have->count; i++)
        if (!identifier_list_has(wanted, &have->items[i]))
            return fail(err, ERR_REFUSED,
                        "the certificate is also for '%s', which was not asked for",
                        escaped_str(have->items[i].value).text);
    return fail(err, ERR_REFUSED, "the certificate's names are not those asked for");
}

static bool check_dates(const struct cert_info *info, int64_t now, struct error *err)
{
    char when[TIMEFMT_MAX];
    if (info->not_before >= info->not_after)
        return fail(err, ERR_REFUSED, "the certificate ends before it begins");
    if (info->not_after > now)
        return true;
    timefmt_rfc3339(info->not_after, when);
    return fail(err, ERR_REFUSED, "the certificate expired at %s", when);
}

bool cert_check_chain(struct span chain_pem, const struct key *key,
                      const struct identifier_list *names, int64_t now, struct cert_info *out,
                      struct error *err)
{
    AUTO(buf) spki = BUF(KEY_SPKI_MAX);
    return key_write_spki(key, &spki, err) &&
           cert_check_chain_of(chain_pem, buf_span(&spki), names, now, out, err);
}

bool cert_check_chain_of(struct span chain_pem, struct span spki,
                         const struct identifier_list *names, int64_t now, struct cert_info *out,
                         struct error *err)
{
    AUTO(certs) certs = {.count = 0};
    AUTO(cert_info) info = {0};
    if (!read_certs(chain_pem, PEM_CHAIN_CERTS_MAX, ERR_REFUSED, &certs, err) ||
        !cert_read_info(&certs.items[0], ERR_REFUSED, &info, err))
        return false;
    if (!has_spki(&certs.items[0], spki))
        return fail(err, ERR_REFUSED, "the certificate is for another key");
    if (!check_names(&info.names, names, err) || !check_dates(&info, now, err))
        return false;
    for (size_t i = 0; i + 1 < certs.count; i++)
        if (!check_link(&certs, i, err))
            return false;
    *out = info;
    info.names = (struct identifier_list){0};
    return true;
}

bool cert_split_chain(struct span chain_pem, struct buf *leaf, struct buf *rest, struct buf *whole,
                      struct error *err)
{
    AUTO(pem_list) list = {0};
    if (!pem_parse_chain(chain_pem, ERR_REFUSED, &list, err))
        return while_doing(err, "splitting a certificate chain");
    for (size_t i = 0; i < list.count; i++) {
        struct span der = buf_span(&list.blocks[i].der);
        pem_write("CERTIFICATE", der, i == 0 ? leaf : rest);
        pem_write("CERTIFICATE", der, whole);
    }
    if (!buf_ok(leaf) || !buf_ok(rest) || !buf_ok(whole))
        return fail(err, ERR_REFUSED, "the certificate chain is longer than its buffer");
    return true;
}

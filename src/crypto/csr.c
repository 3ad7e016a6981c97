#include <acmec/crypto/csr.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <arpa/inet.h>
#include <mbedtls/x509_csr.h>

#include "compat.h"
#include "der.h"
#include "key_private.h"

/* Tag, length and 255 bytes for each name. */
#define SAN_MAX (IDENTIFIERS_MAX * (IDENTIFIER_MAX + 8) + 16)

/* The IP address as RFC 5280 wants it: 4 or 16 bytes. */
static bool put_address(struct der_writer *writer, const char *text)
{
    unsigned char address[16];
    bool is_v6 = strchr(text, ':') != NULL;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, text, address) != 1)
        return false;
    der_put(writer, DER_SAN_IP, span_of(address, is_v6 ? 16 : 4));
    return true;
}

/* The GeneralNames in the order of the list. */
static bool put_names(struct der_writer *writer, const struct identifier_list *names,
                      struct error *err)
{
    for (size_t i = names->count; i-- > 0;) {
        const struct identifier *name = &names->items[i];
        if (name->type == IDENTIFIER_DNS)
            der_put(writer, DER_SAN_DNS, span_str(name->value));
        else if (!put_address(writer, name->value))
            return fail(err, ERR_USAGE, "'%s' is not an IP address", name->value);
    }
    der_wrap(writer, DER_SEQUENCE, writer->end);
    if (writer->failed)
        return fail(err, ERR_USAGE, "a certificate can have at most %d names", IDENTIFIERS_MAX);
    return true;
}

/* mbedTLS's contexts, released together. */
struct request {
    mbedtls_x509write_csr csr;
    mbedtls_pk_context pk;
};

static void request_release(struct request *request)
{
    mbedtls_x509write_csr_free(&request->csr);
    mbedtls_pk_free(&request->pk);
}

/* The key as mbedTLS's request writer wants it. */
static bool load_key(const struct key *key, mbedtls_pk_context *pk, struct error *err)
{
    AUTO(buf) der = SECRET_BUF(KEY_DER_MAX);
    if (!key_write_pkcs8(key, &der, err))
        return false;
    int status = compat_pk_parse_key(pk, (const unsigned char *)buf_str(&der), der.len);
    if (status != 0)
        return fail(err, ERR_CONFIG, "the certificate's key is damaged (status %d)", status);
    return true;
}

static bool write_request(const struct key *key, struct span san, struct buf *out,
                          struct error *err)
{
    AUTO(request) request;
    mbedtls_x509write_csr_init(&request.csr);
    mbedtls_pk_init(&request.pk);
    if (!load_key(key, &request.pk, err))
        return false;
    mbedtls_x509write_csr_set_key(&request.csr, &request.pk);
    mbedtls_x509write_csr_set_md_alg(
        &request.csr, key_get_type(key) == KEY_ECDSA_P384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256);
    unsigned char *der = mem_new(1, CSR_DER_MAX);
    int len =
        compat_csr_extension(&request.csr, OID_SUBJECT_ALT_NAME, sizeof(OID_SUBJECT_ALT_NAME) - 1,
                             (const unsigned char *)san.ptr, san.len);
    if (len == 0)
        len = mbedtls_x509write_csr_der(&request.csr, der, CSR_DER_MAX COMPAT_RNG);
    if (len > 0) /* written at the memory's end */
        buf_add(out, der + CSR_DER_MAX - len, (size_t)len);
    free(der);
    if (len <= 0)
        return fail(err, ERR_CONFIG, "cannot make the certificate request (status %d)", len);
    return buf_ok(out) || fail(err, ERR_CONFIG, "a certificate request is larger than its buffer");
}

bool csr_make(const struct key *key, const struct identifier_list *names, struct buf *out,
              struct error *err)
{
    unsigned char san[SAN_MAX];
    struct der_writer writer = der_writer(san, sizeof san);
    if (names->count == 0)
        return fail(err, ERR_USAGE, "a certificate needs at least one name");
    return put_names(&writer, names, err) && write_request(key, der_written(&writer), out, err);
}

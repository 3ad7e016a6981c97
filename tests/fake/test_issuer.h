/* test_issuer.h: a CA's key and certificate, made at first use, that sign what a request asks for:
 * whole chains for keys that are made while a test runs. */
#ifndef ACMEC_TESTS_TEST_ISSUER_H
#define ACMEC_TESTS_TEST_ISSUER_H

#include <acmec/base/buf.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/csr.h>
#include <acmec/data/timefmt.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define ISSUER_NAME "CN=Test CA"
#define ISSUER_DAYS 90
#define ISSUER_DER_MAX 8192

struct test_issuer {
    bool ready;
    mbedtls_pk_context key;
    unsigned serial;
};

static inline int issuer_random(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    return getrandom(out, len, 0) == (ssize_t)len ? 0 : -1;
}

static inline void issuer_must(int result, const char *what)
{
    if (result >= 0)
        return;
    (void)fprintf(stderr, "test issuer: %s: -0x%04x\n", what, (unsigned)-result);
    abort();
}

static inline void issuer_start(struct test_issuer *issuer)
{
    if (issuer->ready)
        return;
    mbedtls_pk_init(&issuer->key);
    issuer_must(mbedtls_pk_setup(&issuer->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), "key");
    issuer_must(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(issuer->key),
                                    issuer_random, NULL),
                "key");
    issuer->ready = true;
}

static inline void issuer_release(struct test_issuer *issuer)
{
    if (issuer->ready)
        mbedtls_pk_free(&issuer->key);
    issuer->ready = false;
}

/* One dNSName for each name, as the extension's value; names beyond some 100 bytes each do not fit
 * what this writes. */
static inline size_t issuer_names(const char *const *names, size_t count,
                                  unsigned char out[static ISSUER_DER_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += 2 + strlen(names[i]);
    if (len > ISSUER_DER_MAX - 4 || len > 0xFFFF)
        abort();
    size_t at = 0;
    out[at++] = 0x30;
    out[at++] = 0x82;
    out[at++] = (unsigned char)(len >> 8);
    out[at++] = (unsigned char)len;
    if (len < 128) {
        at = 1;
        out[at++] = (unsigned char)len;
    } else if (len < 256) {
        at = 1;
        out[at++] = 0x81;
        out[at++] = (unsigned char)len;
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]);
        out[at++] = 0x82;
        out[at++] = (unsigned char)size;
        memcpy(out + at, names[i], size);
        at += size;
    }
    return at;
}

static inline void issuer_date(int64_t when, char out[static 15])
{
    char text[TIMEFMT_MAX];
    size_t at = 0;
    timefmt_rfc3339(when, text);
    for (const char *c = text; *c != '\0' && at < 14; c++)
        if (*c >= '0' && *c <= '9')
            out[at++] = *c;
    out[at] = '\0';
}

static inline void issuer_set_serial(mbedtls_x509write_cert *cert, uint16_t number)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    unsigned char bytes[2] = {(unsigned char)(number >> 8), (unsigned char)number};
    issuer_must(mbedtls_x509write_crt_set_serial_raw(cert, bytes, sizeof bytes), "serial");
#else
    mbedtls_mpi serial;
    mbedtls_mpi_init(&serial);
    issuer_must(mbedtls_mpi_lset(&serial, number), "serial");
    issuer_must(mbedtls_x509write_crt_set_serial(cert, &serial), "serial");
    mbedtls_mpi_free(&serial);
#endif
}

/* Appends the PEM of one certificate. names NULL: the CA's own. */
static inline void issuer_write(struct test_issuer *issuer, mbedtls_pk_context *subject,
                                const char *const *names, size_t count, int64_t from,
                                struct buf *out)
{
    mbedtls_x509write_cert cert;
    char begin[15], end[15];
    unsigned char der[ISSUER_DER_MAX];
    unsigned char pem[2 * ISSUER_DER_MAX];
    size_t pem_len = 0;
    issuer_date(from, begin);
    issuer_date(from + (int64_t)ISSUER_DAYS * 86400, end);
    mbedtls_x509write_crt_init(&cert);
    mbedtls_x509write_crt_set_md_alg(&cert, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_issuer_key(&cert, &issuer->key);
    mbedtls_x509write_crt_set_subject_key(&cert, subject);
    issuer_must(mbedtls_x509write_crt_set_issuer_name(&cert, ISSUER_NAME), "issuer");
    if (names == NULL)
        issuer_must(mbedtls_x509write_crt_set_subject_name(&cert, ISSUER_NAME), "subject");
    issuer_set_serial(&cert, (uint16_t)(1000 + issuer->serial++));
    issuer_must(mbedtls_x509write_crt_set_validity(&cert, begin, end), "validity");
    issuer_must(mbedtls_x509write_crt_set_basic_constraints(&cert, names == NULL, -1), "CA");
    issuer_must(mbedtls_x509write_crt_set_authority_key_identifier(&cert), "key identifier");
    if (names != NULL) {
        unsigned char san[ISSUER_DER_MAX];
        size_t len = issuer_names(names, count, san);
        issuer_must(mbedtls_x509write_crt_set_extension(
                        &cert, MBEDTLS_OID_SUBJECT_ALT_NAME,
                        MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, san, len),
                    "names");
    }
    int len = mbedtls_x509write_crt_der(&cert, der, sizeof der, issuer_random, NULL);
    issuer_must(len, "signature");
    issuer_must(mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
                                         "-----END CERTIFICATE-----\n", der + sizeof der - len,
                                         (size_t)len, pem, sizeof pem, &pem_len),
                "PEM");
    buf_add_str(out, (const char *)pem);
    mbedtls_x509write_crt_free(&cert);
}

/* Appends the chain for the key of a request (DER): the leaf, and the CA. */
static inline void issuer_sign(struct test_issuer *issuer, struct span csr,
                               const char *const *names, size_t count, int64_t from,
                               struct buf *out)
{
    struct csr_info request = {0};
    struct error err = {0};
    mbedtls_pk_context subject;
    if (!csr_read(csr, &request, &err)) {
        (void)fprintf(stderr, "test issuer: %s\n", err.text);
        abort();
    }
    issuer_start(issuer);
    mbedtls_pk_init(&subject);
    issuer_must(mbedtls_pk_parse_public_key(&subject, (const unsigned char *)request.spki.data,
                                            request.spki.len),
                "request");
    issuer_write(issuer, &subject, names, count, from, out);
    issuer_write(issuer, &issuer->key, NULL, 0, from, out);
    mbedtls_pk_free(&subject);
    csr_info_release(&request);
}

#endif

#include <acmec/crypto/alpn_cert.h>

#include <acmec/base/cleanup.h>
#include <acmec/crypto/digest.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define AUTHORIZATION "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.thumbprint"
#define NOW 1800000000 /* 2027-01-15 */
#define ACME_IDENTIFIER "\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x1f\x01\x01\xff\x04\x22\x04\x20"

struct made {
    struct buf cert, key;
};

static void made_release(struct made *made)
{
    buf_release(&made->cert);
    buf_release(&made->key);
}

static int start(void **state)
{
    struct error err;
    (void)state;
    return crypto_start(&err) ? 0 : -1;
}

static struct identifier named(const char *text)
{
    struct identifier identifier;
    struct error err;
    assert_true(identifier_parse(text, &identifier, &err));
    return identifier;
}

static struct made make(const char *name)
{
    struct identifier identifier = named(name);
    struct made made = {BUF(ALPN_CERT_MAX), SECRET_BUF(ALPN_KEY_MAX)};
    struct error err = {0};
    if (!alpn_cert_make(&identifier, AUTHORIZATION, NOW, &made.cert, &made.key, &err))
        fail_msg("%s", err.text);
    return made;
}

static int accept_identifier(void *ctx, const mbedtls_x509_crt *crt, const mbedtls_x509_buf *oid,
                             int critical, const unsigned char *at, const unsigned char *end)
{
    struct span *value = ctx;
    (void)crt;
    if (oid->len != 8 || memcmp(oid->p, "\x2b\x06\x01\x05\x05\x07\x01\x1f", 8) != 0)
        return -1;
    assert_true(critical != 0);
    *value = span_of(at, (size_t)(end - at));
    return 0;
}

/* Read by another hand: mbedTLS. */
static void parse(const struct made *made, mbedtls_x509_crt *crt, struct span *value)
{
    mbedtls_x509_crt_init(crt);
    assert_int_equal(
        mbedtls_x509_crt_parse_der_with_ext_cb(crt, (const unsigned char *)made->cert.data,
                                               made->cert.len, 1, accept_identifier, value),
        0);
}

static bool holds(const struct buf *der, const void *bytes, size_t len)
{
    for (size_t i = 0; i + len <= der->len; i++)
        if (memcmp(der->data + i, bytes, len) == 0)
            return true;
    return false;
}

static void holds_the_digest_and_one_name(void **state)
{
    (void)state;
    AUTO(made) made = make("www.example.com");
    mbedtls_x509_crt crt;
    struct span value = {0};
    unsigned char digest[SHA256_SIZE];
    struct error err;
    parse(&made, &crt, &value);
    assert_int_equal(value.len, 2 + SHA256_SIZE);
    assert_memory_equal(value.ptr, "\x04\x20", 2);
    assert_true(digest_sha256(span_str(AUTHORIZATION), digest, &err));
    assert_memory_equal(value.ptr + 2, digest, sizeof digest);
    assert_true(holds(&made.cert, ACME_IDENTIFIER, sizeof ACME_IDENTIFIER - 1));
    assert_null(crt.subject_alt_names.next);
    assert_int_equal(crt.subject_alt_names.buf.tag, 0x82);
    assert_int_equal(crt.subject_alt_names.buf.len, strlen("www.example.com"));
    assert_int_equal(crt.version, 3);
    assert_int_equal(crt.valid_from.year, 2027);
    assert_int_equal(crt.valid_from.day, 14);
    assert_int_equal(crt.valid_to.day, 22);
    mbedtls_x509_crt_free(&crt);
}

static void signs_itself(void **state)
{
    (void)state;
    AUTO(made) made = make("a.example");
    mbedtls_x509_crt crt;
    struct span value = {0};
    uint32_t flags = 0;
    parse(&made, &crt, &value);
    (void)mbedtls_x509_crt_verify(&crt, &crt, NULL, NULL, &flags, NULL, NULL);
    /* A wrong signature would be MBEDTLS_X509_BADCERT_NOT_TRUSTED; NOW is not today. */
    assert_int_equal(
        flags & ~(uint32_t)(MBEDTLS_X509_BADCERT_FUTURE | MBEDTLS_X509_BADCERT_EXPIRED), 0);
    mbedtls_x509_crt_free(&crt);
}

static void the_key_is_its_own_each_time(void **state)
{
    (void)state;
    AUTO(made) one = make("a.example");
    AUTO(made) other = make("a.example");
    assert_true(one.key.len > 0 && one.key.len < ALPN_KEY_MAX);
    assert_false(span_equals(buf_span(&one.key), buf_span(&other.key)));
    assert_false(span_equals(buf_span(&one.cert), buf_span(&other.cert)));
}

static void addresses(void **state)
{
    (void)state;
    AUTO(made) v4 = make("192.0.2.7");
    AUTO(made) v6 = make("2001:db8::1");
    assert_true(holds(&v4.cert, "\x30\x06\x87\x04\xc0\x00\x02\x07", 8));
    assert_true(holds(&v6.cert, "\x30\x12\x87\x10\x20\x01\x0d\xb8", 8));
}

static void the_longest_name_fits(void **state)
{
    (void)state;
    char name[254];
    for (size_t i = 0; i < 253; i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    name[253] = '\0';
    AUTO(made) made = make(name);
    assert_true(made.cert.len < ALPN_CERT_MAX);
}

static void no_wildcards(void **state)
{
    (void)state;
    struct identifier wildcard = named("*.a.example");
    AUTO(made) made = {BUF(ALPN_CERT_MAX), SECRET_BUF(ALPN_KEY_MAX)};
    struct error err = {0};
    assert_false(alpn_cert_make(&wildcard, AUTHORIZATION, NOW, &made.cert, &made.key, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_int_equal(made.cert.len + made.key.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_the_digest_and_one_name), cmocka_unit_test(signs_itself),
        cmocka_unit_test(the_key_is_its_own_each_time),  cmocka_unit_test(addresses),
        cmocka_unit_test(the_longest_name_fits),         cmocka_unit_test(no_wildcards),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

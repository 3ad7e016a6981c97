#include "fake/test_files.h"

#include <acmec/base/cleanup.h>
#include <acmec/crypto/csr.h>
#include <acmec/data/pem.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int start(void **state)
{
    struct error err;
    (void)state;
    return crypto_start(&err) ? 0 : -1;
}

static struct key *load_key(const char *name)
{
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    struct key *key = NULL;
    struct error err = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "keys/%s.pem", name);
    test_file(path, &pem);
    if (!key_read_pem(buf_span(&pem), ERR_FILES, &key, &err))
        fail_msg("%s: %s", name, err.text);
    return key;
}

static void add(struct identifier_list *names, const char *text)
{
    struct identifier name;
    struct error err;
    assert_true(identifier_parse(text, &name, &err));
    assert_true(identifier_list_add(names, &name));
}

/* Everything of a request before its public key and between that and its signature. */
static void der_is_as_written_by_hand(void **state)
{
    static const char BEFORE[] = "\x02\x01\x00" /* version 1 */
                                 "\x30\x00"     /* empty subject */
                                 "\x30\x59\x30\x13";
    static const char ATTRIBUTES[] =
        "\xa0\x46\x30\x44\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e\x31\x37\x30\x35"
        "\x30\x33\x06\x03\x55\x1d\x11\x04\x2c\x30\x2a" /* subjectAltName, not critical */
        "\x82\x03"
        "a.b"
        "\x82\x0b"
        "*.c.example"
        "\x87\x04\xc0\x00\x02\x01"
        "\x87\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
        /* ecdsa-with-SHA256 without the NULL that some writers add (RFC 5758) */
        "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x03";
    AUTO(identifier_list) names = {0};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    struct error err;
    struct key *key = load_key("ec256");
    (void)state;
    add(&names, "a.b");
    add(&names, "*.c.example");
    add(&names, "192.0.2.1");
    add(&names, "2001:db8::1");
    assert_true(csr_make(key, &(struct csr_wish){.names = &names}, &der, &err));
    assert_memory_equal(der.data + 7, BEFORE, sizeof BEFORE - 1);
    assert_memory_equal(der.data + 7 + 5 + 0x5b, ATTRIBUTES, sizeof ATTRIBUTES - 1);
    key_free(key);
}

/* What openssl reads out of it, its signature verified. */
static void ask_openssl(const struct key *key, const struct identifier_list *names,
                        struct buf *said)
{
    static const char *const ARGV[] = {"openssl", "req", "-verify", "-noout", "-text", NULL};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    struct error err;
    assert_true(csr_make(key, &(struct csr_wish){.names = names}, &der, &err));
    pem_write("CERTIFICATE REQUEST", buf_span(&der), &pem);
    assert_true(test_openssl(ARGV, buf_span(&pem), said));
    assert_non_null(strstr(buf_str(said), "verify OK"));
    assert_non_null(strstr(buf_str(said), "Subject: \n"));
    assert_null(strstr(buf_str(said), "CN ="));
    assert_null(strstr(buf_str(said), "Usage"));
    assert_null(strstr(buf_str(said), "critical"));
}

static void openssl_agrees_for_each_key(void **state)
{
    static const struct {
        const char *key, *alg;
    } KEYS[] = {
        {"ec256", "ecdsa-with-SHA256"},         {"ec384", "ecdsa-with-SHA384"},
        {"rsa2048", "sha256WithRSAEncryption"}, {"rsa3072", "sha256WithRSAEncryption"},
        {"rsa4096", "sha256WithRSAEncryption"}, {"ec256.zero-x", "ecdsa-with-SHA256"},
        {"ec384.zero-d", "ecdsa-with-SHA384"},
    };
    AUTO(identifier_list) names = {0};
    (void)state;
    if (!test_has_openssl())
        skip();
    add(&names, "a.example");
    add(&names, "*.b.example");
    add(&names, "192.0.2.1");
    add(&names, "2001:db8::1");
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        AUTO(buf) said = BUF(TEST_FILE_MAX);
        struct key *key = load_key(KEYS[i].key);
        ask_openssl(key, &names, &said);
        assert_non_null(strstr(buf_str(&said), KEYS[i].alg));
        assert_non_null(strstr(buf_str(&said), "DNS:a.example, DNS:*.b.example, "
                                               "IP Address:192.0.2.1, "
                                               "IP Address:2001:DB8:0:0:0:0:0:1\n"));
        key_free(key);
    }
}

/* A hundred names of 253 octets each, the most there can be. */
static void long_names(struct identifier_list *names, size_t count)
{
    for (unsigned i = 0; i < count; i++) {
        struct identifier name = {.type = IDENTIFIER_DNS};
        (void)snprintf(name.value, sizeof name.value, "n%03u.%060d.%060d.%060d.%057d.example", i, 0,
                       0, 0, 0);
        assert_int_equal(strlen(name.value), 253);
        assert_true(identifier_list_add(names, &name));
    }
}

static void a_hundred_long_names_fit(void **state)
{
    AUTO(identifier_list) names = {0};
    AUTO(buf) said = BUF(TEST_FILE_MAX);
    struct key *key = load_key("rsa4096");
    (void)state;
    if (!test_has_openssl())
        skip();
    long_names(&names, IDENTIFIERS_MAX);
    ask_openssl(key, &names, &said);
    for (size_t i = 0; i < names.count; i++)
        assert_non_null(strstr(buf_str(&said), names.items[i].value));
    key_free(key);
}

static void refuses(const struct identifier_list *names, size_t room, const char *why)
{
    struct buf out = BUF(room);
    struct error err = {0};
    struct key *key = load_key("ec256");
    assert_false(csr_make(key, &(struct csr_wish){.names = names}, &out, &err));
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
    assert_int_equal(out.len, 0);
    buf_release(&out);
    key_free(key);
}

static void limits(void **state)
{
    AUTO(identifier_list) none = {0};
    AUTO(identifier_list) many = {0};
    AUTO(identifier_list) one = {0};
    AUTO(identifier_list) bad = {0};
    struct identifier address = {IDENTIFIER_IP, "300.1.1.1"};
    (void)state;
    refuses(&none, CSR_DER_MAX, "at least one name");
    long_names(&many, 2 * IDENTIFIERS_MAX);
    refuses(&many, CSR_DER_MAX, "at most 100 names");
    add(&one, "a.example");
    refuses(&one, 50, "larger than its buffer");
    assert_true(identifier_list_add(&bad, &address));
    refuses(&bad, CSR_DER_MAX, "'300.1.1.1' is not an IP address");
}

/* ---- a person's request ---- */

/* Ours with all its names, and those of openssl, PEM and DER, can be read. */
static void reads_what_it_makes(void **state)
{
    static const char *const KEYS[] = {"ec256", "ec384", "rsa2048"};
    AUTO(identifier_list) names = {0};
    (void)state;
    add(&names, "a.example");
    add(&names, "*.b.example");
    add(&names, "192.0.2.1");
    add(&names, "2001:db8::1");
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        AUTO(buf) der = BUF(CSR_DER_MAX);
        AUTO(buf) pem = BUF(CSR_TEXT_MAX);
        AUTO(csr_info) info = {0};
        AUTO(csr_info) same = {0};
        struct error err = {0};
        struct key *key = load_key(KEYS[i]), *other = load_key("ec256.zero-x");
        char fingerprint[SHA256_HEX];
        const struct csr_wish wish = {.names = &names, .must_staple = true};
        assert_true(csr_make(key, &wish, &der, &err));
        pem_write("CERTIFICATE REQUEST", buf_span(&der), &pem);
        assert_true(csr_read(buf_span(&pem), &info, &err));
        assert_true(csr_read(buf_span(&der), &same, &err));
        assert_true(identifier_list_same_set(&info.names, &names));
        assert_true(span_equals(buf_span(&info.der), buf_span(&der)));
        assert_string_equal(info.sha256, same.sha256);
        assert_true(csr_is_for(&info, key));
        assert_false(csr_is_for(&info, other));
        assert_true(key_fingerprint(key, fingerprint, &err));
        assert_string_equal(info.key_fingerprint, fingerprint);
        key_free(key);
        key_free(other);
    }
}

static void by_openssl(const char *key, const char *subject, const char *extension, struct buf *pem)
{
    AUTO_FREE path = mem_printf("%s/%s", TEST_DATA, key);
    const char *argv[] = {"openssl", "req",   "-new",    "-key",    path,
                          "-subj",   subject, "-addext", extension, NULL};
    assert_true(test_openssl(argv, SPAN_LIT(""), pem));
}

static void reads_openssl(void **state)
{
    static const struct {
        const char *key, *subject, *extension, *first;
        size_t count; /* 0: refused, first says why */
    } CASES[] = {
        {"keys/ec256.pem", "/CN=Www.Example.com", "subjectAltName=DNS:example.com",
         "www.example.com", 2},
        {"keys/ec256.pem", "/O=Shop/CN=www.example.com", "keyUsage=digitalSignature",
         "www.example.com", 1},
        {"keys/rsa2048.pem", "/CN=Our shop", "subjectAltName=critical,IP:2001:db8::1,DNS:b.example",
         "2001:db8::1", 2},
        {"keys/ec521.pem", "/", "subjectAltName=DNS:a.example", "a.example", 1},
        {"keys/ec256.pem", "/CN=Our shop", "keyUsage=digitalSignature", "names no host", 0},
        {"keys/ec256.pem", "/", "subjectAltName=DNS:a.example,email:a@b.example", "neither a DNS",
         0},
        {"keys/ec256.pem", "/", "subjectAltName=DNS:not_one_label", "'not_one_label'", 0},
        {"keys/rsa1024.pem", "/", "subjectAltName=DNS:a.example", "fewer than 2048 bits", 0},
        {"keys/ed25519.pem", "/", "subjectAltName=DNS:a.example", "not supported", 0},
    };
    (void)state;
    if (!test_has_openssl())
        skip();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO(buf) pem = BUF(CSR_TEXT_MAX);
        AUTO(csr_info) info = {0};
        struct error err = {0};
        by_openssl(CASES[i].key, CASES[i].subject, CASES[i].extension, &pem);
        bool good = csr_read(buf_span(&pem), &info, &err);
        if (good != (CASES[i].count > 0) || (!good && strstr(err.text, CASES[i].first) == NULL))
            fail_msg("%s %s: %s", CASES[i].key, CASES[i].extension, err.text);
        if (!good)
            continue;
        assert_int_equal(info.names.count, CASES[i].count);
        assert_string_equal(info.names.items[0].value, CASES[i].first);
    }
}

/* One bit changed anywhere: never read as good, never a crash. */
static void damaged_requests(void **state)
{
    AUTO(identifier_list) names = {0};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    struct error err = {0};
    struct key *key = load_key("ec256");
    (void)state;
    add(&names, "a.example");
    assert_true(csr_make(key, &(struct csr_wish){.names = &names}, &der, &err));
    for (size_t i = 0; i < der.len; i++) {
        AUTO(csr_info) info = {0};
        der.data[i] ^= 0x10;
        if (csr_read(buf_span(&der), &info, &err))
            fail_msg("byte %zu changed and not seen", i);
        der.data[i] ^= 0x10;
        assert_false(csr_read(span_of(der.data, i), &info, &err));
    }
    buf_add_byte(&der, 0);
    struct csr_info none = {0};
    assert_false(csr_read(buf_span(&der), &none, &err));
    assert_false(csr_read(SPAN_LIT("no request"), &none, &err));
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    test_file("certs/good.pem", &pem);
    assert_false(csr_read(buf_span(&pem), &none, &err));
    assert_non_null(strstr(err.text, "not one certificate request"));
    key_free(key);
}

static void must_staple_is_asked_for(void **state)
{
    static const char *const ARGV[] = {"openssl", "req", "-verify", "-noout", "-text", NULL};
    AUTO(identifier_list) names = {0};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    AUTO(buf) said = BUF(TEST_FILE_MAX);
    struct error err = {0};
    struct key *key = load_key("ec256");
    (void)state;
    if (!test_has_openssl())
        skip();
    add(&names, "a.example");
    assert_true(
        csr_make(key, &(struct csr_wish){.names = &names, .must_staple = true}, &der, &err));
    pem_write("CERTIFICATE REQUEST", buf_span(&der), &pem);
    assert_true(test_openssl(ARGV, buf_span(&pem), &said));
    assert_non_null(strstr(buf_str(&said), "verify OK"));
    assert_non_null(strstr(buf_str(&said), "TLS Feature"));
    assert_non_null(strstr(buf_str(&said), "status_request"));
    assert_non_null(strstr(buf_str(&said), "DNS:a.example"));
    key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(der_is_as_written_by_hand), cmocka_unit_test(openssl_agrees_for_each_key),
        cmocka_unit_test(a_hundred_long_names_fit),  cmocka_unit_test(limits),
        cmocka_unit_test(reads_what_it_makes),       cmocka_unit_test(reads_openssl),
        cmocka_unit_test(damaged_requests),          cmocka_unit_test(must_staple_is_asked_for),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

/* The files in tests/data/keys were made with openssl; rfc6979 and rfc7638 hold published keys. */
#include "fake/test_files.h"

#include <acmec/base/cleanup.h>
#include <acmec/crypto/key.h>
#include <acmec/data/b64url.h>
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

static struct key *load(const char *name)
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

static void refuse(struct span pem, const char *why)
{
    struct key *key = (struct key *)&start;
    struct error err = {0};
    assert_false(key_read_pem(pem, ERR_USAGE, &key, &err));
    assert_ptr_equal(key, (struct key *)&start);
    assert_int_equal(err.code, ERR_USAGE);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
}

/* ---- reading and writing ---- */

static void reads_every_form(void **state)
{
    static const struct {
        const char *name;
        enum key_type type;
        const char *alg;
    } FILES[] = {
        {"ec256", KEY_ECDSA_P256, "ES256"},        {"ec256.sec1", KEY_ECDSA_P256, "ES256"},
        {"ec256.params", KEY_ECDSA_P256, "ES256"}, {"ec384", KEY_ECDSA_P384, "ES384"},
        {"ec384.sec1", KEY_ECDSA_P384, "ES384"},   {"rsa2048", KEY_RSA_2048, "RS256"},
        {"rsa2048.pkcs1", KEY_RSA_2048, "RS256"},  {"rsa3072", KEY_RSA_3072, "RS256"},
        {"rsa4096", KEY_RSA_4096, "RS256"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        struct key *key = load(FILES[i].name);
        assert_int_equal(key_get_type(key), FILES[i].type);
        assert_string_equal(key_jws_alg(key), FILES[i].alg);
        key_free(key);
    }
}

/* Whatever form it came in, it is written as openssl writes PKCS#8. */
static void writes_what_openssl_writes(void **state)
{
    static const struct {
        const char *from, *same_as;
    } FILES[] = {
        {"ec256", "ec256"},
        {"ec256.sec1", "ec256"},
        {"ec256.params", "ec256"},
        {"ec384.sec1", "ec384"},
        {"rsa2048", "rsa2048"},
        {"rsa2048.pkcs1", "rsa2048"},
        {"ec256.zero-x", "ec256.zero-x"},
        {"ec384.zero-d", "ec384.zero-d"},
        {"rsa4096", "rsa4096"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        AUTO(buf) expected = BUF(TEST_FILE_MAX);
        AUTO(buf) out = SECRET_BUF(KEY_PEM_MAX);
        struct error err;
        char path[128];
        struct key *key = load(FILES[i].from);
        (void)snprintf(path, sizeof path, "keys/%s.pem", FILES[i].same_as);
        test_file(path, &expected);
        assert_true(key_write_pem(key, &out, &err));
        assert_string_equal(buf_str(&out), buf_str(&expected));
        key_free(key);
    }
}

static void a_buffer_too_small_is_said(void **state)
{
    AUTO(buf) out = SECRET_BUF(100);
    struct error err = {0};
    struct key *key = load("ec256");
    (void)state;
    assert_false(key_write_pem(key, &out, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    key_free(key);
}

static void a_new_key_is_read_back(void **state)
{
    static const enum key_type TYPES[] = {KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_RSA_2048};
    (void)state;
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
        struct key *made = NULL, *other = NULL, *read = NULL;
        struct error err;
        assert_true(key_generate(TYPES[i], &made, &err));
        assert_int_equal(key_get_type(made), TYPES[i]);
        assert_true(key_write_pem(made, &pem, &err));
        assert_true(key_read_pem(buf_span(&pem), ERR_FILES, &read, &err));
        assert_true(key_same_public(made, read));
        assert_true(key_generate(KEY_ECDSA_P256, &other, &err));
        assert_false(key_same_public(made, other));
        key_free(made);
        key_free(read);
        key_free(other);
    }
}

/* mbedTLS 2.28 has room for 32 keys at a time; a run has many more. */
static void a_thousand_keys_at_once(void **state)
{
    struct key *keys[1000];
    (void)state;
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    test_file("keys/ec256.pem", &pem);
    for (size_t i = 0; i < 1000; i++) {
        struct error err;
        assert_true(key_read_pem(buf_span(&pem), ERR_FILES, &keys[i], &err));
    }
    for (size_t i = 0; i < 1000; i++)
        key_free(keys[i]);
    key_free(NULL);
}

/* ---- refusing ---- */

static void refuses_other_keys_in_words(void **state)
{
    static const struct {
        const char *name, *why;
    } FILES[] = {
        {"ec256.encrypted", "the private key is encrypted"},
        {"ec256.proctype", "the private key is encrypted"},
        {"ed25519", "Ed25519"},
        {"ec521", "P-521"},
        {"secp256k1", "secp256k1"},
        {"rsa1024", "RSA keys of 1024 bits are not supported"},
        {"ec256.explicit", "describes its curve instead of naming it"},
        {"ec256.pub", "a public key, not a private one"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        AUTO(buf) pem = BUF(TEST_FILE_MAX);
        char path[128];
        (void)snprintf(path, sizeof path, "keys/%s.pem", FILES[i].name);
        test_file(path, &pem);
        refuse(buf_span(&pem), FILES[i].why);
    }
}

static void encrypted_keys_get_a_hint(void **state)
{
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    struct error err = {0};
    struct key *key = NULL;
    (void)state;
    test_file("keys/ec256.encrypted.pem", &pem);
    assert_false(key_read_pem(buf_span(&pem), ERR_FILES, &key, &err));
    assert_non_null(strstr(err.hint, "openssl pkey -in"));
}

static void refuses_what_is_no_key(void **state)
{
    AUTO(buf) twice = BUF(TEST_FILE_MAX);
    AUTO(buf) large = BUF(TEST_FILE_MAX);
    (void)state;
    refuse(SPAN_LIT(""), "there is no private key");
    refuse(span_of(NULL, 0), "there is no private key");
    refuse(SPAN_LIT(" \n\n"), "there is no private key");
    refuse(SPAN_LIT("key"), "reading a private key");
    refuse(SPAN_LIT("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "damaged");
    refuse(SPAN_LIT("-----BEGIN STONE-----\nAAAA\n-----END STONE-----\n"), "'STONE' is no private");
    refuse(SPAN_LIT("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n"),
           "'EC PARAMETERS' is no private");
    test_file("keys/ec256.pem", &twice);
    test_file("keys/ec384.pem", &twice);
    refuse(buf_span(&twice), "more than one");
    for (size_t i = 0; i <= KEY_PEM_MAX; i++)
        buf_add_byte(&large, '\n');
    refuse(buf_span(&large), "longer than 16384 bytes");
}

/* Every prefix of the DER, and a bit of every byte turned: an answer, never a crash. */
static void damaged_der(const char *name, const char *label)
{
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    AUTO(pem_list) list = {0};
    struct error err;
    char path[128];
    (void)snprintf(path, sizeof path, "keys/%s.pem", name);
    test_file(path, &pem);
    assert_true(pem_parse(buf_span(&pem), ERR_FILES, &list, &err));
    struct buf *der = &list.blocks[0].der;
    for (size_t len = 1; len < der->len; len++) {
        AUTO(buf) cut = BUF(TEST_FILE_MAX);
        pem_write(label, span_of(der->data, len), &cut);
        refuse(buf_span(&cut), "the private key");
    }
    for (size_t i = 0; i < der->len; i++) {
        AUTO(buf) bent = BUF(TEST_FILE_MAX);
        struct key *key = NULL;
        der->data[i] = (char)(der->data[i] ^ (1 << i % 8));
        pem_write(label, buf_span(der), &bent);
        assert_true(key_read_pem(buf_span(&bent), ERR_FILES, &key, &err) == (key != NULL));
        key_free(key);
        der->data[i] = (char)(der->data[i] ^ (1 << i % 8));
    }
}

static void survives_damage(void **state)
{
    (void)state;
    damaged_der("ec256", "PRIVATE KEY");
    damaged_der("ec384.sec1", "EC PRIVATE KEY");
}

static void ec_edges(void **state)
{
    static const struct {
        const char *what, *der;
        size_t len;
        const char *why;
    } CASES[] = {
        {"scalar 0",
         "\x30\x11\x02\x01\x01\x04\x00\xa0\x0a\x06\x08"
         "\x2a\x86\x48\xce\x3d\x03\x01\x07",
         19, "damaged"},
        {"no curve", "\x30\x06\x02\x01\x01\x04\x01\x05", 8, "does not name its curve"},
        {"version 2", "\x30\x06\x02\x01\x02\x04\x01\x05", 8, "damaged"},
        {"negative version", "\x30\x06\x02\x01\xff\x04\x01\x05", 8, "damaged"},
        {"scalar too long",
         "\x30\x32\x02\x01\x01\x04\x21\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
         "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\xa0\x0a\x06\x08"
         "\x2a\x86\x48\xce\x3d\x03\x01\x07",
         52, "damaged"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO(buf) pem = BUF(TEST_FILE_MAX);
        pem_write("EC PRIVATE KEY", span_of(CASES[i].der, CASES[i].len), &pem);
        refuse(buf_span(&pem), CASES[i].why);
    }
}

/* The scalar 5 in one byte, as writers that drop leading zeros give it. */
static void short_scalars_are_padded(void **state)
{
    static const char DER[] = "\x30\x12\x02\x01\x01\x04\x01\x05\xa0\x0a\x06\x08"
                              "\x2a\x86\x48\xce\x3d\x03\x01\x07";
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    AUTO(buf) jwk = BUF(4096);
    struct key *key = NULL;
    struct error err;
    (void)state;
    pem_write("EC PRIVATE KEY", span_of(DER, sizeof DER - 1), &pem);
    assert_true(key_read_pem(buf_span(&pem), ERR_FILES, &key, &err));
    assert_true(key_jwk(key, &jwk, &err));
    /* 5 * G of P-256 */
    assert_string_equal(buf_str(&jwk), "{\"crv\":\"P-256\",\"kty\":\"EC\","
                                       "\"x\":\"UVkLelFRQNLXhMhWCGaP3--Mgv0fW-UkIVVKDcPQM-0\","
                                       "\"y\":\"4MF9qJBKcn2K4b82v4p5Jg0BLwDU2AiI0dC7RP2hbaQ\"}");
    key_free(key);
}

/* ---- JWS ---- */

static void signs(const char *name, const char *message, const char *expected)
{
    AUTO(buf) first = BUF(1024);
    AUTO(buf) second = BUF(1024);
    AUTO(buf) hex = BUF(2048);
    struct error err;
    struct key *key = load(name);
    assert_true(key_jws_sign(key, span_str(message), &first, &err));
    assert_true(key_jws_sign(key, span_str(message), &second, &err));
    assert_true(span_equals(buf_span(&first), buf_span(&second)));
    for (size_t i = 0; i < first.len; i++)
        buf_addf(&hex, "%02X", (unsigned)(unsigned char)first.data[i]);
    assert_string_equal(buf_str(&hex), expected);
    key_free(key);
}

/* RFC 6979, appendix A.2.5 and A.2.6. */
static void signatures_are_deterministic(void **state)
{
    (void)state;
    signs("rfc6979-p256", "sample",
          "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
          "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
    signs("rfc6979-p256", "test",
          "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
          "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083");
    signs("rfc6979-p384", "sample",
          "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
          "81A648152E44ACF96E36DD1E80FABE46"
          "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"
          "A329C145786E679E7B82C71A38628AC8");
}

/* Among 600 signatures a few have an r or s that begins with a zero byte. */
static void signatures_have_one_width(void **state)
{
    struct key *key = load("ec256");
    size_t short_ones = 0;
    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        AUTO(buf) signature = BUF(1024);
        struct error err;
        assert_true(key_jws_sign(key, span_of(&i, sizeof i), &signature, &err));
        assert_int_equal(signature.len, 64);
        short_ones += signature.data[0] == 0 || signature.data[32] == 0;
    }
    assert_true(short_ones > 0);
    key_free(key);
}

/* openssl verifies what an RSA key signed. */
static void rsa_signatures_verify(void **state)
{
    static const struct {
        const char *name;
        size_t len;
    } KEYS[] = {{"rsa2048", 256}, {"rsa3072", 384}, {"rsa4096", 512}};
    (void)state;
    if (!test_has_openssl())
        skip();
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        AUTO(buf) signature = BUF(1024);
        AUTO(buf) said = BUF(TEST_FILE_MAX);
        struct error err;
        char file[] = "/tmp/acmec-key-XXXXXX", path[1024];
        struct key *key = load(KEYS[i].name);
        int fd = mkstemp(file);
        assert_true(key_jws_sign(key, SPAN_LIT("a.b"), &signature, &err));
        assert_int_equal(signature.len, KEYS[i].len);
        assert_int_equal(write(fd, signature.data, signature.len), signature.len);
        (void)close(fd);
        (void)snprintf(path, sizeof path, "%s/keys/%s.pem", TEST_DATA, KEYS[i].name);
        const char *const argv[] = {"openssl", "dgst",       "-sha256", "-prverify",
                                    path,      "-signature", file,      NULL};
        bool verified = test_openssl(argv, SPAN_LIT("a.b"), &said);
        (void)unlink(file);
        assert_true(verified);
        key_free(key);
    }
}

static void fails_when_the_buffer_is_full(void **state)
{
    AUTO(buf) small = BUF(10);
    struct error err = {0};
    struct key *key = load("ec256");
    (void)state;
    assert_false(key_jws_sign(key, SPAN_LIT("x"), &small, &err));
    buf_clear(&small);
    assert_false(key_jwk(key, &small, &err));
    buf_clear(&small);
    assert_false(key_thumbprint(key, &small, &err));
    key_free(key);
}

/* RFC 7638, section 3.1. */
static void thumbprint_of_the_rfc(void **state)
{
    AUTO(buf) jwk = BUF(4096);
    AUTO(buf) print = BUF(64);
    struct error err;
    struct key *key = load("rfc7638");
    (void)state;
    assert_true(key_jwk(key, &jwk, &err));
    assert_ptr_equal(strstr(buf_str(&jwk), "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"0vx7agoe"),
                     buf_str(&jwk));
    assert_non_null(strstr(buf_str(&jwk), "awapJzKnqDKgw\"}"));
    assert_true(key_thumbprint(key, &print, &err));
    assert_string_equal(buf_str(&print), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    key_free(key);
}

/* Coordinates that begin with a zero byte keep it: 43 characters, and the first is 'A'. */
static void coordinates_have_one_width(void **state)
{
    static const struct {
        const char *name, *zero;
        size_t len;
    } KEYS[] = {{"ec256.zero-x", "\"x\":\"A", 126},
                {"ec256.zero-y", "\"y\":\"A", 126},
                {"ec384.zero-d", "\"crv\":\"P-384\"", 168}};
    (void)state;
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        AUTO(buf) jwk = BUF(4096);
        struct error err;
        struct key *key = load(KEYS[i].name);
        assert_true(key_jwk(key, &jwk, &err));
        assert_non_null(strstr(buf_str(&jwk), KEYS[i].zero));
        assert_int_equal(jwk.len, KEYS[i].len);
        key_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(writes_what_openssl_writes),
        cmocka_unit_test(a_buffer_too_small_is_said),
        cmocka_unit_test(a_new_key_is_read_back),
        cmocka_unit_test(a_thousand_keys_at_once),
        cmocka_unit_test(refuses_other_keys_in_words),
        cmocka_unit_test(encrypted_keys_get_a_hint),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(ec_edges),
        cmocka_unit_test(short_scalars_are_padded),
        cmocka_unit_test(signatures_are_deterministic),
        cmocka_unit_test(signatures_have_one_width),
        cmocka_unit_test(rsa_signatures_verify),
        cmocka_unit_test(fails_when_the_buffer_is_full),
        cmocka_unit_test(thumbprint_of_the_rfc),
        cmocka_unit_test(coordinates_have_one_width),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

#include <acmec/crypto/digest.h>

#include <acmec/crypto/key.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int start(void **state)
{
    struct error err;
    (void)state;
    return crypto_start(&err) && crypto_start(&err) ? 0 : -1; /* again does nothing */
}

static void knows_published_hashes(void **state)
{
    /* FIPS 180-2, appendix B */
    static const unsigned char ABC[SHA256_SIZE] =
        "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
        "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
    static const unsigned char EMPTY[SHA256_SIZE] =
        "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
        "\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";
    unsigned char hash[SHA256_SIZE];
    struct error err;
    (void)state;
    assert_true(digest_sha256(SPAN_LIT("abc"), hash, &err));
    assert_memory_equal(hash, ABC, SHA256_SIZE);
    assert_true(digest_sha256(SPAN_LIT(""), hash, &err));
    assert_memory_equal(hash, EMPTY, SHA256_SIZE);
}

/* RFC 4231, test cases 1 and 6: a short secret, and one longer than a block of either hash. */
static void knows_published_macs(void **state)
{
    static const char HI[] = "Hi There";
    static const char LONGER[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const struct {
        size_t secret_len;
        unsigned char secret_byte;
        const char *message;
        enum hmac_kind kind;
        unsigned char first[8];
    } cases[] = {
        {20, 0x0b, HI, HMAC_SHA256, {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53}},
        {20, 0x0b, HI, HMAC_SHA384, {0xaf, 0xd0, 0x39, 0x44, 0xd8, 0x48, 0x95, 0x62}},
        {20, 0x0b, HI, HMAC_SHA512, {0x87, 0xaa, 0x7c, 0xde, 0xa5, 0xef, 0x61, 0x9d}},
        {131, 0xaa, LONGER, HMAC_SHA256, {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f}},
        {131, 0xaa, LONGER, HMAC_SHA384, {0x4e, 0xce, 0x08, 0x44, 0x85, 0x81, 0x3e, 0x90}},
        {131, 0xaa, LONGER, HMAC_SHA512, {0x80, 0xb2, 0x42, 0x63, 0xc7, 0xc1, 0xa3, 0xeb}},
    };
    static const size_t sizes[HMAC_KIND_COUNT] = {32, 48, 64};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char secret[131];
        struct buf out = BUF(64);
        struct error err = {0};
        memset(secret, cases[i].secret_byte, cases[i].secret_len);
        assert_true(digest_hmac(cases[i].kind, span_of(secret, cases[i].secret_len),
                                span_str(cases[i].message), &out, &err));
        assert_int_equal(out.len, sizes[cases[i].kind]);
        assert_memory_equal(out.data, cases[i].first, sizeof cases[i].first);
        buf_release(&out);
    }
}

static void refuses_an_empty_secret(void **state)
{
    struct buf out = BUF(64);
    struct error err = {0};
    (void)state;
    assert_false(digest_hmac(HMAC_SHA256, SPAN_LIT(""), SPAN_LIT("x"), &out, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(out.len, 0);
}

static void random_bytes_differ(void **state)
{
    /* Longer than one request to the generator below. */
    unsigned char a[5000] = {0}, b[5000] = {0};
    size_t same = 0, zeros = 0;
    struct error err;
    (void)state;
    assert_true(digest_random(a, sizeof a, &err));
    assert_true(digest_random(b, sizeof b, &err));
    for (size_t i = 0; i < sizeof a; i++) {
        same += a[i] == b[i];
        zeros += a[i] == 0;
    }
    assert_true(same < 100 && zeros < 100); /* 20 are likely */
    assert_true(digest_random(a, 0, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_published_hashes),
        cmocka_unit_test(knows_published_macs),
        cmocka_unit_test(refuses_an_empty_secret),
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

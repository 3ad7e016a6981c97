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
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

#include <acmec/data/base32.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 4648 section 10, in lower case and without padding. */
static void test_vectors(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "my"},
        {"fo", "mzxq"},
        {"foo", "mzxw6"},
        {"foob", "mzxw6yq"},
        {"fooba", "mzxw6ytb"},
        {"foobar", "mzxw6ytboi"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(buf) out = BUF(64);
        base32_encode(span_str(rows[i][0]), &out);
        assert_string_equal(buf_str(&out), rows[i][1]);
    }
}

static void test_every_bit(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(64);
    base32_encode(span_of("\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00", 10), &out);
    assert_string_equal(buf_str(&out), "74ap6ah7ad7qb7ya");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

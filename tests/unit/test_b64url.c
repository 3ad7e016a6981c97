#include <acmec/data/b64url.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

/* RFC 4648 section 10 without padding, and the two characters that differ. */
static const struct {
    struct span bytes;
    const char *text;
} pairs[] = {
    {SPAN_LIT(""), ""},
    {SPAN_LIT("f"), "Zg"},
    {SPAN_LIT("fo"), "Zm8"},
    {SPAN_LIT("foo"), "Zm9v"},
    {SPAN_LIT("foob"), "Zm9vYg"},
    {SPAN_LIT("fooba"), "Zm9vYmE"},
    {SPAN_LIT("foobar"), "Zm9vYmFy"},
    {SPAN_LIT("\xFB\xFF\xBF"), "-_-_"},
    {SPAN_LIT("\0\0\0\0"), "AAAAAA"},
};

static void test_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        AUTO(buf) text = BUF(20);
        AUTO(buf) bytes = BUF(20);
        struct error err = {0};
        b64url_encode(pairs[i].bytes, &text);
        assert_string_equal(buf_str(&text), pairs[i].text);
        assert_true(b64url_decode(buf_span(&text), &bytes, &err));
        assert_true(span_equals(buf_span(&bytes), pairs[i].bytes));
    }
}

static void test_every_byte_round_trips(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    for (size_t len = 0; len <= sizeof(all); len++) {
        AUTO(buf) text = BUF(400);
        AUTO(buf) bytes = BUF(256);
        struct error err = {0};
        b64url_encode(span_of(all, len), &text);
        assert_true(b64url_decode(buf_span(&text), &bytes, &err));
        assert_true(span_equals(buf_span(&bytes), span_of(all, len)));
    }
}

static void test_both_append(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(20);
    struct error err = {0};
    buf_add_str(&out, "a.");
    b64url_encode(SPAN_LIT("foo"), &out);
    assert_string_equal(buf_str(&out), "a.Zm9v");
    assert_true(b64url_decode(SPAN_LIT("Zm8"), &out, &err));
    assert_string_equal(buf_str(&out), "a.Zm9vfo");
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct span cases[] = {
        SPAN_LIT("Zg=="),       SPAN_LIT("Zm8="), SPAN_LIT("Zm9v "), SPAN_LIT(" Zm9v"),
        SPAN_LIT("Zm\n9v"),     SPAN_LIT("+w"),   SPAN_LIT("/w"),    SPAN_LIT("A"),
        SPAN_LIT("Zm9vA"),      SPAN_LIT("Zh"),   SPAN_LIT("Zm9"),   SPAN_LIT("Zm\0v"),
        SPAN_LIT("Z\xC3\xA9v"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) out = BUF(20);
        struct error err = {0};
        buf_add_str(&out, "old");
        assert_false(b64url_decode(cases[i], &out, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_string_equal(buf_str(&out), "old");
        assert_true(buf_ok(&out));
    }
}

static void test_decoding_stops_at_the_maximum(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(buf) exact = BUF(4);
    assert_true(b64url_decode(SPAN_LIT("Zm9vYg"), &exact, &err));
    assert_string_equal(buf_str(&exact), "foob");
    AUTO(buf) small = BUF(3);
    assert_false(b64url_decode(SPAN_LIT("Zm9vYg"), &small, &err));
    assert_int_equal(small.len, 0);
    assert_true(buf_ok(&small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_every_byte_round_trips),
        cmocka_unit_test(test_both_append),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_decoding_stops_at_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/data/escape.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

static void test_each_kind_of_character(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *wanted;
    } cases[] = {
        {SPAN_LIT(""), ""},
        {SPAN_LIT("plain 'text' \\x41 100%"), "plain 'text' \\x41 100%"},
        {SPAN_LIT("a\nb\tc"), "a b c"},
        {SPAN_LIT("a\r\0b"), "a\\u{000D}\\u{0000}b"},
        {SPAN_LIT("\x1B[31mred\x07"), "\\u{001B}[31mred\\u{0007}"},
        {SPAN_LIT("\x7F"), "\\u{007F}"},
        {SPAN_LIT("\xC2\x9B"), "\\u{009B}"},
        {SPAN_LIT("\xC2\xA0"), "\xC2\xA0"},
        {SPAN_LIT("\xE2\x80\xA8\xE2\x80\xA9"), "\\u{2028}\\u{2029}"},
        {SPAN_LIT("\xE2\x80\xAE\xE2\x81\xA6\xE2\x81\xA9"), "\\u{202E}\\u{2066}\\u{2069}"},
        {SPAN_LIT("\xE2\x80\x8B\xE2\x80\x8E\xD8\x9C"), "\\u{200B}\\u{200E}\\u{061C}"},
        {SPAN_LIT("\xEF\xBB\xBF"), "\\u{FEFF}"},
        {SPAN_LIT("\xF3\xA0\x81\x81"), "\\u{E0041}"},
        {SPAN_LIT("\xFF\xC3("), "\\xFF\\xC3("},
        {SPAN_LIT("\xC0\x80"), "\\xC0\\x80"},
        {SPAN_LIT("\xED\xA0\x80"), "\\xED\\xA0\\x80"},
        {SPAN_LIT("b\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"),
         "b\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(escaped(cases[i].text).text, cases[i].wanted);
}

static void test_no_text_is_empty_text(void **state)
{
    (void)state;
    assert_string_equal(escaped_str(NULL).text, "");
}

static void test_exactly_the_maximum_is_not_cut(void **state)
{
    (void)state;
    char text[ESCAPE_MAX + 1];
    memset(text, 'a', sizeof(text));
    struct escaped whole = escaped(span_of(text, ESCAPE_MAX));
    assert_int_equal(strlen(whole.text), ESCAPE_MAX);
    assert_null(strchr(whole.text, '.'));
    struct escaped cut = escaped(span_of(text, ESCAPE_MAX + 1));
    assert_int_equal(strlen(cut.text), ESCAPE_MAX);
    assert_string_equal(cut.text + ESCAPE_MAX - 4, "a...");
}

static void test_the_cut_is_never_inside_a_character_or_an_escape(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        char text[8 + 3 * ESCAPE_MAX];
        memset(text, 'a', shift);
        for (size_t at = shift; at + 3 < sizeof(text); at += 3)
            memcpy(text + at, "\xE2\x82\xAC", 3);
        struct escaped cut = escaped(span_of(text, shift + 3 * 1000));
        size_t len = strlen(cut.text);
        assert_in_range(len, ESCAPE_MAX - 3, ESCAPE_MAX);
        assert_int_equal((len - 3 - shift) % 3, 0);
        assert_string_equal(cut.text + len - 3, "...");
        memset(text + shift, 1, 3000);
        cut = escaped(span_of(text, shift + 3000));
        len = strlen(cut.text);
        assert_int_equal((len - 3 - shift) % 8, 0);
        assert_string_equal(cut.text + len - 4, "}...");
    }
}

static void test_appends_to_a_buffer(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(100);
    buf_add_str(&out, "said: ");
    escape_text(SPAN_LIT("a\nb\x01"), &out);
    assert_string_equal(buf_str(&out), "said: a b\\u{0001}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_character),
        cmocka_unit_test(test_no_text_is_empty_text),
        cmocka_unit_test(test_exactly_the_maximum_is_not_cut),
        cmocka_unit_test(test_the_cut_is_never_inside_a_character_or_an_escape),
        cmocka_unit_test(test_appends_to_a_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

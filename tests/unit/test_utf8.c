#include <acmec/data/utf8.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_each_length_at_its_edges(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        uint32_t code;
    } cases[] = {
        {SPAN_LIT("\0"), 0},
        {SPAN_LIT("\x7F"), 0x7F},
        {SPAN_LIT("\xC2\x80"), 0x80},
        {SPAN_LIT("\xDF\xBF"), 0x7FF},
        {SPAN_LIT("\xE0\xA0\x80"), 0x800},
        {SPAN_LIT("\xED\x9F\xBF"), 0xD7FF},
        {SPAN_LIT("\xEE\x80\x80"), 0xE000},
        {SPAN_LIT("\xEF\xBF\xBF"), 0xFFFF},
        {SPAN_LIT("\xF0\x90\x80\x80"), 0x10000},
        {SPAN_LIT("\xF4\x8F\xBF\xBF"), 0x10FFFF},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t code = 1;
        assert_int_equal(utf8_read(cases[i].text, &code), cases[i].text.len);
        assert_int_equal(code, cases[i].code);
    }
}

static void test_only_the_first_character_is_taken(void **state)
{
    (void)state;
    uint32_t code = 0;
    assert_int_equal(utf8_read(SPAN_LIT("ab"), &code), 1);
    assert_int_equal(code, 'a');
    assert_int_equal(utf8_read(SPAN_LIT("\xC3\xA9\xFF"), &code), 2);
    assert_int_equal(code, 0xE9);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct span cases[] = {
        SPAN_LIT(""),
        SPAN_LIT("\x80"),
        SPAN_LIT("\xBF"),
        SPAN_LIT("\xC0\x80"),         /* overlong */
        SPAN_LIT("\xC1\xBF"),         /* overlong */
        SPAN_LIT("\xE0\x9F\xBF"),     /* overlong */
        SPAN_LIT("\xF0\x8F\xBF\xBF"), /* overlong */
        SPAN_LIT("\xED\xA0\x80"),     /* surrogate */
        SPAN_LIT("\xED\xBF\xBF"),     /* surrogate */
        SPAN_LIT("\xF4\x90\x80\x80"), /* above U+10FFFF */
        SPAN_LIT("\xF8\x88\x80\x80\x80"),
        SPAN_LIT("\xFF"),
        SPAN_LIT("\xC3"),
        SPAN_LIT("\xC3("),
        SPAN_LIT("\xE2\x82"),
        SPAN_LIT("\xE2\x82("),
        SPAN_LIT("\xF0\x9F\x98"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t code = 77;
        assert_int_equal(utf8_read(cases[i], &code), 0);
        assert_int_equal(code, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_length_at_its_edges),
        cmocka_unit_test(test_only_the_first_character_is_taken),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

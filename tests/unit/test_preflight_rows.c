#include <acmec/data/preflight_rows.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

static void test_the_first_red_row_is_the_error(void **state)
{
    (void)state;
    AUTO(preflight_rows) rows = {0};
    struct error err = {.code = ERR_HOOK};
    (void)preflight_add(&rows, "a.example", PREFLIGHT_CAA, true, "fine");
    assert_false(preflight_error(&rows, &err));
    assert_int_equal(err.code, ERR_HOOK);
    struct preflight_row *row =
        preflight_add(&rows, "b.example", PREFLIGHT_PORT_80, false, "answers %d", 404);
    preflight_hint(row, "look at %s", "it");
    (void)preflight_add(&rows, "c.example", PREFLIGHT_DNS, false, "later");
    assert_true(preflight_error(&rows, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_string_equal(err.text, "b.example: answers 404");
    assert_string_equal(err.hint, "look at it");
}

static void test_words_differ(void **state)
{
    (void)state;
    assert_string_equal(preflight_word(PREFLIGHT_PORT_80), "port-80");
    for (int i = 0; i < PREFLIGHT_KIND_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(preflight_word((enum preflight_kind)i),
                                    preflight_word((enum preflight_kind)j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_red_row_is_the_error),
        cmocka_unit_test(test_words_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/base/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* cmocka has one, too */
#include <errno.h>
#include <string.h>

static void test_fail_sets_everything(void **state)
{
    (void)state;
    struct error err = {.hint = "old", .acme_type = "urn:old", .retry_at = 7};
    assert_false(fail(&err, ERR_REFUSED, "CA said %d", 5));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_string_equal(err.text, "CA said 5");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.acme_type, "");
    assert_int_equal(err.retry_at, 0);
}

static void test_fail_errno_names_the_cause(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(fail_errno(&err, ERR_FILES, ENOSPC, "cannot write '%s'", "/x"));
    assert_int_equal(err.code, ERR_FILES);
    assert_string_equal(err.text, "cannot write '/x': No space left on device");
}

static void test_arguments_may_lie_in_the_error(void **state)
{
    (void)state;
    struct error err = {0};
    fail(&err, ERR_FILES, "inner");
    fail(&err, ERR_CONFIG, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
    while_doing(&err, "%s twice", err.text);
    assert_string_equal(err.text, "outer (inner) twice: outer (inner)");
}

static void test_while_doing_prefixes_and_keeps_the_rest(void **state)
{
    (void)state;
    struct error err = {0};
    fail(&err, ERR_REFUSED, "CA refused");
    assert_false(with_hint(&err, "try %s", "later"));
    err.retry_at = 9;
    assert_false(while_doing(&err, "issuing %s", "a.example"));
    assert_string_equal(err.text, "issuing a.example: CA refused");
    assert_string_equal(err.hint, "try later");
    assert_int_equal(err.code, ERR_REFUSED);
    assert_int_equal(err.retry_at, 9);
    with_hint(&err, "another");
    assert_string_equal(err.hint, "another");
}

static void test_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[3 * ERROR_TEXT_MAX];
    struct error err = {0};
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t at = shift; at + 3 < sizeof(text); at += 3)
            memcpy(text + at, "\xE2\x82\xAC", 4);
        fail(&err, ERR_FILES, "%s", text);
        size_t len = strlen(err.text);
        assert_in_range(len, ERROR_TEXT_MAX - 4, ERROR_TEXT_MAX - 1);
        assert_int_equal((len - shift) % 3, 0);
        with_hint(&err, "%s", text);
        assert_int_equal((strlen(err.hint) - shift) % 3, 0);
        while_doing(&err, "doing");
        assert_memory_equal(err.text, "doing: ", 7);
        assert_int_equal((strlen(err.text) - 7 - shift) % 3, 0);
    }
}

static void test_words_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        enum err_code code = ERR_COUNT;
        assert_true(err_from_word(err_word((enum err_code)i), &code));
        /* both signals have one word; the exit code tells them apart */
        assert_int_equal(code, i == ERR_TERMINATED ? ERR_INTERRUPTED : i);
    }
    enum err_code untouched = ERR_HOOK;
    assert_false(err_from_word("", &untouched));
    assert_false(err_from_word("File", &untouched));
    assert_int_equal(untouched, ERR_HOOK);
}

static void test_exit_codes_are_those_of_the_contract(void **state)
{
    (void)state;
    static const int codes[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 75, 130, 143};
    assert_int_equal(sizeof(codes) / sizeof(codes[0]), ERR_COUNT);
    for (int i = 0; i < ERR_COUNT; i++)
        assert_int_equal(err_exit_code((enum err_code)i), codes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_sets_everything),
        cmocka_unit_test(test_fail_errno_names_the_cause),
        cmocka_unit_test(test_arguments_may_lie_in_the_error),
        cmocka_unit_test(test_while_doing_prefixes_and_keeps_the_rest),
        cmocka_unit_test(test_long_text_is_cut_between_characters),
        cmocka_unit_test(test_words_round_trip),
        cmocka_unit_test(test_exit_codes_are_those_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/cli/nearest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {"issue",  "renew", "list",
                                    "status", "force", "force-rate-limit"};

static const char *nearest_of(const char *typed)
{
    struct nearest nearest = nearest_begin(typed);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        nearest_offer(&nearest, words[i]);
    return nearest.best;
}

static void test_finds_what_was_meant(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("isue"), "issue");
    assert_string_equal(nearest_of("issues"), "issue");
    assert_string_equal(nearest_of("iszue"), "issue");
    assert_string_equal(nearest_of("sisue"), "issue");
    assert_string_equal(nearest_of("lsit"), "list");
    assert_string_equal(nearest_of("forse"), "force");
    assert_string_equal(nearest_of("forec"), "force");
    assert_string_equal(nearest_of("sta"), "status");
    assert_string_equal(nearest_of("force-rate"), "force-rate-limit");
}

static void test_finds_nothing_far_away(void **state)
{
    (void)state;
    char long_word[NEAREST_WORD_MAX + 2];
    memset(long_word, 'i', sizeof long_word);
    long_word[sizeof long_word - 1] = 0;
    assert_null(nearest_of("delete"));
    assert_null(nearest_of("x"));
    assert_null(nearest_of(""));
    assert_null(nearest_of(long_word));
}

static void test_the_first_of_equals_stays(void **state)
{
    (void)state;
    struct nearest nearest = nearest_begin("cat");
    nearest_offer(&nearest, "bat");
    nearest_offer(&nearest, "hat");
    assert_string_equal(nearest.best, "bat");
    nearest_offer(&nearest, "cat");
    assert_string_equal(nearest.best, "cat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_was_meant),
        cmocka_unit_test(test_finds_nothing_far_away),
        cmocka_unit_test(test_the_first_of_equals_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

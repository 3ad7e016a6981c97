#include <acmec/nginx/names.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct question {
    const char *host;
    enum names_kind kind;
    uint32_t value; /* of the list of names */
};

static void ask(const char *const *list, const struct question *questions)
{
    struct names *names = names_new();
    for (uint32_t i = 0; list[i] != NULL; i++)
        (void)names_add(names, span_str(list[i]), i);
    for (; questions->host != NULL; questions++) {
        uint32_t value = 99;
        enum names_kind kind = names_find(names, span_str(questions->host), &value);
        if (kind != questions->kind || value != questions->value)
            fail_msg("%s: %d %u", questions->host, kind, value);
    }
    names_free(names);
}

static void test_the_longest_wildcard_wins(void **state)
{
    (void)state;
    static const char *const list[] = {"*.com",      "*.example.com", "a.b.example.com",
                                       "www.*",      "www.example.*", ".deep.example.com",
                                       "",           "x.example.com", NULL};
    static const struct question questions[] = {
        {"a.b.example.com", NAMES_EXACT, 2},
        {"b.example.com", NAMES_WILDCARD, 1},
        {"c.b.example.com", NAMES_WILDCARD, 1},
        {"example.com", NAMES_WILDCARD, 0},
        {"com", NAMES_NONE, 99},
        {"www.example.com", NAMES_WILDCARD, 1},
        {"www.example.org", NAMES_WILDCARD, 4},
        {"www.example.co.uk", NAMES_WILDCARD, 4},
        {"www.other.org", NAMES_WILDCARD, 3},
        {"www.example", NAMES_WILDCARD, 3},
        {"www", NAMES_NONE, 99},
        {"deep.example.com", NAMES_EXACT, 5},
        {"x.deep.example.com", NAMES_WILDCARD, 5},
        {"xdeep.example.com", NAMES_WILDCARD, 1},
        {"", NAMES_EXACT, 6},
        {"example.org", NAMES_NONE, 99},
        {NULL, NAMES_NONE, 0},
    };
    ask(list, questions);
}

static void test_of_conflicting_names_the_first_stays(void **state)
{
    (void)state;
    struct names *names = names_new();
    uint32_t value = 99;
    assert_int_equal(names_add(names, SPAN_LIT("a.com"), 0), NAMES_ADDED);
    assert_int_equal(names_add(names, SPAN_LIT("a.com"), 1), NAMES_CONFLICT);
    assert_int_equal(names_add(names, SPAN_LIT(".a.com"), 2), NAMES_CONFLICT);
    assert_int_equal(names_find(names, SPAN_LIT("x.a.com"), &value), NAMES_NONE);
    assert_int_equal(names_add(names, SPAN_LIT("*.a.com"), 3), NAMES_ADDED);
    assert_int_equal(names_add(names, SPAN_LIT("*.a.com"), 4), NAMES_CONFLICT);
    assert_int_equal(names_add(names, SPAN_LIT("www.a.*"), 5), NAMES_ADDED);
    assert_int_equal(names_add(names, SPAN_LIT("www.a.*"), 6), NAMES_CONFLICT);
    assert_int_equal(names_find(names, SPAN_LIT("x.a.com"), &value), NAMES_WILDCARD);
    assert_int_equal(value, 3);
    /* .b.com does not come in, and yet keeps b.com out: nginx 1.22 does so */
    assert_int_equal(names_add(names, SPAN_LIT("*.b.com"), 7), NAMES_ADDED);
    assert_int_equal(names_add(names, SPAN_LIT(".b.com"), 8), NAMES_CONFLICT);
    assert_int_equal(names_add(names, SPAN_LIT("b.com"), 9), NAMES_CONFLICT);
    assert_int_equal(names_find(names, SPAN_LIT("b.com"), &value), NAMES_NONE);
    assert_int_equal(value, 3);
    names_free(names);
}

static void test_what_is_no_name(void **state)
{
    (void)state;
    static const char *const bad[] = {"a*b.com", "*.*", "a..com", "*.a.*", "a.*.com", "..", "**"};
    struct names *names = names_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(names_add(names, span_str(bad[i]), 0), NAMES_INVALID);
    assert_int_equal(names_add(names, SPAN_LIT("a\0b"), 0), NAMES_INVALID);
    assert_int_equal(names_add(names, SPAN_LIT("a."), 0), NAMES_ADDED);
    assert_int_equal(names_add(names, SPAN_LIT("_"), 0), NAMES_ADDED);
    names_free(names);
    names_free(NULL);
}

static void test_expressions_come_last_and_in_order(void **state)
{
    (void)state;
    struct names *names = names_new();
    struct regex *first, *second;
    struct error err;
    uint32_t value = 99;
    assert_true(regex_compile(SPAN_LIT("^a"), &first, &err));
    assert_true(regex_compile(SPAN_LIT("."), &second, &err));
    names_add_regex(names, first, 1);
    names_add_regex(names, second, 2);
    assert_int_equal(names_add(names, SPAN_LIT("*.com"), 3), NAMES_ADDED);
    assert_int_equal(names_find(names, SPAN_LIT("a.com"), &value), NAMES_WILDCARD);
    assert_int_equal(names_find(names, SPAN_LIT("a.org"), &value), NAMES_REGEX);
    assert_int_equal(value, 1);
    assert_int_equal(names_find(names, SPAN_LIT("b.org"), &value), NAMES_REGEX);
    assert_int_equal(value, 2);
    value = 99;
    assert_int_equal(names_find(names, SPAN_LIT(""), &value), NAMES_NONE);
    assert_int_equal(value, 99);
    names_free(names);
    regex_free(first);
    regex_free(second);
}

static void test_an_expression_that_cannot_be_decided(void **state)
{
    (void)state;
    struct names *names = names_new();
    struct regex *hard, *easy;
    struct error err;
    uint32_t value = 99;
    assert_true(regex_compile(SPAN_LIT("^(a|aa)+(a|aa)+[cd]"), &hard, &err));
    assert_true(regex_compile(SPAN_LIT("."), &easy, &err));
    names_add_regex(names, hard, 1);
    names_add_regex(names, easy, 2);
    static const char host[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert_int_equal(names_find(names, span_str(host), &value), NAMES_UNDECIDED);
    assert_int_equal(value, 1);
    names_free(names);
    regex_free(hard);
    regex_free(easy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_longest_wildcard_wins),
        cmocka_unit_test(test_of_conflicting_names_the_first_stays),
        cmocka_unit_test(test_what_is_no_name),
        cmocka_unit_test(test_expressions_come_last_and_in_order),
        cmocka_unit_test(test_an_expression_that_cannot_be_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/nginx/regex.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static enum regex_result match(const char *pattern, const char *text)
{
    struct regex *regex = NULL;
    struct error err = {0};
    if (!regex_compile(span_str(pattern), &regex, &err))
        fail_msg("%s", err.text);
    enum regex_result result = regex_match(regex, span_str(text));
    regex_free(regex);
    return result;
}

static void test_matches_as_nginx_does(void **state)
{
    (void)state;
    assert_int_equal(match("example", "www.example.com"), REGEX_YES);
    assert_int_equal(match("^example", "www.example.com"), REGEX_NO);
    assert_int_equal(match("^(?<name>.+)\\.example\\.com$", "a.example.com"), REGEX_YES);
    assert_int_equal(match("(?P<n>[0-9]{2})", "a12"), REGEX_YES);
    assert_int_equal(match("^WWW\\.", "www.example.com"), REGEX_YES);
    assert_int_equal(match("^www\\.", "WWW.example.com"), REGEX_NO);
    assert_int_equal(match("^\\S+$", "abc"), REGEX_YES);
    assert_int_equal(match("^.$", "\xC3\xA4"), REGEX_NO);
    assert_int_equal(match("", ""), REGEX_YES);
}

static void test_refuses_in_nginx_words(void **state)
{
    (void)state;
    struct regex *regex = NULL;
    struct error err = {0};
    assert_false(regex_compile(SPAN_LIT("a(b"), &regex, &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    assert_string_equal(err.text,
                        "pcre2_compile() failed: missing closing parenthesis in \"a(b\"");
    assert_false(regex_compile(SPAN_LIT("a[b-a]c"), &regex, &err));
    assert_non_null(strstr(err.text, " in \"a[b-a]c\" at \""));
    assert_null(regex);
}

static void test_a_match_that_costs_too_much_is_undecided(void **state)
{
    (void)state;
    char text[201];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(match("^(a|aa)+(a|aa)+[cd]", text), REGEX_UNDECIDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches_as_nginx_does),
        cmocka_unit_test(test_refuses_in_nginx_words),
        cmocka_unit_test(test_a_match_that_costs_too_much_is_undecided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/engine/nginx_loop.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool leads_back(long status, const char *headers)
{
    static const char *const wanted[] = {"site.example", "*.wild.example", "2001:db8::1"};
    AUTO(identifier_list) names = {0};
    AUTO(http_response) response = {.status = status, .headers = BUF(HTTP_HEADERS_MAX)};
    for (size_t i = 0; i < 3; i++) {
        struct identifier name;
        struct error err = {0};
        assert_true(identifier_parse(wanted[i], &name, &err));
        identifier_list_add(&names, &name);
    }
    buf_add_str(&response.headers, headers);
    return nginx_loop_is_one(&response, &names);
}

static void test_what_leads_back(void **state)
{
    (void)state;
    assert_true(leads_back(301, "location: http://site.example/\n"));
    assert_true(leads_back(302, "Location: HTTP://Site.Example\n"));
    assert_true(leads_back(308, "location: http://site.example:8080/x?y\n"));
    assert_true(leads_back(307, "location: http://a.wild.example?x\n"));
    assert_true(leads_back(301, "location: http://[2001:db8::1]:80/\n"));
}

static void test_what_does_not(void **state)
{
    (void)state;
    assert_false(leads_back(200, "location: http://site.example/\n"));
    assert_false(leads_back(301, "location: https://site.example/\n"));
    assert_false(leads_back(301, "location: /login\n"));
    assert_false(leads_back(301, "location: http://other.example/\n"));
    assert_false(leads_back(301, "location: http://wild.example/\n"));
    assert_false(leads_back(301, "location: http://a.b.wild.example/\n"));
    assert_false(leads_back(301, "location: http://\n"));
    assert_false(leads_back(301, "location: http:/\n"));
    assert_false(leads_back(301, "location: http://[2001:db8::1\n"));
    assert_false(leads_back(301, "server: nginx\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_leads_back),
        cmocka_unit_test(test_what_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

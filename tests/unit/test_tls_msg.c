#include <acmec/data/tls_msg.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>

static void test_a_copy_is_its_own(void **state)
{
    (void)state;
    AUTO(tls_request)
    from = {.address = mem_strdup("::1"), .port = 8443, .server_name = mem_strdup("a.example")};
    AUTO(tls_request) copy = {0};
    tls_request_copy(&from, &copy);
    tls_request_release(&from);
    assert_string_equal(copy.address, "::1");
    assert_string_equal(copy.server_name, "a.example");
    assert_null(copy.alpn);
    assert_int_equal(copy.port, 8443);
    assert_null(from.address);
}

static void test_versions_have_words(void **state)
{
    (void)state;
    assert_string_equal(tls_version_word(TLS_1_2), "TLSv1.2");
    for (int i = 0; i < TLS_VERSION_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(tls_version_word((enum tls_version)i),
                                    tls_version_word((enum tls_version)j));
}

static void test_a_released_report_is_empty(void **state)
{
    (void)state;
    AUTO(tls_report) report = {.chain_count = 1, .client_hello = BUF(9)};
    report.chain[0] = BUF(9);
    buf_add_str(&report.chain[0], "der");
    buf_add_str(&report.client_hello, "hello");
    tls_report_release(&report);
    assert_int_equal(report.chain_count, 0);
    assert_null(report.chain[0].data);
    assert_null(report.client_hello.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_its_own),
        cmocka_unit_test(test_versions_have_words),
        cmocka_unit_test(test_a_released_report_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

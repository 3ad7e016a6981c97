#include <acmec/data/dns_msg.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>

static void test_types_both_ways(void **state)
{
    (void)state;
    enum dns_type got;
    for (enum dns_type type = DNS_HOST + 1; type < DNS_TYPE_COUNT; type++) {
        assert_true(dns_type_from_number(dns_type_number(type), &got));
        assert_int_equal(got, type);
    }
    assert_int_equal(dns_type_number(DNS_CAA), 257);
    assert_string_equal(dns_type_word(DNS_AAAA), "AAAA");
    assert_false(dns_type_from_number(0, &got));
    assert_false(dns_type_from_number(41, &got));
}

static void test_words_of_rcodes(void **state)
{
    (void)state;
    assert_string_equal(dns_rcode_word(DNS_NXDOMAIN), "NXDOMAIN");
    assert_string_equal(dns_rcode_word(DNS_REFUSED), "REFUSED");
    assert_string_equal(dns_rcode_word(6), "an error");
    assert_string_equal(dns_rcode_word(4000000000), "an error");
}

static void test_names_that_may_be_shown(void **state)
{
    (void)state;
    char longer[DNS_NAME_MAX + 2];
    memset(longer, 'a', sizeof longer);
    longer[DNS_NAME_MAX + 1] = '\0';
    assert_false(dns_name_is_printable(longer));
    assert_true(dns_name_is_printable(longer + 1));
    assert_true(dns_name_is_printable("_acme\\046x.a.example"));
    assert_true(dns_name_is_printable(""));
    assert_false(dns_name_is_printable("a b"));
    assert_false(dns_name_is_printable("a\nb"));
    assert_false(dns_name_is_printable("\xc3\xa4.example"));
}

static void test_records_are_added_and_released(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0};
    for (int i = 0; i < 3; i++) {
        struct dns_record *record = dns_answer_add(&answer);
        record->owner = mem_strdup("a.example");
        buf_add_str(&record->data, "x");
    }
    assert_int_equal(answer.count, 3);
    dns_answer_release(&answer);
    assert_int_equal(answer.count, 0);
    AUTO(dns_query) query = {.name = mem_strdup("a"), .server = mem_strdup("::1")};
    dns_query_release(&query);
    assert_null(query.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_both_ways),
        cmocka_unit_test(test_words_of_rcodes),
        cmocka_unit_test(test_names_that_may_be_shown),
        cmocka_unit_test(test_records_are_added_and_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

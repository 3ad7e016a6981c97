#include <acmec/data/identifier.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>
#include <string.h>

#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10
#define L63 L60 "abc"
/* 3 * 64 + 61 = 253 octets */
#define NAME_253 L63 "." L63 "." L63 "." L60 "a"

struct accepted {
    const char *text;
    enum identifier_type type;
    const char *value;
};

static void test_what_is_taken(void **state)
{
    (void)state;
    static const struct accepted cases[] = {
        {"example.com", IDENTIFIER_DNS, "example.com"},
        {"Example.COM", IDENTIFIER_DNS, "example.com"},
        {"example.com.", IDENTIFIER_DNS, "example.com"},
        {"*.Example.com.", IDENTIFIER_DNS, "*.example.com"},
        {"a-b--c.x1.example", IDENTIFIER_DNS, "a-b--c.x1.example"},
        {"r3---sn-x.example.com", IDENTIFIER_DNS, "r3---sn-x.example.com"},
        {"1.2.3.example", IDENTIFIER_DNS, "1.2.3.example"},
        {"0x7f.0x1", IDENTIFIER_DNS, "0x7f.0x1"},
        {L63 ".example", IDENTIFIER_DNS, L63 ".example"},
        {NAME_253, IDENTIFIER_DNS, NAME_253},
        {NAME_253 ".", IDENTIFIER_DNS, NAME_253},
        {"b\xC3\xBC"
         "cher.example",
         IDENTIFIER_DNS, "xn--bcher-kva.example"},
        {"B\xC3\x9C"
         "CHER.example",
         IDENTIFIER_DNS, "xn--bcher-kva.example"},
        {"bu\xCC\x88"
         "cher.example",
         IDENTIFIER_DNS, "xn--bcher-kva.example"},
        {"fa\xC3\x9F.example", IDENTIFIER_DNS, "xn--fa-hia.example"},
        {"*.b\xC3\xBC"
         "cher.example",
         IDENTIFIER_DNS, "*.xn--bcher-kva.example"},
        {"XN--BCHER-KVA.example", IDENTIFIER_DNS, "xn--bcher-kva.example"},
        {"b\xC3\xBC"
         "cher\xE3\x80\x82"
         "example\xE3\x80\x82",
         IDENTIFIER_DNS, "xn--bcher-kva.example"},
        {"192.0.2.7", IDENTIFIER_IP, "192.0.2.7"},
        {"2001:DB8::1", IDENTIFIER_IP, "2001:db8::1"},
        {"[2001:db8::1]", IDENTIFIER_IP, "2001:db8::1"},
        {"2001:db8:0:0:0:0:0:1", IDENTIFIER_IP, "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", IDENTIFIER_IP, "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", IDENTIFIER_IP, "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", IDENTIFIER_IP, "2001:db8::1:0:0:1"},
        {"::", IDENTIFIER_IP, "::"},
        {"::1", IDENTIFIER_IP, "::1"},
        {"::1.2.3.4", IDENTIFIER_IP, "::102:304"},
        {"::1:0", IDENTIFIER_IP, "::1:0"},
        {"64:ff9b::1.2.3.4", IDENTIFIER_IP, "64:ff9b::102:304"},
        {"::ffff:0:1.2.3.4", IDENTIFIER_IP, "::ffff:0:102:304"},
        {"0:0:0:0:0:1:ffff:1", IDENTIFIER_IP, "::1:ffff:1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct identifier found;
        struct error err = {0};
        if (!identifier_parse(cases[i].text, &found, &err))
            fail_msg("%s", err.text);
        assert_string_equal(found.value, cases[i].value);
        assert_int_equal(found.type, cases[i].type);
        struct identifier again;
        assert_true(identifier_parse(found.value, &again, &err));
        assert_true(identifier_equals(&found, &again));
    }
}

struct refused {
    const char *text;
    const char *says;
    const char *hint; /* part of it, or "" for any */
};

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"", "a name is empty", ""},
        {".", "empty label", ""},
        {"..", "empty label", ""},
        {".example.com", "empty label", ""},
        {"a..example.com", "empty label", ""},
        {"example.com..", "empty label", ""},
        {L63 "d.example", "a label of more than 63 octets", ""},
        {NAME_253 "b", "longer than 253 octets", ""},
        {"*." NAME_253, "longer than 253 octets", ""},
        {"localhost", "'localhost' is a single label", "'localhost.example.com'"},
        {"localhost.", "is a single label", ""},
        {"*.com", "is a single label", ""},
        {"b\xC3\xBC"
         "cher",
         "is a single label", ""},
        {"a_b.example.com", "has '_', which no host name may have", ""},
        {"a b.example.com", "has ' '", ""},
        {" example.com", "has ' '", ""},
        {"a/b.example.com", "has '/'", ""},
        {"me@example.com", "has '@'", ""},
        {"-a.example.com", "begins or ends in '-'", ""},
        {"a-.example.com", "begins or ends in '-'", ""},
        {"*", "a '*' that is not its whole first label", ""},
        {"*.*.example.com", "a '*' that is not its whole first label", ""},
        {"a.*.example.com", "a '*' that is not its whole first label", ""},
        {"a*.example.com", "a '*' that is not its whole first label", ""},
        {"*a.example.com", "a '*' that is not its whole first label", ""},
        {"example.123", "no name ends in a number", ""},
        {"1.2.3", "no name ends in a number", ""},
        {"256.1.1.1", "no name ends in a number", ""},
        {"01.2.3.4", "no name ends in a number", ""},
        {"192.0.2.1.", "no name ends in a number", ""},
        {"*.192.0.2.1", "no name ends in a number", ""},
        {"xn--a.example", "no internationalised name", ""},
        {"xn--bcher-kv\xC3\xA4.example", "no internationalised name", ""},
        {"\xFF.example", "no internationalised name", ""},
        {"\xED\xA0\x80.example", "no internationalised name", ""},
        {"example.com:443", "has a port", "give 'example.com'"},
        {"example.com:", "has a port", "give 'example.com'"},
        {"192.0.2.1:80", "has a port", "give '192.0.2.1'"},
        {"[2001:db8::1]:443", "has a port", "give '[2001:db8::1]'"},
        {"https://example.com/path", "is a URL, not a name", "'example.com'"},
        {"http://", "is a URL, not a name", ""},
        {"2001:db8::g", "no IPv6 address", ""},
        {"[2001:db8::1", "no IPv6 address", ""},
        {"2001:db8::1]", "no IPv6 address", ""},
        {"[]:", "has a port", ""},
        {":", "no IPv6 address", ""},
        {"fe80::1%eth0", "no IPv6 address", ""},
        {"1:2:3:4:5:6:7:8:9", "no IPv6 address", ""},
        {"[" L63 ":" L63 "]", "no IPv6 address", ""},
        {"::ffff:192.0.2.1", "an IPv4 address in IPv6 form", "give '192.0.2.1'"},
        {"[192.0.2.1]", "has '['", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct identifier untouched = {.value = "old"};
        struct error err = {0};
        if (identifier_parse(cases[i].text, &untouched, &err))
            fail_msg("'%s' was taken as '%s'", cases[i].text, untouched.value);
        assert_int_equal(err.code, ERR_USAGE);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("'%s', not '%s'", err.text, cases[i].says);
        assert_non_null(strstr(err.hint, cases[i].hint));
        assert_string_equal(untouched.value, "old");
    }
}

static void test_long_and_hostile_text_is_shown_safely(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct identifier found;
    struct error err = {0};
    assert_false(identifier_parse(text, &found, &err));
    assert_non_null(strstr(err.text, "longer than 253 octets"));
    text[1024] = '\0';
    assert_false(identifier_parse(text, &found, &err));
    assert_false(identifier_parse("a\x1B[31m.example.com", &found, &err));
    assert_null(strchr(err.text, '\x1B'));
    assert_false(identifier_parse("a:\x1B", &found, &err));
    assert_null(strchr(err.text, '\x1B'));
    assert_false(identifier_parse("https://\x1B/", &found, &err));
    assert_null(strchr(err.hint, '\x1B'));
}

static struct identifier named(const char *text)
{
    struct identifier found;
    struct error err = {0};
    if (!identifier_parse(text, &found, &err))
        fail_msg("%s", err.text);
    return found;
}

static void test_words_and_predicates(void **state)
{
    (void)state;
    assert_string_equal(identifier_type_word(IDENTIFIER_DNS), "dns");
    assert_string_equal(identifier_type_word(IDENTIFIER_IP), "ip");
    struct identifier plain = named("a.example");
    struct identifier wild = named("*.a.example");
    assert_false(identifier_is_wildcard(&plain));
    assert_true(identifier_is_wildcard(&wild));
    assert_false(identifier_equals(&plain, &wild));
    struct identifier same_text = {.type = IDENTIFIER_IP, .value = "a.example"};
    assert_false(identifier_equals(&plain, &same_text));
}

static void test_lists(void **state)
{
    (void)state;
    struct identifier a = named("a.example");
    struct identifier b = named("b.example");
    struct identifier c = named("c.example");
    AUTO(identifier_list) one = {0};
    AUTO(identifier_list) two = {0};
    assert_true(identifier_list_same_set(&one, &two));
    assert_true(identifier_list_add(&one, &a));
    assert_true(identifier_list_add(&one, &b));
    assert_false(identifier_list_add(&one, &a));
    assert_int_equal(one.count, 2);
    assert_string_equal(one.items[0].value, "a.example");
    assert_true(identifier_list_add(&two, &b));
    assert_false(identifier_list_same_set(&one, &two));
    assert_true(identifier_list_add(&two, &a));
    assert_true(identifier_list_same_set(&one, &two));
    assert_true(identifier_list_add(&two, &c));
    assert_false(identifier_list_same_set(&one, &two));
    assert_true(identifier_list_has(&two, &c));
    assert_false(identifier_list_has(&one, &c));
    AUTO(identifier_list) copy = {0};
    identifier_list_copy(&two, &copy);
    assert_true(identifier_list_same_set(&copy, &two));
    assert_ptr_not_equal(copy.items, two.items);
    identifier_list_release(&copy);
    assert_int_equal(copy.count, 0);
    identifier_list_copy(&copy, &copy);
    assert_null(copy.items);
    for (size_t i = 0; i < 50; i++) { /* the copied one lives in the list that moves */
        struct identifier *last = &one.items[one.count - 1];
        size_t len = strlen(last->value);
        last->value[0] = (char)('c' + (i % 20));
        last->value[len - 1] = (char)('a' + (i / 20));
        (void)identifier_list_add(&one, last);
        (void)identifier_list_add(&one, &a);
        struct identifier fresh = *last;
        fresh.value[1] = 'x';
        (void)identifier_list_add(&one, &fresh);
    }
}

static void test_cert_names(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"example.com", "example.com"},
        {"*.example.com", "example.com"},
        {"192.0.2.1", "192.0.2.1"},
        {"2001:db8::1", "2001-db8--1"},
        {L63 "." L63 "." L63 ".abcdefgh", L63 "." L63 "." L63 ".abcdefgh"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct identifier from = named(cases[i][0]);
        char name[CERT_NAME_MAX + 1];
        struct error err = {0};
        assert_true(identifier_cert_name(&from, name, &err));
        assert_string_equal(name, cases[i][1]);
        assert_true(cert_name_check(name, &err));
    }
    struct identifier too_long = named(L63 "." L63 "." L63 ".abcdefghi");
    char untouched[CERT_NAME_MAX + 1] = "old";
    struct error err = {0};
    assert_int_equal(strlen(too_long.value), 201);
    assert_false(identifier_cert_name(&too_long, untouched, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.hint, "--name"));
    assert_string_equal(untouched, "old");
}

static void test_cert_name_check(void **state)
{
    (void)state;
    char text[CERT_NAME_MAX + 2];
    struct error err = {0};
    memset(text, 'a', sizeof(text));
    text[CERT_NAME_MAX + 1] = '\0';
    assert_false(cert_name_check(text, &err));
    text[CERT_NAME_MAX] = '\0';
    assert_true(cert_name_check(text, &err));
    static const char *const good[] = {"a", "0_9-x.y", "-", "a.", "_acme"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(cert_name_check(good[i], &err));
    static const char *const bad[] = {"",  ".",   "..",   ".a",  "a..b", "a/b",       "../a",
                                      "A", "a b", "a\nb", "a:b", "*.a",  "b\xC3\xBC", "a\x1B"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(cert_name_check(bad[i], &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_null(strchr(err.text, '\x1B'));
        assert_null(strchr(err.text, '\n'));
    }
}

static void test_server_names(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a.example", "a.example"},
        {"192.0.2.17", "17.2.0.192.in-addr.arpa"},
        {"2001:db8::12:3f", "f.3.0.0.2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
                            ".ip6.arpa"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct identifier identifier;
        struct error err;
        char name[IDENTIFIER_MAX + 1];
        assert_true(identifier_parse(rows[i][0], &identifier, &err));
        identifier_server_name(&identifier, name);
        assert_string_equal(name, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_long_and_hostile_text_is_shown_safely),
        cmocka_unit_test(test_words_and_predicates),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_server_names),
        cmocka_unit_test(test_cert_names),
        cmocka_unit_test(test_cert_name_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

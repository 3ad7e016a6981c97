#include <acmec/data/check_target.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>

static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        bool is_address;
        uint16_t port;
    } rows[] = {
        {"example.com", "example.com", false, 443},
        {"Example.COM.:8443", "example.com", false, 8443},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example", false, 443},
        {"192.0.2.1", "192.0.2.1", true, 443},
        {"192.0.2.1:1", "192.0.2.1", true, 1},
        {"2001:DB8::1", "2001:db8::1", true, 443},
        {"[2001:db8::1]", "2001:db8::1", true, 443},
        {"[2001:db8::1]:65535", "2001:db8::1", true, 65535},
        {"localhost:8443", "localhost", false, 8443},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct check_place place;
        struct error err;
        if (!check_place_parse(rows[i].text, 443, &place, &err))
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_string_equal(place.host, rows[i].host);
        assert_int_equal(place.is_address, rows[i].is_address);
        assert_int_equal(place.port, rows[i].port);
    }
}

static void test_no_places(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "*.example",
        "example.com:https",
        "https://example.com/",
        "a b.example",
        "-localhost",
        "4711",
        "[2001:db8::1]:x",
        "http://localhost",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct check_place place = {.port = 7};
        struct error err = {0};
        if (check_place_parse(texts[i], 443, &place, &err))
            fail_msg("%s", texts[i]);
        assert_int_equal(err.code, ERR_USAGE);
        assert_int_equal(place.port, 7);
    }
}

static void test_the_first_problem_is_the_error(void **state)
{
    (void)state;
    AUTO(check_targets) list = {0};
    struct check_target *target = check_targets_add(&list);
    assert_false(check_problem(target, ERR_WEB_SERVER, "expired %d days ago", 3));
    assert_false(check_problem(target, ERR_NETWORK, "second"));
    assert_int_equal(target->error.code, ERR_WEB_SERVER);
    assert_string_equal(target->error.text, "expired 3 days ago");
    assert_int_equal(target->problems.count, 2);
    assert_string_equal(target->problems.items[1], "second");
}

static void test_lists_own_what_is_in_them(void **state)
{
    (void)state;
    AUTO(check_targets) list = {0};
    struct check_target *target = check_targets_add(&list);
    target->live = mem_strdup("x");
    target->chain = mem_new(1, sizeof *target->chain);
    target->chain_count = 1;
    target->second = mem_new(1, sizeof *target->second);
    (void)identifier_list_add(&target->chain[0].names, &(struct identifier){.value = "a.example"});
    (void)identifier_list_add(&target->second->names, &(struct identifier){.value = "a.example"});
    text_list_add(&target->story, "%s", "once");
    check_targets_release(&list);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_no_places),
        cmocka_unit_test(test_the_first_problem_is_the_error),
        cmocka_unit_test(test_lists_own_what_is_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

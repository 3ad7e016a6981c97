#include <acmec/data/outcome.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void test_action_words_are_those_of_the_contract(void **state)
{
    (void)state;
    static const char *const words[] = {
        "none",     "issued", "renewed",   "not-due",     "would-issue", "would-renew", "held-back",
        "deferred", "failed", "installed", "uninstalled", "revoked",     "deleted",     "imported"};
    assert_int_equal(sizeof(words) / sizeof(words[0]), ACTION_COUNT);
    for (int i = 0; i < ACTION_COUNT; i++)
        assert_string_equal(outcome_action_word((enum outcome_action)i), words[i]);
}

static void test_list_grows_and_gives_zeroed_items(void **state)
{
    (void)state;
    AUTO(outcome_list) list = {0};
    struct identifier name = {.value = "a.example"};
    for (int i = 0; i < 100; i++) {
        char text[20];
        (void)snprintf(text, sizeof(text), "cert-%d", i);
        struct outcome *item = outcome_list_add(&list, text);
        assert_string_equal(item->name, text);
        assert_int_equal(item->action, ACTION_NONE);
        assert_int_equal(item->error.code, ERR_NONE);
        assert_null(item->domains.items);
        assert_null(item->live);
        assert_true(identifier_list_add(&item->domains, &name));
        item->live = mem_strdup("/etc/acmec/live/x");
    }
    assert_int_equal(list.count, 100);
    assert_string_equal(list.items[0].name, "cert-0");
    outcome_list_release(&list);
    assert_int_equal(list.count, 0);
    assert_null(list.items);
}

static void test_a_name_that_is_too_long_is_cut(void **state)
{
    (void)state;
    AUTO(outcome_list) list = {0};
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(strlen(outcome_list_add(&list, name)->name), CERT_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_action_words_are_those_of_the_contract),
        cmocka_unit_test(test_list_grows_and_gives_zeroed_items),
        cmocka_unit_test(test_a_name_that_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/test_store.h"

#include <acmec/base/cleanup.h>
#include <acmec/engine/nginx_record.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NAME "a.example"
#define BELOW "etc/nginx/installed/" NAME ".json"

static void make_layers(struct installed *out)
{
    AUTO(edit_plan) plan = {0};
    edit_plan_add(&plan, "/etc/nginx/site", 3, SPAN_LIT(""), SPAN_LIT("listen 443 ssl;\n"));
    installed_add(out, &plan);
}

static bool is_there(struct test_store *test)
{
    AUTO_FREE path = place_path(&test->place, BELOW);
    return access(path, F_OK) == 0;
}

/* The change that would write it was given up: nothing is left. */
static void test_given_up(void **state)
{
    struct test_store *test = *state;
    struct run run = {.store = test->store};
    struct nginx_records records = {0};
    AUTO(installed) layers = {0};
    struct error err = {0};
    make_layers(&layers);
    assert_true(nginx_records_add(&run, &records, NAME, &layers, &err));
    assert_int_equal(records.count, 1);
    assert_true(is_there(test));
    assert_false(store_has_installed(test->store, NAME));
    nginx_records_close(&run, &records);
    assert_int_equal(records.count, 0);
    assert_false(is_there(test));
}

/* It goes before nginx's files, and reads as what was to be installed once it is written. */
static void test_written(void **state)
{
    struct test_store *test = *state;
    struct run run = {.store = test->store};
    struct nginx_records records = {0};
    AUTO(installed) layers = {0}, read = {0};
    struct source_facts facts = {0};
    struct nginx_rewrite rewrites[2] = {
        {"/etc/nginx/site", &facts, SPAN_LIT("old"), SPAN_LIT("new")}};
    struct error err = {0};
    make_layers(&layers);
    assert_true(nginx_records_add(&run, &records, NAME, &layers, &err));
    assert_int_equal(nginx_records_put(&records, rewrites, 1), 2);
    assert_string_equal(rewrites[1].path, "/etc/nginx/site");
    assert_null(rewrites[0].facts);
    assert_true(file_replace(rewrites[0].path, 0600, rewrites[0].after, &err));
    nginx_records_close(&run, &records);
    assert_true(store_read_installed(test->store, NAME, &read, &err));
    assert_int_equal(read.count, 1);
    assert_true(span_is(read.layers[0].files[0].items[0].now, "listen 443 ssl;\n"));

    /* The same again is no file to write. */
    assert_true(nginx_records_add(&run, &records, NAME, &layers, &err));
    assert_int_equal(records.count, 0);
    nginx_records_close(&run, &records);
    assert_true(is_there(test));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_given_up, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_written, test_store_set_up, test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/test_store.h"

#include <acmec/io/store_installed.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NAME "a.example"
#define FILE_BELOW "etc/nginx/installed/" NAME ".json"

static void check(bool good, const struct error *err)
{
    if (!good)
        fail_msg("%s", err->text);
}

static void write_both(struct test_store *test)
{
    AUTO(edit_plan) first = {0};
    AUTO(edit_plan) second = {0};
    AUTO(installed) installed = {0};
    struct error err = {0};
    edit_plan_add(&first, "/etc/nginx/a", 7, SPAN_LIT(""), SPAN_LIT("\n\tlisten 443 ssl; # é\n"));
    edit_plan_add(&first, "/etc/nginx/a", 3, SPAN_LIT("\xff\xfe"), SPAN_LIT("x\0y"));
    edit_plan_add(&second, "/etc/nginx/b", 0, SPAN_LIT("a"), SPAN_LIT("b"));
    installed_add(&installed, &first);
    installed_add(&installed, &(struct edit_plan){0});
    installed_add(&installed, &second);
    installed.loops = true;
    check(store_write_installed(test->store, NAME, &installed, &err), &err);
}

static void test_keeps_every_byte(void **state)
{
    struct test_store *test = *state;
    AUTO(installed) read = {0};
    struct error err = {0};
    write_both(test);
    check(store_read_installed(test->store, NAME, &read, &err), &err);
    assert_int_equal(read.count, 2);
    assert_true(read.loops);
    const struct edit_file *file = &read.layers[0].files[0];
    assert_string_equal(file->path, "/etc/nginx/a");
    assert_int_equal(file->count, 2);
    assert_int_equal(file->items[0].offset, 3);
    assert_true(span_equals(file->items[0].was, SPAN_LIT("\xff\xfe")));
    assert_true(span_equals(file->items[0].now, SPAN_LIT("x\0y")));
    assert_true(span_is(file->items[1].now, "\n\tlisten 443 ssl; # é\n"));
    assert_string_equal(read.layers[1].files[0].path, "/etc/nginx/b");
}

static void test_private_and_gone_with_the_last(void **state)
{
    struct test_store *test = *state;
    AUTO(installed) read = {0};
    struct error err = {0};
    struct stat status;
    write_both(test);
    AUTO_FREE path = place_path(&test->place, FILE_BELOW);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    check(store_write_installed(test->store, NAME, &(struct installed){0}, &err), &err);
    assert_int_equal(stat(path, &status), -1);
    check(store_write_installed(test->store, NAME, &(struct installed){0}, &err), &err);
    check(store_read_installed(test->store, NAME, &read, &err), &err);
    assert_int_equal(read.count, 0);
}

/* Both sides of the file, whether it is there or not; one without layers is as none. */
static void test_draft(void **state)
{
    struct test_store *test = *state;
    AUTO(installed) read = {0};
    AUTO_FREE path = NULL;
    AUTO_FREE again = NULL;
    AUTO(buf) before = BUF(4096), after = BUF(4096), same = BUF(4096);
    struct error err = {0};
    assert_false(store_has_installed(test->store, NAME));
    check(store_draft_installed(test->store, NAME, &read, &path, &before, &after, &err), &err);
    assert_true(span_equals(buf_span(&before), buf_span(&after)));
    assert_false(store_has_installed(test->store, NAME));
    write_both(test);
    assert_true(store_has_installed(test->store, NAME));
    check(store_read_installed(test->store, NAME, &read, &err), &err);
    buf_release(&before);
    before = BUF(4096);
    check(store_draft_installed(test->store, NAME, &read, &again, &before, &same, &err), &err);
    assert_true(span_equals(buf_span(&before), buf_span(&same)));
    assert_string_equal(path, again);
    check(store_write_installed(test->store, NAME, &(struct installed){0}, &err), &err);
    assert_false(store_has_installed(test->store, NAME));
}

static void test_damage_is_an_error(void **state)
{
    static const char *const bad[] = {
        "",
        "{\"format\": 1}",
        "{\"format\": 1, \"installs\": [{\"files\": []}]}",
        "{\"format\": 1, \"installs\": [{\"files\": [{\"path\": \"rel\", \"edits\": []}]}]}",
        "{\"format\": 1, \"installs\": [{\"files\": [{\"path\": \"/x\", \"edits\": "
        "[{\"offset\": 1, \"was\": \"\", \"now\": \"\"}]}]}]}",
        "{\"format\": 1, \"installs\": [{\"files\": [{\"path\": \"/x\", \"edits\": "
        "[{\"offset\": -1, \"was\": \"\", \"now\": \"x\"}]}]}]}",
        "{\"format\": 1, \"installs\": [{\"files\": [{\"path\": \"/x\", \"edits\": "
        "[{\"offset\": 1, \"now\": \"x\"}]}]}]}",
        "{\"format\": 2}",
    };
    struct test_store *test = *state;
    write_both(test);
    AUTO_FREE path = place_path(&test->place, FILE_BELOW);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO(installed) read = {0};
        struct error err = {0};
        place_write(&test->place, FILE_BELOW, bad[i]);
        assert_int_equal(chmod(path, 0600), 0);
        assert_false(store_read_installed(test->store, NAME, &read, &err));
        assert_int_equal(err.code, ERR_CONFIG);
    }
}

static void test_bad_name(void **state)
{
    struct test_store *test = *state;
    struct installed read = {0};
    struct error err = {0};
    assert_false(store_read_installed(test->store, "../x", &read, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_false(store_write_installed(test->store, "../x", &read, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keeps_every_byte, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_private_and_gone_with_the_last, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_draft, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_an_error, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_bad_name, test_store_set_up, test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/test_place.h"

#include <acmec/io/hook_dir.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int start(void **state)
{
    static struct place place;
    place_make(&place);
    place_mkdir(&place, "hooks", 0755);
    *state = &place;
    return 0;
}

static int end(void **state)
{
    place_remove(*state);
    return 0;
}

static void add(const struct place *place, const char *name, mode_t mode)
{
    AUTO_FREE below = mem_printf("hooks/%s", name);
    AUTO_FREE path = place_path(place, below);
    place_write(place, below, "#!/bin/sh\n");
    assert_int_equal(chmod(path, mode), 0);
}

/* names: separated by blanks, in order. */
static void expect(const struct place *place, const char *names)
{
    struct error err = {0};
    AUTO(name_list) list = {0};
    AUTO(buf) found = BUF(65536);
    AUTO_FREE dir = place_path(place, "hooks");
    assert_true(hook_dir_list(dir, &list, &err));
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(strncmp(list.items[i], dir, strlen(dir)), 0);
        buf_addf(&found, "%s%s", i == 0 ? "" : " ", list.items[i] + strlen(dir) + 1);
    }
    assert_string_equal(buf_str(&found), names);
}

static void refuse(const struct place *place, const char *dir_name, const char *wanted)
{
    struct error err = {0};
    struct name_list list = {0};
    AUTO_FREE dir = place_path(place, dir_name);
    assert_false(hook_dir_list(dir, &list, &err));
    assert_int_equal(err.code, ERR_FILES);
    if (strstr(err.text, wanted) == NULL)
        fail_msg("%s is not in: %s", wanted, err.text);
    assert_int_equal(list.count, 0);
    assert_null(list.items);
}

static void test_which(void **state)
{
    const struct place *place = *state;
    expect(place, "");
    static const char *const hooks[] = {"z", "10-b", "2-a", "B", "a", "with space", "x.sh~x"};
    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++)
        add(place, hooks[i], 0755);
    add(place, "group-only", 0650); /* executable for somebody */
    add(place, "README", 0644);
    add(place, ".hidden", 0755);
    add(place, "backup~", 0755);
    place_mkdir(place, "hooks/folder", 0755);
    place_write(place, "hooks/target-of-link", "x");
    place_link(place, "a", "hooks/link");
    place_link(place, "target-of-link", "hooks/link-to-plain");
    place_link(place, "missing", "hooks/dangling");
    expect(place, "10-b 2-a B a group-only link with space x.sh~x z");
}

static void test_cannot_list(void **state)
{
    const struct place *place = *state;
    struct error err = {0};
    struct name_list list = {0};
    AUTO_FREE missing = place_path(place, "missing");
    assert_true(hook_dir_list(missing, &list, &err));
    assert_int_equal(list.count, 0);
    place_write(place, "plain", "x");
    refuse(place, "plain", "cannot read");
}

/* The bound is exact, and the list is either whole or not given at all. */
static void test_too_many(void **state)
{
    const struct place *place = *state;
    struct error err = {0};
    AUTO(name_list) list = {0};
    AUTO_FREE dir = place_path(place, "hooks");
    for (int i = 0; i < HOOKS_MAX; i++) {
        AUTO_FREE name = mem_printf("%03d", i);
        add(place, name, 0755);
    }
    assert_true(hook_dir_list(dir, &list, &err));
    assert_int_equal(list.count, HOOKS_MAX);
    add(place, "one-more", 0755);
    refuse(place, "hooks", "more than 256");
}

/* As root, what others may change is not run: the file, its folder, or what a link leads to. */
static void test_untrusted(void **state)
{
    const struct place *place = *state;
    if (geteuid() != 0)
        skip();
    AUTO_FREE dir = place_path(place, "hooks");
    AUTO_FREE file = place_path(place, "hooks/a");
    AUTO_FREE other = place_path(place, "other");
    add(place, "a", 0755);
    expect(place, "a");
    assert_int_equal(chmod(file, 0777), 0);
    refuse(place, "hooks", "hooks/a");
    assert_int_equal(chmod(file, 0755), 0);
    assert_int_equal(chown(file, 65534, 0), 0);
    refuse(place, "hooks", "hooks/a");
    assert_int_equal(chown(file, 0, 0), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    refuse(place, "hooks", "hooks");
    assert_int_equal(chmod(dir, 0755), 0);
    expect(place, "a");
    place_write(place, "other", "#!/bin/sh\n");
    assert_int_equal(chmod(other, 0755) + chown(other, 65534, 0), 0);
    place_link(place, "../other", "hooks/b");
    refuse(place, "hooks", "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_which, start, end),
        cmocka_unit_test_setup_teardown(test_cannot_list, start, end),
        cmocka_unit_test_setup_teardown(test_too_many, start, end),
        cmocka_unit_test_setup_teardown(test_untrusted, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

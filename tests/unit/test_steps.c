#include "fake/test_place.h"

#include <acmec/io/steps.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TENANT 60001
#define OTHER 60002
#define ANY (-1) /* owner NULL: whoever owns the last folder */

static int start(void **state)
{
    static struct place place;
    place_make(&place);
    static const char *const folders[] = {"a", "a/b", "a/b/c", "site", "site/deep"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        place_mkdir(&place, folders[i], 0755);
    place_write(&place, "a/plain", "x");
    *state = &place;
    return 0;
}

static int end(void **state)
{
    place_remove(*state);
    return 0;
}

static void give(const struct place *place, const char *below, uid_t uid)
{
    AUTO_FREE path = place_path(place, below);
    assert_int_equal(lchown(path, uid, uid), 0);
}

/* Walks; 0: came to `wanted` (NULL: anywhere), else errno. */
static int walk(const struct place *place, const char *path, long owner, const char *wanted)
{
    uid_t uid = (uid_t)owner;
    AUTO_FD from = open(place->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(from >= 0);
    errno = 0;
    AUTO_FD fd = steps_walk(from, path, owner == ANY ? NULL : &uid);
    if (fd < 0)
        return errno;
    struct stat here;
    struct stat there = place_status(place, wanted == NULL ? "." : wanted);
    assert_int_equal(fstat(fd, &here), 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(S_ISDIR(here.st_mode));
    if (wanted != NULL && (here.st_ino != there.st_ino || here.st_dev != there.st_dev))
        fail_msg("%s did not lead to %s", path, wanted);
    return 0;
}

static void test_plain_paths(void **state)
{
    static const struct {
        const char *path, *to;
        int errnum;
    } rows[] = {
        {"", ".", 0},
        {"a", "a", 0},
        {"a/b/c", "a/b/c", 0},
        {"//a///b//", "a/b", 0},
        {"/a", "a", 0}, /* a path is walked from the folder given, always */
        {"./a/.", "a", 0},
        {"a/../a/b", "a/b", 0},
        {"missing", NULL, ENOENT},
        {"a/missing/c", NULL, ENOENT},
        {"a/plain", NULL, ENOTDIR},
        {"a/plain/x", NULL, ENOTDIR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int errnum = walk(*state, rows[i].path, ANY, rows[i].to);
        if (errnum != rows[i].errnum)
            fail_msg("'%s': %d", rows[i].path, errnum);
    }
    assert_int_equal(steps_walk(-1, "a", NULL), -1);
}

static void test_links(void **state)
{
    const struct place *place = *state;
    AUTO_FREE absolute = place_path(place, "a/b");
    place_link(place, "b/c", "a/inner");
    place_link(place, absolute, "far");
    place_link(place, "far/c", "chain");
    place_link(place, "loop", "loop");
    place_link(place, "a/plain", "to-plain");
    place_link(place, "nowhere", "dangling");
    assert_int_equal(walk(place, "a/inner", ANY, "a/b/c"), 0);
    assert_int_equal(walk(place, "far", ANY, "a/b"), 0);
    assert_int_equal(walk(place, "chain", ANY, "a/b/c"), 0);
    assert_int_equal(walk(place, "far/c", ANY, "a/b/c"), 0);
    assert_int_equal(walk(place, "loop", ANY, NULL), ELOOP);
    assert_int_equal(walk(place, "to-plain", ANY, NULL), ENOTDIR);
    assert_int_equal(walk(place, "dangling", ANY, NULL), ENOENT);
}

/* What the kernel would open through /proc stays closed: only the link's text is walked. */
static void test_no_magic_links(void **state)
{
    const struct place *place = *state;
    AUTO_FREE path = place_path(place, "gone");
    place_mkdir(place, "gone", 0755);
    AUTO_FD gone = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_FREE magic = mem_printf("/proc/self/fd/%d", gone);
    AUTO_FD same = steps_walk(root, magic, NULL);
    assert_true(same >= 0);
    assert_int_equal(rmdir(path), 0);
    AUTO_FD by_kernel = open(magic, O_PATH | O_CLOEXEC);
    assert_true(by_kernel >= 0);
    assert_int_equal(steps_walk(root, magic, NULL), -1);
    assert_int_equal(errno, ENOENT);
}

/* Sixteen are followed, one more is not. */
static void test_many_links(void **state)
{
    const struct place *place = *state;
    place_link(place, "a", "l1");
    for (int i = 2; i <= 17; i++) {
        AUTO_FREE to = mem_printf("l%d", i - 1);
        AUTO_FREE name = mem_printf("l%d", i);
        place_link(place, to, name);
    }
    assert_int_equal(walk(place, "l16", ANY, "a"), 0);
    assert_int_equal(walk(place, "l17", ANY, NULL), ELOOP);
}

static void test_whose_links(void **state)
{
    const struct place *place = *state;
    if (geteuid() != 0)
        skip();
    give(place, "site", TENANT);
    give(place, "site/deep", TENANT);
    place_link(place, "site", "of-root");
    place_link(place, "site/deep", "of-tenant");
    place_link(place, "site/deep", "of-other");
    place_link(place, "a", "tenant-to-root");
    give(place, "of-tenant", TENANT);
    give(place, "of-other", OTHER);
    give(place, "tenant-to-root", TENANT);
    static const struct {
        const char *path;
        long owner;
        int errnum;
    } rows[] = {
        {"of-root", ANY, 0},
        {"of-tenant", ANY, 0},
        {"of-other", ANY, ELOOP},
        {"of-other/../deep", ANY, ELOOP},
        {"tenant-to-root", ANY, ELOOP}, /* a tenant's link does not lead to what is root's */
        {"of-root", TENANT, 0},
        {"of-tenant", TENANT, 0},
        {"of-tenant", OTHER, ELOOP},
        {"of-other", OTHER, 0},
        {"of-root", OTHER, 0},
        {"tenant-to-root", TENANT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int errnum = walk(place, rows[i].path, rows[i].owner, NULL);
        if (errnum != rows[i].errnum)
            fail_msg("row %zu, '%s': %d", i, rows[i].path, errnum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain_paths, start, end),
        cmocka_unit_test_setup_teardown(test_links, start, end),
        cmocka_unit_test_setup_teardown(test_no_magic_links, start, end),
        cmocka_unit_test_setup_teardown(test_many_links, start, end),
        cmocka_unit_test_setup_teardown(test_whose_links, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

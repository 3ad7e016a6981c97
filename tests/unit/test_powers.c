#include "fake/test_fault.h"

#include <acmec/io/powers.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/fsuid.h>

#include <cmocka.h>

#define NOBODY 65534
#define STRANGER 61000 /* no entry in passwd */

static int start(void **state)
{
    static struct place place;
    place_make(&place);
    place_mkdir(&place, "all", 0777);
    *state = &place;
    return 0;
}

static int end(void **state)
{
    place_remove(*state);
    return 0;
}

static gid_t fs_group(void)
{
    return (gid_t)setfsgid((gid_t)-1);
}

/* Whose file is made now. */
static struct stat made(const struct place *place)
{
    AUTO_FREE path = place_path(place, "all/f");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct stat status = place_status(place, "all/f");
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(path);
    return status;
}

static void test_other_user(void **state)
{
    static const uid_t users[] = {NOBODY, STRANGER};
    const gid_t groups[] = {0, 5, 42};
    gid_t after[8];
    if (geteuid() != 0)
        skip();
    assert_int_equal(setgroups(3, groups), 0);
    for (size_t i = 0; i < 2; i++) {
        struct powers powers = {0};
        struct error err = {0};
        assert_true(powers_take(users[i], &powers, &err));
        assert_true(powers.switched);
        assert_int_equal(powers_uid(), users[i]);
        assert_int_equal(geteuid(), 0); /* signals and limits see no difference */
        assert_int_equal(getgroups(0, NULL), 0);
        struct stat status = made(*state);
        assert_int_equal(status.st_uid, users[i]);
        assert_int_equal(status.st_gid, NOBODY);
        AUTO_FREE root_only = place_path(*state, "denied");
        assert_int_equal(open(root_only, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
        assert_int_equal(errno, EACCES);
        powers_release(&powers);
        assert_false(powers.switched);
        assert_int_equal(powers_uid(), 0);
        assert_int_equal(fs_group(), getegid());
        assert_int_equal(getgroups(8, after), 3);
        assert_memory_equal(after, groups, sizeof groups);
        assert_int_equal(made(*state).st_uid, 0);
        powers_release(&powers); /* again: nothing */
    }
}

static void test_root_is_root(void **state)
{
    struct powers powers = {0};
    struct error err = {0};
    (void)state;
    assert_true(powers_take(0, &powers, &err));
    assert_false(powers.switched);
    assert_int_equal(powers_uid(), geteuid());
    powers_release(&powers);
}

/* Jobs, run in a process of their own. 0: all as it should be. */
static int as_plain_user(void)
{
    struct powers powers = {0};
    struct error err = {0};
    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
        return 2;
    bool good =
        powers_take(STRANGER, &powers, &err) && !powers.switched && powers_uid() == geteuid();
    powers_release(&powers);
    return good ? 0 : 3;
}

/* A system call that is said to have been refused: an error, and our own powers as before. */
static int as_refused(void)
{
    struct powers powers = {0};
    struct error err = {0};
    if (powers_take(NOBODY, &powers, &err))
        return 2;
    bool told = err.code == ERR_FILES && strstr(err.text, "65534") != NULL;
    return told && !powers.switched && powers_uid() == 0 && fs_group() == getegid() ? 0 : 3;
}

static int run_job(const char *job)
{
    return strcmp(job, "plain") == 0 ? as_plain_user() : as_refused();
}

static void test_plain_user(void **state)
{
    int status = 0;
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(run_job("plain"));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_refused(void **state)
{
    const struct place *place = *state;
    if (geteuid() != 0 || !fault_possible())
        skip();
    assert_int_equal(fault_run("refused", place->dir, "setgroups", "error=EPERM", 1), 0);
    assert_int_equal(fault_run("refused", place->dir, "getgroups", "error=EPERM", 2), 0);
    assert_int_equal(fault_run("refused", place->dir, "setfsgid", "retval=0", 1), 0);
    assert_int_equal(fault_run("refused", place->dir, "setfsuid", "retval=0", 1), 0);
    assert_int_equal(fault_run("refused", place->dir, "setfsuid", "error=EPERM", 99), 2);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_job(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_other_user, start, end),
        cmocka_unit_test(test_root_is_root),
        cmocka_unit_test(test_plain_user),
        cmocka_unit_test_setup_teardown(test_refused, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

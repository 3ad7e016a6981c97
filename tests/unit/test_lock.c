#include "fake/test_place.h"

#include <acmec/io/lock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

static int start(void **state)
{
    static struct place place;
    place_make(&place);
    *state = &place;
    return 0;
}

static int end(void **state)
{
    place_remove(*state);
    return 0;
}

static void test_take_and_release(void **state)
{
    struct error err = {0};
    struct lock lock = {.fd = -1}, other = {.fd = -1};
    AUTO_FREE path = place_path(*state, "l");
    lock_release(&other);
    assert_true(lock_take(path, "acmec renew", &lock, &err));
    assert_int_equal(place_mode(*state, "l"), 0600);
    assert_int_equal(fcntl(lock.fd, F_GETFD), FD_CLOEXEC);
    assert_false(lock_take(path, "acmec issue", &other, &err));
    assert_int_equal(err.code, ERR_LOCKED);
    assert_int_equal(other.fd, -1);
    AUTO_FREE who = mem_printf("'%s' is locked by pid %ld (acmec renew)", path, (long)getpid());
    assert_string_equal(err.text, who);
    assert_string_not_equal(err.hint, "");
    lock_release(&lock);
    assert_int_equal(lock.fd, -1);
    assert_true(place_holds(*state, "l", "")); /* never unlinked, nobody's name in it */
    assert_true(lock_take(path, "acmec issue", &other, &err));
    lock_release(&other);
}

/* A killed holder's lock is free, and its name does not survive. */
static void test_killed_holder(void **state)
{
    struct error err = {0};
    struct lock lock = {.fd = -1}, other = {.fd = -1};
    int status;
    AUTO_FREE path = place_path(*state, "l");
    pid_t child = fork();
    if (child == 0) {
        struct lock held;
        struct error ignored;
        bool good = lock_take(path, "acmec of old, with a long line of arguments", &held, &ignored);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(lock_take(path, "acmec", &lock, &err));
    assert_false(lock_take(path, "acmec", &other, &err));
    AUTO_FREE who = mem_printf("pid %ld (acmec)", (long)getpid());
    assert_non_null(strstr(err.text, who));
    lock_release(&lock);
}

/* What somebody wrote into the file reaches no terminal as it is. */
static void test_odd_holders(void **state)
{
    static const char *const texts[] = {"", "x", "12", "-3 x", "99999999999999999999 x", "0 x"};
    struct error err = {0};
    struct lock lock = {.fd = -1}, other = {.fd = -1};
    AUTO_FREE path = place_path(*state, "l");
    assert_true(lock_take(path, "acmec", &lock, &err));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        place_write(*state, "l", texts[i]);
        assert_false(lock_take(path, "acmec", &other, &err));
        assert_int_equal(err.code, ERR_LOCKED);
        assert_non_null(strstr(err.text, "locked by another process"));
    }
    place_write(*state, "l", "7 \033[31mred\nsecond line");
    assert_false(lock_take(path, "acmec", &other, &err));
    assert_null(strchr(err.text, '\033'));
    assert_null(strstr(err.text, "second"));
    assert_non_null(strstr(err.text, "pid 7 ("));
    lock_release(&lock);
}

static void test_cannot_lock(void **state)
{
    struct error err = {0};
    struct lock lock = {.fd = -1};
    AUTO_FREE missing = place_path(*state, "missing/l");
    AUTO_FREE link = place_path(*state, "link");
    AUTO_FREE fifo = place_path(*state, "fifo");
    place_link(*state, "victim", "link");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_false(lock_take(missing, "acmec", &lock, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, missing));
    assert_false(lock_take(link, "acmec", &lock, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_false(place_has(*state, "victim"));
    assert_false(lock_take(fifo, "acmec", &lock, &err));
    assert_int_equal(err.code, ERR_FILES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_take_and_release, start, end),
        cmocka_unit_test_setup_teardown(test_killed_holder, start, end),
        cmocka_unit_test_setup_teardown(test_odd_holders, start, end),
        cmocka_unit_test_setup_teardown(test_cannot_lock, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

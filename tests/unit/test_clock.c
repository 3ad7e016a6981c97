#include <acmec/base/clock.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

static void test_wall_is_unix_time(void **state)
{
    (void)state;
    struct clock clock = clock_system();
    int64_t before = time(NULL);
    int64_t now = clock_wall(&clock);
    assert_true(now >= before - 1 && now <= time(NULL) + 1);
}

static void test_mono_counts_milliseconds(void **state)
{
    (void)state;
    struct clock clock = clock_system();
    struct clock copy = clock;
    int64_t before = clock_mono_ms(&clock);
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    assert_int_equal(nanosleep(&pause, NULL), 0);
    int64_t apart = clock_mono_ms(&copy) - before;
    assert_true(apart >= 19 && apart < 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wall_is_unix_time),
        cmocka_unit_test(test_mono_counts_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

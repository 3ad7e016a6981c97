#include <acmec/engine/nginx_where.h>

#include "fake/fake_nginx.h"

#include <acmec/engine/world.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A folder with a configuration, and a run that waits for real children. */
struct bed {
    struct place place;
    struct engine_settings settings;
    struct run run;
    char *conf;
};

static int begin(void **state)
{
    struct bed *bed = mem_new(1, sizeof *bed);
    struct error err;
    place_make(&bed->place);
    place_write(&bed->place, "nginx.conf", "events {}\n");
    bed->conf = place_path(&bed->place, "nginx.conf");
    bed->run.settings = &bed->settings;
    assert_true(world_open(&bed->run, NULL, NULL, &err));
    *state = bed;
    return 0;
}

static int end(void **state)
{
    struct bed *bed = *state;
    world_close(&bed->run);
    place_remove(&bed->place);
    free(bed->conf);
    free(bed);
    return 0;
}

static void test_waits_for_the_answer(void **state)
{
    struct bed *bed = *state;
    struct nginx_wish wish = {.binary = fake_self(), .conf = bed->conf};
    AUTO(nginx_instance) instance = {0};
    struct error err = {0};
    if (!nginx_where(&bed->run, &wish, &instance, &err))
        fail_msg("%s", err.text);
    assert_string_equal(instance.conf, bed->conf);
    assert_int_equal(instance.about.version, NGINX_VERSION(1, 22, 1));
    assert_int_equal(instance.master.pid, 0);
}

static void test_says_why_there_is_none(void **state)
{
    struct bed *bed = *state;
    struct nginx_wish wish = {.binary = "/nonexistent/nginx"};
    AUTO(nginx_instance) instance = {0};
    struct error err = {0};
    assert_false(nginx_where(&bed->run, &wish, &instance, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_null(instance.conf);
}

static void test_a_signal_ends_it(void **state)
{
    struct bed *bed = *state;
    struct nginx_wish wish = {.binary = fake_self(), .conf = bed->conf};
    AUTO(nginx_instance) instance = {0};
    struct error err = {0};
    assert_int_equal(raise(SIGTERM), 0);
    assert_false(nginx_where(&bed->run, &wish, &instance, &err));
    assert_int_equal(err.code, ERR_TERMINATED);
    assert_int_equal(bed->run.stop_signal, SIGTERM);
}

int main(int argc, char **argv)
{
    int code;
    if (fake_nginx_main(argc, argv, &code))
        return code;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits_for_the_answer, begin, end),
        cmocka_unit_test_setup_teardown(test_says_why_there_is_none, begin, end),
        cmocka_unit_test_setup_teardown(test_a_signal_ends_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/fake_nginx.h"

#include <acmec/io/nginx_reload.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TITLE "nginx: master process nginx -c /here/nginx.conf"

/* The system's clock, which a test may push on; else it goes so slowly that no deadline passes,
 * however busy the machine is. */
#define SLOWER 20
struct fast_clock {
    struct clock clock;
    struct clock system;
    int64_t ahead_ms;
};

static int64_t fast_wall(struct clock *clock)
{
    return clock_wall(&((struct fast_clock *)clock)->system);
}

static int64_t fast_mono(struct clock *clock)
{
    struct fast_clock *fast = (struct fast_clock *)clock;
    return clock_mono_ms(&fast->system) / SLOWER + fast->ahead_ms;
}

static const struct clock_ops fast_ops = {fast_wall, fast_mono};

struct bed {
    struct place place;
    struct fast_clock clock;
    struct ports ports;
    uint64_t last_child;
    struct nginx_world world;
    struct nginx_masters masters;
    struct nginx_instance instance;
    pid_t pid;
};

static int start(void **state)
{
    static struct bed bed;
    bed = (struct bed){.clock = {.clock = {&fast_ops}, .system = clock_system()}};
    place_make(&bed.place);
    bed.ports.clock = &bed.clock.clock;
    bed.world = (struct nginx_world){.ports = &bed.ports, .last_child = &bed.last_child};
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    struct bed *bed = *state;
    if (bed->pid != 0)
        fake_stop(bed->pid);
    nginx_masters_release(&bed->masters);
    place_remove(&bed->place);
    return 0;
}

static void run(struct bed *bed, enum fake_mode mode)
{
    struct error err = {0};
    bed->pid = fake_start(&bed->place, mode, TITLE, 0);
    assert_true(nginx_masters_find(&bed->masters, &err));
    for (size_t i = 0; i < bed->masters.count; i++)
        if (bed->masters.items[i].pid == bed->pid)
            bed->instance.master = bed->masters.items[i];
    assert_int_equal(bed->instance.master.pid, bed->pid);
}

/* When the clock jumps over every deadline. */
enum hurry { HURRY_NEVER, HURRY_AT_ONCE, HURRY_ONCE_TAKEN_UP };

static void reload(struct bed *bed, const struct nginx_reload_how *how, enum hurry hurry,
                   struct nginx_reload *out)
{
    nginx_reload_start(out, &bed->world, &bed->instance, how);
    while (!out->over) {
        int64_t until = nginx_reload_step(out), now = clock_mono_ms(bed->ports.clock);
        if (out->over)
            break;
        assert_true(until > now - 5 && until <= now + 100);
        fake_nap((int)(until > now ? until - now : 0));
        if (hurry == HURRY_AT_ONCE || (hurry == HURRY_ONCE_TAKEN_UP && out->took_up_ms != 0))
            bed->clock.ahead_ms += 60000;
    }
    assert_int_equal(nginx_reload_step(out), INT64_MAX);
    assert_int_equal(out->error.code, out->result == NGINX_RELOADED ? ERR_NONE : ERR_WEB_SERVER);
}

static const struct nginx_reload_how plain = {.test_ms = 10};

static void test_good(void **state)
{
    AUTO(nginx_reload) done;
    run(*state, FAKE_GOOD);
    for (int i = 0; i < 3; i++) {
        reload(*state, &plain, HURRY_NEVER, &done);
        assert_int_equal(done.result, NGINX_RELOADED);
        assert_int_equal(done.lingering, 0);
        assert_int_equal(done.before.draining, i);
        nginx_reload_release(&done);
    }
}

static void test_refused(void **state)
{
    AUTO(nginx_reload) done;
    struct bed *bed = *state;
    place_write(&bed->place, "error.log", "2026/11/25 [emerg] 1#1: an older one\n");
    run(bed, FAKE_REFUSE);
    reload(bed, &plain, HURRY_NEVER, &done);
    assert_int_equal(done.result, NGINX_RELOAD_REFUSED);
    assert_non_null(strstr(done.error.text, "unknown directive \"x\" in /etc/nginx/x.conf:3"));
}

/* Its stderr leads nowhere; the caller knows the log's path. */
static void test_named_log(void **state)
{
    AUTO(nginx_reload) done;
    struct bed *bed = *state;
    AUTO_FREE named = place_path(&bed->place, "named.log");
    const char *const logs[] = {"/dev/null", "/nowhere", named, NULL};
    const struct nginx_reload_how how = {.logs = logs};
    place_link(&bed->place, "/dev/null", "error.log");
    place_write(&bed->place, "named.log", "");
    run(bed, FAKE_SILENT);
    nginx_reload_start(&done, &bed->world, &bed->instance, &how);
    assert_false(done.over);
    FILE *file = fopen(named, "a");
    (void)fprintf(file, "2026 [emerg] %d1#0: another's\n2026 [error] %d#0: no emergency\n2026 [eme",
                  bed->pid, bed->pid);
    (void)fflush(file);
    (void)nginx_reload_step(&done);
    assert_false(done.over);
    (void)fprintf(file, "rg] %d#0: out of \033 luck\n", bed->pid);
    (void)fclose(file);
    (void)nginx_reload_step(&done);
    assert_true(done.over);
    assert_int_equal(done.result, NGINX_RELOAD_REFUSED);
    assert_non_null(strstr(done.error.text, "out of \\u{001B} luck"));
}

static void test_long_log(void **state)
{
    AUTO(nginx_reload) done;
    struct bed *bed = *state;
    AUTO_FREE log = place_path(&bed->place, "error.log");
    run(bed, FAKE_SILENT);
    nginx_reload_start(&done, &bed->world, &bed->instance, &plain);
    FILE *file = fopen(log, "a");
    for (int i = 0; i < 200000; i++)
        (void)fputc('x', file);
    (void)fprintf(file, "\n2026 [emerg] %d#0: at last\n", bed->pid);
    (void)fclose(file);
    (void)nginx_reload_step(&done);
    assert_int_equal(done.result, NGINX_RELOAD_REFUSED);
    assert_non_null(strstr(done.error.text, "at last"));
}

static void test_bind(void **state)
{
    AUTO(nginx_reload) done;
    run(*state, FAKE_BUSY);
    reload(*state, &plain, HURRY_NEVER, &done);
    assert_int_equal(done.result, NGINX_RELOAD_REFUSED);
    assert_non_null(strstr(done.error.text, "bind() to 0.0.0.0:80 failed"));
    assert_string_not_equal(done.error.hint, "");
}

static void test_bind_at_last(void **state)
{
    AUTO(nginx_reload) done;
    run(*state, FAKE_LATER);
    reload(*state, &plain, HURRY_NEVER, &done);
    assert_int_equal(done.result, NGINX_RELOADED);
}

static void test_silent(void **state)
{
    AUTO(nginx_reload) done;
    run(*state, FAKE_SILENT);
    reload(*state, &plain, HURRY_AT_ONCE, &done);
    assert_int_equal(done.result, NGINX_RELOAD_UNKNOWN);
    assert_non_null(strstr(done.error.text, "no new workers"));
}

static void test_old_worker_does_not_hear(void **state)
{
    AUTO(nginx_reload) done;
    run(*state, FAKE_STUCK);
    reload(*state, &plain, HURRY_ONCE_TAKEN_UP, &done);
    assert_int_equal(done.result, NGINX_RELOADED);
    assert_int_equal(done.lingering, 1);
}

static void test_master_dies(void **state)
{
    AUTO(nginx_reload) done, again;
    run(*state, FAKE_DIE);
    reload(*state, &plain, HURRY_NEVER, &done);
    assert_int_equal(done.result, NGINX_RELOAD_UNKNOWN);
    assert_non_null(strstr(done.error.text, "has ended"));
    reload(*state, &plain, HURRY_NEVER, &again);
    assert_int_equal(again.result, NGINX_RELOAD_UNKNOWN);
}

static void test_too_many_draining(void **state)
{
    static const struct nginx_reload_how careful = {.max_draining = 2};
    run(*state, FAKE_GOOD);
    for (int i = 0; i < 5; i++) {
        AUTO(nginx_reload) done;
        reload(*state, &careful, HURRY_NEVER, &done);
        assert_int_equal(done.result, i < 3 ? NGINX_RELOADED : NGINX_RELOAD_DEFERRED);
        if (i >= 3)
            assert_non_null(strstr(done.error.text, "3 workers"));
    }
}

static void test_not_running(void **state)
{
    AUTO(nginx_reload) done;
    reload(*state, &plain, HURRY_NEVER, &done);
    assert_int_equal(done.result, NGINX_RELOAD_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(int argc, char **argv)
{
    int code;
    if (fake_nginx_main(argc, argv, &code))
        return code;
    const struct CMUnitTest tests[] = {
        TEST(test_good),        TEST(test_refused),
        TEST(test_named_log),   TEST(test_long_log),
        TEST(test_bind),        TEST(test_bind_at_last),
        TEST(test_silent),      TEST(test_old_worker_does_not_hear),
        TEST(test_master_dies), TEST(test_too_many_draining),
        TEST(test_not_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

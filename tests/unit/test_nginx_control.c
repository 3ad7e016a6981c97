#include "fake/fake_nginx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct fake_bed bed;

static int start(void **state)
{
    fake_bed_make(&bed);
    place_write(&bed.place, "nginx.conf", "events {}\n");
    place_write(&bed.place, "other.conf", "events {}\n");
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    fake_bed_remove(*state);
    return 0;
}

/* This test program is the binary, so that a real nginx beside it does not count. */
static void find(struct nginx_find *found, const char *conf)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", bed.place.dir, conf == NULL ? "" : conf);
    struct nginx_wish wish = {.binary = fake_self(), .conf = conf == NULL ? NULL : path};
    nginx_find_start(found, &bed.world, &wish);
    while (!found->over) {
        struct event event;
        fake_wait(&bed, INT64_MAX, &event);
        assert_true(event.kind != EVENT_CHILD || nginx_find_take(found, &event));
        event_release(&event);
    }
}

static pid_t run(const char *words)
{
    AUTO_FREE title = mem_printf("nginx: master process nginx%s", words);
    return fake_start(&bed.place, FAKE_SILENT, title, 0);
}

static pid_t run_with_conf(const char *below)
{
    AUTO_FREE words = mem_printf(" -c %s/%s", bed.place.dir, below);
    return run(words);
}

static void expect_error(const struct nginx_find *found, enum err_code code, const char *text)
{
    if (found->good || found->error.code != code || strstr(found->error.text, text) == NULL)
        fail_msg("'%s' expected, not '%s'", text, found->good ? "success" : found->error.text);
}

static void test_not_running(void **state)
{
    (void)state;
    AUTO(nginx_find) found;
    find(&found, "nginx.conf");
    AUTO_FREE conf = place_path(&bed.place, "nginx.conf");
    if (!found.good)
        fail_msg("%s", found.error.text);
    assert_string_equal(found.found.binary, fake_self());
    assert_string_equal(found.found.conf, conf);
    assert_string_equal(found.found.prefix, "/nowhere");
    assert_int_equal(found.found.about.version, NGINX_VERSION(1, 22, 1));
    assert_int_equal(found.found.master.pid, 0);
    assert_false(nginx_instance_is_ours(&found.found));
}

static void test_built_in_conf(void **state)
{
    (void)state;
    AUTO(nginx_find) found;
    find(&found, NULL);
    expect_error(&found, ERR_FILES, "/nowhere");
}

static void test_running(void **state)
{
    (void)state;
    AUTO(nginx_find) found;
    pid_t pid = run_with_conf("nginx.conf");
    find(&found, NULL);
    fake_stop(pid);
    AUTO_FREE conf = place_path(&bed.place, "nginx.conf");
    if (!found.good)
        fail_msg("%s", found.error.text);
    assert_int_equal(found.found.master.pid, pid);
    assert_true(nginx_instance_is_ours(&found.found));
    assert_string_equal(found.found.conf, conf);
}

static void test_prefix(void **state)
{
    (void)state;
    AUTO(nginx_find) found;
    AUTO_FREE words = mem_printf(" -p %s -c other.conf", bed.place.dir);
    pid_t pid = run(words);
    find(&found, NULL);
    fake_stop(pid);
    AUTO_FREE conf = place_path(&bed.place, "other.conf");
    if (!found.good)
        fail_msg("%s", found.error.text);
    assert_string_equal(found.found.conf, conf);
    assert_string_equal(found.found.prefix, bed.place.dir);
}

static void test_several(void **state)
{
    (void)state;
    AUTO(nginx_find) any, first, second, third;
    pid_t one = run_with_conf("nginx.conf"), two = run_with_conf("other.conf");
    place_write(&bed.place, "third.conf", "events {}\n");
    find(&any, NULL);
    find(&first, "nginx.conf");
    find(&second, "other.conf");
    find(&third, "third.conf");
    fake_stop(one);
    fake_stop(two);
    expect_error(&any, ERR_WEB_SERVER, "several nginx");
    assert_string_not_equal(any.error.hint, "");
    assert_true(first.good && second.good && third.good);
    assert_int_equal(first.found.master.pid, one);
    assert_int_equal(second.found.master.pid, two);
    assert_int_equal(third.found.master.pid, 0);
}

/* However many others run, the one whose configuration was named is found. */
static void test_among_many(void **state)
{
    (void)state;
    AUTO(nginx_find) found;
    pid_t others[NGINX_CANDIDATES_MAX + 2];
    const size_t count = sizeof others / sizeof others[0];
    for (size_t i = 0; i < count; i++)
        others[i] = run_with_conf("other.conf");
    pid_t ours = run_with_conf("nginx.conf");
    find(&found, "nginx.conf");
    for (size_t i = 0; i < count; i++)
        fake_stop(others[i]);
    fake_stop(ours);
    assert_true(found.good);
    assert_int_equal(found.found.master.pid, ours);
}

/* An upgrade of the binary is under way: the new master is a child of the old one. */
static void test_upgrade(void **state)
{
    (void)state;
    AUTO(nginx_find) found;
    AUTO_FREE title = mem_printf("nginx: master process nginx -c %s/nginx.conf", bed.place.dir);
    int pipes[2], pids[2] = {0, 0};
    assert_int_equal(pipe(pipes), 0);
    pid_t old = fork();
    if (old == 0) {
        pids[0] = fake_start(&bed.place, FAKE_SILENT, title, 0);
        pids[1] = getpid();
        (void)!write(pipes[1], pids, sizeof pids);
        (void)setenv(FAKE_MODE, "silent", 1);
        fake_become(title);
    }
    assert_int_equal(read(pipes[0], pids, sizeof pids), sizeof pids);
    /* Its worker has the master's title until it has taken its own. */
    for (int i = 0; i < 2000 && !fake_has_worker(old); i++)
        fake_nap(2);
    find(&found, NULL);
    (void)kill(pids[0], SIGKILL);
    fake_stop(old);
    if (!found.good)
        fail_msg("%s", found.error.text);
    assert_int_equal(found.found.master.pid, pids[0]);
    assert_int_equal(found.found.master.parent, old);
}

/* Ours, started on a file that somebody else may write: `nginx -t` would run his modules. */
static void test_untrusted_conf(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    AUTO(nginx_find) any, named;
    AUTO_FREE conf = place_path(&bed.place, "nginx.conf");
    assert_int_equal(chown(conf, 65534, 0), 0);
    pid_t pid = run_with_conf("nginx.conf");
    find(&any, "other.conf");
    find(&named, "nginx.conf");
    fake_stop(pid);
    assert_true(any.good); /* the other one, which does not run */
    assert_int_equal(any.found.master.pid, 0);
    expect_error(&named, ERR_FILES, "belongs to user 65534");
    bool said = false;
    for (size_t i = 0; i < named.masters.refused_count; i++)
        said = said || strstr(named.masters.refused[i].text, conf) != NULL;
    assert_true(said);
}

static void test_wrong_binaries(void **state)
{
    (void)state;
    static const struct {
        const char *binary;
        enum err_code code;
        const char *text;
    } cases[] = {
        {"/nowhere/nginx", ERR_FILES, "/nowhere"},
        {"nginx", ERR_FILES, "not an absolute path"},
        {"/bin/false", ERR_WEB_SERVER, "'/bin/false -V' failed"},
        {"/bin/true", ERR_WEB_SERVER, "'/bin/true': it does not answer -V as nginx does"},
        {"/etc/passwd", ERR_WEB_SERVER, "cannot execute '/etc/passwd'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(nginx_find) found;
        struct nginx_wish wish = {.binary = cases[i].binary, .conf = "/etc/passwd"};
        nginx_find_start(&found, &bed.world, &wish);
        while (!found.over) {
            struct event event;
            fake_wait(&bed, INT64_MAX, &event);
            (void)nginx_find_take(&found, &event);
            event_release(&event);
        }
        expect_error(&found, cases[i].code, cases[i].text);
    }
}

/* An event of another's is none of ours. */
static void test_foreign_event(void **state)
{
    (void)state;
    AUTO(nginx_find) found;
    struct event other = {.kind = EVENT_CHILD, .id = 4711};
    struct nginx_wish wish = {.binary = fake_self()};
    nginx_find_start(&found, &bed.world, &wish);
    assert_false(found.over);
    assert_false(nginx_find_take(&found, &other));
    assert_false(found.over);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(int argc, char **argv)
{
    int code;
    if (fake_nginx_main(argc, argv, &code))
        return code;
    const struct CMUnitTest tests[] = {
        TEST(test_not_running),    TEST(test_built_in_conf),  TEST(test_running),
        TEST(test_prefix),         TEST(test_several),        TEST(test_upgrade),
        TEST(test_untrusted_conf), TEST(test_wrong_binaries), TEST(test_foreign_event),
        TEST(test_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/fake_nginx.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TITLE                                                                                      \
    "nginx: master process /usr/sbin/nginx -c /here/nginx.conf -g daemon on; master_process on;"

static struct place place;

static int start(void **state)
{
    place_make(&place);
    *state = &place;
    return 0;
}

static int end(void **state)
{
    place_remove(*state);
    return 0;
}

/* ---- titles ---- */

static void test_titles(void **state)
{
    (void)state;
    static const struct {
        const char *title, *conf, *prefix, *directives;
    } cases[] = {
        {"nginx: master process nginx", NULL, NULL, NULL},
        {TITLE, "/here/nginx.conf", NULL, "daemon on; master_process on;"},
        {"nginx: master process /x -g daemon on; -c /a b/n.conf -p /srv/", "/a b/n.conf", "/srv/",
         "daemon on;"},
        {"nginx: master process ./nginx -p. -cconf/n.conf -q", "conf/n.conf", ".", NULL},
        {"nginx: master process nginx -qc /x", "/x", NULL, NULL},
        {"nginx: master process nginx -c /a -c /b", "/b", NULL, NULL},
        {"nginx: master process nginx -e stderr -c /x-y -p /a-b", "/x-y", "/a-b", NULL},
        {"nginx: master process nginx -g env A=-1; -c", NULL, NULL, "env A=-1;"},
        {"angie: master process v1.8.1 #2 [/usr/sbin/angie -c /etc/angie/angie.conf]",
         "/etc/angie/angie.conf", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(nginx_master) master = {.pidfd = -1};
        assert_true(nginx_title_read(cases[i].title, &master));
        const char *pairs[][2] = {{master.conf, cases[i].conf},
                                  {master.prefix, cases[i].prefix},
                                  {master.directives, cases[i].directives}};
        for (size_t n = 0; n < 3; n++)
            if ((pairs[n][0] == NULL) != (pairs[n][1] == NULL) ||
                (pairs[n][0] != NULL && strcmp(pairs[n][0], pairs[n][1]) != 0))
                fail_msg("%s: '%s' is not '%s'", cases[i].title, pairs[n][0], pairs[n][1]);
    }
}

static void test_other_titles(void **state)
{
    (void)state;
    static const char *const titles[] = {
        "",
        "nginx",
        "nginx: worker process",
        ": master process nginx",
        "vi nginx: master process x",
        "php-fpm: master process (/etc/php/fpm.conf)",
        "/usr/bin/grep nginx: master process ",
    };
    struct nginx_master master = {0};
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (nginx_title_read(titles[i], &master))
            fail_msg("'%s' is no nginx", titles[i]);
}

/* ---- processes ---- */

static struct nginx_master *find(struct nginx_masters *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].pid == pid)
            return &all->items[i];
    return NULL;
}

static const struct error *refusal(const struct nginx_masters *all, pid_t pid)
{
    AUTO_FREE start = mem_printf("process %d ", (int)pid);
    for (size_t i = 0; i < all->refused_count; i++)
        if (strncmp(all->refused[i].text, start, strlen(start)) == 0)
            return &all->refused[i];
    return NULL;
}

static void test_find(void **state)
{
    struct error err = {0};
    pid_t pid = fake_start(*state, FAKE_GOOD, TITLE, 0);
    AUTO(nginx_masters) all = {0};
    AUTO(nginx_workers) workers = {0};
    bool listed = nginx_masters_find(&all, &err);
    struct nginx_master *master = find(&all, pid);
    bool worked = master != NULL && nginx_workers_list(master, &workers, &err);
    fake_stop(pid);
    assert_true(listed && worked);
    assert_true(master->may_signal);
    assert_false(master->binary_replaced);
    assert_string_equal(master->binary, fake_self());
    assert_string_equal(master->conf, "/here/nginx.conf");
    assert_int_equal(master->parent, getpid());
    assert_int_equal(workers.count, 1);
    assert_int_equal(workers.draining, 0);
    /* Its pid may be another's now. */
    assert_false(nginx_master_hup(master, &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    assert_false(nginx_workers_list(master, &workers, &err));
}

/* How many children it has. */
static size_t count_children(pid_t master)
{
    AUTO_FREE path = mem_printf("/proc/%d/task/%d/children", (int)master, (int)master);
    size_t count = 0;
    FILE *file = fopen(path, "r");
    for (int pid; file != NULL && fscanf(file, "%d", &pid) == 1;)
        count++;
    if (file != NULL)
        (void)fclose(file);
    return count;
}

/* A worker that has not set its title yet is no second master. */
static void test_new_worker(void **state)
{
    (void)state;
    AUTO(nginx_masters) all = {0};
    struct error err = {0};
    size_t found = 0;
    pid_t pid = fake_start(&place, FAKE_HATCH, "nginx: master process hatching -c /h.conf", 0);
    for (int i = 0; i < 2000 && count_children(pid) < 2; i++)
        fake_nap(2);
    assert_int_equal(count_children(pid), 2);
    assert_true(nginx_masters_find(&all, &err));
    fake_stop(pid);
    for (size_t i = 0; i < all.count; i++)
        found += all.items[i].conf != NULL && strcmp(all.items[i].conf, "/h.conf") == 0;
    for (size_t i = 0; i < all.refused_count; i++)
        found += strstr(all.refused[i].text, "h.conf") != NULL;
    assert_int_equal(found, 1);
}

static void test_hup(void **state)
{
    struct error err = {0};
    pid_t pid = fake_start(*state, FAKE_STUCK, TITLE, 0);
    AUTO(nginx_masters) all = {0};
    struct nginx_workers workers = {0};
    bool listed = nginx_masters_find(&all, &err);
    struct nginx_master *master = find(&all, pid);
    bool sent = master != NULL && nginx_master_hup(master, &err);
    for (int i = 0; i < 1000 && sent && workers.count != 2; i++) {
        nginx_workers_release(&workers);
        if (!nginx_workers_list(master, &workers, &err))
            break;
        fake_nap(2);
    }
    /* One that runs another program by now is no nginx. */
    bool refused = false;
    if (master != NULL) {
        free(master->binary);
        master->binary = mem_strdup("/usr/sbin/other");
        refused = !nginx_master_hup(master, &err);
    }
    fake_stop(pid);
    assert_true(listed && sent && refused);
    assert_int_equal(workers.count, 2);
    nginx_workers_release(&workers);
}

/* Any user can start something with this title. */
static void test_decoy(void **state)
{
    if (geteuid() != 0)
        skip();
    struct error err = {0};
    pid_t pid = fake_start(*state, FAKE_GOOD, TITLE, 65534);
    AUTO(nginx_masters) all = {0};
    bool listed = nginx_masters_find(&all, &err);
    fake_stop(pid);
    assert_true(listed);
    assert_null(find(&all, pid));
    const struct error *why = refusal(&all, pid);
    assert_non_null(why);
    assert_non_null(strstr(why->text, "another user"));
}

/* Ours, but of a binary that somebody else may change. */
static void test_untrusted_binary(void **state)
{
    if (geteuid() != 0)
        skip();
    struct error err = {0};
    AUTO_FREE copy = place_path(*state, "nginx");
    pid_t child = fork();
    if (child == 0) {
        (void)execlp("cp", "cp", fake_self(), copy, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(chown(copy, 65534, 0), 0);
    assert_int_equal(chmod(copy, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv(FAKE_MODE, "silent", 1);
        (void)execl(copy, TITLE, (char *)NULL);
        _exit(1);
    }
    for (int i = 0; i < 1000 && !fake_has_worker(pid); i++)
        fake_nap(2);
    AUTO(nginx_masters) all = {0};
    bool listed = nginx_masters_find(&all, &err);
    fake_stop(pid);
    assert_true(listed);
    assert_null(find(&all, pid));
    assert_non_null(refusal(&all, pid));
    assert_non_null(strstr(refusal(&all, pid)->text, copy));
}

/* A container's nginx: its paths are not ours. */
static void test_other_namespace(void **state)
{
    if (geteuid() != 0)
        skip();
    struct error err = {0};
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) != 0)
            _exit(9);
        (void)setenv(FAKE_MODE, "silent", 1);
        fake_become(TITLE);
    }
    for (int i = 0; i < 1000 && !fake_has_worker(pid); i++)
        fake_nap(2);
    AUTO(nginx_masters) all = {0};
    bool listed = nginx_masters_find(&all, &err);
    bool skipped = waitpid(pid, NULL, WNOHANG) == pid; /* no namespaces here */
    if (!skipped)
        fake_stop(pid);
    (void)state;
    if (skipped)
        skip();
    assert_true(listed);
    assert_null(find(&all, pid));
    assert_non_null(refusal(&all, pid));
    assert_non_null(strstr(refusal(&all, pid)->text, "mnt namespace"));
    assert_string_not_equal(refusal(&all, pid)->hint, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(int argc, char **argv)
{
    int code;
    if (fake_nginx_main(argc, argv, &code))
        return code;
    const struct CMUnitTest tests[] = {
        TEST(test_titles),
        TEST(test_other_titles),
        TEST(test_find),
        TEST(test_new_worker),
        TEST(test_hup),
        TEST(test_decoy),
        TEST(test_untrusted_binary),
        TEST(test_other_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/test_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

/* ---- folders ---- */

static void test_open_creates_nothing(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct store *store = NULL;
    AUTO_FREE config = place_path(&test->place, "x/y");
    AUTO_FREE var = place_path(&test->place, "z/");
    assert_true(store_open(config, var, &store, &err));
    assert_false(place_has(&test->place, "x"));
    assert_false(place_has(&test->place, "z"));
    assert_string_equal(store_config_dir(store), config);
    var[strlen(var) - 1] = '\0';
    assert_string_equal(store_state_dir(store), var);
    store_close(store);
    store_close(NULL);
    assert_false(store_open("relative", var, &store, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_false(store_open(config, "relative", &store, &err));
}

static void test_paths(void **state)
{
    struct test_store *test = *state;
    AUTO_FREE conf = store_conf_path(test->store, "a.example");
    AUTO_FREE defaults = store_conf_path(test->store, NULL);
    AUTO_FREE live = store_live_path(test->store, "a.example");
    AUTO_FREE hooks = store_hooks_dir(test->store, "deploy");
    size_t base = strlen(test->place.dir);
    assert_string_equal(conf + base, "/etc/certs/a.example.conf");
    assert_string_equal(defaults + base, "/etc/acmec.conf");
    assert_string_equal(live + base, "/etc/live/a.example");
    assert_string_equal(hooks + base, "/etc/hooks/deploy");
}

static void test_modes(void **state)
{
    static const struct {
        const char *path;
        mode_t mode;
    } folders[] = {
        {"x", 0755},          {"x/certs", 0755}, {"x/live", 0755},  {"x/archive", 0755},
        {"x/accounts", 0700}, {"y", 0711},       {"y/certs", 0700}, {"y/locks", 0700},
    };
    static const mode_t masks[] = {0, 022, 077};
    struct test_store *test = *state;
    for (size_t m = 0; m < 3; m++) {
        struct error err = {0};
        struct place place;
        struct store *store;
        place_make(&place);
        AUTO_FREE config = place_path(&place, "x");
        AUTO_FREE var = place_path(&place, "y");
        assert_true(store_open(config, var, &store, &err));
        mode_t before = umask(masks[m]);
        bool good = store_prepare(store, &err) && store_prepare(store, &err);
        (void)umask(before);
        assert_true(good);
        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
            if (place_mode(&place, folders[i].path) != folders[i].mode)
                fail_msg("%s has mode %o", folders[i].path, place_mode(&place, folders[i].path));
        assert_int_equal(place_count(&place, "x"), 4);
        assert_int_equal(place_count(&place, "y"), 2);
        store_close(store);
        place_remove(&place);
    }
    AUTO_FREE live = place_path(&test->place, "etc/live");
    struct error err = {0};
    assert_int_equal(chmod(live, 0700), 0);
    assert_true(store_prepare(test->store, &err));
    assert_int_equal(place_mode(&test->place, "etc/live"), 0700); /* a person's choice stays */
}

/* The same store opened again where `guilty` is not trusted. */
static void refuse(struct test_store *test, const char *guilty)
{
    struct error err = {0};
    struct store *store;
    AUTO_FREE config = place_path(&test->place, "etc");
    AUTO_FREE var = place_path(&test->place, "var");
    AUTO_FREE bad = guilty == NULL ? mem_strdup(test->place.dir) : place_path(&test->place, guilty);
    assert_false(store_open(config, var, &store, &err));
    assert_int_equal(err.code, ERR_FILES);
    if (strstr(err.text, bad) == NULL)
        fail_msg("%s is to blame, but: %s", bad, err.text);
    assert_false(store_prepare(test->store, &err));
}

static void test_foreign_folders(void **state)
{
    static const char *const folders[] = {"etc",          "etc/certs", "etc/live",  "etc/archive",
                                          "etc/accounts", "var",       "var/certs", "var/locks"};
    if (geteuid() != 0)
        skip();
    struct test_store *test = *state;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        AUTO_FREE path = place_path(&test->place, folders[i]);
        mode_t mode = place_mode(&test->place, folders[i]);
        assert_int_equal(chown(path, 65534, 65534), 0);
        refuse(test, folders[i]);
        assert_int_equal(chown(path, 0, 0), 0);
        assert_int_equal(chmod(path, 0777), 0);
        refuse(test, folders[i]);
        assert_int_equal(chmod(path, mode), 0);
    }
    assert_int_equal(chmod(test->place.dir, 0777), 0);
    refuse(test, NULL);
    assert_int_equal(chmod(test->place.dir, 0755), 0);
    test_store_reopen(test);
}

/* Folders that are not there yet: who may write to the folder above may make them. */
static void test_foreign_parent(void **state)
{
    if (geteuid() != 0)
        skip();
    struct test_store *test = *state;
    struct error err = {0};
    struct store *store;
    place_mkdir(&test->place, "home", 0777);
    AUTO_FREE config = place_path(&test->place, "home/x/etc");
    assert_false(store_open(config, config, &store, &err));
    AUTO_FREE home = place_path(&test->place, "home");
    assert_non_null(strstr(err.text, home));
    assert_int_equal(chmod(home, 01777), 0);
    assert_true(store_open(config, config, &store, &err));
    place_mkdir(&test->place, "home/x", 0755); /* by somebody who was faster */
    AUTO_FREE stolen = place_path(&test->place, "home/x");
    assert_int_equal(chown(stolen, 65534, 65534), 0);
    assert_false(store_prepare(store, &err));
    assert_int_equal(err.code, ERR_FILES);
    store_close(store);
}

static void test_linked_config_dir(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct store *store = NULL;
    place_link(&test->place, "etc", "link");
    AUTO_FREE link = place_path(&test->place, "link");
    AUTO_FREE var = place_path(&test->place, "var");
    assert_true(store_open(link, var, &store, &err));
    assert_true(store_write_conf(store, "a.example", SPAN_LIT("x"), &err));
    assert_true(place_has(&test->place, "etc/certs/a.example.conf"));
    store_close(store);
    if (geteuid() != 0)
        skip();
    assert_int_equal(lchown(link, 65534, 65534), 0);
    assert_false(store_open(link, var, &store, &err));
}

/* ---- names ---- */

static void test_list(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(name_list) none = {0}, list = {0};
    assert_true(store_list(test->store, &none, &err));
    assert_int_equal(none.count, 0);
    static const char *const files[] = {
        "etc/certs/b.example.conf",  "etc/certs/a.example.conf",
        "etc/certs/.hidden.conf",    "etc/certs/.a.example.conf.tmp",
        "etc/certs/README",          "etc/certs/UPPER.conf",
        "etc/certs/a..b.conf",       "etc/certs/.conf",
        "etc/certs/b.example.conf~", "etc/live/README"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        place_write(&test->place, files[i], "");
    place_mkdir(&test->place, "etc/certs/folder.conf", 0755);
    place_link(&test->place, "../archive/a.example/1", "etc/live/a.example");
    place_link(&test->place, "../archive/c.example/1", "etc/live/c.example");
    place_link(&test->place, "../archive/c.example/2", "etc/live/.c.example.tmp");
    assert_true(store_list(test->store, &list, &err));
    assert_int_equal(list.count, 4);
    assert_string_equal(list.items[0], "a.example");
    assert_string_equal(list.items[1], "b.example");
    assert_string_equal(list.items[2], "c.example");
    assert_string_equal(list.items[3], "folder"); /* no file: reading it says so */
}

static void test_list_of_nothing(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(name_list) list = {0};
    struct store *store;
    AUTO_FREE missing = place_path(&test->place, "missing");
    assert_true(store_open(missing, missing, &store, &err));
    assert_true(store_list(store, &list, &err));
    assert_int_equal(list.count, 0);
    store_close(store);
}

static void test_list_of_an_unreadable_folder(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(name_list) list = {0};
    if (geteuid() == 0)
        skip();
    AUTO_FREE certs = place_path(&test->place, "etc/certs");
    assert_int_equal(chmod(certs, 0), 0);
    assert_false(store_list(test->store, &list, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_int_equal(chmod(certs, 0755), 0);
}

/* Of this process alone, however busy the machine is. */
static int64_t processor_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* What a renew with nothing due costs: printed, and held to ten times of what it should be. Time of
 * its own, not the clock's: other programs may be at work. */
static void test_thousand(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct cert_state written = {.live = {.generation = 1, .not_before = 1, .not_after = 2}};
    written.live.names = test_names(2);
    for (int i = 0; i < 1000; i++) {
        AUTO_FREE name = mem_printf("c%d.example", i);
        AUTO_FREE conf = mem_printf("etc/certs/%s.conf", name);
        AUTO_FREE state_file = mem_printf("var/certs/%s.json", name);
        place_write(&test->place, conf, "domain = x\n");
        if (i == 0)
            assert_true(store_write_state(test->store, name, &written, &err));
        AUTO_FREE text = place_read(&test->place, "var/certs/c0.example.json");
        if (i != 0)
            place_write(&test->place, state_file, text);
        AUTO_FREE path = place_path(&test->place, state_file);
        assert_int_equal(chmod(path, 0600), 0);
    }
    cert_state_release(&written);
    int64_t began = processor_us();
    AUTO(name_list) list = {0};
    assert_true(store_list(test->store, &list, &err));
    assert_int_equal(list.count, 1000);
    for (size_t i = 0; i < list.count; i++) {
        AUTO(cert_state) read = {0};
        struct file_stamp stamp;
        assert_true(store_read_state(test->store, list.items[i], &read, &err));
        assert_true(store_conf_stamp(test->store, list.items[i], &stamp, &err));
        assert_int_equal(read.live.generation, 1);
    }
    int64_t took = processor_us() - began;
    print_message("1,000 names listed, states read, stamps taken: %lld us\n", (long long)took);
#ifndef ACMEC_SANITIZED
    assert_true(took < 200000);
#endif
}

/* ---- configuration files ---- */

static void test_conf(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(buf) out = BUF(100);
    bool found = true;
    struct file_stamp stamp = {.size = 1};
    assert_true(store_read_conf(test->store, "a.example", &out, &found, &err));
    assert_false(found);
    assert_true(store_conf_stamp(test->store, "a.example", &stamp, &err));
    assert_true(file_stamp_equals(&stamp, &(struct file_stamp){0}));
    assert_true(store_write_conf(test->store, "a.example", SPAN_LIT("domain = a.example\n"), &err));
    assert_int_equal(place_mode(&test->place, "etc/certs/a.example.conf"), 0644);
    assert_true(store_read_conf(test->store, "a.example", &out, &found, &err));
    assert_true(found);
    assert_string_equal(buf_str(&out), "domain = a.example\n");
    assert_true(store_conf_stamp(test->store, "a.example", &stamp, &err));
    assert_int_equal(stamp.size, 19);
    place_write(&test->place, "etc/acmec.conf", "x");
    assert_true(store_read_conf(test->store, NULL, &out, &found, &err));
    assert_string_equal(buf_str(&out), "domain = a.example\nx");
    assert_true(store_conf_stamp(test->store, NULL, &stamp, &err));
    assert_int_equal(stamp.size, 1);
    if (geteuid() != 0)
        skip();
    AUTO_FREE path = store_conf_path(test->store, NULL);
    assert_int_equal(chown(path, 65534, 0), 0);
    assert_false(store_read_conf(test->store, NULL, &out, &found, &err));
    assert_int_equal(err.code, ERR_FILES);
}

static void test_bad_names(void **state)
{
    static const char *const names[] = {"", "../x", "a/b", ".a", "A", "a b", "a\nb", "a..b"};
    struct test_store *test = *state;
    AUTO(buf) out = BUF(100);
    struct file_stamp stamp;
    struct lock lock;
    bool found;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error err = {0};
        assert_false(store_read_conf(test->store, names[i], &out, &found, &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_false(store_write_conf(test->store, names[i], SPAN_LIT("x"), &err));
        assert_false(store_conf_stamp(test->store, names[i], &stamp, &err));
        assert_false(store_lock_cert(test->store, names[i], &lock, &err));
        assert_int_equal(err.code, ERR_USAGE);
    }
    assert_int_equal(place_count(&test->place, "etc/certs"), 0);
}

/* ---- locks ---- */

static void test_cert_lock(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(lock) first = {.fd = -1}, other = {.fd = -1}, again = {.fd = -1};
    store_set_command(test->store, "acmec renew");
    assert_true(store_lock_cert(test->store, "a.example", &first, &err));
    assert_true(store_lock_cert(test->store, "accounts", &other, &err));
    assert_false(store_lock_cert(test->store, "a.example", &again, &err));
    assert_int_equal(err.code, ERR_LOCKED);
    assert_non_null(strstr(err.text, "certificate 'a.example'"));
    assert_non_null(strstr(err.text, "(acmec renew)"));
}

/* It waits for a short holder; its error is not left over. */
static void test_accounts_lock(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(lock) lock = {.fd = -1}, cert = {.fd = -1};
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct lock held;
        struct error ignored;
        bool good = store_lock_accounts(test->store, &held, &ignored);
        good = good && write(ready[1], "x", 1) == 1;
        (void)nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        _exit(good ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_true(store_lock_cert(test->store, "accounts", &cert, &err));
    assert_true(store_lock_accounts(test->store, &lock, &err));
    assert_int_equal(err.code, ERR_NONE);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_creates_nothing, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_paths, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_modes, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_folders, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_parent, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_linked_config_dir, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_list, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_list_of_nothing, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_list_of_an_unreadable_folder, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_thousand, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_conf, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_bad_names, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_cert_lock, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_accounts_lock, test_store_set_up,
                                        test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/io/conf_files.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fake/test_place.h>

static bool read_one(const struct place *place, const char *below, struct buf *out,
                     struct source_facts *facts, struct error *err)
{
    struct source_port port = conf_files();
    AUTO_FREE path = place_path(place, below);
    return port.ops->read(&port, path, out, facts, err);
}

static void test_reads_bytes_and_facts(void **state)
{
    const struct place *place = *state;
    AUTO(buf) out = BUF(100);
    struct source_facts facts = {0};
    struct error err = {0};
    place_write(place, "a", "server {\r\n}");
    place_link(place, "a", "link");
    assert_true(read_one(place, "link", &out, &facts, &err));
    struct stat status = place_status(place, "a");
    assert_string_equal(buf_str(&out), "server {\r\n}");
    assert_int_equal(facts.inode, status.st_ino);
    assert_int_equal(facts.device, status.st_dev);
    assert_int_equal(facts.size, 11);
    assert_int_equal(facts.mtime_ns,
                     status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec);
    assert_true(facts.guarded);
}

static void test_what_others_may_write_is_not_guarded(void **state)
{
    const struct place *place = *state;
    AUTO(buf) out = BUF(100);
    struct source_facts facts = {.guarded = true};
    struct error err = {0};
    if (geteuid() != 0)
        skip();
    place_mkdir(place, "open", 0777);
    place_write(place, "open/a", "a;");
    assert_true(read_one(place, "open/a", &out, &facts, &err));
    assert_false(facts.guarded);
}

static void assert_refused(const struct place *place, const char *below, const char *fmt)
{
    AUTO(buf) out = BUF(10);
    struct source_facts facts = {.inode = 5};
    struct error err = {0};
    AUTO_FREE path = place_path(place, below);
    assert_false(read_one(place, below, &out, &facts, &err));
    AUTO_FREE wanted = mem_printf("%s", fmt);
    char *mark = strchr(wanted, '@');
    *mark = 0;
    AUTO_FREE whole = mem_printf("%s%s%s", wanted, path, mark + 1);
    assert_string_equal(err.text, whole);
    assert_int_equal(err.code, ERR_FILES);
    assert_int_equal(facts.inode, 5);
}

static void test_refuses_in_nginx_words(void **state)
{
    const struct place *place = *state;
    AUTO_FREE fifo = place_path(place, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    place_mkdir(place, "dir", 0700);
    place_write(place, "large", "12345678901");
    assert_refused(place, "gone", "open() \"@\" failed (2: No such file or directory)");
    assert_refused(place, "dir", "pread() \"@\" failed (21: Is a directory)");
    assert_refused(place, "fifo", "\"@\" is not a plain file");
    assert_refused(place, "large", "\"@\" is larger than 10 bytes");
}

static void test_matches_come_in_byte_order(void **state)
{
    const struct place *place = *state;
    struct source_port port = conf_files();
    struct source_names names = {0};
    struct error err = {0};
    static const char *const wanted[] = {"B.conf", "_.conf", "a.conf", "a1.conf"};
    place_write(place, "a1.conf", "");
    place_write(place, "a.conf", "");
    place_write(place, "_.conf", "");
    place_write(place, "B.conf", "");
    place_write(place, ".hidden.conf", "");
    AUTO_FREE pattern = place_path(place, "*.conf");
    assert_true(port.ops->match(&port, pattern, &names, &err));
    assert_int_equal(names.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(strrchr(names.items[i], '/') + 1, wanted[i]);
    source_names_release(&names);
    AUTO_FREE none = place_path(place, "*.none");
    assert_true(port.ops->match(&port, none, &names, &err));
    assert_int_equal(names.count, 0);
}

static int make(void **state)
{
    struct place *place = mem_new(1, sizeof *place);
    place_make(place);
    *state = place;
    return 0;
}

static int clear(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_bytes_and_facts, make, clear),
        cmocka_unit_test_setup_teardown(test_what_others_may_write_is_not_guarded, make, clear),
        cmocka_unit_test_setup_teardown(test_refuses_in_nginx_words, make, clear),
        cmocka_unit_test_setup_teardown(test_matches_come_in_byte_order, make, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

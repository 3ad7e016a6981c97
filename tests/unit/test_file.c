#include "fake/test_fault.h"

#include <acmec/base/buf.h>
#include <acmec/io/file.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mount.h>

#include <cmocka.h>

#define OLD "old\n"
#define NEW "new and longer\n"

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

static bool replace(const struct place *place, const char *below, mode_t mode, const char *text,
                    struct error *err)
{
    AUTO_FREE path = place_path(place, below);
    return file_replace(path, mode, span_str(text), err);
}

/* ---- reading ---- */

static void test_stamp(void **state)
{
    struct error err = {0};
    struct file_stamp none = {.size = 9}, first, second;
    AUTO_FREE path = place_path(*state, "f");
    assert_true(file_stamp_read(path, &none, &err));
    assert_true(file_stamp_equals(&none, &(struct file_stamp){0}));
    place_write(*state, "f", "text");
    assert_true(file_stamp_read(path, &first, &err));
    assert_int_equal(first.size, 4);
    assert_false(file_stamp_equals(&first, &none));
    assert_true(file_replace(path, 0600, SPAN_LIT("text"), &err));
    assert_true(file_stamp_read(path, &second, &err));
    assert_false(file_stamp_equals(&first, &second));
    assert_true(file_stamp_read(path, &first, &err));
    assert_true(file_stamp_equals(&first, &second));
    AUTO_FREE below = place_path(*state, "f/g");
    assert_false(file_stamp_read(below, &none, &err));
    assert_int_equal(err.code, ERR_FILES);
}

static void test_read(void **state)
{
    struct error err = {0};
    bool found = false;
    AUTO(buf) out = BUF(8);
    AUTO_FREE path = place_path(*state, "f");
    AUTO_FREE missing = place_path(*state, "missing");
    place_write(*state, "f", "1234");
    assert_true(file_read(path, &out, &found, &err));
    assert_true(found);
    assert_true(file_read(path, &out, NULL, &err));
    assert_string_equal(buf_str(&out), "12341234");
    assert_true(file_read(missing, &out, &found, &err));
    assert_false(found);
    assert_int_equal(err.code, ERR_NONE);
    assert_false(file_read(missing, &out, NULL, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, missing));
}

static void test_read_limit(void **state)
{
    struct error err = {0};
    bool found;
    AUTO(buf) out = BUF(6);
    AUTO_FREE path = place_path(*state, "f");
    place_write(*state, "f", "1234");
    assert_true(file_read(path, &out, &found, &err));
    assert_false(file_read(path, &out, &found, &err));
    assert_non_null(strstr(err.text, "larger than 2 bytes"));
    assert_true(buf_ok(&out));
    assert_string_equal(buf_str(&out), "1234");
}

/* Several reads of a chunk each: what was taken before the limit goes again. */
static void test_read_limit_of_long_file(void **state)
{
    struct error err = {0};
    bool found;
    AUTO(buf) out = BUF(40000);
    AUTO_FREE long_text = mem_new(1, 50001);
    memset(long_text, 'x', 50000);
    place_write(*state, "f", long_text);
    AUTO_FREE path = place_path(*state, "f");
    buf_add_str(&out, "kept");
    assert_false(file_read(path, &out, &found, &err));
    assert_string_equal(buf_str(&out), "kept");
    AUTO(buf) enough = BUF(50000);
    assert_true(file_read(path, &enough, &found, &err));
    assert_string_equal(buf_str(&enough), long_text);
}

static void test_read_odd_files(void **state)
{
    struct error err = {0};
    bool found;
    AUTO(buf) out = BUF(100);
    AUTO_FREE fifo = place_path(*state, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_false(file_read(fifo, &out, &found, &err)); /* and does not hang */
    assert_non_null(strstr(err.text, "not a plain file"));
    assert_false(file_read(((struct place *)*state)->dir, &out, &found, &err));
    assert_false(file_read("/dev/null", &out, &found, &err));
}

/* ---- trust ---- */

static void test_trusted(void **state)
{
    struct error err = {0};
    place_mkdir(*state, "d", 0755);
    place_write(*state, "d/f", "x");
    place_link(*state, "d", "by-link");
    place_link(*state, "../d/f", "d/up");
    static const char *const good[] = {"d", "d/f", "by-link/f", "d//f", "d/./../d/f", "d/up", "d/"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        AUTO_FREE path = place_path(*state, good[i]);
        if (!file_check_trusted(path, &err))
            fail_msg("%s: %s", path, err.text);
    }
    AUTO_FREE missing = place_path(*state, "d/missing");
    assert_false(file_check_trusted(missing, &err));
    assert_false(file_check_trusted("relative", &err));
    assert_true(file_check_trusted("/", &err));
    assert_true(file_check_trusted("/etc/passwd", &err));
}

static void refuse(const struct place *place, const char *below, const char *guilty)
{
    struct error err = {0};
    AUTO_FREE path = place_path(place, below);
    AUTO_FREE bad = place_path(place, guilty);
    AUTO_FREE quoted = mem_printf("'%s'", bad);
    assert_false(file_check_trusted(path, &err));
    assert_int_equal(err.code, ERR_FILES);
    if (strstr(err.text, quoted) == NULL)
        fail_msg("%s is to blame, but: %s", quoted, err.text);
    assert_string_not_equal(err.hint, "");
}

static void test_not_trusted(void **state)
{
    if (geteuid() != 0)
        skip();
    struct place *place = *state;
    struct error err = {0};
    place_mkdir(place, "d", 0755);
    place_mkdir(place, "d/e", 0755);
    place_write(place, "d/e/f", "x");
    AUTO_FREE dir = place_path(place, "d");
    AUTO_FREE file = place_path(place, "d/e/f");
    static const mode_t modes[] = {0775, 0757, 0777};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chmod(dir, modes[i]), 0);
        refuse(place, "d/e/f", "d");
    }
    assert_int_equal(chmod(dir, 01777), 0);
    assert_true(file_check_trusted(file, &err)); /* sticky */
    assert_int_equal(chown(dir, 65534, 0), 0);
    refuse(place, "d/e/f", "d");
    refuse(place, "d", "d");
    assert_int_equal(chown(dir, 0, 0), 0);
    assert_int_equal(chmod(file, 0664), 0);
    refuse(place, "d/e/f", "d/e/f");
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(chown(file, 65534, 0), 0);
    refuse(place, "d/e/f", "d/e/f");
}

static void test_links_not_trusted(void **state)
{
    if (geteuid() != 0)
        skip();
    struct place *place = *state;
    place_mkdir(place, "bad", 0777);
    place_mkdir(place, "bad/d", 0755);
    place_mkdir(place, "good", 0755);
    place_link(place, "bad/d", "to-bad");        /* trusted where it is, not where it leads */
    place_link(place, "../good", "bad/to-good"); /* the other way round */
    place_link(place, "good", "foreign");
    place_link(place, "loop", "loop");
    AUTO_FREE foreign = place_path(place, "foreign");
    assert_int_equal(lchown(foreign, 65534, 65534), 0);
    refuse(place, "to-bad", "bad");
    refuse(place, "bad/to-good", "bad");
    refuse(place, "foreign", "foreign");
    struct error err = {0};
    AUTO_FREE loop = place_path(place, "loop");
    assert_false(file_check_trusted(loop, &err));
    assert_non_null(strstr(err.text, "symbolic links"));
}

static void test_find_real(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    char *real = NULL;
    place_mkdir(place, "d", 0755);
    place_write(place, "d/f", "x");
    place_link(place, "../d/f", "d/link");
    place_link(place, "d", "folder");
    AUTO_FREE link = place_path(place, "folder/link");
    AUTO_FREE file = place_path(place, "d/f");
    AUTO_FREE dir = place_path(place, "d");
    assert_true(file_find_real(link, &real, &err));
    assert_string_equal(real, file);
    free(real);
    assert_false(file_find_real("relative", &real, &err));
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(file, 65534, 65534), 0); /* the file may be anybody's */
    assert_true(file_find_real(link, &real, &err));
    free(real);
    assert_int_equal(lchown(link, 65534, 65534), 0);
    assert_false(file_find_real(link, &real, &err)); /* the way to it may not */
    assert_int_equal(lchown(link, 0, 0), 0);
    assert_int_equal(chmod(dir, 0775), 0);
    assert_false(file_find_real(link, &real, &err));
    assert_non_null(strstr(err.text, "can be written by others"));
}

static void test_read_trusted(void **state)
{
    struct error err = {0};
    bool found = true;
    AUTO(buf) out = BUF(100);
    AUTO_FREE path = place_path(*state, "f");
    assert_true(file_read_trusted(path, &out, &found, &err));
    assert_false(found);
    place_write(*state, "f", "x");
    assert_int_equal(chmod(path, 0644), 0);
    assert_true(file_read_trusted(path, &out, &found, &err));
    assert_true(found);
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(path, 0666), 0);
    assert_false(file_read_trusted(path, &out, &found, &err));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chown(path, 65534, 0), 0);
    assert_false(file_read_trusted(path, &out, &found, &err));
    assert_non_null(strstr(err.text, "user 65534"));
    assert_string_equal(buf_str(&out), "x");
}

/* ---- writing ---- */

static void test_replace(void **state)
{
    struct error err = {0};
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (size_t i = 0; i < 4; i++) {
        mode_t before = umask(masks[i]);
        assert_true(replace(*state, "f", 0640, OLD, &err));
        assert_int_equal(place_mode(*state, "f"), 0640);
        assert_true(replace(*state, "f", 0644, NEW, &err));
        assert_int_equal(place_mode(*state, "f"), 0644);
        assert_true(replace(*state, "f", 0600, "", &err));
        assert_int_equal(umask(before), masks[i]);
        assert_int_equal(place_mode(*state, "f"), 0600);
        assert_true(place_holds(*state, "f", ""));
        assert_int_equal(place_count(*state, ""), 1);
    }
}

static void test_replace_fails(void **state)
{
    struct error err = {0};
    assert_false(replace(*state, "missing/f", 0600, NEW, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, "missing"));
    place_mkdir(*state, "d", 0755);
    assert_false(replace(*state, "d", 0600, NEW, &err));
    assert_non_null(strstr(err.text, "/d'"));
    assert_int_equal(place_count(*state, ""), 1);
}

static void test_create(void **state)
{
    struct error err = {0};
    AUTO_FREE path = place_path(*state, "f");
    assert_true(file_create(path, 0600, SPAN_LIT(OLD), &err));
    assert_int_equal(place_mode(*state, "f"), 0600);
    assert_false(file_create(path, 0600, SPAN_LIT(NEW), &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, "exists"));
    assert_true(place_holds(*state, "f", OLD));
    assert_int_equal(place_count(*state, ""), 1);
    assert_int_equal(unlink(path), 0);
    place_link(*state, "nowhere", "f");
    assert_false(file_create(path, 0600, SPAN_LIT(NEW), &err)); /* a dangling link is there too */
    assert_false(place_has(*state, "nowhere"));
}

static void test_leftovers(void **state)
{
    struct error err = {0};
    place_write(*state, "f", OLD);
    place_write(*state, ".f.tmp", "half");
    assert_true(replace(*state, "f", 0600, NEW, &err));
    assert_int_equal(place_count(*state, ""), 1);
    place_link(*state, "victim", ".f.tmp");
    place_write(*state, "victim", "untouched");
    assert_true(replace(*state, "f", 0600, OLD, &err));
    assert_true(place_holds(*state, "victim", "untouched"));
    assert_true(place_holds(*state, "f", OLD));
    place_write(*state, ".f.tmp", "half");
    AUTO_FREE path = place_path(*state, "f");
    file_drop_leftover(path);
    assert_int_equal(place_count(*state, ""), 2);
    file_drop_leftover(path);
    place_mkdir(*state, ".f.tmp", 0755);
    assert_false(replace(*state, "f", 0600, NEW, &err));
    assert_true(place_holds(*state, "f", OLD));
}

/* A temporary file that another run is writing to is no leftover. */
static void test_temp_in_use(void **state)
{
    struct error err = {0};
    place_write(*state, ".f.tmp", "half");
    AUTO_FREE temp = place_path(*state, ".f.tmp");
    AUTO_FREE path = place_path(*state, "f");
    int fd = open(temp, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_false(file_replace(path, 0600, SPAN_LIT(NEW), &err));
    assert_non_null(strstr(err.text, "busy"));
    file_drop_leftover(path);
    assert_true(place_holds(*state, ".f.tmp", "half"));
    assert_int_equal(close(fd), 0);
    assert_true(file_replace(path, 0600, SPAN_LIT(NEW), &err));
    assert_int_equal(place_count(*state, ""), 1);
}

static void test_foreign_folder(void **state)
{
    struct error err = {0};
    place_mkdir(*state, "d", 0555);
    place_write(*state, "f", OLD);
    if (geteuid() == 0)
        skip(); /* root writes anywhere; the full disk below stands for it */
    assert_false(replace(*state, "d/f", 0600, NEW, &err));
    assert_non_null(strstr(err.text, "Permission denied"));
}

static void test_full_disk(void **state)
{
    struct error err = {0};
    AUTO_FREE disk = place_path(*state, "disk");
    place_mkdir(*state, "disk", 0755);
    if (geteuid() != 0 || mount("none", disk, "tmpfs", 0, "size=16k,mode=755") != 0)
        skip();
    AUTO_FREE much = mem_new(1, 65537);
    memset(much, 'x', 65536);
    bool first = replace(*state, "disk/f", 0600, OLD, &err);
    bool second = replace(*state, "disk/f", 0600, much, &err);
    bool old = place_holds(*state, "disk/f", OLD);
    size_t count = place_count(*state, "disk");
    bool third = replace(*state, "disk/f", 0600, NEW, &err);
    bool remounted = mount("none", disk, "tmpfs", MS_REMOUNT | MS_RDONLY, "mode=755") == 0;
    struct error read_only = {0};
    bool fourth = replace(*state, "disk/f", 0600, OLD, &read_only);
    bool kept = place_holds(*state, "disk/f", NEW);
    assert_int_equal(umount(disk), 0);
    assert_true(first && !second && old && count == 1 && third);
    assert_non_null(strstr(err.text, "No space left"));
    assert_true(remounted && !fourth && kept);
    assert_non_null(strstr(read_only.text, "Read-only"));
}

/* ---- folders ---- */

static void test_make_dir(void **state)
{
    struct error err = {0};
    AUTO_FREE path = place_path(*state, "a/b/c");
    mode_t before = umask(077);
    assert_true(file_make_dir(path, 0755, &err));
    assert_int_equal(umask(before), 077);
    assert_int_equal(place_mode(*state, "a"), 0755);
    assert_int_equal(place_mode(*state, "a/b/c"), 0755);
    assert_true(file_make_dir(path, 0700, &err));
    assert_int_equal(place_mode(*state, "a/b/c"), 0755);
    place_write(*state, "f", "x");
    AUTO_FREE file = place_path(*state, "f");
    AUTO_FREE below = place_path(*state, "f/d");
    assert_false(file_make_dir(file, 0755, &err));
    assert_false(file_make_dir(below, 0755, &err));
    assert_int_equal(err.code, ERR_FILES);
}

static void test_remove_dir(void **state)
{
    struct error err = {0};
    AUTO_FREE path = place_path(*state, "d");
    AUTO_FREE link = place_path(*state, "link");
    assert_true(file_remove_dir(path, &err));
    place_mkdir(*state, "d", 0755);
    place_write(*state, "d/f", "x");
    place_write(*state, "d/.hidden", "x");
    place_mkdir(*state, "other", 0755);
    place_write(*state, "other/f", "x");
    place_link(*state, "../other", "d/link");
    place_link(*state, "other", "link");
    assert_true(file_remove_dir(path, &err));
    assert_false(place_has(*state, "d"));
    assert_false(file_remove_dir(link, &err));
    assert_true(place_has(*state, "other/f"));
    place_mkdir(*state, "d", 0755);
    place_mkdir(*state, "d/deep", 0755);
    assert_false(file_remove_dir(path, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_true(file_sync_dir(path, &err));
    assert_false(file_sync_dir("/missing", &err));
}

/* ---- faults ---- */

/* Each call fails in turn: the old file stays whole, or the new one is there; nothing is left over,
 * and the next run is fine. */
static void test_faults(void **state)
{
    static const char *const calls[] = {FAULT_CALLS};
    const struct place *place = *state;
    struct error err = {0};
    unsigned failed = 0;
    if (!fault_possible())
        skip();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_true(replace(place, "f", 0600, OLD, &err));
        unsigned count = fault_count("replace", place->dir, calls[i]);
        for (unsigned n = 1; n <= count; n++) {
            assert_true(replace(place, "f", 0600, OLD, &err));
            int code = fault_run("replace", place->dir, calls[i], "error=ENOSPC", n);
            bool old = place_holds(place, "f", OLD);
            failed += code == 1;
            if ((code == 0 && old) || (!old && !place_holds(place, "f", NEW)) ||
                place_count(place, "") != 1)
                fail_msg("%s %u failed: exit code %d", calls[i], n, code);
            code = fault_run("replace", place->dir, calls[i], "signal=KILL", n);
            old = place_holds(place, "f", OLD);
            if ((!old && !place_holds(place, "f", NEW)) || !replace(place, "f", 0600, NEW, &err) ||
                place_count(place, "") != 1)
                fail_msg("%s %u killed: exit code %d", calls[i], n, code);
        }
    }
    assert_true(failed >= 6); /* openat, flock, write, fchmod, fsync, rename */
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        struct place place;
        struct error err = {0};
        (void)snprintf(place.dir, sizeof place.dir, "%s", argv[2]);
        return replace(&place, "f", 0600, NEW, &err) ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stamp, start, end),
        cmocka_unit_test_setup_teardown(test_read, start, end),
        cmocka_unit_test_setup_teardown(test_read_limit, start, end),
        cmocka_unit_test_setup_teardown(test_read_limit_of_long_file, start, end),
        cmocka_unit_test_setup_teardown(test_read_odd_files, start, end),
        cmocka_unit_test_setup_teardown(test_trusted, start, end),
        cmocka_unit_test_setup_teardown(test_not_trusted, start, end),
        cmocka_unit_test_setup_teardown(test_links_not_trusted, start, end),
        cmocka_unit_test_setup_teardown(test_find_real, start, end),
        cmocka_unit_test_setup_teardown(test_read_trusted, start, end),
        cmocka_unit_test_setup_teardown(test_replace, start, end),
        cmocka_unit_test_setup_teardown(test_replace_fails, start, end),
        cmocka_unit_test_setup_teardown(test_create, start, end),
        cmocka_unit_test_setup_teardown(test_leftovers, start, end),
        cmocka_unit_test_setup_teardown(test_temp_in_use, start, end),
        cmocka_unit_test_setup_teardown(test_foreign_folder, start, end),
        cmocka_unit_test_setup_teardown(test_full_disk, start, end),
        cmocka_unit_test_setup_teardown(test_make_dir, start, end),
        cmocka_unit_test_setup_teardown(test_remove_dir, start, end),
        cmocka_unit_test_setup_teardown(test_faults, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

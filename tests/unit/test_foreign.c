#include "fake/test_fault.h"

#include <acmec/io/foreign.h>
#include <grp.h>
#include <linux/fs.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <cmocka.h>

#define OLD "server { listen 80; }\n"
#define NEW "server { listen 80; listen 443 ssl; # managed by acmec: a.example\n}\n"
#define HIS "# a person's\n"
#define TEMP ".site.acmec-tmp"

static int start(void **state)
{
    static struct place place;
    place_make(&place);
    place_write(&place, "site", OLD);
    *state = &place;
    return 0;
}

static int end(void **state)
{
    place_remove(*state);
    return 0;
}

static bool open_site(const struct place *place, bool in_place, struct foreign *out,
                      struct error *err)
{
    AUTO_FREE path = place_path(place, "site");
    return foreign_open(path, in_place, out, err);
}

static bool replace(const struct place *place, const char *text, struct error *err)
{
    AUTO(foreign) file = {.dir = -1};
    return open_site(place, false, &file, err) && foreign_replace(&file, span_str(text), err);
}

static void refuse(const struct place *place, bool in_place, const char *why)
{
    struct error err = {0};
    struct foreign file = {.dir = -1};
    assert_false(open_site(place, in_place, &file, &err));
    assert_int_equal(err.code, ERR_FILES);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' is the reason, but: %s", why, err.text);
    assert_true(place_holds(place, "site", OLD));
}

/* ---- what a file keeps ---- */

static void test_replace(void **state)
{
    struct error err = {0};
    AUTO(foreign) file = {.dir = -1};
    assert_true(open_site(*state, false, &file, &err));
    assert_string_equal(buf_str(&file.bytes), OLD);
    struct source_facts before = file.facts;
    assert_true(foreign_is_still(&file, &before, SPAN_LIT(OLD), &err));
    assert_true(foreign_replace(&file, SPAN_LIT(NEW), &err));
    assert_true(place_holds(*state, "site", NEW));
    assert_int_equal(place_count(*state, ""), 1);
    /* What is held is the new one now. */
    assert_string_equal(buf_str(&file.bytes), NEW);
    assert_false(foreign_is_still(&file, &before, SPAN_LIT(NEW), &err));
    assert_true(foreign_replace(&file, SPAN_LIT(OLD), &err));
    assert_true(foreign_replace(&file, SPAN_LIT(""), &err));
    assert_true(place_holds(*state, "site", ""));
    assert_int_equal(place_count(*state, ""), 1);
}

static void test_symlinks(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    place_mkdir(place, "available", 0755);
    place_mkdir(place, "enabled", 0755);
    place_write(place, "available/a", OLD);
    place_link(place, "../available/a", "enabled/a");
    place_link(place, "enabled", "on");
    AUTO_FREE path = place_path(place, "on/a");
    AUTO_FREE real = place_path(place, "available/a");
    AUTO(foreign) file = {.dir = -1};
    assert_true(foreign_open(path, false, &file, &err));
    assert_string_equal(file.path, real);
    assert_true(foreign_replace(&file, SPAN_LIT(NEW), &err));
    assert_true(S_ISLNK(place_status(place, "enabled/a").st_mode));
    assert_true(place_holds(place, "available/a", NEW));
    assert_int_equal(place_count(place, "available"), 1);
    assert_int_equal(place_count(place, "enabled"), 1);
}

static void test_mode_and_owner(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    AUTO_FREE path = place_path(place, "site");
    static const mode_t modes[] = {0600, 0644, 0640, 0664, 0444, 04755, 02755};
    mode_t before = umask(077);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_true(replace(place, i % 2 == 0 ? NEW : OLD, &err));
        assert_int_equal(place_mode(place, "site"), modes[i] & 0777);
    }
    (void)umask(before);
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, 65534, 12), 0);
    assert_true(replace(place, OLD, &err)); /* his file in root's folder */
    struct stat status = place_status(place, "site");
    assert_int_equal(status.st_uid, 65534);
    assert_int_equal(status.st_gid, 12);
}

/* user::rw-, user:12:r--, group::r--, mask::r--, other::--- in the kernel's form. */
static const unsigned char ACL[] = {
    2, 0,  0,    0,    1,    0,    6,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,    4,
    0, 12, 0,    0,    0,    4,    0,    4, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
    4, 0,  0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,    0xff, 0xff, 0xff, 0xff};

static void test_attributes(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    char value[256];
    AUTO_FREE path = place_path(place, "site");
    if (setxattr(path, "user.note", "mine", 4, 0) != 0 ||
        setxattr(path, "system.posix_acl_access", ACL, sizeof ACL, 0) != 0)
        skip();
    bool smack = setxattr(path, "security.other", "x", 1, 0) == 0;
    assert_true(replace(place, NEW, &err));
    assert_int_equal(getxattr(path, "user.note", value, sizeof value), 4);
    assert_int_equal(getxattr(path, "system.posix_acl_access", value, sizeof value), sizeof ACL);
    assert_memory_equal(value, ACL, sizeof ACL);
    assert_int_equal(place_mode(place, "site"), 0640);
    if (smack)
        assert_int_equal(getxattr(path, "security.other", value, sizeof value), -1);
}

/* The folder's default must not give the new file rights that the old one had not. */
static void test_default_acl(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    char value[256];
    AUTO_FREE path = place_path(place, "site");
    if (setxattr(place->dir, "system.posix_acl_default", ACL, sizeof ACL, 0) != 0)
        skip();
    assert_int_equal(chmod(path, 0644), 0);
    assert_true(replace(place, NEW, &err));
    assert_int_equal(getxattr(path, "system.posix_acl_access", value, sizeof value), -1);
    assert_int_equal(place_mode(place, "site"), 0644);
}

/* ---- what is refused ---- */

static void test_odd_files(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    struct foreign file = {.dir = -1};
    AUTO_FREE missing = place_path(place, "missing");
    AUTO_FREE fifo = place_path(place, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_false(foreign_open(missing, false, &file, &err));
    assert_false(foreign_open(fifo, false, &file, &err));
    assert_non_null(strstr(err.text, "not a plain file"));
    assert_false(foreign_open(place->dir, false, &file, &err));
    assert_false(foreign_open("relative", false, &file, &err));
    assert_int_equal(file.dir, -1);
}

static void test_hard_links(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    AUTO_FREE path = place_path(place, "site");
    AUTO_FREE other = place_path(place, "other");
    assert_int_equal(link(path, other), 0);
    refuse(place, false, "several names");
    AUTO(foreign) file = {.dir = -1};
    assert_true(open_site(place, true, &file, &err));
    assert_true(foreign_replace(&file, SPAN_LIT(NEW), &err));
    assert_true(place_holds(place, "other", NEW));
    assert_true(foreign_replace(&file, SPAN_LIT(OLD), &err));
    assert_true(place_holds(place, "other", OLD));
    assert_int_equal(place_count(place, ""), 2);
    assert_int_equal(unlink(other), 0);
    AUTO(foreign) single = {.dir = -1};
    ino_t inode = place_status(place, "site").st_ino;
    assert_true(open_site(place, true, &single, &err)); /* allowed, but not needed */
    assert_true(foreign_replace(&single, SPAN_LIT(NEW), &err));
    assert_int_not_equal(place_status(place, "site").st_ino, inode);
}

static void test_mounted_file(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    AUTO_FREE path = place_path(place, "site");
    AUTO_FREE outside = place_path(place, "outside");
    place_write(place, "outside", OLD);
    if (geteuid() != 0 || mount(outside, path, NULL, MS_BIND, NULL) != 0)
        skip();
    struct foreign file = {.dir = -1};
    bool refused = !open_site(place, false, &file, &err);
    bool named = strstr(err.text, "mounted by itself") != NULL;
    bool written =
        open_site(place, true, &file, &err) && foreign_replace(&file, SPAN_LIT(NEW), &err);
    bool through = place_holds(place, "outside", NEW);
    foreign_release(&file);
    assert_int_equal(umount(path), 0);
    assert_true(refused && named && written && through);
}

static void test_immutable(void **state)
{
    struct place *place = *state;
    AUTO_FREE path = place_path(place, "site");
    int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0, frozen;
    if (geteuid() != 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
        skip();
    frozen = flags | FS_IMMUTABLE_FL;
    if (ioctl(fd, FS_IOC_SETFLAGS, &frozen) != 0)
        skip();
    struct error err = {0};
    struct foreign file = {.dir = -1};
    bool refused = !open_site(place, false, &file, &err) && !open_site(place, true, &file, &err);
    (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    (void)close(fd);
    assert_true(refused);
    assert_non_null(strstr(err.text, "immutable"));
    assert_string_not_equal(err.hint, "");
}

static void test_read_only(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    struct foreign file = {.dir = -1};
    place_mkdir(place, "disk", 0755);
    AUTO_FREE disk = place_path(place, "disk");
    AUTO_FREE path = place_path(place, "disk/site");
    if (geteuid() != 0 || mount("none", disk, "tmpfs", 0, "size=64k,mode=755") != 0)
        skip();
    place_write(place, "disk/site", OLD);
    bool frozen = mount("none", disk, "tmpfs", MS_REMOUNT | MS_RDONLY, "mode=755") == 0;
    bool refused = !foreign_open(path, false, &file, &err);
    assert_int_equal(umount(disk), 0);
    assert_true(frozen && refused);
    assert_non_null(strstr(err.text, "Read-only"));
}

/* A full disk: neither a new file nor one written in place loses a byte. */
static void test_full_disk(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    place_mkdir(place, "disk", 0755);
    AUTO_FREE disk = place_path(place, "disk");
    AUTO_FREE path = place_path(place, "disk/site");
    AUTO_FREE other = place_path(place, "disk/other");
    AUTO_FREE much = mem_new(1, 65537);
    memset(much, '#', 65536);
    if (geteuid() != 0 || mount("none", disk, "tmpfs", 0, "size=16k,mode=755") != 0)
        skip();
    place_write(place, "disk/site", OLD);
    struct foreign file = {.dir = -1}, linked = {.dir = -1};
    bool anew =
        foreign_open(path, false, &file, &err) && foreign_replace(&file, span_str(much), &err);
    size_t count = place_count(place, "disk");
    bool in_place = link(path, other) == 0 && foreign_open(path, true, &linked, &err) &&
                    foreign_replace(&linked, span_str(much), &err);
    bool kept = place_holds(place, "disk/site", OLD);
    foreign_release(&file);
    foreign_release(&linked);
    assert_int_equal(umount(disk), 0);
    assert_true(!anew && count == 1 && !in_place && kept);
    assert_non_null(strstr(err.text, "No space left"));
}

static void test_folders_of_others(void **state)
{
    if (geteuid() != 0)
        skip();
    struct place *place = *state;
    struct error err = {0};
    struct foreign file = {.dir = -1};
    static const mode_t modes[] = {0775, 0757, 01777};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chmod(place->dir, modes[i]), 0);
        refuse(place, false, "can be written by others");
        refuse(place, true, "can be written by others");
    }
    assert_int_equal(chmod(place->dir, 0755), 0);
    place_mkdir(place, "tenant", 0755);
    place_mkdir(place, "tenant/conf", 0755);
    place_write(place, "tenant/conf/a", OLD);
    place_link(place, "tenant/conf/a", "enabled");
    AUTO_FREE tenant = place_path(place, "tenant");
    assert_int_equal(chown(tenant, 65534, 65534), 0);
    AUTO_FREE path = place_path(place, "enabled");
    assert_false(foreign_open(path, false, &file, &err));
    assert_non_null(strstr(err.text, "belongs to user 65534"));
}

static int as_nobody(const struct place *place, const char *below)
{
    AUTO_FREE path = place_path(place, below);
    struct error err = {0};
    struct foreign file = {.dir = -1};
    pid_t child = fork();
    if (child == 0) {
        if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
            _exit(9);
        bool good =
            foreign_open(path, false, &file, &err) && foreign_replace(&file, SPAN_LIT(NEW), &err);
        _exit(good ? 0 : 1 + (strstr(err.text, "Permission denied") == NULL));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void test_not_root(void **state)
{
    if (geteuid() != 0)
        skip();
    struct place *place = *state;
    place_mkdir(place, "his", 0755);
    place_write(place, "his/own", OLD);
    place_write(place, "his/roots", OLD);
    AUTO_FREE folder = place_path(place, "his");
    AUTO_FREE own = place_path(place, "his/own");
    assert_int_equal(chown(folder, 65534, 65534), 0);
    assert_int_equal(chown(own, 65534, 65534), 0);
    assert_int_equal(as_nobody(place, "site"), 1);
    assert_int_equal(as_nobody(place, "his/own"), 0);
    assert_true(place_holds(place, "his/own", NEW));
    assert_int_equal(as_nobody(place, "his/roots"), 2); /* it would become his */
    assert_true(place_holds(place, "his/roots", OLD));
}

/* ---- somebody else at the same file ---- */

static void test_changed_since(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    AUTO_FREE path = place_path(place, "site");
    AUTO_FREE his = place_path(place, "his");
    for (int in_place = 0; in_place < 2; in_place++) {
        AUTO_FREE other = place_path(place, "other");
        if (in_place != 0)
            assert_int_equal(link(path, other), 0);
        AUTO(foreign) file = {.dir = -1};
        assert_true(open_site(place, true, &file, &err));
        place_write(place, "site", HIS);
        assert_false(foreign_replace(&file, SPAN_LIT(NEW), &err));
        assert_non_null(strstr(err.text, "changed meanwhile"));
        assert_true(place_holds(place, "site", HIS));
        assert_int_equal(place_count(place, ""), 1 + (size_t)in_place);
        place_write(place, "site", OLD);
    }
    AUTO(foreign) file = {.dir = -1};
    assert_true(open_site(place, true, &file, &err));
    place_write(place, "his", OLD); /* the same bytes, another file */
    assert_int_equal(rename(his, path), 0);
    assert_false(foreign_replace(&file, SPAN_LIT(NEW), &err));
    assert_true(place_holds(place, "site", OLD));
    assert_int_equal(unlink(path), 0);
    assert_false(foreign_replace(&file, SPAN_LIT(NEW), &err));
    assert_false(place_has(place, "site"));
    assert_false(place_has(place, TEMP));
}

/* He renames between our last look and the exchange: the exchange is undone. */
static void test_changed_in_the_moment(void **state)
{
    struct place *place = *state;
    if (!fault_possible())
        skip();
    AUTO_FREE path = place_path(place, "site");
    AUTO_FREE his = place_path(place, "his");
    AUTO_FREE temp = place_path(place, TEMP);
    place_write(place, "his", HIS);
    pid_t child = fork();
    if (child == 0)
        _exit(fault_run("replace", place->dir, "renameat2", "delay_enter=700000", 1));
    for (int i = 0; i < 2000 && access(temp, F_OK) != 0; i++)
        (void)poll(NULL, 0, 2);
    (void)poll(NULL, 0, 300);
    assert_int_equal(rename(his, path), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), ERR_FILES);
    assert_true(place_holds(place, "site", HIS));
    assert_false(place_has(place, TEMP));
}

/* ---- leftovers ---- */

static bool settle(const struct place *place, struct error *err)
{
    AUTO_FREE path = place_path(place, "site");
    return foreign_settle(path, SPAN_LIT(OLD), SPAN_LIT(NEW), err);
}

static void test_settle(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    static const char *const ours[] = {"", "server", OLD, NEW};
    assert_true(settle(place, &err));
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        place_write(place, TEMP, ours[i]);
        assert_false(replace(place, NEW, &err));
        assert_non_null(strstr(err.text, "in the way"));
        assert_true(settle(place, &err));
        assert_false(place_has(place, TEMP));
        assert_true(place_holds(place, "site", OLD));
    }
    place_write(place, "site", NEW); /* killed between the exchange and the look at it */
    place_write(place, TEMP, HIS);
    assert_true(settle(place, &err));
    assert_true(place_holds(place, "site", HIS));
    assert_int_equal(place_count(place, ""), 1);
    place_write(place, TEMP, "# an older one\n");
    assert_false(settle(place, &err));
    assert_non_null(strstr(err.text, "changed twice"));
    assert_true(place_holds(place, "site", HIS));
    assert_true(place_has(place, TEMP));
}

/* ---- every operation fails, or is the last ---- */

#define WRITES                                                                                     \
    FAULT_CALLS, "fallocate", "fsetxattr", "fremovexattr", "flistxattr", "fgetxattr",              \
        "faccessat2", "statx"

static void prepare(const struct place *place, const char *job)
{
    AUTO_FREE site = place_path(place, "site");
    AUTO_FREE temp = place_path(place, TEMP);
    AUTO_FREE other = place_path(place, "other");
    (void)unlink(site);
    (void)unlink(temp);
    (void)unlink(other);
    place_write(place, "site", OLD);
    if (strcmp(job, "in-place") == 0)
        assert_int_equal(link(site, other), 0);
}

static void judge_fault(const struct place *place, const char *what, int code)
{
    bool old = place_holds(place, "site", OLD), new = place_holds(place, "site", NEW);
    if (code == 0 ? !new : !old)
        fail_msg("%s: exit %d, but the site is %s", what, code, old ? "old" : new ? "new" : "half");
}

static void test_every_operation_fails(void **state)
{
    static const char *const calls[] = {WRITES}, *const jobs[] = {"replace", "in-place"};
    struct place *place = *state;
    if (!fault_possible())
        skip();
    size_t tried = 0;
    for (size_t job = 0; job < 2; job++) {
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            prepare(place, jobs[job]);
            unsigned count = fault_count(jobs[job], place->dir, calls[i]);
            for (unsigned n = 1; n <= count; n++, tried++) {
                AUTO_FREE what = mem_printf("%s, %s %u", jobs[job], calls[i], n);
                prepare(place, jobs[job]);
                judge_fault(place, what,
                            fault_run(jobs[job], place->dir, calls[i], "error=EIO", n));
            }
        }
    }
    assert_true(tried > 30);
}

static void judge_kill(const struct place *place, const char *job, const char *what)
{
    struct error err = {0};
    if (!settle(place, &err))
        fail_msg("%s: %s", what, err.text);
    if (place_has(place, TEMP))
        fail_msg("%s: a temporary file is left", what);
    bool whole = place_holds(place, "site", OLD) || place_holds(place, "site", NEW);
    if (!whole && strcmp(job, "replace") == 0)
        fail_msg("%s: half a file", what);
}

static void test_killed_at_every_operation(void **state)
{
    static const char *const calls[] = {WRITES}, *const jobs[] = {"replace", "in-place"};
    struct place *place = *state;
    if (!fault_possible())
        skip();
    for (size_t job = 0; job < 2; job++) {
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            prepare(place, jobs[job]);
            unsigned count = fault_count(jobs[job], place->dir, calls[i]);
            for (unsigned n = 1; n <= count; n++) {
                AUTO_FREE what = mem_printf("%s, killed at %s %u", jobs[job], calls[i], n);
                prepare(place, jobs[job]);
                (void)fault_run(jobs[job], place->dir, calls[i], "signal=KILL", n);
                judge_kill(place, jobs[job], what);
            }
        }
    }
}

static int run_job(const char *job, const char *dir)
{
    struct error err = {0};
    struct foreign file = {.dir = -1};
    AUTO_FREE path = mem_printf("%s/site", dir);
    bool good = foreign_open(path, strcmp(job, "in-place") == 0, &file, &err) &&
                foreign_replace(&file, SPAN_LIT(NEW), &err);
    foreign_release(&file);
    return good ? 0 : (int)err.code;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_job(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(test_replace),
        TEST(test_symlinks),
        TEST(test_mode_and_owner),
        TEST(test_attributes),
        TEST(test_default_acl),
        TEST(test_odd_files),
        TEST(test_hard_links),
        TEST(test_mounted_file),
        TEST(test_immutable),
        TEST(test_read_only),
        TEST(test_full_disk),
        TEST(test_folders_of_others),
        TEST(test_not_root),
        TEST(test_changed_since),
        TEST(test_changed_in_the_moment),
        TEST(test_settle),
        TEST(test_every_operation_fails),
        TEST(test_killed_at_every_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

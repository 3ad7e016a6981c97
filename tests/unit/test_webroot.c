#include "fake/test_fault.h"

#include <acmec/base/log.h>
#include <acmec/io/powers.h>
#include <acmec/io/webroot.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TENANT 60001
#define OTHER 60002
#define FOLDER "www/.well-known/acme-challenge"
#define ANSWER SPAN_LIT("token.thumbprint")

struct bed {
    struct place place;
    char *webroot; /* place/www */
};

static int start(void **state)
{
    static struct bed bed;
    place_make(&bed.place);
    place_mkdir(&bed.place, "www", 0755);
    bed.webroot = place_path(&bed.place, "www");
    log_set_level(LOG_LEVEL_ERROR);
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    struct bed *bed = *state;
    place_remove(&bed->place);
    free(bed->webroot);
    return powers_uid() == geteuid() ? 0 : -1; /* never left behind */
}

static struct webroot_answer *put(const struct bed *bed, const char *token)
{
    struct error err = {0};
    struct webroot_answer *answer = NULL;
    if (!webroot_put(bed->webroot, token, ANSWER, &answer, &err))
        fail_msg("%s", err.text);
    return answer;
}

/* wanted: a part of the error's text. */
static void refuse(const char *webroot, const char *token, enum err_code code, const char *wanted)
{
    struct error err = {0};
    struct webroot_answer *answer = (struct webroot_answer *)&err;
    assert_false(webroot_put(webroot, token, ANSWER, &answer, &err));
    assert_ptr_equal(answer, &err);
    assert_int_equal(err.code, code);
    if (strstr(err.text, wanted) == NULL)
        fail_msg("'%s' is not in: %s", wanted, err.text);
}

static void refuse_check(const char *webroot, const char *wanted)
{
    struct error err = {0};
    assert_false(webroot_check(webroot, &err));
    assert_int_equal(err.code, ERR_FILES);
    if (strstr(err.text, wanted) == NULL)
        fail_msg("'%s' is not in: %s", wanted, err.text);
}

static void make_folders(const struct bed *bed)
{
    place_mkdir(&bed->place, "www/.well-known", 0755);
    place_mkdir(&bed->place, FOLDER, 0755);
}

static void give(const struct bed *bed, const char *below, uid_t uid)
{
    AUTO_FREE path = place_path(&bed->place, below);
    assert_int_equal(lchown(path, uid, uid), 0);
}

/* ---- put and remove ---- */

static void test_whole_way(void **state)
{
    static const mode_t masks[] = {0, 022, 077, 0777};
    const struct bed *bed = *state;
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        mode_t before = umask(masks[i]);
        struct webroot_answer *answer = put(bed, "token");
        assert_int_equal(umask(before), masks[i]);
        assert_true(place_holds(&bed->place, FOLDER "/token", "token.thumbprint"));
        assert_int_equal(place_mode(&bed->place, FOLDER "/token"), 0644);
        assert_int_equal(place_mode(&bed->place, FOLDER), 0755);
        assert_int_equal(place_mode(&bed->place, "www/.well-known"), 0755);
        assert_int_equal(place_count(&bed->place, FOLDER), 2); /* with our mark */
        webroot_remove(answer);
        assert_int_equal(place_count(&bed->place, "www"), 0);
    }
    webroot_remove(NULL);
}

/* What was there before is there afterwards. */
static void test_others_folders(void **state)
{
    const struct bed *bed = *state;
    place_mkdir(&bed->place, "www/.well-known", 0750);
    struct webroot_answer *answer = put(bed, "token");
    assert_true(place_holds(&bed->place, FOLDER "/token", "token.thumbprint"));
    webroot_remove(answer);
    assert_false(place_has(&bed->place, FOLDER));
    assert_int_equal(place_mode(&bed->place, "www/.well-known"), 0750);
    place_mkdir(&bed->place, FOLDER, 0755);
    webroot_remove(put(bed, "token"));
    assert_true(place_has(&bed->place, FOLDER));
    assert_int_equal(place_count(&bed->place, FOLDER), 0);
    place_write(&bed->place, FOLDER "/hand-made", "x");
    webroot_remove(put(bed, "token"));
    assert_true(place_holds(&bed->place, FOLDER "/hand-made", "x"));
}

/* The last one removes. */
static void test_shared_folders(void **state)
{
    const struct bed *bed = *state;
    struct webroot_answer *first = put(bed, "first");
    struct webroot_answer *second = put(bed, "second");
    webroot_remove(first);
    assert_true(place_holds(&bed->place, FOLDER "/second", "token.thumbprint"));
    assert_int_equal(place_count(&bed->place, FOLDER), 2);
    struct webroot_answer *third = put(bed, "third");
    place_write(&bed->place, "www/.well-known/security.txt", "x");
    webroot_remove(second);
    webroot_remove(third);
    assert_false(place_has(&bed->place, FOLDER));
    assert_true(place_holds(&bed->place, "www/.well-known/security.txt", "x"));
}

static void test_tokens(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE longest = mem_new(1, 202);
    memset(longest, 'x', 201);
    const char *const bad[] = {"",    ".",   "..",     "a/b",      "../x", "a.b",
                               "a b", "a\n", "a\033[", "\xc3\xa9", "a%b",  longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refuse(bed->webroot, bad[i], ERR_REFUSED, "cannot be a file's name");
        webroot_forget(bed->webroot, bad[i]);
    }
    assert_int_equal(place_count(&bed->place, "www"), 0);
    longest[200] = '\0';
    static const char *const good[] = {"a", "-", "_", "-rf", "AZaz09-_"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        webroot_remove(put(bed, good[i]));
    webroot_remove(put(bed, longest));
    assert_int_equal(place_count(&bed->place, "www"), 0);
}

/* ---- what has the name already ---- */

static void test_name_is_taken(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE token = place_path(&bed->place, FOLDER "/token");
    AUTO_FREE victim = place_path(&bed->place, "victim");
    make_folders(bed);
    place_write(&bed->place, "victim", "precious");
    /* An old answer, and one that is a second name of something else: only the name is replaced. */
    place_write(&bed->place, FOLDER "/token", "old");
    webroot_remove(put(bed, "token"));
    assert_false(place_has(&bed->place, FOLDER "/token"));
    assert_int_equal(link(victim, token), 0);
    webroot_remove(put(bed, "token"));
    assert_true(place_holds(&bed->place, "victim", "precious"));
    place_link(&bed->place, victim, FOLDER "/token");
    refuse(bed->webroot, "token", ERR_FILES, "File exists");
    assert_int_equal(unlink(token), 0);
    assert_int_equal(mkfifo(token, 0600), 0);
    refuse(bed->webroot, "token", ERR_FILES, "File exists");
    assert_int_equal(unlink(token), 0);
    assert_int_equal(mkdir(token, 0755), 0);
    refuse(bed->webroot, "token", ERR_FILES, "File exists");
    assert_int_equal(place_count(&bed->place, FOLDER), 1); /* no temporary file stays */
    assert_true(place_holds(&bed->place, "victim", "precious"));
}

/* The temporary file's name may be taken, by what a killed run left or by a trap. */
static void test_temporary_is_taken(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE victim = place_path(&bed->place, "victim");
    AUTO_FREE temp = place_path(&bed->place, FOLDER "/.token.tmp");
    make_folders(bed);
    place_write(&bed->place, "victim", "precious");
    place_write(&bed->place, FOLDER "/.token.tmp", "left over, and longer than an answer is");
    webroot_remove(put(bed, "token"));
    assert_int_equal(place_count(&bed->place, FOLDER), 0);
    place_link(&bed->place, victim, FOLDER "/.token.tmp");
    refuse(bed->webroot, "token", ERR_FILES, "File exists");
    assert_int_equal(unlink(temp), 0);
    assert_int_equal(mkfifo(temp, 0600), 0);
    refuse(bed->webroot, "token", ERR_FILES, "File exists");
    assert_true(place_holds(&bed->place, "victim", "precious"));
    assert_false(place_has(&bed->place, FOLDER "/token"));
}

/* Only what was written is removed: a file that took its place since stays. */
static void test_replaced_since(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE token = place_path(&bed->place, FOLDER "/token");
    AUTO_FREE fresh = place_path(&bed->place, "fresh");
    struct webroot_answer *answer = put(bed, "token");
    place_write(&bed->place, "fresh", "somebody else's");
    assert_int_equal(rename(fresh, token), 0);
    webroot_remove(answer);
    assert_true(place_holds(&bed->place, FOLDER "/token", "somebody else's"));
    answer = put(bed, "token");
    assert_int_equal(unlink(token), 0);
    webroot_remove(answer); /* gone already: fine */
    assert_int_equal(place_count(&bed->place, "www"), 0);
}

/* ---- folders that look like ours ---- */

static void test_marks(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE mark = place_path(&bed->place, FOLDER "/.acmec");
    struct webroot_answer *answer = put(bed, "token");
    place_write(&bed->place, FOLDER "/.acmec", "not empty: none of ours");
    webroot_remove(answer);
    assert_true(place_has(&bed->place, FOLDER "/.acmec"));
    assert_int_equal(unlink(mark), 0);
    webroot_remove(put(bed, "token"));
    assert_true(place_has(&bed->place, FOLDER)); /* without a mark it is a person's */
    place_link(&bed->place, "nowhere", FOLDER "/.acmec");
    webroot_remove(put(bed, "token"));
    assert_true(place_has(&bed->place, FOLDER "/.acmec"));
    assert_int_equal(unlink(mark), 0);
    place_write(&bed->place, FOLDER "/.acmec", "");
    webroot_remove(put(bed, "token"));
    assert_int_equal(place_count(&bed->place, "www"), 0);
}

/* A folder that was moved away and linked to is not removed, nor what the link leads to. */
static void test_moved_folder(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE folder = place_path(&bed->place, FOLDER);
    AUTO_FREE moved = place_path(&bed->place, "moved");
    struct webroot_answer *answer = put(bed, "token");
    assert_int_equal(rename(folder, moved), 0);
    place_link(&bed->place, moved, FOLDER);
    webroot_remove(answer);
    assert_false(place_has(&bed->place, "moved/token"));
    assert_true(place_has(&bed->place, "moved/.acmec"));
    assert_true(place_has(&bed->place, FOLDER));
}

/* ---- where it cannot be ---- */

static void test_bad_places(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE missing = place_path(&bed->place, "missing");
    AUTO_FREE plain = place_path(&bed->place, "plain");
    place_write(&bed->place, "plain", "x");
    const struct {
        const char *webroot, *wanted;
    } rows[] = {{"www", "not an absolute path"},
                {"", "not an absolute path"},
                {missing, "missing': No such file"},
                {plain, "plain': Not a directory"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        refuse(rows[i].webroot, "token", ERR_FILES, rows[i].wanted);
        refuse_check(rows[i].webroot, rows[i].wanted);
        webroot_forget(rows[i].webroot, "token");
    }
    place_write(&bed->place, "www/.well-known", "x");
    refuse(bed->webroot, "token", ERR_FILES, "/.well-known': Not a directory");
    refuse_check(bed->webroot, "/.well-known': Not a directory");
}

static void test_check(void **state)
{
    const struct bed *bed = *state;
    struct error err = {0};
    assert_true(webroot_check(bed->webroot, &err));
    assert_int_equal(place_count(&bed->place, "www"), 0);
    make_folders(bed);
    assert_true(webroot_check(bed->webroot, &err));
    assert_int_equal(place_count(&bed->place, FOLDER), 0);
}

/* A webroot may be reached through links of ours. */
static void test_own_links(void **state)
{
    const struct bed *bed = *state;
    struct error err = {0};
    struct webroot_answer *answer = NULL;
    AUTO_FREE link = place_path(&bed->place, "link");
    place_mkdir(&bed->place, "shared", 0755);
    place_link(&bed->place, "www", "link");
    place_link(&bed->place, "../shared", "www/.well-known");
    assert_true(webroot_check(link, &err));
    assert_true(webroot_put(link, "token", ANSWER, &answer, &err));
    assert_true(place_holds(&bed->place, "shared/acme-challenge/token", "token.thumbprint"));
    webroot_remove(answer);
    assert_int_equal(place_count(&bed->place, "shared"), 0);
    assert_true(place_has(&bed->place, "www/.well-known"));
}

/* ---- a tenant's webroot, and root ---- */

static void test_tenant(void **state)
{
    const struct bed *bed = *state;
    if (geteuid() != 0)
        skip();
    give(bed, "www", TENANT);
    struct webroot_answer *answer = put(bed, "token");
    static const char *const made[] = {"www/.well-known", FOLDER, FOLDER "/token",
                                       FOLDER "/.acmec"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        assert_int_equal(place_status(&bed->place, made[i]).st_uid, TENANT);
        assert_int_equal(place_status(&bed->place, made[i]).st_gid, 65534);
    }
    assert_int_equal(powers_uid(), 0);
    webroot_remove(answer);
    assert_int_equal(place_count(&bed->place, "www"), 0);
    /* A mark of root's is none that the tenant's run made. */
    make_folders(bed);
    give(bed, "www/.well-known", TENANT);
    give(bed, FOLDER, TENANT);
    place_write(&bed->place, FOLDER "/.acmec", "");
    webroot_remove(put(bed, "token"));
    assert_true(place_has(&bed->place, FOLDER "/.acmec"));
}

/* What the tenant may not do, root does not do there. */
static void test_tenant_powers(void **state)
{
    const struct bed *bed = *state;
    struct error err = {0};
    if (geteuid() != 0)
        skip();
    give(bed, "www", TENANT);
    place_mkdir(&bed->place, "www/.well-known", 0755); /* root's */
    refuse(bed->webroot, "token", ERR_FILES, "Permission denied");
    refuse_check(bed->webroot, "/.well-known': Permission denied");
    assert_false(webroot_check(bed->webroot, &err));
    assert_non_null(strstr(err.hint, "as user 60001"));
    place_mkdir(&bed->place, FOLDER, 0755);
    give(bed, FOLDER, TENANT);
    /* A file of root's is neither replaced nor removed. */
    place_write(&bed->place, FOLDER "/token", "root's");
    refuse(bed->webroot, "token", ERR_FILES, "File exists");
    webroot_forget(bed->webroot, "token");
    assert_true(place_holds(&bed->place, FOLDER "/token", "root's"));
    place_mkdir(&bed->place, "www/private", 0700);
    AUTO_FREE hidden = place_path(&bed->place, "www/private");
    assert_true(webroot_check(hidden, &err)); /* root's own: root may */
}

static void test_tenant_links(void **state)
{
    const struct bed *bed = *state;
    struct error err = {0};
    if (geteuid() != 0)
        skip();
    AUTO_FREE link = place_path(&bed->place, "link");
    AUTO_FREE well_known = place_path(&bed->place, "www/.well-known");
    give(bed, "www", TENANT);
    place_mkdir(&bed->place, "root-only", 0777); /* root's: whoever leads there, root does not go */
    place_mkdir(&bed->place, "of-other", 0777);
    give(bed, "of-other", OTHER);
    static const struct {
        const char *target;
        uid_t owner;
        bool good;
    } rows[] = {{"../root-only", TENANT, true}, /* as the tenant, who may write there */
                {"../of-other", TENANT, true},
                {"../of-other", OTHER, false},
                {"../root-only", OTHER, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        place_link(&bed->place, rows[i].target, "www/.well-known");
        give(bed, "www/.well-known", rows[i].owner);
        err = (struct error){0};
        if (webroot_check(bed->webroot, &err) != rows[i].good)
            fail_msg("row %zu: %s", i, err.text);
        if (rows[i].good) {
            struct webroot_answer *answer = put(bed, "token");
            webroot_remove(answer);
        } else {
            refuse(bed->webroot, "token", ERR_FILES, "a symlink of somebody else");
            assert_non_null(strstr(err.hint, "must belong to root"));
        }
        assert_int_equal(unlink(well_known), 0);
        assert_int_equal(place_count(&bed->place, "root-only"), 0);
    }
    /* On the way to it: the tenant's own link or root's. */
    place_link(&bed->place, "www", "link");
    assert_true(webroot_check(link, &err));
    give(bed, "link", TENANT);
    assert_true(webroot_check(link, &err));
    give(bed, "link", OTHER);
    refuse_check(link, "a symlink of somebody else");
    refuse(link, "token", ERR_FILES, "a symlink of somebody else");
}

/* ---- what a killed run left ---- */

static void test_forget(void **state)
{
    const struct bed *bed = *state;
    AUTO_FREE token = place_path(&bed->place, FOLDER "/token");
    webroot_forget(bed->webroot, "token"); /* nothing there: nothing made */
    assert_int_equal(place_count(&bed->place, "www"), 0);
    struct webroot_answer *lost = put(bed, "token");
    place_write(&bed->place, FOLDER "/.token.tmp", "half");
    webroot_forget(bed->webroot, "token");
    assert_int_equal(place_count(&bed->place, "www"), 0);
    webroot_remove(lost); /* as another run would: gone already */
    /* Whatever has the name and is no plain file of ours stays. */
    make_folders(bed);
    place_link(&bed->place, "nowhere", FOLDER "/token");
    webroot_forget(bed->webroot, "token");
    assert_true(place_has(&bed->place, FOLDER "/token"));
    assert_int_equal(unlink(token), 0);
    assert_int_equal(mkdir(token, 0755), 0);
    webroot_forget(bed->webroot, "token");
    assert_true(place_has(&bed->place, FOLDER "/token"));
    assert_int_equal(rmdir(token), 0);
    place_mkdir(&bed->place, FOLDER "/deep", 0755);
    place_write(&bed->place, FOLDER "/deep/file", "x");
    webroot_forget(bed->webroot, "deep/file");
    assert_true(place_holds(&bed->place, FOLDER "/deep/file", "x"));
}

/* ---- faults ---- */

static int run_job(const char *dir)
{
    struct error err = {0};
    struct webroot_answer *answer = NULL;
    AUTO_FREE webroot = mem_printf("%s/www", dir);
    if (!webroot_put(webroot, "token", ANSWER, &answer, &err))
        return 1;
    free(answer); /* its members with the process: who is killed removes nothing */
    return 0;
}

static const char *const calls[] = {"openat", "mkdirat", "write", "fchmod", "renameat"};

/* A put that fails leaves what was there before, and the next one is fine. */
static void test_failing_calls(void **state)
{
    const struct bed *bed = *state;
    unsigned failed = 0;
    if (!fault_possible())
        skip();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        unsigned count = fault_count("put", bed->place.dir, calls[i]);
        webroot_forget(bed->webroot, "token");
        assert_true(count > 0);
        for (unsigned n = 1; n <= count; n++) {
            int code = fault_run("put", bed->place.dir, calls[i], "error=ENOSPC", n);
            size_t left = place_count(&bed->place, "www");
            bool there = place_holds(&bed->place, FOLDER "/token", "token.thumbprint");
            failed += code == 1;
            if ((code == 0) != there || (code != 0 && left != 0))
                fail_msg("%s %u: exit code %d, %zu left", calls[i], n, code, left);
            webroot_forget(bed->webroot, "token");
        }
    }
    assert_true(failed > 8);
    webroot_remove(put(bed, "token"));
    assert_int_equal(place_count(&bed->place, "www"), 0);
}

/* One that is killed leaves no half answer; the next run takes all away but an empty folder that
 * was not marked yet. */
static void test_killed(void **state)
{
    const struct bed *bed = *state;
    if (!fault_possible())
        skip();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        unsigned count = fault_count("put", bed->place.dir, calls[i]);
        webroot_forget(bed->webroot, "token");
        for (unsigned n = 1; n <= count; n++) {
            (void)fault_run("put", bed->place.dir, calls[i], "signal=KILL", n);
            if (place_has(&bed->place, FOLDER "/token"))
                assert_true(place_holds(&bed->place, FOLDER "/token", "token.thumbprint"));
            webroot_remove(put(bed, "token"));
            webroot_forget(bed->webroot, "token");
            if (place_count(&bed->place, FOLDER) != 0)
                fail_msg("%s %u: something is left", calls[i], n);
            AUTO_FREE inner = place_path(&bed->place, FOLDER);
            AUTO_FREE outer = place_path(&bed->place, "www/.well-known");
            AUTO_FREE mark = place_path(&bed->place, "www/.well-known/.acmec");
            (void)rmdir(inner);
            (void)unlink(mark);
            (void)rmdir(outer);
            assert_int_equal(place_count(&bed->place, "www"), 0);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_job(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_way, start, end),
        cmocka_unit_test_setup_teardown(test_others_folders, start, end),
        cmocka_unit_test_setup_teardown(test_shared_folders, start, end),
        cmocka_unit_test_setup_teardown(test_tokens, start, end),
        cmocka_unit_test_setup_teardown(test_name_is_taken, start, end),
        cmocka_unit_test_setup_teardown(test_temporary_is_taken, start, end),
        cmocka_unit_test_setup_teardown(test_replaced_since, start, end),
        cmocka_unit_test_setup_teardown(test_marks, start, end),
        cmocka_unit_test_setup_teardown(test_moved_folder, start, end),
        cmocka_unit_test_setup_teardown(test_bad_places, start, end),
        cmocka_unit_test_setup_teardown(test_check, start, end),
        cmocka_unit_test_setup_teardown(test_own_links, start, end),
        cmocka_unit_test_setup_teardown(test_tenant, start, end),
        cmocka_unit_test_setup_teardown(test_tenant_powers, start, end),
        cmocka_unit_test_setup_teardown(test_tenant_links, start, end),
        cmocka_unit_test_setup_teardown(test_forget, start, end),
        cmocka_unit_test_setup_teardown(test_failing_calls, start, end),
        cmocka_unit_test_setup_teardown(test_killed, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

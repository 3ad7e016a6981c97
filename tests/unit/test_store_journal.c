#include "fake/test_fault.h"
#include "fake/test_store.h"

#include <acmec/io/foreign.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CONF "etc/nginx.conf"
#define FILES 3

static const char *const olds[FILES] = {"old a\n", "old b, which is longer\n", "old c\n"};
static const char *const news[FILES] = {"new a, which is longer\nof two lines\n", "new b\nof two\n",
                                        ""};
static const char *const belows[FILES] = {"n/a", "n/b", "n/c"};
#define HIS "# a person's\n"
/* The first lines of what acmec writes. */
#define NEW_A "new a, which is longer\n"
#define NEW_B "new b\n"

static struct test_store bed;

static void write_olds(const struct place *place)
{
    for (size_t i = 0; i < FILES; i++) {
        AUTO_FREE path = place_path(place, belows[i]);
        (void)unlink(path);
        place_write(place, belows[i], olds[i]);
    }
}

static int start(void **state)
{
    test_store_make(&bed);
    place_mkdir(&bed.place, "n", 0755);
    place_write(&bed.place, CONF, "events {}\n");
    write_olds(&bed.place);
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_store_remove(&bed);
    return 0;
}

static char *conf(void)
{
    return place_path(&bed.place, CONF);
}

/* Everything but the first change of a file. */
static bool begin(struct journal *journal, bool in_place, struct error *err)
{
    AUTO_FREE main_conf = conf();
    if (!journal_new(bed.store, main_conf, "install 1", journal, err))
        return false;
    for (size_t i = 0; i < FILES; i++) {
        AUTO_FREE path = place_path(&bed.place, belows[i]);
        if (!journal_stage(bed.store, journal, path, in_place, span_str(olds[i]), span_str(news[i]),
                           err))
            return false;
    }
    return journal_begin(bed.store, journal, err);
}

/* The first `count` files, as acmec writes them. */
static bool write_files(struct journal *journal, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(foreign) file = {.dir = -1};
        if (!journal_will_write(bed.store, journal, i, err) ||
            !foreign_open(journal->files[i].path, journal->files[i].in_place, &file, err) ||
            !foreign_replace(&file, span_str(news[i]), err))
            return false;
    }
    return true;
}

static void change(size_t count)
{
    struct error err = {0};
    AUTO(journal) journal = {0};
    if (!begin(&journal, false, &err) || !write_files(&journal, count, &err))
        fail_msg("%s", err.text);
}

static bool recover(struct journal_recovery *out, struct error *err)
{
    AUTO_FREE main_conf = conf();
    return journal_recover(bed.store, main_conf, out, err);
}

static void expect_files(const char *a, const char *b, const char *c)
{
    const char *const wanted[] = {a, b, c};
    for (size_t i = 0; i < FILES; i++) {
        AUTO_FREE have = place_read(&bed.place, belows[i]);
        if ((wanted[i] == NULL) != (have == NULL) || (have != NULL && strcmp(have, wanted[i]) != 0))
            fail_msg("%s holds '%s'", belows[i], have == NULL ? "(nothing)" : have);
    }
}

static void expect_no_journal(void)
{
    assert_int_equal(place_count(&bed.place, "var/journal"), 0);
}

/* ---- */

static void test_nothing(void **state)
{
    (void)state;
    AUTO(journal_recovery) done = {0};
    struct error err = {0};
    char **confs = NULL;
    size_t count = 7;
    assert_true(recover(&done, &err));
    assert_false(done.found);
    assert_true(journal_list(bed.store, &confs, &count, &err));
    assert_int_equal(count, 0);
    assert_false(place_has(&bed.place, "var/journal")); /* nothing is made by looking */
}

static void test_round(void **state)
{
    (void)state;
    AUTO(journal) written = {0}, read = {0};
    struct error err = {0};
    bool found = false;
    char **confs = NULL;
    size_t count = 0;
    AUTO_FREE main_conf = conf();
    assert_true(begin(&written, true, &err));
    assert_true(journal_will_write(bed.store, &written, 1, &err));
    assert_true(journal_load(bed.store, main_conf, &read, &found, &err));
    assert_true(found);
    assert_string_equal(read.id, written.id);
    assert_string_equal(read.conf, main_conf);
    assert_string_equal(read.note, "install 1");
    assert_int_equal(read.phase, JOURNAL_WRITING);
    assert_int_equal(read.written, 2);
    assert_int_equal(read.count, FILES);
    assert_memory_equal(read.files[2].new_sha256, written.files[2].new_sha256, SHA256_SIZE);
    assert_true(read.files[0].in_place);
    assert_true(journal_list(bed.store, &confs, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(confs[0], main_conf);
    free(confs[0]);
    free(confs);
    assert_int_equal(place_mode(&bed.place, "var/journal"), 0700);
    AUTO_FREE below = mem_printf("var/journal/%s.json", written.id);
    assert_int_equal(place_mode(&bed.place, below), 0600);
    AUTO_FREE bytes = journal_new_path(bed.store, &written, 0);
    assert_true(strncmp(bytes, bed.place.dir, strlen(bed.place.dir)) == 0);
    assert_true(place_holds(&bed.place, bytes + strlen(bed.place.dir) + 1, news[0]));
    assert_true(journal_end(bed.store, &written, &err));
    assert_true(journal_end(bed.store, &written, &err));
    expect_no_journal();
}

/* One nginx has one name, whatever leads to it; two have two. */
static void test_id(void **state)
{
    (void)state;
    struct error err = {0};
    char first[JOURNAL_ID_SIZE], second[JOURNAL_ID_SIZE];
    place_link(&bed.place, "../" CONF, "n/link");
    AUTO_FREE main_conf = conf();
    AUTO_FREE link = place_path(&bed.place, "n/link");
    assert_true(journal_id(main_conf, first, &err) && journal_id(link, second, &err));
    assert_string_equal(first, second);
    assert_true(journal_id("/nowhere/nginx.conf", second, &err));
    assert_string_not_equal(first, second);
    AUTO(lock) one = {.fd = -1}, two = {.fd = -1}, three = {.fd = -1};
    assert_true(store_lock_nginx(bed.store, main_conf, &one, &err));
    assert_true(store_lock_nginx(bed.store, "/nowhere/nginx.conf", &two, &err));
    assert_false(store_lock_nginx(bed.store, link, &three, &err));
    assert_int_equal(err.code, ERR_LOCKED);
}

static void test_unfinished_is_in_the_way(void **state)
{
    (void)state;
    AUTO(journal) second = {0};
    struct error err = {0};
    AUTO_FREE main_conf = conf();
    change(1);
    assert_false(journal_new(bed.store, main_conf, NULL, &second, &err));
    assert_non_null(strstr(err.text, "is not finished"));
}

/* Staged and then forgotten: what is left is replaced by the next. */
static void test_staged_only(void **state)
{
    (void)state;
    AUTO(journal) first = {0}, second = {0};
    AUTO(journal_recovery) done = {0};
    struct error err = {0};
    AUTO_FREE main_conf = conf();
    assert_true(journal_new(bed.store, main_conf, NULL, &first, &err));
    assert_true(journal_stage(bed.store, &first, "/x", false, SPAN_LIT("1"), SPAN_LIT("2"), &err));
    assert_int_equal(place_count(&bed.place, "var/journal"), 2);
    assert_true(recover(&done, &err));
    assert_false(done.found);
    assert_true(journal_new(bed.store, main_conf, NULL, &second, &err));
    expect_no_journal();
}

/* ---- recovery ---- */

static void test_taken_back(void **state)
{
    (void)state;
    for (size_t written = 0; written <= FILES; written++) {
        AUTO(journal_recovery) done = {0};
        struct error err = {0};
        change(written);
        assert_true(recover(&done, &err));
        assert_true(done.found && !done.kept);
        assert_string_equal(done.note, "install 1");
        assert_int_equal(done.undo.restored, written);
        assert_int_equal(done.undo.left, 0);
        assert_int_equal(done.undo.error.code, ERR_NONE);
        expect_files(olds[0], olds[1], olds[2]);
        assert_int_equal(place_count(&bed.place, "n"), FILES);
        expect_no_journal();
    }
}

static void test_kept(void **state)
{
    (void)state;
    AUTO(journal) journal = {0};
    AUTO(journal_recovery) done = {0};
    struct error err = {0};
    assert_true(begin(&journal, false, &err) && write_files(&journal, FILES, &err));
    assert_true(journal_keep(bed.store, &journal, &err));
    assert_true(recover(&done, &err));
    assert_true(done.found && done.kept);
    expect_files(news[0], news[1], news[2]);
    expect_no_journal();
}

/* A person's edit of what acmec put there stays, and so does what stands before it in the order. */
static void test_changed_by_a_person(void **state)
{
    (void)state;
    static const struct {
        size_t changed;
        const char *his, *after[FILES];
        size_t restored, left;
    } cases[] = {
        {2, HIS, {NEW_A "of two lines\n", NEW_B "of two\n", HIS}, 0, 3},
        {1, NEW_B HIS, {NEW_A "of two lines\n", NEW_B HIS, "old c\n"}, 1, 2},
        {0, NEW_A HIS, {NEW_A HIS, "old b, which is longer\n", "old c\n"}, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(journal_recovery) done = {0};
        struct error err = {0};
        write_olds(&bed.place);
        change(FILES);
        place_write(&bed.place, belows[cases[i].changed], cases[i].his);
        assert_true(recover(&done, &err));
        expect_files(cases[i].after[0], cases[i].after[1], cases[i].after[2]);
        assert_int_equal(done.undo.restored, cases[i].restored);
        assert_int_equal(done.undo.left, cases[i].left);
        assert_int_equal(done.undo.fates[cases[i].changed], JOURNAL_CHANGED);
        assert_non_null(strstr(done.undo.error.text, belows[cases[i].changed]));
        expect_no_journal();
    }
}

/* Beside what acmec put there a person's edit stays, and all else is taken back. */
static void test_changed_beside_it(void **state)
{
    (void)state;
    AUTO(journal_recovery) done = {0};
    struct error err = {0};
    AUTO_FREE theirs = mem_printf("%s%s", news[1], HIS);
    AUTO_FREE left = mem_printf("%s%s", olds[1], HIS);
    write_olds(&bed.place);
    change(FILES);
    place_write(&bed.place, belows[1], theirs);
    assert_true(recover(&done, &err));
    expect_files(olds[0], left, olds[2]);
    assert_int_equal(done.undo.restored, FILES);
    assert_int_equal(done.undo.left, 0);
    expect_no_journal();
}

/* The one that was to be written next may have been written or not. */
static void test_changed_while_it_was_written(void **state)
{
    (void)state;
    AUTO(journal_recovery) done = {0};
    struct error err = {0};
    AUTO_FREE theirs = mem_printf("%s%s", olds[1], HIS);
    change(2);
    place_write(&bed.place, belows[1], theirs);
    assert_true(recover(&done, &err));
    expect_files(olds[0], theirs, olds[2]);
    assert_int_equal(done.undo.restored, 1);
    assert_int_equal(done.undo.left, 0);
}

/* One that acmec had not come to is nobody's business, and in no way. */
static void test_changed_before_it_was_written(void **state)
{
    (void)state;
    AUTO(journal_recovery) done = {0};
    struct error err = {0};
    change(2);
    place_write(&bed.place, belows[2], HIS);
    assert_true(recover(&done, &err));
    expect_files(olds[0], olds[1], HIS);
    assert_int_equal(done.undo.left, 0);
}

static void test_removed_by_a_person(void **state)
{
    (void)state;
    AUTO(journal_recovery) done = {0};
    struct error err = {0};
    AUTO_FREE path = place_path(&bed.place, belows[0]);
    change(FILES);
    assert_int_equal(unlink(path), 0);
    assert_true(recover(&done, &err));
    expect_files(NULL, olds[1], olds[2]);
    assert_int_equal(done.undo.fates[0], JOURNAL_CHANGED);
}

/* The journal stays until the file can be restored. */
static void test_cannot_be_restored(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    AUTO(journal_recovery) first = {0}, second = {0};
    struct error err = {0};
    AUTO_FREE folder = place_path(&bed.place, "n");
    change(FILES);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_false(recover(&first, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_true(first.undo.failed);
    expect_files(news[0], news[1], news[2]);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_true(recover(&second, &err));
    expect_files(olds[0], olds[1], olds[2]);
}

/* Written in place and cut off: half old, half new, and nobody's edit. */
static void test_half_written(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "new b, which is longer\n", "new b\nwhich was longer\n",          "new b\n", "new",
        "old b, which is longer\n", "old b\nof two\n\n\n\n\n\n\n\n\n\n\n"};
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        AUTO(journal) journal = {0};
        AUTO(journal_recovery) done = {0};
        struct error err = {0};
        bool mixed = i != 1;
        write_olds(&bed.place);
        assert_true(begin(&journal, true, &err) && write_files(&journal, 2, &err));
        place_write(&bed.place, belows[1], halves[i]);
        assert_true(recover(&done, &err));
        assert_true(place_holds(&bed.place, belows[1], mixed ? olds[1] : halves[i]));
        assert_int_equal(done.undo.left == 0, mixed);
    }
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "{\"format\":1}",
        "{\"format\":1,\"nginx_conf\":\"/x\",\"phase\":\"other\",\"written\":0,\"files\":[]}",
        "{\"format\":1,\"nginx_conf\":\"/x\",\"phase\":\"writing\",\"written\":1,\"files\":[]}",
        "{\"format\":1,\"nginx_conf\":\"/x\",\"phase\":\"writing\",\"written\":0,\"files\":[{}]}",
        "{\"format\":2}"};
    struct error err = {0};
    char id[JOURNAL_ID_SIZE], **confs = NULL;
    size_t count = 0;
    AUTO_FREE main_conf = conf();
    change(FILES);
    assert_true(journal_id(main_conf, id, &err));
    AUTO_FREE below = mem_printf("var/journal/%s.json", id);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        AUTO(journal_recovery) done = {0};
        place_write(&bed.place, below, texts[i]);
        assert_false(recover(&done, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.text, below));
        assert_false(journal_list(bed.store, &confs, &count, &err));
        assert_true(place_holds(&bed.place, below, texts[i]));
        expect_files(news[0], news[1], news[2]);
    }
}

/* Bytes that are not those of the hash are never put into nginx's files. */
static void test_damaged_bytes(void **state)
{
    (void)state;
    struct error err = {0};
    char id[JOURNAL_ID_SIZE];
    AUTO(journal_recovery) done = {0};
    AUTO_FREE main_conf = conf();
    change(1);
    assert_true(journal_id(main_conf, id, &err));
    AUTO_FREE below = mem_printf("var/journal/%s.0.old", id);
    place_write(&bed.place, below, "other");
    assert_false(recover(&done, &err));
    expect_files(news[0], olds[1], olds[2]);
}

/* ---- killed at every operation, of the change and of the recovery ---- */

static int run_job(const char *job, const char *dir)
{
    struct error err = {0};
    AUTO(journal) journal = {0};
    AUTO(journal_recovery) done = {0};
    (void)snprintf(bed.place.dir, sizeof bed.place.dir, "%s", dir);
    bed.store = NULL;
    test_store_reopen(&bed);
    bool good = strcmp(job, "recover") == 0 ? recover(&done, &err)
                                            : begin(&journal, strcmp(job, "in-place") == 0, &err) &&
                                                  write_files(&journal, FILES, &err) &&
                                                  journal_keep(bed.store, &journal, &err) &&
                                                  journal_end(bed.store, &journal, &err);
    store_close(bed.store);
    return good ? 0 : 1;
}

static void set_stage(const char *job)
{
    struct error err = {0};
    AUTO_FREE journal = place_path(&bed.place, "var/journal");
    for (size_t i = 0; i < FILES; i++) {
        AUTO_FREE temp = mem_printf("%s/n/.%c.acmec-tmp", bed.place.dir, (char)('a' + i));
        AUTO_FREE other = mem_printf("%s/n/%c.link", bed.place.dir, (char)('a' + i));
        (void)unlink(temp);
        (void)unlink(other);
    }
    write_olds(&bed.place);
    assert_true(file_remove_dir(journal, &err));
    if (strcmp(job, "recover") == 0)
        change(FILES);
    for (size_t i = 0; i < FILES && strcmp(job, "in-place") == 0; i++) {
        AUTO_FREE path = place_path(&bed.place, belows[i]);
        AUTO_FREE other = mem_printf("%s.link", path);
        assert_int_equal(link(path, other), 0);
    }
}

static bool all_are(const char *const *texts)
{
    return place_holds(&bed.place, belows[0], texts[0]) &&
           place_holds(&bed.place, belows[1], texts[1]) &&
           place_holds(&bed.place, belows[2], texts[2]);
}

/* After the recovery that the next run makes: all old, or (kept) all new. */
static void judge(const char *what, size_t links)
{
    struct error err = {0};
    AUTO(journal_recovery) done = {0};
    bool good = recover(&done, &err);
    if (!good)
        fail_msg("%s: %s", what, err.text);
    if (!all_are(olds) && !(all_are(news) && (!done.found || done.kept)))
        fail_msg("%s: neither old nor new", what);
    if (done.undo.left != 0)
        fail_msg("%s: %s", what, done.undo.error.text);
    /* A file whose removal failed is there; that much is the disk's fault. */
    if (strstr(what, "EIO at unlinkat") == NULL && place_count(&bed.place, "n") != FILES + links)
        fail_msg("%s: something is left beside the files", what);
}

static void every_operation(const char *job, const char *how)
{
    static const char *const calls[] = {FAULT_CALLS, "fallocate"};
    size_t links = strcmp(job, "in-place") == 0 ? FILES : 0, tried = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        set_stage(job);
        unsigned count = fault_count(job, bed.place.dir, calls[i]);
        unsigned step = count / 6 + 1;
        for (unsigned n = 1; n <= count; n += step, tried++) {
            AUTO_FREE what = mem_printf("%s, %s at %s %u", job, how, calls[i], n);
            set_stage(job);
            (void)fault_run(job, bed.place.dir, calls[i], how, n);
            judge(what, links);
        }
    }
    assert_true(tried > 20);
}

static void test_killed(void **state)
{
    (void)state;
    if (!fault_possible())
        skip();
    every_operation("change", "signal=KILL");
    every_operation("in-place", "signal=KILL");
    every_operation("recover", "signal=KILL");
}

static void test_failing(void **state)
{
    (void)state;
    if (!fault_possible())
        skip();
    every_operation("change", "error=EIO");
    every_operation("recover", "error=EIO");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_job(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),
        TEST(test_round),
        TEST(test_id),
        TEST(test_unfinished_is_in_the_way),
        TEST(test_staged_only),
        TEST(test_taken_back),
        TEST(test_kept),
        TEST(test_changed_by_a_person),
        TEST(test_changed_beside_it),
        TEST(test_changed_while_it_was_written),
        TEST(test_changed_before_it_was_written),
        TEST(test_removed_by_a_person),
        TEST(test_cannot_be_restored),
        TEST(test_half_written),
        TEST(test_damaged),
        TEST(test_damaged_bytes),
        TEST(test_killed),
        TEST(test_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

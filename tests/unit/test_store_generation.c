#include "fake/test_fault.h"
#include "fake/test_store.h"

#include <acmec/io/store_generation.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>

#include <cmocka.h>

#define NAME "a.example"

/* What live/NAME leads to, 0: nothing whole. Key, certificate and chain belong together. */
static unsigned live_of(const struct test_store *test)
{
    struct error err = {0};
    unsigned generation = 0;
    bool found = false;
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    struct key *key = NULL;
    AUTO_FREE path = place_path(&test->place, "etc/live/" NAME "/privkey.pem");
    bool whole = store_live_generation(test->store, NAME, &generation, &err) &&
                 store_read_live_chain(test->store, NAME, &chain, &found, &err) && found &&
                 file_read(path, &pem, NULL, &err) &&
                 key_read_pem(buf_span(&pem), ERR_FILES, &key, &err) &&
                 cert_fits_key(buf_span(&chain), key) &&
                 place_has(&test->place, "etc/live/" NAME "/cert.pem") &&
                 place_has(&test->place, "etc/live/" NAME "/chain.pem") &&
                 place_has(&test->place, "etc/live/" NAME "/meta.json");
    key_free(key);
    return whole ? generation : 0;
}

static bool commit(struct test_store *test, struct error *err)
{
    return test_commit(test->store, NAME, "ec256", "good", NULL, err);
}

/* ---- numbers and keys ---- */

static void test_next_generation(void **state)
{
    static const struct {
        const char *folder;
        unsigned next;
    } steps[] = {{"1", 2},
                 {"3.partial", 4},
                 {"2", 4},
                 {"0", 4},
                 {"07", 4},
                 {"x", 4},
                 {"9.other", 4},
                 {"-12", 4},
                 {"12abc", 4},
                 {"10", 11},
                 {".99", 11},
                 {"99999999999999999999", 11},
                 {"5.partial.partial", 11}};
    struct test_store *test = *state;
    struct error err = {0};
    unsigned next = 0;
    assert_true(store_next_generation(test->store, NAME, &next, &err));
    assert_int_equal(next, 1);
    place_mkdir(&test->place, "etc/archive/" NAME, 0755);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        AUTO_FREE path = mem_printf("etc/archive/" NAME "/%s", steps[i].folder);
        place_mkdir(&test->place, path, 0755);
        assert_true(store_next_generation(test->store, NAME, &next, &err));
        assert_int_equal(next, steps[i].next);
    }
    assert_false(store_next_generation(test->store, "..", &next, &err));
    assert_int_equal(err.code, ERR_USAGE);
    place_mkdir(&test->place, "etc/archive/" NAME "/999999999", 0755);
    assert_false(store_next_generation(test->store, NAME, &next, &err));
    assert_int_equal(err.code, ERR_FILES);
}

static void test_pending_key(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct key *key = test_key("ec256"), *other = test_key("ec384"), *back = NULL;
    bool found = true;
    assert_true(store_read_pending_key(test->store, NAME, 1, "", &back, &found, &err));
    assert_false(found);
    mode_t before = umask(0);
    assert_true(store_write_pending_key(test->store, NAME, 1, "", key, &err));
    (void)umask(before);
    assert_int_equal(place_mode(&test->place, "etc/archive/" NAME), 0755);
    assert_int_equal(place_mode(&test->place, "etc/archive/" NAME "/1.partial"), 0755);
    assert_int_equal(place_mode(&test->place, "etc/archive/" NAME "/1.partial/privkey.pem"), 0600);
    assert_true(store_read_pending_key(test->store, NAME, 1, "", &back, &found, &err));
    assert_true(found);
    assert_true(key_same_public(back, key));
    key_free(back);
    assert_false(store_write_pending_key(test->store, NAME, 1, "", other, &err));
    assert_true(store_read_pending_key(test->store, NAME, 1, "", &back, &found, &err));
    assert_true(key_same_public(back, key));
    key_free(back);
    place_write(&test->place, "etc/archive/" NAME "/1.partial/privkey.pem", "half a ke");
    assert_true(store_read_pending_key(test->store, NAME, 1, "", &back, &found, &err));
    assert_false(found);
    key_free(key);
    key_free(other);
}

static void test_drop_partials(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct key *key = test_key("ec256");
    store_drop_partials(test->store, NAME, 0);
    assert_true(commit(test, &err));
    for (unsigned n = 2; n < 5; n++)
        assert_true(store_write_pending_key(test->store, NAME, n, "", key, &err));
    key_free(key);
    place_write(&test->place, "etc/archive/" NAME "/3.partial/.privkey.pem.tmp", "half");
    store_drop_partials(test->store, NAME, 4);
    assert_int_equal(place_count(&test->place, "etc/archive/" NAME), 2);
    assert_true(place_has(&test->place, "etc/archive/" NAME "/4.partial"));
    store_drop_partials(test->store, NAME, 0);
    assert_int_equal(place_count(&test->place, "etc/archive/" NAME), 1);
    assert_int_equal(live_of(test), 1);
}

/* ---- commit ---- */

static void test_commit_layout(void **state)
{
    static const struct {
        const char *file;
        mode_t mode;
    } files[] = {{"privkey.pem", 0600},   {"cert.pem", 0644},  {"chain.pem", 0644},
                 {"fullchain.pem", 0644}, {"meta.json", 0600}, {"", 0755}};
    static const mode_t masks[] = {0, 077};
    struct test_store *test = *state;
    struct error err = {0};
    for (unsigned n = 1; n <= 2; n++) {
        mode_t before = umask(masks[n - 1]);
        assert_true(commit(test, &err));
        (void)umask(before);
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
            AUTO_FREE path = mem_printf("etc/archive/" NAME "/%u/%s", n, files[i].file);
            if (place_mode(&test->place, path) != files[i].mode)
                fail_msg("%s has mode %o", path, place_mode(&test->place, path));
        }
        AUTO_FREE folder = mem_printf("etc/archive/" NAME "/%u", n);
        assert_int_equal(place_count(&test->place, folder), 5);
        assert_int_equal(live_of(test), n);
    }
    char target[100] = "";
    AUTO_FREE live = place_path(&test->place, "etc/live/" NAME);
    assert_true(readlink(live, target, sizeof target - 1) > 0);
    assert_string_equal(target, "../archive/" NAME "/2");
    assert_int_equal(place_count(&test->place, "etc/live"), 1);
    assert_int_equal(place_count(&test->place, "etc/archive/" NAME), 2);
}

static void test_commit_contents(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    assert_true(commit(test, &err));
    AUTO_FREE cert = place_read(&test->place, "etc/live/" NAME "/cert.pem");
    AUTO_FREE chain = place_read(&test->place, "etc/live/" NAME "/chain.pem");
    AUTO_FREE whole = place_read(&test->place, "etc/live/" NAME "/fullchain.pem");
    AUTO_FREE meta = place_read(&test->place, "etc/live/" NAME "/meta.json");
    AUTO_FREE both = mem_printf("%s%s", cert, chain);
    assert_string_equal(both, whole);
    assert_true(strlen(cert) > 100 && strlen(chain) > 100);
    assert_int_equal(strncmp(meta, "{\n  \"format\": 1,\n", 17), 0);
    assert_non_null(strstr(meta, "\"https://ca.example/dir\""));
    assert_non_null(strstr(meta, "\"b.example\""));
}

static void test_generations_kept(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    for (unsigned n = 1; n <= 7; n++)
        assert_true(commit(test, &err));
    assert_int_equal(place_count(&test->place, "etc/archive/" NAME), 5);
    for (unsigned n = 3; n <= 7; n++) {
        AUTO_FREE path = mem_printf("etc/archive/" NAME "/%u", n);
        assert_true(place_has(&test->place, path));
    }
    /* Somebody's own folder is not ours to remove. */
    place_mkdir(&test->place, "etc/archive/" NAME "/backup", 0755);
    assert_true(commit(test, &err));
    assert_true(place_has(&test->place, "etc/archive/" NAME "/backup"));
    assert_false(place_has(&test->place, "etc/archive/" NAME "/3"));
    assert_int_equal(live_of(test), 8);
}

static void test_key_group(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    assert_true(store_check_key_group(NULL, &err));
    assert_true(store_check_key_group("root", &err));
    assert_false(store_check_key_group("no-such-group", &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, "no-such-group"));
    assert_string_not_equal(err.hint, "");
    assert_false(test_commit(test->store, NAME, "ec256", "good", "no-such-group", &err));
    assert_int_equal(live_of(test), 0);
    assert_int_equal(place_count(&test->place, "etc/archive/" NAME "/1.partial"), 1);
    store_drop_partials(test->store, NAME, 0);
    const struct group *group = getgrgid(geteuid() == 0 ? 1 : getegid());
    if (group == NULL)
        skip();
    assert_true(test_commit(test->store, NAME, "ec256", "good", group->gr_name, &err));
    struct stat status = place_status(&test->place, "etc/archive/" NAME "/1/privkey.pem");
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(status.st_gid, group->gr_gid);
    assert_int_equal(place_mode(&test->place, "etc/archive/" NAME "/1/cert.pem"), 0644);
}

static void test_commit_refused(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct identifier_list names = test_names(1);
    struct generation_parts parts = {.suffixes = {""},
                                     .chains = {SPAN_LIT("x")},
                                     .pairs = 1,
                                     .directory_url = "d",
                                     .account_url = "a",
                                     .names = &names};
    assert_true(commit(test, &err));
    /* no such partial generation */
    assert_false(store_commit(test->store, NAME, 5, &parts, NULL, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_false(store_commit(test->store, "..", 5, &parts, NULL, &err));
    assert_int_equal(err.code, ERR_USAGE);
    identifier_list_release(&names);
    assert_int_equal(live_of(test), 1);
    /* Somebody copied a backup back without its links. */
    AUTO_FREE live = place_path(&test->place, "etc/live/" NAME);
    assert_int_equal(unlink(live), 0);
    place_mkdir(&test->place, "etc/live/" NAME, 0755);
    assert_false(commit(test, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, "/live/" NAME));
    assert_int_equal(place_count(&test->place, "etc/live"), 1);
}

static void test_foreign_archive(void **state)
{
    if (geteuid() != 0)
        skip();
    struct test_store *test = *state;
    struct error err = {0};
    assert_true(commit(test, &err));
    AUTO_FREE archive = place_path(&test->place, "etc/archive/" NAME);
    assert_int_equal(chown(archive, 65534, 65534), 0);
    assert_false(commit(test, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, archive));
    bool found;
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    assert_false(store_read_live_chain(test->store, NAME, &chain, &found, &err));
    assert_int_equal(chown(archive, 0, 0), 0);
    store_drop_partials(test->store, NAME, 0);
    assert_true(commit(test, &err));
    assert_int_equal(live_of(test), 2);
}

/* ---- live ---- */

static void test_live_generation(void **state)
{
    static const struct {
        const char *target;
        unsigned generation;
    } links[] = {
        {"../archive/" NAME "/12", 12}, {"../archive/" NAME "/0", 0},
        {"../archive/" NAME "/1x", 0},  {"../archive/" NAME "/1/", 0},
        {"../archive/b.example/1", 0},  {"/etc/archive/" NAME "/1", 0},
        {"../archive/" NAME "/", 0},    {"../archive/" NAME "/1.partial", 0},
    };
    struct test_store *test = *state;
    struct error err = {0};
    AUTO_FREE live = place_path(&test->place, "etc/live/" NAME);
    unsigned generation = 7;
    assert_true(store_live_generation(test->store, NAME, &generation, &err));
    assert_int_equal(generation, 0);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        place_link(&test->place, links[i].target, "etc/live/" NAME);
        assert_true(store_live_generation(test->store, NAME, &generation, &err));
        assert_int_equal(generation, links[i].generation);
        assert_int_equal(unlink(live), 0);
    }
    place_mkdir(&test->place, "etc/live/" NAME, 0755);
    assert_true(store_live_generation(test->store, NAME, &generation, &err));
    assert_int_equal(generation, 0);
}

static void test_repair(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO_FREE live = place_path(&test->place, "etc/live/" NAME);
    assert_true(store_repair_live(test->store, NAME, &err)); /* nothing there, nothing to do */
    for (unsigned n = 1; n <= 3; n++)
        assert_true(commit(test, &err));
    assert_true(store_repair_live(test->store, NAME, &err));
    assert_int_equal(live_of(test), 3);
    assert_int_equal(unlink(live), 0);
    assert_true(store_repair_live(test->store, NAME, &err)); /* missing */
    assert_int_equal(live_of(test), 3);
    assert_int_equal(unlink(live), 0);
    place_link(&test->place, "../archive/" NAME "/9", "etc/live/" NAME);
    assert_true(store_repair_live(test->store, NAME, &err)); /* dangling */
    assert_int_equal(live_of(test), 3);
    AUTO_FREE key = place_path(&test->place, "etc/archive/" NAME "/3/privkey.pem");
    assert_int_equal(unlink(key), 0);
    place_write(&test->place, "etc/archive/" NAME "/2/fullchain.pem", "half");
    assert_true(store_repair_live(test->store, NAME, &err)); /* half of one, and another half */
    assert_int_equal(live_of(test), 1);
    /* An older generation that a person chose stays; a newer one is only superseded. */
    assert_true(commit(test, &err));
    assert_int_equal(unlink(live), 0);
    place_link(&test->place, "../archive/" NAME "/1", "etc/live/" NAME);
    assert_true(store_repair_live(test->store, NAME, &err));
    assert_int_equal(live_of(test), 1);
}

/* Key and chain of different generations in one folder are no whole generation. */
static void test_repair_mixed(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    assert_true(test_commit(test->store, NAME, "rsa2048", "rsa", NULL, &err));
    assert_true(commit(test, &err));
    AUTO_FREE from = place_path(&test->place, "etc/archive/" NAME "/1/privkey.pem");
    AUTO_FREE to = place_path(&test->place, "etc/archive/" NAME "/2/privkey.pem");
    AUTO_FREE live = place_path(&test->place, "etc/live/" NAME);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(unlink(live), 0);
    assert_true(store_repair_live(test->store, NAME, &err));
    assert_false(place_has(&test->place, "etc/live/" NAME));
}

static void test_leftovers(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    assert_true(commit(test, &err));
    place_write(&test->place, "etc/certs/." NAME ".conf.tmp", "half");
    place_write(&test->place, "var/certs/." NAME ".json.tmp", "half");
    place_link(&test->place, "x", "etc/live/." NAME ".tmp");
    assert_true(store_repair_live(test->store, NAME, &err));
    assert_int_equal(place_count(&test->place, "etc/certs"), 0);
    assert_int_equal(place_count(&test->place, "var/certs"), 0);
    assert_int_equal(place_count(&test->place, "etc/live"), 1);
    place_link(&test->place, "x", "etc/live/." NAME ".tmp");
    assert_true(commit(test, &err));
    assert_int_equal(live_of(test), 2);
    assert_int_equal(place_count(&test->place, "etc/live"), 1);
}

/* ---- several pairs, and none of ours ---- */

static void test_two_pairs(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct key *key = NULL;
    bool found = false;
    AUTO(cert_state) read = {0};
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    assert_true(test_commit_pairs(test->store, NAME, false, &err));
    assert_int_equal(place_mode(&test->place, "etc/live/" NAME "/privkey.rsa.pem"), 0600);
    assert_int_equal(place_mode(&test->place, "etc/live/" NAME "/fullchain.rsa.pem"), 0644);
    assert_true(place_has(&test->place, "etc/live/" NAME "/chain.rsa.pem"));
    assert_true(store_read_live_pair(test->store, NAME, ".rsa", &chain, &found, &err));
    assert_true(found);
    assert_true(store_read_live_pair(test->store, NAME, ".ecdsa", &chain, &found, &err));
    assert_false(found);
    assert_true(store_read_live_key(test->store, NAME, ".rsa", &key, &found, &err));
    assert_true(found);
    assert_int_equal(key_get_type(key), KEY_RSA_2048);
    key_free(key);
    assert_true(store_read_state(test->store, NAME, &read, &err));
    assert_int_equal(read.live.pairs, 2);
    assert_string_equal(read.live.request, "ecdsa-p256,rsa-2048");
    assert_string_equal(read.live.profile, "classic");
    assert_string_equal(read.live.account_url, "https://ca.example/acct/1");
    assert_int_equal(read.live.issued_at, 1800000000);
    assert_string_not_equal(read.live.ari[0].cert_id, read.live.ari[1].cert_id);
    assert_string_equal(read.live.ari[0].cert_id, "wjbnEpkSDZuje_G18ljUFXpBYxs.AIdlQyEAq83v");
}

/* A generation of which one key is gone is not whole: an older one is served again. */
static void test_half_a_second_pair(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    assert_true(commit(test, &err));
    assert_true(test_commit_pairs(test->store, NAME, false, &err));
    assert_int_equal(live_of(test), 2);
    AUTO_FREE key = place_path(&test->place, "etc/archive/" NAME "/2/privkey.rsa.pem");
    AUTO_FREE live = place_path(&test->place, "etc/live/" NAME);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(unlink(live), 0);
    assert_true(store_repair_live(test->store, NAME, &err));
    assert_int_equal(live_of(test), 1);
}

/* Where live/NAME leads, whoever has the key. */
static unsigned link_of(const struct test_store *test)
{
    struct error err = {0};
    unsigned generation = 0;
    assert_true(store_live_generation(test->store, NAME, &generation, &err));
    return generation;
}

static void test_without_key(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) read = {0};
    struct key *key = NULL;
    bool found = true;
    assert_true(commit(test, &err));
    assert_true(test_commit_pairs(test->store, NAME, true, &err));
    assert_int_equal(place_count(&test->place, "etc/archive/" NAME "/2"), 4);
    assert_false(place_has(&test->place, "etc/live/" NAME "/privkey.pem"));
    assert_true(store_read_live_key(test->store, NAME, "", &key, &found, &err));
    assert_false(found);
    assert_true(store_repair_live(test->store, NAME, &err));
    assert_int_equal(link_of(test), 2);
    AUTO_FREE live = place_path(&test->place, "etc/live/" NAME);
    assert_int_equal(unlink(live), 0);
    assert_true(store_repair_live(test->store, NAME, &err));
    assert_int_equal(link_of(test), 2);
    assert_true(store_read_state(test->store, NAME, &read, &err));
    assert_false(read.live.revoked);
    assert_true(store_mark_revoked(test->store, NAME, &err));
    cert_state_release(&read);
    assert_true(store_read_state(test->store, NAME, &read, &err));
    assert_true(read.live.revoked);
}

/* ---- faults ---- */

/* What the engine does at the start of an order, and then the commit. */
static bool next_run(struct test_store *test, struct error *err)
{
    if (!store_repair_live(test->store, NAME, err))
        return false;
    store_drop_partials(test->store, NAME, 0);
    return commit(test, err);
}

/* NULL: all is well after a fault that began with `before` live. */
static const char *what_is_wrong(struct test_store *test, unsigned before, int code)
{
    struct error err = {0};
    unsigned live = live_of(test), next = 0;
    if (!store_next_generation(test->store, NAME, &next, &err))
        return err.text[0] == '\0' ? "?" : "cannot list";
    if (live != before && live != before + 1)
        return "live is neither the old nor the new one, or not whole";
    if (code == 0 && live != before + 1)
        return "success, and not live";
    if (!next_run(test, &err))
        return "the next run failed";
    if (live_of(test) != next && live_of(test) != next - 1)
        return "the next run is not live";
    store_drop_partials(test->store, NAME, 0);
    if (place_count(&test->place, "etc/live") != 1 || place_count(&test->place, "etc/certs") != 0 ||
        place_count(&test->place, "etc/archive/" NAME) > STORE_GENERATIONS_KEPT)
        return "something is left over";
    return NULL;
}

static void faults(struct test_store *test, const char *how, unsigned minimum)
{
    static const char *const calls[] = {FAULT_CALLS};
    struct error err = {0};
    unsigned failed = 0;
    if (!fault_possible())
        skip();
    for (size_t i = 0; i < 6; i++)
        assert_true(commit(test, &err));
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        unsigned count = fault_count("commit", test->place.dir, calls[i]);
        for (unsigned n = 1; n <= count; n++) {
            unsigned before = live_of(test);
            int code = fault_run("commit", test->place.dir, calls[i], how, n);
            const char *wrong = what_is_wrong(test, before, code);
            failed += code != 0;
            if (wrong != NULL)
                fail_msg("%s %u, %s (exit code %d): %s", calls[i], n, how, code, wrong);
        }
    }
    print_message("%s: %u runs failed\n", how, failed);
    assert_true(failed >= minimum);
}

static void test_failures(void **state)
{
    faults(*state, "error=ENOSPC", 30);
}

static void test_kills(void **state)
{
    faults(*state, "signal=KILL", 60);
}

/* Each number of inodes fills the disk at another moment. */
static void test_full_disk(void **state)
{
    if (geteuid() != 0)
        skip();
    struct test_store *test = *state;
    AUTO_FREE etc = place_path(&test->place, "etc");
    unsigned refused = 0;
    for (unsigned inodes = 2; inodes < 20; inodes++) {
        struct error err = {0};
        AUTO_FREE few = mem_printf("nr_inodes=%u,mode=755", inodes);
        if (mount("none", etc, "tmpfs", 0, few) != 0)
            skip();
        bool first = store_prepare(test->store, &err) && next_run(test, &err);
        bool second = mount("none", etc, "tmpfs", MS_REMOUNT, "nr_inodes=1000,mode=755") == 0 &&
                      store_prepare(test->store, &err) && next_run(test, &err);
        bool whole = live_of(test) != 0;
        assert_int_equal(umount(etc), 0);
        assert_true(second && whole);
        refused += !first;
        if (!first && (err.code != ERR_FILES || strstr(err.text, "No space left") == NULL))
            fail_msg("%u inodes: %s", inodes, err.text);
    }
    assert_true(refused > 5);
}

/* In a run of its own, for faults: `test_store_generation commit DIR`. */
static int child(const char *dir)
{
    struct test_store test = {0};
    struct error err = {0};
    (void)snprintf(test.place.dir, sizeof test.place.dir, "%s", dir);
    test_store_reopen(&test);
    bool good = next_run(&test, &err);
    store_close(test.store);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return child(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_next_generation, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_pending_key, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_drop_partials, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_two_pairs, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_half_a_second_pair, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_without_key, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_commit_layout, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_commit_contents, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_generations_kept, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_key_group, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_commit_refused, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_archive, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_live_generation, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_repair, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_repair_mixed, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_leftovers, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_failures, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_kills, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, test_store_set_up, test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

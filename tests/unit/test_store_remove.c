#include "fake/test_store.h"

#include <acmec/io/store_remove.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define NAME "a.example"

static void fill(struct test_store *test, const char *name)
{
    struct error err = {0};
    struct key *key = test_key("ec256");
    AUTO(cert_state) state = {0};
    assert_true(test_commit(test->store, name, "ec256", "good", NULL, &err));
    assert_true(test_commit(test->store, name, "ec256", "good", NULL, &err));
    assert_true(store_write_pending_key(test->store, name, 3, "", key, &err));
    assert_true(store_write_conf(test->store, name, SPAN_LIT("domain = a.example\n"), &err));
    assert_true(store_read_state(test->store, name, &state, &err));
    assert_true(store_write_state(test->store, name, &state, &err));
    key_free(key);
}

static void test_all_of_one(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    fill(test, NAME);
    fill(test, "b.example");
    assert_true(store_remains(test->store, NAME));
    assert_true(store_remove(test->store, NAME, &err));
    assert_false(place_has(&test->place, "etc/certs/" NAME ".conf"));
    assert_false(place_has(&test->place, "etc/live/" NAME));
    assert_false(place_has(&test->place, "etc/archive/" NAME));
    assert_false(place_has(&test->place, "var/certs/" NAME ".json"));
    assert_true(place_has(&test->place, "etc/certs/b.example.conf"));
    assert_true(place_has(&test->place, "etc/live/b.example/privkey.pem"));
    assert_true(place_has(&test->place, "var/certs/b.example.json"));
    assert_false(store_remains(test->store, NAME));
    assert_true(store_remains(test->store, "b.example"));
    assert_true(store_remove(test->store, NAME, &err)); /* again: nothing */
}

/* What a run that was killed left is taken away by the next. */
static void test_halves(void **state)
{
    static const char *const gone[] = {"etc/certs/" NAME ".conf", "etc/live/" NAME,
                                       "var/certs/" NAME ".json",
                                       "etc/archive/" NAME "/1/privkey.pem"};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        struct test_store *test = *state;
        struct error err = {0};
        fill(test, NAME);
        AUTO_FREE path = place_path(&test->place, gone[i]);
        assert_int_equal(unlink(path), 0);
        assert_true(store_remains(test->store, NAME));
        assert_true(store_remove(test->store, NAME, &err));
        assert_false(place_has(&test->place, "etc/archive/" NAME));
    }
}

static void test_a_persons_files_stay(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    fill(test, NAME);
    place_write(&test->place, "etc/archive/" NAME "/README", "mine");
    assert_false(store_remove(test->store, NAME, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_true(place_holds(&test->place, "etc/archive/" NAME "/README", "mine"));
    assert_false(place_has(&test->place, "etc/archive/" NAME "/1"));
}

static void test_bad_names(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    assert_false(store_remove(test->store, "..", &err));
    assert_int_equal(err.code, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_of_one, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_halves, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_a_persons_files_stay, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_bad_names, test_store_set_up, test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fake/test_store.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define FILE_NAME "etc/compromised-keys.json"
#define FIRST "aa11"
#define SECOND "bb22"

static bool is_banned(struct test_store *test, const char *fingerprint)
{
    struct error err = {0};
    bool banned = false;
    assert_true(store_key_is_banned(test->store, fingerprint, &banned, &err));
    return banned;
}

static void test_ban(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    assert_false(is_banned(test, FIRST));
    assert_false(place_has(&test->place, FILE_NAME)); /* looking writes nothing */
    assert_true(store_ban_key(test->store, FIRST, 1800000000, &err));
    assert_true(is_banned(test, FIRST));
    assert_false(is_banned(test, SECOND));
    assert_true(store_ban_key(test->store, SECOND, 1800000001, &err));
    AUTO_FREE before = place_read(&test->place, FILE_NAME);
    assert_true(store_ban_key(test->store, FIRST, 1900000000, &err)); /* the first time counts */
    assert_true(place_holds(&test->place, FILE_NAME, before));
    test_store_reopen(test);
    assert_true(is_banned(test, FIRST));
    assert_true(is_banned(test, SECOND));
    assert_int_equal(place_mode(&test->place, FILE_NAME), 0600);
}

/* Not known is not allowed. */
static void test_damaged(void **state)
{
    static const char *const texts[] = {"", "{", "[]", "{\"format\": 1}",
                                        "{\"format\": 1, \"keys\": []}"};
    struct test_store *test = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error err = {0};
        bool banned = false;
        place_write(&test->place, FILE_NAME, texts[i]);
        assert_false(store_key_is_banned(test->store, FIRST, &banned, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_false(store_ban_key(test->store, FIRST, 1800000000, &err));
        assert_true(place_holds(&test->place, FILE_NAME, texts[i]));
    }
}

static void test_later_format(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    bool banned = false;
    place_write(&test->place, FILE_NAME, "{\"format\": 2, \"keys\": {}}");
    assert_false(store_key_is_banned(test->store, FIRST, &banned, &err));
    assert_int_equal(err.code, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ban, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_later_format, test_store_set_up, test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

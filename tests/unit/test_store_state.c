#include "fake/test_store.h"

#include <acmec/io/store_state.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STATE_FILE "var/certs/a.example.json"

static void write_text(const struct test_store *test, const char *text)
{
    place_write(&test->place, STATE_FILE, text);
    AUTO_FREE path = place_path(&test->place, STATE_FILE);
    assert_int_equal(chmod(path, 0600), 0);
}

/* Everything set; owned. */
static struct cert_state full_state(void)
{
    struct cert_state full = {
        .live = {.generation = 3,
                 .not_before = 1800000000,
                 .not_after = 1807776000,
                 .serial = "0abc",
                 .issuer = "Test CA",
                 .directory_url = mem_strdup("https://ca.example/dir"),
                 .due_at = 1805184000,
                 .conf = {INT64_C(1800000000123456789), 77, 1234567890123},
                 .defaults = {1, 2, 3}},
        .failure = {.count = 2, .at = 1800000100, .next_attempt = 1800000700},
        .deploy_pending = true,
    };
    struct identifier ip = {IDENTIFIER_IP, "2001:db8::1"};
    struct identifier wildcard = {IDENTIFIER_DNS, "*.b.example"};
    full.live.names = test_names(2);
    (void)identifier_list_add(&full.live.names, &ip);
    (void)identifier_list_add(&full.live.names, &wildcard);
    stored_order_set(&full.orders[0], "https://ca.example/order/9", "https://ca.example/dir",
                     "https://ca.example/acct/1", 4, "rsa-2048", &full.live.names);
    stored_order_set(&full.orders[1], "https://ca.example/order/10", "https://ca.example/dir",
                     "https://ca.example/acct/1", 4, "rsa-2048", &full.live.names);
    full.live.account_url = mem_strdup("https://ca.example/acct/1");
    full.live.request = mem_strdup("ecdsa-p256,rsa-2048; must-staple");
    full.live.profile = mem_strdup("classic");
    full.live.issued_at = 1800000003;
    full.live.by_ari = full.live.revoked = true;
    full.live.pairs = 2;
    full.live.ari[0] = (struct stored_ari){
        "aYhb.AIdl", 1800000010, 1800000020, 1800000015, 1800000016, 3, "https://ca.example/why"};
    full.live.ari[1] = (struct stored_ari){.cert_id = "aYhb.AIdm"};
    (void)(fail)(&full.failure.error, ERR_REFUSED, "CA refused \"it\"");
    (void)with_hint(&full.failure.error, "do this");
    full.failure.error.retry_at = 1800001000;
    (void)snprintf(full.failure.error.acme_type, sizeof full.failure.error.acme_type,
                   "urn:ietf:params:acme:error:dns");
    (void)(fail)(&full.deploy_error, ERR_HOOK, "hook failed");
    return full;
}

static void assert_same_error(const struct error *a, const struct error *b)
{
    assert_int_equal(a->code, b->code);
    assert_string_equal(a->text, b->text);
    assert_string_equal(a->hint, b->hint);
    assert_string_equal(a->acme_type, b->acme_type);
    assert_int_equal(a->retry_at, b->retry_at);
}

static void assert_same(const struct cert_state *a, const struct cert_state *b)
{
    assert_int_equal(a->live.generation, b->live.generation);
    assert_int_equal(a->live.not_before, b->live.not_before);
    assert_int_equal(a->live.not_after, b->live.not_after);
    assert_int_equal(a->live.due_at, b->live.due_at);
    assert_string_equal(a->live.serial, b->live.serial);
    assert_string_equal(a->live.issuer, b->live.issuer);
    assert_string_equal(a->live.directory_url, b->live.directory_url);
    assert_true(identifier_list_same_set(&a->live.names, &b->live.names));
    assert_true(file_stamp_equals(&a->live.conf, &b->live.conf));
    assert_true(file_stamp_equals(&a->live.defaults, &b->live.defaults));
    assert_string_equal(a->orders[0].url, b->orders[0].url);
    assert_string_equal(a->orders[0].directory_url, b->orders[0].directory_url);
    assert_string_equal(a->orders[0].account_url, b->orders[0].account_url);
    assert_int_equal(a->orders[0].generation, b->orders[0].generation);
    assert_string_equal(a->orders[0].request, b->orders[0].request);
    assert_true(identifier_list_same_set(&a->orders[0].names, &b->orders[0].names));
    assert_string_equal(a->orders[1].url, b->orders[1].url);
    assert_string_equal(a->live.account_url, b->live.account_url);
    assert_string_equal(a->live.request, b->live.request);
    assert_string_equal(a->live.profile, b->live.profile);
    assert_int_equal(a->live.issued_at, b->live.issued_at);
    assert_int_equal(a->live.by_ari, b->live.by_ari);
    assert_int_equal(a->live.revoked, b->live.revoked);
    assert_int_equal(a->live.pairs, b->live.pairs);
    for (size_t i = 0; i < a->live.pairs; i++) {
        const struct stored_ari *left = &a->live.ari[i], *right = &b->live.ari[i];
        assert_string_equal(left->cert_id, right->cert_id);
        assert_int_equal(left->start, right->start);
        assert_int_equal(left->end, right->end);
        assert_int_equal(left->chosen, right->chosen);
        assert_int_equal(left->next_check, right->next_check);
        assert_int_equal(left->failures, right->failures);
        assert_string_equal(left->explanation, right->explanation);
    }
    assert_int_equal(a->failure.count, b->failure.count);
    assert_int_equal(a->failure.at, b->failure.at);
    assert_int_equal(a->failure.next_attempt, b->failure.next_attempt);
    assert_same_error(&a->failure.error, &b->failure.error);
    assert_int_equal(a->deploy_pending, b->deploy_pending);
    assert_same_error(&a->deploy_error, &b->deploy_error);
}

static void test_round_trip(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) full = full_state();
    AUTO(cert_state) back = {0};
    assert_true(store_write_state(test->store, "a.example", &full, &err));
    assert_int_equal(place_mode(&test->place, STATE_FILE), 0600);
    assert_true(store_read_state(test->store, "a.example", &back, &err));
    assert_same(&full, &back);
    AUTO_FREE text = place_read(&test->place, STATE_FILE);
    assert_int_equal(strncmp(text, "{\n  \"format\": 1,", 16), 0);
    assert_non_null(strstr(text, "\"next_attempt\": \"2027-01-15T08:11:40Z\""));
    assert_non_null(strstr(text, "\"request\": \"rsa-2048\""));
}

static void test_empty(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    struct cert_state none = {0};
    AUTO(cert_state) back = {.deploy_pending = true};
    AUTO(cert_state) full = full_state();
    assert_true(store_read_state(test->store, "a.example", &back, &err));
    assert_memory_equal(&back, &none, sizeof none);
    assert_true(store_write_state(test->store, "a.example", &full, &err));
    assert_true(store_write_state(test->store, "a.example", &none, &err)); /* all is taken away */
    assert_true(store_read_state(test->store, "a.example", &back, &err));
    assert_memory_equal(&back, &none, sizeof none);
}

static void test_unknown_members_stay(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) full = full_state();
    write_text(test, "{\"later\": {\"x\": [1, 2]}, \"format\": 1, \"deploy\": {\"by\": \"me\"},"
                     " \"live\": {\"odd\": \"soon\"}}");
    assert_true(store_write_state(test->store, "a.example", &full, &err));
    assert_true(store_write_state(test->store, "a.example", &full, &err));
    AUTO_FREE text = place_read(&test->place, STATE_FILE);
    assert_int_equal(strncmp(text, "{\n  \"format\": 1,", 16), 0);
    assert_non_null(strstr(text, "\"later\": {\n    \"x\": ["));
    assert_non_null(strstr(text, "\"by\": \"me\""));
    assert_non_null(strstr(text, "\"odd\": \"soon\""));
}

static void test_higher_format(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) full = full_state();
    AUTO(cert_state) back = {0};
    write_text(test, "{\"format\": 2}");
    assert_false(store_read_state(test->store, "a.example", &back, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(err_exit_code(err.code), 3);
    assert_string_not_equal(err.hint, "");
    err = (struct error){0};
    assert_false(store_write_state(test->store, "a.example", &full, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_true(place_holds(&test->place, STATE_FILE, "{\"format\": 2}"));
    assert_int_equal(place_count(&test->place, "var/certs"), 1);
}

static const char *const damaged[] = {
    "",
    "{",
    "[]",
    "null",
    "{}",
    "{\"format\": 0}",
    "{\"format\": \"1\"}",
    "{\"format\": 1.0}",
    "{\"format\": 1, \"order\": 7}",
    "{\"format\": 1, \"order\": {}}",
    "{\"format\": 1, \"live\": []}",
    "{\"format\": 1, \"live\": {\"generation\": 1}}",
    "{\"format\": 1, \"live\": {\"generation\": -1, \"names\": [\"a.example\"]}}",
    "{\"format\": 1, \"failure\": {\"count\": \"one\"}}",
    "{\"format\": 1, \"failure\": {\"count\": 1, \"at\": 5}}",
    "{\"format\": 1, \"failure\": {\"count\": 1, \"at\": \"yesterday\"}}",
    "{\"format\": 1, \"failure\": {\"count\": 1, \"error\": {\"class\": \"odd\"}}}",
    "{\"format\": 1, \"failure\": {\"count\": 1, \"error\": {}}}",
    "{\"format\": 1, \"deploy\": {\"pending\": \"yes\"}}",
    "{\"format\": 1, \"deploy\": {\"pending\": true}, \"deploy\": {}}",
    "{\"format\": 1, \"order\": {\"url\": \"u\", \"ca\": \"c\", \"account\": \"a\","
    " \"generation\": 1, \"request\": 7, \"names\": [\"a.example\"]}}",
    "{\"format\": 1, \"order\": {\"url\": \"u\", \"ca\": \"c\", \"account\": \"a\","
    " \"generation\": 1, \"request\": \"rsa-2048\", \"names\": [\"a b\"]}}",
};

/* Wrong in any way, it is derived from live/NAME, and what is derived can be written again. */
static void test_damaged(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) full = full_state();
    assert_true(test_commit(test->store, "a.example", "ec256", "good", NULL, &err));
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        AUTO(cert_state) back = {0}, again = {0};
        write_text(test, damaged[i]);
        if (!store_read_state(test->store, "a.example", &back, &err))
            fail_msg("%s: %s", damaged[i], err.text);
        if (back.live.generation != 1 || back.failure.count != 0 || back.orders[0].url != NULL)
            fail_msg("%s: not derived", damaged[i]);
        assert_true(store_write_state(test->store, "a.example", &full, &err));
        assert_true(store_read_state(test->store, "a.example", &again, &err));
        assert_same(&full, &again);
    }
}

static void test_derived(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) back = {0};
    assert_true(test_commit(test->store, "a.example", "rsa2048", "rsa", NULL, &err));
    assert_true(test_commit(test->store, "a.example", "ec256", "good", NULL, &err));
    assert_true(store_read_state(test->store, "a.example", &back, &err));
    assert_int_equal(back.live.generation, 2);
    assert_string_equal(back.live.serial, "0087654321"
                                          "00abcdef");
    assert_string_equal(back.live.issuer, "Test Intermediate");
    assert_string_equal(back.live.directory_url, "https://ca.example/dir");
    assert_int_equal(back.live.names.count, 4);
    assert_true(back.live.not_before < back.live.not_after);
    assert_int_equal(back.live.due_at, 0);
    assert_false(place_has(&test->place, STATE_FILE)); /* reading writes nothing */
}

/* Parts of the live generation are missing: what is left is told, and nothing fails. */
static void test_derived_from_less(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) back = {0}, none = {0};
    assert_true(test_commit(test->store, "a.example", "ec256", "good", NULL, &err));
    AUTO_FREE meta = place_path(&test->place, "etc/archive/a.example/1/meta.json");
    assert_int_equal(unlink(meta), 0);
    assert_true(store_read_state(test->store, "a.example", &back, &err));
    assert_int_equal(back.live.generation, 1);
    assert_null(back.live.directory_url);
    place_write(&test->place, "etc/archive/a.example/1/fullchain.pem", "rubbish");
    assert_true(store_read_state(test->store, "a.example", &none, &err));
    assert_int_equal(none.live.generation, 0);
    assert_null(none.live.names.items);
}

/* A run that was killed after the switch: the order is fulfilled, a newer one is not. */
static void test_derive_live(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) old = full_state(), newer = full_state();
    old.orders[0].generation = 1;
    newer.orders[0].generation = 2;
    assert_true(test_commit(test->store, "a.example", "ec256", "good", NULL, &err));
    assert_true(store_derive_live(test->store, "a.example", &old, &err));
    assert_int_equal(old.live.generation, 1);
    assert_null(old.orders[0].url);
    assert_int_equal(old.failure.count, 0);
    assert_true(store_derive_live(test->store, "a.example", &newer, &err));
    assert_string_equal(newer.orders[0].url, "https://ca.example/order/9");
    assert_int_equal(newer.failure.count, 2);
}

static void test_refused(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(cert_state) back = {0}, full = full_state();
    assert_false(store_read_state(test->store, "../a", &back, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_false(store_write_state(test->store, "../a", &full, &err));
    assert_false(store_derive_live(test->store, "../a", &full, &err));
    if (geteuid() != 0)
        skip();
    write_text(test, "{\"format\": 1}");
    AUTO_FREE path = place_path(&test->place, STATE_FILE);
    assert_int_equal(chown(path, 65534, 0), 0);
    assert_false(store_read_state(test->store, "a.example", &back, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_empty, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_members_stay, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_higher_format, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_derived, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_derived_from_less, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_derive_live, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(test_refused, test_store_set_up, test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

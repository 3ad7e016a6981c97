#include "fake/test_store.h"

#include <acmec/base/cleanup.h>
#include <acmec/io/store_records.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FILE_OF_A "var/journal/a.example.proofs.json"

static const struct stored_record plain = {
    .script = (char[]){"dns:exec:/etc/hook"},
    .name = (char[]){"_acme-challenge.a.example"},
    .value = (char[]){"value-1"},
    .domain = (char[]){"a.example"},
    .domains = (char[]){"a.example,*.a.example"},
    .token = (char[]){"token"},
};

static void put(struct test_store *test, const struct stored_record *one,
                const struct stored_record *other)
{
    const struct stored_record *rows[] = {one, other};
    size_t count = one == NULL ? 0 : other == NULL ? 1 : 2;
    struct error err = {0};
    if (!store_write_records(test->store, "a.example", rows, count, &err))
        fail_msg("%s", err.text);
}

static void what_is_written_is_read(void **state)
{
    struct test_store *test = *state;
    struct stored_record more = plain;
    struct error err = {0};
    AUTO(record_list) list = {0};
    more.output = (char[]){"two\nlines"};
    more.value = (char[]){"value-2"};
    more.tries = 2;
    more.remaining = 1;
    put(test, &plain, &more);
    assert_int_equal(place_mode(&test->place, FILE_OF_A), 0600);
    assert_int_equal(place_mode(&test->place, "var/journal"), 0700);
    assert_true(store_read_records(test->store, "a.example", &list, &err));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].script, "dns:exec:/etc/hook");
    assert_null(list.items[0].output);
    assert_int_equal(list.items[0].tries, 0);
    assert_string_equal(list.items[1].value, "value-2");
    assert_string_equal(list.items[1].output, "two\nlines");
    assert_string_equal(list.items[1].domains, "a.example,*.a.example");
    assert_int_equal(list.items[0].remaining, 0);
    assert_int_equal(list.items[1].remaining, 1);
    assert_int_equal(list.items[1].tries, 2);
}

static void none_is_no_file(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(record_list) list = {0};
    AUTO(name_list) names = {0};
    put(test, NULL, NULL);
    put(test, &plain, NULL);
    put(test, NULL, NULL);
    assert_false(place_has(&test->place, FILE_OF_A));
    assert_true(store_read_records(test->store, "a.example", &list, &err));
    assert_int_equal(list.count, 0);
    assert_true(store_list_records(test->store, &names, &err));
    assert_int_equal(names.count, 0);
}

static void those_that_have_one_are_listed(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(name_list) none = {0}, names = {0};
    assert_true(store_list_records(test->store, &none, &err));
    assert_int_equal(none.count, 0);
    put(test, &plain, NULL);
    place_write(&test->place, "var/journal/nginx-1.json", "{}");
    place_write(&test->place, "var/journal/.a.example.proofs.json.tmp", "{}");
    place_write(&test->place, "var/journal/..proofs.json", "{}");
    assert_true(store_list_records(test->store, &names, &err));
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], "a.example");
}

static void damage_is_left_out(void **state)
{
    struct test_store *test = *state;
    struct error err = {0};
    AUTO(record_list) list = {0}, none = {0};
    place_mkdir(&test->place, "var/journal", 0700);
    place_write(&test->place, FILE_OF_A,
                "{\"format\":1,\"records\":[{\"script\":\"exec:/a\"},17,{\"script\":\"exec:/a\","
                "\"name\":\"n\",\"value\":\"v\",\"domain\":\"d\",\"domains\":\"d\",\"token\":\"t\","
                "\"output\":null,\"tries\":0,\"new\":1}]}");
    AUTO_FREE path = place_path(&test->place, FILE_OF_A);
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(store_read_records(test->store, "a.example", &list, &err));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].value, "v");
    place_write(&test->place, FILE_OF_A, "{\"format\":1,");
    assert_true(store_read_records(test->store, "a.example", &none, &err));
    assert_int_equal(none.count, 0);
    assert_false(store_read_records(test->store, "../a", &none, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(none_is_no_file, test_store_set_up, test_store_tear_down),
        cmocka_unit_test_setup_teardown(those_that_have_one_are_listed, test_store_set_up,
                                        test_store_tear_down),
        cmocka_unit_test_setup_teardown(damage_is_left_out, test_store_set_up,
                                        test_store_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

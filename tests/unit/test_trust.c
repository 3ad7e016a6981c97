#include <acmec/engine/trust.h>

#include "fake/test_place.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What the system trusts is its own matter: what is given comes after it. */
static void test_a_bundle_counts_beside_the_system(void **state)
{
    (void)state;
    AUTO(buf) system = {0};
    AUTO(buf) both = {0};
    struct place place;
    struct error err = {0};
    place_make(&place);
    place_write(&place, "roots.pem", "ROOTS\n");
    AUTO_FREE path = place_path(&place, "roots.pem");
    assert_true(trust_read(NULL, &system, &err));
    assert_true(trust_read(path, &both, &err));
    assert_int_equal(both.len, system.len + 1 + strlen("ROOTS\n"));
    assert_string_equal(buf_str(&both) + system.len + 1, "ROOTS\n");
    place_remove(&place);
}

static void test_a_bundle_that_is_not_there(void **state)
{
    (void)state;
    AUTO(buf) out = {0};
    struct error err = {0};
    assert_false(trust_read("/nowhere/roots.pem", &out, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_ptr_equal(strstr(err.text, "--ca-bundle: "), err.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bundle_counts_beside_the_system),
        cmocka_unit_test(test_a_bundle_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

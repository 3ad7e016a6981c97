#include <acmec/engine/environment.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static size_t count_of(const struct environment *environment, const char *entry)
{
    size_t count = 0;
    for (size_t i = 0; environment->entries[i] != NULL; i++)
        count += strcmp(environment->entries[i], entry) == 0 ? 1 : 0;
    return count;
}

static void inherits_what_is_harmless(void **state)
{
    (void)state;
    (void)clearenv();
    (void)setenv("TOKEN", "x=y", 1);
    (void)setenv("PATH", "/tmp/evil", 1);
    (void)setenv("LD_PRELOAD", "/tmp/evil.so", 1);
    (void)setenv("NGINX", "5;", 1);
    (void)setenv("ACMEC_NAME", "other", 1);
    (void)setenv("CERTBOT_VALIDATION", "other", 1);
    (void)setenv("RENEWED_LINEAGE", "/other", 1);
    AUTO(environment) environment = environment_new();
    assert_int_equal(environment.count, 2);
    assert_int_equal(count_of(&environment, "TOKEN=x=y"), 1);
    assert_int_equal(
        count_of(&environment, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        1);
    environment_set(&environment, "ACMEC_NAME", "mine");
    environment_set(&environment, "ACMEC_ERROR", NULL);
    environment_set(&environment, "EMPTY", "");
    assert_int_equal(environment.count, 4);
    assert_int_equal(count_of(&environment, "ACMEC_NAME=mine"), 1);
    assert_int_equal(count_of(&environment, "EMPTY="), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inherits_what_is_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

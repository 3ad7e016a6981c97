#include <acmec/data/ca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void rows_are_sound(void **state)
{
    (void)state;
    assert_true(ca_count() >= 11);
    for (size_t i = 0; i < ca_count(); i++) {
        const struct ca *ca = ca_at(i);
        assert_ptr_equal(ca_by_name(ca->name), ca);
        assert_ptr_equal(ca_by_url(ca->directory_url), ca);
        assert_memory_equal(ca->directory_url, "https://", 8);
        if (ca->staging == NULL)
            continue;
        const struct ca *staging = ca_by_name(ca->staging);
        assert_non_null(staging);
        assert_ptr_not_equal(staging, ca);
        assert_null(staging->staging);
    }
    assert_null(ca_at(ca_count()));
}

static void look_up(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "letsencrypt", "letsencrypt-staging", "google",  "google-test", "zerossl",
        "sslcom",      "sslcom-ecc",          "actalis", "sectigo",     "digicert"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_non_null(ca_by_name(wanted[i]));
    assert_string_equal(ca_by_name("LetsEncrypt")->directory_url,
                        "https://acme-v02.api.letsencrypt.org/directory");
    assert_string_equal(ca_by_name("letsencrypt")->staging, "letsencrypt-staging");
    assert_null(ca_by_name(""));
    assert_null(ca_by_name("letsencrypt "));
    assert_null(ca_by_url("https://acme-v02.api.letsencrypt.org/directory/"));
    assert_null(ca_by_url(""));
}

static void nearest(void **state)
{
    (void)state;
    static const struct {
        const char *given, *meant;
    } cases[] = {
        {"letsencrpyt", "letsencrypt"},
        {"LetsEncript", "letsencrypt"},
        {"lets", "letsencrypt"},
        {"zerosll", "zerossl"},
        {"gogle", "google"},
        {"letsencrypt-stagign", "letsencrypt-staging"},
        {"ssl.com", "sslcom"},
        {"digi", "digicert"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ca *ca = ca_nearest(cases[i].given);
        assert_non_null(ca);
        assert_string_equal(ca->name, cases[i].meant);
    }
    assert_null(ca_nearest(""));
    assert_null(ca_nearest("x"));
    assert_null(ca_nearest("example"));
    assert_null(ca_nearest("https://acme.example.com/directory/with/a/long/path"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(look_up),
        cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

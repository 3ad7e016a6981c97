#include <acmec/data/dns_provider.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_read_and_written(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"exec:/etc/hook", NULL, "exec:/etc/hook"},
        {"exec:hook", "/home/me", "exec:/home/me/hook"},
        {"rfc2136:./tsig.conf", "/etc", "rfc2136:/etc/tsig.conf"},
        {"certbot:/a", NULL, "certbot:/a"},
        {"certbot:/a x y,/b z", NULL, "certbot:/a x y,/b z"},
        {"certbot:a x,./b", "/w", "certbot:/w/a x,/w/b"},
        {"dehydrated:/etc/hook.sh", NULL, "dehydrated:/etc/hook.sh"},
        {"acme.sh:cf", NULL, "acme.sh:dns_cf"},
        {"acme.sh:dns_cf", NULL, "acme.sh:dns_cf"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(dns_provider) provider = {0};
        AUTO(buf) text = BUF(256);
        struct error err = {0};
        assert_true(dns_provider_parse(rows[i][0], rows[i][1], &provider, &err));
        dns_provider_write(&provider, &text);
        assert_string_equal(buf_str(&text), rows[i][2]);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "no DNS provider"},
        {"route53", "no DNS provider"},
        {"Exec:/a", "no DNS provider"},
        {"exec", "a path is missing"},
        {"exec:", "a path is missing"},
        {"exec:a", "must begin with '/'"},
        {"certbot:/a,", "a path is missing"},
        {"certbot:,/a", "a path is missing"},
        {"certbot:/a,b", "must begin with '/'"},
        {"certbot:/a,/b,/c", "more than two"},
        {"acme.sh:", "no name of a script"},
        {"acme.sh:../x", "no name of a script"},
        {"acme.sh:a;b", "no name of a script"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dns_provider provider = {0};
        struct error err = {0};
        assert_false(dns_provider_parse(rows[i][0], NULL, &provider, &err));
        assert_int_equal(err.code, ERR_USAGE);
        if (strstr(err.text, rows[i][1]) == NULL)
            fail_msg("%s: %s", rows[i][0], err.text);
        assert_true(err.hint[0] != '\0');
        assert_null(provider.argument);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_written),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

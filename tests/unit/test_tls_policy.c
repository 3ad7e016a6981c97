#include <acmec/nginx/tls_policy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <acmec/crypto/key.h>
#include <cmocka.h>

#define V TLS_POLICY_VERSION

static int start(void **state)
{
    (void)state;
    struct error err = {0};
    return crypto_start(&err) ? 0 : 1;
}

static void policy(unsigned nginx, unsigned openssl, struct buf *out)
{
    struct error err = {0};
    if (!tls_policy_write(nginx, openssl, out, &err))
        fail_msg("%s", err.text);
    assert_true(buf_ok(out));
}

static unsigned lines_with(const struct buf *text, const char *what)
{
    unsigned count = 0;
    for (const char *at = buf_str(text); (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void test_fits_what_runs(void **state)
{
    (void)state;
    static const struct {
        unsigned nginx, openssl, tickets, hybrid;
    } cases[] = {
        {V(1, 22, 1), V(3, 0, 17), 1, 0},
        {V(1, 23, 2), V(3, 0, 17), 0, 0},
        {V(1, 26, 3), V(3, 5, 0), 0, 1},
        {V(1, 26, 3), V(3, 4, 9), 0, 0},
        {0, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) text = BUF(TLS_POLICY_MAX);
        policy(cases[i].nginx, cases[i].openssl, &text);
        assert_int_equal(lines_with(&text, "ssl_session_tickets"), cases[i].tickets);
        assert_int_equal(lines_with(&text, "MLKEM"), cases[i].hybrid);
        assert_int_equal(lines_with(&text, "ssl_ecdh_curve "), 1);
        assert_int_equal(lines_with(&text, "\nssl_protocols TLSv1.2 TLSv1.3;\n"), 1);
    }
}

static void test_knows_its_own(void **state)
{
    (void)state;
    AUTO(buf) text = BUF(TLS_POLICY_MAX);
    policy(V(1, 22, 1), V(3, 0, 0), &text);
    assert_true(tls_policy_is_untouched(buf_span(&text)));
    for (size_t i = 0; i < text.len; i++) {
        if (i >= strlen("# acmec TLS policy ") && i < strlen("# acmec TLS policy 6.0"))
            continue; /* another version is one of ours as well */
        text.data[i] ^= 1;
        assert_false(tls_policy_is_untouched(buf_span(&text)));
        text.data[i] ^= 1;
    }
    buf_add_str(&text, "ssl_stapling on;\n");
    assert_false(tls_policy_is_untouched(buf_span(&text)));
    assert_false(tls_policy_is_untouched(SPAN_LIT("")));
    assert_false(tls_policy_is_untouched(SPAN_LIT("# acmec TLS policy \n")));
}

static void test_knows_its_directives(void **state)
{
    (void)state;
    assert_true(tls_policy_sets(SPAN_LIT("ssl_ciphers")));
    assert_false(tls_policy_sets(SPAN_LIT("ssl_certificate")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits_what_runs),
        cmocka_unit_test(test_knows_its_own),
        cmocka_unit_test(test_knows_its_directives),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

/* tests/data/certs/make says what each chain is. */
#include "fake/test_files.h"

#include <acmec/base/cleanup.h>
#include <acmec/crypto/cert_view.h>
#include <acmec/crypto/key.h>
#include <acmec/data/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The nth certificate of a file. */
static void look(const char *name, size_t nth, struct cert_view *out)
{
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    AUTO(pem_list) list = {0};
    struct error err;
    char path[128];
    (void)snprintf(path, sizeof path, "certs/%s.pem", name);
    test_file(path, &pem);
    assert_true(pem_parse_chain(buf_span(&pem), ERR_FILES, &list, &err));
    assert_true(nth < list.count);
    assert_true(cert_view_read(buf_span(&list.blocks[nth].der), out, &err));
}

static void test_what_a_chain_says(void **state)
{
    (void)state;
    AUTO(cert_view) leaf = {0}, upper = {0}, root = {0}, rsa = {0};
    look("good", 0, &leaf);
    assert_string_equal(leaf.subject, "");
    assert_string_equal(leaf.issuer, "Test Intermediate");
    assert_string_equal(leaf.serial, "008765432100abcdef");
    assert_string_equal(leaf.key, "ECDSA, 256 bits");
    assert_int_equal(leaf.names.count, 4);
    assert_true(leaf.not_before > 0 && leaf.not_after > leaf.not_before);
    assert_int_equal(strlen(leaf.sha256), 64);
    assert_false(leaf.is_self_issued);
    look("good", 1, &upper);
    assert_string_equal(upper.subject, "Test Intermediate");
    assert_string_equal(upper.issuer, "Test Root");
    look("root", 0, &root);
    assert_true(root.is_self_issued);
    assert_string_equal(root.key, "ECDSA, 384 bits");
    look("rsa", 0, &rsa);
    assert_string_equal(rsa.key, "RSA, 2048 bits");
}

static void test_odd_certificates(void **state)
{
    (void)state;
    AUTO(cert_view) odd = {0}, anonymous = {0}, serial = {0}, blank = {0};
    look("odd", 0, &odd);
    assert_null(strchr(odd.issuer, '\033'));
    look("anonymous", 0, &anonymous);
    assert_string_equal(anonymous.issuer, "Nameless, Inc.");
    look("bad-serial", 0, &serial);
    assert_string_equal(serial.serial, "");
    assert_true(serial.not_after > 0);
    look("bad-blank", 0, &blank);
    assert_int_equal(blank.names.count, 0);
    assert_string_equal(blank.issuer, "Test Intermediate");
}

static void test_what_is_no_certificate(void **state)
{
    (void)state;
    AUTO(cert_view) view = {0};
    struct error err;
    assert_true(cert_view_read(SPAN_LIT("no DER"), &view, &err));
    assert_int_equal(strlen(view.sha256), 64);
    assert_string_equal(view.issuer, "");
    assert_true(view.not_after == 0);
}

static void test_names_as_browsers_compare_them(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool covered;
    } rows[] = {
        {"a.example", true},   {"b.a.example", false},   {"x.b.example", true},
        {"b.example", false},  {"x.y.b.example", false}, {"192.0.2.1", true},
        {"192.0.2.2", false},  {"2001:db8::1", true},    {"*.b.example", true},
        {"xb.example", false},
    };
    AUTO(cert_view) leaf = {0};
    look("good", 0, &leaf);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct identifier name;
        struct error err;
        assert_true(identifier_parse(rows[i].name, &name, &err));
        if (cert_view_covers(&leaf.names, &name) != rows[i].covered)
            fail_msg("%s", rows[i].name);
    }
}

static int start(void **state)
{
    struct error err;
    (void)state;
    return crypto_start(&err) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_chain_says),
        cmocka_unit_test(test_odd_certificates),
        cmocka_unit_test(test_what_is_no_certificate),
        cmocka_unit_test(test_names_as_browsers_compare_them),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

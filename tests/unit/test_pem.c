#include <acmec/data/pem.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

#define FOO "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN EC PRIVATE KEY-----\nZm8=\n-----END EC PRIVATE KEY-----\n"
#define BODY(text) "-----BEGIN A-----\n" text "\n-----END A-----\n"

static void assert_block(const struct pem_block *block, const char *label, const char *der)
{
    assert_string_equal(block->label, label);
    assert_true(span_is(buf_span(&block->der), der));
}

static void test_reads_blocks_in_order(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(pem_list) list = {0};
    assert_true(pem_parse(SPAN_LIT(FOO KEY), ERR_REFUSED, &list, &err));
    assert_int_equal(list.count, 2);
    assert_block(&list.blocks[0], "CERTIFICATE", "foo");
    assert_block(&list.blocks[1], "EC PRIVATE KEY", "fo");
    assert_false(list.blocks[0].der.secret);
    assert_true(list.blocks[1].der.secret);
}

static void test_forms_that_servers_send(void **state)
{
    (void)state;
    static const struct span cases[] = {
        SPAN_LIT("-----BEGIN CERTIFICATE-----\r\nZm9v\r\n-----END CERTIFICATE-----\r\n"),
        SPAN_LIT("\n \t\n\r\n" FOO "\n\n"),
        SPAN_LIT("-----BEGIN CERTIFICATE----- \nZm9v \t\n-----END CERTIFICATE----- \t"),
        SPAN_LIT("-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----"),
        SPAN_LIT("-----BEGIN CERTIFICATE-----\nZm\n9\nv\n-----END CERTIFICATE-----"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = {0};
        AUTO(pem_list) list = {0};
        if (!pem_parse(cases[i], ERR_REFUSED, &list, &err))
            fail_msg("%zu: %s", i, err.text);
        assert_int_equal(list.count, 1);
        assert_block(&list.blocks[0], "CERTIFICATE", "foo");
    }
    AUTO(pem_list) none = {0};
    struct error err = {0};
    assert_true(pem_parse(SPAN_LIT(" \n"), ERR_REFUSED, &none, &err));
    assert_int_equal(none.count, 0);
}

struct refused {
    struct span text;
    const char *says;
};

static const struct refused refused_cases[] = {
    {SPAN_LIT("hello"), "line 1: text outside a block"},
    {SPAN_LIT(FOO "hello\n" FOO), "line 4: text outside a block"},
    {SPAN_LIT(FOO "\0"), "line 4: text outside a block"},
    {SPAN_LIT(" " FOO), "line 1: text outside a block"},
    {SPAN_LIT("\xEF\xBB\xBF" FOO), "line 1: text outside a block"},
    {SPAN_LIT("-----BEGIN A----\nZm9v\n-----END A-----\n"), "text outside a block"},
    {SPAN_LIT("-----BEGIN -----\nZm9v\n-----END -----\n"), "text outside a block"},
    {SPAN_LIT("-----BEGIN  A-----\nZm9v\n-----END  A-----\n"), "text outside a block"},
    {SPAN_LIT("-----BEGIN a-----\nZm9v\n-----END a-----\n"), "text outside a block"},
    {SPAN_LIT("-----BEGIN -----"), "text outside a block"},
    {SPAN_LIT("-----BEGIN "), "text outside a block"},
    {SPAN_LIT("-----END A-----\n"), "text outside a block"},
    {SPAN_LIT("-----BEGIN A-----\nZm9v\n-----END B-----\n"), "line 3: not the END"},
    {SPAN_LIT("-----BEGIN A-----\nZm9v\n-----END A----\n"), "line 3: not the END"},
    {SPAN_LIT("-----BEGIN A-----\nZm9v\n-----END A----- x\n"), "line 3: not the END"},
    {SPAN_LIT("-----BEGIN A-----\nZm9v\n-----BEGIN A-----\nZm9v\n-----END A-----"), "not the END"},
    {SPAN_LIT("-----BEGIN A-----\nZm9v\n"), "a block without an END"},
    {SPAN_LIT("-----BEGIN A-----"), "a block without an END"},
    {SPAN_LIT("-----BEGIN A-----\nZm9v-----END A-----\n"), "not base64"},
    {SPAN_LIT("-----BEGIN A-----\n-----END A-----\n"), "the block is empty"},
    {SPAN_LIT(BODY("")), "a blank line inside a block"},
    {SPAN_LIT(BODY("Zm9v\n\nZm9v")), "a blank line inside a block"},
    {SPAN_LIT(BODY("Proc-Type: 4,ENCRYPTED\n\nZm9v")), "a header inside a block"},
    {SPAN_LIT(BODY("Zm 9v")), "not base64"},
    {SPAN_LIT(BODY(" Zm9v")), "not base64"},
    {SPAN_LIT(BODY("Zm9-")), "not base64"},
    {SPAN_LIT(BODY("Zm9_")), "not base64"},
    {SPAN_LIT(BODY("Zm\0v")), "not base64"},
    {SPAN_LIT(BODY("Zm8=Zm9v")), "not base64"},
    {SPAN_LIT(BODY("Zm8=\nZm9v")), "not base64"},
    {SPAN_LIT(BODY("Zm9v=")), "not base64"},
    {SPAN_LIT(BODY("Zg===")), "not base64"},
    {SPAN_LIT(BODY("Z===")), "not base64"},
    {SPAN_LIT(BODY("====")), "not base64"},
    {SPAN_LIT(BODY("Zm8")), "cut short"},
    {SPAN_LIT(BODY("Zg=")), "cut short"},
    {SPAN_LIT(BODY("Z")), "cut short"},
    {SPAN_LIT(BODY("Zm9=")), "cut short"},
    {SPAN_LIT(BODY("Zh==")), "cut short"},
};

static void test_what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
        struct error err = {0};
        AUTO(pem_list) list = {0};
        assert_false(pem_parse(refused_cases[i].text, ERR_FILES, &list, &err));
        assert_int_equal(err.code, ERR_FILES);
        if (strstr(err.text, refused_cases[i].says) == NULL)
            fail_msg("%zu: '%s', not '%s'", i, err.text, refused_cases[i].says);
        assert_int_equal(list.count, 0);
    }
}

static void test_labels_have_a_limit(void **state)
{
    (void)state;
    char label[65];
    memset(label, 'A', sizeof(label));
    for (size_t len = 63; len <= 64; len++) {
        label[len] = '\0';
        AUTO(buf) text = BUF(1000);
        AUTO(pem_list) list = {0};
        struct error err = {0};
        pem_write(label, SPAN_LIT("x"), &text);
        assert_int_equal(pem_parse(buf_span(&text), ERR_FILES, &list, &err), len == 63);
        label[len] = 'A';
    }
}

static void test_chain_takes_certificates_only(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(pem_list) list = {0};
    assert_true(pem_parse_chain(SPAN_LIT(FOO "\n" FOO), ERR_REFUSED, &list, &err));
    assert_int_equal(list.count, 2);
    pem_list_release(&list);
    assert_false(pem_parse_chain(SPAN_LIT(FOO KEY), ERR_REFUSED, &list, &err));
    assert_non_null(strstr(err.text, "'EC PRIVATE KEY'"));
    assert_false(pem_parse_chain(SPAN_LIT("\n"), ERR_CONFIG, &list, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_false(pem_parse_chain(SPAN_LIT("<html>"), ERR_REFUSED, &list, &err));
    assert_int_equal(list.count, 0);
}

static void test_chain_limits(void **state)
{
    (void)state;
    AUTO(buf) text = BUF(PEM_TEXT_MAX + 1);
    AUTO(pem_list) list = {0};
    struct error err = {0};
    for (int i = 0; i < PEM_CHAIN_CERTS_MAX; i++)
        buf_add_str(&text, FOO);
    assert_true(pem_parse_chain(buf_span(&text), ERR_REFUSED, &list, &err));
    pem_list_release(&list);
    buf_add_str(&text, FOO);
    assert_false(pem_parse_chain(buf_span(&text), ERR_REFUSED, &list, &err));
    assert_non_null(strstr(err.text, "more than 16 certificates"));
    buf_clear(&text);
    buf_add_str(&text, FOO);
    while (text.len < PEM_CHAIN_MAX)
        buf_add_byte(&text, '\n');
    assert_true(pem_parse_chain(buf_span(&text), ERR_REFUSED, &list, &err));
    pem_list_release(&list);
    buf_add_byte(&text, '\n');
    assert_false(pem_parse_chain(buf_span(&text), ERR_REFUSED, &list, &err));
    assert_true(pem_parse(buf_span(&text), ERR_REFUSED, &list, &err));
    pem_list_release(&list);
    while (text.len <= PEM_TEXT_MAX)
        buf_add_byte(&text, '\n');
    assert_false(pem_parse(buf_span(&text), ERR_REFUSED, &list, &err));
    assert_int_equal(list.count, 0);
}

static void test_writes_lines_of_64(void **state)
{
    (void)state;
    static const char bytes[49] = {0};
    AUTO(buf) out = BUF(1000);
    buf_add_str(&out, "#");
    pem_write("X", span_of(bytes, 48), &out);
    assert_string_equal(buf_str(&out),
                        "#-----BEGIN X-----\n"
                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                        "-----END X-----\n");
    buf_clear(&out);
    pem_write("X", span_of(bytes, 49), &out);
    assert_string_equal(buf_str(&out),
                        "-----BEGIN X-----\n"
                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                        "AA==\n"
                        "-----END X-----\n");
}

static void test_every_length_round_trips(void **state)
{
    (void)state;
    char bytes[200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37);
    for (size_t len = 1; len <= sizeof(bytes); len++) {
        AUTO(buf) text = BUF(1000);
        AUTO(pem_list) list = {0};
        struct error err = {0};
        pem_write("CERTIFICATE", span_of(bytes, len), &text);
        assert_true(pem_parse_chain(buf_span(&text), ERR_REFUSED, &list, &err));
        assert_true(span_equals(buf_span(&list.blocks[0].der), span_of(bytes, len)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_blocks_in_order),
        cmocka_unit_test(test_forms_that_servers_send),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_labels_have_a_limit),
        cmocka_unit_test(test_chain_takes_certificates_only),
        cmocka_unit_test(test_chain_limits),
        cmocka_unit_test(test_writes_lines_of_64),
        cmocka_unit_test(test_every_length_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

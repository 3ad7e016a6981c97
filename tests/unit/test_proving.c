#include <acmec/data/proving.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What is read is written the same; from a folder, paths become absolute. */
static void test_read_and_written(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"auto", NULL, "auto"},
        {"standalone", NULL, "standalone"},
        {"webroot:/srv/www", NULL, "webroot:/srv/www"},
        {"webroot:/srv/www//", NULL, "webroot:/srv/www"},
        {"webroot:/", NULL, "webroot:/"},
        {"webroot:./a:b", "/home", "webroot:/home/a:b"},
        {"webroot:a", "/", "webroot:/a"},
        {"dns:exec:hook", "/etc", "dns:exec:/etc/hook"},
        {"dns:certbot:/a,/b", NULL, "dns:certbot:/a,/b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(proving) proof = {0}, again = {0};
        AUTO(buf) text = BUF(256);
        struct error err = {0};
        assert_true(proving_parse(rows[i][0], rows[i][1], &proof, &err));
        proving_write(&proof, &text);
        assert_string_equal(buf_str(&text), rows[i][2]);
        assert_true(proving_parse(buf_str(&text), NULL, &again, &err));
        assert_true(proving_equals(&proof, &again));
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    ":",    "webroot",  "webroot:",   "webroot:x",  "standalone:", "auto:x",
        "dns", "dns:", "dns:exec", "dns:exec:x", "Standalone", " auto",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct proving proof = {PROOF_WEBROOT, NULL};
        struct error err = {0};
        assert_false(proving_parse(texts[i], NULL, &proof, &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_int_equal(proof.kind, PROOF_WEBROOT);
    }
}

static void test_unknown_ways_are_told_the_known_ones(void **state)
{
    (void)state;
    struct proving proof = {0};
    struct error err = {0};
    assert_false(proving_parse("smoke:\x1b", NULL, &proof, &err));
    assert_string_equal(err.text, "'smoke' is no way of proof");
    for (int i = 0; i < PROOF_KIND_COUNT; i++)
        assert_non_null(strstr(err.hint, proof_kind_word((enum proof_kind)i)));
}

static void test_copies_are_equal(void **state)
{
    (void)state;
    AUTO(proving) proof = {PROOF_WEBROOT, mem_strdup("/a")}, copy = {0};
    struct proving other = {PROOF_WEBROOT, NULL};
    proving_copy(&proof, &copy);
    assert_ptr_not_equal(copy.argument, proof.argument);
    assert_true(proving_equals(&proof, &copy));
    assert_false(proving_equals(&proof, &other));
    other.kind = PROOF_STANDALONE;
    copy.kind = PROOF_STANDALONE;
    assert_false(proving_equals(&copy, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_written),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unknown_ways_are_told_the_known_ones),
        cmocka_unit_test(test_copies_are_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

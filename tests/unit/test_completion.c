#include <acmec/cli/completion.h>

#include <acmec/base/cleanup.h>
#include <acmec/cli/command.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_every_shell_knows_everything(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        AUTO(buf) out = BUF(COMPLETION_MAX);
        struct error err = {0};
        assert_true(completion_write(shells[i], &out, &err));
        assert_true(buf_ok(&out));
        for (size_t id = 0; id < OPTION_COUNT; id++)
            assert_non_null(strstr(buf_str(&out), option_row((enum option_id)id)->name));
        for (size_t row = 0; row < command_count(); row++)
            assert_non_null(strstr(buf_str(&out), command_rows[row].name));
        assert_non_null(strstr(buf_str(&out), "letsencrypt letsencrypt-staging"));
        assert_non_null(strstr(buf_str(&out), "rsa-2048 rsa-3072"));
    }
}

/* What the scripts do is for the shells to judge: here, that they are read at all. */
static void test_bash_reads_it(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(COMPLETION_MAX);
    struct error err = {0};
    assert_true(completion_write("bash", &out, &err));
    size_t quotes = 0;
    for (size_t i = 0; i < out.len; i++)
        quotes += out.data[i] == '\'' ? 1 : 0;
    assert_int_equal(quotes % 2, 0);
    assert_non_null(strstr(buf_str(&out), "--domain|-d)"));
    assert_non_null(
        strstr(buf_str(&out),
               "account)\n        words='show register update rollover deactivate thumbprint --"));
}

static void test_quotes(void **state)
{
    (void)state;
    AUTO(buf) zsh = BUF(COMPLETION_MAX);
    AUTO(buf) fish = BUF(COMPLETION_MAX);
    struct error err = {0};
    assert_true(completion_write("zsh", &zsh, &err));
    assert_true(completion_write("fish", &fish, &err));
    assert_non_null(strstr(buf_str(&zsh), "the CA'\\''s terms"));
    assert_non_null(strstr(buf_str(&fish), "the CA\\'s terms"));
}

static void test_other_shells(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(COMPLETION_MAX);
    struct error err = {0};
    assert_false(completion_write("csh", &out, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shell_knows_everything),
        cmocka_unit_test(test_bash_reads_it),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_other_shells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/cli/help.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_lines(const char *text)
{
    for (const char *at = text; *at != 0;) {
        size_t len = strcspn(at, "\n");
        assert_true(len < 80);
        assert_true(len == 0 || at[len - 1] != ' ');
        assert_int_equal(at[len], '\n');
        at += len + 1;
    }
}

static void test_each_command_lists_what_it_accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = &command_rows[i];
        AUTO(buf) out = BUF(HELP_MAX);
        help_write(command, &out);
        assert_true(buf_ok(&out));
        assert_lines(buf_str(&out));
        for (size_t id = 0; id < OPTION_COUNT; id++) {
            char wanted[64];
            (void)snprintf(wanted, sizeof wanted, " --%s", option_row((enum option_id)id)->name);
            const char *found = strstr(buf_str(&out), wanted);
            while (found != NULL && strchr(" \n", found[strlen(wanted)]) == NULL)
                found = strstr(found + 1, wanted);
            assert_int_equal(found != NULL, command_accepts(command, (enum option_id)id));
        }
    }
}

static void test_the_program_lists_its_commands(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(HELP_MAX);
    help_write(NULL, &out);
    assert_lines(buf_str(&out));
    for (size_t i = 0; i < command_count(); i++) {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "\n  %s ", command_rows[i].name);
        assert_non_null(strstr(buf_str(&out), wanted));
    }
    assert_non_null(strstr(buf_str(&out), "  -q, --quiet  "));
    assert_non_null(strstr(buf_str(&out), "(default: letsencrypt)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_command_lists_what_it_accepts),
        cmocka_unit_test(test_the_program_lists_its_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

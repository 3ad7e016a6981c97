#include <acmec/cli/command.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_every_row_is_whole(void **state)
{
    (void)state;
    assert_true(command_count() >= 8);
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = &command_rows[i];
        assert_ptr_equal(command_find(command->name), command);
        assert_non_null(command->handler);
        assert_true(strlen(command->summary) > 5);
        assert_non_null(command->details);
        assert_non_null(command->operands);
        assert_non_null(command->words);
        assert_true(command->operands_min <= command->operands_max);
    }
}

/* Options of the CA and Everywhere groups are accepted by every command. */
static void test_what_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count(); i++) {
        for (size_t id = 0; id < OPTION_COUNT; id++) {
            enum option_group group = option_row((enum option_id)id)->group;
            if (group == GROUP_CA || group == GROUP_EVERYWHERE)
                assert_true(command_accepts(&command_rows[i], (enum option_id)id));
        }
    }
    assert_true(command_accepts(command_find("issue"), OPT_DOMAIN));
    assert_true(command_accepts(command_find("issue"), OPT_DRY_RUN));
    assert_true(command_accepts(command_find("renew"), OPT_DRY_RUN));
    assert_true(command_accepts(command_find("renew"), OPT_ALL));
    assert_false(command_accepts(command_find("renew"), OPT_DOMAIN));
    assert_false(command_accepts(command_find("list"), OPT_FORCE));
    assert_false(command_accepts(command_find("issue"), OPT_MAX_ORDERS));
}

static void test_unknown(void **state)
{
    (void)state;
    struct error err = {0};
    assert_null(command_find("Issue"));
    assert_false(command_unknown("rennew", &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.hint, "'renew'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_whole),
        cmocka_unit_test(test_what_is_accepted),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

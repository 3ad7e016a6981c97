#include <acmec/cli/args.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 16

/* Parses "acmec" and the words, which end in NULL. */
static bool parse(struct args *args, struct error *err, ...)
{
    char *argv[WORDS_MAX] = {(char[]){"acmec"}};
    int argc = 1;
    va_list words;
    va_start(words, err);
    for (char *word; (word = va_arg(words, char *)) != NULL;)
        argv[argc++] = word;
    va_end(words);
    return args_parse(argc, argv, args, err);
}

static void test_options_anywhere(void **state)
{
    (void)state;
    AUTO(args) args;
    struct error err = {0};
    assert_true(parse(&args, &err, "--config-dir=/c", "-q", "renew", "a", "--force", "b", "--wait",
                      "5", "--", "--c", NULL));
    assert_string_equal(args.command->name, "renew");
    assert_int_equal(args.operand_count, 3);
    assert_string_equal(args.operands[1], "b");
    assert_string_equal(args.operands[2], "--c");
    assert_string_equal(option_set_text(&args.set, OPT_CONFIG_DIR), "/c");
    assert_string_equal(option_set_text(&args.set, OPT_WAIT), "5");
    assert_string_equal(option_set_text(&args.set, OPT_FORCE), "yes");
    assert_string_equal(option_set_text(&args.set, OPT_QUIET), "yes");
}

static void test_letters(void **state)
{
    (void)state;
    AUTO(args) args;
    struct error err = {0};
    assert_true(parse(&args, &err, "issue", "-qvd", "a.example", "-db.example", "-y", NULL));
    assert_int_equal(args.set.values[OPT_DOMAIN].count, 2);
    assert_string_equal(args.set.values[OPT_DOMAIN].items[1].text, "b.example");
    assert_string_equal(option_set_text(&args.set, OPT_VERBOSE), "yes");
}

static void test_nothing_is_nothing(void **state)
{
    (void)state;
    AUTO(args) args;
    struct error err = {0};
    assert_true(parse(&args, &err, NULL));
    assert_null(args.command);
}

static void refuse(struct args *args, const struct error *err, bool parsed, const char *text,
                   const char *hint)
{
    assert_false(parsed);
    assert_int_equal(err->code, ERR_USAGE);
    assert_non_null(strstr(err->text, text));
    assert_non_null(strstr(err->hint, hint));
    args_release(args);
}

static void test_wrong_words(void **state)
{
    (void)state;
    struct args args;
    struct error err = {0};
#define REFUSE(text, hint, ...)                                                                    \
    refuse(&args, &err, parse(&args, &err, __VA_ARGS__, NULL), text, hint)
    REFUSE("unknown command 'isue'", "'issue'", "isue");
    REFUSE("unknown command 'zzz'", "acmec help", "zzz");
    REFUSE("unknown option '--forse'", "--force", "renew", "--forse");
    REFUSE("unknown option '--webrot=/x'", "--webroot", "issue", "--webrot=/x");
    /* webroot is no option of renew, and is not offered there */
    REFUSE("unknown option '--webrot'", "acmec help renew", "renew", "--webrot");
    REFUSE("unknown option '-Z'", "acmec help", "list", "-qZ");
    REFUSE("unknown option '--stag'", "--staging", "issue", "--stag");
    REFUSE("unknown option '--forc=1'", "--force", "renew", "--forc=1");
    REFUSE("unknown option '--nam'", "--name", "issue", "--nam");
    REFUSE("'-d' needs an argument", "", "issue", "-d");
    REFUSE("'--name' needs an argument", "", "issue", "--name");
    REFUSE("'--json' takes no argument", "", "list", "--json=1");
    REFUSE("'--webroot' is no option of 'renew'", "acmec help renew", "renew", "--webroot", "/x");
    REFUSE("'--max-orders' is no option of 'issue'", "", "issue", "--max-orders", "3");
    REFUSE("'b' has no place here", "[CERT]", "list", "a", "b");
    REFUSE("'account' needs", "show|register", "account");
    REFUSE("'x' is none of", "", "account", "x");
    REFUSE("--jobs: '0'", "", "renew", "--jobs", "0");
    REFUSE("unknown option '--\\u{001B}[1m'", "", "list", "--\033[1m");
#undef REFUSE
}

static void test_what_was_understood_stays(void **state)
{
    (void)state;
    AUTO(args) args;
    struct error err = {0};
    assert_false(parse(&args, &err, "list", "--quiet", "--bogus", NULL));
    assert_string_equal(args.command->name, "list");
    assert_string_equal(option_set_text(&args.set, OPT_QUIET), "yes");
}

static void test_mention(void **state)
{
    (void)state;
    char *argv[] = {(char[]){"acmec"}, (char[]){"--bogus"}, (char[]){"--json"}, (char[]){"--"},
                    (char[]){"--late"}};
    assert_true(args_mention(5, argv, "--json"));
    assert_false(args_mention(5, argv, "--late"));
    assert_false(args_mention(2, argv, "--json"));
}

static void test_help_needs_no_operands(void **state)
{
    (void)state;
    AUTO(args) args;
    struct error err = {0};
    assert_true(parse(&args, &err, "account", "--help", NULL));
    args_become(&args, command_find("help"), "account");
    assert_string_equal(args.command->name, "help");
    assert_int_equal(args.operand_count, 1);
    args_become(&args, command_find("version"), NULL);
    assert_int_equal(args.operand_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_anywhere),          cmocka_unit_test(test_letters),
        cmocka_unit_test(test_nothing_is_nothing),        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_what_was_understood_stays), cmocka_unit_test(test_mention),
        cmocka_unit_test(test_help_needs_no_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

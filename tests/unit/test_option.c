#include <acmec/cli/option.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_every_row_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_row((enum option_id)i);
        enum option_id id;
        assert_true(option_by_name(row->name, &id));
        assert_int_equal(id, i);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->name));
        assert_true(row->letter == 0 || (option_by_letter(row->letter, &id) && id == i));
        assert_int_equal(row->argument == NULL, row->kind == OPTION_FLAG);
        assert_true(strlen(row->help) > 5 && row->help[strlen(row->help) - 1] != '.');
        assert_null(strpbrk(row->help, "[]\"$`\\"));
        bool ranged = row->kind == OPTION_NUMBER || row->kind == OPTION_DURATION;
        assert_int_equal(ranged, row->maximum > 0);
        assert_true(strlen(option_group_heading(row->group)) > 0);
    }
    enum option_id id;
    assert_false(option_by_name("no-such", &id));
    assert_false(option_by_letter('Z', &id));
    assert_false(option_by_letter(0, &id));
}

static void test_words(void **state)
{
    (void)state;
    assert_true(option_word_in("a,bc,d", "a"));
    assert_true(option_word_in("a,bc,d", "bc"));
    assert_true(option_word_in("a,bc,d", "d"));
    assert_false(option_word_in("a,bc,d", "b"));
    assert_false(option_word_in("a,bc,d", "bc,d"));
    assert_false(option_word_in("a,bc,d", ""));
    assert_false(option_word_in("", "a"));
}

/* A value that the command line and a file refuse alike. */
static void refuse(enum option_id id, const char *text, const char *words)
{
    AUTO(option_set) line = {0};
    AUTO(option_set) file = {.file = mem_strdup("/x/acmec.conf")};
    struct error err = {0};
    assert_false(option_set_add(&line, id, text, 0, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.text, words));
    assert_int_equal(strncmp(err.text, "--", 2), 0);
    assert_false(option_set_add(&file, id, text, 7, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(strncmp(err.text, "/x/acmec.conf:7: ", 17), 0);
    assert_true(option_row(id)->kind == OPTION_LIST || option_set_text(&line, id) == NULL);
    assert_true(option_row(id)->kind == OPTION_LIST || option_set_text(&file, id) == NULL);
}

static void test_wrong_values_are_refused(void **state)
{
    (void)state;
    char too_long[OPTION_VALUE_MAX + 2];
    memset(too_long, 'x', sizeof too_long);
    too_long[sizeof too_long - 1] = 0;
    refuse(OPT_EMAIL, "a@b.example\ndeploy-hook = x", "control characters");
    refuse(OPT_EMAIL, "a\x7f", "control characters");
    refuse(OPT_EMAIL, "", "missing");
    refuse(OPT_EMAIL, " a", "blank");
    refuse(OPT_EMAIL, "a ", "blank");
    refuse(OPT_EMAIL, too_long, "longer");
    refuse(OPT_HTTP_PORT, "0", "between 1 and 65535");
    refuse(OPT_HTTP_PORT, "65536", "between");
    refuse(OPT_HTTP_PORT, "-1", "not a number");
    refuse(OPT_HTTP_PORT, "8o", "not a number");
    refuse(OPT_HTTP_PORT, "99999999999999999999", "not a number");
    refuse(OPT_TIMEOUT, "5x", "not a time");
    refuse(OPT_TIMEOUT, "2d", "between");
    refuse(OPT_KEY_TYPE, "rsa-1", "none of");
    refuse(OPT_AGREE_TOS, "maybe", "yes");
    refuse(OPT_DOMAIN, "a.example,,b.example", "missing");
    refuse(OPT_DOMAIN, "a.example,", "missing");
}

static void test_lists_and_repetition(void **state)
{
    (void)state;
    AUTO(option_set) set = {0};
    struct error err = {0};
    assert_true(option_set_add(&set, OPT_DOMAIN, "a.example , b.example", 0, &err));
    assert_true(option_set_add(&set, OPT_DOMAIN, "c.example", 0, &err));
    assert_int_equal(set.values[OPT_DOMAIN].count, 3);
    assert_string_equal(set.values[OPT_DOMAIN].items[0].text, "a.example");
    assert_string_equal(set.values[OPT_DOMAIN].items[1].text, "b.example");
    assert_true(option_set_add(&set, OPT_SERVER, "google", 0, &err));
    assert_true(option_set_add(&set, OPT_SERVER, "zerossl", 0, &err));
    assert_int_equal(set.values[OPT_SERVER].count, 2);
    assert_true(option_set_add(&set, OPT_KEY_TYPE, "rsa-2048", 0, &err));
    assert_true(option_set_add(&set, OPT_KEY_TYPE, "rsa-4096", 0, &err));
    assert_string_equal(option_set_text(&set, OPT_KEY_TYPE), "rsa-4096");
    for (size_t i = 3; i < OPTION_VALUES_MAX; i++)
        assert_true(option_set_add(&set, OPT_DOMAIN, "x", 0, &err));
    assert_false(option_set_add(&set, OPT_DOMAIN, "x", 0, &err));
}

static void test_a_file_says_it_once(void **state)
{
    (void)state;
    AUTO(option_set) set = {.file = mem_strdup("f")};
    struct error err = {0};
    assert_true(option_set_add(&set, OPT_AGREE_TOS, "no", 1, &err));
    assert_false(option_set_add(&set, OPT_AGREE_TOS, "yes", 2, &err));
    assert_string_equal(err.text, "f:2: agree-tos: given a second time");
    assert_true(option_set_add(&set, OPT_DOMAIN, "a", 3, &err));
    assert_true(option_set_add(&set, OPT_DOMAIN, "b", 4, &err));
    option_fail(&set, OPT_DOMAIN, 1, &err, "is %s", "odd");
    assert_string_equal(err.text, "f:4: domain: is odd");
}

static void test_paths(void **state)
{
    (void)state;
    AUTO(option_set) line = {0};
    AUTO(option_set) file = {.file = mem_strdup("f")};
    struct error err = {0};
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_true(option_set_add(&line, OPT_WEBROOT, "www/", 0, &err));
    const char *text = option_set_text(&line, OPT_WEBROOT);
    assert_int_equal(strncmp(text, here, strlen(here)), 0);
    assert_string_equal(text + strlen(text) - 4, "/www");
    assert_true(option_set_add(&line, OPT_CA_BUNDLE, "./x.pem", 0, &err));
    assert_null(strstr(option_set_text(&line, OPT_CA_BUNDLE), "./"));
    assert_true(option_set_add(&line, OPT_CONFIG_DIR, "/", 0, &err));
    assert_string_equal(option_set_text(&line, OPT_CONFIG_DIR), "/");
    assert_true(option_set_add(&line, OPT_STATE_DIR, ".", 0, &err));
    assert_string_equal(option_set_text(&line, OPT_STATE_DIR), here);
    assert_true(option_set_add(&line, OPT_LOG, "syslog", 0, &err));
    assert_string_equal(option_set_text(&line, OPT_LOG), "syslog");
    assert_false(option_set_add(&file, OPT_WEBROOT, "www", 3, &err));
    assert_non_null(strstr(err.text, "must begin with '/'"));
    assert_true(option_set_add(&file, OPT_LOG, "syslog", 4, &err));
}

static void test_layers(void **state)
{
    (void)state;
    AUTO(option_set) strong = {0};
    AUTO(option_set) weak = {.file = mem_strdup("f")};
    struct error err = {0};
    struct option_layers layers = {.sets = {&strong, &weak}, .count = 2};
    assert_null(option_layers_find(&layers, OPT_EMAIL));
    assert_false(option_layers_flag(&layers, OPT_AGREE_TOS));
    assert_int_equal(option_layers_number(&layers, OPT_TIMEOUT, 300), 300);
    assert_true(option_set_add(&weak, OPT_AGREE_TOS, "no", 1, &err));
    assert_true(option_set_add(&weak, OPT_TIMEOUT, "2m", 1, &err));
    assert_int_equal(option_layers_number(&layers, OPT_TIMEOUT, 300), 120);
    assert_false(option_layers_flag(&layers, OPT_AGREE_TOS));
    assert_true(option_set_add(&strong, OPT_AGREE_TOS, NULL, 0, &err));
    assert_true(option_layers_flag(&layers, OPT_AGREE_TOS));
    assert_ptr_equal(option_layers_find(&layers, OPT_AGREE_TOS), &strong);
    AUTO(option_set) other = {0};
    option_set_move(&strong, &other, OPT_AGREE_TOS);
    assert_null(option_set_text(&strong, OPT_AGREE_TOS));
    assert_string_equal(option_set_text(&other, OPT_AGREE_TOS), "yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_whole),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_wrong_values_are_refused),
        cmocka_unit_test(test_lists_and_repetition),
        cmocka_unit_test(test_a_file_says_it_once),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

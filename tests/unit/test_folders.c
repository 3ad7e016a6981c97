#include <acmec/cli/folders.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_folders(void **state)
{
    (void)state;
    static const struct {
        struct folders_world world;
        const char *config, *state;
    } cases[] = {
        {{.root = true, .home = "/root"}, "/etc/acmec", "/var/lib/acmec"},
        {{.root = true, .config_dir = "/c"}, "/c", "/c/state"},
        {{.root = true, .state_dir = "/s"}, "/etc/acmec", "/s"},
        {{.config_dir = "/c", .state_dir = "/s"}, "/c", "/s"},
        {{.home = "/home/u"}, "/home/u/.config/acmec", "/home/u/.local/state/acmec"},
        {{.home = "/home/u", .xdg_config_home = "/x"}, "/x/acmec", "/home/u/.local/state/acmec"},
        {{.home = "/h", .xdg_config_home = "x", .xdg_state_home = ""},
         "/h/.config/acmec",
         "/h/.local/state/acmec"},
        {{.xdg_config_home = "/x", .xdg_state_home = "/y"}, "/x/acmec", "/y/acmec"},
        {{.config_dir = "/c"}, "/c", "/c/state"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_FREE config = NULL;
        AUTO_FREE folder = NULL;
        struct error err;
        assert_true(folders_find(&cases[i].world, &config, &folder, &err));
        assert_string_equal(config, cases[i].config);
        assert_string_equal(folder, cases[i].state);
    }
}

static void test_nowhere(void **state)
{
    (void)state;
    char *config = NULL;
    char *folder = NULL;
    struct error err;
    struct folders_world nothing = {0};
    struct folders_world half = {.xdg_config_home = "/x", .home = "relative"};
    assert_false(folders_find(&nothing, &config, &folder, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.hint, "--config-dir"));
    assert_false(folders_find(&half, &config, &folder, &err));
    assert_null(config);
    assert_null(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

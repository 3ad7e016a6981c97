#include <acmec/data/path.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_paths(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"/a/b", NULL, "/a/b"},    {"/a/b//", "/c", "/a/b"},   {"/", NULL, "/"},  {"//", NULL, "/"},
        {"a", "/c", "/c/a"},       {"./././a/", "/c", "/c/a"}, {"a", "/", "/a"},  {".", "/c", "/c"},
        {"../a", "/c", "/c/../a"}, {".a", "/c", "/c/.a"},      {"a", NULL, NULL}, {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path = path_absolute(rows[i][0], rows[i][1]);
        if (rows[i][2] == NULL)
            assert_null(path);
        else
            assert_string_equal(path, rows[i][2]);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

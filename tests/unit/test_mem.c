#include <acmec/base/mem.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>

static void test_new_is_zeroed_and_never_null(void **state)
{
    (void)state;
    unsigned char *bytes = mem_new(100, 3);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
    void *nothing = mem_new(0, 8);
    assert_non_null(nothing);
    nothing = mem_resize(nothing, 0, 0);
    assert_non_null(nothing);
    free(nothing);
}

static void test_resize_keeps_the_bytes(void **state)
{
    (void)state;
    char *text = mem_strdup("abc");
    text = mem_resize(text, 1000, 10);
    assert_string_equal(text, "abc");
    free(text);
    int *fresh = mem_resize(NULL, 4, sizeof(*fresh));
    fresh[3] = 7;
    free(fresh);
}

static void test_strings(void **state)
{
    (void)state;
    assert_null(mem_strdup(NULL));
    AUTO_FREE copy = mem_strndup("abcdef", 3);
    assert_string_equal(copy, "abc");
    AUTO_FREE printed = mem_printf("%s-%d", copy, 5);
    assert_string_equal(printed, "abc-5");
}

static void test_wipe(void **state)
{
    (void)state;
    char secret[8] = "1234567";
    mem_wipe(secret, 4);
    assert_memory_equal(secret,
                        "\0\0\0\0"
                        "567",
                        8);
    mem_wipe(NULL, 0);
}

static void exhaust(void)
{
    mem_exhausted();
}

#ifndef ACMEC_SANITIZED /* the sanitizer ends the program itself when too much is asked for */
static void new_too_much(void)
{
    free(mem_new(SIZE_MAX / 2, 4));
}

static void resize_too_much(void)
{
    free(mem_resize(NULL, SIZE_MAX / 2, 4));
}
#endif

static void assert_ends_the_program(void (*act)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(1);
        act();
        _exit(0);
    }
    (void)close(ends[1]);
    char said[100] = "";
    assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_string_equal(said, "acmec: out of memory\n");
}

static void test_no_memory_ends_the_program(void **state)
{
    (void)state;
    assert_ends_the_program(exhaust);
#ifndef ACMEC_SANITIZED
    assert_ends_the_program(new_too_much);
    assert_ends_the_program(resize_too_much);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_is_zeroed_and_never_null),
        cmocka_unit_test(test_resize_keeps_the_bytes),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_no_memory_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

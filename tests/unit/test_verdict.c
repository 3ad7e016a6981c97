#include <acmec/engine/verdict.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct spawn_result ended(int exit_code, int signal, bool timed_out, const char *output)
{
    struct spawn_result result = {.exit_code = exit_code, .signal = signal, .timed_out = timed_out};
    result.output = BUF(4096);
    buf_add_str(&result.output, output);
    return result;
}

static void expect(struct spawn_result result, const char *errors, const char *text)
{
    struct error err = {0};
    result.errors = BUF(4096);
    buf_add_str(&result.errors, errors);
    assert_int_equal(verdict("the hook 'x'", &result, &err), text == NULL);
    if (text != NULL) {
        assert_int_equal(err.code, ERR_HOOK);
        assert_string_equal(err.text, text);
    }
    buf_release(&result.output);
    buf_release(&result.errors);
}

static void test_ends(void **state)
{
    (void)state;
    expect(ended(0, 0, false, "anything\n"), "", NULL);
    expect(ended(3, 0, false, ""), "", "the hook 'x' failed with status 3");
    expect(ended(3, 0, false, "why\x1b\n \n"), "", "the hook 'x' failed with status 3: why\\u{001B}");
    expect(ended(3, 0, false, "result\n"), "why\n", "the hook 'x' failed with status 3: why");
    expect(ended(-1, 9, false, ""), "", "the hook 'x' was ended by signal 9");
    expect(ended(-1, 15, true, "slow"), "", "the hook 'x' took too long and was ended: slow");
}

static void test_the_end_of_a_long_output_counts(void **state)
{
    (void)state;
    char long_output[1000];
    struct error err = {0};
    memset(long_output, 'a', sizeof long_output - 1);
    long_output[sizeof long_output - 1] = '\0';
    long_output[sizeof long_output - 2] = 'z';
    struct spawn_result result = ended(1, 0, false, long_output);
    assert_false(verdict("it", &result, &err));
    assert_int_equal(strlen(err.text), strlen("it failed with status 1: ") + 400);
    assert_int_equal(err.text[strlen(err.text) - 1], 'z');
    buf_release(&result.output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_the_end_of_a_long_output_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

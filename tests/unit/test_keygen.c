#include <acmec/engine/keygen.h>

#include "fake/fake_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_an_ecdsa_key_is_there_at_once(void **state)
{
    (void)state;
    struct fake_run fake;
    struct keygen keygen;
    fake_run_start(&fake);
    keygen_start(&keygen, &fake.run, KEY_ECDSA_P384);
    assert_true(keygen.over);
    assert_int_equal(key_get_type(keygen.key), KEY_ECDSA_P384);
    assert_int_equal(fake.child_count, 0);
    keygen_release(&keygen);
    fake_run_end(&fake);
}

static void test_an_rsa_key_comes_from_a_child(void **state)
{
    (void)state;
    struct fake_run fake;
    struct keygen keygen;
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    fake_run_start(&fake);
    keygen_start(&keygen, &fake.run, KEY_RSA_2048);
    assert_false(keygen.over);
    assert_int_equal(fake.child_count, 1);
    assert_non_null(strstr(fake.children[0].words, "|" KEYGEN_ARG "|rsa-2048"));
    assert_string_equal(fake.children[0].environment, "");
    assert_true(fake.children[0].secret);

    struct event other = {.kind = EVENT_CHILD, .id = fake.children[0].id + 1};
    assert_false(keygen_take(&keygen, &other));
    assert_false(keygen.over);

    test_file("keys/rsa2048.pem", &pem);
    AUTO(event) event = fake_child_ends(&fake, 0, 0, buf_str(&pem));
    assert_true(keygen_take(&keygen, &event));
    assert_true(keygen.over);
    assert_int_equal(key_get_type(keygen.key), KEY_RSA_2048);
    assert_false(keygen_take(&keygen, &event));
    keygen_release(&keygen);
    fake_run_end(&fake);
}

static void end_badly(int exit_code, const char *output, struct error *err)
{
    struct fake_run fake;
    struct keygen keygen;
    fake_run_start(&fake);
    keygen_start(&keygen, &fake.run, KEY_RSA_4096);
    AUTO(event) event = fake_child_ends(&fake, 0, exit_code, output);
    assert_true(keygen_take(&keygen, &event));
    assert_true(keygen.over);
    assert_null(keygen.key);
    *err = keygen.error;
    keygen_release(&keygen);
    fake_run_end(&fake);
}

static void test_a_child_that_fails(void **state)
{
    (void)state;
    struct error err = {0};
    end_badly(7, "", &err);
    assert_int_equal(err.code, ERR_FILES);
    assert_non_null(strstr(err.text, "failed"));
    err = (struct error){0};
    end_badly(0, "no key at all", &err);
    assert_int_equal(err.code, ERR_FILES);
}

static void test_no_child_can_be_started(void **state)
{
    (void)state;
    struct fake_run fake;
    struct keygen keygen;
    fake_run_start(&fake);
    fake.no_children = true;
    keygen_start(&keygen, &fake.run, KEY_RSA_2048);
    assert_true(keygen.over);
    assert_null(keygen.key);
    assert_int_equal(keygen.error.code, ERR_FILES);
    keygen_release(&keygen);
    fake_run_end(&fake);
}

/* What the child does, in a real one: this program again, as acmec does it. */
static void test_the_child_writes_a_key(void **state)
{
    (void)state;
    int ends[2], status = 0;
    char block[4096], self[4096] = "";
    AUTO(buf) pem = BUF(KEY_PEM_MAX);
    struct key *key = NULL;
    struct error err = {0};
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl(self, self, KEYGEN_ARG, "rsa-2048", (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    for (ssize_t got; (got = read(ends[0], block, sizeof block)) > 0;)
        buf_add(&pem, block, (size_t)got);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(key_read_pem(buf_span(&pem), ERR_FILES, &key, &err));
    assert_int_equal(key_get_type(key), KEY_RSA_2048);
    key_free(key);
}

static void test_the_child_knows_its_types(void **state)
{
    (void)state;
    assert_int_equal(keygen_main("dsa-512"), err_exit_code(ERR_USAGE));
    assert_int_equal(keygen_main(NULL), err_exit_code(ERR_USAGE));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], KEYGEN_ARG) == 0)
        return keygen_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_ecdsa_key_is_there_at_once),
        cmocka_unit_test(test_an_rsa_key_comes_from_a_child),
        cmocka_unit_test(test_a_child_that_fails),
        cmocka_unit_test(test_no_child_can_be_started),
        cmocka_unit_test(test_the_child_writes_a_key),
        cmocka_unit_test(test_the_child_knows_its_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/cli/remember.h>

#include <acmec/base/cleanup.h>
#include <acmec/cli/config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fake/fake_engine.h"

struct bed {
    char folder[64], certs[80], path[96];
    struct engine *engine;
    struct option_set given;
};

static int set_up(void **state)
{
    struct bed *bed = mem_new(1, sizeof *bed);
    (void)snprintf(bed->folder, sizeof bed->folder, "/tmp/acmec-test-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    (void)snprintf(bed->certs, sizeof bed->certs, "%s/certs", bed->folder);
    assert_int_equal(mkdir(bed->certs, 0700), 0);
    (void)snprintf(bed->path, sizeof bed->path, "%s/n.conf", bed->certs);
    struct engine_settings settings = {.config_dir = bed->folder};
    struct error err;
    fake_engine.written = 0;
    assert_true(engine_open(&settings, &bed->engine, &err));
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    (void)unlink(bed->path);
    (void)rmdir(bed->certs);
    (void)rmdir(bed->folder);
    option_set_release(&bed->given);
    engine_close(bed->engine);
    free(bed);
    return 0;
}

static void write_conf(struct bed *bed, const char *text)
{
    struct error err;
    assert_true(engine_write_conf(bed->engine, "n", span_str(text), &err));
    fake_engine.written = 0;
}

static void give(struct bed *bed, enum option_id id, const char *text)
{
    struct error err;
    assert_true(option_set_add(&bed->given, id, text, 0, &err));
}

/* Remembers what was given, on top of the file. */
static bool remember(struct bed *bed, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    struct option_layers layers = {.sets = {&bed->given}, .count = 1};
    assert_true(config_spec(&layers, "n", &spec, err));
    return remember_options(bed->engine, &bed->given, &spec, err);
}

static void assert_conf(struct bed *bed, const char *wanted)
{
    AUTO(buf) text = BUF(ENGINE_CONF_MAX);
    AUTO_FREE path = NULL;
    bool found;
    struct error err = {0};
    if (!remember(bed, &err))
        fail_msg("%s", err.text);
    assert_true(engine_read_conf(bed->engine, "n", &text, &path, &found, &err));
    assert_string_equal(buf_str(&text), wanted);
}

static void test_new_file(void **state)
{
    struct bed *bed = *state;
    give(bed, OPT_DOMAIN, "B.example,a.example");
    give(bed, OPT_NAME, "n");
    give(bed, OPT_KEY_TYPE, "ecdsa-p256"); /* a default, but given */
    give(bed, OPT_AGREE_TOS, NULL);
    give(bed, OPT_DEPLOY_HOOK, "echo 'x' # y");
    give(bed, OPT_SERVER, "google");
    give(bed, OPT_JSON, NULL);
    give(bed, OPT_WAIT, "5");
    give(bed, OPT_FORCE, NULL);
    assert_conf(bed, "domain = b.example\ndomain = a.example\nserver = google\n"
                     "key-type = ecdsa-p256\ndeploy-hook = echo 'x' # y\nagree-tos = yes\n");
}

static void test_right_lines_stay(void **state)
{
    struct bed *bed = *state;
    write_conf(bed, "# mine\ndomain=b.example,A.example\n\nkey-type   =  rsa-2048\n# end\n");
    give(bed, OPT_DOMAIN, "a.example,b.example");
    give(bed, OPT_KEY_TYPE, "rsa-2048");
    assert_conf(bed, "# mine\ndomain=b.example,A.example\n\nkey-type   =  rsa-2048\n# end\n");
    assert_int_equal(fake_engine.written, 0);
}

static void test_only_what_differs_changes(void **state)
{
    struct bed *bed = *state;
    write_conf(bed,
               "# mine\ndomain=a.example\n\nkey-type =  rsa-2048\n# end\nemail = x@y.example\n");
    give(bed, OPT_DOMAIN, "a.example");
    give(bed, OPT_KEY_TYPE, "rsa-4096");
    assert_conf(bed, "# mine\ndomain=a.example\n\nkey-type = rsa-4096\n# end\n"
                     "email = x@y.example\n");
    assert_int_equal(fake_engine.written, 1);
}

static void test_one_way_of_proof(void **state)
{
    struct bed *bed = *state;
    write_conf(bed, "domain = a.example\nwebroot = /w\n");
    give(bed, OPT_STANDALONE, NULL);
    assert_conf(bed, "domain = a.example\nstandalone = yes\n");
    option_set_release(&bed->given);
    give(bed, OPT_WEBROOT, "/v");
    assert_conf(bed, "domain = a.example\nwebroot = /v\n");
}

static void test_names_with_their_own_proof(void **state)
{
    struct bed *bed = *state;
    give(bed, OPT_DOMAIN, "a.example,b.example=webroot:/b/");
    give(bed, OPT_STANDALONE, NULL);
    assert_conf(bed, "domain = a.example\ndomain = b.example=webroot:/b\nstandalone = yes\n");
    assert_conf(bed, "domain = a.example\ndomain = b.example=webroot:/b\nstandalone = yes\n");
    assert_int_equal(fake_engine.written, 1);
    option_set_release(&bed->given);
    give(bed, OPT_DOMAIN, "a.example,b.example=webroot:/c");
    assert_conf(bed, "domain = a.example\ndomain = b.example=webroot:/c\nstandalone = yes\n");
    option_set_release(&bed->given);
    give(bed, OPT_DOMAIN, "a.example,b.example");
    give(bed, OPT_WEBROOT, "/w");
    assert_conf(bed, "domain = a.example\ndomain = b.example\nwebroot = /w\n");
}

static void test_staging_is_a_server(void **state)
{
    struct bed *bed = *state;
    give(bed, OPT_DOMAIN, "a.example");
    give(bed, OPT_STAGING, NULL);
    assert_conf(bed, "domain = a.example\nserver = letsencrypt-staging\n");
    write_conf(bed, "domain = a.example\nstaging = yes\n");
    option_set_release(&bed->given);
    give(bed, OPT_SERVER, "letsencrypt");
    assert_conf(bed, "domain = a.example\nserver = letsencrypt\n");
}

static void test_a_broken_file_is_left_alone(void **state)
{
    struct bed *bed = *state;
    struct error err = {0};
    write_conf(bed, "domain = a.example\nwhat\n");
    give(bed, OPT_DOMAIN, "b.example");
    assert_false(remember(bed, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(fake_engine.written, 0);
}

static void test_two_key_types_stay_two(void **state)
{
    struct bed *bed = *state;
    write_conf(bed, "domain = a.example\nkey-type = rsa-4096\n");
    give(bed, OPT_DOMAIN, "a.example");
    give(bed, OPT_KEY_TYPE, "ecdsa-p256,rsa-2048");
    assert_conf(bed, "domain = a.example\nkey-type = ecdsa-p256\nkey-type = rsa-2048\n");
}

/* What the request says is taken out of the file. */
static void test_csr_takes_the_place_of_names(void **state)
{
    struct bed *bed = *state;
    write_conf(bed, "domain = a.example\nkey-type = rsa-4096\nprofile = p\nreuse-key = yes\n");
    give(bed, OPT_CSR, "/x.csr");
    assert_conf(bed, "profile = p\ncsr = /x.csr\n");
}

static void test_one_word_on_the_profile(void **state)
{
    struct bed *bed = *state;
    write_conf(bed, "domain = a.example\nprofile = p\n");
    give(bed, OPT_DOMAIN, "a.example");
    give(bed, OPT_PREFERRED_PROFILE, "q");
    assert_conf(bed, "domain = a.example\npreferred-profile = q\n");
}

static void test_a_date_is_not_kept(void **state)
{
    struct bed *bed = *state;
    give(bed, OPT_DOMAIN, "a.example");
    give(bed, OPT_NOT_AFTER, "2027-01-15");
    give(bed, OPT_NOT_BEFORE, "1h");
    assert_conf(bed, "domain = a.example\nnot-before = 1h\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_right_lines_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_what_differs_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_way_of_proof, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_with_their_own_proof, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_staging_is_a_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_broken_file_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_key_types_stay_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_csr_takes_the_place_of_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_word_on_the_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_date_is_not_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

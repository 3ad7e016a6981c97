#include <acmec/engine/certkey.h>

#include "fake/fake_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct scene {
    struct fake_run fake;
    struct cert_spec spec;
    struct certkey certkey;
    struct key *account;
};

static void start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_run_start(&scene->fake);
    (void)snprintf(scene->spec.name, sizeof scene->spec.name, "cert");
    scene->spec.names = test_names(2);
    scene->spec.key_types[0] = KEY_ECDSA_P256;
    scene->spec.key_type_count = 1;
    scene->account = test_key("rfc6979-p256");
}

static void end(struct scene *scene)
{
    certkey_release(&scene->certkey);
    cert_spec_release(&scene->spec);
    key_free(scene->account);
    fake_run_end(&scene->fake);
}

static bool begin(struct scene *scene, struct error *err)
{
    certkey_release(&scene->certkey);
    return certkey_start(&scene->certkey, &scene->fake.run, &scene->spec, 0, scene->account, err);
}

static void begin_well(struct scene *scene)
{
    struct error err = {0};
    if (!begin(scene, &err))
        fail_msg("%s", err.text);
    assert_true(certkey_is_over(&scene->certkey));
}

/* What tells the key apart: the fingerprint of the one that the request is for. */
static void fingerprint(const struct scene *scene, char out[static SHA256_HEX])
{
    struct error err = {0};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    AUTO(csr_info) csr = {0};
    assert_true(certkey_request(&scene->certkey, &der, &err));
    assert_true(csr_read(buf_span(&der), &csr, &err));
    assert_true(identifier_list_same_set(&csr.names, &scene->spec.names));
    (void)snprintf(out, SHA256_HEX, "%s", csr.key_fingerprint);
}

static void test_a_new_key_for_each_order(void **state)
{
    (void)state;
    struct scene scene;
    char first[SHA256_HEX], second[SHA256_HEX];
    start(&scene);
    begin_well(&scene);
    fingerprint(&scene, first);
    begin_well(&scene);
    fingerprint(&scene, second);
    assert_string_not_equal(first, second);
    end(&scene);
}

static void test_an_rsa_key_takes_its_time(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    AUTO(buf) der = BUF(CSR_DER_MAX);
    start(&scene);
    scene.spec.key_types[0] = KEY_RSA_2048;
    assert_true(begin(&scene, &err));
    assert_false(certkey_is_over(&scene.certkey));
    test_file("keys/rsa2048.pem", &pem);
    AUTO(event) event = fake_child_ends(&scene.fake, 0, 0, buf_str(&pem));
    assert_true(certkey_take(&scene.certkey, &event));
    assert_true(certkey_is_over(&scene.certkey));
    assert_true(certkey_request(&scene.certkey, &der, &err));
    end(&scene);
}

static void test_why_there_is_no_key(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    start(&scene);
    scene.fake.no_children = true;
    scene.spec.key_types[0] = KEY_RSA_2048;
    assert_true(begin(&scene, &err));
    assert_true(certkey_is_over(&scene.certkey));
    assert_true(certkey_save(&scene.certkey, 1, &err)); /* there is nothing to save */
    assert_false(certkey_request(&scene.certkey, &der, &err));
    assert_int_equal(err.code, ERR_FILES);
    end(&scene);
}

static void commit_live(struct scene *scene)
{
    struct error err = {0};
    if (!test_commit(scene->fake.home.store, "cert", "ec256", "good", NULL, &err))
        fail_msg("%s", err.text);
}

static void live_fingerprint(char out[static SHA256_HEX])
{
    struct error err = {0};
    struct key *key = test_key("ec256");
    assert_true(key_fingerprint(key, out, &err));
    key_free(key);
}

static void test_the_live_key_again(void **state)
{
    (void)state;
    struct scene scene;
    char live[SHA256_HEX], used[SHA256_HEX];
    struct error err = {0};
    start(&scene);
    commit_live(&scene);
    live_fingerprint(live);
    begin_well(&scene);
    fingerprint(&scene, used);
    assert_string_not_equal(used, live); /* only where it is asked for */
    scene.spec.reuse_key = true;
    begin_well(&scene);
    fingerprint(&scene, used);
    assert_string_equal(used, live);
    scene.spec.key_types[0] = KEY_ECDSA_P384; /* another kind is wanted now */
    begin_well(&scene);
    fingerprint(&scene, used);
    assert_string_not_equal(used, live);
    scene.spec.key_types[0] = KEY_ECDSA_P256;
    assert_true(store_ban_key(scene.fake.home.store, live, 1, &err));
    begin_well(&scene);
    fingerprint(&scene, used);
    assert_string_not_equal(used, live);
    end(&scene);
}

static void test_the_key_of_an_interrupted_run(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    char first[SHA256_HEX], second[SHA256_HEX];
    bool found = true;
    start(&scene);
    struct run *run = &scene.fake.run;
    assert_true(
        certkey_resume(&scene.certkey, run, &scene.spec, 0, scene.account, 1, &found, &err));
    assert_false(found);
    begin_well(&scene);
    fingerprint(&scene, first);
    assert_true(certkey_save(&scene.certkey, 1, &err));
    assert_true(certkey_save(&scene.certkey, 1, &err));
    certkey_release(&scene.certkey);
    assert_true(
        certkey_resume(&scene.certkey, run, &scene.spec, 0, scene.account, 1, &found, &err));
    assert_true(found);
    fingerprint(&scene, second);
    assert_string_equal(first, second);
    end(&scene);
}

/* ---- a person's request ---- */

/* Writes request.der for this key and the first names of test_names. */
static void write_request(struct scene *scene, const char *key_name, size_t names)
{
    struct error err = {0};
    AUTO(identifier_list) list = test_names(names);
    AUTO(buf) der = BUF(CSR_DER_MAX);
    struct csr_wish wish = {.names = &list};
    struct key *key = test_key(key_name);
    AUTO_FREE path = place_path(&scene->fake.home.place, "request.der");
    assert_true(csr_make(key, &wish, &der, &err));
    key_free(key);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(der.data, 1, der.len, file), der.len);
    assert_int_equal(fclose(file), 0);
    free(scene->spec.csr);
    scene->spec.csr = mem_strdup(path);
    scene->spec.key_type_count = 0;
}

static void test_a_request_of_a_person(void **state)
{
    (void)state;
    struct scene scene;
    char live[SHA256_HEX], used[SHA256_HEX];
    struct error err = {0};
    start(&scene);
    write_request(&scene, "ec256", 2);
    identifier_list_release(&scene.spec.names);
    assert_true(certkey_read_csr(&scene.spec, &err));
    assert_int_equal(scene.spec.names.count, 2);
    assert_int_equal(strlen(scene.spec.csr_sha256), 64);
    begin_well(&scene);
    fingerprint(&scene, used);
    live_fingerprint(live);
    assert_string_equal(used, live);
    assert_true(certkey_save(&scene.certkey, 1, &err));
    assert_false(place_has(&scene.fake.home.place, "etc/archive/cert/1.partial"));
    end(&scene);
}

static void expect_refusal(struct scene *scene, enum err_code code, const char *words)
{
    struct error err = {0};
    assert_false(begin(scene, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
}

static void test_requests_that_are_refused(void **state)
{
    (void)state;
    struct scene scene;
    char banned[SHA256_HEX];
    struct error err = {0};
    start(&scene);
    write_request(&scene, "rfc6979-p256", 2);
    expect_refusal(&scene, ERR_USAGE, "that of the account");
    write_request(&scene, "ec256", 3); /* after the names were read */
    expect_refusal(&scene, ERR_USAGE, "changed meanwhile");
    write_request(&scene, "ec256", 2);
    live_fingerprint(banned);
    assert_true(store_ban_key(scene.fake.home.store, banned, 1, &err));
    expect_refusal(&scene, ERR_REFUSED, "compromised");
    place_write(&scene.fake.home.place, "request.der", "this is none");
    expect_refusal(&scene, ERR_USAGE, "request.der");
    free(scene.spec.csr);
    scene.spec.csr = place_path(&scene.fake.home.place, "nothing");
    expect_refusal(&scene, ERR_FILES, "--csr");
    assert_false(certkey_read_csr(&scene.spec, &err));
    end(&scene);
}

/* ---- what comes back ---- */

static void test_a_chain_must_be_for_the_key(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    struct test_issuer issuer = {0};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    AUTO(buf) chain = BUF(65536);
    AUTO(cert_info) info = {.not_after = 0};
    static const char *const names[] = {"a.example", "b.example"};
    start(&scene);
    begin_well(&scene);
    assert_true(certkey_request(&scene.certkey, &der, &err));
    issuer_sign(&issuer, buf_span(&der), names, 2, scene.fake.world.wall, &chain);
    if (!certkey_check_chain(&scene.certkey, buf_span(&chain), &info, &err))
        fail_msg("%s", err.text);
    assert_true(info.not_before == scene.fake.world.wall);
    cert_info_release(&info);
    begin_well(&scene); /* another key */
    assert_false(certkey_check_chain(&scene.certkey, buf_span(&chain), &info, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    issuer_release(&issuer);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_key_for_each_order),
        cmocka_unit_test(test_an_rsa_key_takes_its_time),
        cmocka_unit_test(test_why_there_is_no_key),
        cmocka_unit_test(test_the_live_key_again),
        cmocka_unit_test(test_the_key_of_an_interrupted_run),
        cmocka_unit_test(test_a_request_of_a_person),
        cmocka_unit_test(test_requests_that_are_refused),
        cmocka_unit_test(test_a_chain_must_be_for_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

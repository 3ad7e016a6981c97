#include <acmec/data/spec.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>
#include <string.h>

static void test_key_types_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < KEY_TYPE_COUNT; i++) {
        enum key_type type = KEY_TYPE_COUNT;
        assert_true(key_type_from_word(key_type_word((enum key_type)i), &type));
        assert_int_equal(type, i);
    }
    enum key_type untouched = KEY_RSA_3072;
    assert_false(key_type_from_word("rsa", &untouched));
    assert_false(key_type_from_word("", &untouched));
    assert_false(key_type_from_word("RSA-2048", &untouched));
    assert_int_equal(untouched, KEY_RSA_3072);
    assert_string_equal(key_type_word(KEY_ECDSA_P384), "ecdsa-p384");
}

/* The leak checker sees a string that is forgotten. */
static void test_release_frees_every_string(void **state)
{
    (void)state;
    struct identifier name = {.value = "a.example"};
    AUTO(cert_spec)
    spec = {
        .proof = {PROOF_WEBROOT, mem_strdup("1")},
        .http_address = mem_strdup("2"),
        .eab_kid = mem_strdup("3"),
        .eab_hmac_key_file = mem_strdup("4"),
        .ca_bundle = mem_strdup("6"),
        .account = mem_strdup("7"),
        .email = mem_strdup("8"),
        .proxy = mem_strdup("9"),
        .key_group = mem_strdup("10"),
        .pre_hook = mem_strdup("11"),
        .deploy_hook = mem_strdup("12"),
        .post_hook = mem_strdup("13"),
        .csr = mem_strdup("15"),
        .profile = mem_strdup("16"),
        .preferred_chain = mem_strdup("17"),
    };
    assert_true(identifier_list_add(&spec.names, &name));
    cert_spec_add_ca(&spec, "a", "https://a.example", "https://staging.a.example");
    cert_spec_add_ca(&spec, "b", "https://b.example", NULL);
    cert_spec_add_ca(&spec, "again", "https://a.example", NULL);
    assert_int_equal(spec.ca_count, 2);
    assert_string_equal(spec.cas[0].server, "a");
    assert_null(spec.cas[1].staging_url);
    assert_true(cert_spec_has_ca(&spec, "https://b.example"));
    assert_int_equal(cert_spec_find_ca(&spec, "https://b.example"), 1);
    assert_int_equal(cert_spec_find_ca(&spec, "https://c.example"), 0);
    assert_int_equal(cert_spec_find_ca(&spec, NULL), 0);
    assert_false(cert_spec_has_ca(&spec, "https://staging.a.example"));
    struct proving proof = {PROOF_WEBROOT, mem_strdup("14")};
    cert_spec_prove(&spec, &name, &proof);
    assert_null(proof.argument);
    cert_spec_release(&spec);
    const struct cert_spec zero = {0};
    assert_memory_equal(&spec.names, &zero.names, sizeof(zero.names));
    assert_null(spec.proof.argument);
    assert_int_equal(spec.name_proof_count, 0);
    assert_null(spec.post_hook);
}

static void test_each_name_has_its_proof(void **state)
{
    (void)state;
    struct identifier one = {.value = "a.example"}, other = {.value = "*.a.example"};
    struct proving proof = {PROOF_STANDALONE, NULL};
    AUTO(cert_spec) spec = {.proof = {PROOF_WEBROOT, mem_strdup("/w")}};
    cert_spec_prove(&spec, &other, &proof);
    assert_ptr_equal(cert_spec_proof(&spec, &one), &spec.proof);
    assert_int_equal(cert_spec_proof(&spec, &other)->kind, PROOF_STANDALONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_types_round_trip),
        cmocka_unit_test(test_each_name_has_its_proof),
        cmocka_unit_test(test_release_frees_every_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/engine/proof.h>

#include "fake/fake_dns.h"
#include "fake/fake_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct scene {
    struct fake_run fake;
    struct cert_spec spec;
    struct key *key;
    struct session *session;
    struct proof *proof;
    size_t ready, failed;
    size_t index; /* of the last one that was told */
    struct error error;
};

static void on_ready(void *ctx, size_t index)
{
    struct scene *scene = ctx;
    scene->ready++;
    scene->index = index;
}

static void on_failed(void *ctx, size_t index, const struct error *error)
{
    struct scene *scene = ctx;
    scene->failed++;
    scene->index = index;
    scene->error = *error;
}

/* For these names, proved as the text says (NULL: as acmec chooses). */
static void start(struct scene *scene, const char *const *names, size_t count, const char *way)
{
    struct proof_listener listener = {on_ready, on_failed, scene};
    struct error err = {0};
    *scene = (struct scene){0};
    fake_run_start(&scene->fake);
    (void)snprintf(scene->spec.name, sizeof scene->spec.name, "cert");
    scene->spec.names = fixture_names(names, count);
    scene->spec.http_port = 80;
    scene->spec.tls_port = 443;
    scene->spec.hook_timeout = 60;
    if (way != NULL)
        assert_true(proving_parse(way, "/", &scene->spec.proof, &err));
    scene->key = fixture_key();
    scene->session = fixture_session(scene->key);
    scene->proof = proof_new(&scene->fake.run, &scene->spec, scene->session, &listener);
}

static void end(struct scene *scene)
{
    proof_free(scene->proof);
    session_free(scene->session);
    key_free(scene->key);
    cert_spec_release(&scene->spec);
    fake_run_end(&scene->fake);
}

static void check(struct scene *scene)
{
    struct error err = {0};
    if (!proof_check(scene->proof, &err))
        fail_msg("%s", err.text);
}

static void check_fails(struct scene *scene, enum err_code code, const char *words)
{
    struct error err = {0};
    assert_false(proof_check(scene->proof, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
}

static void present(struct scene *scene, size_t index, const char *token, const char *answer)
{
    const struct order_action action = {
        .index = index,
        .identifier = &scene->spec.names.items[index],
        .token = token,
        .key_authorization = answer,
    };
    proof_present(scene->proof, &action);
}

static const char *const one[] = {"a.example"};

static void test_our_own_responder(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, one, 1, NULL);
    check(&scene);
    assert_string_equal(scene.fake.listening, "* 80");
    assert_true(fake_was_told(&scene.fake, "own responder on port 80")); /* nobody asked for it */
    assert_string_equal(proof_challenge_types(scene.proof)[0], "http-01");
    assert_true(proof_is_watched(scene.proof));
    assert_true(proof_has_responder(scene.proof));
    present(&scene, 0, "token-1", "answer-1");
    assert_int_equal(scene.ready, 0);
    assert_string_equal(scene.fake.proofs[0].text, "answer-1");
    proof_take_ready(scene.proof, "token-of-another");
    assert_int_equal(scene.ready, 0);
    proof_take_ready(scene.proof, "token-1");
    assert_int_equal(scene.ready, 1);
    proof_clear(scene.proof);
    assert_int_equal(fake_proofs_up(&scene.fake), 0);
    proof_clear(scene.proof);
    end(&scene);
}

static void test_what_is_up_is_taken_down_at_the_end(void **state)
{
    (void)state;
    struct scene scene;
    size_t count = 0;
    start(&scene, (const char *const[]){"a.example", "b.example"}, 2, "standalone");
    check(&scene);
    assert_false(fake_was_told(&scene.fake, "responder")); /* somebody asked for it */
    present(&scene, 0, "token-1", "answer-1");
    present(&scene, 1, "token-2", "answer-2");
    const struct proof_answer *const *answers = proof_answers(scene.proof, &count);
    assert_int_equal(count, 2);
    assert_string_equal(answers[1]->identifier.value, "b.example");
    assert_int_equal(fake_proofs_up(&scene.fake), 2);
    proof_free(scene.proof);
    scene.proof = NULL;
    assert_int_equal(fake_proofs_up(&scene.fake), 0);
    end(&scene);
}

static void test_a_taken_port_is_said_before(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    start(&scene, one, 1, "tls-alpn");
    scene.fake.no_proofs = true;
    assert_false(proof_check(scene.proof, &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    assert_non_null(strstr(err.hint, "--webroot"));
    end(&scene);
}

static void test_what_a_way_cannot_prove(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, (const char *const[]){"*.a.example"}, 1, "standalone");
    check_fails(&scene, ERR_USAGE, "the wildcard '*.a.example' cannot be proved by http-01");
    end(&scene);
    start(&scene, (const char *const[]){"192.0.2.7"}, 1, "dns:exec:/bin/true");
    check_fails(&scene, ERR_USAGE, "the address '192.0.2.7' cannot be proved by dns-01");
    end(&scene);
}

static void test_tls(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, one, 1, "tls-alpn");
    check(&scene);
    assert_string_equal(scene.fake.listening, "* 443 tls");
    assert_string_equal(proof_challenge_types(scene.proof)[0], "tls-alpn-01");
    present(&scene, 0, "token-1", "answer-1");
    assert_true(scene.fake.proofs[0].tls);
    assert_string_equal(scene.fake.proofs[0].text, "a.example");
    end(&scene);
}

/* ---- over HTTP, with a look at home ---- */

/* The answer of the local web server to the look that was begun. */
static void serve_home(struct scene *scene, long status, const char *body)
{
    struct exchanges *exchanges = scene->fake.run.exchanges;
    (void)exchanges_step(exchanges);
    assert_int_equal(scene->fake.world.submitted, 1);
    assert_string_equal(scene->fake.world.submits[0].url,
                        "http://a.example/.well-known/acme-challenge/token-1");
    AUTO(event)
    event = status == 0 ? fake_failure(&scene->fake.world, 0, HTTP_FAIL_CONNECT)
                        : fake_reply(&scene->fake.world, 0, status, "", body);
    exchanges_take(exchanges, &event);
}

/* How a look at home ends. */
static void look_home(struct scene *scene, long status, const char *body)
{
    start(scene, one, 1, "stateless");
    check(scene);
    present(scene, 0, "token-1", "answer-1");
    assert_int_equal(scene->ready + scene->failed, 0);
    serve_home(scene, status, body);
    assert_int_equal(scene->ready + scene->failed, 1);
}

static void test_the_look_at_home(void **state)
{
    (void)state;
    static const struct {
        long status; /* 0: nobody is there */
        const char *body;
        bool good;
    } rows[] = {
        {200, "answer-1", true},
        {200, "answer-1\r\n", true},
        {200, "something else", false},
        {404, "", false},
        {301, "", true},
        {403, "", true},
        {500, "it is not well", true},
        {0, NULL, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        look_home(&scene, rows[i].status, rows[i].body);
        assert_int_equal(scene.ready, rows[i].good ? 1 : 0);
        if (!rows[i].good) {
            assert_int_equal(scene.error.code, ERR_REFUSED);
            assert_non_null(strstr(scene.error.text, "proving 'a.example'"));
            assert_non_null(strstr(scene.error.hint, "acmec account thumbprint"));
        }
        end(&scene);
    }
}

static void test_a_webroot(void **state)
{
    (void)state;
    struct scene scene;
    struct place place;
    place_make(&place);
    AUTO_FREE way = mem_printf("webroot:%s", place.dir);
    start(&scene, one, 1, way);
    check(&scene);
    assert_false(proof_is_watched(scene.proof));
    present(&scene, 0, "token-1", "answer-1");
    assert_true(place_holds(&place, ".well-known/acme-challenge/token-1", "answer-1"));
    serve_home(&scene, 200, "answer-1");
    assert_int_equal(scene.ready, 1);
    proof_clear(scene.proof);
    assert_int_equal(place_count(&place, "."), 0);
    end(&scene);

    place_remove(&place);
    start(&scene, one, 1, way);
    check_fails(&scene, ERR_FILES, place.dir);
    end(&scene);
}

static void test_cancelled_while_it_looks_at_home(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, one, 1, "stateless");
    check(&scene);
    present(&scene, 0, "token-1", "answer-1");
    (void)exchanges_step(scene.fake.run.exchanges);
    proof_clear(scene.proof);
    assert_true(scene.fake.world.submits[0].cancelled);
    AUTO(event) event = fake_reply(&scene.fake.world, 0, 200, "", "answer-1");
    exchanges_take(scene.fake.run.exchanges, &event);
    assert_int_equal(scene.ready, 0);
    end(&scene);
}

static void test_what_cannot_be_put_in_place(void **state)
{
    (void)state;
    struct scene scene;
    struct place place;
    place_make(&place);
    AUTO_FREE way = mem_printf("webroot:%s", place.dir);
    start(&scene, one, 1, way);
    check(&scene);
    place_remove(&place); /* meanwhile */
    present(&scene, 0, "token-1", "answer-1");
    assert_int_equal(scene.failed, 1);
    assert_int_equal(scene.error.code, ERR_FILES);
    assert_non_null(strstr(scene.error.text, "proving 'a.example'"));
    end(&scene);
}

/* ---- by script ---- */

static void script(struct scene *scene, const struct dns_row *rows, size_t count)
{
    (void)records_step(scene->fake.run.records);
    dns_answer_all(&scene->fake.world, scene->fake.run.lookups, rows, count);
    (void)records_step(scene->fake.run.records);
}

static char *program(const struct place *place)
{
    char *path = place_path(place, "hook");
    place_write(place, "hook", "#!/bin/sh\n");
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static void end_script(struct scene *scene, size_t nth, int exit_code)
{
    AUTO(event) event = fake_child_ends(&scene->fake, nth, exit_code, "");
    assert_true(records_take(scene->fake.run.records, &event));
    (void)records_step(scene->fake.run.records);
}

static void test_a_txt_record(void **state)
{
    (void)state;
    struct scene scene;
    struct place place;
    place_make(&place);
    AUTO_FREE path = program(&place);
    AUTO_FREE way = mem_printf("dns:exec:%s", path);
    start(&scene, (const char *const[]){"*.a.example"}, 1, way);
    check(&scene);
    assert_string_equal(proof_challenge_types(scene.proof)[0], "dns-01");
    assert_false(proof_has_responder(scene.proof));
    present(&scene, 0, "token-1", "answer-1");
    script(&scene, NULL, 0);
    /* base64url of the SHA-256 of "answer-1", by openssl */
    AUTO_FREE words = mem_printf("%s|present|_acme-challenge.a.example.|"
                                 "jd05c5si4zwL4ICmr5Okfk-bLq4YSlISNJRM8dThErM",
                                 path);
    assert_string_equal(scene.fake.children[0].words, words);
    assert_int_equal(scene.fake.children[0].timeout_ms, 60000);
    assert_int_equal(scene.ready, 0);
    end_script(&scene, 0, 0); /* dns_timeout 0: it is not looked for */
    assert_int_equal(scene.ready, 1);
    proof_clear(scene.proof);
    script(&scene, NULL, 0);
    assert_int_equal(scene.fake.child_count, 2);
    assert_non_null(strstr(scene.fake.children[1].words, "|cleanup|"));
    end(&scene);
    place_remove(&place);
}

/* The example of draft-ietf-acme-dns-account-label section 3.2. */
static void test_a_txt_record_for_one_account(void **state)
{
    (void)state;
    struct scene scene;
    struct place place;
    struct proof_listener listener = {on_ready, on_failed, &scene};
    struct error err = {0};
    place_make(&place);
    AUTO_FREE path = program(&place);
    AUTO_FREE way = mem_printf("dns:exec:%s", path);
    start(&scene, (const char *const[]){"example.org"}, 1, way);
    scene.spec.dns_proof = PROOF_BY_DNS_ACCOUNT_01;
    proof_free(scene.proof);
    session_free(scene.session);
    scene.session = session_new("https://example.com/directory", scene.key);
    assert_true(
        session_set_account(scene.session, "https://example.com/acme/acct/ExampleAccount", &err));
    scene.proof = proof_new(&scene.fake.run, &scene.spec, scene.session, &listener);
    check(&scene);
    assert_string_equal(proof_challenge_types(scene.proof)[0], "dns-account-01");
    present(&scene, 0, "token-1", "answer-1");
    script(&scene, NULL, 0);
    assert_non_null(
        strstr(scene.fake.children[0].words, "|_ujmmovf2vn55tgye._acme-challenge.example.org.|"));
    end(&scene);
    place_remove(&place);
}

static void test_a_script_that_fails(void **state)
{
    (void)state;
    struct scene scene;
    struct place place;
    place_make(&place);
    AUTO_FREE path = program(&place);
    AUTO_FREE way = mem_printf("http-hook:%s", path);
    start(&scene, one, 1, way);
    check(&scene);
    present(&scene, 0, "token-1", "answer-1");
    script(&scene, NULL, 0);
    AUTO_FREE words = mem_printf("%s|present|a.example|token-1|answer-1", path);
    assert_string_equal(scene.fake.children[0].words, words);
    end_script(&scene, 0, 1);
    assert_int_equal(scene.failed, 1);
    assert_int_equal(scene.error.code, ERR_HOOK);
    end(&scene);
    place_remove(&place);
}

/* ---- by a record that stands ---- */

#define STANDING "ca.example; accounturi=" FIXTURE_ACCOUNT

/* Presents a name whose zone has this record (NULL: none). */
static void stand(struct scene *scene, const char *name, const char *record, const char *account)
{
    const struct persist_offer offer = {
        .issuers = {(char *)"ca.example"}, .issuer_count = 1, .account_uri = (char *)account};
    const struct dns_row rows[] = {
        {.name = "_validation-persist.a.example", .type = DNS_SOA, .data = ""},
        {.name = "_validation-persist.a.example", .type = DNS_TXT, .data = record},
    };
    start(scene, &name, 1, "dns-persist");
    scene->spec.dns_timeout = 120;
    check(scene);
    assert_string_equal(proof_challenge_types(scene->proof)[0], "dns-persist-01");
    const struct order_action action = {
        .identifier = &scene->spec.names.items[0],
        .token = "",
        .key_authorization = "",
        .persist = &offer,
    };
    proof_present(scene->proof, &action);
    for (size_t i = 0; i < 5; i++)
        dns_answer_all(&scene->fake.world, scene->fake.run.lookups, rows, 2);
    assert_int_equal(scene->ready + scene->failed, 1);
}

static void test_a_standing_record(void **state)
{
    (void)state;
    static const struct {
        const char *name, *record, *account;
        bool good;
    } rows[] = {
        {"a.example", STANDING, NULL, true},
        {"a.example", STANDING, FIXTURE_ACCOUNT, true},
        {"a.example", STANDING "0", NULL, false},
        {"a.example", "", NULL, false},
        {"a.example", NULL, NULL, true}, /* nobody answers us: the CA may see another DNS */
        {"*.a.example", STANDING, NULL, false},
        {"*.a.example", STANDING "; policy=wildcard", NULL, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        stand(&scene, rows[i].name, rows[i].record, rows[i].account);
        assert_int_equal(scene.ready, rows[i].good ? 1 : 0);
        if (!rows[i].good)
            assert_non_null(strstr(scene.error.hint,
                                   "put there: _validation-persist.a.example. IN TXT \"" STANDING));
        end(&scene);
    }
}

static void test_a_standing_record_of_another_account(void **state)
{
    (void)state;
    struct scene scene;
    stand(&scene, "a.example", STANDING, FIXTURE_ACCOUNT "2");
    assert_int_equal(scene.error.code, ERR_REFUSED);
    assert_non_null(strstr(scene.error.text, "another account"));
    end(&scene);
}

/* ---- each name in its own way ---- */

static void test_names_with_ways_of_their_own(void **state)
{
    (void)state;
    struct scene scene;
    struct proving way = {.kind = PROOF_TLS_ALPN};
    struct proof_listener listener = {on_ready, on_failed, &scene};
    start(&scene, (const char *const[]){"a.example", "b.example"}, 2, "stateless");
    cert_spec_prove(&scene.spec, &scene.spec.names.items[1], &way);
    proof_free(scene.proof);
    scene.proof = proof_new(&scene.fake.run, &scene.spec, scene.session, &listener);
    check(&scene);
    assert_string_equal(proof_challenge_types(scene.proof)[0], "http-01");
    assert_string_equal(proof_challenge_types(scene.proof)[1], "tls-alpn-01");
    assert_false(proof_is_watched(scene.proof)); /* not all of them */
    assert_true(proof_has_responder(scene.proof));
    present(&scene, 1, "token-2", "answer-2");
    assert_int_equal(scene.fake.proof_count, 1);
    proof_take_ready(scene.proof, "token-2");
    assert_int_equal(scene.ready, 1);
    assert_int_equal(scene.index, 1);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_own_responder),
        cmocka_unit_test(test_what_is_up_is_taken_down_at_the_end),
        cmocka_unit_test(test_a_taken_port_is_said_before),
        cmocka_unit_test(test_what_a_way_cannot_prove),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_the_look_at_home),
        cmocka_unit_test(test_a_webroot),
        cmocka_unit_test(test_cancelled_while_it_looks_at_home),
        cmocka_unit_test(test_what_cannot_be_put_in_place),
        cmocka_unit_test(test_a_txt_record),
        cmocka_unit_test(test_a_txt_record_for_one_account),
        cmocka_unit_test(test_a_script_that_fails),
        cmocka_unit_test(test_a_standing_record),
        cmocka_unit_test(test_a_standing_record_of_another_account),
        cmocka_unit_test(test_names_with_ways_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

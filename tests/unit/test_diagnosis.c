/* What becomes of a CA's refusal; tests/integration/test_preflight.py has real ones. */
#include <acmec/engine/diagnosis.h>

#include "fake/fake_world.h"
#include <acmec/data/spec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define PROBLEM "urn:ietf:params:acme:error:"

/* The proof of a certificate with one name. */
static const struct proof_way way = {.challenge_type = "http-01"};
static const struct proving choice = {.kind = PROOF_WEBROOT};
static struct proof_answer answer = {.way = &way,
                                     .choice = &choice,
                                     .token = (char *)"TOKEN",
                                     .key_authorization = (char *)"TOKEN.print"};

static const struct proof_answer *const answers[] = {&answer};

struct scene {
    struct fake_world world;
    struct engine_settings settings;
    struct run run;
    struct cert_spec spec;
    struct error error;
    struct diagnosis *diagnosis;
};

static void start(struct scene *scene, enum err_code code, const char *acme_type)
{
    *scene = (struct scene){.spec = {.http_port = 80}};
    (void)snprintf(answer.identifier.value, sizeof answer.identifier.value, "a.example");
    fake_world_start(&scene->world);
    scene->run.ports = &scene->world.ports;
    scene->run.settings = &scene->settings;
    scene->run.exchanges = exchanges_new(scene->run.ports);
    scene->run.home = lane_new(scene->run.exchanges, NULL);
    scene->run.probes = probes_new(scene->run.ports);
    scene->run.lookups = lookups_new(scene->run.ports);
    (void)(fail)(&scene->error, code, "the CA refused a.example");
    (void)with_hint(&scene->error, "its own hint");
    (void)snprintf(scene->error.acme_type, sizeof scene->error.acme_type, "%s", acme_type);
    struct diagnosis_case of = {.spec = &scene->spec, .answers = answers, .answer_count = 1};
    scene->diagnosis = diagnosis_new(&scene->run, &of, &scene->error);
}

static void end(struct scene *scene)
{
    diagnosis_free(scene->diagnosis);
    exchanges_free(scene->run.exchanges);
    probes_free(scene->run.probes);
    lookups_free(scene->run.lookups);
    fake_world_release(&scene->world);
}

/* All questions to the DNS: address of the name, and no CAA anywhere. */
static void answer_dns(struct scene *scene, const char *address)
{
    (void)lookups_step(scene->run.lookups);
    for (size_t i = 0; i < scene->world.queried; i++) {
        struct event event = {.kind = EVENT_DNS, .id = scene->world.queries[i].id};
        if (scene->world.queries[i].type == DNS_A && address != NULL) {
            struct dns_record *record = dns_answer_add(&event.dns);
            record->type = DNS_A;
            record->owner = mem_strdup("a.example");
            buf_add_str(&record->data, address);
        }
        lookups_take(scene->run.lookups, &event);
        event_release(&event);
    }
}

static void answer_web(struct scene *scene, const char *body)
{
    (void)exchanges_step(scene->run.exchanges);
    assert_int_equal(scene->world.submitted, 1);
    struct event event = fake_reply(&scene->world, 0, 200, "", body);
    exchanges_take(scene->run.exchanges, &event);
    event_release(&event);
}

static void test_which_errors_are_looked_into(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *type;
        bool looked_into;
    } rows[] = {
        {ERR_REFUSED, PROBLEM "connection", true},
        {ERR_REFUSED, PROBLEM "caa", true},
        {ERR_REFUSED, PROBLEM "unauthorized", true},
        {ERR_REFUSED, PROBLEM "badCSR", false},
        {ERR_REFUSED, "", false},
        {ERR_NETWORK, PROBLEM "connection", false},
        {ERR_REFUSED, "urn:x:connection", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        start(&scene, rows[i].code, rows[i].type);
        assert_int_equal(scene.diagnosis != NULL, rows[i].looked_into);
        end(&scene);
    }
}

static void test_another_server(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, ERR_REFUSED, PROBLEM "unauthorized");
    assert_true(diagnosis_step(scene.diagnosis) == scene.world.ms + DIAGNOSIS_WITHIN_MS);
    answer_dns(&scene, "203.0.113.9");
    assert_true(diagnosis_step(scene.diagnosis) > 0);
    answer_web(&scene, "hello");
    assert_true(diagnosis_step(scene.diagnosis) == 0);
    const struct error *error = diagnosis_error(scene.diagnosis);
    assert_string_equal(error->text, "the CA refused a.example");
    assert_string_equal(error->hint,
                        "port 80 of a.example answers from another server: 203.0.113.9");
    end(&scene);
}

static void test_nothing_is_wrong_here(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, ERR_REFUSED, PROBLEM "unauthorized");
    answer_dns(&scene, "203.0.113.9");
    assert_true(diagnosis_step(scene.diagnosis) > 0);
    answer_web(&scene, "TOKEN.print");
    assert_true(diagnosis_step(scene.diagnosis) == 0);
    assert_string_equal(diagnosis_error(scene.diagnosis)->hint, "its own hint");
    end(&scene);
}

/* What was not sure of a record when the CA was asked is the cause, unless the CA has named
 * another. */
static void test_a_doubt(void **state)
{
    (void)state;
    static const struct {
        const char *type, *hint;
    } rows[] = {
        {PROBLEM "unauthorized", "the record that proves 'a.example' was not seen"},
        {PROBLEM "caa", "it has no address, neither A nor AAAA"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        answer.doubt = "was not seen";
        start(&scene, ERR_REFUSED, rows[i].type);
        answer.doubt = NULL;
        answer_dns(&scene, NULL);
        assert_true(diagnosis_step(scene.diagnosis) == 0);
        assert_string_equal(diagnosis_error(scene.diagnosis)->hint, rows[i].hint);
        end(&scene);
    }
}

static void test_no_address(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, ERR_REFUSED, PROBLEM "dns");
    answer_dns(&scene, NULL);
    assert_true(diagnosis_step(scene.diagnosis) == 0);
    assert_string_equal(diagnosis_error(scene.diagnosis)->hint,
                        "it has no address, neither A nor AAAA");
    end(&scene);
}

static void test_it_never_takes_long(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, ERR_REFUSED, PROBLEM "dns");
    scene.world.ms += DIAGNOSIS_WITHIN_MS;
    assert_true(diagnosis_step(scene.diagnosis) == 0);
    assert_string_equal(diagnosis_error(scene.diagnosis)->hint, "its own hint");
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_errors_are_looked_into),
        cmocka_unit_test(test_another_server),
        cmocka_unit_test(test_nothing_is_wrong_here),
        cmocka_unit_test(test_a_doubt),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_it_never_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Authorizations that are not as simple as the fake CA's: matched by what they are for, read again,
 * changed, not offered, failing one by one. */
#include "fake/acme_drive.h"

#include <acmec/acme/proofs.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define TOKEN "token-of-the-first-name"
#define URL0 FIXTURE_HOST "/authz/1/0"
#define URL1 FIXTURE_HOST "/authz/1/1"

static struct key *key;
static struct identifier_list names;
static const char *const two[] = {"a.example", "*.b.example"};

struct bench {
    struct session *session;
    struct proofs *proofs;
};

static int start(void **state)
{
    (void)state;
    key = fixture_key();
    names = fixture_names(two, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    key_free(key);
    identifier_list_release(&names);
    return 0;
}

static struct bench bench_new(size_t count, bool fresh)
{
    char *urls[] = {URL0, URL1};
    struct bench bench = {.session = fixture_session(key)};
    static const char *const types[] = {"http-01", "http-01"};
    struct challenge_plan plan = {&names, types};
    bench.proofs = proofs_new(bench.session, &plan);
    proofs_begin(bench.proofs, urls, count, fresh);
    return bench;
}

static void bench_release(struct bench *bench)
{
    proofs_free(bench->proofs);
    session_free(bench->session);
}

static struct http_response authorization(const char *name, const char *status,
                                          const char *challenge, const char *token)
{
    AUTO_FREE body = mem_printf(
        "{\"status\":\"%s\",\"identifier\":{\"type\":\"dns\",\"value\":\"%s\"},\"challenges\":["
        "{\"type\":\"http-01\",\"status\":\"%s\",\"url\":\"https://ca.example/chall/%s\","
        "\"token\":\"%s\"}]}",
        status, name, challenge, name, token);
    return fixture_reply(200, "", body);
}

static bool read_as(struct bench *bench, size_t index, const char *name, const char *status,
                    const char *challenge, const char *token, struct error *err)
{
    struct http_response reply = authorization(name, status, challenge, token);
    bool good = proofs_read(bench->proofs, index, &reply, err);
    http_response_release(&reply);
    return good;
}

static void expect(struct bench *bench, enum order_do what, enum order_step step, size_t index)
{
    struct order_action action;
    assert_int_equal(proofs_next(bench->proofs, &action), PROOFS_ERRAND);
    assert_int_equal(action.what, what);
    assert_int_equal(action.step, step);
    assert_int_equal(action.index, index);
    if (what == ORDER_PRESENT)
        assert_non_null(action.key_authorization);
}

static void expect_settled(struct bench *bench)
{
    struct order_action action;
    assert_int_equal(proofs_next(bench->proofs, &action), PROOFS_SETTLED);
}

static void matched_by_what_they_are_for(void **state)
{
    (void)state;
    struct bench bench = bench_new(2, false);
    struct order_action action;
    struct error err = {0};
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 1);
    assert_int_equal(proofs_next(bench.proofs, &action), PROOFS_BUSY);
    assert_true(read_as(&bench, 0, "*.b.example", "pending", "pending", TOKEN, &err));
    /* The other one may be to be presented, too. */
    assert_int_equal(proofs_next(bench.proofs, &action), PROOFS_BUSY);
    assert_true(read_as(&bench, 1, "a.example", "valid", "valid", TOKEN, &err));
    assert_int_equal(proofs_next(bench.proofs, &action), PROOFS_ERRAND);
    assert_int_equal(action.what, ORDER_PRESENT);
    assert_string_equal(action.identifier->value, "*.b.example");
    assert_string_equal(action.token, TOKEN);
    assert_string_equal(action.key_authorization, TOKEN "." FIXTURE_THUMBPRINT);
    bench_release(&bench);
}

static void not_asked_for(void **state)
{
    (void)state;
    static const char *const others[] = {"b.example", "*.a.example", "c.example", "example"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct bench bench = bench_new(1, false);
        struct error err = {0};
        expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
        assert_false(read_as(&bench, 0, others[i], "pending", "pending", TOKEN, &err));
        bench_release(&bench);
    }
    /* A valid one may be for a parent domain: there is nothing to prove (RFC 9444). */
    struct bench bench = bench_new(1, false);
    struct error err = {0};
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
    assert_true(read_as(&bench, 0, "b.example", "valid", "valid", TOKEN, &err));
    assert_true(proofs_all_valid(bench.proofs));
    assert_true(proofs_any_reused(bench.proofs));
    bench_release(&bench);
}

/* Up to the answer to the first authorization of one. */
static struct bench answered(void)
{
    struct bench bench = bench_new(1, false);
    struct error err = {0};
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
    assert_true(read_as(&bench, 0, "a.example", "pending", "pending", TOKEN, &err));
    expect(&bench, ORDER_PRESENT, STEP_RESPOND, 0);
    assert_false(proofs_awaits(bench.proofs, STEP_RESPOND, 0));
    proofs_presented(bench.proofs, 0);
    expect(&bench, ORDER_SEND, STEP_RESPOND, 0);
    assert_true(proofs_awaits(bench.proofs, STEP_RESPOND, 0));
    return bench;
}

/* The answer may have arrived before the connection was lost: the CA then refuses it the second
 * time, and the authorization says what holds. */
static void answer_refused(void **state)
{
    (void)state;
    static const struct {
        const char *status, *challenge;
        bool good, valid, failed;
    } cases[] = {
        {"pending", "processing", true, false, false}, {"valid", "valid", true, true, false},
        {"pending", "pending", false, false, false},   {"invalid", "invalid", true, false, true},
        {"pending", "invalid", true, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench = answered();
        struct error refusal = {.code = ERR_REFUSED, .text = "the refusal"};
        struct error err = {0};
        proofs_response_refused(bench.proofs, 0, &refusal);
        expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
        assert_int_equal(
            read_as(&bench, 0, "a.example", cases[i].status, cases[i].challenge, TOKEN, &err),
            cases[i].good);
        if (cases[i].good)
            expect_settled(&bench);
        else
            assert_string_equal(err.text, "the refusal");
        assert_int_equal(proofs_all_valid(bench.proofs), cases[i].valid);
        assert_int_equal(proofs_any_failed(bench.proofs), cases[i].failed);
        bench_release(&bench);
    }
}

static void answer_refused_in_an_order(void **state)
{
    (void)state;
    struct error err = {0};
    struct fake_ca ca = fake_ca_for(two, 1);
    struct drive drive = {0};
    struct http_response refused = fixture_reply(200, "", "");
    drive_start(&drive, key, &ca, &(struct drive_wish){0});
    while (ca.seen[STEP_AUTHORIZATION] == 0 || drive.queued == 0)
        (void)drive_once(&drive);
    /* The answer reaches the CA, its reply is lost, and the second try is refused. */
    struct order_action action = drive.queue[0];
    struct http_request request = {0};
    assert_int_equal(action.step, STEP_RESPOND);
    fixture_add_nonce(drive.session, "x", drive.now_ms);
    assert_true(order_request(drive.order, &action, drive.now_ms, &request, &err));
    http_request_release(&request);
    drive.queued = 0;
    ca.proofs[0] = (struct fake_proof){"valid", "valid"};
    fake_refuse(&refused, 400, "malformed");
    order_reply(drive.order, &action, &refused, FAKE_NOW, drive.now_ms);
    assert_int_equal(drive_to_end(&drive), ORDER_DONE);
    assert_string_equal(ca.order_of_steps, "NAAPFC");
    http_response_release(&refused);
    drive_release(&drive);
}

/* The CA took the answer: whatever else it says, the order will tell what came of it. */
static void unreadable_reply_to_an_answer(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "{\"status\":7}", "{\"status\":\"odd\"}", "{\"sta",
                                         "[]"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct bench bench = answered();
        struct order_action action;
        struct http_response reply = fixture_reply(200, "", bodies[i]);
        proofs_responded(bench.proofs, 0, &reply);
        assert_int_equal(proofs_next(bench.proofs, &action), PROOFS_SETTLED);
        assert_false(proofs_any_failed(bench.proofs));
        assert_false(proofs_all_valid(bench.proofs));
        http_response_release(&reply);
        bench_release(&bench);
    }
}

static void token_changes(void **state)
{
    (void)state;
    struct bench bench = answered();
    struct error err = {0};
    struct http_response reply = fixture_reply(200, "", "{\"status\":\"processing\"}");
    proofs_responded(bench.proofs, 0, &reply);
    http_response_release(&reply);
    proofs_look(bench.proofs);
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
    assert_false(read_as(&bench, 0, "a.example", "pending", "pending", TOKEN "x", &err));
    assert_int_equal(err.code, ERR_REFUSED);
    bench_release(&bench);
}

/* After one has failed nothing new begins, but what failed with the others is still asked. */
static void one_fails(void **state)
{
    (void)state;
    struct bench bench = bench_new(2, false);
    struct order_action action;
    struct error err = {0};
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 1);
    assert_true(read_as(&bench, 0, "a.example", "expired", "pending", TOKEN, &err));
    assert_int_equal(proofs_next(bench.proofs, &action), PROOFS_BUSY);
    assert_true(read_as(&bench, 1, "*.b.example", "pending", "pending", TOKEN, &err));
    expect_settled(&bench);
    assert_true(proofs_failure(bench.proofs, &err));
    assert_string_equal(err.text, "a.example: its authorization is 'expired'");
    assert_int_equal(err.code, ERR_REFUSED);
    proofs_examine(bench.proofs);
    expect(&bench, ORDER_SEND, STEP_FAILED_AUTHORIZATION, 0);
    expect(&bench, ORDER_SEND, STEP_FAILED_AUTHORIZATION, 1);
    proofs_examined(bench.proofs, 0, NULL);
    struct http_response reply = authorization("*.b.example", "revoked", "pending", TOKEN);
    proofs_examined(bench.proofs, 1, &reply);
    http_response_release(&reply);
    expect_settled(&bench);
    assert_true(proofs_failure(bench.proofs, &err));
    assert_string_equal(err.text, "*.b.example: its authorization is 'revoked'");
    bench_release(&bench);
}

static void fresh_proofs(void **state)
{
    (void)state;
    struct bench bench = bench_new(2, true);
    struct error err = {0};
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 1);
    assert_true(read_as(&bench, 0, "a.example", "pending", "pending", TOKEN, &err));
    assert_true(read_as(&bench, 1, "*.b.example", "valid", "valid", TOKEN, &err));
    /* The pending one waits until it is known whether a new order is needed. */
    expect(&bench, ORDER_SEND, STEP_DEACTIVATE, 1);
    proofs_deactivated(bench.proofs, 1);
    expect_settled(&bench);
    assert_true(proofs_any_deactivated(bench.proofs));
    assert_true(proofs_release_held(bench.proofs));
    expect(&bench, ORDER_PRESENT, STEP_RESPOND, 0);
    bench_release(&bench);
}

static void strays_are_ignored(void **state)
{
    (void)state;
    struct bench bench = bench_new(1, false);
    int64_t latest = 7;
    proofs_presented(bench.proofs, 0);
    proofs_presented(bench.proofs, 99);
    proofs_visited(bench.proofs, TOKEN, 5);
    assert_false(proofs_awaits(bench.proofs, STEP_AUTHORIZATION, 0));
    expect(&bench, ORDER_SEND, STEP_AUTHORIZATION, 0);
    assert_true(proofs_awaits(bench.proofs, STEP_AUTHORIZATION, 0));
    assert_false(proofs_awaits(bench.proofs, STEP_AUTHORIZATION, 1));
    assert_false(proofs_awaits(bench.proofs, STEP_NEW_ORDER, 0));
    assert_false(proofs_awaits(bench.proofs, STEP_FAILED_AUTHORIZATION, 0));
    assert_string_equal(proofs_url(bench.proofs, 0), URL0);
    assert_null(proofs_url(bench.proofs, 1));
    assert_null(proofs_challenge_url(bench.proofs, 0));
    assert_null(proofs_challenge_url(bench.proofs, 1));
    assert_true(proofs_has(bench.proofs, URL0));
    assert_false(proofs_has(bench.proofs, URL1));
    assert_true(proofs_all_visited(bench.proofs, &latest));
    assert_int_equal(latest, 0);
    bench_release(&bench);
    proofs_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matched_by_what_they_are_for),
        cmocka_unit_test(not_asked_for),
        cmocka_unit_test(answer_refused),
        cmocka_unit_test(answer_refused_in_an_order),
        cmocka_unit_test(unreadable_reply_to_an_answer),
        cmocka_unit_test(token_changes),
        cmocka_unit_test(one_fails),
        cmocka_unit_test(fresh_proofs),
        cmocka_unit_test(strays_are_ignored),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

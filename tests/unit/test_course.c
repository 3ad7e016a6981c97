/* What an order makes of time and of each status: when it polls, when it gives up, what it says. */
#include "fake/acme_drive.h"

#include <acmec/acme/course.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static struct key *key;
static const char *const one[] = {"a.example"};
static const char *const two[] = {"a.example", "b.example"};

static int start(void **state)
{
    (void)state;
    key = fixture_key();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    key_free(key);
    return 0;
}

/* Runs up to the first WAIT with nothing outstanding; how long that wait is. */
static int64_t first_wait(struct drive *drive)
{
    for (;;) {
        struct order_action action;
        order_next(drive->order, drive->now_ms, &action);
        if (action.what == ORDER_SEND)
            drive_send(drive, &action);
        else if (action.what == ORDER_PRESENT)
            drive_present(drive, &action);
        else if (drive->queued > 0)
            drive_reply(drive);
        else if (action.what == ORDER_WAIT)
            return action.until_ms - drive->now_ms;
        else
            return -1;
    }
}

static const char *answer_headers;

static void twist_answer(struct fake_ca *ca, size_t nth, enum order_step step,
                         struct http_response *reply)
{
    (void)ca;
    (void)nth;
    if (step == STEP_RESPOND || step == STEP_AUTHORIZATION)
        buf_addf(&reply->headers, "%s", step == STEP_RESPOND ? answer_headers : "retry-after: 9\n");
}

static void first_poll(void **state)
{
    (void)state;
    static const struct {
        bool watched, visits;
        const char *headers;
        int64_t wait;
    } cases[] = {
        {false, false, "", 1000},
        {false, true, "", 1000},
        {false, false, "retry-after: 4\n", 4000},
        {false, false, "retry-after: 0\n", 1000},
        {true, false, "", 5000},
        {true, true, "", DRIVE_VISIT_MS + 300},
        /* The CA's word is obeyed where it asks for a longer wait than the visit. */
        {true, true, "retry-after: 3\n", 3000},
        {true, false, "retry-after: 3\n", 5000},
        {true, false, "retry-after: 3600\n", 60000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        answer_headers = cases[i].headers;
        ca.visits = cases[i].visits;
        ca.twist = twist_answer;
        drive_start(&drive, key, &ca, &(struct drive_wish){.watched = cases[i].watched});
        assert_int_equal(first_wait(&drive), cases[i].wait);
        drive_release(&drive);
    }
}

/* Each further visit puts the poll off; one token that nobody fetched yet, too. */
static void visits(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(two, 2);
    struct drive drive = {0};
    char token[64];
    answer_headers = "";
    ca.twist = twist_answer;
    drive_start(&drive, key, &ca, &(struct drive_wish){.watched = true});
    order_visited(drive.order, "unknown", 0);
    assert_int_equal(first_wait(&drive), 5000);
    int64_t answered = drive.now_ms;
    fake_token(&ca, 0, token);
    order_visited(drive.order, token, answered + 100);
    assert_int_equal(first_wait(&drive), 5000);
    fake_token(&ca, 1, token);
    order_visited(drive.order, token, answered + 200);
    assert_int_equal(first_wait(&drive), 500);
    order_visited(drive.order, token, answered + 450);
    assert_int_equal(first_wait(&drive), 750);
    drive_release(&drive);
}

/* A token that is fetched before the CA was asked to says nothing about the CA. */
static void early_visits(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    char token[64];
    drive_start(&drive, key, &ca, &(struct drive_wish){.watched = true});
    while (ca.presents == 0)
        (void)drive_once(&drive);
    fake_token(&ca, 0, token);
    order_visited(drive.order, token, drive.now_ms);
    assert_int_equal(first_wait(&drive), 5000);
    drive_release(&drive);
}

static void all_answers_valid(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(two, 2);
    struct drive drive = {0};
    ca.answer = "valid";
    drive_start(&drive, key, &ca, &(struct drive_wish){.watched = true});
    assert_int_equal(drive_to_end(&drive), ORDER_DONE);
    assert_string_equal(ca.order_of_steps, "NAARRPFC");
    /* Nothing was waited for: ten milliseconds for each exchange. */
    assert_int_equal(ca.now_ms, 1000 + 8 * 10);
    drive_release(&drive);
}

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct fake_ca ca;
        const char *steps;
        int64_t waited; /* without the ten milliseconds for each exchange */
    } cases[] = {
        {"pending", {.pending_polls = 3}, "NARPPPPFC", 1000 + 2000 + 3000 + 5000},
        {"processing",
         {.finalized = "processing", .processing_polls = 6},
         "NARPFPPPPPPPC",
         1000 + 1000 + 2000 + 3000 + 5000 + 8000 + 10000 + 10000},
        {"download", {.missing_downloads = 2}, "NARPFCCC", 1000 + 1000 + 2000},
        {"lagging", {.finalizes_early = 1}, "NARPFPFC", 1000 + 2000},
        {"told to wait",
         {.finalized = "processing", .retry_after = "retry-after: 7\n"},
         "NARPFPC",
         1000 + 7000},
        {"told to wait each time",
         {.finalized = "processing", .processing_polls = 1, .retry_after = "retry-after:600\n"},
         "NARPFPPC",
         1000 + 60000 + 60000},
        {"told in the past",
         {.finalized = "processing", .retry_after = "retry-after: Fri, 15 Jan 2027 01:00:00 GMT\n"},
         "NARPFPC",
         1000 + 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_ca ca = cases[i].ca;
        struct drive drive = {0};
        ca.names = one;
        ca.count = 1;
        drive_start(&drive, key, &ca, &(struct drive_wish){0});
        assert_int_equal(drive_to_end(&drive), ORDER_DONE);
        assert_string_equal(ca.order_of_steps, cases[i].steps);
        assert_int_equal(ca.now_ms, 1000 + cases[i].waited + 10 * (int64_t)ca.exchanges);
        drive_release(&drive);
    }
}

/* ---- giving up ---- */

/* A proof that never ends: one look at the authorizations after 30 s, an end at five minutes, a
 * last look at what failed. */
static void never_ready(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(two, 2);
    struct drive drive = {0};
    ca.pending_polls = 100000;
    drive_start(&drive, key, &ca, &(struct drive_wish){0});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_string_equal(ca.problem, "");
    assert_int_equal(ca.seen[STEP_AUTHORIZATION], 4);
    assert_int_equal(ca.seen[STEP_FAILED_AUTHORIZATION], 0); /* known to be valid by then */
    assert_int_equal(ca.seen[STEP_RESPOND], 2);
    assert_int_equal(order_error(drive.order)->code, ERR_NETWORK);
    assert_string_equal(order_error(drive.order)->text, "the CA did not finish within 300 s");
    assert_in_range(ca.now_ms, 300000, 303000);
    assert_true(ca.seen[STEP_POLL] < 40);
    drive_release(&drive);
}

static void twist_stuck(struct fake_ca *ca, size_t nth, enum order_step step,
                        struct http_response *reply)
{
    (void)nth;
    (void)reply;
    if (step != STEP_RESPOND)
        return;
    for (size_t i = 0; i < ca->count; i++)
        if (strcmp(ca->proofs[i].status, "valid") == 0)
            ca->proofs[i] = (struct fake_proof){"pending", "pending"};
}

static void never_validated(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(two, 2);
    struct drive drive = {0};
    ca.twist = twist_stuck;
    drive_start(&drive, key, &ca, &(struct drive_wish){.timeout_ms = 60000});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_int_equal(ca.seen[STEP_AUTHORIZATION], 4);
    assert_int_equal(ca.seen[STEP_FAILED_AUTHORIZATION], 2);
    assert_int_equal(ca.seen[STEP_RESPOND], 2);
    assert_string_equal(order_error(drive.order)->text, "the CA did not finish within 60 s");
    assert_string_not_equal(order_error(drive.order)->hint, "");
    drive_release(&drive);
}

static void never_issued(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    ca.finalized = "processing";
    ca.processing_polls = 100000;
    drive_start(&drive, key, &ca, &(struct drive_wish){.timeout_ms = 120000});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_int_equal(order_error(drive.order)->code, ERR_NETWORK);
    assert_int_equal(ca.seen[STEP_FAILED_AUTHORIZATION], 0);
    assert_in_range(ca.now_ms, 120000, 122000);
    assert_false(order_is_stale(drive.order));
    drive_release(&drive);
}

static void never_downloaded(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    ca.missing_downloads = 100000;
    drive_start(&drive, key, &ca, &(struct drive_wish){.timeout_ms = 60000});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_int_equal(order_error(drive.order)->code, ERR_NETWORK);
    assert_in_range(ca.now_ms, 60000, 62000);
    drive_release(&drive);
}

/* An absurd Retry-After does not outlast the deadline. */
static void told_to_wait_for_ever(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    ca.finalized = "processing";
    ca.processing_polls = 100000;
    ca.retry_after = "retry-after: 86400\n";
    drive_start(&drive, key, &ca, &(struct drive_wish){.timeout_ms = 90000});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_in_range(ca.now_ms, 90000, 92000);
    drive_release(&drive);
}

/* ---- what is said ---- */

static void failed_proofs(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(two, 2);
    struct drive drive = {0};
    ca.fails = 2;
    drive_start(&drive, key, &ca, &(struct drive_wish){0});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    /* Both are asked once: the order does not say which one failed. */
    assert_string_equal(ca.order_of_steps, "NAARRPXX");
    const struct error *error = order_error(drive.order);
    assert_int_equal(error->code, ERR_REFUSED);
    assert_string_equal(error->text, "the CA refused the proof: b.example: connection: connection "
                                     "refused");
    assert_string_equal(error->acme_type, "urn:ietf:params:acme:error:connection");
    assert_string_not_equal(error->hint, "");
    drive_release(&drive);
}

static void twist_examined(struct fake_ca *ca, size_t nth, enum order_step step,
                           struct http_response *reply)
{
    (void)ca;
    (void)nth;
    if (step == STEP_FAILED_AUTHORIZATION)
        fake_refuse(reply, 404, "malformed");
}

/* If the authorizations say nothing, the order's own error is the answer. */
static void failed_order(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    ca.fails = 1;
    ca.twist = twist_examined;
    drive_start(&drive, key, &ca, &(struct drive_wish){0});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_string_equal(order_error(drive.order)->text,
                        "the CA made the order invalid: unauthorized: not all proofs are there");
    assert_string_equal(order_error(drive.order)->acme_type,
                        "urn:ietf:params:acme:error:unauthorized");
    drive_release(&drive);
}

/* Invalid after the proofs were good: they are not asked again. */
static void failed_issuance(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    ca.finalized = "invalid";
    drive_start(&drive, key, &ca, &(struct drive_wish){0});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_string_equal(ca.order_of_steps, "NARPF");
    assert_int_equal(order_error(drive.order)->code, ERR_REFUSED);
    drive_release(&drive);
}

static void twist_limit(struct fake_ca *ca, size_t nth, enum order_step step,
                        struct http_response *reply)
{
    (void)nth;
    if (step != STEP_NEW_ORDER)
        return;
    fake_refuse(reply, 429, "rateLimited");
    buf_add_str(&reply->headers, "retry-after: 3600\n");
    if (ca->twist_how == 0)
        return;
    buf_clear(&reply->body);
    buf_add_str(&reply->body, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\","
                              "\"detail\":\"too many certificates for \\\"a.example\\\"\"}");
}

static void limits(void **state)
{
    (void)state;
    for (size_t how = 0; how < 2; how++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        enum limit_scope scope = LIMIT_NAMES;
        ca.twist = twist_limit;
        ca.twist_how = how;
        drive_start(&drive, key, &ca, &(struct drive_wish){0});
        assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
        assert_int_equal(ca.exchanges, 1);
        assert_true(order_rate_limit(drive.order, &scope));
        assert_int_equal(scope, how == 0 ? LIMIT_ACCOUNT : LIMIT_NAMES);
        assert_int_equal(order_error(drive.order)->code, ERR_RATE_LIMITED);
        assert_int_equal(order_error(drive.order)->retry_at, FAKE_NOW + 1 + 3600);
        drive_release(&drive);
    }
}

static void twist_csr(struct fake_ca *ca, size_t nth, enum order_step step,
                      struct http_response *reply)
{
    (void)ca;
    (void)nth;
    if (step == STEP_FINALIZE)
        fake_refuse(reply, 400, "badCSR");
}

static void bad_csr(void **state)
{
    (void)state;
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    ca.twist = twist_csr;
    drive_start(&drive, key, &ca, &(struct drive_wish){0});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_string_equal(ca.order_of_steps, "NARPF");
    assert_string_equal(order_error(drive.order)->text,
                        "finalizing the order: the CA answered with HTTP 400: badCSR: no");
    drive_release(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_poll),
        cmocka_unit_test(visits),
        cmocka_unit_test(early_visits),
        cmocka_unit_test(all_answers_valid),
        cmocka_unit_test(times),
        cmocka_unit_test(never_ready),
        cmocka_unit_test(never_validated),
        cmocka_unit_test(never_issued),
        cmocka_unit_test(never_downloaded),
        cmocka_unit_test(told_to_wait_for_ever),
        cmocka_unit_test(failed_proofs),
        cmocka_unit_test(failed_order),
        cmocka_unit_test(failed_issuance),
        cmocka_unit_test(limits),
        cmocka_unit_test(bad_csr),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

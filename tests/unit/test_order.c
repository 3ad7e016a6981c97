/* Whole orders: each way through, resuming, each exchange failing, a CA that lies. */
#include "fake/acme_drive.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static struct key *key;
static const char *const one[] = {"a.example"};
static const char *const three[] = {"a.example", "b.example", "*.c.example"};

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

/* ---- each way through ---- */

struct way {
    const char *what;
    struct fake_ca ca; /* names are set here */
    struct drive_wish wish;
    const char *steps; /* a letter for each exchange: acme_drive.h */
    enum order_do end;
    bool reused;
};

static const struct way ways[] = {
    {"fewest requests", {0}, {0}, "NARPFC", ORDER_DONE, false},
    {"watched", {.visits = true}, {.watched = true}, "NARPFC", ORDER_DONE, false},
    {"watched, no visit", {0}, {.watched = true}, "NARPFC", ORDER_DONE, false},
    {"asynchronous", {.finalized = "processing"}, {0}, "NARPFPC", ORDER_DONE, false},
    {"slow to issue",
     {.finalized = "processing", .processing_polls = 3},
     {0},
     "NARPFPPPPC",
     ORDER_DONE,
     false},
    {"slow to prove", {.pending_polls = 3}, {0}, "NARPPPPFC", ORDER_DONE, false},
    {"answer still pending", {.answer = "pending"}, {0}, "NARPFC", ORDER_DONE, false},
    {"answer valid", {.answer = "valid"}, {0}, "NARPFC", ORDER_DONE, false},
    {"ready at once", {.valid_before = true}, {0}, "NFC", ORDER_DONE, true},
    {"ready at once, nothing listed",
     {.valid_before = true, .no_authorizations = true},
     {0},
     "NFC",
     ORDER_DONE,
     true},
    {"list gone once ready", {.no_authorizations = true}, {0}, "NARPFC", ORDER_DONE, false},
    {"order lags", {.finalizes_early = 2}, {0}, "NARPFPFPFC", ORDER_DONE, false},
    {"still ready after finalize",
     {.finalized = "ready"},
     {.timeout_ms = 5000},
     "NARPFPFPF",
     ORDER_FAILED,
     false},
    {"certificate is late", {.missing_downloads = 2}, {0}, "NARPFCCC", ORDER_DONE, false},
    {"fresh proof", {.valid_before = true}, {.fresh_proof = true}, "NADNARPFC", ORDER_DONE, false},
    {"fresh proof of a fresh name", {0}, {.fresh_proof = true}, "NARPFC", ORDER_DONE, false},
    {"fresh proof is not to be had",
     {.valid_before = true, .keeps_proofs = true},
     {.fresh_proof = true},
     "NADNFC",
     ORDER_DONE,
     true},
    {"proof fails", {.fails = 1}, {0}, "NARPX", ORDER_FAILED, false},
    {"proof fails in the answer", {.answer = "valid", .fails = 1}, {0}, "NAR", ORDER_FAILED, false},
};

static void each_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct fake_ca ca = ways[i].ca;
        struct drive drive = {0};
        ca.names = one;
        ca.count = 1;
        drive_start(&drive, key, &ca, &ways[i].wish);
        enum order_do end = drive_to_end(&drive);
        if (strcmp(ca.order_of_steps, ways[i].steps) != 0 || end != ways[i].end)
            print_error("%s: %s, wanted %s: %s\n", ways[i].what, ca.order_of_steps, ways[i].steps,
                        order_error(drive.order)->text);
        assert_string_equal(ca.order_of_steps, ways[i].steps);
        assert_string_equal(ca.problem, "");
        assert_int_equal(end, ways[i].end);
        assert_int_equal(order_reused_proof(drive.order), ways[i].reused);
        if (end == ORDER_DONE)
            assert_true(span_is(order_chain(drive.order), FAKE_CHAIN));
        else
            assert_int_not_equal(order_error(drive.order)->code, ERR_NONE);
        drive_release(&drive);
    }
}

static void several_names(void **state)
{
    (void)state;
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        struct fake_ca ca = fake_ca_for(three, 3);
        struct drive drive = {.late_csr = true};
        ca.shuffled = shuffled == 1;
        ca.visits = true;
        drive_start(&drive, key, &ca, &(struct drive_wish){.watched = true});
        assert_null(order_url(drive.order));
        assert_int_equal(drive_to_end(&drive), ORDER_DONE);
        assert_string_equal(ca.problem, "");
        assert_string_equal(ca.order_of_steps, "NAAARRRPFC");
        assert_int_equal(ca.presents, 3);
        assert_int_equal(ca.csrs, 2);
        assert_string_equal(order_url(drive.order), FIXTURE_HOST "/order/1");
        drive_release(&drive);
    }
}

static void hundred_names(void **state)
{
    (void)state;
    static char texts[IDENTIFIERS_MAX][32];
    const char *names[IDENTIFIERS_MAX];
    for (size_t i = 0; i < IDENTIFIERS_MAX; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "name-%zu.example", i);
        names[i] = texts[i];
    }
    struct fake_ca ca = fake_ca_for(names, IDENTIFIERS_MAX);
    struct drive drive = {0};
    ca.shuffled = true;
    ca.visits = true;
    drive_start(&drive, key, &ca, &(struct drive_wish){.watched = true});
    assert_int_equal(drive_to_end(&drive), ORDER_DONE);
    assert_string_equal(ca.problem, "");
    assert_int_equal(ca.exchanges, 2 * IDENTIFIERS_MAX + 4);
    assert_int_equal(drive.largest_queue, IDENTIFIERS_MAX);
    drive_release(&drive);
}

/* ---- resuming ---- */

static void resume_in_each_status(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        struct fake_proof proof;
        const char *steps;
        enum order_do end;
        int pending_polls;
        size_t presents;
    } cases[] = {
        {"pending", {"pending", "pending"}, "PARPFC", ORDER_DONE, 1, 1},
        {"pending", {"pending", "processing"}, "PAPPPFC", ORDER_DONE, 3, 1},
        {"pending", {"valid", "valid"}, "PAPFC", ORDER_DONE, 1, 0},
        {"pending", {"expired", "pending"}, "PA", ORDER_FAILED, 1, 0},
        {"ready", {"valid", "valid"}, "PFC", ORDER_DONE, 0, 0},
        {"processing", {"valid", "valid"}, "PPC", ORDER_DONE, 0, 0},
        {"valid", {"valid", "valid"}, "PC", ORDER_DONE, 0, 0},
        {"invalid", {"invalid", "invalid"}, "P", ORDER_FAILED, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_ca ca = fake_ca_at(one, 1, cases[i].status, cases[i].proof);
        struct drive drive = {0};
        ca.processing_polls = 1;
        ca.pending_polls = cases[i].pending_polls;
        drive_start(&drive, key, &ca, &(struct drive_wish){.resume = FIXTURE_HOST "/order/1"});
        assert_string_equal(order_url(drive.order), FIXTURE_HOST "/order/1");
        assert_int_equal(drive_to_end(&drive), cases[i].end);
        assert_string_equal(ca.problem, "");
        assert_string_equal(ca.order_of_steps, cases[i].steps);
        assert_int_equal(ca.presents, cases[i].presents);
        assert_int_equal(order_is_stale(drive.order), cases[i].end == ORDER_FAILED);
        drive_release(&drive);
    }
}

static void twist_first(struct fake_ca *ca, size_t nth, enum order_step step,
                        struct http_response *reply)
{
    static const struct {
        long status;
        const char *body;
    } replies[] = {
        {404, ""},
        {403, "{\"type\":\"urn:ietf:params:acme:error:unauthorized\"}"},
        {400, "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\"}"},
        {200, "<html>"},
        {200,
         "{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"x.example\"}]}"},
        {500, ""},
        {429, ""},
    };
    (void)step;
    if (nth != ca->twist_at)
        return;
    buf_clear(&reply->body);
    reply->status = replies[ca->twist_how].status;
    buf_add_str(&reply->body, replies[ca->twist_how].body);
}

/* An order that is gone, or another's, is stale; a CA in trouble says nothing about it. */
static void resume_what_is_gone(void **state)
{
    (void)state;
    for (size_t how = 0; how < 7; how++) {
        struct fake_ca ca = fake_ca_at(one, 1, "ready", (struct fake_proof){"valid", "valid"});
        struct drive drive = {0};
        ca.twist = twist_first;
        ca.twist_how = how;
        drive_start(&drive, key, &ca, &(struct drive_wish){.resume = FIXTURE_HOST "/order/1"});
        assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
        assert_int_equal(order_is_stale(drive.order), how < 5);
        drive_release(&drive);
    }
    struct fake_ca ca = fake_ca_for(one, 1);
    struct drive drive = {0};
    drive_start(&drive, key, &ca, &(struct drive_wish){.resume = FIXTURE_HOST "/acct/1"});
    assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
    assert_true(order_is_stale(drive.order));
    assert_int_equal(ca.exchanges, 0);
    drive_release(&drive);
}

/* What fails in an order of this run, or after an answer, is never mere staleness. */
static void a_new_order_is_not_stale(void **state)
{
    (void)state;
    for (size_t at = 0; at < 6; at++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        ca.twist = twist_first;
        ca.twist_at = at;
        drive_start(&drive, key, &ca, &(struct drive_wish){0});
        enum order_do end = drive_to_end(&drive);
        /* A certificate that is not there yet is asked for again. */
        assert_int_equal(end, at == 5 ? ORDER_DONE : ORDER_FAILED);
        assert_false(order_is_stale(drive.order));
        drive_release(&drive);
    }
}

/* ---- each exchange fails in turn ---- */

static void each_exchange_is_lost(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 10; n++) {
        struct fake_ca ca = fake_ca_for(three, 3);
        struct drive drive = {.lost_at = n};
        drive_start(&drive, key, &ca, &(struct drive_wish){0});
        assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
        assert_string_equal(ca.problem, "");
        assert_int_equal(order_error(drive.order)->code, ERR_NETWORK);
        assert_string_equal(order_error(drive.order)->text, "the connection was lost");
        drive_release(&drive);
    }
    for (size_t n = 1; n <= 3; n++) {
        struct fake_ca ca = fake_ca_for(three, 3);
        struct drive drive = {.unpresented = n};
        drive_start(&drive, key, &ca, &(struct drive_wish){0});
        assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
        assert_int_equal(order_error(drive.order)->code, ERR_WEB_SERVER);
        drive_release(&drive);
    }
}

static void each_exchange_is_answered_badly(void **state)
{
    (void)state;
    static const enum err_code codes[] = {ERR_REFUSED, ERR_REFUSED, ERR_REFUSED,     ERR_NETWORK,
                                          ERR_NETWORK, ERR_NETWORK, ERR_RATE_LIMITED};
    for (size_t how = 0; how < 7; how++) {
        for (size_t at = 0; at < 6; at++) {
            struct fake_ca ca = fake_ca_for(one, 1);
            struct drive drive = {0};
            enum limit_scope scope;
            ca.twist = twist_first;
            ca.twist_at = at;
            ca.twist_how = how;
            drive_start(&drive, key, &ca, &(struct drive_wish){0});
            enum order_do end = drive_to_end(&drive);
            assert_string_equal(ca.problem, "");
            /* A certificate that is not there yet is asked for again; what the CA says while it
             * takes our answer to the challenge does not matter. */
            if ((how == 0 && at == 5) || ((how == 3 || how == 4) && at == 2)) {
                assert_int_equal(end, ORDER_DONE);
            } else if (end == ORDER_FAILED && how != 4) {
                assert_int_equal(order_error(drive.order)->code, codes[how]);
                assert_string_equal(order_error(drive.order)->acme_type,
                                    how == 1   ? "urn:ietf:params:acme:error:unauthorized"
                                    : how == 2 ? "urn:ietf:params:acme:error:accountDoesNotExist"
                                               : "");
                assert_int_equal(order_rate_limit(drive.order, &scope), how == 6);
            } else {
                assert_int_equal(end, ORDER_FAILED);
            }
            drive_release(&drive);
        }
    }
}

/* ---- a CA that lies ---- */

/* Counts down through all values below; the one at zero is changed. Whether that has happened. */
static bool mutate(json_t *value, long *countdown, json_t *with)
{
    const char *member;
    json_t *child;
    void *next;
    size_t i;
    json_object_foreach_safe(value, next, member, child)
    {
        if ((*countdown)-- == 0) {
            if (with == NULL)
                (void)json_object_del(value, member);
            else
                (void)json_object_set(value, member, with);
            return true;
        }
        if (mutate(child, countdown, with))
            return true;
    }
    json_array_foreach(value, i, child)
    {
        if ((*countdown)-- == 0) {
            (void)(with == NULL ? json_array_remove(value, i) : json_array_set(value, i, with));
            return true;
        }
        if (mutate(child, countdown, with))
            return true;
    }
    return false;
}

static const char *const lies[] = {NULL,
                                   "null",
                                   "17",
                                   "[]",
                                   "{}",
                                   "\"\"",
                                   "\"x\"",
                                   "true",
                                   "[[[]]]",
                                   "\"https://ca.example/acct/1\"",
                                   "\"https://ca.example/new-order\"",
                                   "\"https://ca.example/key-change\"",
                                   "\"https://ca.example/order/1\"",
                                   "\"https://ca.example/authz/1/0\"",
                                   "\"https://ca.example/chall/1/0\"",
                                   "\"https://ca.example/finalize/1\"",
                                   "\"https://ca.example/cert/1\""};

static size_t lie_at;   /* exchange */
static long lie_on;     /* value in its body */
static const char *lie; /* JSON, NULL = left out */
static bool lied;

static void twist_value(struct fake_ca *ca, size_t nth, enum order_step step,
                        struct http_response *reply)
{
    long countdown = lie_on;
    (void)ca;
    (void)step;
    json_t *body = json_loads(buf_str(&reply->body), 0, NULL);
    if (nth == lie_at && body != NULL) {
        json_t *with = lie == NULL ? NULL : json_loads(lie, JSON_DECODE_ANY, NULL);
        lied = mutate(body, &countdown, with);
        json_decref(with);
        buf_clear(&reply->body);
        json_write(body, &reply->body);
    }
    json_decref(body);
}

/* Every value of every reply becomes null, a number, another URL, ...: no URL is signed for in a
 * second role, nothing crashes, and it comes to an end. */
static void each_value_is_wrong(void **state)
{
    (void)state;
    size_t failed = 0;
    size_t done = 0;
    for (size_t kind = 0; kind < sizeof lies / sizeof lies[0]; kind++) {
        for (lie_at = 0; lie_at < 6; lie_at++) {
            lied = true;
            for (lie_on = 0; lied; lie_on++) {
                struct fake_ca ca = fake_ca_for(one, 1);
                struct drive drive = {0};
                lied = false;
                lie = lies[kind];
                ca.finalized = "processing";
                ca.twist = twist_value;
                ca.lies = true;
                drive_start(&drive, key, &ca, &(struct drive_wish){.timeout_ms = 20000});
                enum order_do end = drive_to_end(&drive);
                if (ca.problem[0] != '\0')
                    print_error("lie %s on %ld of exchange %zu: %s\n", lie, lie_on, lie_at,
                                ca.problem);
                assert_string_equal(ca.problem, "");
                assert_true(end == ORDER_DONE || end == ORDER_FAILED);
                failed += end == ORDER_FAILED;
                done += end == ORDER_DONE;
                drive_release(&drive);
            }
        }
    }
    /* Both happen: members that matter, and those that do not. */
    assert_true(failed > 500);
    assert_true(done > 100);
}

static const char *location;

static void twist_location(struct fake_ca *ca, size_t nth, enum order_step step,
                           struct http_response *reply)
{
    (void)ca;
    (void)nth;
    if (step != STEP_NEW_ORDER)
        return;
    buf_clear(&reply->headers);
    buf_addf(&reply->headers, "%s", location);
}

static void locations(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "location:\n",
        "location: /order/1\n",
        "location: http://ca.example/order/1\n",
        "location: https://ca.example/acct/1\n",
        "location: https://ca.example/new-order\n",
        "location: https://ca.example/authz/1/0\n",
        "location: https://ca.example/finalize/1\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        location = bad[i];
        ca.twist = twist_location;
        drive_start(&drive, key, &ca, &(struct drive_wish){0});
        assert_int_equal(drive_to_end(&drive), ORDER_FAILED);
        assert_string_equal(ca.problem, "");
        assert_int_equal(ca.exchanges, 1);
        drive_release(&drive);
    }
}

static const char *chain;

static void twist_chain(struct fake_ca *ca, size_t nth, enum order_step step,
                        struct http_response *reply)
{
    (void)ca;
    (void)nth;
    if (step != STEP_CERTIFICATE)
        return;
    buf_clear(&reply->body);
    buf_add_str(&reply->body, chain);
}

static void chains(void **state)
{
    (void)state;
    static const struct {
        const char *chain;
        bool good;
    } cases[] = {
        {"\r\n-----BEGIN CERTIFICATE-----\r\nMAMBAf8=\r\n-----END CERTIFICATE-----\r\n\r\n", true},
        {"-----BEGIN CERTIFICATE-----\nMAMBAf8=\n-----END CERTIFICATE-----", true},
        {"", false},
        {"<html>", false},
        {FAKE_CHAIN "-----BEGIN PRIVATE KEY-----\nMAMBAf8=\n-----END PRIVATE KEY-----\n", false},
        {FAKE_CHAIN "text", false},
        {"-----BEGIN CERTIFICATE-----\nMAMBAf8=\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        chain = cases[i].chain;
        ca.twist = twist_chain;
        drive_start(&drive, key, &ca, &(struct drive_wish){0});
        assert_int_equal(drive_to_end(&drive), cases[i].good ? ORDER_DONE : ORDER_FAILED);
        assert_true(span_is(order_chain(drive.order), cases[i].good ? chain : ""));
        if (!cases[i].good)
            assert_int_equal(order_error(drive.order)->code, ERR_NETWORK);
        drive_release(&drive);
    }
}

static void each_step_has_words(void **state)
{
    (void)state;
    for (enum order_step step = 0; step < STEP_COUNT; step++)
        assert_true(strlen(order_step_text(step)) > 0);
    order_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way),
        cmocka_unit_test(several_names),
        cmocka_unit_test(hundred_names),
        cmocka_unit_test(resume_in_each_status),
        cmocka_unit_test(resume_what_is_gone),
        cmocka_unit_test(a_new_order_is_not_stale),
        cmocka_unit_test(each_exchange_is_lost),
        cmocka_unit_test(each_exchange_is_answered_badly),
        cmocka_unit_test(each_value_is_wrong),
        cmocka_unit_test(locations),
        cmocka_unit_test(chains),
        cmocka_unit_test(each_step_has_words),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

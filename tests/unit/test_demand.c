/* What is demanded of an order, and each way in which a CA has refused it. */
#include "fake/acme_drive.h"

#include <acmec/acme/demand.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static struct key *key;
static const char *const one[] = {"a.example"};
static char replaces[] = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", profile[] = "shortlived";

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

/* How the CA refuses: at one step, once for each member that it does not like. */
static struct {
    enum order_step step;
    long status;
    const char *suffix;
    int times;
} refusal;

static void twist(struct fake_ca *ca, size_t nth, enum order_step step, struct http_response *reply)
{
    (void)ca;
    (void)nth;
    if (step != refusal.step || refusal.times-- <= 0)
        return;
    buf_clear(&reply->headers);
    fake_refuse(reply, refusal.status, refusal.suffix);
}

static const struct refused {
    const char *what;
    enum order_step step;
    long status;
    const char *suffix;
    int times;
    struct demand demand;
    const char *steps;
    enum order_do end;
    bool keeps_profile, keeps_replaces;
} refusals[] = {
    {"none",
     STEP_NEW_ORDER,
     0,
     "",
     0,
     {profile, true, 0, 0, replaces},
     "NARPFC",
     ORDER_DONE,
     true,
     true},
    {"RFC 9773",
     STEP_NEW_ORDER,
     409,
     "alreadyReplaced",
     1,
     {NULL, false, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     false},
    {"old Boulder",
     STEP_NEW_ORDER,
     409,
     "conflict",
     1,
     {NULL, false, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     false},
    {"Pebble 2.6",
     STEP_NEW_ORDER,
     409,
     "malformed",
     1,
     {NULL, false, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     false},
    {"another account",
     STEP_NEW_ORDER,
     403,
     "unauthorized",
     1,
     {NULL, false, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     false},
    {"unknown member",
     STEP_NEW_ORDER,
     400,
     "malformed",
     1,
     {NULL, false, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     false},
    {"unknown certificate",
     STEP_NEW_ORDER,
     404,
     "notFound",
     1,
     {NULL, false, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     false},
    {"Pebble 2.10, a serial with a leading 00",
     STEP_NEW_ORDER,
     500,
     "serverInternal",
     1,
     {NULL, false, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     false},
    {"rate limit",
     STEP_NEW_ORDER,
     429,
     "rateLimited",
     1,
     {NULL, false, 0, 0, replaces},
     "N",
     ORDER_FAILED,
     false,
     true},
    {"not about it",
     STEP_NEW_ORDER,
     403,
     "rejectedIdentifier",
     1,
     {NULL, false, 0, 0, replaces},
     "N",
     ORDER_FAILED,
     false,
     true},
    {"caa",
     STEP_NEW_ORDER,
     403,
     "caa",
     1,
     {NULL, false, 0, 0, replaces},
     "N",
     ORDER_FAILED,
     false,
     true},
    {"once only",
     STEP_NEW_ORDER,
     403,
     "unauthorized",
     2,
     {NULL, false, 0, 0, replaces},
     "NN",
     ORDER_FAILED,
     false,
     false},
    {"nothing to leave out",
     STEP_NEW_ORDER,
     403,
     "unauthorized",
     1,
     {0},
     "N",
     ORDER_FAILED,
     false,
     false},
    {"profile is gone",
     STEP_NEW_ORDER,
     400,
     "invalidProfile",
     1,
     {profile, true, 0, 0, replaces},
     "NNARPFC",
     ORDER_DONE,
     false,
     true},
    {"profile is gone at the end",
     STEP_FINALIZE,
     400,
     "invalidProfile",
     1,
     {profile, true, 0, 0, NULL},
     "NARPFNARPFC",
     ORDER_DONE,
     false,
     false},
    {"required profile",
     STEP_NEW_ORDER,
     400,
     "invalidProfile",
     1,
     {profile, false, 0, 0, NULL},
     "N",
     ORDER_FAILED,
     true,
     false},
    {"required profile at the end",
     STEP_FINALIZE,
     400,
     "invalidProfile",
     1,
     {profile, false, 0, 0, NULL},
     "NARPF",
     ORDER_FAILED,
     true,
     false},
    {"finalize refused for another reason",
     STEP_FINALIZE,
     403,
     "unauthorized",
     1,
     {profile, true, 0, 0, replaces},
     "NARPF",
     ORDER_FAILED,
     true,
     true},
};

static void each_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refused *refused = &refusals[i];
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        refusal.step = refused->step;
        refusal.status = refused->status;
        refusal.suffix = refused->suffix;
        refusal.times = refused->times;
        ca.twist = twist;
        drive_start(&drive, key, &ca, &(struct drive_wish){.demand = &refused->demand});
        enum order_do end = drive_to_end(&drive);
        if (strcmp(ca.order_of_steps, refused->steps) != 0 || end != refused->end)
            print_error("%s: %s\n", refused->what, order_error(drive.order)->text);
        assert_string_equal(ca.order_of_steps, refused->steps);
        assert_string_equal(ca.problem, "");
        assert_int_equal(end, refused->end);
        const struct demand *left = order_demand(drive.order);
        assert_int_equal(left->profile != NULL, refused->keeps_profile);
        assert_int_equal(left->replaces != NULL, refused->keeps_replaces);
        drive_release(&drive);
    }
}

/* The CA's word on the profile is what counts. */
static void profile_of_the_order(void **state)
{
    static const char *const says[] = {"shortlived", "classic", "a\x1b[31mb", NULL};
    static const char *const shown[] = {"shortlived", "classic", "a\\u{001B}[31mb", NULL};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        struct demand demand = {.profile = profile};
        ca.profile = says[i];
        drive_start(&drive, key, &ca, &(struct drive_wish){.demand = &demand});
        assert_int_equal(drive_to_end(&drive), ORDER_DONE);
        if (shown[i] == NULL)
            assert_null(order_profile(drive.order));
        else
            assert_string_equal(order_profile(drive.order), shown[i]);
        drive_release(&drive);
    }
}

static void copies(void **state)
{
    (void)state;
    struct demand from = {profile, true, 1, 2, replaces}, copy = {0};
    demand_copy(&from, &copy);
    assert_string_equal(copy.profile, profile);
    assert_ptr_not_equal(copy.profile, profile);
    assert_string_equal(copy.replaces, replaces);
    assert_true(copy.profile_optional);
    assert_int_equal(copy.not_before, 1);
    assert_int_equal(copy.not_after, 2);
    demand_release(&copy);
    assert_null(copy.profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal),
        cmocka_unit_test(profile_of_the_order),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

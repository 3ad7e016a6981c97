/* Which chain is taken, and how few are asked for. */
#include "fake/acme_drive.h"
#include "fake/test_files.h"

#include <acmec/acme/alternates.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static struct key *key;
static const char *const one[] = {"a.example"};
static char *chains[4]; /* topmost issuers: Test Root, Old Root, Wide Root; then what is no chain */

static char *load(const char *path)
{
    struct buf text = BUF(TEST_FILE_MAX);
    test_file(path, &text);
    return buf_take(&text);
}

static int start(void **state)
{
    (void)state;
    key = fixture_key();
    chains[0] = load("certs/good.pem");
    chains[1] = load("certs/rsa.pem");
    chains[2] = load("certs/direct.pem");
    chains[3] = mem_strdup("<html>");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    key_free(key);
    for (size_t i = 0; i < 4; i++)
        free(chains[i]);
    return 0;
}

static const struct {
    const char *wanted;
    size_t offered[4], count; /* chains, the default first */
    const char *steps;
    size_t taken;
    bool satisfied;
} cases[] = {
    {NULL, {0, 1, 2}, 3, "NARPFC", 0, true},
    {"Test Root", {0, 1, 2}, 3, "NARPFC", 0, true},
    {"test root", {0, 1, 2}, 3, "NARPFC", 0, true},
    {"Old Root", {0, 1, 2}, 3, "NARPFCL", 1, true},
    {"Wide Root", {0, 1, 2}, 3, "NARPFCLL", 2, true},
    {"Wide Root", {0, 3, 2}, 3, "NARPFCLL", 2, true},
    /* an issuer further down counts when no chain ends there */
    {"Test Intermediate", {0, 1, 2}, 3, "NARPFCLL", 0, true},
    {"RSA Intermediate", {0, 1, 2}, 3, "NARPFCLL", 1, true},
    {"Test Intermediate", {0}, 1, "NARPFC", 0, true},
    {"Nobody", {0, 1, 2}, 3, "NARPFCLL", 0, false},
    {"Nobody", {0}, 1, "NARPFC", 0, false},
};

static void each_choice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {0};
        const char *offered[4];
        for (size_t k = 0; k < cases[i].count; k++)
            offered[k] = chains[cases[i].offered[k]];
        ca.chains = offered;
        ca.chain_count = cases[i].count;
        drive_start(&drive, key, &ca, &(struct drive_wish){.preferred_chain = cases[i].wanted});
        assert_int_equal(drive_to_end(&drive), ORDER_DONE);
        assert_string_equal(ca.order_of_steps, cases[i].steps);
        assert_string_equal(ca.problem, "");
        assert_true(span_is(order_chain(drive.order), chains[cases[i].taken]));
        assert_int_equal(order_chain_preferred(drive.order), cases[i].satisfied);
        drive_release(&drive);
    }
}

/* An alternate that cannot be had costs nothing but itself. */
static void a_lost_alternate(void **state)
{
    (void)state;
    for (size_t lost = 7; lost <= 8; lost++) {
        struct fake_ca ca = fake_ca_for(one, 1);
        struct drive drive = {.lost_at = lost};
        const char *offered[] = {chains[0], chains[1], chains[2]};
        ca.chains = offered;
        ca.chain_count = 3;
        drive_start(&drive, key, &ca, &(struct drive_wish){.preferred_chain = "Wide Root"});
        assert_int_equal(drive_to_end(&drive), ORDER_DONE);
        assert_true(span_is(order_chain(drive.order), chains[lost == 7 ? 2 : 0]));
        drive_release(&drive);
    }
}

/* A CA that links to its endpoints, to the certificate itself, or without end. */
static void links(void **state)
{
    (void)state;
    struct session *session = fixture_session(key);
    struct alternates alternates = {.wanted = mem_strdup("Nobody")};
    struct http_response reply =
        fixture_reply(200,
                      "link: </acct/1>;rel=alternate, </revoke>; rel=\"alternate\"\n"
                      "link: <1>;rel=\"alternate\"\nlink: <http://ca.example/x>;rel=alternate\n",
                      "");
    struct error err = {0};
    buf_add_str(&reply.body, chains[0]);
    for (int i = 0; i < 20; i++)
        buf_addf(&reply.headers, "link: <1/a%d>;rel=\"up alternate\"\n", i);
    assert_true(session_bind(session, ROLE_CERTIFICATE, FIXTURE_HOST "/cert/1", &err));
    alternates_begin(&alternates, session, FIXTURE_HOST "/cert/1", &reply);
    assert_int_equal(alternates.count, ALTERNATES_MAX);
    assert_string_equal(alternates_url(&alternates), FIXTURE_HOST "/cert/1/a0");
    for (size_t i = 0; i < ALTERNATES_MAX; i++)
        alternates_take(&alternates, NULL);
    assert_null(alternates_url(&alternates));
    assert_false(alternates_satisfied(&alternates));
    alternates_release(&alternates);
    http_response_release(&reply);
    session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_choice),
        cmocka_unit_test(a_lost_alternate),
        cmocka_unit_test(links),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

#include "fake/acme_fixture.h"

#include <acmec/acme/revoke.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW 1800000000

static struct key *key;

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

static void reasons_in_both_words(void **state)
{
    static const struct {
        const char *hyphenated, *rfc;
    } WORDS[] = {
        {"unspecified", "unspecified"},
        {"key-compromise", "keyCompromise"},
        {"ca-compromise", "cACompromise"},
        {"affiliation-changed", "affiliationChanged"},
        {"superseded", "superseded"},
        {"cessation-of-operation", "cessationOfOperation"},
        {"certificate-hold", "certificateHold"},
        {"remove-from-crl", "removeFromCRL"},
        {"privilege-withdrawn", "privilegeWithdrawn"},
        {"aa-compromise", "aACompromise"},
    };
    static const char *const others[] = {"", "1", "keycompromise", "KEY-COMPROMISE", "reason"};
    enum revoke_reason reason = REASON_COUNT;
    (void)state;
    assert_int_equal(sizeof WORDS / sizeof WORDS[0], REASON_COUNT);
    for (size_t i = 0; i < REASON_COUNT; i++) {
        assert_true(revoke_reason_from_word(WORDS[i].hyphenated, &reason));
        assert_int_equal(reason, i);
        assert_true(revoke_reason_from_word(WORDS[i].rfc, &reason));
        assert_int_equal(reason, i);
        assert_string_equal(revoke_reason_word(reason), WORDS[i].hyphenated);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(revoke_reason_from_word(others[i], &reason));
}

static void says(const struct revoke_wish *wish, const char *payload, bool has_jwk)
{
    struct session *session = fixture_session(key);
    AUTO(http_request) request = {0};
    struct error err = {0};
    fixture_add_nonce(session, "n", 0);
    assert_true(revoke_request(session, wish, 0, &request, &err));
    assert_string_equal(request.url, FIXTURE_HOST "/revoke");
    struct fixture_signed opened = fixture_open(&request);
    assert_string_equal(buf_str(&opened.payload), payload);
    assert_int_equal(json_object_get(opened.header, "jwk") != NULL, has_jwk);
    assert_int_equal(json_object_get(opened.header, "kid") != NULL, !has_jwk);
    fixture_signed_release(&opened);
    session_free(session);
}

static void requests(void **state)
{
    const enum revoke_reason superseded = REASON_SUPERSEDED, withdrawn = REASON_PRIVILEGE_WITHDRAWN;
    struct revoke_wish wish = {.cert_der = SPAN_LIT("\x30\x03\xff\xfe\x00")};
    (void)state;
    says(&wish, "{\"certificate\":\"MAP__gA\"}", false);
    wish.reason = &superseded;
    says(&wish, "{\"certificate\":\"MAP__gA\",\"reason\":4}", false);
    wish.reason = &withdrawn;
    wish.by_key = true;
    says(&wish, "{\"certificate\":\"MAP__gA\",\"reason\":9}", true);
}

/* Its own key can revoke a certificate where there is no account at all. */
static void by_key_without_account(void **state)
{
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    struct http_response directory = fixture_reply(200, "", FIXTURE_DIRECTORY_BODY);
    struct revoke_wish wish = {.cert_der = SPAN_LIT("x"), .by_key = true};
    AUTO(http_request) request = {0};
    AUTO(http_request) none = {0};
    struct error err = {0};
    (void)state;
    assert_true(session_read_directory(session, &directory, &err));
    fixture_add_nonce(session, "n", 0);
    assert_true(revoke_request(session, &wish, 0, &request, &err));
    wish.by_key = false;
    fixture_add_nonce(session, "m", 0);
    assert_false(revoke_request(session, &wish, 0, &none, &err));
    http_response_release(&directory);
    session_free(session);
}

static void not_offered(void **state)
{
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    struct http_response directory = fixture_reply(200, "",
                                                   "{\"newNonce\":\"https://ca.example/n\","
                                                   "\"newAccount\":\"https://ca.example/a\","
                                                   "\"newOrder\":\"https://ca.example/o\"}");
    const struct revoke_wish wish = {.cert_der = SPAN_LIT("x"), .by_key = true};
    AUTO(http_request) request = {0};
    struct error err = {0};
    (void)state;
    assert_true(session_read_directory(session, &directory, &err));
    fixture_add_nonce(session, "n", 0);
    assert_false(revoke_request(session, &wish, 0, &request, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    http_response_release(&directory);
    session_free(session);
}

static void replies(void **state)
{
    static const struct {
        long status;
        const char *body;
        bool good, already;
        enum err_code code;
    } CASES[] = {
        {200, "", true, false, ERR_NONE},
        {200, "{}", true, false, ERR_NONE},
        {400, "{\"type\":\"urn:ietf:params:acme:error:alreadyRevoked\"}", true, true, ERR_NONE},
        {400, "{\"type\":\"urn:ietf:params:acme:error:badRevocationReason\"}", false, false,
         ERR_REFUSED},
        {403, "{\"type\":\"urn:ietf:params:acme:error:unauthorized\"}", false, false, ERR_REFUSED},
        {500, "", false, false, ERR_NETWORK},
        {204, "", false, false, ERR_NETWORK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct http_response response = fixture_reply(CASES[i].status, "", CASES[i].body);
        struct error err = {0};
        bool already = false;
        assert_int_equal(revoke_read(&response, NOW, &already, &err), CASES[i].good);
        assert_int_equal(already, CASES[i].already);
        assert_int_equal(err.code, CASES[i].code);
        http_response_release(&response);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_in_both_words),
        cmocka_unit_test(requests),
        cmocka_unit_test(by_key_without_account),
        cmocka_unit_test(not_offered),
        cmocka_unit_test(replies),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

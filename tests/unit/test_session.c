#include "fake/acme_fixture.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

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

static bool read_directory(struct session *session, long status, const char *body,
                           struct error *err)
{
    struct http_response response = fixture_reply(status, "", body);
    bool good = session_read_directory(session, &response, err);
    http_response_release(&response);
    return good;
}

/* ---- directory ---- */

static void directory(void **state)
{
    (void)state;
    struct error err = {0};
    struct http_request request = {0};
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    session_directory_request(session, &request);
    assert_int_equal(request.method, HTTP_GET);
    assert_string_equal(request.url, FIXTURE_DIRECTORY);
    assert_true(request.follow_https_redirects);
    http_request_release(&request);
    assert_false(session_has_directory(session));
    assert_null(session_terms_url(session));
    assert_true(read_directory(session, 200, FIXTURE_DIRECTORY_BODY, &err));
    assert_true(session_has_directory(session));
    assert_string_equal(session_terms_url(session), "https://ca.example/terms");
    assert_false(session_needs_eab(session));
    assert_string_equal(session_endpoint(session, ROLE_NEW_ORDER), FIXTURE_HOST "/new-order");
    assert_null(session_endpoint(session, ROLE_ORDER));
    assert_null(session_account_url(session));
    session_nonce_request(session, &request);
    assert_int_equal(request.method, HTTP_HEAD);
    assert_string_equal(request.url, FIXTURE_HOST "/new-nonce");
    assert_false(request.follow_https_redirects);
    http_request_release(&request);
    session_free(session);
}

static void unusable_directory_urls(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",           "http://ca.example/directory", "https://",
        "ca.example", "https:///directory",          "https://ca.example/a b"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_null(session_new(urls[i], key));
    session_free(NULL);
}

static void meta(void **state)
{
    (void)state;
    struct error err = {0};
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    assert_true(read_directory(session, 200,
                               "{\"newNonce\":\"https://a.example/n\","
                               "\"newAccount\":\"https://a.example/a\","
                               "\"newOrder\":\"https://a.example/o\",\"keyChange\":null,"
                               "\"revokeCert\":[],\"renewalInfo\":false,"
                               "\"meta\":{\"externalAccountRequired\":true,"
                               "\"caaIdentities\":[\"A.example\",7,\"b.example\",\"a b\"],"
                               "\"accountHashPrefix\":\"urn:x\","
                               "\"termsOfService\":\"https://a.example/\\u0007\"}}",
                               &err));
    assert_true(session_needs_eab(session));
    assert_string_equal(session_terms_url(session), "https://a.example/\\u{0007}");
    assert_string_equal(session_caa_identities(session), "a.example,b.example");
    assert_string_equal(session_account_hash_prefix(session), "urn:x");
    assert_string_equal(session_persist_issuers(session), "a.example,b.example");
    assert_true(read_directory(session, 200,
                               "{\"newNonce\":\"https://a.example/n\","
                               "\"newAccount\":\"https://a.example/a\","
                               "\"newOrder\":\"https://a.example/o\","
                               "\"meta\":{\"caaIdentities\":[\"a.example\"],"
                               "\"issuerDomainNames\":[\"c.example\",\"d.example\"]}}",
                               &err));
    assert_string_equal(session_persist_issuers(session), "c.example,d.example");
    session_free(session);
}

static void profiles_are_kept(void **state)
{
    (void)state;
    struct error err = {0};
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    assert_true(
        read_directory(session, 200,
                       "{\"newNonce\":\"https://a.example/n\","
                       "\"newAccount\":\"https://a.example/a\","
                       "\"newOrder\":\"https://a.example/o\","
                       "\"meta\":{\"profiles\":{\"classic\":\"90 days\",\"short\":17,\"\":\"x\"}}}",
                       &err));
    assert_string_equal(session_profile(session, 0)->name, "classic");
    assert_string_equal(session_profile(session, 0)->description, "90 days");
    assert_string_equal(session_profile(session, 1)->name, "short");
    assert_string_equal(session_profile(session, 1)->description, "");
    assert_null(session_profile(session, 2));
    assert_true(session_offers_profile(session, "short"));
    assert_false(session_offers_profile(session, "shortlived"));
    assert_null(session_endpoint(session, ROLE_RENEWAL_INFO));
    assert_null(session_endpoint(session, ROLE_KEY_CHANGE));
    assert_null(session_endpoint(session, ROLE_REVOKE_CERT));
    session_free(session);
}

/* Read anew at each renewal: what is gone is gone. */
static void profiles_vanish(void **state)
{
    (void)state;
    struct error err = {0};
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    AUTO(buf) body = BUF(64 * 1024);
    buf_add_str(&body, "{\"newNonce\":\"https://a.example/n\","
                       "\"newAccount\":\"https://a.example/a\","
                       "\"newOrder\":\"https://a.example/o\",\"meta\":{\"profiles\":{\"p\":\"\"");
    for (int i = 0; i < 2 * SESSION_PROFILES_MAX; i++)
        buf_addf(&body, ",\"p%d\":\"\"", i);
    buf_add_str(&body, "}}}");
    assert_true(read_directory(session, 200, buf_str(&body), &err));
    assert_non_null(session_profile(session, SESSION_PROFILES_MAX - 1));
    assert_null(session_profile(session, SESSION_PROFILES_MAX));
    assert_true(read_directory(session, 200,
                               "{\"newNonce\":\"https://a.example/n\","
                               "\"newAccount\":\"https://a.example/a\","
                               "\"newOrder\":\"https://a.example/o\",\"meta\":{\"profiles\":[]}}",
                               &err));
    assert_null(session_profile(session, 0));
    assert_false(session_offers_profile(session, "p"));
    session_free(session);
}

static void not_a_directory(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *body;
        enum err_code code;
    } cases[] = {
        {404, "", ERR_NETWORK},
        {503, FIXTURE_DIRECTORY_BODY, ERR_NETWORK},
        {200, "", ERR_NETWORK},
        {200, "<html>", ERR_NETWORK},
        {200, "[]", ERR_NETWORK},
        {200, "{}", ERR_NETWORK},
        {200, "{\"newNonce\":\"https://a.example/n\",\"newAccount\":\"https://a.example/a\"}",
         ERR_NETWORK},
        {200,
         "{\"newNonce\":\"https://a.example/n\",\"newAccount\":17,"
         "\"newOrder\":\"https://a.example/o\"}",
         ERR_NETWORK},
        {200,
         "{\"newNonce\":\"https://a.example/n\",\"newAccount\":\"http://a.example/a\","
         "\"newOrder\":\"https://a.example/o\"}",
         ERR_REFUSED},
        {200,
         "{\"newNonce\":\"https://a.example/n\",\"newAccount\":\"https://a.example/a\","
         "\"newOrder\":\"https://a.example/a\"}",
         ERR_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        struct session *session = session_new(FIXTURE_DIRECTORY, key);
        assert_false(read_directory(session, cases[i].status, cases[i].body, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_false(session_has_directory(session));
        assert_null(session_endpoint(session, ROLE_NEW_NONCE));
        session_free(session);
    }
}

/* ---- nonces ---- */

static bool sign_read(struct session *session, int64_t now_ms, char nonce[static 300])
{
    struct error err = {0};
    struct http_request request = {0};
    assert_true(session_bind(session, ROLE_ORDER, FIXTURE_HOST "/order/1", &err));
    if (!session_sign(session, PAYLOAD_READ_ORDER, FIXTURE_HOST "/order/1", SPAN_LIT(""), now_ms,
                      &request, &err)) {
        assert_int_equal(err.code, ERR_NETWORK);
        return false;
    }
    struct fixture_signed opened = fixture_open(&request);
    (void)snprintf(nonce, 300, "%s", fixture_header(&opened, "nonce"));
    fixture_signed_release(&opened);
    http_request_release(&request);
    return true;
}

static void last_in_first_out(void **state)
{
    (void)state;
    char nonce[300];
    struct session *session = fixture_session(key);
    assert_false(sign_read(session, 0, nonce));
    fixture_add_nonce(session, "one", 0);
    fixture_add_nonce(session, "two", 1);
    fixture_add_nonce(session, "two", 2);
    assert_int_equal(session_nonce_count(session, 2), 2);
    assert_true(sign_read(session, 2, nonce));
    assert_string_equal(nonce, "two");
    assert_true(sign_read(session, 2, nonce));
    assert_string_equal(nonce, "one");
    assert_false(sign_read(session, 2, nonce));
    session_free(session);
}

static void old_nonces_are_dropped(void **state)
{
    (void)state;
    char nonce[300];
    struct session *session = fixture_session(key);
    fixture_add_nonce(session, "old", 1000);
    fixture_add_nonce(session, "new", 2000);
    assert_int_equal(session_nonce_count(session, 1000 + NONCE_AGE_MAX_MS), 2);
    assert_int_equal(session_nonce_count(session, 1001 + NONCE_AGE_MAX_MS), 1);
    assert_true(sign_read(session, 1001 + NONCE_AGE_MAX_MS, nonce));
    assert_string_equal(nonce, "new");
    assert_false(sign_read(session, 1001 + NONCE_AGE_MAX_MS, nonce));
    assert_int_equal(session_nonce_count(session, 1000), 0);
    session_free(session);
}

static void odd_nonces_are_ignored(void **state)
{
    (void)state;
    static const char *const odd[] = {"", "a b", "a+b", "a/b", "a=", "\xc3\xa4", "a,b", "a\x01"};
    char longest[257] = "";
    struct session *session = fixture_session(key);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        fixture_add_nonce(session, odd[i], 0);
    memset(longest, 'x', 256);
    AUTO_FREE too_long = mem_printf("%sx", longest);
    fixture_add_nonce(session, too_long, 0);
    assert_int_equal(session_nonce_count(session, 0), 0);
    fixture_add_nonce(session, longest, 0);
    fixture_add_nonce(session, "-_09azAZ", 0);
    assert_int_equal(session_nonce_count(session, 0), 2);
    struct http_response none = fixture_reply(200, "", "");
    session_take_nonce(session, &none, 0);
    http_response_release(&none);
    assert_int_equal(session_nonce_count(session, 0), 2);
    session_free(session);
}

static void pool_is_bounded(void **state)
{
    (void)state;
    char nonce[300];
    struct session *session = fixture_session(key);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(nonce, sizeof nonce, "nonce-%d", i);
        fixture_add_nonce(session, nonce, i);
    }
    assert_int_equal(session_nonce_count(session, 1000), 256);
    for (int i = 999; i >= 1000 - 256; i--) {
        char wanted[32];
        (void)snprintf(wanted, sizeof wanted, "nonce-%d", i);
        assert_true(sign_read(session, 1000, nonce));
        assert_string_equal(nonce, wanted);
    }
    assert_false(sign_read(session, 1000, nonce));
    session_free(session);
}

/* ---- the guard ---- */

static void urls(void **state)
{
    (void)state;
    char longest[HTTP_URL_MAX + 2] = "https://a.example/";
    struct session *session = fixture_session(key);
    struct error err = {0};
    static const char *const bad[] = {
        "",
        "http://ca.example/x",
        "/x",
        "//ca.example/x",
        "ftp://ca.example/",
        "https://",
        "https:///x",
        "https://ca.example/a b",
        "https://ca.example/\n",
        "https://ca.example/\x7f",
        "https://ca.example/\xc3\xa4",
        FIXTURE_DIRECTORY,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(session_bind(session, ROLE_ORDER, bad[i], &err));
        assert_int_equal(err.code, ERR_REFUSED);
    }
    memset(longest + strlen(longest), 'x', sizeof longest - 1 - strlen(longest));
    longest[HTTP_URL_MAX + 1] = '\0';
    assert_false(session_bind(session, ROLE_ORDER, longest, &err));
    longest[HTTP_URL_MAX] = '\0';
    assert_true(session_bind(session, ROLE_ORDER, longest, &err));
    assert_true(session_bind(session, ROLE_ORDER, "HTTPS://[2001:db8::1]:14000/x?y=%20#z", &err));
    session_free(session);
}

static void one_role_for_each_url(void **state)
{
    (void)state;
    static const char *const taken[] = {
        FIXTURE_ACCOUNT,           FIXTURE_HOST "/new-nonce", FIXTURE_HOST "/new-account",
        FIXTURE_HOST "/new-order", FIXTURE_HOST "/revoke",    FIXTURE_HOST "/key-change"};
    struct session *session = fixture_session(key);
    struct error err = {0};
    for (enum url_role role = ROLE_ORDER; role < ROLE_COUNT; role++) {
        AUTO_FREE own = mem_printf(FIXTURE_HOST "/own/%d", (int)role);
        for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
            assert_false(session_bind(session, role, taken[i], &err));
            assert_int_equal(err.code, ERR_REFUSED);
        }
        assert_true(session_bind(session, role, own, &err));
        assert_true(session_bind(session, role, own, &err));
        for (enum url_role other = ROLE_ACCOUNT; other < ROLE_COUNT; other++)
            assert_int_equal(session_bind(session, other, own, &err), other == role);
    }
    assert_false(session_set_account(session, FIXTURE_HOST "/new-order", &err));
    assert_string_equal(session_account_url(session), FIXTURE_ACCOUNT);
    session_free(session);
}

/* Every payload for a URL of every role: signed only for its own. */
static void one_role_for_each_payload(void **state)
{
    (void)state;
    static const enum url_role allowed[] = {
        [PAYLOAD_NEW_ACCOUNT] = ROLE_NEW_ACCOUNT,
        [PAYLOAD_ACCOUNT] = ROLE_ACCOUNT,
        [PAYLOAD_KEY_CHANGE] = ROLE_KEY_CHANGE,
        [PAYLOAD_NEW_ORDER] = ROLE_NEW_ORDER,
        [PAYLOAD_RESPOND] = ROLE_CHALLENGE,
        [PAYLOAD_FINALIZE] = ROLE_FINALIZE,
        [PAYLOAD_DEACTIVATE] = ROLE_AUTHORIZATION,
        [PAYLOAD_REVOKE] = ROLE_REVOKE_CERT,
        [PAYLOAD_REVOKE_BY_KEY] = ROLE_REVOKE_CERT,
        [PAYLOAD_READ_ORDER] = ROLE_ORDER,
        [PAYLOAD_READ_AUTHORIZATION] = ROLE_AUTHORIZATION,
        [PAYLOAD_READ_CERTIFICATE] = ROLE_CERTIFICATE,
        [PAYLOAD_READ_ORDERS] = ROLE_ORDERS,
    };
    struct session *session = fixture_session(key);
    struct error err = {0};
    for (enum payload payload = 0; payload < PAYLOAD_COUNT; payload++) {
        bool empty = payload >= PAYLOAD_READ_ORDER;
        for (enum url_role role = 0; role < ROLE_COUNT; role++) {
            struct http_request request = {0};
            AUTO_FREE own = mem_printf(FIXTURE_HOST "/own/%d", (int)role);
            const char *url = session_endpoint(session, role);
            if (role == ROLE_ACCOUNT)
                url = FIXTURE_ACCOUNT;
            if (url == NULL)
                url = own;
            assert_true(session_bind(session, role, url, &err));
            fixture_add_nonce(session, "n", 0);
            struct span json = empty ? SPAN_LIT("") : SPAN_LIT("{}");
            struct span other = empty ? SPAN_LIT("{}") : SPAN_LIT("");
            assert_false(session_sign(session, payload, url, other, 0, &request, &err));
            bool good = session_sign(session, payload, url, json, 0, &request, &err);
            assert_int_equal(good, allowed[payload] == role);
            if (!good)
                assert_int_equal(err.code, ERR_REFUSED);
            http_request_release(&request);
        }
        struct http_request request = {0};
        fixture_add_nonce(session, "n", 0);
        assert_false(session_sign(session, payload, FIXTURE_HOST "/unseen", SPAN_LIT("{}"), 0,
                                  &request, &err));
    }
    /* A refusal spends no nonce. */
    assert_int_equal(session_nonce_count(session, 0), 1);
    session_free(session);
}

static void what_is_sent(void **state)
{
    (void)state;
    struct session *session = fixture_session(key);
    struct error err = {0};
    struct http_request request = {0};
    assert_true(session_bind(session, ROLE_CERTIFICATE, FIXTURE_HOST "/c%2F?x=%41", &err));
    fixture_add_nonce(session, "n-1", 0);
    assert_true(session_sign(session, PAYLOAD_READ_CERTIFICATE, FIXTURE_HOST "/c%2F?x=%41",
                             SPAN_LIT(""), 0, &request, &err));
    struct fixture_signed opened = fixture_open(&request);
    assert_int_equal(request.method, HTTP_POST);
    assert_string_equal(request.url, FIXTURE_HOST "/c%2F?x=%41");
    assert_string_equal(request.content_type, "application/jose+json");
    assert_string_equal(request.accept, "application/pem-certificate-chain");
    assert_false(request.follow_https_redirects);
    assert_string_equal(fixture_header(&opened, "url"), FIXTURE_HOST "/c%2F?x=%41");
    assert_string_equal(fixture_header(&opened, "kid"), FIXTURE_ACCOUNT);
    assert_string_equal(fixture_header(&opened, "alg"), "ES256");
    assert_string_equal(fixture_header(&opened, "nonce"), "n-1");
    assert_int_equal(json_object_size(opened.header), 4);
    assert_string_equal(buf_str(&opened.payload), "");
    fixture_signed_release(&opened);
    http_request_release(&request);
    session_free(session);
}

static void nothing_without_an_account(void **state)
{
    (void)state;
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    struct error err = {0};
    struct http_request request = {0};
    assert_false(session_sign(session, PAYLOAD_NEW_ACCOUNT, FIXTURE_HOST "/new-account",
                              SPAN_LIT("{}"), 0, &request, &err));
    assert_true(read_directory(session, 200, FIXTURE_DIRECTORY_BODY, &err));
    fixture_add_nonce(session, "n", 0);
    assert_false(session_sign(session, PAYLOAD_NEW_ORDER, FIXTURE_HOST "/new-order", SPAN_LIT("{}"),
                              0, &request, &err));
    assert_true(session_sign(session, PAYLOAD_NEW_ACCOUNT, FIXTURE_HOST "/new-account",
                             SPAN_LIT("{}"), 0, &request, &err));
    http_request_release(&request);
    assert_ptr_equal(session_key(session), key);
    assert_string_equal(session_directory_url(session), FIXTURE_DIRECTORY);
    session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directory),
        cmocka_unit_test(unusable_directory_urls),
        cmocka_unit_test(meta),
        cmocka_unit_test(profiles_are_kept),
        cmocka_unit_test(profiles_vanish),
        cmocka_unit_test(not_a_directory),
        cmocka_unit_test(last_in_first_out),
        cmocka_unit_test(old_nonces_are_dropped),
        cmocka_unit_test(odd_nonces_are_ignored),
        cmocka_unit_test(pool_is_bounded),
        cmocka_unit_test(urls),
        cmocka_unit_test(one_role_for_each_url),
        cmocka_unit_test(one_role_for_each_payload),
        cmocka_unit_test(what_is_sent),
        cmocka_unit_test(nothing_without_an_account),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

#include "fake/acme_fixture.h"

#include <acmec/acme/account.h>
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

/* ---- requests ---- */

static void new_account(void **state)
{
    (void)state;
    static const struct {
        const char *emails;
        bool agree;
        enum account_step step;
        const char *payload; /* NULL: refused */
    } cases[] = {
        {NULL, true, ACCOUNT_REGISTER, "{\"termsOfServiceAgreed\":true}"},
        {NULL, false, ACCOUNT_REGISTER, "{}"},
        {"", false, ACCOUNT_REGISTER, "{}"},
        {"a@b.example", true, ACCOUNT_REGISTER,
         "{\"termsOfServiceAgreed\":true,\"contact\":[\"mailto:a@b.example\"]}"},
        {" a@b.example , c@d.example", false, ACCOUNT_REGISTER,
         "{\"contact\":[\"mailto:a@b.example\",\"mailto:c@d.example\"]}"},
        {"a@b.example", true, ACCOUNT_FIND, "{\"onlyReturnExisting\":true}"},
        {"a@b.example,", true, ACCOUNT_REGISTER, NULL},
        {"nobody", true, ACCOUNT_REGISTER, NULL},
        {"a@b.example?subject=x", true, ACCOUNT_REGISTER, NULL},
        {"a@b.example\nx", true, ACCOUNT_REGISTER, NULL},
        {"@b.example", true, ACCOUNT_REGISTER, NULL},
        {"a@", true, ACCOUNT_REGISTER, NULL},
        {"a@\xff.example", true, ACCOUNT_REGISTER, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session *session = fixture_session(key);
        struct error err = {0};
        struct http_request request = {0};
        fixture_add_nonce(session, "n", 0);
        bool good = account_request(
            session, cases[i].step,
            &(struct account_wish){.emails = cases[i].emails, .agree_to_terms = cases[i].agree}, 0,
            &request, &err);
        assert_int_equal(good, cases[i].payload != NULL);
        if (good) {
            struct fixture_signed opened = fixture_open(&request);
            assert_string_equal(buf_str(&opened.payload), cases[i].payload);
            assert_non_null(json_object_get(opened.header, "jwk"));
            assert_null(json_object_get(opened.header, "kid"));
            assert_string_equal(request.url, FIXTURE_HOST "/new-account");
            fixture_signed_release(&opened);
        } else {
            assert_int_equal(err.code, ERR_USAGE);
            assert_int_equal(session_nonce_count(session, 0), 1);
        }
        http_request_release(&request);
        session_free(session);
    }
}

/* A signed request of a step that is given wish. */
static struct fixture_signed ask(struct session *session, enum account_step step,
                                 const struct account_wish *wish, const char *url)
{
    struct error err = {0};
    struct http_request request = {0};
    fixture_add_nonce(session, "n", 0);
    assert_true(account_request(session, step, wish, 0, &request, &err));
    assert_string_equal(request.url, url);
    struct fixture_signed opened = fixture_open(&request);
    http_request_release(&request);
    return opened;
}

static void binding(void **state)
{
    (void)state;
    struct session *session = fixture_session(key);
    struct eab eab = {0};
    struct error err = {0};
    json_t *payload = NULL;
    assert_true(eab_read("kid-1", SPAN_LIT("c2VjcmV0"), &eab, &err));
    struct account_wish wish = {.agree_to_terms = true, .eab = &eab};
    struct fixture_signed opened =
        ask(session, ACCOUNT_REGISTER, &wish, FIXTURE_HOST "/new-account");
    assert_true(
        json_parse_object(buf_span(&opened.payload), HTTP_BODY_MAX, ERR_NETWORK, &payload, &err));
    const json_t *bound = json_opt_object(payload, "externalAccountBinding");
    assert_int_equal(json_object_size(bound), 3);
    assert_non_null(json_opt_str(bound, "signature"));
    json_decref(payload);
    fixture_signed_release(&opened);
    eab_release(&eab);
    session_free(session);
}

static void changes(void **state)
{
    (void)state;
    static const struct {
        enum account_step step;
        const char *emails, *payload;
    } cases[] = {
        {ACCOUNT_UPDATE, "a@b.example", "{\"contact\":[\"mailto:a@b.example\"]}"},
        {ACCOUNT_UPDATE, "", "{\"contact\":[]}"},
        {ACCOUNT_UPDATE, NULL, "{\"contact\":[]}"},
        {ACCOUNT_DEACTIVATE, NULL, "{\"status\":\"deactivated\"}"},
    };
    struct session *session = fixture_session(key);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct account_wish wish = {.emails = cases[i].emails};
        struct fixture_signed opened = ask(session, cases[i].step, &wish, FIXTURE_ACCOUNT);
        assert_string_equal(buf_str(&opened.payload), cases[i].payload);
        assert_string_equal(fixture_header(&opened, "kid"), FIXTURE_ACCOUNT);
        fixture_signed_release(&opened);
    }
    session_free(session);
}

/* Section 7.3.5: the inner JWS is the new key's, over account and old key, for the same URL. */
static void rollover(void **state)
{
    (void)state;
    struct session *session = fixture_session(key);
    struct key *new_key = NULL;
    struct error err = {0};
    assert_true(key_generate(KEY_ECDSA_P384, &new_key, &err));
    struct account_wish wish = {.new_key = new_key};
    struct fixture_signed outer = ask(session, ACCOUNT_ROLLOVER, &wish, FIXTURE_HOST "/key-change");
    assert_string_equal(fixture_header(&outer, "kid"), FIXTURE_ACCOUNT);
    assert_string_equal(fixture_header(&outer, "alg"), "ES256");

    struct http_request inner_request = {.body = outer.payload};
    struct fixture_signed inner = fixture_open(&inner_request);
    AUTO(buf) jwk = BUF(4096);
    AUTO(buf) own_jwk = BUF(4096);
    assert_true(key_jwk(key, &jwk, &err));
    AUTO_FREE payload =
        mem_printf("{\"account\":\"" FIXTURE_ACCOUNT "\",\"oldKey\":%s}", buf_str(&jwk));
    assert_string_equal(buf_str(&inner.payload), payload);
    assert_string_equal(fixture_header(&inner, "alg"), "ES384");
    assert_string_equal(fixture_header(&inner, "url"), FIXTURE_HOST "/key-change");
    assert_null(json_object_get(inner.header, "nonce"));
    assert_null(json_object_get(inner.header, "kid"));
    assert_true(key_jwk(new_key, &own_jwk, &err));
    buf_clear(&jwk);
    json_write(json_object_get(inner.header, "jwk"), &jwk);
    assert_string_equal(buf_str(&jwk), buf_str(&own_jwk));

    fixture_signed_release(&inner);
    fixture_signed_release(&outer);
    key_free(new_key);
    session_free(session);
}

/* HARICA and ZeroSSL have no keyChange. */
static void not_offered(void **state)
{
    (void)state;
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    struct http_request request = {0};
    struct error err = {0};
    struct http_response response = fixture_reply(
        200, "",
        "{\"newNonce\":\"https://a.example/n\",\"newAccount\":\"https://a.example/a\","
        "\"newOrder\":\"https://a.example/o\"}");
    assert_true(session_read_directory(session, &response, &err));
    assert_true(session_set_account(session, "https://a.example/1", &err));
    fixture_add_nonce(session, "n", 0);
    struct account_wish wish = {.new_key = key};
    assert_false(account_request(session, ACCOUNT_ROLLOVER, &wish, 0, &request, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_int_equal(session_nonce_count(session, 0), 1);
    http_response_release(&response);
    session_free(session);
}

/* ---- replies ---- */

static void account_replies(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *headers, *body;
        enum err_code code; /* ERR_NONE: good */
        enum account_status is;
        const char *contact;
    } cases[] = {
        {201, "location:" FIXTURE_HOST "/acct/2\n", "{\"status\":\"valid\"}", ERR_NONE, 0, NULL},
        {200, "Location: " FIXTURE_HOST "/acct/2\n", "", ERR_NONE, 0, NULL},
        {201, "Location: " FIXTURE_HOST "/acct/2\n", " \r\n", ERR_NONE, 0, NULL},
        {200, "Location: " FIXTURE_HOST "/acct/2\n", "{\"contact\":null}", ERR_NONE, 0, NULL},
        {204, "Location: " FIXTURE_HOST "/acct/2\n", "", ERR_NONE, 0, NULL},
        {200, "Location: " FIXTURE_HOST "/acct/2\n",
         "{\"contact\":[\"mailto:a@b.example\",7,\"MAILTO:c@d.example\",\"tel:\\u0007\"]}",
         ERR_NONE, 0, "a@b.example,c@d.example,tel:\\u{0007}"},
        {200, "Location: " FIXTURE_HOST "/acct/2\n", "{\"status\":\"deactivated\"}", ERR_NONE,
         ACCOUNT_IS_DEACTIVATED, NULL},
        {200, "Location: " FIXTURE_HOST "/acct/2\n", "{\"status\":\"revoked\"}", ERR_NONE,
         ACCOUNT_IS_REVOKED, NULL},
        {200, "Location: " FIXTURE_HOST "/acct/2\n", "{\"orders\":\"ftp://x\"}", ERR_NONE, 0, NULL},
        {201, "", "{\"status\":\"valid\"}", ERR_NETWORK, 0, NULL},
        {201, "Location: /acct/2\n", "", ERR_REFUSED, 0, NULL},
        {201, "Location: http://ca.example/acct/2\n", "", ERR_REFUSED, 0, NULL},
        {201, "Location: " FIXTURE_HOST "/new-order\n", "", ERR_REFUSED, 0, NULL},
        {200, "Location: " FIXTURE_HOST "/acct/2\n", "{\"status\":\"new\\u001b\"}", ERR_REFUSED, 0,
         NULL},
        {200, "Location: " FIXTURE_HOST "/acct/2\n", "<html>", ERR_NETWORK, 0, NULL},
        {302, "Location: " FIXTURE_HOST "/acct/2\n", "", ERR_NETWORK, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session *session = fixture_session(key);
        struct error err = {0};
        struct account_reply reply = {0};
        struct http_response response =
            fixture_reply(cases[i].status, cases[i].headers, cases[i].body);
        bool good = account_read(session, ACCOUNT_FIND, &response, &reply, &err);
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(good, cases[i].code == ERR_NONE);
        assert_string_equal(session_account_url(session),
                            good ? FIXTURE_HOST "/acct/2" : FIXTURE_ACCOUNT);
        if (good) {
            assert_string_equal(reply.url, FIXTURE_HOST "/acct/2");
            assert_int_equal(reply.status, cases[i].is);
            assert_int_equal(account_is_usable(reply.status, &err),
                             reply.status == ACCOUNT_IS_VALID);
            assert_null(reply.orders_url);
            if (cases[i].contact == NULL)
                assert_null(reply.contact);
            else
                assert_string_equal(reply.contact, cases[i].contact);
        } else {
            assert_null(reply.url);
        }
        account_reply_release(&reply);
        http_response_release(&response);
        session_free(session);
    }
}

/* A change names no account: the session keeps its own. */
static void replies_to_changes(void **state)
{
    (void)state;
    struct session *session = fixture_session(key);
    struct error err = {0};
    struct account_reply reply = {0};
    struct http_response response =
        fixture_reply(200, "Location: " FIXTURE_HOST "/acct/2\n", "{\"status\":\"deactivated\"}");
    assert_true(account_read(session, ACCOUNT_DEACTIVATE, &response, &reply, &err));
    assert_null(reply.url);
    assert_int_equal(reply.status, ACCOUNT_IS_DEACTIVATED);
    assert_string_equal(session_account_url(session), FIXTURE_ACCOUNT);
    account_reply_release(&reply);
    http_response_release(&response);
    session_free(session);
}

/* ---- the orders list ---- */

#define LIST FIXTURE_HOST "/orders/1"

static void orders(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *body, *next;
        size_t count;
        bool good;
    } cases[] = {
        {"", "{\"orders\":[\"https://ca.example/o/1\",\"https://ca.example/o/2\"]}", NULL, 2, true},
        {"", "[\"https://ca.example/o/1\"]", NULL, 1, true},
        {"", "{\"orders\":null}", NULL, 0, true},
        {"", "{}", NULL, 0, true},
        {"", "[]", NULL, 0, true},
        {"", "{\"orders\":[\"a\\u0007\",3]}", NULL, 1, true},
        {"link: <" LIST "?page=2>;rel=\"next\"\n", "[\"x\"]", LIST "?page=2", 1, true},
        {"Link: </index>; rel=index, <?page=2>; rel=next\n", "[\"x\"]", LIST "?page=2", 1, true},
        /* It would go on for ever. */
        {"Link: <" LIST ">; rel=next\n", "[]", NULL, 0, true},
        {"Link: <" FIXTURE_HOST "/new-order>; rel=next\n", "[\"x\"]", NULL, 0, false},
        {"", "<html>", NULL, 0, false},
        {"", "", NULL, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session *session = fixture_session(key);
        struct error err = {0};
        struct account_orders list = {0};
        char *next = NULL;
        struct http_response response = fixture_reply(200, cases[i].headers, cases[i].body);
        assert_true(session_bind(session, ROLE_ORDERS, LIST, &err));
        assert_int_equal(account_read_orders(session, LIST, &response, &list, &next, &err),
                         cases[i].good);
        assert_int_equal(list.count, cases[i].count);
        assert_int_equal(next != NULL, cases[i].next != NULL);
        if (next != NULL) {
            assert_string_equal(next, cases[i].next);
            struct account_wish wish = {.orders_url = next};
            struct fixture_signed opened = ask(session, ACCOUNT_ORDERS, &wish, next);
            assert_int_equal(opened.payload.len, 0);
            fixture_signed_release(&opened);
        }
        free(next);
        account_orders_release(&list);
        http_response_release(&response);
        session_free(session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_account),
        cmocka_unit_test(binding),
        cmocka_unit_test(changes),
        cmocka_unit_test(rollover),
        cmocka_unit_test(not_offered),
        cmocka_unit_test(account_replies),
        cmocka_unit_test(replies_to_changes),
        cmocka_unit_test(orders),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

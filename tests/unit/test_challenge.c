#include "fake/acme_fixture.h"

#include <acmec/acme/challenge.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define TOKEN "DGyRejmCefe7v4NfDGDKfA"
#define DNS(name) "\"identifier\":{\"type\":\"dns\",\"value\":\"" name "\"}"
#define HTTP01(status)                                                                             \
    "{\"type\":\"http-01\",\"status\":\"" status "\",\"url\":\"https://ca.example/chall/1\","      \
    "\"token\":\"" TOKEN "\"}"
#define OTHERS                                                                                     \
    "{\"type\":\"dns-01\",\"status\":\"pending\",\"url\":\"https://ca.example/chall/2\","          \
    "\"token\":\"x\"},{\"type\":\"device-attest-01\"},{\"type\":\"http-01\"},null,17"

static struct key *key;
static struct session *session;

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

static int open_session(void **state)
{
    (void)state;
    session = fixture_session(key);
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    session_free(session);
    return 0;
}

static bool read_body(const char *body, struct authorization *out, struct error *err)
{
    struct http_response response = fixture_reply(200, "", body);
    struct challenge_plan plan = fixture_plan();
    bool good = authorization_read(session, &response, &plan, out, err);
    http_response_release(&response);
    return good;
}

static void pending(void **state)
{
    (void)state;
    AUTO(authorization) read = {0};
    struct error err = {0};
    assert_true(read_body("{\"status\":\"pending\"," DNS("a.example") ",\"expires\":null,"
                                                                      "\"challenges\":[" OTHERS
                                                                      "," HTTP01("pending") "]}",
                          &read, &err));
    assert_int_equal(read.status, AUTHORIZATION_PENDING);
    assert_string_equal(read.identifier.value, "a.example");
    assert_string_equal(read.challenge_url, "https://ca.example/chall/1");
    assert_string_equal(read.token, TOKEN);
    assert_false(read.responded);
    assert_int_equal(read.error.code, ERR_NONE);
    /* Its URL is bound. */
    assert_false(session_bind(session, ROLE_ORDER, "https://ca.example/chall/1", &err));
}

static void answered_already(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[" HTTP01("processing") "]}",
        "{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[" HTTP01("valid") "]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        AUTO(authorization) read = {0};
        struct error err = {0};
        assert_true(read_body(bodies[i], &read, &err));
        assert_int_equal(read.status, AUTHORIZATION_PENDING);
        assert_true(read.responded);
    }
}

static void needs_no_challenge(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum authorization_status status;
    } cases[] = {
        {"{\"status\":\"valid\"," DNS("a.example") "}", AUTHORIZATION_VALID},
        {"{\"status\":\"valid\"," DNS("a.example") ",\"challenges\":null}", AUTHORIZATION_VALID},
        {"{\"status\":\"valid\"," DNS("a.example") ",\"challenges\":[" OTHERS "]}",
         AUTHORIZATION_VALID},
        {"{\"status\":\"expired\"," DNS("a.example") "}", AUTHORIZATION_EXPIRED},
        {"{\"status\":\"deactivated\"," DNS("a.example") "}", AUTHORIZATION_DEACTIVATED},
        {"{\"status\":\"revoked\"," DNS("a.example") "}", AUTHORIZATION_REVOKED},
        {"{\"status\":\"invalid\"," DNS("a.example") ",\"challenges\":[]}", AUTHORIZATION_INVALID},
        {"{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[" HTTP01("invalid") "]}",
         AUTHORIZATION_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(authorization) read = {0};
        struct error err = {0};
        assert_true(read_body(cases[i].body, &read, &err));
        assert_int_equal(read.status, cases[i].status);
        assert_int_equal(read.error.code, ERR_NONE);
    }
    assert_string_equal(authorization_status_word(AUTHORIZATION_EXPIRED), "expired");
}

static void identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *members, *value;
    } cases[] = {
        {DNS("a.example"), "a.example"},
        {DNS("A.Example"), "a.example"},
        {DNS("a.example") ",\"wildcard\":false", "a.example"},
        {DNS("a.example") ",\"wildcard\":null", "a.example"},
        {DNS("a.example") ",\"wildcard\":true", "*.a.example"},
        {DNS("*.a.example") ",\"wildcard\":true", "*.a.example"},
        {DNS("*.a.example"), "*.a.example"},
        {"\"identifier\":{\"type\":\"ip\",\"value\":\"192.0.2.7\"}", "192.0.2.7"},
        {"\"identifier\":{\"type\":\"ip\",\"value\":\"2001:DB8:0:0:0:0:0:1\"}", "2001:db8::1"},
        {"\"identifier\":{\"type\":\"ip\",\"value\":\"a.example\"}", NULL},
        {"\"identifier\":{\"type\":\"dns\",\"value\":\"192.0.2.7\"}", NULL},
        {"\"identifier\":{\"type\":\"email\",\"value\":\"a@b.example\"}", NULL},
        {"\"identifier\":{\"type\":\"dns\",\"value\":\"\"}", NULL},
        {"\"identifier\":{\"type\":\"dns\",\"value\":17}", NULL},
        {"\"identifier\":{\"type\":null,\"value\":\"a.example\"}", NULL},
        {"\"identifier\":{\"value\":\"a.example\"}", NULL},
        {"\"identifier\":[]", NULL},
        {"\"identifier\":null", NULL},
        {"\"wildcard\":true", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(authorization) read = {0};
        struct error err = {0};
        AUTO_FREE body = mem_printf("{\"status\":\"valid\",%s}", cases[i].members);
        bool good = read_body(body, &read, &err);
        assert_int_equal(good, cases[i].value != NULL);
        if (good)
            assert_string_equal(read.identifier.value, cases[i].value);
        else
            assert_int_equal(err.code, ERR_NETWORK);
    }
}

/* Those that are not answered too, and in an authorization that needs no answer. */
static void all_challenges_have_their_role(void **state)
{
    (void)state;
    static const char *const statuses[] = {"pending", "valid"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        AUTO(authorization) read = {0};
        struct error err = {0};
        struct session *fresh = session;
        session = fixture_session(key);
        AUTO_FREE body =
            mem_printf("{\"status\":\"%s\"," DNS("a.example") ",\"challenges\":[" OTHERS
                                                              "," HTTP01("pending") "]}",
                       statuses[i]);
        assert_true(read_body(body, &read, &err));
        assert_false(session_bind(session, ROLE_FINALIZE, "https://ca.example/chall/1", &err));
        assert_false(session_bind(session, ROLE_FINALIZE, "https://ca.example/chall/2", &err));
        assert_int_equal(err.code, ERR_REFUSED);
        session_free(session);
        session = fresh;
    }
}

static void not_offered(void **state)
{
    (void)state;
    AUTO(authorization) read = {0};
    struct error err = {0};
    assert_false(read_body(
        "{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[" OTHERS "]}", &read, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_string_equal(err.text, "the CA does not offer http-01 for a.example, only: dns-01, "
                                  "device-attest-01, http-01");
    assert_false(read_body("{\"status\":\"pending\"," DNS("a.example") "}", &read, &err));
    assert_string_equal(err.text, "the CA does not offer http-01 for a.example, only: nothing");
    assert_null(read.challenge_url);
}

static void tokens(void **state)
{
    (void)state;
    char longest[TOKEN_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[TOKEN_MAX + 1] = '\0';
    assert_false(challenge_token_ok(longest));
    longest[TOKEN_MAX] = '\0';
    assert_true(challenge_token_ok(longest));
    longest[22] = '\0';
    assert_true(challenge_token_ok(longest));
    longest[21] = '\0';
    assert_false(challenge_token_ok(longest));
    assert_true(challenge_token_ok("abcdefghijklmnopqrstuvwxyz-_0189AZ"));
    static const char *const bad[] = {
        "",
        "../../../../../../../../etc/passwd",
        "abcdefghijklmnopqrstuvwxyz/",
        "abcdefghijklmnopqrstuvwxyz.",
        "abcdefghijklmnopqrstuvwxyz=",
        "abcdefghijklmnopqrstuvwxyz+",
        "abcdefghijklmnopqrst uvwxyz",
        "abcdefghijklmnopqrstuvwxyz\n",
        "abcdefghijklmnopqrstuvwxyz\xc3\xa4",
        "<script>alert(1)</script>abc",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO(authorization) read = {0};
        struct error err = {0};
        json_t *object =
            json_pack("{s:s,s:{s:s,s:s},s:[{s:s,s:s,s:s,s:s}]}", "status", "pending", "identifier",
                      "type", "dns", "value", "a.example", "challenges", "type", "http-01",
                      "status", "pending", "url", "https://ca.example/chall/9", "token", bad[i]);
        char *body = json_dumps(object, 0);
        assert_false(challenge_token_ok(bad[i]));
        assert_false(read_body(body, &read, &err));
        assert_int_equal(err.code, ERR_REFUSED);
        free(body);
        json_decref(object);
    }
}

static void bad_replies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum err_code code;
    } cases[] = {
        {"", ERR_NETWORK},
        {"[]", ERR_NETWORK},
        {"{}", ERR_NETWORK},
        {"{\"status\":17," DNS("a.example") "}", ERR_NETWORK},
        {"{\"status\":\"paused\"," DNS("a.example") "}", ERR_NETWORK},
        {"{\"status\":\"PENDING\"," DNS("a.example") "}", ERR_NETWORK},
        {"{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[" HTTP01("new") "]}",
         ERR_NETWORK},
        {"{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[{\"type\":\"http-01\","
                                                     "\"token\":\"" TOKEN
                                                     "\",\"url\":\"https://ca.example/chall/1\"}]}",
         ERR_NETWORK},
        {"{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[{\"type\":\"http-01\","
                                                     "\"token\":\"" TOKEN
                                                     "\",\"status\":\"pending\"}]}",
         ERR_NETWORK},
        {"{\"status\":\"pending\"," DNS("a.example") ",\"challenges\":[{\"type\":\"http-01\","
                                                     "\"token\":\"" TOKEN
                                                     "\",\"status\":\"pending\","
                                                     "\"url\":\"https://ca.example/new-order\"}]}",
         ERR_REFUSED},
        {"{\"status\":\"pending\"," DNS(
             "a.example") ",\"challenges\":[{\"type\":\"http-01\","
                          "\"token\":\"" TOKEN
                          "\",\"status\":\"pending\",\"url\":\"http://ca.example/x\"}]}",
         ERR_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct authorization read = {0};
        struct error err = {0};
        assert_false(read_body(cases[i].body, &read, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_null(read.challenge_url);
    }
}

static void reasons(void **state)
{
    (void)state;
    static const struct {
        const char *challenges, *text;
        enum err_code code;
    } cases[] = {
        {"{\"type\":\"http-01\",\"status\":\"invalid\",\"token\":\"" TOKEN "\",\"error\":{"
         "\"type\":\"urn:ietf:params:acme:error:connection\",\"detail\":\"refused\"}}",
         "a.example: connection: refused", ERR_REFUSED},
        {"{\"type\":\"dns-01\",\"error\":null},{\"type\":\"tls-alpn-01\",\"error\":{\"x\":1}}",
         "a.example: the CA gives no reason", ERR_REFUSED},
        {"{\"type\":\"http-01\",\"error\":{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}}",
         "a.example: rateLimited", ERR_RATE_LIMITED},
        {"{\"type\":\"http-01\",\"error\":{\"type\":\"urn:ietf:params:acme:error:serverInternal\"}"
         "}",
         "a.example: serverInternal", ERR_REFUSED},
        {"{\"type\":\"http-01\",\"error\":\"odd\"}", "", ERR_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(authorization) read = {0};
        struct error err = {0};
        AUTO_FREE body = mem_printf("{\"status\":\"invalid\"," DNS("a.example") ",\"challenges\":"
                                                                                "[%s]}",
                                    cases[i].challenges);
        assert_true(read_body(body, &read, &err));
        assert_int_equal(read.error.code, cases[i].code);
        assert_string_equal(read.error.text, cases[i].text);
    }
}

/* Some CAs leave a failing challenge at processing: the error is noted all the same. */
static void failing_while_processing(void **state)
{
    (void)state;
    AUTO(authorization) read = {0};
    struct error err = {0};
    assert_true(read_body("{\"status\":\"pending\"," DNS(
                              "a.example") ",\"challenges\":[{\"type\":\"http-01\",\"token\":"
                                           "\"" TOKEN "\",\"status\":\"processing\",\"url\":"
                                           "\"https://ca.example/chall/1\",\"error\":{\"type\":"
                                           "\"urn:ietf:params:acme:error:dns\"}}]}",
                          &read, &err));
    assert_int_equal(read.status, AUTHORIZATION_PENDING);
    assert_true(read.responded);
    assert_string_equal(read.error.text, "a.example: dns");
    assert_string_not_equal(read.error.hint, "");
}

static void replies_to_answers(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool good;
        enum challenge_status status;
        const char *reason;
    } cases[] = {
        {"", true, CHALLENGE_PROCESSING, ""},
        {HTTP01("pending"), true, CHALLENGE_PENDING, ""},
        {HTTP01("processing"), true, CHALLENGE_PROCESSING, ""},
        {HTTP01("valid"), true, CHALLENGE_VALID, ""},
        {HTTP01("invalid"), true, CHALLENGE_INVALID, "a.example: the CA gives no reason"},
        {"{\"status\":\"invalid\",\"error\":{\"detail\":\"no\"}}", true, CHALLENGE_INVALID,
         "a.example: no"},
        {HTTP01("odd"), false, CHALLENGE_COUNT, ""},
        {"<html>", false, CHALLENGE_COUNT, ""},
        {"{}", false, CHALLENGE_COUNT, ""},
        {"{\"status\":null}", false, CHALLENGE_COUNT, ""},
    };
    struct identifier identifier = {IDENTIFIER_DNS, "a.example"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_response response = fixture_reply(200, "", cases[i].body);
        struct error reason = {0};
        struct error err = {0};
        enum challenge_status status = CHALLENGE_COUNT;
        assert_int_equal(challenge_read(&response, &identifier, &status, &reason, &err),
                         cases[i].good);
        assert_int_equal(status, cases[i].status);
        assert_string_equal(reason.text, cases[i].reason);
        http_response_release(&response);
    }
}

static void key_authorization(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(1024);
    struct error err = {0};
    assert_true(challenge_key_authorization(key, TOKEN, &out, &err));
    assert_string_equal(buf_str(&out), TOKEN "." FIXTURE_THUMBPRINT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_session, close_session)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pending),
        TEST(answered_already),
        TEST(needs_no_challenge),
        TEST(identifiers),
        TEST(all_challenges_have_their_role),
        TEST(not_offered),
        TEST(tokens),
        TEST(bad_replies),
        TEST(reasons),
        TEST(failing_while_processing),
        TEST(replies_to_answers),
        TEST(key_authorization),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

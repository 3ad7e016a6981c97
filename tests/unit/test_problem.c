#include "fake/acme_fixture.h"

#include <acmec/acme/problem.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW 1800000000
#define URN "urn:ietf:params:acme:error:"
#define LIMITED "{\"type\":\"" URN "rateLimited\",\"detail\":\"%s\"}"

static void read_with(long status, const char *headers, const char *body,
                      const struct identifier_list *names, struct problem *out)
{
    struct http_response response = fixture_reply(status, headers, body);
    problem_read(&response, names, NOW, out);
    http_response_release(&response);
}

static void types(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *suffix;
        enum err_code code;
        enum retry_rule retry;
    } cases[] = {
        {400, "accountDoesNotExist", ERR_REFUSED, RETRY_NEVER},
        {403, "agreementRequired", ERR_USAGE, RETRY_NEVER},
        {409, "alreadyReplaced", ERR_REFUSED, RETRY_NEVER},
        {400, "alreadyRevoked", ERR_REFUSED, RETRY_NEVER},
        {403, "autoRenewalCanceled", ERR_REFUSED, RETRY_NEVER},
        {403, "autoRenewalExpired", ERR_REFUSED, RETRY_NEVER},
        {400, "badCSR", ERR_REFUSED, RETRY_NEVER},
        {400, "badNonce", ERR_NETWORK, RETRY_NONCE},
        {400, "badPublicKey", ERR_REFUSED, RETRY_NEVER},
        {400, "badRevocationReason", ERR_REFUSED, RETRY_NEVER},
        {400, "badSignatureAlgorithm", ERR_REFUSED, RETRY_NEVER},
        {403, "caa", ERR_REFUSED, RETRY_NEVER},
        {400, "compound", ERR_REFUSED, RETRY_NEVER},
        {409, "conflict", ERR_REFUSED, RETRY_NEVER},
        {400, "connection", ERR_REFUSED, RETRY_NEVER},
        {400, "dns", ERR_REFUSED, RETRY_NEVER},
        {403, "externalAccountRequired", ERR_USAGE, RETRY_NEVER},
        {403, "incorrectResponse", ERR_REFUSED, RETRY_NEVER},
        {400, "invalidContact", ERR_USAGE, RETRY_NEVER},
        {400, "invalidProfile", ERR_REFUSED, RETRY_NEVER},
        {400, "malformed", ERR_REFUSED, RETRY_NEVER},
        {400, "onionCAARequired", ERR_REFUSED, RETRY_NEVER},
        {403, "orderNotReady", ERR_REFUSED, RETRY_NEVER},
        {403, "rateLimited", ERR_RATE_LIMITED, RETRY_RATE_LIMIT},
        {503, "rateLimited", ERR_RATE_LIMITED, RETRY_RATE_LIMIT},
        {400, "rejectedIdentifier", ERR_REFUSED, RETRY_NEVER},
        {500, "serverInternal", ERR_NETWORK, RETRY_SOON},
        {400, "serverInternal", ERR_REFUSED, RETRY_NEVER},
        {400, "tls", ERR_REFUSED, RETRY_NEVER},
        {403, "unauthorized", ERR_REFUSED, RETRY_NEVER},
        {400, "unsupportedContact", ERR_USAGE, RETRY_NEVER},
        {400, "unsupportedIdentifier", ERR_REFUSED, RETRY_NEVER},
        {403, "userActionRequired", ERR_USAGE, RETRY_NEVER},
        {429, "malformed", ERR_RATE_LIMITED, RETRY_RATE_LIMIT},
        {418, "somethingNew", ERR_REFUSED, RETRY_NEVER},
        {502, "somethingNew", ERR_NETWORK, RETRY_SOON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem problem;
        AUTO_FREE body =
            mem_printf("{\"type\":\"" URN "%s\",\"detail\":\"the detail\"}", cases[i].suffix);
        AUTO_FREE text = mem_printf("the CA answered with HTTP %ld: %s: the detail",
                                    cases[i].status, cases[i].suffix);
        AUTO_FREE urn = mem_printf(URN "%s", cases[i].suffix);
        read_with(cases[i].status, "", body, NULL, &problem);
        assert_int_equal(problem.code, cases[i].code);
        assert_int_equal(problem.error.code, cases[i].code);
        assert_int_equal(problem.retry, cases[i].retry);
        assert_string_equal(problem.suffix, cases[i].suffix);
        assert_string_equal(problem.error.text, text);
        assert_string_equal(problem.error.acme_type, urn);
    }
}

/* Without a problem document the status decides, and the body's beginning is shown. */
static void statuses(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *headers, *body;
        enum err_code code;
        enum retry_rule retry;
        const char *text;
    } cases[] = {
        {400, "", "", ERR_REFUSED, RETRY_NEVER, "the CA answered with HTTP 400"},
        {401, "", "", ERR_REFUSED, RETRY_NEVER, "the CA answered with HTTP 401"},
        {403, "", "\"go away\"", ERR_REFUSED, RETRY_NEVER,
         "the CA answered with HTTP 403: go away"},
        {404, "content-type: text/html\n", "\n  <html>\n<p>no", ERR_REFUSED, RETRY_NEVER,
         "the CA answered with HTTP 404: <html> <p>no"},
        {404, "content-type: application/problem+json\n", "{\"type\":", ERR_REFUSED, RETRY_NEVER,
         "the CA answered with HTTP 404: {\"type\":"},
        {415, "", "{}", ERR_REFUSED, RETRY_NEVER, "the CA answered with HTTP 415"},
        {429, "", "", ERR_RATE_LIMITED, RETRY_RATE_LIMIT, "the CA answered with HTTP 429"},
        {500, "retry-after: 60\n", "", ERR_NETWORK, RETRY_SOON, "the CA answered with HTTP 500"},
        {501, "", "", ERR_REFUSED, RETRY_NEVER, "the CA answered with HTTP 501"},
        {505, "", "", ERR_REFUSED, RETRY_NEVER, "the CA answered with HTTP 505"},
        {502, "", "bad gateway", ERR_NETWORK, RETRY_SOON,
         "the CA answered with HTTP 502: bad gateway"},
        {503, "", "", ERR_NETWORK, RETRY_SOON, "the CA answered with HTTP 503"},
        {503, "retry-after: 10\n", "", ERR_NETWORK, RETRY_SOON, "the CA answered with HTTP 503"},
        {503, "retry-after: 11\n", "", ERR_RATE_LIMITED, RETRY_RATE_LIMIT,
         "the CA answered with HTTP 503"},
        {307, "location: /x\n", "", ERR_NETWORK, RETRY_NEVER,
         "the CA answered unexpectedly with HTTP 307"},
        {202, "", "{\"type\":\"" URN "badNonce\"}", ERR_NETWORK, RETRY_NEVER,
         "the CA answered unexpectedly with HTTP 202"},
        {0, "", "", ERR_NETWORK, RETRY_NEVER, "the CA answered unexpectedly with HTTP 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem problem;
        read_with(cases[i].status, cases[i].headers, cases[i].body, NULL, &problem);
        assert_int_equal(problem.code, cases[i].code);
        assert_int_equal(problem.retry, cases[i].retry);
        assert_string_equal(problem.error.text, cases[i].text);
        assert_string_equal(problem.type, "");
    }
    struct problem moved;
    read_with(308, "", "", NULL, &moved);
    assert_non_null(strstr(moved.error.hint, "--server"));
}

static void wrong_types_of_members(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"type\":17,\"detail\":[],\"subproblems\":null}",
        "{\"type\":null,\"detail\":{\"a\":1},\"subproblems\":{}}",
        "{\"type\":\"\",\"detail\":\"\",\"subproblems\":[1,null,\"x\",[]]}",
        "{\"type\":\"about:blank\",\"instance\":3,\"subproblems\":\"x\"}",
        "[]",
        "null",
        "17",
        "{\"type\":\"x\",\"type\":\"y\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct problem problem;
        read_with(403, "", bodies[i], NULL, &problem);
        assert_int_equal(problem.code, ERR_REFUSED);
        assert_int_equal(problem.retry, RETRY_NEVER);
        assert_string_equal(problem.suffix, "");
    }
}

static void all_details(void **state)
{
    (void)state;
    struct problem problem;
    read_with(400, "",
              "{\"type\":\"" URN "compound\",\"detail\":\"two names\",\"subproblems\":["
              "{\"type\":\"" URN "caa\",\"detail\":\"forbidden\","
              "\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}},"
              "{\"type\":\"https://x.example/odd\",\"detail\":\"b\\u001b[31m\","
              "\"identifier\":{\"type\":\"dns\",\"value\":\"b.example\"}},"
              "{\"title\":\"no type\",\"identifier\":null}]}",
              NULL, &problem);
    assert_string_equal(problem.error.text,
                        "the CA answered with HTTP 400: compound: two names (a.example: caa: "
                        "forbidden; b.example: https://x.example/odd: b\\u{001B}[31m; no type)");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    AUTO(buf) body = BUF(HTTP_BODY_MAX);
    struct problem problem;
    buf_add_str(&body, "{\"type\":\"" URN);
    for (size_t i = 0; i < 5000; i++)
        buf_add_byte(&body, 'x');
    buf_add_str(&body, "\",\"subproblems\":[{\"detail\":\"y\"}");
    for (size_t i = 0; i < 5000; i++)
        buf_add_str(&body, ",{\"detail\":\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"}");
    buf_add_str(&body, "]}");
    read_with(400, "", buf_str(&body), NULL, &problem);
    assert_int_equal(strlen(problem.type), sizeof problem.type - 1);
    assert_int_equal(strlen(problem.suffix), sizeof problem.suffix - 1);
    assert_true(strlen(problem.error.text) > 1000);
}

static void waits(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int64_t wait;
    } cases[] = {
        {"", -1},
        {"retry-after: 120\n", 120},
        {"Retry-After:0\n", 0},
        {"retry-after: -5\n", 0},
        {"retry-after: soon\n", -1},
        {"retry-after: 99999999999\n", 7 * 86400},
        {"retry-after: Fri, 15 Jan 2027 08:01:40 GMT\n", 100},
        {"retry-after: Fri, 15 Jan 2027 09:00:10 GMT\ndate: Fri, 15 Jan 2027 09:00:00 GMT\n", 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem problem;
        read_with(429, cases[i].headers, "", NULL, &problem);
        assert_int_equal(problem.retry_after, cases[i].wait);
        assert_int_equal(problem.error.retry_at, cases[i].wait < 0 ? 0 : NOW + cases[i].wait);
    }
    struct problem refused;
    read_with(403, "retry-after: 120\n", "", NULL, &refused);
    assert_int_equal(refused.error.retry_at, 0);
}

static void hints(void **state)
{
    (void)state;
    struct problem problem;
    read_with(403, "link: <https://ca.example/terms>;rel=\"terms-of-service\"\n",
              "{\"type\":\"" URN "userActionRequired\",\"instance\":\"https://ca.example/agree\"}",
              NULL, &problem);
    assert_non_null(strstr(problem.error.hint, "--agree-tos"));
    assert_non_null(strstr(problem.error.hint, "https://ca.example/agree"));
    assert_non_null(strstr(problem.error.hint, "https://ca.example/terms"));
    read_with(429, "Link: <https://x.example/>; rel=x, <https://ca.example/limits>; rel=help\n", "",
              NULL, &problem);
    assert_string_equal(problem.error.hint, "see https://ca.example/limits");
    read_with(403, "", "{\"type\":\"" URN "externalAccountRequired\"}", NULL, &problem);
    assert_non_null(strstr(problem.error.hint, "--eab-kid"));
    assert_string_equal(problem_hint("urn:other:dns"), "");
    assert_string_not_equal(problem_hint(URN "dns"), "");
}

static void scopes(void **state)
{
    (void)state;
    static const char *const ordered[] = {"*.shop.example.co.uk", "www.example.net", "192.0.2.7"};
    static const struct {
        const char *detail;
        enum limit_scope scope;
    } cases[] = {
        {"too many certificates (50) already issued for \\\"example.co.uk\\\" in the last 168h",
         LIMIT_NAMES},
        {"too many certificates (5) already issued for this exact set of identifiers", LIMIT_NAMES},
        {"too many failed authorizations (5) for \\\"WWW.EXAMPLE.NET\\\" recently", LIMIT_NAMES},
        {"too many failed authorizations for *.shop.example.co.uk.", LIMIT_NAMES},
        {"too many certificates for 192.0.2.7", LIMIT_NAMES},
        {"too many certificates for 192.0.2.70", LIMIT_ACCOUNT},
        {"too many certificates for \\\"notexample.net\\\"", LIMIT_ACCOUNT},
        {"too many certificates for \\\"example.net.example\\\"", LIMIT_ACCOUNT},
        {"too many certificates for \\\"other.example.net\\\"", LIMIT_ACCOUNT},
        {"too many new orders (300) from this account in the last 3h0m0s", LIMIT_ACCOUNT},
        {"Service busy; retry later.", LIMIT_ACCOUNT},
        {"", LIMIT_ACCOUNT},
    };
    struct identifier_list names = fixture_names(ordered, 3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem problem;
        AUTO_FREE body = mem_printf(LIMITED, cases[i].detail);
        read_with(429, "", body, &names, &problem);
        assert_int_equal(problem.scope, cases[i].scope);
        read_with(429, "", body, NULL, &problem);
        assert_int_equal(problem.scope,
                         strstr(body, "exact set") != NULL ? LIMIT_NAMES : LIMIT_ACCOUNT);
    }
    identifier_list_release(&names);
}

/* An account that is refused is no certificate's failure; names that are, are. */
static void accounts(void **state)
{
    (void)state;
    static const char *const ordered[] = {"www.example.net"};
    static const struct {
        long status;
        const char *type, *rest;
        bool about_account;
    } cases[] = {
        {400, URN "accountDoesNotExist", "", true},
        {403, URN "userActionRequired", "", true},
        {403, URN "externalAccountRequired", "", true},
        {403, URN "agreementRequired", "", true},
        {403, URN "unauthorized", ",\"detail\":\"account is not valid, has status deactivated\"",
         true},
        {401, URN "unauthorized", "", true},
        {403, URN "unauthorized", ",\"detail\":\"www.example.net is not yours\"", false},
        {403, URN "unauthorized", ",\"subproblems\":[{\"type\":\"" URN "caa\"}]", false},
        {403, URN "rejectedIdentifier", "", false},
        {403, "about:blank", "", false},
    };
    struct identifier_list names = fixture_names(ordered, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem problem;
        AUTO_FREE body = mem_printf("{\"type\":\"%s\"%s}", cases[i].type, cases[i].rest);
        read_with(cases[i].status, "", body, &names, &problem);
        assert_int_equal(problem.about_account, cases[i].about_account);
    }
    identifier_list_release(&names);
}

static void members_of_orders(void **state)
{
    (void)state;
    char type[128];
    AUTO(buf) text = BUF(4096);
    json_t *object = json_pack("{s:s,s:s}", "type", URN "connection", "detail", "refused");
    assert_int_equal(problem_describe(object, &text, type), ERR_REFUSED);
    assert_string_equal(buf_str(&text), "connection: refused");
    assert_string_equal(type, URN "connection");
    json_decref(object);
    buf_clear(&text);
    json_t *number = json_integer(3);
    assert_int_equal(problem_describe(number, &text, type), ERR_NONE);
    assert_int_equal(problem_describe(NULL, &text, type), ERR_NONE);
    assert_int_equal(text.len, 0);
    assert_string_equal(type, "");
    json_decref(number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(statuses),
        cmocka_unit_test(wrong_types_of_members),
        cmocka_unit_test(all_details),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(waits),
        cmocka_unit_test(hints),
        cmocka_unit_test(scopes),
        cmocka_unit_test(accounts),
        cmocka_unit_test(members_of_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

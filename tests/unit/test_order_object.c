#include "fake/acme_fixture.h"

#include <acmec/acme/order_object.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define IDS                                                                                        \
    "\"identifiers\":[{\"type\":\"dns\",\"value\":\"b.example\"},"                                 \
    "{\"type\":\"dns\",\"value\":\"a.example\"}]"
#define A1 "\"https://ca.example/authz/1\""
#define A2 "\"https://ca.example/authz/2\""
#define FINALIZE "\"finalize\":\"https://ca.example/finalize/1\""

static struct key *key;
static struct identifier_list names;

static int start(void **state)
{
    static const char *const ordered[] = {"a.example", "b.example"};
    (void)state;
    key = fixture_key();
    names = fixture_names(ordered, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    key_free(key);
    identifier_list_release(&names);
    return 0;
}

static bool read_body(const char *body, bool identifiers_needed, struct order_object *out,
                      struct error *err)
{
    struct session *session = fixture_session(key);
    struct http_response response = fixture_reply(200, "", body);
    bool good = order_object_read(session, &response, &names, identifiers_needed, out, err);
    http_response_release(&response);
    session_free(session);
    return good;
}

static void whole(void **state)
{
    (void)state;
    AUTO(order_object) object = {0};
    struct error err = {0};
    assert_true(read_body("{\"status\":\"valid\"," IDS ",\"authorizations\":[" A2 "," A1 "," A2
                          "]," FINALIZE ",\"certificate\":\"https://ca.example/cert/1\","
                          "\"expires\":\"soon\",\"auto-renewal\":{},\"x\":[]}",
                          true, &object, &err));
    assert_int_equal(object.status, ORDER_VALID);
    assert_int_equal(object.authorization_count, 2);
    assert_string_equal(object.authorizations[0], "https://ca.example/authz/2");
    assert_string_equal(object.authorizations[1], "https://ca.example/authz/1");
    assert_string_equal(object.finalize, "https://ca.example/finalize/1");
    assert_string_equal(object.certificate, "https://ca.example/cert/1");
    assert_int_equal(object.error.code, ERR_NONE);
}

static void optional_members(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"status\":\"ready\"," IDS "}",
        "{\"status\":\"ready\"," IDS ",\"authorizations\":null,\"finalize\":null,\"error\":null}",
        "{\"status\":\"ready\"," IDS ",\"authorizations\":[],\"certificate\":null}",
        /* A certificate is only believed in a valid order. */
        "{\"status\":\"ready\"," IDS ",\"certificate\":\"https://ca.example/cert/1\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        AUTO(order_object) object = {0};
        struct error err = {0};
        assert_true(read_body(bodies[i], true, &object, &err));
        assert_int_equal(object.status, ORDER_READY);
        assert_int_equal(object.authorization_count, 0);
        assert_null(object.finalize);
        assert_null(object.certificate);
        assert_int_equal(object.error.code, ERR_NONE);
    }
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum order_status status;
    } cases[] = {
        {"pending", ORDER_PENDING}, {"ready", ORDER_READY},     {"processing", ORDER_PROCESSING},
        {"valid", ORDER_VALID},     {"invalid", ORDER_INVALID}, {"canceled", ORDER_COUNT},
        {"Pending", ORDER_COUNT},   {"", ORDER_COUNT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(order_object) object = {0};
        struct error err = {0};
        AUTO_FREE body = mem_printf("{\"status\":\"%s\"," IDS "}", cases[i].word);
        assert_int_equal(read_body(body, true, &object, &err), cases[i].status != ORDER_COUNT);
        if (cases[i].status == ORDER_COUNT)
            assert_int_equal(err.code, ERR_NETWORK);
        else
            assert_int_equal(object.status, cases[i].status);
    }
}

static void identifiers(void **state)
{
    (void)state;
#define ID(value) "{\"type\":\"dns\",\"value\":\"" value "\"}"
    static const struct {
        const char *member;
        bool needed;
        enum err_code code;
    } cases[] = {
        {",\"identifiers\":[" ID("a.example") "," ID("b.example") "]", true, ERR_NONE},
        {",\"identifiers\":[" ID("B.Example") "," ID("a.example") "," ID("a.example") "]", true,
         ERR_NONE},
        {"", false, ERR_NONE},
        {",\"identifiers\":null", false, ERR_NONE},
        {"", true, ERR_NETWORK},
        {",\"identifiers\":null", true, ERR_NETWORK},
        {",\"identifiers\":{}", true, ERR_NETWORK},
        {",\"identifiers\":[" ID("a.example") "]", false, ERR_REFUSED},
        {",\"identifiers\":[" ID("a.example") "," ID("c.example") "]", false, ERR_REFUSED},
        {",\"identifiers\":[" ID("a.example") "," ID("b.example") "," ID("c.example") "]", false,
         ERR_REFUSED},
        {",\"identifiers\":[" ID("*.a.example") "," ID("b.example") "]", true, ERR_REFUSED},
        {",\"identifiers\":[17," ID("b.example") "]", true, ERR_NETWORK},
        {",\"identifiers\":[{\"type\":\"dns\"}]", true, ERR_NETWORK},
        {",\"identifiers\":[{\"type\":\"dns\",\"value\":null}]", true, ERR_NETWORK},
        {",\"identifiers\":[{\"type\":\"ip\",\"value\":\"a.example\"}]", true, ERR_REFUSED},
        {",\"identifiers\":[" ID("\\u001b[2J") "]", true, ERR_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(order_object) object = {0};
        struct error err = {0};
        AUTO_FREE body = mem_printf("{\"status\":\"ready\"%s}", cases[i].member);
        assert_int_equal(read_body(body, cases[i].needed, &object, &err),
                         cases[i].code == ERR_NONE);
        assert_int_equal(err.code, cases[i].code);
        assert_null(strchr(err.text, '\x1b'));
    }
}

static void bad_members(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        enum err_code code;
    } cases[] = {
        {"\"authorizations\":17", ERR_NETWORK},
        {"\"authorizations\":{}", ERR_NETWORK},
        {"\"authorizations\":[17]", ERR_NETWORK},
        {"\"authorizations\":[" A1 ",null]", ERR_NETWORK},
        {"\"authorizations\":[\"/authz/1\"]", ERR_REFUSED},
        {"\"authorizations\":[\"https://ca.example/acct/1\"]", ERR_REFUSED},
        {"\"authorizations\":[" A1 "],\"finalize\":" A1, ERR_REFUSED},
        {"\"finalize\":17", ERR_NETWORK},
        {"\"finalize\":[]", ERR_NETWORK},
        {"\"finalize\":\"https://ca.example/new-order\"", ERR_REFUSED},
        {FINALIZE ",\"certificate\":\"https://ca.example/finalize/1\"", ERR_REFUSED},
        {"\"certificate\":{}", ERR_NETWORK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(order_object) object = {0};
        struct error err = {0};
        AUTO_FREE body = mem_printf("{\"status\":\"valid\"," IDS ",%s}", cases[i].members);
        assert_false(read_body(body, true, &object, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_null(object.authorizations);
    }
}

static void too_many(void **state)
{
    (void)state;
    AUTO(order_object) object = {0};
    AUTO(buf) body = BUF(HTTP_BODY_MAX);
    struct error err = {0};
    buf_add_str(&body, "{\"status\":\"ready\",\"authorizations\":[" A1);
    for (int i = 0; i < AUTHORIZATIONS_MAX; i++)
        buf_addf(&body, ",\"https://ca.example/authz/x%d\"", i);
    buf_add_str(&body, "]}");
    assert_false(read_body(buf_str(&body), false, &object, &err));
    assert_int_equal(err.code, ERR_REFUSED);
}

static void own_error(void **state)
{
    (void)state;
    static const struct {
        const char *error, *text;
        enum err_code code;
    } cases[] = {
        {"{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\",\"detail\":\"no\"}",
         "rejectedIdentifier: no", ERR_REFUSED},
        {"{\"type\":\"urn:ietf:params:acme:error:serverInternal\"}", "serverInternal", ERR_REFUSED},
        {"{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}", "rateLimited", ERR_RATE_LIMITED},
        {"{\"x\":1}", "the CA gives no reason", ERR_REFUSED},
        {"{}", "", ERR_NONE},
        {"\"x\"", "", ERR_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(order_object) object = {0};
        struct error err = {0};
        AUTO_FREE body =
            mem_printf("{\"status\":\"invalid\"," IDS ",\"error\":%s}", cases[i].error);
        assert_true(read_body(body, true, &object, &err));
        assert_int_equal(object.error.code, cases[i].code);
        assert_string_equal(object.error.text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),       cmocka_unit_test(optional_members),
        cmocka_unit_test(statuses),    cmocka_unit_test(identifiers),
        cmocka_unit_test(bad_members), cmocka_unit_test(too_many),
        cmocka_unit_test(own_error),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

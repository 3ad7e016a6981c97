/* The two JWS below were made by an implementation of RFC 6979 of its own, with the published key.
 */
#include "fake/acme_fixture.h"

#include <acmec/acme/jws.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define WITH_KID                                                                                   \
    "{\"protected\":\"eyJhbGciOiJFUzI1NiIsImtpZCI6Imh0dHBzOi8vY2EuZXhhbXBsZS9hY2N0LzEiLCJub25jZSI" \
    "6Im5vbmNlLTEiLCJ1cmwiOiJodHRwczovL2NhLmV4YW1wbGUvb3JkZXIvMSJ9\",\"payload\":\"\","            \
    "\"signature\":\"pIw-fjYvd8VQ5h6yWOI9qNZgRdAPuH2iCPokHuQQsd5ow4SHqtrQqAxgmhIr6zOF-"            \
    "ZOdg3RWLBNlS1xyNK76jg\"}"
#define WITH_JWK                                                                                   \
    "{\"protected\":"                                                                              \
    "\"eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6IllQN1V1"               \
    "aVZhblRISllldDB4alZ0YU1CSnVKSTdZZnBzNW1saUxtRHluN1kiLCJ5IjoiZVFQLUVBaTR2Sm1rR3VucFZpaThaUEx4" \
    "c"                                                                                            \
    "2d3dGZwOVJkNlBDbE5SR0lwayJ9LCJub25jZSI6Im5vbmNlLTEiLCJ1cmwiOiJodHRwczovL2NhLmV4YW1wbGUvbmV3L" \
    "W"                                                                                            \
    "FjY291bnQifQ\",\"payload\":\"eyJ0ZXJtc09mU2VydmljZUFncmVlZCI6dHJ1ZX0\","                      \
    "\"signature\":\"WVmLMXQzA15L9ScGj8UW7kLHQJ8Xu5dFOsscGhoSFdV4SSBzFxV9ciIs5qHOIYAHm9UdBhcgnnaK" \
    "41AFqSACpQ\"}"

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

static void kid_and_empty_payload(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(HTTP_BODY_MAX);
    struct error err = {0};
    struct jws_header header = {"nonce-1", "https://ca.example/order/1", FIXTURE_ACCOUNT};
    assert_true(jws_sign(key, &header, SPAN_LIT(""), &out, &err));
    assert_string_equal(buf_str(&out), WITH_KID);
}

static void jwk_and_payload(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(HTTP_BODY_MAX);
    struct error err = {0};
    struct jws_header header = {"nonce-1", "https://ca.example/new-account", NULL};
    assert_true(jws_sign(key, &header, SPAN_LIT("{\"termsOfServiceAgreed\":true}"), &out, &err));
    assert_string_equal(buf_str(&out), WITH_JWK);
}

/* An inner JWS (RFC 8555 section 7.3.5) has no nonce member at all. */
static void no_nonce(void **state)
{
    (void)state;
    struct http_request request = {.body = BUF(HTTP_BODY_MAX)};
    struct error err = {0};
    struct jws_header header = {NULL, "https://ca.example/key-change", NULL};
    assert_true(jws_sign(key, &header, SPAN_LIT("{}"), &request.body, &err));
    struct fixture_signed opened = fixture_open(&request);
    assert_null(json_object_get(opened.header, "nonce"));
    assert_non_null(json_object_get(opened.header, "jwk"));
    assert_null(json_object_get(opened.header, "kid"));
    assert_string_equal(buf_str(&opened.payload), "{}");
    fixture_signed_release(&opened);
    http_request_release(&request);
}

/* RSA and P-384 accounts name their own algorithm. */
static void other_algorithms(void **state)
{
    (void)state;
    static const struct {
        enum key_type type;
        const char *alg;
    } cases[] = {{KEY_ECDSA_P384, "ES384"}, {KEY_RSA_2048, "RS256"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct key *other = NULL;
        struct http_request request = {.body = BUF(HTTP_BODY_MAX)};
        struct error err = {0};
        struct jws_header header = {"n", "https://ca.example/x", FIXTURE_ACCOUNT};
        assert_true(key_generate(cases[i].type, &other, &err));
        assert_true(jws_sign(other, &header, SPAN_LIT("{}"), &request.body, &err));
        struct fixture_signed opened = fixture_open(&request);
        assert_string_equal(fixture_header(&opened, "alg"), cases[i].alg);
        fixture_signed_release(&opened);
        http_request_release(&request);
        key_free(other);
    }
}

static void too_long(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(HTTP_BODY_MAX);
    AUTO(buf) payload = BUF(HTTP_BODY_MAX);
    struct error err = {0};
    struct jws_header header = {"n", "https://ca.example/x", FIXTURE_ACCOUNT};
    for (size_t i = 0; i < HTTP_BODY_MAX; i++)
        buf_add_byte(&payload, 'x');
    assert_false(jws_sign(key, &header, buf_span(&payload), &out, &err));
    assert_int_equal(out.len, 0);
    assert_int_equal(err.code, ERR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kid_and_empty_payload),
        cmocka_unit_test(jwk_and_payload),
        cmocka_unit_test(no_nonce),
        cmocka_unit_test(other_algorithms),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

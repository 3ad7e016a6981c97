#include "fake/acme_fixture.h"

#include <acmec/acme/eab.h>
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

/* What CAs hand out, and what people make of it when they copy it. */
static void key_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum hmac_kind kind;
    } good[] = {
        {"--__AQ", HMAC_SHA256},
        {"++//AQ", HMAC_SHA256},
        {"++//AQ==", HMAC_SHA256},
        {"--__AQ==\r\n", HMAC_SHA256},
        {" \t--_\n_AQ= =\n", HMAC_SHA256},
        {"HS256 --__AQ", HMAC_SHA256},
        {"\nHS384\n--__AQ\n", HMAC_SHA384},
        {"HS512\t++//AQ==", HMAC_SHA512},
    };
    static const unsigned char bytes[] = {0xfb, 0xef, 0xff, 0x01};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct eab eab = {0};
        struct error err = {0};
        assert_true(eab_read("kid-1", span_str(good[i].text), &eab, &err));
        assert_string_equal(eab.kid, "kid-1");
        assert_int_equal(eab.kind, good[i].kind);
        assert_int_equal(eab.secret.len, sizeof bytes);
        assert_memory_equal(eab.secret.data, bytes, sizeof bytes);
        assert_true(eab.secret.secret);
        eab_release(&eab);
    }
}

static void no_key_files(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       " \n",         "====",       "--__A",
                                        "--__A*", "HS384 --__A", "HS384 \n",   "--__AR",
                                        "HS512",  "secret key",  "\xff--__AQ", "HS1 --__AQ=x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct eab eab = {.kid = (char *)"untouched"};
        struct error err = {0};
        assert_false(eab_read("kid-1", span_str(texts[i]), &eab, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_string_equal(eab.kid, "untouched");
        assert_null(strstr(err.text, "--__"));
    }
    AUTO(buf) longest = BUF(2 * EAB_TEXT_MAX);
    struct eab eab = {0};
    struct error err = {0};
    for (size_t i = 0; i <= EAB_TEXT_MAX; i++)
        buf_add_byte(&longest, 'A');
    assert_false(eab_read("kid-1", buf_span(&longest), &eab, &err));
}

/* The MACs were made by Python's hmac over the same bytes. */
static void bindings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *alg, *signature;
    } cases[] = {
        {"--__AQ", "HS256", "pmwMjz4UMyND6YJiSsQ9edilBQCaholK2FhNcUp22P0"},
        {"HS384 --__AQ", "HS384",
         "QSGNfDFIhfz-cIC_ZAinK0X7KWUyHC_YQmUkjM9862Dbd66n8bWEYpmjB6db3_14"},
        {"HS512 --__AQ", "HS512",
         "kEXxjvXyrJHuMJUV3f3_G7vPNXYBoPQd5EVWD9-k30P7mnzE2kc3WybjJ2fFwW8Efu5CNOC5tpe7ptyqps5MJQ"},
    };
    AUTO(buf) jwk = BUF(4096);
    struct error err = {0};
    assert_true(key_jwk(key, &jwk, &err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request request = {.body = BUF(HTTP_BODY_MAX)};
        struct eab eab = {0};
        json_t *jws = NULL;
        assert_true(eab_read("kid-1", span_str(cases[i].text), &eab, &err));
        assert_true(eab_bind(&eab, key, FIXTURE_HOST "/new-account", &request.body, &err));
        struct fixture_signed opened = fixture_open(&request);
        assert_string_equal(fixture_header(&opened, "alg"), cases[i].alg);
        assert_string_equal(fixture_header(&opened, "kid"), "kid-1");
        assert_string_equal(fixture_header(&opened, "url"), FIXTURE_HOST "/new-account");
        assert_int_equal(json_object_size(opened.header), 3); /* no nonce, no jwk */
        assert_string_equal(buf_str(&opened.payload), buf_str(&jwk));
        assert_true(
            json_parse_object(buf_span(&request.body), HTTP_BODY_MAX, ERR_NETWORK, &jws, &err));
        assert_string_equal(json_string_value(json_object_get(jws, "signature")),
                            cases[i].signature);
        json_decref(jws);
        fixture_signed_release(&opened);
        http_request_release(&request);
        eab_release(&eab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_files),
        cmocka_unit_test(no_key_files),
        cmocka_unit_test(bindings),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

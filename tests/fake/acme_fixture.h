/* acme_fixture: a known account key, replies by hand, and what a signed request says. The key is
 * the published one of RFC 6979 appendix A.2.5: with deterministic ECDSA its signatures are known.
 */
#ifndef TESTS_FAKE_ACME_FIXTURE_H
#define TESTS_FAKE_ACME_FIXTURE_H

#include <acmec/acme/challenge.h>
#include <acmec/acme/session.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/b64url.h>
#include <acmec/data/identifier.h>
#include <acmec/data/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIXTURE_HOST "https://ca.example"
#define FIXTURE_DIRECTORY FIXTURE_HOST "/directory"
#define FIXTURE_ACCOUNT FIXTURE_HOST "/acct/1"
#define FIXTURE_THUMBPRINT "DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0"

#define FIXTURE_KEY_PEM                                                                            \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX\n"                           \
    "Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"                           \
    "+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"                                   \
    "-----END PRIVATE KEY-----\n"

#define FIXTURE_DIRECTORY_BODY                                                                     \
    "{\"newNonce\":\"https://ca.example/new-nonce\","                                              \
    "\"newAccount\":\"https://ca.example/new-account\","                                           \
    "\"newOrder\":\"https://ca.example/new-order\","                                               \
    "\"revokeCert\":\"https://ca.example/revoke\","                                                \
    "\"keyChange\":\"https://ca.example/key-change\","                                             \
    "\"random\":\"https://community.letsencrypt.org\",\"odd\":17,"                                 \
    "\"meta\":{\"termsOfService\":\"https://ca.example/terms\"}}"

static inline void fixture_check(bool good, const char *what, const struct error *err)
{
    if (good)
        return;
    fprintf(stderr, "fixture: %s: %s\n", what, err->text);
    abort();
}

static inline struct key *fixture_key(void)
{
    struct key *key = NULL;
    struct error err = {0};
    fixture_check(crypto_start(&err), "crypto", &err);
    fixture_check(key_read_pem(SPAN_LIT(FIXTURE_KEY_PEM), ERR_FILES, &key, &err), "key", &err);
    return key;
}

/* A reply; headers are lines "name: value\n". */
static inline struct http_response fixture_reply(long status, const char *headers, const char *body)
{
    struct http_response response = {
        .status = status, .headers = BUF(HTTP_HEADERS_MAX), .body = BUF(HTTP_BODY_MAX)};
    buf_add_str(&response.headers, headers);
    buf_add_str(&response.body, body);
    return response;
}

static inline void fixture_add_nonce(struct session *session, const char *nonce, int64_t now_ms)
{
    AUTO_FREE header = mem_printf("replay-nonce: %s\n", nonce);
    struct http_response response = fixture_reply(204, header, "");
    session_take_nonce(session, &response, now_ms);
    http_response_release(&response);
}

/* A session with a directory, an account, and no nonce. */
static inline struct session *fixture_session(const struct key *key)
{
    struct error err = {0};
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    struct http_response response =
        fixture_reply(200, "content-type: application/json\n", FIXTURE_DIRECTORY_BODY);
    fixture_check(session_read_directory(session, &response, &err), "directory", &err);
    http_response_release(&response);
    fixture_check(session_set_account(session, FIXTURE_ACCOUNT, &err), "account", &err);
    return session;
}

/* What a signed request says. */
struct fixture_signed {
    json_t *header;     /* the protected one */
    struct buf payload; /* "" for POST-as-GET */
};

static inline void fixture_signed_release(struct fixture_signed *signed_request)
{
    json_decref(signed_request->header);
    buf_release(&signed_request->payload);
}

static inline struct fixture_signed fixture_open(const struct http_request *request)
{
    struct fixture_signed out = {.payload = BUF(HTTP_BODY_MAX)};
    struct error err = {0};
    json_t *jws = NULL;
    const char *part = NULL;
    AUTO(buf) header = BUF(HTTP_BODY_MAX);
    fixture_check(
        json_parse_object(buf_span(&request->body), HTTP_BODY_MAX, ERR_NETWORK, &jws, &err), "jws",
        &err);
    fixture_check(json_get_str(jws, "protected", ERR_NETWORK, &part, &err), "protected", &err);
    fixture_check(b64url_decode(span_str(part), &header, &err), "protected", &err);
    fixture_check(
        json_parse_object(buf_span(&header), HTTP_BODY_MAX, ERR_NETWORK, &out.header, &err),
        "header", &err);
    part = json_string_value(json_object_get(jws, "payload"));
    fixture_check(part != NULL, "payload", &err);
    fixture_check(b64url_decode(span_str(part), &out.payload, &err), "payload", &err);
    json_decref(jws);
    return out;
}

static inline const char *fixture_header(const struct fixture_signed *signed_request,
                                         const char *member)
{
    return json_string_value(json_object_get(signed_request->header, member));
}

/* Names as identifiers; release the list. */
static inline struct identifier_list fixture_names(const char *const *names, size_t count)
{
    struct identifier_list list = {0};
    for (size_t i = 0; i < count; i++) {
        struct identifier identifier;
        struct error err = {0};
        fixture_check(identifier_parse(names[i], &identifier, &err), names[i], &err);
        (void)identifier_list_add(&list, &identifier);
    }
    return list;
}

/* All names by http-01, for tests that read an authorization alone. Kept until the program's end.
 */
static inline struct challenge_plan fixture_plan(void)
{
    static const char *const texts[] = {"a.example", "*.a.example", "192.0.2.7", "2001:db8::1"};
    static const char *const types[] = {"http-01", "http-01", "http-01", "http-01"};
    static struct identifier_list names;
    if (names.count == 0)
        names = fixture_names(texts, 4);
    return (struct challenge_plan){&names, types};
}

#endif

#include <acmec/acme/revoke.h>

#include <acmec/acme/problem.h>
#include <acmec/base/cleanup.h>
#include <acmec/data/b64url.h>
#include <acmec/data/json.h>

#define PAYLOAD_MAX (128 * 1024)

#define REASON_AS_ROW(id, code, word, rfc) {code, word, rfc},
static const struct {
    int code;
    const char *word, *rfc;
} reasons[] = {REVOKE_REASONS(REASON_AS_ROW)};
#undef REASON_AS_ROW

const char *revoke_reason_word(enum revoke_reason reason)
{
    return reasons[reason].word;
}

bool revoke_reason_from_word(const char *word, enum revoke_reason *out)
{
    for (size_t i = 0; i < REASON_COUNT; i++) {
        if (strcmp(word, reasons[i].word) == 0 || strcmp(word, reasons[i].rfc) == 0) {
            *out = (enum revoke_reason)i;
            return true;
        }
    }
    return false;
}

bool revoke_request(struct session *session, const struct revoke_wish *wish, int64_t now_ms,
                    struct http_request *out, struct error *err)
{
    const char *url = session_endpoint(session, ROLE_REVOKE_CERT);
    AUTO(buf) certificate = BUF(PAYLOAD_MAX);
    AUTO(buf) text = BUF(PAYLOAD_MAX);
    json_auto_t *object = json_object();
    if (url == NULL)
        return fail(err, ERR_REFUSED, "this CA does not offer to revoke certificates");
    b64url_encode(wish->cert_der, &certificate);
    json_put_str(object, "certificate", buf_str(&certificate));
    if (wish->reason != NULL)
        (void)json_object_set_new(object, "reason", json_integer(reasons[*wish->reason].code));
    json_write(object, &text);
    if (!buf_ok(&certificate) || !buf_ok(&text))
        return fail(err, ERR_USAGE, "the certificate is too large");
    return session_sign(session, wish->by_key ? PAYLOAD_REVOKE_BY_KEY : PAYLOAD_REVOKE, url,
                        buf_span(&text), now_ms, out, err);
}

bool revoke_read(const struct http_response *response, int64_t now, bool *already,
                 struct error *err)
{
    struct problem problem;
    *already = false;
    if (response->status == 200)
        return true;
    problem_read(response, NULL, now, &problem);
    *already = strcmp(problem.suffix, "alreadyRevoked") == 0;
    if (!*already)
        *err = problem.error;
    return *already;
}

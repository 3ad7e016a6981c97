/* prove_home: an answer over HTTP is tried at home first: the local server is asked for the token
 * before the CA is. */
#include <acmec/engine/proof.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>

#define HOME_TIMEOUT_MS 3000

/* An IPv6 address needs its brackets in a URL; owned. */
static char *bracketed(const char *host)
{
    bool bare_v6 = strchr(host, ':') != NULL;
    return mem_printf("%s%s%s", bare_v6 ? "[" : "", host, bare_v6 ? "]" : "");
}

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    const struct proof_answer *answer = owner;
    const char *address = answer->spec->http_address;
    AUTO_FREE name = bracketed(answer->identifier.value);
    AUTO_FREE home = bracketed(address == NULL ? "127.0.0.1" : address);
    (void)tag;
    (void)err;
    out->method = HTTP_GET;
    out->url = mem_printf("http://%s/.well-known/acme-challenge/%s", name, answer->token);
    out->connect_to = mem_printf("%s:%u", home, (unsigned)answer->spec->http_port);
    out->timeout_ms = HOME_TIMEOUT_MS;
    return true;
}

/* A redirect or a refusal may be right for this one name at home and wrong abroad, or the other way
 * round: only a plain answer with other bytes, or 404, is a certain no. */
static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct proof_answer *answer = owner;
    struct span body = buf_span(&response->body);
    (void)tag;
    while (body.len > 0 && strchr(" \t\r\n", body.ptr[body.len - 1]) != NULL)
        body.len--;
    bool wrong = response->status == 404 ||
                 (response->status == 200 && !span_is(body, answer->key_authorization));
    if (!wrong) {
        proof_answer_ready(answer);
        return;
    }
    struct error err = {0};
    (void)fail(&err, ERR_REFUSED, "proving '%s': the local web server answers %ld%s",
               answer->identifier.value, response->status,
               response->status == 200 ? " with other content" : "");
    (void)with_hint(&err, "%s", answer->advice);
    proof_answer_failed(answer, &err);
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    (void)tag;
    (void)error;
    (void)unreachable; /* nothing there at home proves nothing: the CA may be served by another */
    proof_answer_ready(owner);
}

static const struct exchange_ops home_ops = {build, reply, lost};

void proof_try_home(struct run *run, struct proof_answer *answer, const char *advice)
{
    struct exchange_request request = {
        .ops = &home_ops,
        .owner = answer,
        .what = "asking the local web server",
        .once = true,
    };
    answer->advice = advice;
    exchange_start(run->home, &request);
}

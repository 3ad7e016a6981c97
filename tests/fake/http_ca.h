/* http_ca.h: a CA that answers HTTP requests, for any number of accounts and orders, without socket
 * or clock. It checks what a CA checks: a nonce of its own in each signed request, used once, the
 * request's URL, proofs that are in place, a request for the names ordered; and it signs real
 * chains. What it is to do wrong is said by its members. */
#ifndef ACMEC_TESTS_HTTP_CA_H
#define ACMEC_TESTS_HTTP_CA_H

#include "fake/acme_fixture.h"
#include "fake/test_issuer.h"

#include <time.h>

#define CA_ORDERS_MAX 64
#define CA_NAMES_MAX 8
#define CA_NONCES_MAX 4096
#define CA_ACCOUNTS_MAX 4

struct ca_order {
    size_t count;
    char *names[CA_NAMES_MAX];
    const char *proofs[CA_NAMES_MAX]; /* status of each authorization */
    const char *status;
    struct buf chain;
};

struct http_ca {
    /* ---- what it is like ---- */
    bool valid_before;       /* authorizations are valid at once */
    bool wants_terms;        /* refuses an account that has not agreed */
    const char *refused;     /* the name whose proof fails */
    const char *limited;     /* the name in whose orders it says rateLimited */
    const char *limit_text;  /* the detail then; NULL: one that tells the name */
    const char *retry_after; /* of that reply; NULL: none */
    bool foreign_key;        /* signs another key than the request's */
    bool forgets_orders;     /* 404 for an order that it had */
    int64_t clock_off;       /* seconds, in its Date */
    bool no_account;         /* knows no account that has a URL already */
    /* Whether the answer to a challenge is in place. */
    bool (*sees_proof)(void *ctx, const char *name, const char *token);
    void *ctx;

    /* ---- what it has ---- */
    struct test_issuer issuer;
    struct ca_order orders[CA_ORDERS_MAX];
    size_t order_count;
    char *accounts[CA_ACCOUNTS_MAX]; /* keys */
    size_t account_count;
    bool used[CA_NONCES_MAX];
    size_t nonces;

    /* ---- what it saw ---- */
    char problem[256]; /* the first thing that was wrong with a request */
    size_t registered;
    char contact[128];
};

static inline void ca_release(struct http_ca *ca)
{
    for (size_t i = 0; i < ca->order_count; i++) {
        for (size_t k = 0; k < ca->orders[i].count; k++)
            free(ca->orders[i].names[k]);
        buf_release(&ca->orders[i].chain);
    }
    for (size_t i = 0; i < ca->account_count; i++)
        free(ca->accounts[i]);
    issuer_release(&ca->issuer);
}

static inline void ca_complain(struct http_ca *ca, const char *what, const char *where)
{
    if (ca->problem[0] == '\0')
        (void)snprintf(ca->problem, sizeof ca->problem, "%s: %.200s", what, where);
}

/* ---- bodies ---- */

static inline void ca_put(struct http_response *reply, long status, json_t *taken)
{
    buf_clear(&reply->body);
    reply->status = status;
    buf_add_str(&reply->headers, status < 300 ? "content-type: application/json\n"
                                              : "content-type: application/problem+json\n");
    json_write(taken, &reply->body);
    json_decref(taken);
}

static inline void ca_refuse(struct http_response *reply, long status, const char *suffix,
                             const char *detail)
{
    AUTO_FREE type = mem_printf("urn:ietf:params:acme:error:%s", suffix);
    ca_put(reply, status, json_pack("{s:s,s:s}", "type", type, "detail", detail));
}

static inline json_t *ca_identifier(const char *name)
{
    return json_pack("{s:s,s:s}", "type", "dns", "value",
                     strncmp(name, "*.", 2) == 0 ? name + 2 : name);
}

static inline void ca_judge_order(struct ca_order *order)
{
    bool all = true;
    for (size_t i = 0; i < order->count; i++) {
        all = all && strcmp(order->proofs[i], "valid") == 0;
        if (strcmp(order->proofs[i], "invalid") == 0)
            order->status = "invalid";
    }
    if (all && strcmp(order->status, "pending") == 0)
        order->status = "ready";
}

static inline json_t *ca_order_object(struct http_ca *ca, size_t n)
{
    struct ca_order *order = &ca->orders[n];
    json_t *identifiers = json_array();
    json_t *authorizations = json_array();
    ca_judge_order(order);
    for (size_t i = 0; i < order->count; i++) {
        AUTO_FREE url = mem_printf(FIXTURE_HOST "/authz/%zu/%zu", n, i);
        (void)json_array_append_new(
            identifiers, json_pack("{s:s,s:s}", "type", "dns", "value", order->names[i]));
        (void)json_array_append_new(authorizations, json_string(url));
    }
    AUTO_FREE finalize = mem_printf(FIXTURE_HOST "/finalize/%zu", n);
    json_t *object = json_pack("{s:s,s:o,s:o,s:s}", "status", order->status, "identifiers",
                               identifiers, "authorizations", authorizations, "finalize", finalize);
    if (strcmp(order->status, "valid") == 0) {
        AUTO_FREE certificate = mem_printf(FIXTURE_HOST "/cert/%zu", n);
        (void)json_object_set_new(object, "certificate", json_string(certificate));
    }
    if (strcmp(order->status, "invalid") == 0)
        (void)json_object_set_new(object, "error",
                                  json_pack("{s:s,s:s}", "type",
                                            "urn:ietf:params:acme:error:unauthorized", "detail",
                                            "a proof failed"));
    return object;
}

static inline json_t *ca_challenge(const struct http_ca *ca, size_t n, size_t i, const char *type)
{
    const char *status = ca->orders[n].proofs[i];
    AUTO_FREE url = mem_printf(FIXTURE_HOST "/chall/%zu/%zu/%s", n, i, type);
    AUTO_FREE token = mem_printf("token-of-order-%zu-number-%zu-%s", n, i, type);
    json_t *challenge =
        json_pack("{s:s,s:s,s:s,s:s}", "type", type, "status", status, "url", url, "token", token);
    if (strcmp(status, "invalid") == 0)
        (void)json_object_set_new(challenge, "error",
                                  json_pack("{s:s,s:s}", "type",
                                            "urn:ietf:params:acme:error:connection", "detail",
                                            "connection refused"));
    return challenge;
}

/* ---- requests ---- */

static inline void ca_new_nonce(struct http_ca *ca, struct http_response *reply)
{
    if (ca->nonces == CA_NONCES_MAX)
        abort();
    buf_addf(&reply->headers, "replay-nonce: nonce-%zu\n", ca->nonces++);
}

/* Opens a signed request; false: refused. *payload: owned. */
static inline bool ca_open(struct http_ca *ca, const struct http_request *request,
                           struct fixture_signed *out, struct http_response *reply)
{
    *out = fixture_open(request);
    const char *url = fixture_header(out, "url");
    const char *nonce = fixture_header(out, "nonce");
    size_t number = CA_NONCES_MAX;
    if (url == NULL || strcmp(url, request->url) != 0)
        ca_complain(ca, "signed for another URL", request->url);
    if (nonce == NULL || sscanf(nonce, "nonce-%zu", &number) != 1 || number >= ca->nonces ||
        ca->used[number])
        ca_complain(ca, "a nonce of no use", request->url);
    else
        ca->used[number] = true;
    (void)reply;
    return true;
}

static inline void ca_account(struct http_ca *ca, const struct fixture_signed *signed_request,
                              const json_t *payload, struct http_response *reply)
{
    const json_t *jwk = json_object_get(signed_request->header, "jwk");
    AUTO(buf) key = BUF(4096);
    json_write(jwk, &key);
    size_t n = 0;
    while (n < ca->account_count && strcmp(ca->accounts[n], buf_str(&key)) != 0)
        n++;
    bool found = n < ca->account_count && !ca->no_account;
    if (!found && json_is_true(json_object_get(payload, "onlyReturnExisting"))) {
        ca_refuse(reply, 400, "accountDoesNotExist", "no such account");
        return;
    }
    if (!found && ca->wants_terms &&
        !json_is_true(json_object_get(payload, "termsOfServiceAgreed"))) {
        ca_refuse(reply, 403, "userActionRequired", "agree first");
        return;
    }
    if (!found && n == ca->account_count) {
        if (n == CA_ACCOUNTS_MAX)
            abort();
        ca->accounts[ca->account_count++] = mem_strdup(buf_str(&key));
    }
    ca->registered += found ? 0 : 1;
    ca->no_account = false;
    const json_t *contact = json_array_get(json_object_get(payload, "contact"), 0);
    if (json_is_string(contact))
        (void)snprintf(ca->contact, sizeof ca->contact, "%s", json_string_value(contact));
    buf_addf(&reply->headers, "location: " FIXTURE_HOST "/acct/%zu\n", n + 1);
    ca_put(reply, found ? 200 : 201, json_pack("{s:s}", "status", "valid"));
}

static inline void ca_new_order(struct http_ca *ca, const json_t *payload,
                                struct http_response *reply)
{
    const json_t *identifiers = json_object_get(payload, "identifiers");
    if (ca->order_count == CA_ORDERS_MAX || json_array_size(identifiers) > CA_NAMES_MAX)
        abort();
    struct ca_order *order = &ca->orders[ca->order_count];
    for (size_t i = 0; i < json_array_size(identifiers); i++) {
        const char *name =
            json_string_value(json_object_get(json_array_get(identifiers, i), "value"));
        if (ca->limited != NULL && strcmp(ca->limited, name) == 0) {
            AUTO_FREE detail = mem_printf("too many certificates for %s", name);
            if (ca->retry_after != NULL)
                buf_addf(&reply->headers, "retry-after: %s\n", ca->retry_after);
            ca_refuse(reply, 429, "rateLimited", ca->limit_text == NULL ? detail : ca->limit_text);
            for (size_t k = 0; k < i; k++)
                free(order->names[k]);
            return;
        }
        order->names[i] = mem_strdup(name);
        order->proofs[i] = ca->valid_before ? "valid" : "pending";
    }
    order->count = json_array_size(identifiers);
    order->status = "pending";
    order->chain = BUF(65536);
    buf_addf(&reply->headers, "location: " FIXTURE_HOST "/order/%zu\n", ca->order_count);
    ca_put(reply, 201, ca_order_object(ca, ca->order_count));
    ca->order_count++;
}

static inline void ca_authorization(struct http_ca *ca, size_t n, size_t i,
                                    struct http_response *reply)
{
    static const char *const types[] = {"dns-01", "http-01", "tls-alpn-01"};
    json_t *challenges = json_array();
    for (size_t k = 0; k < 3; k++)
        (void)json_array_append_new(challenges, ca_challenge(ca, n, i, types[k]));
    json_t *object = json_pack("{s:s,s:o,s:o}", "status", ca->orders[n].proofs[i], "identifier",
                               ca_identifier(ca->orders[n].names[i]), "challenges", challenges);
    if (strncmp(ca->orders[n].names[i], "*.", 2) == 0)
        (void)json_object_set_new(object, "wildcard", json_true());
    ca_put(reply, 200, object);
}

static inline void ca_answer(struct http_ca *ca, size_t n, size_t i, const char *type,
                             struct http_response *reply)
{
    const char *name = ca->orders[n].names[i];
    AUTO_FREE token = mem_printf("token-of-order-%zu-number-%zu-%s", n, i, type);
    bool good = ca->sees_proof == NULL || ca->sees_proof(ca->ctx, name, token);
    if (!good)
        ca_complain(ca, "answered before it was in place", name);
    if (ca->refused != NULL && strcmp(ca->refused, name) == 0)
        good = false;
    ca->orders[n].proofs[i] = good ? "valid" : "invalid";
    ca_put(reply, 200, ca_challenge(ca, n, i, type));
}

static inline void ca_finalize(struct http_ca *ca, size_t n, const json_t *payload, int64_t now,
                               struct http_response *reply)
{
    struct ca_order *order = &ca->orders[n];
    const char *text = json_string_value(json_object_get(payload, "csr"));
    AUTO(buf) csr = BUF(16384);
    struct error err = {0};
    if (strcmp(order->status, "ready") != 0) {
        ca_refuse(reply, 403, "orderNotReady", "not ready");
        return;
    }
    if (text == NULL || !b64url_decode(span_str(text), &csr, &err)) {
        ca_complain(ca, "no request", "finalize");
        return;
    }
    if (ca->foreign_key) {
        issuer_start(&ca->issuer);
        issuer_write(&ca->issuer, &ca->issuer.key, (const char *const *)order->names, order->count,
                     now, &order->chain);
        issuer_write(&ca->issuer, &ca->issuer.key, NULL, 0, now, &order->chain);
    } else {
        issuer_sign(&ca->issuer, buf_span(&csr), (const char *const *)order->names, order->count,
                    now, &order->chain);
    }
    order->status = "valid";
    ca_put(reply, 200, ca_order_object(ca, n));
}

static inline void ca_directory(const struct http_ca *ca, struct http_response *reply)
{
    (void)ca;
    buf_add_str(&reply->headers, "content-type: application/json\n");
    buf_add_str(&reply->body, FIXTURE_DIRECTORY_BODY);
}

/* What belongs to an order: /KIND/ORDER[/NAME[/TYPE]]. */
static inline void ca_serve_order(struct http_ca *ca, const char *path, const json_t *payload,
                                  int64_t now, struct http_response *reply)
{
    char kind[16] = "", type[16] = "";
    size_t n = 0, i = 0;
    (void)sscanf(path, "/%15[a-z]/%zu/%zu/%15s", kind, &n, &i, type);
    if (n >= ca->order_count || i >= ca->orders[n].count || ca->forgets_orders) {
        ca_refuse(reply, 404, "malformed", "there is no such thing");
    } else if (strcmp(kind, "order") == 0) {
        ca_put(reply, 200, ca_order_object(ca, n));
    } else if (strcmp(kind, "authz") == 0) {
        ca_authorization(ca, n, i, reply);
    } else if (strcmp(kind, "chall") == 0) {
        ca_answer(ca, n, i, type, reply);
    } else if (strcmp(kind, "finalize") == 0) {
        ca_finalize(ca, n, payload, now, reply);
    } else if (strcmp(kind, "cert") == 0) {
        buf_add_str(&reply->headers, "content-type: application/pem-certificate-chain\n");
        buf_add_span(&reply->body, buf_span(&ca->orders[n].chain));
    } else {
        ca_complain(ca, "nobody serves", path);
    }
}

static inline void ca_date(int64_t when, char out[static 64])
{
    time_t seconds = (time_t)when;
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(out, 64, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
        abort();
}

static inline void ca_serve(struct http_ca *ca, const struct http_request *request, int64_t now,
                            struct http_response *reply)
{
    const char *path = request->url + strlen(FIXTURE_HOST);
    char date[64];
    *reply = fixture_reply(200, "", "");
    ca_date(now + ca->clock_off, date);
    buf_addf(&reply->headers, "date: %s\n", date);
    if (strcmp(path, "/directory") == 0) {
        ca_directory(ca, reply);
        return;
    }
    ca_new_nonce(ca, reply);
    if (strcmp(path, "/new-nonce") == 0)
        return;
    struct fixture_signed signed_request;
    struct error err = {0};
    json_t *payload = NULL;
    (void)ca_open(ca, request, &signed_request, reply);
    if (signed_request.payload.len > 0)
        fixture_check(json_parse_object(buf_span(&signed_request.payload), HTTP_BODY_MAX,
                                        ERR_NETWORK, &payload, &err),
                      "payload", &err);
    if (strcmp(path, "/new-account") == 0)
        ca_account(ca, &signed_request, payload, reply);
    else if (strcmp(path, "/new-order") == 0)
        ca_new_order(ca, payload, reply);
    else
        ca_serve_order(ca, path, payload, now, reply);
    json_decref(payload);
    fixture_signed_release(&signed_request);
}

#endif

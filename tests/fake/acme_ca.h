/* acme_ca: a CA at the level of replies, and a driver that leads one order through it without
 * socket or clock. It checks what a CA checks: each signed request has the payload that belongs to
 * its URL, and a nonce of its own. Faults are put in by `twist`, called with each reply. */
#ifndef TESTS_FAKE_ACME_CA_H
#define TESTS_FAKE_ACME_CA_H

#include "acme_fixture.h"

#include <acmec/acme/order.h>

#define FAKE_NAMES_MAX IDENTIFIERS_MAX
#define FAKE_NOW 1800000000
#define FAKE_CHAIN                                                                                 \
    "-----BEGIN CERTIFICATE-----\nMAMBAf8=\n-----END CERTIFICATE-----\n"                           \
    "-----BEGIN CERTIFICATE-----\nMAMBAf8=\n-----END CERTIFICATE-----\n"

struct fake_ca;
/* Alters the reply to the nth exchange (from 0). */
typedef void fake_twist(struct fake_ca *ca, size_t nth, enum order_step step,
                        struct http_response *reply);

struct fake_proof {
    const char *status;    /* of the authorization */
    const char *challenge; /* of its challenge */
};

struct fake_ca {
    /* ---- what it is like ---- */
    const char *const *names;
    size_t count;
    bool valid_before;         /* authorizations are reused: valid until deactivated */
    bool keeps_proofs;         /* refuses to deactivate them */
    bool shuffled;             /* authorizations and identifiers in another order */
    bool no_authorizations;    /* lists none, once the order is ready */
    const char *answer;        /* status in the reply to an answer; NULL = "processing" */
    int pending_polls;         /* polls before the order is ready */
    int finalizes_early;       /* times that finalize says orderNotReady */
    const char *finalized;     /* order status in the reply to finalize; NULL = "valid" */
    int processing_polls;      /* polls before the order is valid */
    int missing_downloads;     /* downloads that say 404 */
    size_t fails;              /* number (from 1) of the name whose proof fails; 0 = none */
    bool visits;               /* fetches the proof when it is answered */
    const char *retry_after;   /* header line on replies to polls and finalize, or NULL */
    bool lies;                 /* gives URLs of its own under other names */
    const char *profile;       /* of every order; NULL: it says none */
    const char *const *chains; /* PEM: the first by itself, the others as alternates */
    size_t chain_count;
    fake_twist *twist;
    size_t twist_at, twist_how;

    /* ---- what it is at ---- */
    int generation; /* of the order */
    const char *order_status;
    struct fake_proof proofs[FAKE_NAMES_MAX];
    bool presented[FAKE_NAMES_MAX];
    size_t nonces;

    /* ---- what it saw ---- */
    char signed_urls[64][128]; /* of one that lies, with the path of the role they served */
    const char *signed_paths[64];
    size_t exchanges;
    size_t seen[STEP_COUNT];
    char order_of_steps[2 * FAKE_NAMES_MAX * 4 + 64]; /* one letter for each exchange */
    size_t presents;
    size_t csrs;
    int64_t now_ms;    /* when it was over */
    char problem[256]; /* the first thing that was wrong with a request */
};

static inline struct fake_ca fake_ca_for(const char *const *names, size_t count)
{
    return (struct fake_ca){.names = names, .count = count};
}

/* A CA that has an order already, number 1, whose proofs all are at the same point. */
static inline struct fake_ca fake_ca_at(const char *const *names, size_t count, const char *status,
                                        struct fake_proof proof)
{
    struct fake_ca ca = {.names = names, .count = count, .generation = 1, .order_status = status};
    for (size_t i = 0; i < count; i++)
        ca.proofs[i] = proof;
    return ca;
}

static inline void fake_complain(struct fake_ca *ca, const char *what, const char *where)
{
    if (ca->problem[0] == '\0')
        (void)snprintf(ca->problem, sizeof ca->problem, "%s: %.200s", what, where);
}

static inline void fake_token(const struct fake_ca *ca, size_t i, char out[static 64])
{
    (void)snprintf(out, 64, "token-of-generation-%d-number-%zu", ca->generation, i);
}

/* The place of the ith name in lists. */
static inline size_t fake_place(const struct fake_ca *ca, size_t i)
{
    return ca->shuffled ? ca->count - 1 - i : i;
}

static inline void fake_new_order(struct fake_ca *ca)
{
    bool reuse = ca->valid_before && (ca->generation == 0 || ca->keeps_proofs);
    ca->generation++;
    for (size_t i = 0; i < ca->count; i++)
        ca->proofs[i] = reuse ? (struct fake_proof){"valid", "valid"}
                              : (struct fake_proof){"pending", "pending"};
    ca->order_status = reuse ? "ready" : "pending";
}

/* ---- bodies ---- */

static inline json_t *fake_identifier(const struct fake_ca *ca, size_t i, bool whole)
{
    struct identifier_list one = fixture_names(&ca->names[i], 1);
    const char *value = one.items[0].value;
    if (!whole && identifier_is_wildcard(&one.items[0]))
        value += 2;
    json_t *object =
        json_pack("{s:s,s:s}", "type", identifier_type_word(one.items[0].type), "value", value);
    identifier_list_release(&one);
    return object;
}

static inline json_t *fake_order(const struct fake_ca *ca)
{
    json_t *identifiers = json_array();
    json_t *authorizations = json_array();
    for (size_t i = 0; i < ca->count; i++) {
        size_t place = fake_place(ca, i);
        AUTO_FREE url = mem_printf(FIXTURE_HOST "/authz/%d/%zu", ca->generation, place);
        (void)json_array_append_new(identifiers, fake_identifier(ca, i, true));
        if (!ca->no_authorizations || strcmp(ca->order_status, "pending") == 0)
            (void)json_array_append_new(authorizations, json_string(url));
    }
    AUTO_FREE finalize = mem_printf(FIXTURE_HOST "/finalize/%d", ca->generation);
    json_t *order = json_pack("{s:s,s:o,s:o,s:s,s:s}", "status", ca->order_status, "identifiers",
                              identifiers, "authorizations", authorizations, "finalize", finalize,
                              "expires", "2027-01-16T00:00:00.5+01:00");
    if (ca->profile != NULL)
        (void)json_object_set_new(order, "profile", json_string(ca->profile));
    if (strcmp(ca->order_status, "valid") == 0) {
        AUTO_FREE certificate = mem_printf(FIXTURE_HOST "/cert/%d", ca->generation);
        (void)json_object_set_new(order, "certificate", json_string(certificate));
    }
    if (strcmp(ca->order_status, "invalid") == 0)
        (void)json_object_set_new(order, "error",
                                  json_pack("{s:s,s:s}", "type",
                                            "urn:ietf:params:acme:error:unauthorized", "detail",
                                            "not all proofs are there"));
    return order;
}

static inline json_t *fake_challenge(const struct fake_ca *ca, size_t i)
{
    char token[64];
    fake_token(ca, i, token);
    AUTO_FREE url = mem_printf(FIXTURE_HOST "/chall/%d/%zu", ca->generation, i);
    json_t *challenge = json_pack("{s:s,s:s,s:s,s:s}", "type", "http-01", "status",
                                  ca->proofs[i].challenge, "url", url, "token", token);
    if (strcmp(ca->proofs[i].challenge, "invalid") == 0)
        (void)json_object_set_new(challenge, "error",
                                  json_pack("{s:s,s:s}", "type",
                                            "urn:ietf:params:acme:error:connection", "detail",
                                            "connection refused"));
    return challenge;
}

static inline json_t *fake_authorization(const struct fake_ca *ca, size_t i)
{
    AUTO_FREE url = mem_printf(FIXTURE_HOST "/other/%d/%zu", ca->generation, i);
    bool wildcard = strncmp(ca->names[i], "*.", 2) == 0;
    json_t *object = json_pack("{s:s,s:o,s:[{s:s,s:s,s:s},o]}", "status", ca->proofs[i].status,
                               "identifier", fake_identifier(ca, i, false), "challenges", "type",
                               "new-01", "status", "pending", "url", url, fake_challenge(ca, i));
    if (wildcard)
        (void)json_object_set_new(object, "wildcard", json_true());
    return object;
}

static inline void fake_put(struct http_response *reply, json_t *object)
{
    buf_clear(&reply->body);
    json_write(object, &reply->body);
    json_decref(object);
}

static inline void fake_refuse(struct http_response *reply, long status, const char *suffix)
{
    AUTO_FREE type = mem_printf("urn:ietf:params:acme:error:%s", suffix);
    reply->status = status;
    fake_put(reply, json_pack("{s:s,s:s,s:n}", "type", type, "detail", "no", "subproblems"));
}

/* ---- the exchanges ---- */

static inline void fake_answer(struct fake_ca *ca, size_t i, struct http_response *reply)
{
    if (!ca->presented[i] && !ca->lies)
        fake_complain(ca, "answered before it was presented", ca->names[i]);
    bool fails = ca->fails == i + 1;
    const char *answer = ca->answer == NULL ? "processing" : ca->answer;
    ca->proofs[i].challenge = fails && strcmp(answer, "valid") == 0 ? "invalid" : answer;
    fake_put(reply, fake_challenge(ca, i));
    ca->proofs[i] =
        fails ? (struct fake_proof){"invalid", "invalid"} : (struct fake_proof){"valid", "valid"};
}

static inline void fake_poll(struct fake_ca *ca)
{
    bool all_valid = true;
    if (strcmp(ca->order_status, "processing") == 0 && ca->processing_polls-- <= 0)
        ca->order_status = "valid";
    if (strcmp(ca->order_status, "pending") != 0 || ca->pending_polls-- > 0)
        return;
    for (size_t i = 0; i < ca->count; i++) {
        if (strcmp(ca->proofs[i].challenge, "processing") == 0)
            ca->proofs[i] = (struct fake_proof){"valid", "valid"};
        all_valid = all_valid && strcmp(ca->proofs[i].status, "valid") == 0;
        if (strcmp(ca->proofs[i].status, "invalid") == 0)
            ca->order_status = "invalid";
    }
    if (all_valid)
        ca->order_status = "ready";
}

static inline void fake_finalize(struct fake_ca *ca, struct http_response *reply)
{
    if (ca->finalizes_early-- > 0 || strcmp(ca->order_status, "ready") != 0) {
        fake_refuse(reply, 403, "orderNotReady");
        return;
    }
    ca->order_status = ca->finalized == NULL ? "valid" : ca->finalized;
    fake_put(reply, fake_order(ca));
}

/* The links are relative, as RFC 8288 allows; one is a stranger. */
static inline void fake_certificate(struct fake_ca *ca, struct http_response *reply)
{
    buf_add_str(&reply->body, ca->chain_count > 0 ? ca->chains[0] : FAKE_CHAIN);
    buf_add_str(&reply->headers, "link: <" FIXTURE_HOST "/directory>;rel=\"index\"\n");
    for (size_t i = 1; i < ca->chain_count; i++)
        buf_addf(&reply->headers, "link: <%d/alternate/%zu>;rel=\"alternate\"\n", ca->generation,
                 i);
}

static inline void fake_authorize(struct fake_ca *ca, enum order_step step, size_t i,
                                  struct http_response *reply)
{
    if (step == STEP_DEACTIVATE && ca->keeps_proofs)
        fake_refuse(reply, 403, "unauthorized");
    else
        fake_put(reply, fake_authorization(ca, i));
}

static inline void fake_reply(struct fake_ca *ca, const struct order_action *action,
                              const char *url, struct http_response *reply)
{
    size_t i = 0;
    if (strrchr(url, '/') != NULL)
        i = strtoul(strrchr(url, '/') + 1, NULL, 10);
    size_t alternate = i;
    if (i >= ca->count)
        i = 0;
    AUTO_FREE location = mem_printf("Location: " FIXTURE_HOST "/order/%d\n", ca->generation + 1);
    switch (action->step) {
    case STEP_NEW_ORDER:
        fake_new_order(ca);
        reply->status = 201;
        buf_add_str(&reply->headers, location);
        fake_put(reply, fake_order(ca));
        break;
    case STEP_AUTHORIZATION:
    case STEP_DEACTIVATE:
    case STEP_FAILED_AUTHORIZATION:
        fake_authorize(ca, action->step, i, reply);
        break;
    case STEP_RESPOND:
        fake_answer(ca, i, reply);
        break;
    case STEP_POLL:
        fake_poll(ca);
        fake_put(reply, fake_order(ca));
        break;
    case STEP_FINALIZE:
        fake_finalize(ca, reply);
        break;
    case STEP_CERTIFICATE:
        if (ca->missing_downloads-- > 0)
            fake_refuse(reply, 404, "malformed");
        else
            fake_certificate(ca, reply);
        break;
    case STEP_ALTERNATE:
        buf_add_str(&reply->body, alternate < ca->chain_count ? ca->chains[alternate] : FAKE_CHAIN);
        break;
    case STEP_COUNT:
        break;
    }
    if (ca->retry_after != NULL && (action->step == STEP_POLL || action->step == STEP_FINALIZE))
        buf_add_str(&reply->headers, ca->retry_after);
}

/* A CA that lies gets signatures for one role at each URL, and none for its endpoints. */
static inline void fake_judge_role(struct fake_ca *ca, const char *url, const char *path)
{
    const char *own = url + strlen(FIXTURE_HOST);
    bool endpoint = strcmp(own, "/acct/1") == 0 || strncmp(own, "/new-", 5) == 0 ||
                    strcmp(own, "/revoke") == 0 || strcmp(own, "/key-change") == 0;
    if (endpoint && strcmp(own, path) != 0)
        fake_complain(ca, "signed for an endpoint", url);
    for (size_t i = 0; i < 64; i++) {
        if (ca->signed_paths[i] == NULL) {
            ca->signed_paths[i] = path;
            (void)snprintf(ca->signed_urls[i], sizeof ca->signed_urls[i], "%s", url);
            return;
        }
        if (strcmp(ca->signed_urls[i], url) != 0)
            continue;
        if (strcmp(ca->signed_paths[i], path) != 0)
            fake_complain(ca, "signed in two roles", url);
        return;
    }
}

/* What may be signed for which path. */
static inline void fake_judge(struct fake_ca *ca, enum order_step step, const char *url,
                              const struct buf *payload)
{
    static const struct {
        const char *path, *payload;
    } rules[STEP_COUNT] = {
        [STEP_NEW_ORDER] = {"/new-order", "{\"identifiers\":["},
        [STEP_AUTHORIZATION] = {"/authz/", ""},
        [STEP_DEACTIVATE] = {"/authz/", "{\"status\":\"deactivated\"}"},
        [STEP_RESPOND] = {"/chall/", "{}"},
        [STEP_POLL] = {"/order/", ""},
        [STEP_FAILED_AUTHORIZATION] = {"/authz/", ""},
        [STEP_FINALIZE] = {"/finalize/", "{\"csr\":\"Y3NyLWRlcg\"}"},
        [STEP_CERTIFICATE] = {"/cert/", ""},
        [STEP_ALTERNATE] = {"/cert/", ""},
    };
    const char *path = rules[step].path;
    const char *wanted = rules[step].payload;
    size_t host = strlen(FIXTURE_HOST);
    if (ca->lies)
        fake_judge_role(ca, url, path);
    else if (strncmp(url, FIXTURE_HOST, host) != 0 || strncmp(url + host, path, strlen(path)) != 0)
        fake_complain(ca, order_step_text(step), url);
    if (strncmp(buf_str(payload), wanted, strlen(wanted)) != 0 ||
        (wanted[0] == '\0' && payload->len != 0))
        fake_complain(ca, order_step_text(step), buf_str(payload));
}

#endif

/* acme_drive: leads one order through the fake CA to its end, the way the engine does: what may be
 * sent at once is outstanding at once, and time passes only while nothing else can be done. */
#ifndef TESTS_FAKE_ACME_DRIVE_H
#define TESTS_FAKE_ACME_DRIVE_H

#include "acme_ca.h"

#define DRIVE_STEPS_MAX 20000
#define DRIVE_VISIT_MS 50

struct drive {
    struct session *session;
    struct order *order;
    struct fake_ca *ca;
    int64_t now_ms;
    struct order_action queue[2 * FAKE_NAMES_MAX + 8]; /* sent, not replied to */
    size_t queued;
    size_t lost_at;       /* this exchange (from 1) is lost; 0 = none */
    size_t unpresented;   /* this proof (from 1) cannot be put in place; 0 = none */
    bool late_csr;        /* the CSR is there only when it is asked for a second time */
    size_t largest_queue; /* so many were outstanding at once */
};

static inline void drive_send(struct drive *drive, const struct order_action *action)
{
    drive->queue[drive->queued++] = *action;
    if (drive->queued > drive->largest_queue)
        drive->largest_queue = drive->queued;
}

/* The oldest request gets its reply. */
static inline void drive_reply(struct drive *drive)
{
    struct fake_ca *ca = drive->ca;
    struct order_action action = drive->queue[0];
    struct http_request request = {0};
    struct error err = {0};
    char nonce[32];
    char token[64];
    memmove(&drive->queue[0], &drive->queue[1], --drive->queued * sizeof drive->queue[0]);
    (void)snprintf(nonce, sizeof nonce, "nonce-%zu", ++ca->nonces);
    fixture_add_nonce(drive->session, nonce, drive->now_ms);
    ca->exchanges++;
    if (!order_request(drive->order, &action, drive->now_ms, &request, &err)) {
        order_lost(drive->order, &action, &err);
        return;
    }
    struct fixture_signed opened = fixture_open(&request);
    struct http_response reply = fixture_reply(200, "", "");
    fake_judge(ca, action.step, request.url, &opened.payload);
    if (strcmp(fixture_header(&opened, "nonce"), nonce) != 0)
        fake_complain(ca, "an old nonce", fixture_header(&opened, "nonce"));
    if (ca->exchanges < sizeof ca->order_of_steps)
        ca->order_of_steps[ca->exchanges - 1] = "NADRPXFCL"[action.step];
    ca->seen[action.step]++;
    fake_reply(ca, &action, request.url, &reply);
    if (ca->twist != NULL)
        ca->twist(ca, ca->exchanges - 1, action.step, &reply);
    drive->now_ms += 10;
    (void)fail(&err, ERR_NETWORK, "the connection was lost");
    if (drive->lost_at == ca->exchanges)
        order_lost(drive->order, &action, &err);
    else
        order_reply(drive->order, &action, &reply, FAKE_NOW + drive->now_ms / 1000, drive->now_ms);
    if (action.step == STEP_RESPOND && ca->visits) {
        fake_token(ca, strtoul(strrchr(request.url, '/') + 1, NULL, 10), token);
        order_visited(drive->order, token, drive->now_ms + DRIVE_VISIT_MS);
    }
    fixture_signed_release(&opened);
    http_response_release(&reply);
    http_request_release(&request);
}

static inline void drive_present(struct drive *drive, const struct order_action *action)
{
    struct error err = {0};
    struct fake_ca *ca = drive->ca;
    const char *dot = strrchr(action->key_authorization, '.');
    ca->presents++;
    if (dot == NULL || strcmp(dot + 1, FIXTURE_THUMBPRINT) != 0 ||
        strncmp(action->key_authorization, action->token, strlen(action->token)) != 0)
        fake_complain(ca, "key authorization", action->key_authorization);
    for (size_t i = 0; i < ca->count; i++) {
        char token[64];
        fake_token(ca, i, token);
        struct identifier_list one = fixture_names(&ca->names[i], 1);
        if (strcmp(token, action->token) == 0)
            ca->presented[i] = identifier_equals(&one.items[0], action->identifier);
        identifier_list_release(&one);
    }
    (void)fail(&err, ERR_WEB_SERVER, "port 80 is taken");
    if (drive->unpresented == ca->presents)
        order_not_presented(drive->order, action->index, &err);
    else
        order_presented(drive->order, action->index);
}

/* One action; false when the order is at its end, or stuck (a complaint then). */
static inline bool drive_once(struct drive *drive)
{
    struct order_action action;
    order_next(drive->order, drive->now_ms, &action);
    switch (action.what) {
    case ORDER_SEND:
        drive_send(drive, &action);
        return true;
    case ORDER_PRESENT:
        drive_present(drive, &action);
        return true;
    case ORDER_NEED_CSR:
        drive->ca->csrs++;
        if (!drive->late_csr || drive->ca->csrs > 1)
            order_set_csr(drive->order, SPAN_LIT("csr-der"));
        return true;
    case ORDER_WAIT:
        if (drive->queued > 0)
            drive_reply(drive);
        else
            drive->now_ms = action.until_ms;
        return true;
    case ORDER_IDLE:
        if (drive->queued == 0)
            fake_complain(drive->ca, "idle", "nothing outstanding");
        else
            drive_reply(drive);
        return drive->ca->problem[0] == '\0';
    case ORDER_DONE:
    case ORDER_FAILED:
        break;
    }
    return false;
}

static inline enum order_do drive_to_end(struct drive *drive)
{
    struct order_action action;
    size_t steps = 0;
    while (drive_once(drive))
        if (++steps > DRIVE_STEPS_MAX) {
            fake_complain(drive->ca, "endless", order_step_text(STEP_POLL));
            break;
        }
    /* Replies that come after the end change nothing. */
    order_next(drive->order, drive->now_ms, &action);
    enum order_do end = action.what;
    while (drive->queued > 0)
        drive_reply(drive);
    order_next(drive->order, drive->now_ms + 3600000, &action);
    if (action.what != end)
        fake_complain(drive->ca, "the end is none", "");
    drive->ca->now_ms = drive->now_ms;
    return end;
}

struct drive_wish {
    bool watched, fresh_proof;
    int64_t timeout_ms;
    const char *resume; /* URL, or NULL */
    const struct demand *demand;
    const char *preferred_chain;
};

static inline void drive_start(struct drive *drive, const struct key *key, struct fake_ca *ca,
                               const struct drive_wish *wish)
{
    struct identifier_list names = fixture_names(ca->names, ca->count);
    const char *types[FAKE_NAMES_MAX];
    for (size_t i = 0; i < ca->count; i++)
        types[i] = "http-01";
    struct order_wish order_wish = {.names = &names,
                                    .challenge_types = types,
                                    .demand = wish->demand,
                                    .preferred_chain = wish->preferred_chain,
                                    .watched = wish->watched,
                                    .fresh_proof = wish->fresh_proof,
                                    .timeout_ms = wish->timeout_ms};
    drive->ca = ca;
    drive->now_ms = 1000;
    drive->session = fixture_session(key);
    if (wish->resume != NULL)
        drive->order = order_resume(drive->session, &order_wish, wish->resume);
    else
        drive->order = order_new(drive->session, &order_wish);
    identifier_list_release(&names);
}

static inline void drive_release(struct drive *drive)
{
    order_free(drive->order);
    session_free(drive->session);
}

#endif

#include <acmec/acme/proofs.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <stdio.h>

enum state {
    STATE_READ,
    STATE_READING,
    STATE_DEACTIVATE,
    STATE_DEACTIVATING,
    STATE_DEACTIVATED,
    STATE_HELD,
    STATE_PRESENT,
    STATE_PRESENTING,
    STATE_RESPOND,
    STATE_RESPONDING,
    STATE_ANSWERED,
    STATE_VALID,
    STATE_FAILED, /* authorization.error says why */
    STATE_EXAMINE,
    STATE_EXAMINING,
    STATE_COUNT
};

/* The states in which something is to be done, and the state while that is under way. */
static const struct errand {
    enum state during; /* 0 (nothing can be under way as STATE_READ): no errand */
    enum order_do what;
    enum order_step step;
} errands[STATE_COUNT] = {
    [STATE_READ] = {STATE_READING, ORDER_SEND, STEP_AUTHORIZATION},
    [STATE_DEACTIVATE] = {STATE_DEACTIVATING, ORDER_SEND, STEP_DEACTIVATE},
    [STATE_PRESENT] = {STATE_PRESENTING, ORDER_PRESENT, STEP_RESPOND},
    [STATE_RESPOND] = {STATE_RESPONDING, ORDER_SEND, STEP_RESPOND},
    [STATE_EXAMINE] = {STATE_EXAMINING, ORDER_SEND, STEP_FAILED_AUTHORIZATION},
};

struct proof {
    enum state state;
    char *url;
    struct authorization authorization; /* as last read */
    char *key_authorization;            /* NULL until it is to be presented */
    struct error *refusal;              /* of our answer; NULL = none */
    bool answered;                      /* proven for this order, not before it */
    bool visited;
    int64_t visited_ms;
};

struct proofs {
    struct session *session;
    struct challenge_plan plan;
    bool fresh;
    struct proof *items;
    size_t count;
};

struct proofs *proofs_new(struct session *session, const struct challenge_plan *plan)
{
    struct proofs *proofs = mem_new(1, sizeof *proofs);
    proofs->session = session;
    proofs->plan = *plan;
    return proofs;
}

static void clear(struct proofs *proofs)
{
    for (size_t i = 0; i < proofs->count; i++) {
        struct proof *proof = &proofs->items[i];
        authorization_release(&proof->authorization);
        free(proof->url);
        free(proof->key_authorization);
        free(proof->refusal);
    }
    free(proofs->items);
    proofs->items = NULL;
    proofs->count = 0;
}

void proofs_free(struct proofs *proofs)
{
    if (proofs == NULL)
        return;
    clear(proofs);
    free(proofs);
}

void proofs_begin(struct proofs *proofs, char *const *urls, size_t count, bool fresh)
{
    clear(proofs);
    proofs->fresh = fresh;
    proofs->items = mem_new(count + 1, sizeof *proofs->items);
    proofs->count = count;
    for (size_t i = 0; i < count; i++)
        proofs->items[i].url = mem_strdup(urls[i]);
}

size_t proofs_count(const struct proofs *proofs)
{
    return proofs->count;
}

bool proofs_has(const struct proofs *proofs, const char *url)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (strcmp(proofs->items[i].url, url) == 0)
            return true;
    return false;
}

static bool any(const struct proofs *proofs, enum state state)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (proofs->items[i].state == state)
            return true;
    return false;
}

/* Moves all from one state to another; whether there were any. */
static bool move_all(struct proofs *proofs, enum state from, enum state to)
{
    bool moved = any(proofs, from);
    for (size_t i = 0; i < proofs->count; i++)
        if (proofs->items[i].state == from)
            proofs->items[i].state = to;
    return moved;
}

/* ---- errands ---- */

static bool is_under_way(enum state state)
{
    for (size_t i = 0; i < STATE_COUNT; i++)
        if (errands[i].during == state && errands[i].during != 0)
            return true;
    return false;
}

enum proofs_state proofs_next(struct proofs *proofs, struct order_action *out)
{
    bool busy = false;
    bool failed = any(proofs, STATE_FAILED);
    bool reading = any(proofs, STATE_READ) || any(proofs, STATE_READING);
    for (size_t i = 0; i < proofs->count; i++) {
        struct proof *proof = &proofs->items[i];
        const struct errand *errand = &errands[proof->state];
        busy = busy || is_under_way(proof->state);
        if (errand->during == 0 || (failed && proof->state != STATE_EXAMINE) ||
            (reading && proof->state == STATE_PRESENT))
            continue;
        *out = (struct order_action){.what = errand->what, .step = errand->step, .index = i};
        if (errand->what == ORDER_PRESENT) {
            out->identifier = &proof->authorization.identifier;
            out->token = proof->authorization.token;
            out->key_authorization = proof->key_authorization;
            out->persist = &proof->authorization.persist;
        }
        proof->state = errand->during;
        return PROOFS_ERRAND;
    }
    return busy ? PROOFS_BUSY : PROOFS_SETTLED;
}

const char *proofs_url(const struct proofs *proofs, size_t index)
{
    return index < proofs->count ? proofs->items[index].url : NULL;
}

const char *proofs_challenge_url(const struct proofs *proofs, size_t index)
{
    return index < proofs->count ? proofs->items[index].authorization.challenge_url : NULL;
}

bool proofs_awaits(const struct proofs *proofs, enum order_step step, size_t index)
{
    for (size_t i = 0; i < STATE_COUNT && index < proofs->count; i++)
        if (errands[i].during != 0 && errands[i].what == ORDER_SEND && errands[i].step == step)
            return proofs->items[index].state == errands[i].during;
    return false;
}

/* ---- reading ---- */

static void set_failed(struct proof *proof)
{
    const struct authorization *read = &proof->authorization;
    if (read->error.code == ERR_NONE)
        (void)fail(&proof->authorization.error, ERR_REFUSED, "%s: its authorization is '%s'",
                   read->identifier.value, authorization_status_word(read->status));
    proof->state = STATE_FAILED;
}

/* A pending one, seen for the first time: what must be put in place. */
static bool prepare(struct proofs *proofs, struct proof *proof, struct error *err)
{
    AUTO(buf) text = BUF(TOKEN_MAX + 64);
    if (proof->authorization.token[0] != '\0' &&
        !challenge_key_authorization(session_key(proofs->session), proof->authorization.token,
                                     &text, err))
        return false;
    proof->key_authorization = buf_take(&text);
    proof->state = proofs->fresh ? STATE_HELD : STATE_PRESENT;
    return true;
}

/* A pending one, seen again after it was presented. */
static bool reconsider(struct proof *proof, const char *old_token, struct error *err)
{
    if (strcmp(old_token, proof->authorization.token) != 0)
        return fail(err, ERR_REFUSED, "the CA has changed its token for %s",
                    proof->authorization.identifier.value);
    if (proof->refusal != NULL && !proof->authorization.responded) {
        *err = *proof->refusal;
        return false;
    }
    proof->state = STATE_ANSWERED;
    return true;
}

static void set_valid(struct proofs *proofs, struct proof *proof)
{
    proof->state = proofs->fresh ? STATE_DEACTIVATE : STATE_VALID;
}

bool proofs_read(struct proofs *proofs, size_t index, const struct http_response *response,
                 struct error *err)
{
    struct proof *proof = &proofs->items[index];
    struct authorization read = {0};
    if (!authorization_read(proofs->session, response, &proofs->plan, &read, err))
        return false;
    struct authorization old = proof->authorization;
    proof->authorization = read;
    authorization_release(&old);
    switch (read.status) {
    case AUTHORIZATION_VALID:
        set_valid(proofs, proof);
        return true;
    case AUTHORIZATION_PENDING:
        return proof->key_authorization == NULL ? prepare(proofs, proof, err)
                                                : reconsider(proof, old.token, err);
    case AUTHORIZATION_INVALID:
    case AUTHORIZATION_DEACTIVATED:
    case AUTHORIZATION_EXPIRED:
    case AUTHORIZATION_REVOKED:
    case AUTHORIZATION_COUNT:
        break;
    }
    set_failed(proof);
    return true;
}

void proofs_deactivated(struct proofs *proofs, size_t index)
{
    proofs->items[index].state = STATE_DEACTIVATED;
}

void proofs_responded(struct proofs *proofs, size_t index, const struct http_response *response)
{
    struct proof *proof = &proofs->items[index];
    enum challenge_status status = CHALLENGE_PENDING;
    struct error unclear = {0};
    proof->answered = true;
    /* The CA took the answer, and visits us now: what it says beside that is not worth taking the
     * proof down for, since the order will tell. */
    if (!challenge_read(response, &proof->authorization.identifier, &status,
                        &proof->authorization.error, &unclear))
        status = CHALLENGE_PROCESSING;
    switch (status) {
    case CHALLENGE_PENDING:
    case CHALLENGE_PROCESSING:
        proof->state = STATE_ANSWERED;
        break;
    case CHALLENGE_VALID:
        proof->state = STATE_VALID;
        break;
    case CHALLENGE_INVALID:
    case CHALLENGE_COUNT:
        set_failed(proof);
        break;
    }
}

void proofs_response_refused(struct proofs *proofs, size_t index, const struct error *error)
{
    struct proof *proof = &proofs->items[index];
    if (proof->refusal == NULL)
        proof->refusal = mem_new(1, sizeof *proof->refusal);
    *proof->refusal = *error;
    proof->answered = true;
    proof->state = STATE_READ;
}

void proofs_examined(struct proofs *proofs, size_t index, const struct http_response *response)
{
    struct proof *proof = &proofs->items[index];
    struct authorization read = {0};
    struct error unused = {0};
    proof->state = STATE_ANSWERED;
    if (response == NULL ||
        !authorization_read(proofs->session, response, &proofs->plan, &read, &unused))
        return;
    authorization_release(&proof->authorization);
    proof->authorization = read;
    if (read.status == AUTHORIZATION_VALID)
        proof->state = STATE_VALID;
    else if (read.status != AUTHORIZATION_PENDING || read.error.code != ERR_NONE)
        set_failed(proof);
}

void proofs_presented(struct proofs *proofs, size_t index)
{
    if (index >= proofs->count || proofs->items[index].state != STATE_PRESENTING)
        return;
    struct proof *proof = &proofs->items[index];
    proof->answered = true;
    proof->state = proof->authorization.responded ? STATE_ANSWERED : STATE_RESPOND;
}

void proofs_visited(struct proofs *proofs, const char *token, int64_t now_ms)
{
    for (size_t i = 0; i < proofs->count; i++) {
        struct proof *proof = &proofs->items[i];
        bool asked = proof->state == STATE_RESPONDING || proof->state == STATE_ANSWERED;
        if (!asked || strcmp(proof->authorization.token, token) != 0)
            continue;
        proof->visited = true;
        proof->visited_ms = now_ms;
    }
}

/* ---- once they are settled ---- */

bool proofs_any_failed(const struct proofs *proofs)
{
    return any(proofs, STATE_FAILED);
}

bool proofs_any_deactivated(const struct proofs *proofs)
{
    return any(proofs, STATE_DEACTIVATED);
}

bool proofs_release_held(struct proofs *proofs)
{
    proofs->fresh = false;
    return move_all(proofs, STATE_HELD, STATE_PRESENT);
}

void proofs_look(struct proofs *proofs)
{
    (void)move_all(proofs, STATE_ANSWERED, STATE_READ);
}

void proofs_examine(struct proofs *proofs)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (proofs->items[i].state != STATE_VALID)
            proofs->items[i].state = STATE_EXAMINE;
}

void proofs_set_valid(struct proofs *proofs)
{
    for (size_t i = 0; i < proofs->count; i++)
        proofs->items[i].state = STATE_VALID;
}

/* ---- what is known ---- */

bool proofs_all_valid(const struct proofs *proofs)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (proofs->items[i].state != STATE_VALID)
            return false;
    return true;
}

bool proofs_all_visited(const struct proofs *proofs, int64_t *latest_ms)
{
    int64_t latest = 0;
    for (size_t i = 0; i < proofs->count; i++) {
        const struct proof *proof = &proofs->items[i];
        if (proof->state != STATE_ANSWERED)
            continue;
        if (!proof->visited)
            return false;
        if (proof->visited_ms > latest)
            latest = proof->visited_ms;
    }
    *latest_ms = latest;
    return true;
}

bool proofs_any_reused(const struct proofs *proofs)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (!proofs->items[i].answered)
            return true;
    return proofs->count == 0;
}

void proofs_failed_names(const struct proofs *proofs, struct identifier_list *out)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (proofs->items[i].state == STATE_FAILED)
            (void)identifier_list_add(out, &proofs->items[i].authorization.identifier);
}

bool proofs_failure(const struct proofs *proofs, struct error *out)
{
    AUTO(buf) text = BUF(2 * ERROR_TEXT_MAX);
    const struct error *first = NULL;
    for (size_t i = 0; i < proofs->count && text.len < ERROR_TEXT_MAX; i++) {
        const struct error *error = &proofs->items[i].authorization.error;
        if (proofs->items[i].state != STATE_FAILED)
            continue;
        if (first == NULL)
            first = error;
        buf_add_str(&text, text.len == 0 ? "" : "; ");
        buf_add_str(&text, error->text);
    }
    if (first == NULL)
        return false;
    *out = *first;
    (void)snprintf(out->text, sizeof out->text, "%.*s", ERROR_TEXT_MAX - 1, buf_str(&text));
    return true;
}

#include <acmec/engine/exchange.h>

#include <acmec/acme/problem.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/clock.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>

enum exchange_state { EXCHANGE_WAITING, EXCHANGE_SENT, EXCHANGE_OVER };

struct exchange {
    struct exchange *next;
    struct lane *lane;
    struct exchange_request request;
    enum exchange_state state;
    uint64_t id;
    unsigned tries, bad_nonces;
    int64_t first_ms;      /* when the first try was sent; -1 before */
    int64_t not_before_ms; /* the next try */
};

struct lane {
    struct lane *next;
    struct exchanges *all;
    struct session *session;
    size_t signed_in_flight, fetching;
    bool failed;
    struct error error;
    bool has_date;
    int64_t clock_offset;
};

struct exchanges {
    const struct ports *ports;
    struct exchange *first, **end;
    struct lane *lanes;
    uint64_t last_id;
    bool ended; /* an exchange ended since the last step */
};

/* How a failure without reply is treated. */
struct failure_rule {
    bool again;
    bool unreachable;
    const char *hint;
};

static const struct failure_rule failure_rules[HTTP_FAIL_COUNT] = {
    [HTTP_FAIL_NONE] = {false, false, ""},
    [HTTP_FAIL_RESOLVE] = {true, true,
                           "check the server's name, and that this machine can resolve names"},
    [HTTP_FAIL_CONNECT] = {true, true, "check the network, the firewall, and the proxy settings"},
    [HTTP_FAIL_TLS_UNTRUSTED] =
        {false, true, "if this is a private or test CA, give its root with --ca-bundle FILE"},
    [HTTP_FAIL_TLS] = {true, true, ""},
    [HTTP_FAIL_TIMEOUT] = {true, false, ""},
    [HTTP_FAIL_LOST] = {true, false, ""},
    [HTTP_FAIL_TOO_LARGE] = {false, false, ""},
    [HTTP_FAIL_REDIRECT] = {false, false, "give the CA's final directory URL with --server"},
    [HTTP_FAIL_URL] = {false, false, ""},
    [HTTP_FAIL_PROXY] = {false, true, "check the proxy settings"},
    [HTTP_FAIL_WORKER] = {true, false, ""},
};

/* Waits before the second and the third try. */
static const int64_t retry_waits_ms[EXCHANGE_TRIES] = {0, 300, 1500};
/* A server that cannot be reached within this time is said at once. */
static const int64_t quick_waits_ms[EXCHANGE_TRIES] = {0, 200, 500};

struct exchanges *exchanges_new(const struct ports *ports)
{
    struct exchanges *all = mem_new(1, sizeof *all);
    all->ports = ports;
    all->end = &all->first;
    return all;
}

void exchanges_free(struct exchanges *all)
{
    if (all == NULL)
        return;
    while (all->first != NULL) {
        struct exchange *exchange = all->first;
        all->first = exchange->next;
        free(exchange);
    }
    while (all->lanes != NULL) {
        struct lane *lane = all->lanes;
        all->lanes = lane->next;
        free(lane);
    }
    free(all);
}

struct lane *lane_new(struct exchanges *all, struct session *session)
{
    struct lane *lane = mem_new(1, sizeof *lane);
    lane->all = all;
    lane->session = session;
    lane->next = all->lanes;
    all->lanes = lane;
    return lane;
}

const struct error *lane_error(const struct lane *lane)
{
    return lane->failed ? &lane->error : NULL;
}

bool lane_clock_offset(const struct lane *lane, int64_t *seconds)
{
    if (lane->has_date)
        *seconds = lane->clock_offset;
    return lane->has_date;
}

static int64_t now_ms(const struct exchanges *all)
{
    return clock_mono_ms(all->ports->clock);
}

void exchange_start(struct lane *lane, const struct exchange_request *request)
{
    struct exchanges *all = lane->all;
    struct exchange *exchange = mem_new(1, sizeof *exchange);
    exchange->lane = lane;
    exchange->request = *request;
    exchange->first_ms = -1;
    *all->end = exchange;
    all->end = &exchange->next;
}

void exchanges_cancel(struct exchanges *all, const void *owner)
{
    for (struct exchange *exchange = all->first; exchange != NULL; exchange = exchange->next) {
        if (exchange->request.owner != owner || exchange->state == EXCHANGE_OVER)
            continue;
        if (exchange->state == EXCHANGE_SENT) {
            all->ports->http->ops->cancel(all->ports->http, exchange->id);
            if (exchange->request.is_signed)
                exchange->lane->signed_in_flight--;
        }
        exchange->state = EXCHANGE_OVER;
    }
}

static void sweep(struct exchanges *all)
{
    struct exchange **link = &all->first;
    while (*link != NULL) {
        struct exchange *exchange = *link;
        if (exchange->state == EXCHANGE_OVER) {
            *link = exchange->next;
            free(exchange);
        } else {
            link = &exchange->next;
        }
    }
    all->end = link;
}

static void end_lost(struct exchange *exchange, const struct error *error, bool unreachable)
{
    const struct exchange_request *request = &exchange->request;
    exchange->state = EXCHANGE_OVER;
    exchange->lane->all->ended = true;
    request->ops->lost(request->owner, request->tag, error, unreachable);
}

/* ---- nonces ---- */

static bool nonce_build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    (void)tag;
    (void)err;
    session_nonce_request(((struct lane *)owner)->session, out);
    return true;
}

static void nonce_lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct lane *lane = owner;
    (void)tag;
    lane->fetching--;
    /* Others may still bring one: only the last one's end is everybody's. */
    if (lane->fetching > 0 || lane->signed_in_flight > 0 ||
        session_nonce_count(lane->session, now_ms(lane->all)) > 0)
        return;
    lane->failed = true;
    lane->error = *error;
    for (struct exchange *exchange = lane->all->first; exchange != NULL; exchange = exchange->next)
        if (exchange->lane == lane && exchange->request.is_signed &&
            exchange->state == EXCHANGE_WAITING)
            end_lost(exchange, error, unreachable);
}

static void nonce_reply(void *owner, size_t tag, const struct http_response *response)
{
    struct lane *lane = owner;
    bool good = response->status == 200 || response->status == 204;
    if (good && session_nonce_count(lane->session, now_ms(lane->all)) > 0) {
        lane->fetching--;
        return;
    }
    struct error error = {0};
    if (good) {
        (void)fail(&error, ERR_NETWORK, "the CA gave no nonce");
    } else {
        struct problem problem;
        problem_read(response, NULL, clock_wall(lane->all->ports->clock), &problem);
        error = problem.error;
        (void)while_doing(&error, "asking for a nonce");
    }
    nonce_lost(owner, tag, &error, false);
}

static const struct exchange_ops nonce_ops = {nonce_build, nonce_reply, nonce_lost};

static void fetch_nonce(struct lane *lane)
{
    struct exchange_request request = {
        .ops = &nonce_ops, .owner = lane, .what = "asking for a nonce"};
    lane->fetching++;
    exchange_start(lane, &request);
}

void lane_prefetch(struct lane *lane, size_t wanted)
{
    size_t have = lane->fetching + lane->signed_in_flight +
                  session_nonce_count(lane->session, now_ms(lane->all));
    for (; have < wanted; have++)
        fetch_nonce(lane);
}

/* ---- sending ---- */

static void send_now(struct exchange *exchange)
{
    struct exchanges *all = exchange->lane->all;
    const struct exchange_request *request = &exchange->request;
    AUTO(http_request) http = {0};
    struct error err = {0};
    bool built = request->ops->build(request->owner, request->tag, &http, &err);
    /* What a CA is asked goes to the CA, and is answered by the CA. */
    if (built && exchange->lane->session != NULL && (http.insecure || http.connect_to != NULL))
        built = fail(&err, ERR_NETWORK, "a CA is never asked past its certificate");
    if (!built) {
        end_lost(exchange, &err, false);
        return;
    }
    exchange->id = ++all->last_id;
    if (!all->ports->http->ops->submit(all->ports->http, exchange->id, &http, &err)) {
        end_lost(exchange, &err, false);
        return;
    }
    exchange->state = EXCHANGE_SENT;
    exchange->tries++;
    if (exchange->first_ms < 0)
        exchange->first_ms = now_ms(all);
    if (request->is_signed)
        exchange->lane->signed_in_flight++;
}

/* Whether it may go now. One that waits for a nonce makes sure that one is on its way. */
static bool may_send(struct exchange *exchange, int64_t now)
{
    struct lane *lane = exchange->lane;
    if (!exchange->request.is_signed || session_nonce_count(lane->session, now) > 0)
        return true;
    if (lane->signed_in_flight == 0 && lane->fetching == 0)
        fetch_nonce(lane);
    return false;
}

int64_t exchanges_step(struct exchanges *all)
{
    int64_t now = now_ms(all);
    int64_t next = INT64_MAX;
    sweep(all);
    all->ended = false;
    /* Callbacks and nonce fetches append to the list: they are met in this very pass. */
    for (struct exchange *exchange = all->first; exchange != NULL; exchange = exchange->next) {
        if (exchange->state != EXCHANGE_WAITING)
            continue;
        if (exchange->not_before_ms > now) {
            if (exchange->not_before_ms < next)
                next = exchange->not_before_ms;
        } else if (may_send(exchange, now)) {
            send_now(exchange);
        }
    }
    return all->ended ? now : next;
}

/* ---- replies ---- */

/* Plans another try after wait; false when the exchange has had its tries or its time. */
static bool try_again(struct exchange *exchange, int64_t wait_ms, int64_t within_ms,
                      const char *why)
{
    int64_t now = now_ms(exchange->lane->all);
    if (exchange->request.once || exchange->tries >= EXCHANGE_TRIES ||
        now + wait_ms > exchange->first_ms + within_ms)
        return false;
    exchange->state = EXCHANGE_WAITING;
    exchange->not_before_ms = now + wait_ms;
    log_debug("%s: trying again in %lld ms: %s", exchange->request.what, (long long)wait_ms, why);
    return true;
}

static void take_failure(struct exchange *exchange, const struct event *event)
{
    const struct failure_rule *rule = &failure_rules[event->failure];
    bool quick = rule->unreachable && exchange->request.connect_within_ms > 0;
    int64_t wait = (quick ? quick_waits_ms : retry_waits_ms)[exchange->tries % EXCHANGE_TRIES];
    int64_t within = quick ? exchange->request.connect_within_ms : EXCHANGE_WITHIN_MS;
    if (rule->again && try_again(exchange, wait, within, http_failure_word(event->failure)))
        return;
    struct error err = {0};
    if (event->failure_text[0] != '\0')
        (void)fail(&err, ERR_NETWORK, "%s: %s", http_failure_word(event->failure),
                   event->failure_text);
    else
        (void)fail(&err, ERR_NETWORK, "%s", http_failure_word(event->failure));
    (void)while_doing(&err, "%s", exchange->request.what);
    if (rule->hint[0] != '\0')
        (void)with_hint(&err, "%s", rule->hint);
    end_lost(exchange, &err, rule->unreachable);
}

/* Whether a reply other than a success asks for another try, which is planned then. */
static bool planned_again(struct exchange *exchange, const struct http_response *response)
{
    struct problem problem;
    problem_read(response, NULL, clock_wall(exchange->lane->all->ports->clock), &problem);
    int64_t wait = problem.retry_after < 0 ? retry_waits_ms[exchange->tries % EXCHANGE_TRIES]
                                           : problem.retry_after * 1000;
    switch (problem.retry) {
    case RETRY_NEVER:
        return false;
    case RETRY_NONCE:
        /* What was sent without a nonce is tried as after any other trouble of the CA's. */
        if (!exchange->request.is_signed)
            return try_again(exchange, wait, EXCHANGE_WITHIN_MS, problem.error.text);
        if (++exchange->bad_nonces > EXCHANGE_BAD_NONCES_MAX)
            return false;
        exchange->tries--;
        exchange->state = EXCHANGE_WAITING;
        return true;
    case RETRY_RATE_LIMIT:
        if (problem.retry_after < 0)
            return false;
        /* fall through */
    case RETRY_SOON:
        return wait <= EXCHANGE_RETRY_AFTER_MAX_S * 1000 &&
               try_again(exchange, wait, EXCHANGE_WITHIN_MS, problem.error.text);
    }
    return false;
}

static void take_reply(struct exchange *exchange, const struct http_response *response)
{
    struct lane *lane = exchange->lane;
    const struct exchange_request *request = &exchange->request;
    int64_t date;
    if (http_header_date(response, &date)) {
        lane->has_date = true;
        lane->clock_offset = date - clock_wall(lane->all->ports->clock);
    }
    if (lane->session != NULL)
        session_take_nonce(lane->session, response, now_ms(lane->all));
    if ((response->status < 200 || response->status > 299) && planned_again(exchange, response)) {
        /* Now, so that a badNonce is signed again with the very nonce that came with it. */
        if (exchange->not_before_ms <= now_ms(lane->all) && may_send(exchange, now_ms(lane->all)))
            send_now(exchange);
        return;
    }
    exchange->state = EXCHANGE_OVER;
    request->ops->reply(request->owner, request->tag, response);
}

void exchanges_take(struct exchanges *all, const struct event *event)
{
    struct exchange *exchange = all->first;
    while (exchange != NULL && (exchange->state != EXCHANGE_SENT || exchange->id != event->id))
        exchange = exchange->next;
    if (exchange == NULL)
        return;
    if (exchange->request.is_signed)
        exchange->lane->signed_in_flight--;
    if (event->failure != HTTP_FAIL_NONE)
        take_failure(exchange, event);
    else
        take_reply(exchange, &event->response);
}

/* exchange: one HTTP exchange, tried until it has a final reply. Retry lives here and nowhere else,
 * by the rules of acme/problem and the waits of design section 5:
 *
 *   three tries, the last begun within 20 s; a reply's Retry-After up to 10 s is waited out;
 * badNonce up to 64 times in a row, each signed with that reply's nonce; no signed request is ever
 * sent twice.
 *
 * A lane is one CA's queue: signed exchanges wait in it for a nonce. When no nonce is left and none
 * can come back, a new one is fetched. It never reads what a reply means beyond whether to try
 * again. */
#ifndef ACMEC_ENGINE_EXCHANGE_H
#define ACMEC_ENGINE_EXCHANGE_H

#include <acmec/acme/problem.h>
#include <acmec/acme/session.h>
#include <acmec/data/ports.h>

#define EXCHANGE_TRIES 3
#define EXCHANGE_WITHIN_MS 20000
#define EXCHANGE_RETRY_AFTER_MAX_S 10
#define EXCHANGE_BAD_NONCES_MAX 64

struct exchanges;
struct lane;

/* Whose exchange it is. tag tells an owner's exchanges apart. Callbacks may start exchanges. */
struct exchange_ops {
    /* Called for each try. False ends the exchange with lost. */
    bool (*build)(void *owner, size_t tag, struct http_request *out, struct error *err);
    /* The final reply, good or bad; borrowed. */
    void (*reply)(void *owner, size_t tag, const struct http_response *response);
    /* There will be no reply. unreachable: the server could not be reached at all. */
    void (*lost)(void *owner, size_t tag, const struct error *error, bool unreachable);
};

struct exchange_request {
    const struct exchange_ops *ops;
    void *owner;
    size_t tag;
    const char *what;          /* static, for messages: "ordering" */
    bool is_signed;            /* takes a nonce of the lane */
    bool once;                 /* no second try (the probe at home) */
    int64_t connect_within_ms; /* how long an unreachable server is tried; 0: as everything else */
};

struct exchanges *exchanges_new(const struct ports *ports);
void exchanges_free(struct exchanges *exchanges);

/* A lane for a session (borrowed; NULL: plain requests only). ops' lost is told, with this owner,
 * when no nonce can be had; the exchanges that wait for one have had their own lost before. */
struct lane *lane_new(struct exchanges *exchanges, struct session *session);
/* Fetches nonces ahead, in parallel, so that `wanted` signed exchanges can start at once. */
void lane_prefetch(struct lane *lane, size_t wanted);
/* Why nonces cannot be had, or NULL. */
const struct error *lane_error(const struct lane *lane);
/* How far the CA's clock was ahead of ours in its last reply, in seconds; false: it never said. */
bool lane_clock_offset(const struct lane *lane, int64_t *seconds);

void exchange_start(struct lane *lane, const struct exchange_request *request);
/* Forgets all exchanges of an owner: no callback comes any more. */
void exchanges_cancel(struct exchanges *exchanges, const void *owner);

/* Sends what may be sent now; returns the monotonic moment at which to be called again (INT64_MAX:
 * only after an event). */
int64_t exchanges_step(struct exchanges *exchanges);
/* Takes an EVENT_HTTP. */
void exchanges_take(struct exchanges *exchanges, const struct event *event);

#endif

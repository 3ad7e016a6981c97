#include <acmec/io/responder_link.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/wire_responder.h>
#include <acmec/io/listen.h>
#include <stdio.h>

#define STARTS_MAX 2
/* Visits of one token that are told; the rest of a flood says nothing new. */
#define HITS_TOLD_MAX 64
#define PLACES_MAX (WIRE_LISTENERS_MAX / LISTENERS_MAX)

static const struct worker_program program = {"acmec-responder", 1};

struct token {
    struct token *next;
    struct wire_answer answer;
    unsigned hits;
};

/* A port that was asked for, on one address or on all. */
struct place {
    char *address; /* NULL: all */
    uint16_t port;
    struct listeners listeners;
};

struct responder_link {
    char *dir;
    struct clock *clock;
    struct events *events;
    struct worker worker;
    unsigned starts;
    struct token *tokens;
    struct place places[PLACES_MAX];
    size_t place_count;
};

struct responder_link *responder_link_new(const char *dir, struct clock *clock,
                                          struct events *events)
{
    struct responder_link *link = mem_new(1, sizeof *link);
    link->dir = mem_strdup(dir);
    link->clock = clock;
    link->events = events;
    link->worker.fd = -1;
    return link;
}

void responder_link_free(struct responder_link *link)
{
    if (link == NULL)
        return;
    worker_close(&link->worker);
    while (link->tokens != NULL) {
        struct token *token = link->tokens;
        link->tokens = token->next;
        free(token);
    }
    for (size_t i = 0; i < link->place_count; i++) {
        listeners_release(&link->places[i].listeners);
        free(link->places[i].address);
    }
    free(link->dir);
    free(link);
}

static struct token **find(struct responder_link *link, const char *name)
{
    struct token **at = &link->tokens;
    while (*at != NULL && strcmp((*at)->answer.token, name) != 0)
        at = &(*at)->next;
    return at;
}

/* ---- frames from the worker ---- */

static void push(struct responder_link *link, enum event_kind kind, const char *token,
                 const char *visitor)
{
    struct event event = {.kind = kind};
    (void)snprintf(event.token, sizeof event.token, "%s", token);
    (void)snprintf(event.visitor, sizeof event.visitor, "%.*s", (int)sizeof event.visitor - 1,
                   visitor);
    events_push(link->events, &event);
}

static bool take_hello(struct responder_link *link, struct span payload)
{
    struct wire_hello hello;
    if (link->worker.greeted || !wire_responder_get_hello(payload, &hello))
        return false;
    link->worker.greeted = true;
    if (strcmp(hello.version, ACMEC_VERSION) == 0)
        return true;
    link->starts = STARTS_MAX;
    (void)snprintf(link->worker.end_text, sizeof link->worker.end_text,
                   "acmec was upgraded while it ran, run it again");
    return false;
}

/* A token that was removed meanwhile may still be spoken of. */
static bool take_ack(struct responder_link *link, struct span payload)
{
    char name[WIRE_TOKEN_MAX + 1];
    if (!wire_responder_get_token(payload, name))
        return false;
    if (*find(link, name) != NULL)
        push(link, EVENT_PROOF_READY, name, "");
    return true;
}

static bool take_hit(struct responder_link *link, struct span payload)
{
    struct wire_hit hit;
    if (!wire_responder_get_hit(payload, &hit))
        return false;
    struct token *token = *find(link, hit.token);
    if (token != NULL && token->hits++ < HITS_TOLD_MAX)
        push(link, EVENT_PROOF_HIT, hit.token, escaped_str(hit.visitor).text);
    return true;
}

static bool take_log(struct span payload)
{
    char text[WIRE_LINE_MAX + 1];
    if (!wire_responder_get_log(payload, text))
        return false;
    log_debug("acmec-responder: %s", escaped_str(text).text);
    return true;
}

static bool take_frame(void *ctx, uint8_t type, struct span payload)
{
    struct responder_link *link = ctx;
    if (!link->worker.greeted && type != WIRE_RESPONDER_HELLO)
        return false;
    switch (type) {
    case WIRE_RESPONDER_HELLO:
        return take_hello(link, payload);
    case WIRE_RESPONDER_ACK:
        return take_ack(link, payload);
    case WIRE_RESPONDER_HIT:
        return take_hit(link, payload);
    case WIRE_RESPONDER_LOG:
        return take_log(payload);
    default:
        return false;
    }
}

/* ---- starting ---- */

static bool start(struct responder_link *link, struct error *err)
{
    int fds[WIRE_LISTENERS_MAX];
    size_t count = 0;
    if (link->starts == STARTS_MAX)
        return fail(err, ERR_FILES, "the responder failed: %s", link->worker.end_text);
    for (size_t i = 0; i < link->place_count; i++)
        for (size_t k = 0; k < link->places[i].listeners.count; k++)
            fds[count++] = link->places[i].listeners.fds[k];
    if (!worker_start(&link->worker, &program, link->dir, fds, count, clock_mono_ms(link->clock),
                      err))
        return false;
    link->starts++;
    wire_responder_put_hello(&link->worker.out, ACMEC_VERSION, (uint32_t)count);
    for (const struct token *token = link->tokens; token != NULL; token = token->next)
        wire_responder_put_add(&link->worker.out, token->answer.token,
                               token->answer.key_authorization);
    return true;
}

/* ---- the port ---- */

static bool is_same_place(const struct place *place, const char *address, uint16_t port)
{
    bool same_address = place->address == NULL || address == NULL
                            ? place->address == address
                            : strcmp(place->address, address) == 0;
    return same_address && place->port == port;
}

bool responder_link_listen(struct responder_link *link, const char *address, uint16_t http_port,
                           struct error *err)
{
    for (size_t i = 0; i < link->place_count; i++)
        if (is_same_place(&link->places[i], address, http_port))
            return true;
    if (link->place_count == PLACES_MAX)
        return fail(err, ERR_USAGE, "more than %d different ports or addresses in one run",
                    PLACES_MAX);
    struct listeners listeners = {0};
    if (!listen_open(address, http_port, &listeners, err))
        return false;
    link->places[link->place_count++] = (struct place){mem_strdup(address), http_port, listeners};
    if (!worker_runs(&link->worker))
        return true;
    /* Descriptors go over at the start only: it starts anew, with all of them, which is no failure.
     */
    worker_close(&link->worker);
    link->starts--;
    return start(link, err);
}

bool responder_link_add(struct responder_link *link, const char *token,
                        const char *key_authorization, struct error *err)
{
    if (strlen(token) > WIRE_TOKEN_MAX || !wire_token_ok(token) ||
        strlen(key_authorization) > WIRE_AUTHORIZATION_MAX)
        return fail(err, ERR_REFUSED, "the CA's token is malformed");
    struct token **at = find(link, token);
    if (*at == NULL)
        *at = mem_new(1, sizeof **at);
    struct wire_answer *answer = &(*at)->answer;
    (void)snprintf(answer->token, sizeof answer->token, "%s", token);
    (void)snprintf(answer->key_authorization, sizeof answer->key_authorization, "%s",
                   key_authorization);
    if (!worker_runs(&link->worker))
        return start(link, err);
    wire_responder_put_add(&link->worker.out, token, key_authorization);
    return true;
}

void responder_link_remove(struct responder_link *link, const char *token)
{
    struct token **at = find(link, token);
    struct token *found = *at;
    if (found == NULL)
        return;
    *at = found->next;
    free(found);
    if (worker_runs(&link->worker))
        wire_responder_put_token(&link->worker.out, WIRE_RESPONDER_REMOVE, token);
}

int responder_link_fd(const struct responder_link *link)
{
    return worker_runs(&link->worker) ? link->worker.fd : -1;
}

short responder_link_poll_events(const struct responder_link *link)
{
    return worker_poll_events(&link->worker);
}

int64_t responder_link_deadline_ms(const struct responder_link *link)
{
    bool waits = worker_runs(&link->worker) && !link->worker.greeted;
    return waits ? link->worker.hello_deadline_ms : INT64_MAX;
}

void responder_link_step(struct responder_link *link)
{
    struct worker_sink sink = {take_frame, link};
    if (!worker_runs(&link->worker) ||
        worker_step(&link->worker, &sink, clock_mono_ms(link->clock)) || link->tokens == NULL)
        return;
    struct event event = {.kind = EVENT_PROOF_LOST};
    if (!start(link, &event.error))
        events_push(link->events, &event);
}

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
    char name[WIRE_TOKEN_MAX + 1];
    struct buf frame; /* ADD or ADD_TLS, for a responder that starts anew */
    unsigned awaited; /* ACKs: one for each time that the frame went to this responder */
    unsigned hits;
};

/* A port that was asked for, on one address or on all. */
struct place {
    char *address; /* NULL: all */
    uint16_t port;
    bool tls;
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

static void token_free(struct token *token)
{
    buf_release(&token->frame);
    free(token);
}

void responder_link_free(struct responder_link *link)
{
    if (link == NULL)
        return;
    worker_close(&link->worker);
    while (link->tokens != NULL) {
        struct token *token = link->tokens;
        link->tokens = token->next;
        token_free(token);
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
    while (*at != NULL && strcmp((*at)->name, name) != 0)
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
    struct token *token = *find(link, name);
    if (token == NULL)
        return true;
    if (token->awaited == 0)
        return false;
    token->awaited--;
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

/* Appends the descriptors of one kind; returns how many. */
static size_t collect(const struct responder_link *link, bool tls, int *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < link->place_count; i++)
        for (size_t k = 0; k < link->places[i].listeners.count && link->places[i].tls == tls; k++)
            fds[count++] = link->places[i].listeners.fds[k];
    return count;
}

static bool start(struct responder_link *link, struct error *err)
{
    int fds[WIRE_LISTENERS_MAX];
    if (link->starts == STARTS_MAX)
        return fail(err, ERR_FILES, "the responder failed: %s", link->worker.end_text);
    size_t plain = collect(link, false, fds);
    size_t tls = collect(link, true, fds + plain);
    if (!worker_start(&link->worker, &program, link->dir, fds, plain + tls,
                      clock_mono_ms(link->clock), err))
        return false;
    link->starts++;
    wire_responder_put_hello(&link->worker.out, ACMEC_VERSION, (uint32_t)plain, (uint32_t)tls);
    for (struct token *token = link->tokens; token != NULL; token = token->next) {
        buf_add_span(&link->worker.out, buf_span(&token->frame));
        token->awaited = 1;
    }
    return true;
}

/* ---- the port ---- */

static bool is_same_place(const struct place *place, const char *address, uint16_t port, bool tls)
{
    bool same_address = place->address == NULL || address == NULL
                            ? place->address == address
                            : strcmp(place->address, address) == 0;
    return same_address && place->port == port && place->tls == tls;
}

bool responder_link_listen(struct responder_link *link, const char *address, uint16_t number,
                           bool tls, struct error *err)
{
    for (size_t i = 0; i < link->place_count; i++)
        if (is_same_place(&link->places[i], address, number, tls))
            return true;
    if (link->place_count == PLACES_MAX)
        return fail(err, ERR_USAGE, "more than %d different ports or addresses in one run",
                    PLACES_MAX);
    struct listeners listeners = {0};
    if (!listen_open(address, number, &listeners, err))
        return false;
    link->places[link->place_count++] = (struct place){mem_strdup(address), number, tls, listeners};
    if (!worker_runs(&link->worker))
        return true;
    /* Descriptors go over at the start only: it starts anew, with all of them, which is no failure.
     */
    worker_close(&link->worker);
    link->starts--;
    return start(link, err);
}

/* The token's entry with an empty frame. */
static struct token *enter(struct responder_link *link, const char *name)
{
    struct token **at = find(link, name);
    if (*at == NULL)
        *at = mem_new(1, sizeof **at);
    struct token *token = *at;
    (void)snprintf(token->name, sizeof token->name, "%s", name);
    buf_release(&token->frame);
    token->frame = BUF(FRAME_MAX);
    return token;
}

static bool tell(struct responder_link *link, struct token *token, struct error *err)
{
    if (!worker_runs(&link->worker))
        return start(link, err);
    buf_add_span(&link->worker.out, buf_span(&token->frame));
    token->awaited++;
    return true;
}

bool responder_link_add(struct responder_link *link, const char *token,
                        const char *key_authorization, struct error *err)
{
    if (strlen(token) > WIRE_TOKEN_MAX || !wire_token_ok(token) ||
        strlen(key_authorization) > WIRE_AUTHORIZATION_MAX)
        return fail(err, ERR_REFUSED, "the CA's token is malformed");
    struct token *entry = enter(link, token);
    wire_responder_put_add(&entry->frame, token, key_authorization);
    return tell(link, entry, err);
}

bool responder_link_add_tls(struct responder_link *link, const char *token,
                            const struct tls_answer *answer, struct error *err)
{
    struct wire_tls_answer wire = {.cert = answer->cert, .key = answer->key};
    if (strlen(token) > WIRE_TOKEN_MAX || !wire_token_ok(token) ||
        !wire_server_name_ok(answer->server_name))
        return fail(err, ERR_REFUSED, "the CA's token is malformed");
    struct token *entry = enter(link, token);
    (void)snprintf(wire.token, sizeof wire.token, "%s", token);
    (void)snprintf(wire.server_name, sizeof wire.server_name, "%s", answer->server_name);
    wire_responder_put_add_tls(&entry->frame, &wire);
    return tell(link, entry, err);
}

void responder_link_remove(struct responder_link *link, const char *token)
{
    struct token **at = find(link, token);
    struct token *found = *at;
    if (found == NULL)
        return;
    *at = found->next;
    token_free(found);
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

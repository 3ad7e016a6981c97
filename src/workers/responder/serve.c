#include "serve.h"

#include "answer.h"
#include "sweep.h"
#include "tls.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <time.h>

#define HEADERS_MAX 8192
#define BODY_MAX 1024
#define SILENCE_MAX_S 5
#define CONNECTION_MAX_S 10
/* When no descriptor is left, older connections than this make room. */
#define CONNECTION_FULL_S 2
#define HITS_QUEUED_MAX (256 * 1024)
#define ANY_METHOD                                                                                 \
    (EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |     \
     EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

struct server {
    struct event_base *base;
    struct evhttp *http;
    struct bufferevent *keeper;
    struct event *clock, *reopen;
    struct evconnlistener *listeners[WIRE_LISTENERS_MAX];
    size_t listener_count;
    struct evconnlistener *tls_listeners[WIRE_LISTENERS_MAX]; /* ours to free, of listeners */
    size_t tls_listener_count;
    int first_listener, files;
    struct answers answers;
    struct tls_server *tls; /* NULL: no listener for it */
    struct sweep *sweep;
    bool greeted, broken;
};

/* ---- to the keeper ---- */

static void tell(struct server *server, struct buf *frame)
{
    if (buf_ok(frame))
        (void)bufferevent_write(server->keeper, frame->data, frame->len);
}

static void tell_hit(struct server *server, const char *token, const char *visitor)
{
    /* A flood of visits is of no interest: the keeper only wants to know that there was one. */
    if (evbuffer_get_length(bufferevent_get_output(server->keeper)) > HITS_QUEUED_MAX)
        return;
    AUTO(buf) frame = BUF(4096);
    wire_responder_put_hit(&frame, token, visitor);
    tell(server, &frame);
}

/* ---- to strangers ---- */

static void on_request(struct evhttp_request *request, void *ctx)
{
    struct server *server = ctx;
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    const char *target = evhttp_request_get_uri(request);
    const struct wire_answer *answer = NULL;
    if (target != NULL && (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD))
        answer = answers_find(&server->answers, target);
    struct evbuffer *body = evbuffer_new();
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    (void)evhttp_add_header(headers, "Connection", "close");
    (void)evhttp_add_header(headers, "Content-Type",
                            answer == NULL ? "text/plain" : "application/octet-stream");
    const char *text = answer == NULL ? "not found\n" : answer->key_authorization;
    (void)evbuffer_add(body, text, strlen(text));
    if (answer != NULL) {
        char *address = NULL;
        ev_uint16_t port = 0;
        evhttp_connection_get_peer(evhttp_request_get_connection(request), &address, &port);
        tell_hit(server, answer->token, address == NULL ? "" : address);
    }
    evhttp_send_reply(request, answer == NULL ? 404 : 200, answer == NULL ? "Not Found" : "OK",
                      body);
    evbuffer_free(body);
}

static int64_t seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1; /* never 0, which means unknown to the sweep */
}

static void on_clock(evutil_socket_t fd, short what, void *ctx)
{
    struct server *server = ctx;
    (void)fd;
    (void)what;
    sweep_connections(server->sweep, server->files, seconds(), CONNECTION_MAX_S);
}

static void on_reopen(evutil_socket_t fd, short what, void *ctx)
{
    struct server *server = ctx;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < server->listener_count; i++)
        (void)evconnlistener_enable(server->listeners[i]);
}

/* No descriptor left: accepting pauses instead of spinning, and the oldest connections go. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    struct server *server = ctx;
    const struct timeval pause = {0, 200000};
    (void)listener;
    for (size_t i = 0; i < server->listener_count; i++)
        (void)evconnlistener_disable(server->listeners[i]);
    sweep_connections(server->sweep, server->files, seconds(), CONNECTION_FULL_S);
    (void)event_add(server->reopen, &pause);
}

/* ---- from the keeper ---- */

static bool open_listener(struct server *server, int fd)
{
    struct evhttp_bound_socket *bound = NULL;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        bound = evhttp_accept_socket_with_handle(server->http, fd);
    if (bound == NULL)
        return false;
    struct evconnlistener *listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(listener, on_accept_error);
    server->listeners[server->listener_count++] = listener;
    return true;
}

static void on_tls_visit(void *ctx, const char *token, const char *visitor)
{
    tell_hit(ctx, token, visitor);
}

static void on_tls_accept(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int len, void *ctx)
{
    const struct server *server = ctx;
    char visitor[WIRE_VISITOR_MAX + 1] = "";
    (void)listener;
    (void)getnameinfo(address, (socklen_t)len, visitor, sizeof visitor, NULL, 0, NI_NUMERICHOST);
    tls_server_accept(server->tls, fd, visitor);
}

static bool open_tls_listener(struct server *server, int fd)
{
    if (server->tls == NULL)
        server->tls = tls_server_new(server->base, on_tls_visit, server);
    if (server->tls == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return false;
    struct evconnlistener *listener = evconnlistener_new(
        server->base, on_tls_accept, server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (listener == NULL)
        return false;
    evconnlistener_set_error_cb(listener, on_accept_error);
    server->listeners[server->listener_count++] = listener;
    server->tls_listeners[server->tls_listener_count++] = listener;
    return true;
}

static bool take_hello(struct server *server, struct span payload)
{
    struct wire_hello hello;
    if (server->greeted || !wire_responder_get_hello(payload, &hello) ||
        strcmp(hello.version, ACMEC_VERSION) != 0)
        return false;
    int fd = server->first_listener;
    for (uint32_t i = 0; i < hello.listeners; i++)
        if (!open_listener(server, fd++))
            return false;
    for (uint32_t i = 0; i < hello.tls_listeners; i++)
        if (!open_tls_listener(server, fd++))
            return false;
    server->greeted = true;
    return true;
}

static bool acknowledge(struct server *server, const char *token)
{
    AUTO(buf) frame = BUF(4096);
    wire_responder_put_token(&frame, WIRE_RESPONDER_ACK, token);
    tell(server, &frame);
    return true;
}

static bool take_add(struct server *server, struct span payload)
{
    struct wire_answer answer;
    return wire_responder_get_add(payload, &answer) && answers_add(&server->answers, &answer) &&
           acknowledge(server, answer.token);
}

static bool take_add_tls(struct server *server, struct span payload)
{
    struct wire_tls_answer answer;
    return server->tls != NULL && wire_responder_get_add_tls(payload, &answer) &&
           tls_server_add(server->tls, &answer) && acknowledge(server, answer.token);
}

static bool take_remove(struct server *server, struct span payload)
{
    char token[WIRE_TOKEN_MAX + 1];
    if (!wire_responder_get_token(payload, token))
        return false;
    answers_remove(&server->answers, token);
    if (server->tls != NULL)
        tls_server_remove(server->tls, token);
    return true;
}

static bool take_frame(struct server *server, uint8_t type, struct span payload)
{
    if (!server->greeted && type != WIRE_RESPONDER_HELLO)
        return false;
    switch (type) {
    case WIRE_RESPONDER_HELLO:
        return take_hello(server, payload);
    case WIRE_RESPONDER_ADD:
        return take_add(server, payload);
    case WIRE_RESPONDER_ADD_TLS:
        return take_add_tls(server, payload);
    case WIRE_RESPONDER_REMOVE:
        return take_remove(server, payload);
    default:
        return false;
    }
}

static void on_keeper(struct bufferevent *keeper, void *ctx)
{
    struct server *server = ctx;
    struct evbuffer *in = bufferevent_get_input(keeper);
    for (;;) {
        uint8_t type;
        struct span payload;
        size_t used;
        struct span bytes = span_of(evbuffer_pullup(in, -1), evbuffer_get_length(in));
        enum frame_result result = frame_next(bytes, &type, &payload, &used);
        if (result == FRAME_NONE)
            return;
        if (result == FRAME_BROKEN || !take_frame(server, type, payload)) {
            server->broken = true;
            (void)event_base_loopbreak(server->base);
            return;
        }
        (void)evbuffer_drain(in, used);
    }
}

static void on_keeper_gone(struct bufferevent *keeper, short what, void *ctx)
{
    (void)keeper;
    (void)what;
    (void)event_base_loopbreak(((struct server *)ctx)->base);
}

/* ---- start and end ---- */

static bool start(struct server *server, int fd)
{
    const struct timeval second = {1, 0};
    struct rlimit files = {0};
    server->base = event_base_new();
    server->http = server->base == NULL ? NULL : evhttp_new(server->base);
    if (server->http == NULL || evutil_make_socket_nonblocking(fd) != 0)
        return false;
    evhttp_set_max_headers_size(server->http, HEADERS_MAX);
    evhttp_set_max_body_size(server->http, BODY_MAX);
    evhttp_set_timeout(server->http, SILENCE_MAX_S);
    evhttp_set_allowed_methods(server->http, ANY_METHOD);
    evhttp_set_gencb(server->http, on_request, server);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    server->files = files.rlim_cur > SWEEP_FILES_MAX ? SWEEP_FILES_MAX : (int)files.rlim_cur;
    server->sweep = mem_new(1, sizeof *server->sweep);
    server->keeper = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    server->clock = event_new(server->base, -1, EV_PERSIST, on_clock, server);
    server->reopen = event_new(server->base, -1, 0, on_reopen, server);
    if (server->keeper == NULL || server->clock == NULL || server->reopen == NULL)
        return false;
    bufferevent_setcb(server->keeper, on_keeper, NULL, on_keeper_gone, server);
    bufferevent_setwatermark(server->keeper, EV_READ, 0, FRAME_MAX + FRAME_HEAD);
    AUTO(buf) hello = BUF(256);
    wire_responder_put_hello(&hello, ACMEC_VERSION, 0, 0);
    tell(server, &hello);
    return bufferevent_enable(server->keeper, EV_READ | EV_WRITE) == 0 &&
           event_add(server->clock, &second) == 0;
}

static void end(struct server *server)
{
    if (server->clock != NULL)
        event_free(server->clock);
    if (server->reopen != NULL)
        event_free(server->reopen);
    if (server->keeper != NULL)
        bufferevent_free(server->keeper);
    if (server->http != NULL)
        evhttp_free(server->http);
    for (size_t i = 0; i < server->tls_listener_count; i++)
        evconnlistener_free(server->tls_listeners[i]);
    tls_server_free(server->tls);
    if (server->base != NULL)
        event_base_free(server->base);
    answers_release(&server->answers);
    free(server->sweep);
}

int serve(int fd)
{
    struct server server = {.first_listener = fd + 1};
    bool good = start(&server, fd) && event_base_dispatch(server.base) >= 0 && !server.broken;
    end(&server);
    return good ? 0 : 1;
}

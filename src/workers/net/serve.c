#include "serve.h"

#include "handshake.h"
#include "resolver.h"
#include "transfer.h"
#include <acmec/base/cleanup.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#define QUEUE_MAX (64 * 1024 * 1024)
/* With more than this waiting for the keeper nothing new is read, from it or from the servers. */
#define QUEUE_FULL (8 * 1024 * 1024)
#define IN_MAX (FRAME_MAX + 64 * 1024)
#define READ_SIZE (64 * 1024)
#define WAIT_MS 1000

struct server {
    int fd;
    struct buf in, out;
    struct wire_net_config config;
    struct transfers *transfers; /* NULL until CONFIG, and so are the others */
    struct handshakes *handshakes;
    struct resolver *resolver;
    bool greeted, gone, broken;
};

static void on_reply(void *ctx, uint64_t id, const struct http_response *response)
{
    wire_net_put_reply(&((struct server *)ctx)->out, id, response);
}

static void on_failed(void *ctx, uint64_t id, enum http_failure failure, const char *text)
{
    wire_net_put_failed(&((struct server *)ctx)->out, id, failure, text);
}

static void on_seen(void *ctx, uint64_t id, const struct tls_report *report)
{
    wire_net_put_seen(&((struct server *)ctx)->out, id, report);
}

static void on_answered(void *ctx, uint64_t id, const struct dns_answer *answer)
{
    wire_net_put_answer(&((struct server *)ctx)->out, id, answer);
}

/* ---- frames from the keeper ---- */

static bool take_hello(struct server *server, struct span payload)
{
    char version[64];
    server->greeted = !server->greeted && wire_net_get_hello(payload, version) &&
                      strcmp(version, ACMEC_VERSION) == 0;
    return server->greeted;
}

static bool take_config(struct server *server, struct span payload)
{
    struct transfer_sink sink = {on_reply, on_failed, server};
    if (server->transfers != NULL || !wire_net_get_config(payload, &server->config))
        return false;
    server->transfers = transfers_new(&server->config, &sink);
    if (server->transfers == NULL)
        return false;
    server->handshakes = handshakes_new(&(struct handshake_sink){on_seen, on_failed, server});
    server->resolver = resolver_new(&(struct resolver_sink){on_answered, on_failed, server});
    return server->resolver != NULL;
}

static bool take_request(struct server *server, struct span payload)
{
    AUTO(http_request) request = {0};
    uint64_t id;
    if (server->resolver == NULL || !wire_net_get_request(payload, &id, &request))
        return false;
    transfers_start(server->transfers, id, &request);
    return true;
}

static bool take_probe(struct server *server, struct span payload)
{
    AUTO(tls_request) request = {0};
    uint64_t id;
    if (server->resolver == NULL || !wire_net_get_probe(payload, &id, &request))
        return false;
    handshakes_start(server->handshakes, id, &request);
    return true;
}

static bool take_query(struct server *server, struct span payload)
{
    AUTO(dns_query) query = {0};
    uint64_t id;
    if (server->resolver == NULL || !wire_net_get_query(payload, &id, &query))
        return false;
    resolver_start(server->resolver, id, &query);
    return true;
}

static bool take_cancel(struct server *server, struct span payload)
{
    uint64_t id;
    if (server->resolver == NULL || !wire_net_get_cancel(payload, &id))
        return false;
    transfers_cancel(server->transfers, id);
    handshakes_cancel(server->handshakes, id);
    resolver_cancel(server->resolver, id);
    return true;
}

static bool take_frame(struct server *server, uint8_t type, struct span payload)
{
    if (!server->greeted && type != WIRE_NET_HELLO)
        return false;
    switch (type) {
    case WIRE_NET_HELLO:
        return take_hello(server, payload);
    case WIRE_NET_CONFIG:
        return take_config(server, payload);
    case WIRE_NET_REQUEST:
        return take_request(server, payload);
    case WIRE_NET_CANCEL:
        return take_cancel(server, payload);
    case WIRE_NET_PROBE:
        return take_probe(server, payload);
    case WIRE_NET_QUERY:
        return take_query(server, payload);
    default:
        return false;
    }
}

static void take_frames(struct server *server)
{
    size_t done = 0;
    for (;;) {
        uint8_t type;
        struct span payload;
        size_t used = 0;
        struct span rest = span_of(buf_str(&server->in) + done, server->in.len - done);
        enum frame_result result = frame_next(rest, &type, &payload, &used);
        if (result == FRAME_NONE)
            break;
        if (result == FRAME_BROKEN || !take_frame(server, type, payload)) {
            server->broken = true;
            return;
        }
        done += used;
    }
    buf_consume(&server->in, done);
}

/* ---- the socket ---- */

static void read_socket(struct server *server)
{
    char bytes[READ_SIZE];
    while (!server->gone && !server->broken) {
        ssize_t len = recv(server->fd, bytes, sizeof bytes, 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (len <= 0) {
            server->gone = true;
            return;
        }
        buf_add(&server->in, bytes, (size_t)len);
        take_frames(server);
    }
}

static void write_socket(struct server *server)
{
    if (!buf_ok(&server->out)) {
        server->broken = true;
        return;
    }
    while (server->out.len > 0) {
        ssize_t len = send(server->fd, server->out.data, server->out.len, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (len < 0) {
            server->gone = true;
            return;
        }
        buf_consume(&server->out, (size_t)len);
    }
}

static void step(struct server *server)
{
    if (server->resolver == NULL)
        return;
    transfers_step(server->transfers);
    handshakes_step(server->handshakes);
    resolver_step(server->resolver);
}

static void wait_for(struct server *server, bool full)
{
    struct waits waits = {.timeout_ms = WAIT_MS};
    waits_add(&waits, server->fd,
              (short)((full ? 0 : POLLIN) | (server->out.len > 0 ? POLLOUT : 0)));
    if (server->resolver == NULL || full) {
        (void)poll(waits.fds, waits.count, waits.timeout_ms);
        return;
    }
    handshakes_wait(server->handshakes, &waits);
    resolver_wait(server->resolver, &waits);
    transfers_wait(server->transfers, &waits);
}

int serve(int fd)
{
    struct server server = {.fd = fd, .in = BUF(IN_MAX), .out = BUF(QUEUE_MAX)};
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return 1;
    wire_net_put_hello(&server.out, ACMEC_VERSION);
    while (!server.gone && !server.broken) {
        bool full = server.out.len > QUEUE_FULL;
        if (!full) {
            read_socket(&server);
            step(&server);
        }
        write_socket(&server);
        if (!server.gone && !server.broken)
            wait_for(&server, full);
    }
    resolver_free(server.resolver);
    handshakes_free(server.handshakes);
    transfers_free(server.transfers);
    wire_net_config_release(&server.config);
    buf_release(&server.in);
    buf_release(&server.out);
    return server.broken ? 1 : 0;
}

#include "handshake.h"

#include "tls_client.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>

#define AT_ONCE_MAX 64
#define DEFAULT_TIMEOUT_MS 10000
#define PROXY_LINE_MAX 107

enum phase { PHASE_QUEUED, PHASE_CONNECT, PHASE_PROXY, PHASE_TLS };

struct handshake {
    struct handshake *next;
    uint64_t id;
    struct tls_request request;
    struct tls_report report;
    enum phase phase;
    int fd;
    SSL *ssl;
    short events; /* what it waits for */
    int64_t started_ms, connected_ms;
};

struct handshakes {
    struct handshake_sink sink;
    struct clock clock;
    struct handshake *first, **end;
};

struct handshakes *handshakes_new(const struct handshake_sink *sink)
{
    struct handshakes *all = mem_new(1, sizeof *all);
    all->sink = *sink;
    all->clock = clock_system();
    all->end = &all->first;
    return all;
}

static void handshake_free(struct handshake *handshake)
{
    tls_client_free(handshake->ssl);
    if (handshake->fd >= 0)
        (void)close(handshake->fd);
    tls_request_release(&handshake->request);
    tls_report_release(&handshake->report);
    free(handshake);
}

void handshakes_free(struct handshakes *all)
{
    while (all != NULL && all->first != NULL) {
        struct handshake *handshake = all->first;
        all->first = handshake->next;
        handshake_free(handshake);
    }
    free(all);
}

void handshakes_start(struct handshakes *all, uint64_t id, struct tls_request *request)
{
    struct handshake *handshake = mem_new(1, sizeof *handshake);
    handshake->id = id;
    handshake->request = *request;
    *request = (struct tls_request){0};
    handshake->fd = -1;
    *all->end = handshake;
    all->end = &handshake->next;
}

static void unlink_from(struct handshakes *all, struct handshake **link)
{
    struct handshake *handshake = *link;
    *link = handshake->next;
    if (all->end == &handshake->next)
        all->end = link;
    handshake_free(handshake);
}

void handshakes_cancel(struct handshakes *all, uint64_t id)
{
    for (struct handshake **link = &all->first; *link != NULL; link = &(*link)->next) {
        if ((*link)->id != id)
            continue;
        unlink_from(all, link);
        return;
    }
}

/* ---- the phases: each says whether the handshake goes on (WAIT, NEXT) or is over ---- */

enum move { MOVE_WAIT, MOVE_NEXT, MOVE_SEEN, MOVE_FAILED };

struct failure {
    enum http_failure kind;
    const char *text;
};

static enum move fail_move(struct failure *failure, enum http_failure kind, const char *text)
{
    *failure = (struct failure){kind, text};
    return MOVE_FAILED;
}

static enum move connect_socket(struct handshake *handshake, int64_t now_ms,
                                struct failure *failure)
{
    char port[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    (void)snprintf(port, sizeof port, "%u", (unsigned)handshake->request.port);
    handshake->started_ms = now_ms;
    if (getaddrinfo(handshake->request.address, port, &hints, &found) != 0)
        return fail_move(failure, HTTP_FAIL_URL, "this is no address");
    handshake->fd =
        socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    bool begun =
        handshake->fd >= 0 &&
        (connect(handshake->fd, found->ai_addr, found->ai_addrlen) == 0 || errno == EINPROGRESS);
    int errnum = errno;
    freeaddrinfo(found);
    if (!begun)
        return fail_move(failure, HTTP_FAIL_CONNECT, strerror(errnum));
    handshake->phase = PHASE_CONNECT;
    handshake->events = POLLOUT;
    return MOVE_NEXT;
}

static enum move await_connection(struct handshake *handshake, int64_t now_ms,
                                  struct failure *failure)
{
    struct pollfd pollfd = {.fd = handshake->fd, .events = POLLOUT};
    int errnum = 0;
    socklen_t size = sizeof errnum;
    if (poll(&pollfd, 1, 0) <= 0)
        return MOVE_WAIT;
    if (getsockopt(handshake->fd, SOL_SOCKET, SO_ERROR, &errnum, &size) != 0 || errnum != 0)
        return fail_move(failure, HTTP_FAIL_CONNECT, strerror(errnum == 0 ? errno : errnum));
    handshake->connected_ms = now_ms;
    handshake->report.connect_ms = (uint32_t)(now_ms - handshake->started_ms);
    handshake->phase = PHASE_PROXY;
    return MOVE_NEXT;
}

/* Both ends of the connection as they are, in the form of the PROXY protocol, version 1. */
static void proxy_line(int fd, char line[static PROXY_LINE_MAX + 1])
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof here, there_size = sizeof there;
    char from[NI_MAXHOST] = "", to[NI_MAXHOST] = "", from_port[8] = "", to_port[8] = "";
    const int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    bool known = getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
                 getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 &&
                 getnameinfo((struct sockaddr *)&here, here_size, from, sizeof from, from_port,
                             sizeof from_port, numeric) == 0 &&
                 getnameinfo((struct sockaddr *)&there, there_size, to, sizeof to, to_port,
                             sizeof to_port, numeric) == 0 &&
                 strchr(from, '%') == NULL && strchr(to, '%') == NULL;
    int len = !known ? -1
                     : snprintf(line, PROXY_LINE_MAX + 1, "PROXY %s %s %s %s %s\r\n",
                                here.ss_family == AF_INET ? "TCP4" : "TCP6", from, to, from_port,
                                to_port);
    if (len < 0 || len > PROXY_LINE_MAX)
        (void)snprintf(line, PROXY_LINE_MAX + 1, "PROXY UNKNOWN\r\n");
}

/* A fresh connection takes so short a line whole. */
static enum move send_proxy_line(struct handshake *handshake, struct failure *failure)
{
    char line[PROXY_LINE_MAX + 1];
    if (handshake->request.proxy_protocol) {
        proxy_line(handshake->fd, line);
        ssize_t sent = send(handshake->fd, line, strlen(line), MSG_NOSIGNAL);
        if (sent != (ssize_t)strlen(line))
            return fail_move(failure, HTTP_FAIL_LOST, "the PROXY line could not be sent");
    }
    handshake->ssl = tls_client_new(&handshake->request, handshake->fd, &handshake->report);
    if (handshake->ssl == NULL)
        return fail_move(failure, HTTP_FAIL_TLS, "OpenSSL cannot offer that");
    handshake->phase = PHASE_TLS;
    return MOVE_NEXT;
}

static enum move shake_hands(struct handshake *handshake, int64_t now_ms, struct failure *failure)
{
    ERR_clear_error();
    int result = SSL_connect(handshake->ssl);
    int errnum = errno;
    if (result == 1) {
        handshake->report.handshake_ms = (uint32_t)(now_ms - handshake->connected_ms);
        return tls_client_report(handshake->ssl, &handshake->report)
                   ? MOVE_SEEN
                   : fail_move(failure, HTTP_FAIL_TOO_LARGE, "the certificate chain is too large");
    }
    int reason = SSL_get_error(handshake->ssl, result);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
        handshake->events = reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        return MOVE_WAIT;
    }
    if (reason == SSL_ERROR_SYSCALL && errnum != 0 && ERR_peek_error() == 0)
        return fail_move(failure, HTTP_FAIL_LOST, strerror(errnum));
    return fail_move(failure, HTTP_FAIL_TLS, tls_client_failure(&handshake->report));
}

static enum move move_on(struct handshake *handshake, int64_t now_ms, struct failure *failure)
{
    switch (handshake->phase) {
    case PHASE_QUEUED:
        return connect_socket(handshake, now_ms, failure);
    case PHASE_CONNECT:
        return await_connection(handshake, now_ms, failure);
    case PHASE_PROXY:
        return send_proxy_line(handshake, failure);
    case PHASE_TLS:
        return shake_hands(handshake, now_ms, failure);
    }
    return MOVE_WAIT;
}

static int64_t deadline_of(const struct handshake *handshake)
{
    unsigned wanted = handshake->request.timeout_ms;
    return handshake->started_ms + (wanted == 0 ? DEFAULT_TIMEOUT_MS : (int64_t)wanted);
}

/* Whether it is over; its end has been told then. */
static bool step(struct handshakes *all, struct handshake *handshake)
{
    struct failure failure = {0};
    enum move move;
    int64_t now_ms = clock_mono_ms(&all->clock);
    do
        move = move_on(handshake, now_ms, &failure);
    while (move == MOVE_NEXT);
    if (move == MOVE_WAIT && now_ms >= deadline_of(handshake)) {
        bool connected = handshake->phase != PHASE_CONNECT;
        move = fail_move(&failure, connected ? HTTP_FAIL_TIMEOUT : HTTP_FAIL_CONNECT,
                         connected ? "the handshake did not end in time"
                                   : "no answer within the time limit");
    }
    if (move == MOVE_WAIT)
        return false;
    if (move == MOVE_SEEN)
        all->sink.seen(all->sink.ctx, handshake->id, &handshake->report);
    else
        all->sink.failed(all->sink.ctx, handshake->id, failure.kind, failure.text);
    return true;
}

void handshakes_step(struct handshakes *all)
{
    size_t active = 0;
    for (struct handshake **link = &all->first; *link != NULL && active < AT_ONCE_MAX;) {
        if (step(all, *link)) {
            unlink_from(all, link);
            continue;
        }
        active++;
        link = &(*link)->next;
    }
}

void handshakes_wait(const struct handshakes *all, struct waits *waits)
{
    struct clock clock = all->clock;
    int64_t now_ms = clock_mono_ms(&clock);
    for (const struct handshake *one = all->first; one != NULL; one = one->next) {
        if (one->phase == PHASE_QUEUED)
            continue;
        waits_add(waits, one->fd, one->events);
        waits_until(waits, deadline_of(one) - now_ms);
    }
}

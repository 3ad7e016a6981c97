#include "resolver.h"

/* What newer versions call old is all that 1.18 has. */
#define CARES_NO_DEPRECATED

#include <acmec/base/mem.h>
#include <acmec/data/dns_wire.h>
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/time.h>

#define AT_ONCE_MAX 16
#define DEFAULT_TIMEOUT_MS 5000
#define TRY_MS 1500
#define TRIES 3
#define EDNS_SIZE 1232 /* what passes nearly everywhere in one piece */
#define CLASS_IN 1

enum state { STATE_QUEUED, STATE_ASKED, STATE_ANSWERED, STATE_FAILED };

/* One question has one channel, so that each has its own servers and its own end. */
struct lookup {
    struct lookup *next;
    uint64_t id;
    struct dns_query query;
    enum state state;
    bool takes_refusals;  /* the second time: a server's SERVFAIL or REFUSED is the answer */
    ares_channel channel; /* NULL until asked */
    int64_t deadline_ms;
    struct dns_answer answer;
    enum http_failure failure;
    const char *text; /* static */
};

struct resolver {
    struct resolver_sink sink;
    struct clock clock;
    struct lookup *first, **end;
};

struct resolver *resolver_new(const struct resolver_sink *sink)
{
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return NULL;
    struct resolver *resolver = mem_new(1, sizeof *resolver);
    resolver->sink = *sink;
    resolver->clock = clock_system();
    resolver->end = &resolver->first;
    return resolver;
}

/* Destroying a channel calls back for what is still asked: the lookup must be whole until then. */
static void lookup_free(struct lookup *lookup)
{
    if (lookup->channel != NULL)
        ares_destroy(lookup->channel);
    dns_query_release(&lookup->query);
    dns_answer_release(&lookup->answer);
    free(lookup);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    while (resolver->first != NULL) {
        struct lookup *lookup = resolver->first;
        resolver->first = lookup->next;
        lookup_free(lookup);
    }
    ares_library_cleanup();
    free(resolver);
}

void resolver_start(struct resolver *resolver, uint64_t id, struct dns_query *query)
{
    struct lookup *lookup = mem_new(1, sizeof *lookup);
    lookup->id = id;
    lookup->query = *query;
    *query = (struct dns_query){0};
    *resolver->end = lookup;
    resolver->end = &lookup->next;
}

static void unlink_from(struct resolver *resolver, struct lookup **link)
{
    struct lookup *lookup = *link;
    *link = lookup->next;
    if (resolver->end == &lookup->next)
        resolver->end = link;
    lookup_free(lookup);
}

void resolver_cancel(struct resolver *resolver, uint64_t id)
{
    for (struct lookup **link = &resolver->first; *link != NULL; link = &(*link)->next) {
        if ((*link)->id != id)
            continue;
        unlink_from(resolver, link);
        return;
    }
}

/* ---- answers ---- */

static void fail_lookup(struct lookup *lookup, enum http_failure failure, const char *text)
{
    lookup->state = STATE_FAILED;
    lookup->failure = failure;
    lookup->text = text;
}

/* c-ares turns the rcode into a status, and with some of them keeps the message to itself. */
struct status_row {
    int status;
    unsigned rcode;
};

static const struct status_row status_rows[] = {
    {ARES_SUCCESS, DNS_NOERROR},    {ARES_ENODATA, DNS_NOERROR},    {ARES_EFORMERR, DNS_FORMERR},
    {ARES_ESERVFAIL, DNS_SERVFAIL}, {ARES_ENOTFOUND, DNS_NXDOMAIN}, {ARES_ENOTIMP, DNS_NOTIMP},
    {ARES_EREFUSED, DNS_REFUSED},
};

static bool rcode_of(int status, unsigned *rcode)
{
    for (size_t i = 0; i < sizeof status_rows / sizeof *status_rows; i++) {
        if (status_rows[i].status != status)
            continue;
        *rcode = status_rows[i].rcode;
        return true;
    }
    return false;
}

/* A server that fails or refuses is left for the next one; after the last c-ares only says that
 * there was none. So they are asked once more, and the first one's word counts. */
static void take_status(struct lookup *lookup, int status)
{
    if (status == ARES_ECONNREFUSED && !lookup->takes_refusals) {
        lookup->takes_refusals = true;
        lookup->state = STATE_QUEUED;
    } else if (status == ARES_ETIMEOUT || status == ARES_ECANCELLED)
        fail_lookup(lookup, HTTP_FAIL_TIMEOUT, "no DNS server answers");
    else if (status == ARES_ECONNREFUSED)
        fail_lookup(lookup, HTTP_FAIL_CONNECT, "no DNS server can be reached");
    else
        fail_lookup(lookup, HTTP_FAIL_RESOLVE, ares_strerror(status));
}

static void on_message(void *ctx, int status, int timeouts, unsigned char *message, int len)
{
    struct lookup *lookup = ctx;
    unsigned rcode;
    (void)timeouts;
    if (lookup->state != STATE_ASKED)
        return;
    if (!rcode_of(status, &rcode)) {
        take_status(lookup, status);
        return;
    }
    if (message == NULL)
        lookup->answer.rcode = rcode;
    else if (len < 0 || !dns_wire_read(span_of(message, (size_t)len), &lookup->answer)) {
        fail_lookup(lookup, HTTP_FAIL_RESOLVE, "the DNS server's answer is broken");
        return;
    }
    lookup->state = STATE_ANSWERED;
}

static void add_host(struct lookup *lookup, const struct ares_addrinfo_node *node)
{
    char text[INET6_ADDRSTRLEN];
    const void *bytes;
    if (node->ai_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr;
    else if (node->ai_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;
    else
        return;
    if (lookup->answer.count == DNS_RECORDS_MAX ||
        inet_ntop(node->ai_family, bytes, text, sizeof text) == NULL)
        return;
    struct dns_record *record = dns_answer_add(&lookup->answer);
    record->type = node->ai_family == AF_INET ? DNS_A : DNS_AAAA;
    record->owner = mem_strdup(lookup->query.name);
    buf_add_str(&record->data, text);
}

static void on_host(void *ctx, int status, int timeouts, struct ares_addrinfo *found)
{
    struct lookup *lookup = ctx;
    (void)timeouts;
    bool wanted = lookup->state == STATE_ASKED;
    if (wanted && !rcode_of(status, &lookup->answer.rcode))
        take_status(lookup, status);
    else if (wanted)
        lookup->state = STATE_ANSWERED;
    for (const struct ares_addrinfo_node *node = wanted && found != NULL ? found->nodes : NULL;
         node != NULL; node = node->ai_next)
        add_host(lookup, node);
    if (found != NULL)
        ares_freeaddrinfo(found);
}

/* ---- questions ---- */

static bool open_channel(struct lookup *lookup)
{
    const struct dns_query *query = &lookup->query;
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS |
                 (query->tcp ? ARES_FLAG_USEVC : 0) |
                 (lookup->takes_refusals ? ARES_FLAG_NOCHECKRESP : 0),
        .timeout = TRY_MS,
        .tries = TRIES,
        .ednspsz = EDNS_SIZE,
    };
    int status =
        ares_init_options(&lookup->channel, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ);
    if (status != ARES_SUCCESS) {
        lookup->channel = NULL;
        fail_lookup(lookup, HTTP_FAIL_RESOLVE, ares_strerror(status));
        return false;
    }
    if (query->server == NULL ||
        ares_set_servers_ports_csv(lookup->channel, query->server) == ARES_SUCCESS)
        return true;
    fail_lookup(lookup, HTTP_FAIL_URL, "this is no address of a DNS server");
    return false;
}

/* The callbacks may come from within the very call. */
static void ask(struct lookup *lookup, int64_t now_ms)
{
    const struct dns_query *query = &lookup->query;
    unsigned timeout_ms = query->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : query->timeout_ms;
    if (lookup->channel == NULL)
        lookup->deadline_ms = now_ms + (int64_t)timeout_ms;
    else
        ares_destroy(lookup->channel); /* in a state in which its callbacks mean nothing */
    lookup->state = STATE_ASKED;
    if (!open_channel(lookup))
        return;
    if (query->type == DNS_HOST) {
        struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        ares_getaddrinfo(lookup->channel, query->name, NULL, &hints, on_host, lookup);
    } else {
        ares_query(lookup->channel, query->name, CLASS_IN, dns_type_number(query->type), on_message,
                   lookup);
    }
}

/* ---- sockets ---- */

/* What c-ares waits for; returns how many. */
static size_t get_sockets(ares_channel channel, struct pollfd out[static ARES_GETSOCK_MAXNUM])
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    unsigned bits = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
    size_t count = 0;
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        /* c-ares' own macros shift 1 by 31. */
        bool reads = (bits & 1U << i) != 0, writes = (bits & 1U << (i + ARES_GETSOCK_MAXNUM)) != 0;
        short events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
        if (events != 0)
            out[count++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    return count;
}

static void process(struct lookup *lookup)
{
    struct pollfd sockets[ARES_GETSOCK_MAXNUM];
    size_t count = get_sockets(lookup->channel, sockets);
    (void)poll(sockets, count, 0);
    for (size_t i = 0; i < count; i++) {
        bool can_read = (sockets[i].revents & ~POLLOUT) != 0;
        bool can_write = (sockets[i].revents & ~POLLIN) != 0;
        ares_process_fd(lookup->channel, can_read ? sockets[i].fd : ARES_SOCKET_BAD,
                        can_write ? sockets[i].fd : ARES_SOCKET_BAD);
    }
    if (count == 0)
        ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* Whether it is over; its end has been told then. */
static bool step(struct resolver *resolver, struct lookup *lookup)
{
    const struct resolver_sink *sink = &resolver->sink;
    int64_t now_ms = clock_mono_ms(&resolver->clock);
    if (lookup->state == STATE_ASKED)
        process(lookup);
    while (lookup->state == STATE_QUEUED)
        ask(lookup, now_ms);
    if (lookup->state == STATE_ASKED && now_ms >= lookup->deadline_ms)
        fail_lookup(lookup, HTTP_FAIL_TIMEOUT, "no DNS server answers in time");
    if (lookup->state == STATE_ANSWERED)
        sink->answered(sink->ctx, lookup->id, &lookup->answer);
    else if (lookup->state == STATE_FAILED)
        sink->failed(sink->ctx, lookup->id, lookup->failure, lookup->text);
    return lookup->state != STATE_ASKED;
}

void resolver_step(struct resolver *resolver)
{
    size_t active = 0;
    for (struct lookup **link = &resolver->first; *link != NULL && active < AT_ONCE_MAX;) {
        if (step(resolver, *link)) {
            unlink_from(resolver, link);
            continue;
        }
        active++;
        link = &(*link)->next;
    }
}

void resolver_wait(const struct resolver *resolver, struct waits *waits)
{
    struct clock clock = resolver->clock;
    int64_t now_ms = clock_mono_ms(&clock);
    for (const struct lookup *lookup = resolver->first; lookup != NULL; lookup = lookup->next) {
        struct pollfd sockets[ARES_GETSOCK_MAXNUM];
        struct timeval until;
        if (lookup->state != STATE_ASKED)
            continue;
        size_t count = get_sockets(lookup->channel, sockets);
        for (size_t i = 0; i < count; i++)
            waits_add(waits, sockets[i].fd, sockets[i].events);
        waits_until(waits, lookup->deadline_ms - now_ms);
        if (ares_timeout(lookup->channel, NULL, &until) != NULL)
            waits_until(waits, (int64_t)until.tv_sec * 1000 + until.tv_usec / 1000 + 1);
    }
}

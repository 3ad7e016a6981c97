/* fake_world: the engine's ports without a world: a clock that the test sets, ports for HTTP,
 * probes and the DNS that keep what was submitted until the test answers it. */
#ifndef TESTS_FAKE_WORLD_H
#define TESTS_FAKE_WORLD_H

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/ports.h>

#define FAKE_SUBMITS_MAX 256

struct fake_world {
    struct clock clock;
    struct http_port http;
    struct probe_port probe;
    struct dns_port dns;
    struct ports ports;
    int64_t wall, ms;
    struct {
        uint64_t id;
        char *url, *body;
        bool cancelled;
    } submits[FAKE_SUBMITS_MAX];
    size_t submitted;
    struct {
        uint64_t id;
        struct tls_request request;
        bool cancelled;
    } probes[FAKE_SUBMITS_MAX];
    size_t probed;
    struct {
        uint64_t id;
        char *name, *server; /* server NULL: the system's */
        enum dns_type type;
        bool cancelled, answered;
    } queries[FAKE_SUBMITS_MAX];
    size_t queried;
    bool broken; /* submit fails */
};

static int64_t fake_wall(struct clock *clock)
{
    return ((struct fake_world *)clock)->wall;
}

static int64_t fake_ms(struct clock *clock)
{
    return ((struct fake_world *)clock)->ms;
}

static struct fake_world *fake_of(struct http_port *port)
{
    return (struct fake_world *)((char *)port - offsetof(struct fake_world, http));
}

static bool fake_submit(struct http_port *port, uint64_t id, const struct http_request *request,
                        struct error *err)
{
    struct fake_world *world = fake_of(port);
    if (world->broken)
        return fail(err, ERR_NETWORK, "broken");
    world->submits[world->submitted].id = id;
    world->submits[world->submitted].url = mem_strdup(request->url);
    world->submits[world->submitted].body = mem_strdup(buf_str(&request->body));
    world->submitted++;
    return true;
}

static void fake_cancel(struct http_port *port, uint64_t id)
{
    struct fake_world *world = fake_of(port);
    for (size_t i = 0; i < world->submitted; i++)
        if (world->submits[i].id == id)
            world->submits[i].cancelled = true;
}

static struct fake_world *fake_of_probe(struct probe_port *port)
{
    return (struct fake_world *)((char *)port - offsetof(struct fake_world, probe));
}

static bool fake_probe(struct probe_port *port, uint64_t id, const struct tls_request *request,
                       struct error *err)
{
    struct fake_world *world = fake_of_probe(port);
    if (world->broken)
        return fail(err, ERR_NETWORK, "broken");
    world->probes[world->probed].id = id;
    tls_request_copy(request, &world->probes[world->probed].request);
    world->probed++;
    return true;
}

static void fake_probe_cancel(struct probe_port *port, uint64_t id)
{
    struct fake_world *world = fake_of_probe(port);
    for (size_t i = 0; i < world->probed; i++)
        if (world->probes[i].id == id)
            world->probes[i].cancelled = true;
}

static struct fake_world *fake_of_dns(struct dns_port *port)
{
    return (struct fake_world *)((char *)port - offsetof(struct fake_world, dns));
}

static bool fake_query(struct dns_port *port, uint64_t id, const struct dns_query *query,
                       struct error *err)
{
    struct fake_world *world = fake_of_dns(port);
    if (world->broken)
        return fail(err, ERR_NETWORK, "broken");
    world->queries[world->queried].id = id;
    world->queries[world->queried].name = mem_strdup(query->name);
    world->queries[world->queried].server = mem_strdup(query->server);
    world->queries[world->queried++].type = query->type;
    return true;
}

static void fake_query_cancel(struct dns_port *port, uint64_t id)
{
    struct fake_world *world = fake_of_dns(port);
    for (size_t i = 0; i < world->queried; i++)
        if (world->queries[i].id == id)
            world->queries[i].cancelled = true;
}

static const struct clock_ops fake_clock_ops = {fake_wall, fake_ms};
static const struct http_ops fake_http_ops = {fake_submit, fake_cancel};
static const struct probe_ops fake_probe_ops = {fake_probe, fake_probe_cancel};
static const struct dns_ops fake_dns_ops = {fake_query, fake_query_cancel};

static inline void fake_world_start(struct fake_world *world)
{
    *world = (struct fake_world){
        .clock = {&fake_clock_ops},
        .http = {&fake_http_ops},
        .probe = {&fake_probe_ops},
        .dns = {&fake_dns_ops},
    };
    world->ports = (struct ports){
        .clock = &world->clock,
        .http = &world->http,
        .probe = &world->probe,
        .dns = &world->dns,
    };
    world->wall = 1800000000;
    world->ms = 1000;
}

static inline void fake_world_release(struct fake_world *world)
{
    for (size_t i = 0; i < world->submitted; i++) {
        free(world->submits[i].url);
        free(world->submits[i].body);
    }
    for (size_t i = 0; i < world->probed; i++)
        tls_request_release(&world->probes[i].request);
    for (size_t i = 0; i < world->queried; i++) {
        free(world->queries[i].name);
        free(world->queries[i].server);
    }
}

/* The event of a reply to the nth submit. */
static inline struct event fake_reply(const struct fake_world *world, size_t nth, long status,
                                      const char *headers, const char *body)
{
    struct event event = {.kind = EVENT_HTTP, .id = world->submits[nth].id};
    event.response.status = status;
    event.response.headers = BUF(HTTP_HEADERS_MAX);
    event.response.body = BUF(HTTP_BODY_MAX);
    buf_add_str(&event.response.headers, headers);
    buf_add_str(&event.response.body, body);
    return event;
}

static inline struct event fake_failure(const struct fake_world *world, size_t nth,
                                        enum http_failure failure)
{
    return (struct event){.kind = EVENT_HTTP, .id = world->submits[nth].id, .failure = failure};
}

#endif

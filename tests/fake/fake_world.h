/* fake_world: the engine's ports without a world: a clock that the test sets, an HTTP port that
 * keeps what was submitted until the test answers it. */
#ifndef TESTS_FAKE_WORLD_H
#define TESTS_FAKE_WORLD_H

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/ports.h>

#define FAKE_SUBMITS_MAX 256

struct fake_world {
    struct clock clock;
    struct http_port http;
    struct ports ports;
    int64_t wall, ms;
    struct {
        uint64_t id;
        char *url, *body;
        bool cancelled;
    } submits[FAKE_SUBMITS_MAX];
    size_t submitted;
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

static const struct clock_ops fake_clock_ops = {fake_wall, fake_ms};
static const struct http_ops fake_http_ops = {fake_submit, fake_cancel};

static inline void fake_world_start(struct fake_world *world)
{
    *world = (struct fake_world){.clock = {&fake_clock_ops}, .http = {&fake_http_ops}};
    world->ports = (struct ports){.clock = &world->clock, .http = &world->http};
    world->wall = 1800000000;
    world->ms = 1000;
}

static inline void fake_world_release(struct fake_world *world)
{
    for (size_t i = 0; i < world->submitted; i++) {
        free(world->submits[i].url);
        free(world->submits[i].body);
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

/* run: what all rooms of the engine share during one run of acmec: settings, store, ports, and the
 * parts that belong to no single certificate. Plain data; each part has its own door. */
#ifndef ACMEC_ENGINE_RUN_H
#define ACMEC_ENGINE_RUN_H

#include <acmec/data/ports.h>
#include <acmec/engine/engine.h>
#include <acmec/engine/exchange.h>
#include <acmec/engine/lookup.h>
#include <acmec/engine/probe.h>
#include <acmec/io/store.h>

struct authority;
struct reactor;
struct hooks;
struct records;
struct nginx_run;

/* Who gets the events that somebody who waits in the midst of a run does not take. */
struct run_others {
    void (*event)(void *ctx, struct event *event); /* NULL: nobody */
    void *ctx;
};

struct run {
    const struct engine_settings *settings;
    struct store *store;
    const struct ports *ports;
    struct reactor *reactor; /* engine/world */
    struct exchanges *exchanges;
    struct probes *probes;         /* looks at TLS servers of our own */
    struct lookups *lookups;       /* questions to the DNS */
    struct records *records;       /* TXT records; engine/records */
    struct authority *authorities; /* list; engine/authority */
    struct hooks *hooks;           /* engine/hooks */
    struct nginx_run *nginx;       /* what certificates want of nginx; engine/nginx_run */
    struct lane *home;             /* plain requests to servers of our own */
    bool force_rate_limit;         /* what is worked on was named by a person, who wants it so */
    struct limit_list limits;      /* as stored when the run began */
    size_t orders_wanted;          /* names that will be proved by the jobs that start first: how
                                      many exchanges can go at once */
    unsigned orders_started;
    unsigned slots; /* how many more certificates may be worked on at once */
    struct run_others others;
    uint64_t last_child; /* ids for the spawn port */
    bool by_hand;        /* `issue`: a person is there */
    int stop_signal;     /* 0: go on */
};

static inline int64_t run_now(const struct run *run)
{
    return clock_wall(run->ports->clock);
}

static inline int64_t run_now_ms(const struct run *run)
{
    return clock_mono_ms(run->ports->clock);
}

/* Tells the progress sink; detail NULL or printf-like, escaped already. */
void run_progress(const struct run *run, enum progress_kind kind, const char *name, const char *fmt,
                  ...) PRINTF_LIKE(4, 5);

#endif

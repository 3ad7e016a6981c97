#include <acmec/engine/dns_trace.h>

#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <stdlib.h>
#include <strings.h>

#define HOPS_MAX 8
#define QUESTION_MS 3000

struct dns_trace {
    struct run *run;
    char *name;
    unsigned hops;
    bool is_over;
    void (*told)(void *ctx, const char *end, bool answered);
    void *ctx;
};

static void answered(void *owner, size_t tag, struct dns_answer *answer);
static void failed(void *owner, size_t tag, const struct error *error);
static const struct lookup_listener listener = {answered, failed};

static void ask(struct dns_trace *trace)
{
    const struct dns_query query = {
        .name = trace->name, .type = DNS_CNAME, .timeout_ms = QUESTION_MS};
    lookup_start(trace->run->lookups, &query, &listener, trace, 0);
}

static void tell(struct dns_trace *trace, bool any_answer)
{
    trace->is_over = true;
    trace->told(trace->ctx, trace->name, any_answer);
}

static const char *target_in(const struct dns_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        if (record->type == DNS_CNAME && strcasecmp(record->owner, name) == 0)
            return buf_str(&record->data);
    }
    return NULL;
}

static void answered(void *owner, size_t tag, struct dns_answer *answer)
{
    struct dns_trace *trace = owner;
    const char *target = target_in(answer, trace->name);
    (void)tag;
    if (target == NULL || trace->hops++ == HOPS_MAX) {
        tell(trace, true);
        return;
    }
    char *next = mem_strdup(target);
    free(trace->name);
    trace->name = next;
    ask(trace);
}

static void failed(void *owner, size_t tag, const struct error *error)
{
    (void)tag;
    log_debug("%s", error->text);
    tell(owner, false);
}

struct dns_trace *dns_trace_new(struct run *run, const char *name,
                                void (*told)(void *ctx, const char *end, bool answered), void *ctx)
{
    struct dns_trace *trace = mem_new(1, sizeof *trace);
    trace->run = run;
    trace->name = mem_strdup(name);
    trace->told = told;
    trace->ctx = ctx;
    ask(trace);
    return trace;
}

void dns_trace_free(struct dns_trace *trace)
{
    if (trace == NULL)
        return;
    if (!trace->is_over)
        lookups_cancel(trace->run->lookups, trace);
    free(trace->name);
    free(trace);
}

#include <acmec/engine/batch.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/hooks.h>
#include <acmec/engine/job.h>
#include <acmec/engine/nginx_recover.h>
#include <acmec/engine/nginx_run.h>
#include <acmec/engine/records.h>
#include <acmec/engine/world.h>
#include <acmec/io/store_installed.h>
#include <stdarg.h>
#include <stdio.h>

/* Checks under way beside the orders: each holds a lock, and one question. */
#define CHECKS_MAX 64
/* Certificates that wait for nginx to be reloaded: each holds a lock, and so a descriptor. */
#define PARKED_MAX 256

/* Those of a batch that share a network process, while they run. */
struct group {
    struct run *run;
    struct around *around;
    struct batch *batch;
    struct outcome_list *out;
    size_t first, split, end; /* items; those to be checked begin at split */
    size_t next, next_check;  /* those that start next */
    struct job **active;
    size_t active_count;
    size_t checks_most; /* no check starts while so many are active */
    int64_t parked_ms;  /* since when one waits for nginx; 0: none does */
};

void run_progress(const struct run *run, enum progress_kind kind, const char *name, const char *fmt,
                  ...)
{
    const struct progress_sink *sink = &run->settings->progress;
    char detail[ERROR_TEXT_MAX] = "";
    if (sink->event == NULL)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    struct progress_event event = {.kind = kind, .name = name, .detail = detail};
    sink->event(sink->ctx, &event);
}

static void add(struct batch *batch, struct cert_spec *spec, int64_t need, bool check)
{
    batch->items = mem_resize(batch->items, batch->count + 1, sizeof *batch->items);
    batch->items[batch->count++] = (struct batch_item){*spec, need, check};
    *spec = (struct cert_spec){0};
}

void batch_add(struct batch *batch, struct cert_spec *spec, int64_t need)
{
    add(batch, spec, need, false);
}

void batch_add_check(struct batch *batch, struct cert_spec *spec, int64_t need)
{
    add(batch, spec, need, true);
}

void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        cert_spec_release(&batch->items[i].spec);
    free(batch->items);
    *batch = (struct batch){0};
}

/* ---- groups ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int compare_groups(const struct cert_spec *a, const struct cert_spec *b)
{
    int order = compare_text(a->ca_bundle, b->ca_bundle);
    return order != 0 ? order : compare_text(a->proxy, b->proxy);
}

/* By group, within it those to be checked last, by need, then by name, so that a run can be
 * repeated. */
static int compare_items(const void *a, const void *b)
{
    const struct batch_item *left = a, *right = b;
    int order = compare_groups(&left->spec, &right->spec);
    if (order != 0)
        return order;
    if (left->check != right->check)
        return left->check ? 1 : -1;
    if (left->need != right->need)
        return left->need < right->need ? -1 : 1;
    return strcmp(left->spec.name, right->spec.name);
}

/* How many signed exchanges the jobs that start first can send at once. */
static size_t count_wanted(const struct group *group, unsigned jobs)
{
    size_t names = 0;
    for (size_t i = group->first; i < group->split && i < group->first + jobs; i++)
        names += group->batch->items[i].spec.names.count;
    return names < jobs ? names : jobs;
}

/* ---- the loop ---- */

static void report(struct group *group, const struct outcome *outcome)
{
    const struct progress_sink *sink = &group->run->settings->progress;
    struct progress_event event = {
        .kind = PROGRESS_FINISHED, .name = outcome->name, .outcome = outcome};
    if (sink->event != NULL)
        sink->event(sink->ctx, &event);
}

static void collect(struct group *group, size_t index)
{
    struct job *job = group->active[index];
    struct outcome *outcome = outcome_list_add(group->out, job_name(job));
    job_take_outcome(job, outcome);
    job_free(job);
    group->active[index] = group->active[--group->active_count];
    report(group, outcome);
}

static void start(struct group *group, size_t item)
{
    const struct batch_item *wanted = &group->batch->items[item];
    group->active[group->active_count++] =
        job_new(group->run, group->around, &wanted->spec, group->batch->by_hand, wanted->check);
}

static size_t count_parked(const struct group *group)
{
    size_t parked = 0;
    for (size_t i = 0; i < group->active_count; i++)
        parked += job_is_parked(group->active[i]);
    return parked;
}

/* Starts one more, if there is one and there is room. */
static bool start_next(struct group *group)
{
    if (group->run->stop_signal != 0 || count_parked(group) >= PARKED_MAX)
        return false;
    if (group->next < group->split && group->run->slots > 0)
        start(group, group->next++);
    else if (group->next_check < group->end && group->active_count < group->checks_most)
        start(group, group->next_check++);
    else
        return false;
    return true;
}

/* Steps all jobs and starts new ones in the places of those that are over. Where a place came free
 * for one that was stepped before, all are stepped again. */
static int64_t step_jobs(struct group *group)
{
    int64_t next_ms = INT64_MAX;
    bool freed = false;
    for (size_t i = 0; i < group->active_count || start_next(group);) {
        unsigned slots = group->run->slots;
        int64_t until_ms = job_step(group->active[i]);
        freed |= group->run->slots > slots;
        if (job_is_over(group->active[i])) {
            collect(group, i);
            continue;
        }
        next_ms = until_ms < next_ms ? until_ms : next_ms;
        i++;
    }
    return freed && group->active_count > 0 ? run_now_ms(group->run) : next_ms;
}

static void stop(struct group *group, int signal)
{
    group->run->stop_signal = signal;
    for (size_t i = 0; i < group->active_count; i++)
        job_abort(group->active[i]);
}

static void dispatch_child(struct group *group, const struct event *event)
{
    if (hooks_take(group->run->hooks, event))
        return;
    for (size_t i = 0; i < group->active_count; i++)
        if (job_take_child(group->active[i], event))
            return;
}

static void dispatch(struct group *group, struct event *event)
{
    switch (event->kind) {
    case EVENT_TIMEOUT:
    case EVENT_HTTP:
    case EVENT_DNS:
    case EVENT_PROBE:
        break; /* handed over by world_wait */
    case EVENT_PROOF_READY:
        for (size_t i = 0; i < group->active_count; i++)
            job_proof_ready(group->active[i], event->token);
        break;
    case EVENT_PROOF_HIT:
        for (size_t i = 0; i < group->active_count; i++)
            job_proof_visited(group->active[i], event->token);
        break;
    case EVENT_PROOF_LOST:
        for (size_t i = 0; i < group->active_count; i++)
            job_proof_lost(group->active[i], &event->error);
        break;
    case EVENT_CHILD:
        dispatch_child(group, event);
        break;
    case EVENT_SIGNAL:
        stop(group, event->signal);
        break;
    }
}

static void dispatch_to(void *ctx, struct event *event)
{
    dispatch(ctx, event);
}

static void wait_for(struct group *group, int64_t until_ms)
{
    struct event event = {0};
    world_wait(group->run, until_ms, &event);
    dispatch(group, &event);
    event_release(&event);
}

/* What was not begun is left for the next run. */
static void leave(struct group *group, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct batch_item *item = &group->batch->items[i];
        struct outcome *outcome = outcome_list_add(group->out, item->spec.name);
        outcome->action = item->check ? ACTION_NOT_DUE : ACTION_DEFERRED;
        identifier_list_copy(&item->spec.names, &outcome->domains);
    }
}

/* ---- nginx ---- */

/* Those that wait for the same nginx as the first of them. */
static size_t take_parked(const struct group *group, struct job **jobs,
                          struct nginx_install_item *items)
{
    size_t count = 0;
    for (size_t i = 0; i < group->active_count; i++) {
        struct nginx_install_item item;
        if (!job_is_parked(group->active[i]))
            continue;
        job_install_item(group->active[i], &item);
        if (count > 0 && !cert_spec_share_nginx(items[0].spec, item.spec))
            continue;
        jobs[count] = group->active[i];
        items[count++] = item;
    }
    return count;
}

/* Has nginx serve all that wait for it. */
static void serve_parked(struct group *group)
{
    struct job **jobs = mem_new(group->active_count + 1, sizeof *jobs);
    struct nginx_install_item *items = mem_new(group->active_count + 1, sizeof *items);
    size_t count;
    nginx_run_after(group->run->nginx);
    while ((count = take_parked(group, jobs, items)) > 0) {
        nginx_install(group->run, items, count);
        for (size_t i = 0; i < count; i++)
            job_installed(jobs[i], &items[i]);
    }
    free(jobs);
    free(items);
    group->parked_ms = 0;
}

/* The shortest that one of those who wait asks for. */
static int64_t reload_interval_ms(const struct group *group)
{
    int64_t shortest = INT64_MAX / 1000;
    for (size_t i = 0; i < group->active_count; i++) {
        struct nginx_install_item item;
        if (!job_is_parked(group->active[i]))
            continue;
        job_install_item(group->active[i], &item);
        if (item.spec->nginx.reload_interval < shortest)
            shortest = item.spec->nginx.reload_interval;
    }
    return shortest * 1000;
}

/* Nothing else is left to do, or it lasts: one reload for all, each --reload-interval. *until_ms:
 * the moment of the next. */
static bool is_time_to_serve(struct group *group, int64_t *until_ms)
{
    size_t parked = count_parked(group);
    int64_t now_ms = run_now_ms(group->run);
    if (parked == 0)
        return false;
    if (group->parked_ms == 0)
        group->parked_ms = now_ms;
    if (parked == group->active_count)
        return true;
    if (nginx_run_is_open(group->run->nginx))
        return false; /* proofs still need what goes out before */
    int64_t due_ms = group->parked_ms + reload_interval_ms(group);
    *until_ms = due_ms < *until_ms ? due_ms : *until_ms;
    return parked >= PARKED_MAX || due_ms <= now_ms;
}

static void begin_nginx(struct group *group)
{
    size_t count = group->end - group->first;
    struct cert_spec **specs = mem_new(count + 1, sizeof *specs);
    for (size_t i = 0; i < count; i++)
        specs[i] = &group->batch->items[group->first + i].spec;
    group->run->nginx = nginx_run_begin(group->run, specs, count);
    free(specs);
}

static void run_group(struct group *group)
{
    unsigned jobs = group->run->settings->jobs == 0 ? 1 : group->run->settings->jobs;
    group->run->slots = jobs;
    group->checks_most = jobs + CHECKS_MAX;
    group->active = mem_new(group->end - group->first + 1, sizeof *group->active);
    group->run->orders_wanted = count_wanted(group, jobs);
    group->run->others = (struct run_others){dispatch_to, group};
    begin_nginx(group);
    for (;;) {
        int64_t next_ms = step_jobs(group);
        if (group->active_count == 0)
            break;
        if (is_time_to_serve(group, &next_ms))
            serve_parked(group);
        else
            wait_for(group, next_ms);
    }
    nginx_run_end(group->run->nginx);
    group->run->nginx = NULL;
    group->run->others = (struct run_others){0};
    leave(group, group->next, group->split);
    leave(group, group->next_check, group->end);
    free(group->active);
}

static bool run_after(struct group *group, struct error *err)
{
    for (;;) {
        enum around_answer answer = around_after(group->around, err);
        if (answer != AROUND_WAIT)
            return answer == AROUND_GO;
        wait_for(group, INT64_MAX);
    }
}

/* ---- a group as a whole ---- */

/* What failed for more than one certificate: the first that left one behind is the run's error, the
 * others are told. */
static bool judge_authorities(const struct run *run, bool good, struct error *err)
{
    const struct error *error;
    bool blamed;
    for (size_t i = 0; (error = authorities_error(run, i, &blamed)) != NULL; i++) {
        if (good && blamed) {
            *err = *error;
            good = false;
        } else {
            run_progress(run, PROGRESS_NOTICE, "", "%s", error->text);
        }
    }
    return good;
}

static void defer_all(struct group *group)
{
    group->run->orders_wanted = 0;
    leave(group, group->first, group->end);
}

/* What killed runs have left in nginx is settled, what is in the DNS goes out beside the jobs. */
static void recover(struct run *run)
{
    nginx_recover_all(run);
    struct error err = {0};
    if (!records_recover(run->records, &err))
        run_progress(run, PROGRESS_NOTICE, "", "%s", err.text);
}

/* The same where no certificate has anything to do. */
static bool recover_alone(struct run *run, struct error *err)
{
    struct group group = {.run = run};
    if (!records_are_left(run) && !nginx_recover_is_left(run))
        return true;
    if (!world_open(run, NULL, NULL, err))
        return false;
    run->hooks = hooks_new(run);
    recover(run);
    while (records_busy(run->records, NULL))
        wait_for(&group, INT64_MAX);
    world_close(run);
    hooks_free(run->hooks);
    run->hooks = NULL;
    return world_goes_on(run, err);
}

static bool run_one_group(struct group *group, bool is_last, struct error *err)
{
    struct run *run = group->run;
    const struct cert_spec *spec = &group->batch->items[group->first].spec;
    if (!world_open(run, spec->ca_bundle, spec->proxy, err)) {
        defer_all(group);
        return false;
    }
    for (group->split = group->first; group->split < group->end; group->split++)
        if (group->batch->items[group->split].check)
            break;
    group->next = group->first;
    group->next_check = group->split;
    recover(run);
    run_group(group);
    while (records_busy(run->records, NULL))
        wait_for(group, INT64_MAX);
    bool good = judge_authorities(run, true, err);
    struct error after = {0};
    if ((is_last || run->stop_signal != 0) && !run_after(group, &after) && good) {
        *err = after;
        good = false;
    }
    world_close(run);
    return world_goes_on(run, err) && good;
}

bool batch_run(struct run *run, struct batch *batch, struct outcome_list *out, struct error *err)
{
    if (batch->count == 0)
        return recover_alone(run, err);
    qsort(batch->items, batch->count, sizeof *batch->items, compare_items);
    run->by_hand = batch->by_hand;
    run->hooks = hooks_new(run);
    struct around *around = around_new(run);
    bool good = true;
    for (size_t first = 0, end; first < batch->count; first = end) {
        const struct cert_spec *spec = &batch->items[first].spec;
        for (end = first + 1; end < batch->count; end++)
            if (compare_groups(spec, &batch->items[end].spec) != 0)
                break;
        struct group group = {
            .run = run, .around = around, .batch = batch, .out = out, .first = first, .end = end};
        struct error own = {0};
        if (run->stop_signal != 0)
            defer_all(&group);
        else if (!run_one_group(&group, end == batch->count, &own) && good) {
            *err = own;
            good = false;
        }
    }
    around_free(around);
    hooks_free(run->hooks);
    run->hooks = NULL;
    return good;
}

#include "engine_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/ca.h>
#include <acmec/engine/account_act.h>
#include <acmec/engine/ari_check.h>
#include <acmec/engine/batch.h>
#include <acmec/engine/certkey.h>
#include <acmec/engine/check.h>
#include <acmec/engine/commit.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/due.h>
#include <acmec/engine/job.h>
#include <acmec/engine/nginx_where.h>
#include <acmec/engine/preflight.h>
#include <acmec/engine/profiles.h>
#include <acmec/engine/remove.h>
#include <acmec/engine/revocation.h>
#include <acmec/engine/standing.h>
#include <acmec/engine/world.h>
#include <acmec/io/store_remove.h>
#include <stdio.h>

/* A dry run without names tries so many certificates that are not due. */
#define DRY_RUN_NOT_DUE_MAX 20

bool engine_open(const struct engine_settings *settings, struct engine **out, struct error *err)
{
    struct store *store;
    if (!store_open(settings->config_dir, settings->state_dir, &store, err))
        return false;
    struct engine *engine = mem_new(1, sizeof *engine);
    engine->settings = *settings;
    engine->store = store;
    engine->clock = clock_system();
    engine->clock_only.clock = &engine->clock;
    engine->run =
        (struct run){.settings = &engine->settings, .store = store, .ports = &engine->clock_only};
    *out = engine;
    return true;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL)
        return;
    limit_list_release(&engine->run.limits);
    store_close(engine->store);
    free(engine);
}

/* ---- configuration text ---- */

bool engine_read_conf(struct engine *engine, const char *name, struct buf *text, char **path,
                      bool *found, struct error *err)
{
    if (!store_read_conf(engine->store, name, text, found, err))
        return false;
    *path = store_conf_path(engine->store, name);
    return true;
}

/* What was just written is what the state was computed from: the stamps follow, so that the next
 * `renew` need not look at it again. */
static bool restamp(struct engine *engine, const char *name, struct error *err)
{
    AUTO(cert_state) state = {0};
    if (!store_read_state(engine->store, name, &state, err))
        return false;
    if (state.live.generation == 0)
        return true;
    return store_conf_stamp(engine->store, name, &state.live.conf, err) &&
           store_conf_stamp(engine->store, NULL, &state.live.defaults, err) &&
           store_write_state(engine->store, name, &state, err);
}

bool engine_write_conf(struct engine *engine, const char *name, struct span text, struct error *err)
{
    AUTO(lock) lock = {.fd = -1};
    return store_lock_cert(engine->store, name, &lock, err) &&
           store_write_conf(engine->store, name, text, err) && restamp(engine, name, err);
}

bool engine_list_names(struct engine *engine, char ***names, size_t *count, struct error *err)
{
    struct name_list list = {0};
    if (!store_list(engine->store, &list, err))
        return false;
    *names = list.items;
    *count = list.count;
    return true;
}

bool engine_find_by_names(struct engine *engine, const struct identifier_list *names,
                          char out[static CERT_NAME_MAX + 1], bool *found, struct error *err)
{
    AUTO(name_list) list = {0};
    bool hit = false;
    if (!store_list(engine->store, &list, err))
        return false;
    for (size_t i = 0; i < list.count && !hit; i++) {
        AUTO(cert_state) state = {0};
        struct error ignored = {0};
        if (!store_read_state(engine->store, list.items[i], &state, &ignored))
            continue; /* what is wrong with another certificate is not this one's concern */
        for (size_t j = 0; j < state.live.dropped.count; j++)
            (void)identifier_list_add(&state.live.names, &state.live.dropped.items[j]);
        hit = state.live.generation != 0 && identifier_list_same_set(&state.live.names, names);
        if (hit)
            (void)snprintf(out, CERT_NAME_MAX + 1, "%s", list.items[i]);
    }
    *found = hit;
    return true;
}

bool engine_read_csr(struct engine *engine, struct cert_spec *spec, struct error *err)
{
    (void)engine;
    return certkey_read_csr(spec, err);
}

/* ---- issue ---- */

static bool read_limits(struct engine *engine, struct error *err)
{
    if (engine->limits_read)
        return true;
    engine->limits_read = store_read_limits(engine->store, &engine->run.limits, err);
    return engine->limits_read;
}

/* Names that the live certificate has and the wanted one has not are dropped only on a person's
 * word. */
static bool may_drop_names(struct engine *engine, const struct cert_spec *spec,
                           const struct cert_state *state, struct error *err)
{
    const struct engine_questions *ask = &engine->settings.questions;
    AUTO(buf) dropped = BUF(512);
    for (size_t i = 0; i < state->live.names.count; i++) {
        const struct identifier *name = &state->live.names.items[i];
        if (!identifier_list_has(&spec->names, name))
            buf_addf(&dropped, "%s%s", dropped.len == 0 ? "" : ", ", name->value);
    }
    if (state->live.generation == 0 || (dropped.len == 0 && buf_ok(&dropped)) ||
        engine->settings.yes || engine->settings.dry_run)
        return true;
    const char *names = buf_ok(&dropped) ? buf_str(&dropped) : "many names";
    AUTO_FREE question =
        mem_printf("The certificate '%s' would lose %s. Go on?", spec->name, names);
    if (ask->confirm != NULL && ask->confirm(ask->ctx, question))
        return true;
    (void)fail(err, ERR_USAGE, "the certificate '%s' would lose %s", spec->name, names);
    return with_hint(err, "say --yes to drop them, or name all that it shall have with -d");
}

static bool ca_is_staging(const char *directory_url)
{
    const struct ca *known = ca_by_url(directory_url);
    for (size_t i = 0; known != NULL && i < ca_count(); i++) {
        const char *staging = ca_at(i)->staging;
        if (staging != NULL && strcmp(staging, known->name) == 0)
            return true;
    }
    return false;
}

/* A certificate that browsers trust is not replaced by a staging one by mistake. */
static bool may_use_ca(const struct cert_spec *spec, const struct cert_state *state,
                       struct error *err)
{
    const char *live_url = state->live.directory_url;
    bool staging = false;
    for (size_t i = 0; i < spec->ca_count; i++)
        staging = staging || ca_is_staging(spec->cas[i].directory_url);
    if (state->live.generation == 0 || live_url == NULL || !staging || ca_is_staging(live_url))
        return true;
    (void)fail(err, ERR_USAGE,
               "'%s' has a certificate from a real CA; a staging one would replace it", spec->name);
    return with_hint(err, "to try things out, use --dry-run; for a second certificate, --name");
}

bool engine_issue(struct engine *engine, const struct cert_spec *spec, struct outcome_list *out,
                  struct error *err)
{
    AUTO(cert_state) state = {0};
    if (!cert_name_check(spec->name, err) || !read_limits(engine, err) ||
        !store_read_state(engine->store, spec->name, &state, err) ||
        !may_use_ca(spec, &state, err) || !may_drop_names(engine, spec, &state, err))
        return false;
    engine->run.force_rate_limit = engine->settings.force_rate_limit;
    struct batch batch = {.by_hand = true};
    struct cert_spec borrowed = *spec;
    batch_add(&batch, &borrowed, 0);
    bool good = batch_run(&engine->run, &batch, out, err);
    free(batch.items); /* the spec in it is the caller's */
    return good;
}

/* ---- renew ---- */

struct renewal {
    struct engine *engine;
    const struct spec_source *source;
    struct outcome_list *out;
    struct batch batch;
    struct file_stamp defaults;
    bool named;
    size_t not_due_tried;
};

static void put(struct renewal *renewal, const char *name, const struct cert_state *state,
                const struct cert_spec *spec, enum outcome_action action, const struct error *error)
{
    struct outcome *outcome = outcome_list_add(renewal->out, name);
    outcome_from_state(&renewal->engine->run, name, state, spec, outcome);
    outcome->action = action;
    outcome->due = action == ACTION_HELD_BACK;
    if (error != NULL)
        outcome->error = *error;
}

/* Whether a dry run takes a certificate that is not due. */
static bool is_tried(struct renewal *renewal, const struct cert_spec *spec,
                     const struct cert_state *state)
{
    const struct engine_settings *settings = &renewal->engine->settings;
    if (!settings->dry_run || renewal->named || settings->all ||
        due_at(spec, state) <= run_now(&renewal->engine->run))
        return true;
    return renewal->not_due_tried++ < DRY_RUN_NOT_DUE_MAX;
}

/* What was read anew, for a state file that was lost or options that were edited, need not be read
 * again by the next run. Whoever holds the certificate writes its state himself. */
static void settle(struct renewal *renewal, const char *name, const struct cert_spec *spec)
{
    struct run *run = &renewal->engine->run;
    AUTO(lock) lock = {.fd = -1};
    AUTO(cert_state) state = {0};
    struct error err = {0};
    if (run->settings->dry_run || run->settings->force)
        return;
    bool good = store_prepare(run->store, &err) && store_lock_cert(run->store, name, &lock, &err) &&
                store_read_state(run->store, name, &state, &err);
    /* Before the certificate began the clock is wrong. */
    if (good && state.live.generation != 0 && state.live.not_before <= run_now(run) &&
        due_judge(run, spec, &state, false, &err) == DUE_NO) {
        commit_stamp(run, spec, &state);
        good = store_write_state(run->store, name, &state, &err);
    }
    if (!good)
        log_debug("%s: %s", name, err.text);
}

static void leave_alone(struct renewal *renewal, const char *name, const struct cert_state *state,
                        const struct cert_spec *spec)
{
    put(renewal, name, state, spec, ACTION_NOT_DUE, NULL);
    settle(renewal, name, spec);
}

static void consider(struct renewal *renewal, const char *name, const struct cert_state *state,
                     struct cert_spec *spec)
{
    const struct run *run = &renewal->engine->run;
    struct error held = {0};
    enum due_answer answer = due_judge(run, spec, state, false, &held);
    if (answer == DUE_HELD_BACK)
        put(renewal, name, state, spec, ACTION_HELD_BACK, &held);
    else if (answer == DUE_NO && !state->deploy_pending &&
             ari_check_is_due(run, &state->live, renewal->named))
        batch_add_check(&renewal->batch, spec, state->live.not_after);
    else if (answer == DUE_NO && !state->deploy_pending)
        leave_alone(renewal, name, state, spec);
    else if (!is_tried(renewal, spec, state))
        put(renewal, name, state, spec, ACTION_NOT_DUE, NULL);
    else
        batch_add(&renewal->batch, spec, state->live.not_after);
}

/* The cheap look first: a state file and a stamp. */
static void look_at(struct renewal *renewal, const char *name)
{
    struct engine *engine = renewal->engine;
    AUTO(cert_state) state = {0};
    AUTO(cert_spec) spec = {0};
    struct file_stamp conf = {0};
    struct error err = {0};
    if (!store_read_state(engine->store, name, &state, &err) ||
        !store_conf_stamp(engine->store, name, &conf, &err)) {
        put(renewal, name, &state, NULL, ACTION_FAILED, &err);
        return;
    }
    bool is_asked = renewal->named && ari_check_is_due(&engine->run, &state.live, true);
    if (!is_asked && due_is_quiet(&engine->run, &state, &conf, &renewal->defaults)) {
        put(renewal, name, &state, NULL, ACTION_NOT_DUE, NULL);
        return;
    }
    if (!renewal->source->load(renewal->source->ctx, name, &spec, &err) ||
        !read_limits(engine, &err)) {
        put(renewal, name, &state, NULL, ACTION_FAILED, &err);
        return;
    }
    consider(renewal, name, &state, &spec);
}

static bool fail_unknown(const char *name, struct error *err)
{
    (void)fail(err, ERR_USAGE, "there is no certificate '%s'", name);
    return with_hint(err, "'acmec list' shows what there is");
}

static bool check_known(const struct name_list *known, const char *name, struct error *err)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->items[i], name) == 0)
            return true;
    return fail_unknown(name, err);
}

bool engine_renew(struct engine *engine, const char *const *names, size_t count,
                  const struct spec_source *source, struct outcome_list *out, struct error *err)
{
    AUTO(name_list) known = {0};
    struct renewal renewal = {.engine = engine, .source = source, .out = out, .named = count > 0};
    if (!store_list(engine->store, &known, err) ||
        !store_conf_stamp(engine->store, NULL, &renewal.defaults, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!check_known(&known, names[i], err))
            return false;
    engine->run.force_rate_limit = engine->settings.force_rate_limit && renewal.named;
    for (size_t i = 0; i < (count > 0 ? count : known.count); i++)
        look_at(&renewal, count > 0 ? names[i] : known.items[i]);
    bool good = batch_run(&engine->run, &renewal.batch, out, err);
    batch_release(&renewal.batch);
    return good;
}

/* ---- list ---- */

static void list_one(struct engine *engine, const struct spec_source *source, const char *name,
                     struct outcome_list *out)
{
    AUTO(cert_state) state = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    bool good = store_read_state(engine->store, name, &state, &err);
    bool has_spec = good && source->load(source->ctx, name, &spec, &err);
    struct outcome *outcome = outcome_list_add(out, name);
    outcome_from_state(&engine->run, name, &state, has_spec ? &spec : NULL, outcome);
    outcome->action = ACTION_NONE;
    outcome_read_installed(&engine->run, outcome);
    if (!has_spec) {
        outcome->error = err;
        return;
    }
    struct error held = {0};
    outcome->due = due_judge(&engine->run, &spec, &state, true, &held) != DUE_NO;
    if (state.failure.count > 0) {
        outcome->error = state.failure.error;
        outcome->error.retry_at = state.failure.next_attempt;
    } else if (state.deploy_pending) {
        outcome->error = state.deploy_error;
    }
}

bool engine_list(struct engine *engine, const char *const *names, size_t count,
                 const struct spec_source *source, struct outcome_list *out, struct error *err)
{
    AUTO(name_list) known = {0};
    if (!store_list(engine->store, &known, err) || !read_limits(engine, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!check_known(&known, names[i], err))
            return false;
    for (size_t i = 0; i < (count > 0 ? count : known.count); i++)
        list_one(engine, source, count > 0 ? names[i] : known.items[i], out);
    return true;
}

/* ---- servers ---- */

bool engine_check(struct engine *engine, const struct check_request *request,
                  struct check_targets *out, struct error *err)
{
    return check_run(&engine->run, request, out, err);
}

bool engine_preflight(struct engine *engine, const struct preflight_request *request,
                      struct preflight_rows *out, struct error *err)
{
    return read_limits(engine, err) && preflight_run(&engine->run, request, out, err);
}

/* ---- accounts ---- */

void account_views_release(struct account_views *views)
{
    for (size_t i = 0; i < views->count; i++)
        account_view_release(&views->items[i]);
    free(views->items);
    *views = (struct account_views){0};
}

void account_views_add(struct account_views *views, const struct account_view *view)
{
    views->items = mem_resize(views->items, views->count + 1, sizeof *views->items);
    views->items[views->count++] = *view;
}

bool engine_account_show(struct engine *engine, struct account_views *out, struct error *err)
{
    AUTO(account_list) list = {0};
    if (!crypto_start(err) || !store_list_accounts(engine->store, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        const struct account_entry *entry = &list.items[i];
        const char *url = entry->stored.directory_url;
        struct account_view view = {
            .ca = mem_strdup(url == NULL ? entry->ca : url),
            .account = mem_strdup(entry->account),
            .url = mem_strdup(entry->stored.url),
            .status = mem_strdup(entry->stored.status),
            .contact = mem_strdup(entry->stored.contact),
            .thumbprint = mem_strdup(entry->thumbprint),
        };
        account_view_add_caa(&view, entry->stored.caa);
        account_views_add(out, &view);
    }
    return true;
}

bool engine_account_act(struct engine *engine, enum account_act act, const struct cert_spec *spec,
                        struct account_views *out, struct error *err)
{
    struct account_view view = {0};
    bool good = account_act(&engine->run, act, spec, &view, err);
    if (view.thumbprint != NULL)
        account_views_add(out, &view);
    else
        account_view_release(&view); /* not even a key: there is no account */
    return good;
}

bool engine_standing_records(struct engine *engine, const struct cert_spec *spec,
                             const struct identifier_list *names, bool look,
                             struct standing_records *out, struct error *err)
{
    return standing_read(&engine->run, spec, names, look, out, err);
}

bool engine_revoke(struct engine *engine, const struct revocation *revocation,
                   const struct cert_spec *spec, struct outcome_list *out, struct error *err)
{
    return revocation_run(&engine->run, revocation, spec, out, err);
}

bool engine_delete(struct engine *engine, const char *name, const char *nginx_conf,
                   struct outcome_list *out, struct error *err)
{
    if (!cert_name_check(name, err))
        return false;
    if (!store_remains(engine->store, name))
        return fail_unknown(name, err);
    if (!world_open(&engine->run, NULL, NULL, err))
        return false;
    bool good = remove_certificate(&engine->run, name, nginx_conf, out, err);
    world_close(&engine->run);
    return good;
}

bool engine_profiles(struct engine *engine, const struct cert_spec *spec, struct profile_views *out,
                     struct error *err)
{
    return profiles_read(&engine->run, spec, out, err);
}

/* ---- nginx ---- */

bool engine_nginx_conf(struct engine *engine, char **path, struct error *err)
{
    const struct nginx_wish any = {0};
    AUTO(nginx_instance) instance = {0};
    if (!world_open(&engine->run, NULL, NULL, err))
        return false;
    bool found = nginx_where(&engine->run, &any, &instance, err);
    world_close(&engine->run);
    if (found)
        *path = mem_strdup(instance.conf);
    return found;
}

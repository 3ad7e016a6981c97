/* engine: certificates into nginx by hand, and out again. */
#include "engine_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/hooks.h>
#include <acmec/engine/nginx_install.h>
#include <acmec/engine/world.h>

/* A certificate under its lock, with a world to work in. */
struct handling {
    struct run *run;
    struct lock lock;
    struct cert_state state;
    struct outcome *outcome; /* borrowed */
};

static bool read_state(struct handling *handling, const char *name, bool needs_one,
                       struct error *err)
{
    struct run *run = handling->run;
    if (!world_lock_cert(run, name, &handling->lock, err) ||
        !store_read_state(run->store, name, &handling->state, err))
        return false;
    if (!needs_one || handling->state.live.generation != 0)
        return true;
    (void)fail(err, ERR_USAGE, "there is no certificate '%s'", name);
    return with_hint(err, "acmec issue --name %s -d NAME obtains one", name);
}

static void release(struct handling *handling)
{
    world_close(handling->run);
    cert_state_release(&handling->state);
    lock_release(&handling->lock);
}

/* needs_one: a certificate. */
static bool open_handling(struct engine *engine, const struct cert_spec *spec, bool needs_one,
                          struct outcome_list *out, struct handling *handling, struct error *err)
{
    struct run *run = &engine->run;
    *handling = (struct handling){.run = run, .lock = {.fd = -1}};
    if (!store_prepare(run->store, err) || !world_open(run, NULL, NULL, err))
        return false;
    if (!read_state(handling, spec->name, needs_one, err)) {
        release(handling);
        return false;
    }
    run->hooks = hooks_new(run);
    handling->outcome = outcome_list_add(out, spec->name);
    outcome_from_state(run, spec->name, &handling->state, spec, handling->outcome);
    return true;
}

static bool close_handling(struct handling *handling, struct error *err)
{
    struct run *run = handling->run;
    hooks_free(run->hooks);
    run->hooks = NULL;
    release(handling);
    return world_goes_on(run, err);
}

/* nginx serves what is live: nothing of it is pending but hooks. */
static void note_served(struct handling *handling, const struct cert_spec *spec)
{
    struct error ignored = {0};
    struct cert_state *state = &handling->state;
    bool hooks = hooks_has(handling->run->hooks, HOOK_DEPLOY, spec->deploy_hook);
    if (!state->staged && !(state->deploy_pending && !hooks))
        return;
    state->staged = false;
    state->deploy_pending &= hooks;
    if (!state->deploy_pending)
        state->deploy_error = (struct error){0};
    if (!store_write_state(handling->run->store, spec->name, state, &ignored))
        log_warn("%s", ignored.text);
    handling->outcome->deploy_pending = state->deploy_pending;
}

static void install(struct handling *handling, const struct cert_spec *spec)
{
    struct nginx_install_item item = {
        .spec = spec,
        .generation = handling->state.staged ? handling->state.live.generation : 0,
        .plan_anew = true,
        .reload = handling->state.deploy_pending,
    };
    nginx_install(handling->run, &item, 1);
    handling->outcome->error = item.error;
    if (item.error.code == ERR_NONE)
        note_served(handling, spec);
    if (item.error.code == ERR_NONE && item.changed)
        handling->outcome->action = ACTION_INSTALLED;
    outcome_read_installed(handling->run, handling->outcome);
}

bool engine_install(struct engine *engine, const struct cert_spec *spec, struct buf *diff,
                    struct outcome_list *out, struct error *err)
{
    struct handling handling;
    struct error own = {0};
    if (!open_handling(engine, spec, true, out, &handling, err))
        return false;
    if (diff == NULL)
        install(&handling, spec);
    else if (!nginx_install_diff(handling.run, spec, diff, &own))
        handling.outcome->error = own;
    if (handling.outcome->error.code != ERR_NONE)
        handling.outcome->action = ACTION_FAILED;
    return close_handling(&handling, err);
}

bool engine_uninstall(struct engine *engine, const struct cert_spec *spec, struct outcome_list *out,
                      struct error *err)
{
    struct handling handling;
    struct error own = {0};
    if (!open_handling(engine, spec, false, out, &handling, err))
        return false;
    outcome_read_installed(handling.run, handling.outcome);
    bool done = nginx_uninstall(handling.run, spec, &own);
    handling.outcome->action = done ? ACTION_UNINSTALLED : ACTION_FAILED;
    handling.outcome->error = own;
    return close_handling(&handling, err);
}

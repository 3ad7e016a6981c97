/* The end of a certificate's way: served by nginx, told to the hooks. */
#include "job_private.h"

#include <acmec/base/log.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/hooks.h>

/* ---- hooks ---- */

static void hooks_done(void *ctx, const struct error *error)
{
    struct job *job = ctx;
    job->hooks_over = true;
    if (error != NULL)
        job->hooks_error = *error;
}

static bool hooks_are_over(struct job *job, enum hook_kind kind, const char *command)
{
    if (!job->hooks_started) {
        struct hook_call call = {
            .kind = kind,
            .with_folder = true,
            .command = command,
            .timeout_s = job->spec->hook_timeout,
            .name = job->spec->name,
            .domains = &job->spec->names,
            .live = job->outcome.live,
            .error = kind == HOOK_FAILED ? job->outcome.error.text : NULL,
            .done = hooks_done,
            .ctx = job,
        };
        job->hooks_started = true;
        hooks_call(job->run->hooks, &call);
    }
    return job->hooks_over;
}

/* ---- deploy ---- */

bool job_is_parked(const struct job *job)
{
    return job->stage == JOB_DEPLOY && job->spec->nginx.install && !job->installed;
}

void job_install_item(const struct job *job, struct nginx_install_item *out)
{
    *out = (struct nginx_install_item){
        .spec = job->spec,
        .generation = job->state.staged ? job->state.live.generation : 0,
        .plan_anew = job->anew,
        .reload = job->state.deploy_pending,
    };
}

void job_installed(struct job *job, const struct nginx_install_item *item)
{
    struct run *run = job->run;
    unsigned generation = 0;
    struct error ignored = {0};
    if (!job_is_parked(job))
        return;
    if (!store_live_generation(run->store, job->spec->name, &generation, &ignored))
        log_warn("%s", ignored.text);
    if (job->state.staged && generation == job->state.live.generation)
        store_drop_old(run->store, job->spec->name, generation);
    job->state.staged = job->state.staged && generation != job->state.live.generation;
    outcome_read_installed(run, &job->outcome);
    bool quiet = job->outcome.action == ACTION_NONE || job->outcome.action == ACTION_NOT_DUE;
    if (item->changed && quiet)
        job->outcome.action = ACTION_INSTALLED;
    job->installed = true;
    if (item->error.code == ERR_NONE)
        return;
    job->state.deploy_pending = job->outcome.deploy_pending = true;
    job->state.deploy_error = item->error;
    job_save_state(job);
    job_finish(job, job->outcome.action, &item->error);
}

/* A deploy that fails is remembered, and tried again by the next run though nothing is due. */
void job_step_deploy(struct job *job)
{
    if (job_is_parked(job)) {
        job_give_slot(job); /* nginx serves several at once; meanwhile others go on */
        return;
    }
    if (job->state.deploy_pending) {
        if (!hooks_are_over(job, HOOK_DEPLOY, job->spec->deploy_hook))
            return;
        job->state.deploy_pending = job->hooks_error.code != ERR_NONE;
        job->state.deploy_error = job->hooks_error;
        job_save_state(job);
        job->outcome.deploy_pending = job->state.deploy_pending;
    }
    job_finish(job, job->outcome.action, &job->hooks_error);
}

void job_step_failed_hooks(struct job *job)
{
    if (hooks_are_over(job, HOOK_FAILED, NULL))
        job_finish(job, ACTION_FAILED, &job->outcome.error);
}

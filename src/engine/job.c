#include "job_private.h"

#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/commit.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/due.h>
#include <acmec/engine/hooks.h>
#include <acmec/engine/records.h>
#include <stdio.h>
#include <stdlib.h>

#define LOCK_POLL_MS 200

static void take_slot(struct job *job)
{
    job->has_slot = true;
    job->run->slots--;
}

struct job *job_new(struct run *run, struct around *around, const struct cert_spec *spec,
                    bool by_hand, bool check)
{
    struct job *job = mem_new(1, sizeof *job);
    job->run = run;
    job->around = around;
    job->spec = spec;
    job->by_hand = by_hand;
    job->check = check;
    if (!check)
        take_slot(job);
    asking_start(&job->asking, spec);
    job->lock.fd = -1;
    job->lock_deadline_ms = run_now_ms(run) + run->settings->wait_seconds * 1000;
    (void)snprintf(job->outcome.name, sizeof job->outcome.name, "%s", job->spec->name);
    return job;
}

/* The order that is under way, or NULL. */
struct ordering *job_current(const struct job *job)
{
    return job->orderings[job->pair];
}

/* Ends everything that could still act for this job. */
void job_let_go(struct job *job)
{
    diagnosis_free(job->diagnosis); /* it borrows from the order */
    job->diagnosis = NULL;
    ari_check_release(&job->ari);
    for (size_t i = 0; i < KEY_TYPES_MAX; i++) {
        ordering_free(job->orderings[i]);
        job->orderings[i] = NULL;
    }
    job->pair = 0;
}

void job_free(struct job *job)
{
    job_let_go(job);
    lock_release(&job->lock);
    cert_state_release(&job->state);
    asking_release(&job->asking);
    outcome_release(&job->outcome);
    free(job);
}

bool job_is_over(const struct job *job)
{
    return job->stage == JOB_OVER;
}

const char *job_name(const struct job *job)
{
    return job->spec->name;
}

void job_take_outcome(struct job *job, struct outcome *out)
{
    *out = job->outcome;
    job->outcome = (struct outcome){0};
}

/* ---- ends ---- */

void job_finish(struct job *job, enum outcome_action action, const struct error *error)
{
    job_let_go(job);
    job->outcome.action = action;
    if (error != NULL)
        job->outcome.error = *error;
    job->stage = JOB_LEAVE;
}

void job_give_slot(struct job *job)
{
    if (job->has_slot)
        job->run->slots++;
    job->has_slot = false;
}

static void step_leave(struct job *job)
{
    if (records_busy(job->run->records, job->spec->name))
        return;
    lock_release(&job->lock);
    job->lock.fd = -1;
    job_give_slot(job);
    job->stage = JOB_OVER;
}

void job_save_state(struct job *job)
{
    struct error err = {0};
    if (!store_write_state(job->run->store, job->spec->name, &job->state, &err))
        log_warn("%s", err.text);
}

static void remember_failure(struct job *job, const struct error *error)
{
    if (job->run->settings->dry_run || job->authority == NULL || !due_remembers(error->code))
        return;
    due_remember(job->run, &job->state, error);
    job_save_state(job);
}

/* The certificate failed: remembered, told to the failed hooks, and nobody else is held up. */
void job_fail(struct job *job, const struct error *error)
{
    struct error copy = *error;
    remember_failure(job, &copy);
    job_let_go(job);
    job->outcome.error = copy;
    job->outcome.action = ACTION_FAILED;
    job->stage = JOB_FAILED_HOOKS;
    if (job->run->settings->dry_run || copy.code == ERR_LOCKED)
        job_finish(job, ACTION_FAILED, &copy);
}

void job_abort(struct job *job)
{
    hooks_cancel(job->run->hooks, job);
    if (job->stage == JOB_DEPLOY || job->stage == JOB_FAILED_HOOKS)
        job_finish(job, job->outcome.action, NULL);
    else if (job->check && job->stage <= JOB_CHECK)
        job_finish(job, ACTION_NOT_DUE, NULL);
    else if (job->stage != JOB_LEAVE && job->stage != JOB_OVER)
        job_finish(job, ACTION_DEFERRED, NULL);
}

/* ---- lock and judge ---- */

static int64_t step_lock(struct job *job)
{
    struct error err = {0};
    /* What an earlier run left in the DNS is taken out under the same lock. */
    if (records_busy(job->run->records, job->spec->name))
        return INT64_MAX;
    bool good = store_prepare(job->run->store, &err) &&
                store_lock_cert(job->run->store, job->spec->name, &job->lock, &err);
    if (good) {
        job->stage = JOB_JUDGE;
        return 0;
    }
    int64_t now = run_now_ms(job->run);
    if (err.code == ERR_LOCKED && now < job->lock_deadline_ms)
        return now + LOCK_POLL_MS;
    /* Whoever holds it works on the certificate: there is no need to ask about it. */
    if (err.code == ERR_LOCKED && job->check)
        job_finish(job, ACTION_NOT_DUE, NULL);
    else
        job_fail(job, &err);
    return 0;
}

/* A run that was killed between switching live/NAME and writing the state left the truth in
 * live/NAME: it is taken over, and its deploy is still to come. */
static bool load_state(struct job *job, struct error *err)
{
    struct store *store = job->run->store;
    const char *name = job->spec->name;
    unsigned generation;
    if (!store_repair_live(store, name, err) || !store_read_state(store, name, &job->state, err) ||
        !store_live_generation(store, name, &generation, err))
        return false;
    if (generation == job->state.live.generation) {
        job->state.staged = false;
        return true;
    }
    if (job->state.staged && generation != 0)
        return true;
    if (!store_derive_live(store, name, &job->state, err))
        return false;
    job->state.staged = false;
    job->state.deploy_pending =
        job->spec->nginx.install || hooks_has(job->run->hooks, HOOK_DEPLOY, job->spec->deploy_hook);
    return true;
}

static void judge(struct job *job)
{
    outcome_from_state(job->run, job->spec->name, &job->state, job->spec, &job->outcome);
    struct error held = {0};
    switch (due_judge(job->run, job->spec, &job->state, job->by_hand, &held)) {
    case DUE_NO:
        job->anew = job->by_hand && job->spec->nginx.install && !job->run->settings->dry_run;
        if (job->state.deploy_pending || job->anew) {
            job->outcome.action = job->state.deploy_pending ? ACTION_NONE : ACTION_NOT_DUE;
            job->stage = JOB_DEPLOY;
        } else if (job->check && job->stage == JOB_JUDGE) {
            job->stage = JOB_CHECK;
        } else {
            job_finish(job, ACTION_NOT_DUE, NULL);
        }
        return;
    case DUE_HELD_BACK:
        job->outcome.due = true;
        job_finish(job, ACTION_HELD_BACK, &held);
        return;
    case DUE_YES:
        job->outcome.due = true;
        job->by_ari = due_is_by_ari(job->run, job->spec, &job->state);
        job->stage = JOB_SLOT;
        return;
    }
}

static void step_judge(struct job *job)
{
    struct error err = {0};
    if (load_state(job, &err))
        judge(job);
    else
        job_fail(job, &err);
}

/* The CA has said when to renew, or not: it is judged again with what is known now. */
static void end_check(struct job *job)
{
    job->authority = NULL;
    commit_stamp(job->run, job->spec, &job->state);
    job_save_state(job);
    judge(job);
}

static void step_check(struct job *job)
{
    if (job->authority == NULL)
        job->authority = authority_get(job->run, job->spec,
                                       cert_spec_find_ca(job->spec, job->state.live.directory_url),
                                       AUTHORITY_FOR_DIRECTORY);
    const struct error *error = authority_error(job->authority);
    if (!job->ari.begun && authority_has_directory(job->authority))
        ari_check_start(&job->ari, job->run, job->spec->name, job->authority, &job->state.live);
    if (!job->ari.begun && error != NULL)
        ari_check_fail(job->run, job->spec->name, &job->state.live, error);
    if (ari_check_is_over(&job->ari) || (!job->ari.begun && error != NULL))
        end_check(job);
}

static void step_slot(struct job *job)
{
    if (!job->has_slot && job->run->slots == 0)
        return;
    if (!job->has_slot)
        take_slot(job);
    job->stage = JOB_AUTHORITY;
}

/* ---- the public door ---- */

/* One stage; returns when to come back, 0: at once. */
static int64_t step_once(struct job *job)
{
    enum job_stage stage = job->stage;
    int64_t until_ms = INT64_MAX;
    switch (stage) {
    case JOB_LOCK:
        until_ms = step_lock(job);
        break;
    case JOB_JUDGE:
        step_judge(job);
        break;
    case JOB_CHECK:
        step_check(job);
        break;
    case JOB_SLOT:
        step_slot(job);
        break;
    case JOB_AUTHORITY:
        job_step_authority(job);
        break;
    case JOB_BEFORE:
        job_step_before(job);
        break;
    case JOB_ORDER:
        until_ms = job_step_order(job);
        break;
    case JOB_DIAGNOSE:
        until_ms = job_step_diagnosis(job);
        break;
    case JOB_DEPLOY:
        job_step_deploy(job);
        break;
    case JOB_FAILED_HOOKS:
        job_step_failed_hooks(job);
        break;
    case JOB_LEAVE:
        step_leave(job);
        break;
    case JOB_OVER:
        break;
    }
    return job->stage == stage ? until_ms : 0;
}

int64_t job_step(struct job *job)
{
    int64_t until_ms = 0;
    while (until_ms == 0)
        until_ms = job->stage == JOB_OVER ? INT64_MAX : step_once(job);
    return until_ms;
}

bool job_take_child(struct job *job, const struct event *event)
{
    return job_current(job) != NULL && ordering_take_child(job_current(job), event);
}

void job_proof_ready(struct job *job, const char *token)
{
    if (job_current(job) != NULL)
        ordering_proof_ready(job_current(job), token);
}

void job_proof_visited(struct job *job, const char *token)
{
    if (job_current(job) != NULL)
        ordering_visited(job_current(job), token);
}

void job_proof_lost(struct job *job, const struct error *error)
{
    if (job->stage == JOB_ORDER && ordering_has_responder(job_current(job)))
        job_fail(job, error);
}

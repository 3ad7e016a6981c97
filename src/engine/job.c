#include <acmec/engine/job.h>

#include <acmec/acme/renewal.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/ari_check.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/commit.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/diagnosis.h>
#include <acmec/engine/due.h>
#include <acmec/engine/hooks.h>
#include <acmec/engine/ordering.h>
#include <acmec/engine/records.h>
#include <stdio.h>

#define LOCK_POLL_MS 200

enum job_stage {
    JOB_LOCK,
    JOB_JUDGE,
    JOB_CHECK, /* the CA is asked when to renew */
    JOB_SLOT,  /* due, and waits for its turn */
    JOB_AUTHORITY,
    JOB_BEFORE,
    JOB_ORDER,
    JOB_DIAGNOSE, /* the CA did not see a proof: why? */
    JOB_DEPLOY,
    JOB_FAILED_HOOKS,
    JOB_LEAVE, /* the scripts that take records out of the DNS may still run */
    JOB_OVER
};

struct job {
    struct run *run;
    struct around *around;
    const struct cert_spec *spec;
    bool by_hand;
    bool check;    /* nothing is to be done, unless the CA says so */
    bool has_slot; /* one of run->slots */
    bool by_ari;   /* nothing but the CA's suggestion makes it due */
    bool enrolled; /* the authority was asked for its account */
    struct ari_check ari;
    enum job_stage stage;
    struct outcome outcome;
    struct lock lock;
    int64_t lock_deadline_ms;
    struct cert_state state;
    struct authority *authority;
    struct ordering *orderings[KEY_TYPES_MAX]; /* one for each pair, one after the other */
    size_t pair;                               /* whose order is under way */
    struct diagnosis *diagnosis;
    bool hooks_started, hooks_over;
    struct error hooks_error;
};

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
    job->lock.fd = -1;
    job->lock_deadline_ms = run_now_ms(run) + run->settings->wait_seconds * 1000;
    (void)snprintf(job->outcome.name, sizeof job->outcome.name, "%s", job->spec->name);
    return job;
}

/* The order that is under way, or NULL. */
static struct ordering *current(const struct job *job)
{
    return job->orderings[job->pair];
}

/* Ends everything that could still act for this job. */
static void let_go(struct job *job)
{
    diagnosis_free(job->diagnosis); /* it borrows from the order */
    job->diagnosis = NULL;
    ari_check_release(&job->ari);
    for (size_t i = 0; i < KEY_TYPES_MAX; i++) {
        ordering_free(job->orderings[i]);
        job->orderings[i] = NULL;
    }
}

void job_free(struct job *job)
{
    let_go(job);
    lock_release(&job->lock);
    cert_state_release(&job->state);
    identifier_list_release(&job->outcome.domains);
    free(job->outcome.live);
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
    job->outcome.domains = (struct identifier_list){0};
    job->outcome.live = NULL;
}

/* ---- ends ---- */

static void finish(struct job *job, enum outcome_action action, const struct error *error)
{
    let_go(job);
    job->outcome.action = action;
    if (error != NULL)
        job->outcome.error = *error;
    job->stage = JOB_LEAVE;
}

static void step_leave(struct job *job)
{
    if (records_busy(job->run->records, job->spec->name))
        return;
    lock_release(&job->lock);
    job->lock.fd = -1;
    if (job->has_slot)
        job->run->slots++;
    job->has_slot = false;
    job->stage = JOB_OVER;
}

static void save_state(struct job *job)
{
    struct error err = {0};
    if (!store_write_state(job->run->store, job->spec->name, &job->state, &err))
        log_warn("%s", err.text);
}

static void remember_limit(struct job *job, const struct error *error, enum limit_scope scope)
{
    int64_t until = renewal_limit_until(error->retry_at, run_now(job->run),
                                        job->state.live.not_before, job->state.live.not_after);
    struct stored_limit limit = {
        .directory_url = mem_strdup(authority_directory_url(job->authority)),
        .account_url = mem_strdup(authority_account_url(job->authority)),
        .until = until,
        .error = *error,
    };
    if (scope == LIMIT_NAMES)
        identifier_list_copy(&job->spec->names, &limit.names);
    struct error err = {0};
    if (error->retry_at != 0 && !store_add_limit(job->run->store, &limit, run_now(job->run), &err))
        log_warn("%s", err.text);
    free(limit.directory_url);
    free(limit.account_url);
    identifier_list_release(&limit.names);
    if (scope == LIMIT_ACCOUNT)
        authority_limit(job->authority, error);
}

/* The certificate failed: remembered, told to the failed hooks, and nobody else is held up. */
static void fail_job(struct job *job, const struct error *error)
{
    struct error copy = *error;
    enum limit_scope scope;
    const struct ordering *ordering = current(job);
    bool limited = ordering != NULL && ordering_rate_limit(ordering, &scope);
    bool dry = job->run->settings->dry_run;
    if (!dry && limited)
        remember_limit(job, &copy, scope);
    if (!dry && job->authority != NULL && due_remembers(copy.code)) {
        due_remember(job->run, &job->state, &copy);
        save_state(job);
    }
    let_go(job);
    job->outcome.error = copy;
    job->outcome.action = ACTION_FAILED;
    job->stage = JOB_FAILED_HOOKS;
    if (dry || copy.code == ERR_LOCKED)
        finish(job, ACTION_FAILED, &copy);
}

void job_abort(struct job *job)
{
    hooks_cancel(job->run->hooks, job);
    if (job->stage == JOB_DEPLOY || job->stage == JOB_FAILED_HOOKS)
        finish(job, job->outcome.action, NULL);
    else if (job->check && job->stage <= JOB_CHECK)
        finish(job, ACTION_NOT_DUE, NULL);
    else if (job->stage != JOB_LEAVE && job->stage != JOB_OVER)
        finish(job, ACTION_DEFERRED, NULL);
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
        finish(job, ACTION_NOT_DUE, NULL);
    else
        fail_job(job, &err);
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
    if (generation == job->state.live.generation)
        return true;
    if (!store_derive_live(store, name, &job->state, err))
        return false;
    job->state.deploy_pending = hooks_has(job->run->hooks, HOOK_DEPLOY, job->spec->deploy_hook);
    return true;
}

static void judge(struct job *job)
{
    outcome_from_state(job->run, job->spec->name, &job->state, job->spec, &job->outcome);
    struct error held = {0};
    switch (due_judge(job->run, job->spec, &job->state, job->by_hand, &held)) {
    case DUE_NO:
        if (job->state.deploy_pending) {
            job->outcome.action = ACTION_NONE;
            job->stage = JOB_DEPLOY;
        } else if (job->check && job->stage == JOB_JUDGE) {
            job->stage = JOB_CHECK;
        } else {
            finish(job, ACTION_NOT_DUE, NULL);
        }
        return;
    case DUE_HELD_BACK:
        job->outcome.due = true;
        finish(job, ACTION_HELD_BACK, &held);
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
        fail_job(job, &err);
}

/* The CA has said when to renew, or not: it is judged again with what is known now. */
static void end_check(struct job *job)
{
    commit_stamp(job->run, job->spec, &job->state);
    save_state(job);
    judge(job);
}

static void step_check(struct job *job)
{
    if (job->authority == NULL)
        job->authority = authority_get(job->run, job->spec, AUTHORITY_FOR_DIRECTORY);
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

/* ---- the order ---- */

static void step_authority(struct job *job)
{
    if (!job->enrolled)
        job->authority = authority_get(job->run, job->spec, AUTHORITY_FOR_ORDERS);
    job->enrolled = true;
    if (authority_error(job->authority) != NULL)
        finish(job, ACTION_DEFERRED, NULL);
    else if (authority_is_ready(job->authority))
        job->stage = JOB_BEFORE;
}

/* The order for the present pair; a second one goes into the first one's generation, and finds its
 * names proved. */
static void begin_order(struct job *job)
{
    struct error err = {0};
    unsigned generation = job->pair == 0 ? 0 : ordering_generation(job->orderings[0]);
    job->orderings[job->pair] =
        ordering_new(job->run, job->spec, job->authority, &job->state, job->pair, generation);
    if (ordering_begin(current(job), &err))
        job->stage = JOB_ORDER;
    else
        fail_job(job, &err);
}

static void step_before(struct job *job)
{
    struct run *run = job->run;
    struct error err = {0};
    enum around_answer answer = around_before(job->around, job->spec, &err);
    if (answer == AROUND_WAIT)
        return;
    if (run->settings->max_orders != 0 && run->orders_started >= run->settings->max_orders) {
        finish(job, ACTION_DEFERRED, NULL);
        return;
    }
    run->orders_started++;
    if (answer != AROUND_GO)
        fail_job(job, &err);
    else
        begin_order(job);
}

/* The chain is here: it is judged, and in a real run becomes the live generation. */
static void commit(struct job *job)
{
    struct run *run = job->run;
    struct error err = {0};
    bool is_new = job->state.live.generation == 0;
    struct commit_request request = {
        .spec = job->spec,
        .generation = ordering_generation(job->orderings[0]),
        .directory_url = authority_directory_url(job->authority),
        .account_url = authority_account_url(job->authority),
        .profile = ordering_profile(job->orderings[0]),
        .has_ari = authority_has_ari(job->authority),
        .by_ari = job->by_ari,
    };
    for (size_t i = 0; i <= job->pair; i++) {
        request.keys[i] = ordering_key(job->orderings[i]);
        request.chains[i] = ordering_chain(job->orderings[i]);
    }
    if (!commit_generation(run, &request, &job->state, &err)) {
        fail_job(job, &err);
        return;
    }
    job->outcome.reused_proof = ordering_reused_proof(job->orderings[0]);
    let_go(job);
    if (run->settings->dry_run) {
        finish(job, is_new ? ACTION_WOULD_ISSUE : ACTION_WOULD_RENEW, NULL);
        return;
    }
    outcome_from_state(run, job->spec->name, &job->state, job->spec, &job->outcome);
    job->outcome.due = false;
    job->outcome.action = is_new ? ACTION_ISSUED : ACTION_RENEWED;
    job->stage = JOB_DEPLOY;
}

/* The order has failed; where the CA did not see a proof, the proof is looked at while it is still
 * in place. */
static void begin_diagnosis(struct job *job, const struct error *error)
{
    struct diagnosis_case of = {
        .spec = job->spec,
        .identities = session_caa_identities(authority_session(job->authority)),
        .account_url = authority_account_url(job->authority),
    };
    if (ordering_proof(current(job)) != NULL)
        of.answers = proof_answers(ordering_proof(current(job)), &of.answer_count);
    job->diagnosis = diagnosis_new(job->run, &of, error);
    if (job->diagnosis == NULL)
        fail_job(job, error);
    else
        job->stage = JOB_DIAGNOSE;
}

static int64_t step_diagnosis(struct job *job)
{
    int64_t until_ms = diagnosis_step(job->diagnosis);
    if (until_ms != 0)
        return until_ms;
    struct error error = *diagnosis_error(job->diagnosis);
    fail_job(job, &error);
    return 0;
}

static int64_t step_order(struct job *job)
{
    int64_t until_ms = INT64_MAX;
    struct error error = {0};
    switch (ordering_step(current(job), &until_ms, &error)) {
    case ORDERING_RUNS:
        break;
    case ORDERING_DONE:
        if (job->pair + 1 == cert_spec_pairs(job->spec)) {
            commit(job);
            break;
        }
        job->pair++;
        begin_order(job);
        until_ms = 0;
        break;
    case ORDERING_FAILED:
        begin_diagnosis(job, &error);
        until_ms = 0;
        break;
    case ORDERING_UNREACHABLE:
        finish(job, ACTION_DEFERRED, NULL);
        break;
    }
    return until_ms;
}

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

/* A deploy that fails is remembered, and tried again by the next run though nothing is due. */
static void step_deploy(struct job *job)
{
    if (job->state.deploy_pending) {
        if (!hooks_are_over(job, HOOK_DEPLOY, job->spec->deploy_hook))
            return;
        job->state.deploy_pending = job->hooks_error.code != ERR_NONE;
        job->state.deploy_error = job->hooks_error;
        save_state(job);
        job->outcome.deploy_pending = job->state.deploy_pending;
    }
    finish(job, job->outcome.action, &job->hooks_error);
}

static void step_failed_hooks(struct job *job)
{
    if (hooks_are_over(job, HOOK_FAILED, NULL))
        finish(job, ACTION_FAILED, &job->outcome.error);
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
        step_authority(job);
        break;
    case JOB_BEFORE:
        step_before(job);
        break;
    case JOB_ORDER:
        until_ms = step_order(job);
        break;
    case JOB_DIAGNOSE:
        until_ms = step_diagnosis(job);
        break;
    case JOB_DEPLOY:
        step_deploy(job);
        break;
    case JOB_FAILED_HOOKS:
        step_failed_hooks(job);
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
    return current(job) != NULL && ordering_take_child(current(job), event);
}

void job_proof_ready(struct job *job, const char *token)
{
    if (current(job) != NULL)
        ordering_proof_ready(current(job), token);
}

void job_proof_visited(struct job *job, const char *token)
{
    if (current(job) != NULL)
        ordering_visited(current(job), token);
}

void job_proof_lost(struct job *job, const struct error *error)
{
    if (job->stage == JOB_ORDER && ordering_has_responder(current(job)))
        fail_job(job, error);
}

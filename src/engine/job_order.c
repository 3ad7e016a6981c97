/* The order of a job: the account, an order for each pair of keys, the generation at the end. */
#include "job_private.h"

#include <acmec/acme/renewal.h>
#include <acmec/base/cleanup.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/commit.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/nginx_run.h>

/* The next CA is asked, if there is one that may do better. */
static bool go_to_next_ca(struct job *job, const struct error *error)
{
    if (!asking_next_ca(&job->asking, job->run, &job->state, error, &job->outcome))
        return false;
    job_let_go(job);
    job->authority = NULL;
    job->stage = JOB_AUTHORITY;
    return true;
}

/* The CA as a whole is out of reach, or refuses the account: the next one is asked. Where none is
 * left, it is no fault of this certificate, unless a CA before has refused it. */
static void lose_ca(struct job *job)
{
    const struct error *error = authority_error(job->authority);
    if (error != NULL && go_to_next_ca(job, error))
        return;
    if (job->refusal.code != ERR_NONE) {
        job_fail(job, &job->refusal);
        return;
    }
    authorities_blame(job->run, job->spec, job->asking.ca);
    job_finish(job, ACTION_DEFERRED, NULL);
}

static void find_authority(struct job *job)
{
    asking_choose_ca(&job->asking, job->run, &job->state, &job->outcome);
    job->authority = authority_get(job->run, job->spec, job->asking.ca, AUTHORITY_FOR_ORDERS);
}

void job_step_authority(struct job *job)
{
    if (job->authority == NULL)
        find_authority(job);
    /* One that is known to be lost already leads to the next one at once. */
    while (job->stage == JOB_AUTHORITY && authority_error(job->authority) != NULL) {
        lose_ca(job);
        if (job->authority == NULL)
            find_authority(job);
    }
    if (job->stage == JOB_AUTHORITY && authority_is_ready(job->authority))
        job->stage = JOB_BEFORE;
}

/* The order for the present pair; a second one goes into the first one's generation, and finds its
 * names proved. */
static void begin_order(struct job *job)
{
    struct error err = {0};
    unsigned generation = job->pair == 0 ? 0 : ordering_generation(job->orderings[0]);
    job->orderings[job->pair] = ordering_new(job->run, &job->asking.asked, job->authority,
                                             &job->state, job->pair, generation);
    if (ordering_begin(job_current(job), &err))
        job->stage = JOB_ORDER;
    else
        job_fail(job, &err);
}

void job_step_before(struct job *job)
{
    struct run *run = job->run;
    struct error err = {0};
    enum around_answer answer = around_before(job->around, job->spec, &err);
    if (answer == AROUND_WAIT)
        return;
    if (run->settings->max_orders != 0 && run->orders_started >= run->settings->max_orders) {
        job_finish(job, ACTION_DEFERRED, NULL);
        return;
    }
    run->orders_started++;
    const struct error *refusal = nginx_run_refusal(run->nginx, job->spec);
    if (answer != AROUND_GO || refusal != NULL)
        job_fail(job, answer != AROUND_GO ? &err : refusal);
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
        .spec = &job->asking.asked,
        .dropped = &job->asking.dropped,
        .generation = ordering_generation(job->orderings[0]),
        .directory_url = authority_directory_url(job->authority),
        .account_url = authority_account_url(job->authority),
        .profile = ordering_profile(job->orderings[0]),
        .has_ari = authority_has_ari(job->authority),
        .by_ari = job->by_ari,
        .staged = job->spec->nginx.install && !is_new,
    };
    for (size_t i = 0; i <= job->pair; i++) {
        request.keys[i] = ordering_key(job->orderings[i]);
        request.chains[i] = ordering_chain(job->orderings[i]);
    }
    if (!commit_generation(run, &request, &job->state, &err)) {
        job_fail(job, &err);
        return;
    }
    job->outcome.reused_proof = ordering_reused_proof(job->orderings[0]);
    identifier_list_release(&job->outcome.dropped);
    identifier_list_copy(&job->asking.dropped, &job->outcome.dropped);
    job_let_go(job);
    if (run->settings->dry_run) {
        job_finish(job, is_new ? ACTION_WOULD_ISSUE : ACTION_WOULD_RENEW, NULL);
        return;
    }
    outcome_from_state(run, job->spec->name, &job->state, job->spec, &job->outcome);
    job->outcome.due = false;
    job->outcome.action = is_new ? ACTION_ISSUED : ACTION_RENEWED;
    job->anew = job->by_hand;
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
    if (ordering_proof(job_current(job)) != NULL)
        of.answers = proof_answers(ordering_proof(job_current(job)), &of.answer_count);
    job->diagnosis = diagnosis_new(job->run, &of, error);
    if (job->diagnosis == NULL)
        job_fail(job, error);
    else
        job->stage = JOB_DIAGNOSE;
}

int64_t job_step_diagnosis(struct job *job)
{
    int64_t until_ms = diagnosis_step(job->diagnosis);
    if (until_ms != 0)
        return until_ms;
    struct error error = *diagnosis_error(job->diagnosis);
    job_fail(job, &error);
    return 0;
}

/* For these names, or for the account as a whole. */
static void remember_limit(struct job *job, const struct error *error, enum limit_scope scope)
{
    const struct stored_live *live = &job->state.live;
    int64_t until =
        renewal_limit_until(error->retry_at, run_now(job->run), live->not_before, live->not_after);
    authority_limit(job->authority, scope == LIMIT_NAMES ? &job->asking.asked.names : NULL, until,
                    error);
}

/* The order failed: a limit is remembered; names are left out where that is allowed, and all pairs
 * ordered anew; else the next CA is asked where this one is to blame. */
static void fail_order(struct job *job, const struct error *error)
{
    AUTO(identifier_list) failed = {0};
    struct error copy = *error;
    enum limit_scope scope;
    if (!job->run->settings->dry_run && ordering_rate_limit(job_current(job), &scope))
        remember_limit(job, &copy, scope);
    ordering_failed_names(job_current(job), &failed);
    bool of_ca = ordering_refused_by_ca(job_current(job));
    if (asking_leave_out(&job->asking, job->run, &failed, &copy)) {
        job_let_go(job);
        begin_order(job);
        return;
    }
    const char *server = job->spec->cas[job->asking.ca].server;
    if (of_ca && go_to_next_ca(job, &copy)) {
        job->refusal = copy;
        run_progress(job->run, PROGRESS_NOTICE, job->spec->name, "%s: %s", server, copy.text);
        return;
    }
    begin_diagnosis(job, &copy);
}

int64_t job_step_order(struct job *job)
{
    int64_t until_ms = INT64_MAX;
    struct error error = {0};
    switch (ordering_step(job_current(job), &until_ms, &error)) {
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
        fail_order(job, &error);
        until_ms = 0;
        break;
    case ORDERING_UNREACHABLE:
        lose_ca(job);
        break;
    }
    return until_ms;
}

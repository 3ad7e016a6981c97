/* The order of a job: the account, an order for each pair of keys, the generation at the end. */
#include "job_private.h"

#include <acmec/engine/authority.h>
#include <acmec/engine/commit.h>
#include <acmec/engine/describe.h>

void job_step_authority(struct job *job)
{
    if (!job->enrolled)
        job->authority = authority_get(job->run, job->spec, AUTHORITY_FOR_ORDERS);
    job->enrolled = true;
    if (authority_error(job->authority) != NULL)
        job_finish(job, ACTION_DEFERRED, NULL);
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
    if (answer != AROUND_GO)
        job_fail(job, &err);
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
        job_fail(job, &err);
        return;
    }
    job->outcome.reused_proof = ordering_reused_proof(job->orderings[0]);
    job_let_go(job);
    if (run->settings->dry_run) {
        job_finish(job, is_new ? ACTION_WOULD_ISSUE : ACTION_WOULD_RENEW, NULL);
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
        begin_diagnosis(job, &error);
        until_ms = 0;
        break;
    case ORDERING_UNREACHABLE:
        job_finish(job, ACTION_DEFERRED, NULL);
        break;
    }
    return until_ms;
}

#include <acmec/acme/course.h>

#include <stdio.h>

/* Watched: the first poll comes this long after the last visit, or, without one, after the last
 * answered challenge. */
#define AFTER_VISIT_MS 300
#define NO_VISIT_MS 5000
/* An order that is pending for longer has its authorizations looked at, once. */
#define LOOK_AFTER_MS 30000

bool course_is_new(const struct course *course)
{
    return course->phase == PHASE_CREATE || course->phase == PHASE_RESUME;
}

/* ---- failing ---- */

void course_give_up(struct course *course, const struct error *error, bool maybe_stale)
{
    course->error = *error;
    course->stale = maybe_stale && course->resumed && !course->committed;
    course->phase = PHASE_FAILED;
}

/* Fails with what the authorizations say went wrong, else with the error noted before. */
static void give_up_on_proofs(struct course *course)
{
    struct error error = course->error;
    char before[ERROR_TEXT_MAX];
    (void)snprintf(before, sizeof before, "%s",
                   course->timed_out ? course->error.text : "the CA refused the proof");
    if (proofs_failure(course->proofs, &error)) {
        (void)while_doing(&error, "%s", before);
        course->proof_failed = !problem_is_policy(error.acme_type);
    }
    course_give_up(course, &error, true);
}

/* course->error is the answer if the authorizations do not say why. */
static void diagnose(struct course *course)
{
    proofs_examine(course->proofs);
    course->phase = PHASE_DIAGNOSE;
}

static void run_out_of_time(struct course *course)
{
    (void)fail(&course->error, ERR_NETWORK, "the CA did not finish within %lld s",
               (long long)(course->pace.timeout_ms / 1000));
    (void)with_hint(&course->error, "the order is kept: the next run goes on with it");
    course->timed_out = true;
    if (course->phase == PHASE_PROVE)
        diagnose(course);
    else
        course->phase = PHASE_FAILED;
}

/* ---- following the status ---- */

void course_ask_later(struct course *course, enum phase phase, const struct incoming *in)
{
    if (phase != course->phase && phase != PHASE_PROVE)
        pace_restart(&course->pace);
    course->phase = phase;
    course->first_poll = false;
    if (!pace_again(&course->pace, in->response, in->now, in->now_ms))
        run_out_of_time(course);
}

void course_restart(struct course *course)
{
    course->resumed = course->first_poll = course->looked = false;
    course->proving_ms = 0;
    pace_restart(&course->pace);
    proofs_begin(course->proofs, NULL, 0, false);
    course->phase = PHASE_CREATE;
}

static bool follow_pending(struct course *course, const struct order_object *object,
                           const struct incoming *in, struct error *err)
{
    (void)object;
    if (course_is_new(course)) {
        course->phase = PHASE_AUTHORIZE;
        return proofs_count(course->proofs) > 0 ||
               fail(err, ERR_NETWORK, "the order is pending, but has no authorizations");
    }
    course_ask_later(course, PHASE_PROVE, in);
    if (course->phase == PHASE_PROVE && !course->looked &&
        in->now_ms - course->proving_ms >= LOOK_AFTER_MS) {
        course->looked = true;
        proofs_look(course->proofs);
        course->phase = PHASE_AUTHORIZE;
    }
    return true;
}

static bool follow_ready(struct course *course, const struct order_object *object,
                         const struct incoming *in, struct error *err)
{
    (void)object;
    (void)err;
    if (course_is_new(course) && course->fresh && proofs_count(course->proofs) > 0) {
        course->phase = PHASE_AUTHORIZE;
        return true;
    }
    /* Still ready after we asked to finalize: not at once again, or it might never end. */
    if (course->phase == PHASE_FINALIZE) {
        course_ask_later(course, PHASE_PROVE, in);
        return true;
    }
    course->reused = course->reused || proofs_any_reused(course->proofs);
    proofs_set_valid(course->proofs);
    course->phase = PHASE_FINALIZE;
    return true;
}

static bool follow_processing(struct course *course, const struct order_object *object,
                              const struct incoming *in, struct error *err)
{
    (void)object;
    (void)err;
    course_ask_later(course, PHASE_ISSUE, in);
    return true;
}

static bool follow_valid(struct course *course, const struct order_object *object,
                         const struct incoming *in, struct error *err)
{
    if (object->certificate == NULL)
        return fail(err, ERR_NETWORK, "the order is valid, but has no certificate");
    pace_start(&course->pace, in->now_ms);
    pace_restart(&course->pace);
    course->pace.next_ms = in->now_ms;
    course->first_poll = false;
    course->phase = PHASE_DOWNLOAD;
    return true;
}

static bool follow_invalid(struct course *course, const struct order_object *object,
                           const struct incoming *in, struct error *err)
{
    (void)in;
    (void)err;
    course->error = object->error;
    if (course->error.code == ERR_NONE)
        (void)fail(&course->error, ERR_REFUSED, "the CA gives no reason");
    (void)while_doing(&course->error, "the CA made the order invalid");
    if (course->resumed && !course->committed)
        course_give_up(course, &course->error, true);
    else
        diagnose(course);
    return true;
}

#define ORDER_AS_FOLLOW(id, word, next) [ORDER_##id] = next,
static bool (*const follow[])(struct course *, const struct order_object *, const struct incoming *,
                              struct error *) = {ORDER_STATUSES(ORDER_AS_FOLLOW)};
#undef ORDER_AS_FOLLOW

bool course_follow(struct course *course, const struct order_object *object,
                   const struct incoming *in, struct error *err)
{
    return follow[object->status](course, object, in, err);
}

/* ---- between the proofs and the first poll ---- */

/* With fresh_proof the first order is only there to find the proofs that would be reused. Whether
 * that was the case, and what follows is settled. */
static bool settle_fresh(struct course *course)
{
    if (!course->fresh)
        return false;
    course->fresh = false;
    if (proofs_any_deactivated(course->proofs)) {
        proofs_begin(course->proofs, NULL, 0, false);
        course->phase = PHASE_CREATE;
        return true;
    }
    return proofs_release_held(course->proofs);
}

void course_settle(struct course *course, int64_t now_ms)
{
    if (course->phase == PHASE_DIAGNOSE || proofs_any_failed(course->proofs)) {
        give_up_on_proofs(course);
        return;
    }
    if (settle_fresh(course))
        return;
    if (course->proving_ms == 0) {
        pace_start(&course->pace, now_ms);
        course->proving_ms = now_ms;
        course->first_poll = true;
        course->pace.asked = 1; /* the wait before the first poll is the first of the row */
    }
    course->phase = PHASE_PROVE;
}

/* Where no Retry-After postpones it: after the CA's last visit if we see those. */
static int64_t first_poll_ms(const struct course *course)
{
    int64_t latest = 0;
    if (proofs_all_valid(course->proofs))
        return course->proving_ms;
    if (!course->watched)
        return course->proving_ms + PACE_FIRST_MS;
    if (proofs_all_visited(course->proofs, &latest))
        return latest + AFTER_VISIT_MS;
    return course->proving_ms + NO_VISIT_MS;
}

int64_t course_due_ms(const struct course *course)
{
    int64_t due = course->first_poll ? first_poll_ms(course) : course->pace.next_ms;
    return pace_bound(&course->pace, due);
}

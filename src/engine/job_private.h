/* job_private.h: what the sources of engine/job share. */
#ifndef ACMEC_ENGINE_JOB_PRIVATE_H
#define ACMEC_ENGINE_JOB_PRIVATE_H

#include <acmec/engine/ari_check.h>
#include <acmec/engine/asking.h>
#include <acmec/engine/diagnosis.h>
#include <acmec/engine/job.h>
#include <acmec/engine/ordering.h>

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
    struct asking asking;
    bool by_hand;
    bool check;    /* nothing is to be done, unless the CA says so */
    bool has_slot; /* one of run->slots */
    bool by_ari;   /* nothing but the CA's suggestion makes it due */
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
    struct error refusal; /* the last CA's that refused this certificate */
    bool anew;            /* nginx's configuration is planned anew */
    bool installed;       /* nginx serves it, or need not */
    bool hooks_started, hooks_over;
    struct error hooks_error;
};

/* The order that is under way, or NULL. */
struct ordering *job_current(const struct job *job);

/* Ends everything that could still act for this job. */
void job_let_go(struct job *job);

/* The job's last word; error: NULL if there is none. */
void job_finish(struct job *job, enum outcome_action action, const struct error *error);
/* The certificate failed: remembered, told to the failed hooks, and nobody else is held up. */
void job_fail(struct job *job, const struct error *error);

void job_save_state(struct job *job);
void job_give_slot(struct job *job);

/* ---- job_order.c: from the account to the live generation; each as job_step ---- */

void job_step_authority(struct job *job);
void job_step_before(struct job *job);
int64_t job_step_order(struct job *job);
int64_t job_step_diagnosis(struct job *job);

/* ---- job_deploy.c: served by nginx, told to the hooks ---- */

void job_step_deploy(struct job *job);
void job_step_failed_hooks(struct job *job);

#endif

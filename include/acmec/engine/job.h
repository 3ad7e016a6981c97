/* job: one certificate's way through a run: lock, judge, prove, order, commit, deploy; and what is
 * remembered when it fails. One job never waits for another, and never blocks: job_step does what
 * can be done now and says when to be called again. */
#ifndef ACMEC_ENGINE_JOB_H
#define ACMEC_ENGINE_JOB_H

#include <acmec/engine/around.h>
#include <acmec/engine/nginx_install.h>
#include <acmec/engine/run.h>

struct job;

/* by_hand: `issue`. check: the certificate is not due, unless its CA says so when it is asked; a
 * job that is no check takes one of run's slots, for which the caller sees that there is one. All
 * borrowed. */
struct job *job_new(struct run *run, struct around *around, const struct cert_spec *spec,
                    bool by_hand, bool check);
void job_free(struct job *job);

/* Does what can be done; returns the monotonic moment of the next call (INT64_MAX: after an event).
 */
int64_t job_step(struct job *job);
bool job_is_over(const struct job *job);
/* After over: the outcome is moved out. */
void job_take_outcome(struct job *job, struct outcome *out);
const char *job_name(const struct job *job);

/* Whether it has nothing left to do but to be served by nginx, which serves many at once: the
 * caller has that done (engine/nginx_install) and tells what came of it. */
bool job_is_parked(const struct job *job);
void job_install_item(const struct job *job, struct nginx_install_item *out);
void job_installed(struct job *job, const struct nginx_install_item *item);

/* Events; ready and visited concern whichever job has the token. */
bool job_take_child(struct job *job, const struct event *event);
void job_proof_ready(struct job *job, const char *token);
void job_proof_visited(struct job *job, const char *token);
void job_proof_lost(struct job *job, const struct error *error);

/* Ends it before its time as `deferred`: proofs are taken down, the order stays for the next run.
 * What is committed stays so; a deploy that had not ended is still pending. */
void job_abort(struct job *job);

#endif

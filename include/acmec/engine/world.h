/* world: what a run needs beyond the store while it works: both workers, exchanges, probes,
 * lookups, records, and the one wait for all of them. */
#ifndef ACMEC_ENGINE_WORLD_H
#define ACMEC_ENGINE_WORLD_H

#include <acmec/engine/run.h>

/* Sets run's ports, exchanges, home, probes, lookups and records. ca_bundle: a file's path, or
 * NULL; proxy: NULL where the settings name none either. */
bool world_open(struct run *run, const char *ca_bundle, const char *proxy, struct error *err)
    MUST_USE;
/* Ends what world_open began, and the run's authorities. */
void world_close(struct run *run);

/* False once a signal has come: ERR_INTERRUPTED or ERR_TERMINATED. */
bool world_goes_on(const struct run *run, struct error *err) MUST_USE;

/* Sends what may be sent, then waits for one event, until_ms at most, and hands it to the
 * exchanges, the probes, the lookups or the records if it is theirs. out (released by the caller)
 * is what happened. */
void world_wait(struct run *run, int64_t until_ms, struct event *out);

/* As world_wait, for somebody who waits in the midst of a run: take (or NULL) is asked first
 * whether a child's end is for it; what it does not take goes to run->others, and a signal is
 * noted. */
void world_wait_for(struct run *run, int64_t until_ms,
                    bool (*take)(void *ctx, const struct event *event), void *ctx);
/* The same, for who waits for no child. False: a signal has come (world_goes_on). */
bool world_pass(struct run *run, int64_t until_ms, struct error *err) MUST_USE;

/* store_lock_cert and store_lock_nginx, tried for as long as --wait says. */
bool world_lock_cert(struct run *run, const char *name, struct lock *out, struct error *err)
    MUST_USE;
bool world_lock_nginx(struct run *run, const char *conf, struct lock *out, struct error *err)
    MUST_USE;

#endif

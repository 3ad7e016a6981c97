/* reactor: the world behind data/ports: both workers, child processes, signals and the clock,
 * waited for in one poll(2) on one thread.
 *
 * Workers are started by the first request that needs one and end with the reactor. It never reads
 * a key, and believes no worker: a frame of unknown type, over a cap, or about an id that is not
 * outstanding kills the worker (io/worker restarts it once; then its exchanges fail as
 * HTTP_FAIL_WORKER). */
#ifndef ACMEC_IO_REACTOR_H
#define ACMEC_IO_REACTOR_H

#include <acmec/data/ports.h>

struct reactor;

/* Takes over SIGINT, SIGTERM, SIGHUP (as events), SIGCHLD and SIGPIPE (ignored) until reactor_free.
 * settings is copied. workers_dir NULL: found from /proc/self/exe (beside the binary, else
 * LIBEXECDIR/acmec relative to it). */
bool reactor_new(const struct http_settings *settings, const char *workers_dir,
                 struct reactor **out, struct error *err) MUST_USE;
/* Ends workers and children (TERM, then KILL) and restores the signals. */
void reactor_free(struct reactor *reactor);

/* Borrowed ports; valid until reactor_free. */
const struct ports *reactor_ports(struct reactor *reactor);

#endif

/* spawn: child processes by argv: a process group of their own, a time limit, their output kept.
 *
 * A child gets the environment it is given, default signals, and three descriptors: its input or
 * /dev/null, and its output. What our own caller left open (a lock of a script, say) goes to
 * nobody: a hook that starts a server would keep it for ever. */
#ifndef ACMEC_IO_SPAWN_H
#define ACMEC_IO_SPAWN_H

#include <acmec/data/ports.h>

/* After TERM a child has so long before KILL. */
#define CHILD_GRACE_MS 5000

struct child;

/* ERR_HOOK where the program cannot be executed. now_ms: monotonic. */
bool child_start(uint64_t id, const struct spawn_request *request, int64_t now_ms,
                 struct child **out, struct error *err) MUST_USE;
/* Ends the group at once, if it still runs, and frees. */
void child_free(struct child *child);

uint64_t child_id(const struct child *child);
/* To be polled for reading; -1 once they are closed, or where there is none. */
int child_fd(const struct child *child);
int child_errors_fd(const struct child *child);
/* The next moment for child_step, INT64_MAX: none. */
int64_t child_deadline_ms(const struct child *child);
/* Reads what there is, looks whether it has ended, ends it when its time is over. True: it has
 * ended. A grandchild that keeps the output open is not waited for. */
bool child_step(struct child *child, int64_t now_ms);
/* After child_step said true; output is moved out. */
void child_result(struct child *child, struct spawn_result *out);

#endif

/* lock: flock(2) files in STATE_DIR/locks: CLOEXEC, never unlinked. A lock file holds pid and
 * command of its holder, for the message. Polling for `wait` is left to the caller's loop:
 * lock_take never waits. */
#ifndef ACMEC_IO_LOCK_H
#define ACMEC_IO_LOCK_H

#include <acmec/base/error.h>

struct lock {
    int fd; /* -1: not held */
};

/* Tries once. command: what is written into the file for others to read ("acmec renew"). Held by
 * another: ERR_LOCKED, "... is locked by pid 123 (acmec renew)" where that is known. Not writable:
 * ERR_FILES. */
bool lock_take(const char *path, const char *command, struct lock *out, struct error *err) MUST_USE;
/* Not held: nothing. */
void lock_release(struct lock *lock);

#endif

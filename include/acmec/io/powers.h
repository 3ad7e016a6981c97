/* powers: root working on files with the rights of another user, so that its own never apply.
 *
 * Only what touches files changes (fsuid, fsgid, supplementary groups); no signal, no limit and no
 * other process sees a difference. For a process of one thread. */
#ifndef ACMEC_IO_POWERS_H
#define ACMEC_IO_POWERS_H

#include <acmec/base/error.h>
#include <sys/types.h>

/* Zeroed: our own powers apply. */
struct powers {
    bool switched;
    gid_t *groups; /* to go back to; owned */
    int count;
};

/* Until powers_release, files are made and opened as user would: with the uid, the group of its
 * passwd entry (else nogroup) and no other groups. What holds is read back, and anything else is
 * ERR_FILES. Nothing changes if we are not root, or user is root. */
bool powers_take(uid_t user, struct powers *powers, struct error *err) MUST_USE;
void powers_release(struct powers *powers);

/* The uid that files are made with now. */
uid_t powers_uid(void);

#endif

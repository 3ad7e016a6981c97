/* webroot: HTTP-01 answers as files below somebody else's folder (security.md, webroots).
 *
 * Below a webroot owned by another uid than ours, everything is done with that owner's fsuid, fsgid
 * and no supplementary groups. Every step goes by descriptor; a symlink is followed only if root or
 * the webroot's owner owns it. Files are readable for all whatever the umask. Only what was made
 * here is removed again, checked by device and inode. It never blocks on a FIFO and never follows
 * what a tenant swapped in between. */
#ifndef ACMEC_IO_WEBROOT_H
#define ACMEC_IO_WEBROOT_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>

struct webroot_answer;

/* The folder is there and can be written to by whoever will write: said before any order.
 * ERR_FILES. */
bool webroot_check(const char *webroot, struct error *err) MUST_USE;

/* Writes .well-known/acme-challenge/TOKEN atomically; token is [A-Za-z0-9_-]{1,255}, else
 * ERR_REFUSED. An existing file of that name is replaced only if it is a plain file of the same
 * owner. */
bool webroot_put(const char *webroot, const char *token, struct span key_authorization,
                 struct webroot_answer **out, struct error *err) MUST_USE;

/* Takes the answer down, then the folders that webroot_put made, where they are empty. taken; NULL
 * is fine. What could not be removed is logged. Two answers may share folders: the last one
 * removes. */
void webroot_remove(struct webroot_answer *answer);

/* Removes acmec's leftovers of a killed run: nothing is scanned; the caller names the tokens. */
void webroot_forget(const char *webroot, const char *token);

#endif

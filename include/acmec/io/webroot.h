/* webroot: HTTP-01 answers as files below somebody else's folder.
 *
 * Below a webroot owned by another uid than ours, root does everything with that owner's fsuid,
 * fsgid and no supplementary groups. Every step goes by descriptor, also on the way to the webroot;
 * a symlink is followed only if root or the webroot's owner owns it. Files are readable for all
 * whatever the umask. Only what was made here is removed again: an answer is known by device and
 * inode, a folder by an empty file ".acmec" in it of the one who made it, so that the next run
 * takes away what a killed one has left. It never blocks on a FIFO and never follows what a tenant
 * swapped in between. No descriptor is held from put to remove. */
#ifndef ACMEC_IO_WEBROOT_H
#define ACMEC_IO_WEBROOT_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>

struct webroot_answer;

/* The folder is there and can be written to by whoever will write: said before any order.
 * ERR_FILES. */
bool webroot_check(const char *webroot, struct error *err) MUST_USE;

/* Writes .well-known/acme-challenge/TOKEN atomically; token is [A-Za-z0-9_-]{1,200}, else
 * ERR_REFUSED. An existing file of that name is replaced only if it is a plain file of the same
 * owner. */
bool webroot_put(const char *webroot, const char *token, struct span key_authorization,
                 struct webroot_answer **out, struct error *err) MUST_USE;

/* Takes the answer down, then the folders that webroot_put made, where they are empty. taken; NULL
 * is fine. What could not be removed is logged. Answers may share folders, also those of several
 * runs: the last one removes. */
void webroot_remove(struct webroot_answer *answer);

/* Removes an answer that a killed run left, and folders as webroot_remove does: nothing is scanned,
 * the caller names the token. Only a plain file of whoever would write it is removed. */
void webroot_forget(const char *webroot, const char *token);

#endif

/* foreign: replacing files that belong to somebody else: nginx's configuration.
 *
 * A file is opened, compared with what a plan was made from, and held: the descriptor of its real
 * folder stays open from reading to writing. Symlinks that lead to it stay. The new file has owner,
 * mode (no setuid, setgid, sticky), ACL, SELinux label and user.* attributes of the old one and no
 * other security.* attribute; it is synced and takes the old one's place in one exchange, after
 * which the displaced file is compared with what was read: if somebody was faster, his file goes
 * back.
 *
 * As root, a file whose folders others may change is never written: its owner could turn the write
 * into one anywhere. (The file itself may belong to anybody.) A file with several names (hard
 * links), or that is a mount of its own, can only be written in place, which is not atomic: refused
 * unless in_place. Temporary files are dot-prefixed and do not end in .conf, so that no include
 * pattern meets them; what a killed run leaves is settled by io/store_journal.
 *
 * All errors are ERR_FILES with the path. The caller holds the lock of this nginx. */
#ifndef ACMEC_IO_FOREIGN_H
#define ACMEC_IO_FOREIGN_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <acmec/data/ports.h>
#include <sys/stat.h>

#define FOREIGN_MAX (16 * 1024 * 1024)

struct foreign {
    char *path;       /* owned: the real one, without symlinks */
    const char *name; /* in its folder; inside path */
    int dir;          /* its folder, held */
    struct stat status;
    struct source_facts facts; /* guarded: not told */
    struct buf bytes;          /* what it holds */
    bool in_place;             /* it can only be written in place, and may be */
};

/* Everything that would refuse a write later is found here, before anything is changed: read-only
 * file systems, immutable files, missing rights, folders of others, hard links, mounts. path is
 * absolute. */
bool foreign_open(const char *path, bool in_place, struct foreign *out, struct error *err) MUST_USE;
void foreign_release(struct foreign *file);

/* Fails if the held file is not the one that was read then. */
bool foreign_is_still(const struct foreign *file, const struct source_facts *facts,
                      struct span bytes, struct error *err) MUST_USE;

/* Puts bytes in its place; the held file is then the new one. A failure leaves the old one. */
bool foreign_replace(struct foreign *file, struct span bytes, struct error *err) MUST_USE;

/* Gives a file of ours at path the SELinux label of the held one, so that nginx may read it in its
 * place. Without SELinux: nothing. */
bool foreign_copy_label(const struct foreign *file, const char *path, struct error *err) MUST_USE;

/* What a killed foreign_replace left beside the file at path (a real path): removed if it holds old
 * or new bytes, as far as they were written; a file that somebody else had put there just then goes
 * back to its place. Nothing there: nothing to do. */
bool foreign_settle(const char *path, struct span old_bytes, struct span new_bytes,
                    struct error *err) MUST_USE;

#endif

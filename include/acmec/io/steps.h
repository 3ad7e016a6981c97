/* steps: walks a path of folders that others may change meanwhile, step by step and by descriptor.
 *
 * The kernel follows no symlink for it: each is opened, its owner is judged and its text walked in
 * turn. So nothing that is swapped in between leads anywhere that its owner could not have linked
 * to, and there are no magic links (what openat2 with RESOLVE_NO_MAGICLINKS would refuse). */
#ifndef ACMEC_IO_STEPS_H
#define ACMEC_IO_STEPS_H

#include <sys/types.h>

/* Walks from the folder `from` along path (absolute symlinks lead from /). Returns the last
 * folder's descriptor (O_PATH, CLOEXEC, owned), or -1 with errno: ENOENT, ENOTDIR; ELOOP: more than
 * 16 symlinks, or one that neither root nor owner made. owner NULL: the owner of the last folder.
 */
int steps_walk(int from, const char *path, const uid_t *owner);

#endif

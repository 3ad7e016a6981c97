/* confine: gives up everything that a process does not need. The one room that speaks of
 * privileges, limits and sandboxes.
 *
 * A worker confines itself first thing after exec, before it reads a byte. An older kernel gives
 * less protection, never an error; a step that the kernel has but that fails is an error. */
#ifndef ACMEC_BASE_CONFINE_H
#define ACMEC_BASE_CONFINE_H

#include <acmec/base/error.h>

struct confine_plan {
    const char *uid, *gid;       /* decimal; "-": stay who we are */
    const char *parent;          /* decimal pid: whose death is ours */
    unsigned files_max;          /* RLIMIT_NOFILE */
    const char *const *readable; /* paths that may be read, with all below; NULL-terminated */
    bool may_connect;            /* TCP to any port; nobody may bind */
};

/* For a worker: limits, groups, user, no_new_privs, death with the parent, no core dumps, Landlock.
 * ERR_FILES. */
bool confine_worker(const struct confine_plan *plan, struct error *err) MUST_USE;

/* For the keeper: no core dump and no debugger of another process sees a key. */
void confine_keeper(void);

#endif

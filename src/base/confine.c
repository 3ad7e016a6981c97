#include <acmec/base/confine.h>

#include <acmec/base/cleanup.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---- limits and identity ---- */

static bool parse_number(const char *text, unsigned long *out, struct error *err)
{
    char *end;
    errno = 0;
    *out = strtoul(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out <= INT32_MAX)
        return true;
    return fail(err, ERR_FILES, "this program is started by acmec, not by hand");
}

static bool limit(const struct confine_plan *plan, struct error *err)
{
    const struct rlimit core = {0, 0};
    struct rlimit files = {plan->files_max, plan->files_max};
    struct rlimit now;
    /* What an administrator has set lower stays lower. */
    if (setrlimit(RLIMIT_CORE, &core) != 0 || getrlimit(RLIMIT_NOFILE, &now) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot set limits");
    if (now.rlim_max < files.rlim_max || setrlimit(RLIMIT_NOFILE, &files) == 0)
        return true;
    /* valgrind, which keeps descriptors of its own up there, lowers no hard limit. */
    files.rlim_max = now.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files) == 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot limit open files");
}

static bool drop_user(const struct confine_plan *plan, struct error *err)
{
    unsigned long uid, gid;
    if (strcmp(plan->uid, "-") == 0)
        return true;
    if (!parse_number(plan->uid, &uid, err) || !parse_number(plan->gid, &gid, err))
        return false;
    gid_t new_gid = (gid_t)gid;
    uid_t new_uid = (uid_t)uid;
    if (setgroups(0, NULL) != 0 || setresgid(new_gid, new_gid, new_gid) != 0 ||
        setresuid(new_uid, new_uid, new_uid) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot become user %lu", uid);
    if (new_uid != 0 && setuid(0) == 0)
        return fail(err, ERR_FILES, "user %lu could become root again", uid);
    return true;
}

/* After the drop, which clears the death signal; the parent may have gone in between. */
static bool bind_to_parent(const struct confine_plan *plan, struct error *err)
{
    unsigned long parent;
    if (!parse_number(plan->parent, &parent, err))
        return false;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot be bound to the parent's life");
    return getppid() == (pid_t)parent || fail(err, ERR_FILES, "the keeper has gone");
}

/* LeakSanitizer looks at its own process as a debugger does. */
static int forbid_dumps(void)
{
#ifdef ACMEC_SANITIZED
    return 0;
#else
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static bool forbid_gains(const struct confine_plan *plan, struct error *err)
{
    (void)plan;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot set no_new_privs");
    return forbid_dumps() == 0 || fail_errno(err, ERR_FILES, errno, "cannot forbid core dumps");
}

/* ---- Landlock, by its system calls: glibc has no wrappers, and a header may be older than the
 * kernel
 * ---- */

#define FS_TRUNCATE (1ULL << 14)        /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15)       /* ABI 5 */
#define NET_BIND_TCP (1ULL << 0)        /* ABI 4 */
#define NET_CONNECT_TCP (1ULL << 1)     /* ABI 4 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL (1ULL << 1)        /* ABI 6 */
#define FS_ABI_1 ((1ULL << 13) - 1)
#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* The kernel's struct in its newest form known here; the size given tells it how much of it counts.
 */
struct ruleset {
    uint64_t fs, net, scoped;
};

static struct ruleset ruleset_of(long abi, bool may_connect, size_t *size)
{
    struct ruleset rules = {.fs = FS_ABI_1};
    *size = sizeof rules.fs;
    if (abi >= 2)
        rules.fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rules.fs |= FS_TRUNCATE;
    if (abi >= 4) {
        rules.net = NET_BIND_TCP | (may_connect ? 0 : NET_CONNECT_TCP);
        *size = offsetof(struct ruleset, scoped);
    }
    if (abi >= 5)
        rules.fs |= FS_IOCTL_DEV;
    if (abi >= 6) {
        rules.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
        *size = sizeof rules;
    }
    return rules;
}

/* A path that is not there needs no permission. */
static bool allow_reading(int rules, const char *path, struct error *err)
{
    struct stat status;
    AUTO_FD fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        return true;
    struct landlock_path_beneath_attr beneath = {
        .allowed_access = S_ISDIR(status.st_mode) ? READING : LANDLOCK_ACCESS_FS_READ_FILE,
        .parent_fd = fd,
    };
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot allow '%s'", path);
}

static bool landlock(const struct confine_plan *plan, struct error *err)
{
    size_t size;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return true;
    struct ruleset wanted = ruleset_of(abi, plan->may_connect, &size);
    AUTO_FD rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, size, 0);
    if (rules < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot make a Landlock ruleset");
#ifdef ACMEC_SANITIZED
    /* Where LeakSanitizer finds its threads. */
    if (!allow_reading(rules, "/proc/self", err))
        return false;
#endif
    for (size_t i = 0; plan->readable != NULL && plan->readable[i] != NULL; i++)
        if (!allow_reading(rules, plan->readable[i], err))
            return false;
    return syscall(SYS_landlock_restrict_self, rules, 0) == 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot apply Landlock");
}

/* ---- the steps ---- */

bool confine_worker(const struct confine_plan *plan, struct error *err)
{
    /* In this order; a seccomp filter, once there is one, is the last row. */
    static bool (*const steps[])(const struct confine_plan *, struct error *) = {
        limit, drop_user, bind_to_parent, forbid_gains, landlock};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!steps[i](plan, err))
            return false;
    return true;
}

void confine_keeper(void)
{
    const struct rlimit core = {0, 0};
    /* Where these fail the keeper works all the same: they guard its keys against accidents. */
    (void)setrlimit(RLIMIT_CORE, &core);
    (void)forbid_dumps();
}

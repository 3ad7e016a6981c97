#include <acmec/io/webroot.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/io/file.h>
#include <acmec/io/powers.h>
#include <acmec/io/steps.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define TOKEN_MAX 200
#define PUT_TRIES 8
#define MARK ".acmec"

/* The folders below a webroot. */
static const char *const levels[] = {".well-known", "acme-challenge"};
#define LEVELS (sizeof levels / sizeof levels[0])

/* ---- the place ---- */

/* A webroot and the folders below it, as far as they are there; meanwhile its owner's powers
 * apply. */
struct site {
    const char *webroot; /* borrowed */
    uid_t owner;
    struct powers powers;
    int dirs[LEVELS + 1]; /* dirs[0] is the webroot; -1: not there */
};

static void site_release(struct site *site)
{
    for (size_t i = 0; i <= LEVELS; i++)
        cleanup_fd(&site->dirs[i]);
    powers_release(&site->powers);
}

static struct site site_at(const char *webroot)
{
    struct site site = {.webroot = webroot};
    for (size_t i = 0; i <= LEVELS; i++)
        site.dirs[i] = -1;
    return site;
}

static bool fail_at(const struct site *site, size_t level, int errnum, struct error *err)
{
    static const char *const places[] = {"", "/.well-known", "/.well-known/acme-challenge"};
    const char *below = places[level];
    if (errnum == ELOOP) {
        (void)fail(err, ERR_FILES,
                   "'%s%s' is not used: it leads through a symlink of somebody else, or too many",
                   site->webroot, below);
        return with_hint(err, "the link must belong to root or to the webroot's owner");
    }
    (void)fail_errno(err, ERR_FILES, errnum, "cannot use '%s%s'", site->webroot, below);
    if (site->powers.switched)
        return with_hint(err, "it is written to as user %u, who owns the webroot",
                         (unsigned)site->owner);
    return false;
}

static bool site_open(struct site *site, struct error *err)
{
    struct stat status;
    AUTO_FD root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (site->webroot[0] != '/')
        return fail(err, ERR_FILES, "the webroot '%s' is not an absolute path", site->webroot);
    site->dirs[0] = root < 0 ? -1 : steps_walk(root, site->webroot, NULL);
    if (site->dirs[0] < 0 || fstat(site->dirs[0], &status) != 0)
        return fail_at(site, 0, errno, err);
    site->owner = status.st_uid;
    return powers_take(site->owner, &site->powers, err);
}

/* Opens the folders that are there; true also where one is missing. */
static bool site_walk(struct site *site, struct error *err)
{
    for (size_t i = 0; i < LEVELS; i++) {
        site->dirs[i + 1] = steps_walk(site->dirs[i], levels[i], &site->owner);
        if (site->dirs[i + 1] < 0)
            return errno == ENOENT || fail_at(site, i + 1, errno, err);
    }
    return true;
}

/* ---- folders of our own ---- */

static int mkdir_exactly(int dir, const char *name)
{
    mode_t mask = umask(0);
    int result = mkdirat(dir, name, 0755);
    int errnum = errno;
    (void)umask(mask);
    errno = errnum;
    return result;
}

static bool mark(int dir)
{
    AUTO_FD fd = openat(dir, MARK, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd >= 0;
}

/* Makes and marks the folder below `level`, and opens it; or opens what another run has made
 * meanwhile. */
static bool make_folder(struct site *site, size_t level)
{
    int above = site->dirs[level];
    struct stat status;
    if (mkdir_exactly(above, levels[level]) != 0) {
        if (errno == EEXIST)
            site->dirs[level + 1] = steps_walk(above, levels[level], &site->owner);
        return site->dirs[level + 1] >= 0;
    }
    AUTO_FD fd = openat(above, levels[level], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool opened = fd >= 0 && fstat(fd, &status) == 0;
    if (opened && status.st_uid != powers_uid()) {
        errno = EEXIST; /* swapped already */
        return false;
    }
    if (!opened || !mark(fd)) {
        int errnum = errno;
        (void)unlinkat(above, levels[level], AT_REMOVEDIR);
        errno = errnum;
        return false;
    }
    site->dirs[level + 1] = fd;
    fd = -1;
    return true;
}

/* Makes what is missing. The level reached; if that is not the last, errno says why. */
static size_t site_make(struct site *site)
{
    for (size_t i = 0; i < LEVELS; i++)
        if (site->dirs[i + 1] < 0 && !make_folder(site, i))
            return i;
    return LEVELS;
}

/* Whether there is nothing in the folder but our mark. */
static bool has_only_mark(int dir)
{
    struct stat status;
    if (fstatat(dir, MARK, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size != 0 || status.st_uid != powers_uid())
        return false;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        cleanup_fd(&fd);
        return false;
    }
    size_t count = 0;
    while (errno = 0, readdir(entries) != NULL)
        count++;
    bool all = errno == 0;
    (void)closedir(entries);
    return all && count == 3; /* with . and .. */
}

/* Whether the entry is the folder that is open, not a symlink to it or another. */
static bool is_entry(int above, const char *name, int dir)
{
    struct stat entry, open_one;
    return fstatat(above, name, &entry, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &open_one) == 0 &&
           entry.st_dev == open_one.st_dev && entry.st_ino == open_one.st_ino;
}

/* Removes the folders that are marked and have nothing else in them, from the deepest. */
static void site_tidy(struct site *site)
{
    for (size_t i = LEVELS; i > 0; i--) {
        int dir = site->dirs[i], above = site->dirs[i - 1];
        const char *name = levels[i - 1];
        if (dir < 0)
            continue;
        if (!has_only_mark(dir) || !is_entry(above, name, dir) || unlinkat(dir, MARK, 0) != 0)
            return;
        if (unlinkat(above, name, AT_REMOVEDIR) != 0) {
            (void)mark(dir); /* another run has just put an answer there: the last one removes */
            return;
        }
    }
}

/* ---- answers ---- */

struct webroot_answer {
    char *webroot;
    char *token;
    dev_t device;
    ino_t inode;
};

static bool check_token(const char *token, struct error *err)
{
    size_t len = strlen(token);
    size_t good = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return (len > 0 && len <= TOKEN_MAX && good == len) ||
           fail(err, ERR_REFUSED, "the CA's token '%s' cannot be a file's name",
                escaped_str(token).text);
}

/* Whether a plain file of whoever writes here, or nothing, has this name. */
static bool is_ours_or_free(int dir, const char *name)
{
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    return S_ISREG(status.st_mode) && status.st_uid == powers_uid();
}

/* errno on failure, nothing left then. No fsync: an answer is good for this run only. */
static bool write_answer(int dir, const char *token, struct span bytes, struct stat *written)
{
    AUTO_FREE temp = mem_printf(".%s.tmp", token);
    if (is_ours_or_free(dir, temp))
        (void)unlinkat(dir, temp, 0);
    AUTO_FD fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool good = file_write_all(fd, bytes) && fchmod(fd, 0644) == 0 && fstat(fd, written) == 0;
    if (good && !is_ours_or_free(dir, token)) {
        errno = EEXIST;
        good = false;
    }
    if (good && renameat(dir, temp, dir, token) == 0)
        return true;
    int errnum = errno;
    (void)unlinkat(dir, temp, 0);
    errno = errnum;
    return false;
}

/* ---- the public door ---- */

bool webroot_check(const char *webroot, struct error *err)
{
    AUTO(site) site = site_at(webroot);
    if (!site_open(&site, err) || !site_walk(&site, err))
        return false;
    size_t deepest = 0;
    while (deepest < LEVELS && site.dirs[deepest + 1] >= 0)
        deepest++;
    return faccessat(site.dirs[deepest], ".", W_OK | X_OK, AT_EACCESS) == 0 ||
           fail_at(&site, deepest, errno, err);
}

/* *again: another run removed a folder in between. */
static bool put_once(const char *webroot, const char *token, struct span bytes,
                     struct stat *written, bool *again, struct error *err)
{
    AUTO(site) site = site_at(webroot);
    *again = false;
    if (!site_open(&site, err) || !site_walk(&site, err))
        return false;
    size_t level = site_make(&site);
    if (level == LEVELS && write_answer(site.dirs[LEVELS], token, bytes, written))
        return true;
    *again = errno == ENOENT;
    (void)fail_at(&site, level, errno, err);
    site_tidy(&site);
    return while_doing(err, "writing the answer '%s'", token);
}

bool webroot_put(const char *webroot, const char *token, struct span key_authorization,
                 struct webroot_answer **out, struct error *err)
{
    struct stat written;
    struct error why;
    bool again = true, good = false;
    if (!check_token(token, err))
        return false;
    for (unsigned tries = 0; again && tries < PUT_TRIES; tries++)
        good = put_once(webroot, token, key_authorization, &written, &again, &why);
    if (!good) {
        *err = why;
        return false;
    }
    struct webroot_answer *answer = mem_new(1, sizeof *answer);
    answer->webroot = mem_strdup(webroot);
    answer->token = mem_strdup(token);
    answer->device = written.st_dev;
    answer->inode = written.st_ino;
    *out = answer;
    return true;
}

/* answer NULL: any plain file of ours. */
static bool remove_file(int dir, const char *token, const struct webroot_answer *answer)
{
    struct stat status;
    if (fstatat(dir, token, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    errno = EEXIST;
    if (answer != NULL && (status.st_dev != answer->device || status.st_ino != answer->inode))
        return false;
    return is_ours_or_free(dir, token) && unlinkat(dir, token, 0) == 0;
}

static bool take_down(const char *webroot, const char *token, const struct webroot_answer *answer,
                      struct error *err)
{
    AUTO(site) site = site_at(webroot);
    AUTO_FREE temp = mem_printf(".%s.tmp", token);
    if (!site_open(&site, err) || !site_walk(&site, err))
        return false;
    int dir = site.dirs[LEVELS];
    bool good = dir < 0 || ((answer != NULL || remove_file(dir, temp, NULL)) &&
                            remove_file(dir, token, answer));
    if (!good)
        (void)fail_at(&site, LEVELS, errno, err);
    site_tidy(&site);
    return good;
}

void webroot_remove(struct webroot_answer *answer)
{
    struct error why;
    if (answer == NULL)
        return;
    if (!take_down(answer->webroot, answer->token, answer, &why))
        log_info("the answer '%s' stays: %s", answer->token, why.text);
    free(answer->webroot);
    free(answer->token);
    free(answer);
}

void webroot_forget(const char *webroot, const char *token)
{
    struct error why;
    if (!check_token(token, &why) || !take_down(webroot, token, NULL, &why))
        log_info("%s", why.text);
}

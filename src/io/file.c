#include <acmec/io/file.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#define CHUNK 16384
#define TEMP_TRIES 16

bool file_stamp_equals(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->mtime_ns == b->mtime_ns && a->size == b->size && a->inode == b->inode;
}

bool file_stamp_read(const char *path, struct file_stamp *out, struct error *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        if (errno != ENOENT)
            return fail_errno(err, ERR_FILES, errno, "cannot look at '%s'", path);
        *out = (struct file_stamp){0};
        return true;
    }
    *out = (struct file_stamp){
        .mtime_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec,
        .size = status.st_size,
        .inode = status.st_ino,
    };
    return true;
}

/* ---- reading ---- */

static bool check_owner(const struct stat *status, const char *path, struct error *err)
{
    uid_t us = geteuid();
    bool sticky_dir = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX) != 0;
    if (status->st_uid != 0 && status->st_uid != us) {
        (void)fail(err, ERR_FILES, "'%s' belongs to user %u and is not trusted", path,
                   (unsigned)status->st_uid);
        return with_hint(err, "it must belong to %s", us == 0 ? "root" : "you or root");
    }
    if (us != 0 || S_ISLNK(status->st_mode) || sticky_dir || (status->st_mode & 022) == 0)
        return true;
    (void)fail(err, ERR_FILES, "'%s' can be written by others than root and is not trusted", path);
    return with_hint(err, "chmod go-w '%s'", path);
}

static bool read_all(int fd, const char *path, struct buf *out, struct error *err)
{
    char chunk[CHUNK];
    size_t before = out->len;
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0 && (size_t)got <= out->max - out->len)
        buf_add(out, chunk, (size_t)got);
    int errnum = errno;
    mem_wipe(chunk, out->secret ? sizeof chunk : 0);
    if (got == 0)
        return true;
    size_t max = out->max - before;
    if (out->len > before) {
        out->len = before;
        out->data[before] = '\0';
    }
    if (got < 0)
        return fail_errno(err, ERR_FILES, errnum, "cannot read '%s'", path);
    return fail(err, ERR_FILES, "'%s' is larger than %zu bytes", path, max);
}

static bool read_open_file(int fd, const char *path, bool trusted, struct buf *out,
                           struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot read '%s'", path);
    if (!S_ISREG(status.st_mode))
        return fail(err, ERR_FILES, "'%s' is not a plain file", path);
    return (!trusted || check_owner(&status, path, err)) && read_all(fd, path, out, err);
}

static bool read_file(const char *path, bool trusted, struct buf *out, bool *found,
                      struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT || found == NULL)
            return fail_errno(err, ERR_FILES, errno, "cannot read '%s'", path);
        *found = false;
        return true;
    }
    if (!read_open_file(fd, path, trusted, out, err))
        return false;
    if (found != NULL)
        *found = true;
    return true;
}

bool file_read(const char *path, struct buf *out, bool *found, struct error *err)
{
    return read_file(path, false, out, found, err);
}

bool file_read_fd(int fd, const char *path, struct buf *out, struct error *err)
{
    return read_open_file(fd, path, false, out, err);
}

bool file_read_trusted(const char *path, struct buf *out, bool *found, struct error *err)
{
    return read_file(path, true, out, found, err);
}

/* ---- writing ---- */

/* A file about to be written: its folder, its name there, and the temporary one. */
struct target {
    const char *path; /* borrowed */
    const char *name; /* borrowed, inside path */
    char *temp;
    int dir;
};

static void target_release(struct target *target)
{
    free(target->temp);
    cleanup_fd(&target->dir);
}

/* The folder above path, owned. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

static bool target_open(struct target *target, const char *path, struct error *err)
{
    AUTO_FREE parent = parent_of(path);
    const char *slash = strrchr(path, '/');
    target->path = path;
    target->name = slash == NULL ? path : slash + 1;
    target->temp = mem_printf(".%s.tmp", target->name);
    target->dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return target->dir >= 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot open the folder '%s'", parent);
}

static bool is_entry(const struct target *target, int fd)
{
    struct stat open_one, entry;
    return fstat(fd, &open_one) == 0 &&
           fstatat(target->dir, target->temp, &entry, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_one.st_ino == entry.st_ino && open_one.st_dev == entry.st_dev;
}

/* Whoever writes a temporary file holds a flock on it, so one without is a killed run's. False
 * (errno EBUSY): it is being written right now, by another process. */
static bool drop_stale(const struct target *target)
{
    AUTO_FD fd = openat(target->dir, target->temp,
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        errno = EBUSY;
        return false;
    }
    if (fd >= 0 && !is_entry(target, fd))
        return true;
    return unlinkat(target->dir, target->temp, 0) == 0 || errno == ENOENT;
}

/* A descriptor, or -1 with errno. The lock is taken after the file is made, so it may have been
 * mistaken for a leftover in between: then another is made. */
static int temp_open(const struct target *target)
{
    for (unsigned tries = 0; tries < TEMP_TRIES; tries++) {
        int fd = openat(target->dir, target->temp,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && (errno != EEXIST || !drop_stale(target)))
            return -1;
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_entry(target, fd))
            return fd;
        (void)close(fd);
    }
    errno = EBUSY;
    return -1;
}

bool file_write_all(int fd, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

enum manner { REPLACE, CREATE, PUT };

static bool put_in_place(const struct target *target, enum manner manner)
{
    if (manner != CREATE)
        return renameat(target->dir, target->temp, target->dir, target->name) == 0;
    if (renameat2(target->dir, target->temp, target->dir, target->name, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    /* A file system without that flag: a link never replaces either. */
    if (linkat(target->dir, target->temp, target->dir, target->name, 0) != 0)
        return false;
    (void)unlinkat(target->dir, target->temp, 0);
    return true;
}

static bool write_file(const char *path, mode_t mode, struct span bytes, enum manner manner,
                       struct error *err)
{
    AUTO(target) target = {.dir = -1};
    if (!target_open(&target, path, err))
        return false;
    AUTO_FD fd = temp_open(&target);
    if (fd < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot write beside '%s'", path);
    if (!file_write_all(fd, bytes) || fchmod(fd, mode) != 0 || fsync(fd) != 0 ||
        !put_in_place(&target, manner)) {
        (void)fail_errno(err, ERR_FILES, errno, "cannot write '%s'", path);
        (void)unlinkat(target.dir, target.temp, 0);
        return false;
    }
    return manner == PUT || fsync(target.dir) == 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot sync the folder of '%s'", path);
}

bool file_replace(const char *path, mode_t mode, struct span bytes, struct error *err)
{
    return write_file(path, mode, bytes, REPLACE, err);
}

bool file_create(const char *path, mode_t mode, struct span bytes, struct error *err)
{
    return write_file(path, mode, bytes, CREATE, err);
}

bool file_put(const char *path, mode_t mode, struct span bytes, struct error *err)
{
    return write_file(path, mode, bytes, PUT, err);
}

void file_drop_leftover(const char *path)
{
    AUTO(target) target = {.dir = -1};
    struct error ignored = {0};
    if (target_open(&target, path, &ignored))
        (void)drop_stale(&target);
}

/* ---- folders ---- */

bool file_sync_dir(const char *path, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) ||
           fail_errno(err, ERR_FILES, errno, "cannot sync the folder '%s'", path);
}

/* mkdir(2) with the umask out of the way: a run killed before a later chmod would leave a folder
 * that nobody mends. There is one thread. */
static int make_exactly(const char *path, mode_t mode)
{
    mode_t mask = umask(0);
    int result = mkdir(path, mode);
    int errnum = errno;
    (void)umask(mask);
    errno = errnum;
    return result;
}

bool file_make_dir(const char *path, mode_t mode, struct error *err)
{
    struct stat status;
    if (stat(path, &status) == 0)
        return S_ISDIR(status.st_mode) || fail(err, ERR_FILES, "'%s' is not a folder", path);
    if (errno != ENOENT)
        return fail_errno(err, ERR_FILES, errno, "cannot look at '%s'", path);
    AUTO_FREE parent = parent_of(path);
    if (strcmp(parent, path) != 0 && !file_make_dir(parent, mode, err))
        return false;
    if (make_exactly(path, mode) != 0 && errno != EEXIST)
        return fail_errno(err, ERR_FILES, errno, "cannot make the folder '%s'", path);
    return file_sync_dir(parent, err);
}

static bool empty_dir(DIR *dir, const char *path, struct error *err)
{
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != ENOENT)
            return fail_errno(err, ERR_FILES, errno, "cannot empty the folder '%s'", path);
    }
    return errno == 0 || fail_errno(err, ERR_FILES, errno, "cannot read the folder '%s'", path);
}

bool file_remove_dir(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ||
               fail_errno(err, ERR_FILES, errno, "cannot open the folder '%s'", path);
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        (void)fail_errno(err, ERR_FILES, errno, "cannot read the folder '%s'", path);
        (void)close(fd);
        return false;
    }
    bool good = empty_dir(dir, path, err);
    (void)closedir(dir);
    return good && (rmdir(path) == 0 || errno == ENOENT ||
                    fail_errno(err, ERR_FILES, errno, "cannot remove the folder '%s'", path));
}

/* ---- trust ---- */

/* The path as far as it is walked (no symlink in it, "" is /), and what is left of it. */
struct walk {
    char *done, *rest;
    unsigned links;
    bool any_file; /* the last one may belong to anybody */
};

static void walk_release(struct walk *walk)
{
    free(walk->done);
    free(walk->rest);
}

static bool follow(struct walk *walk, const char *link, const char *rest, struct error *err)
{
    char target[4096];
    ssize_t len = readlink(link, target, sizeof target - 1);
    if (len < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot read the link '%s'", link);
    if (++walk->links > 40)
        return fail_errno(err, ERR_FILES, ELOOP, "cannot follow '%s'", link);
    target[len] = '\0';
    if (target[0] == '/')
        walk->done[0] = '\0';
    char *longer = mem_printf("%s/%s", target, rest);
    free(walk->rest);
    walk->rest = longer;
    return true;
}

/* Judges one component and goes there. */
static bool walk_into(struct walk *walk, const char *name, const char *rest, struct error *err)
{
    struct stat status;
    AUTO_FREE next = mem_printf("%s/%s", walk->done, name);
    if (lstat(next, &status) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot look at '%s'", next);
    bool judged = !walk->any_file || S_ISLNK(status.st_mode) || rest[strspn(rest, "/")] != '\0';
    if (judged && !check_owner(&status, next, err))
        return false;
    if (S_ISLNK(status.st_mode))
        return follow(walk, next, rest, err);
    char *left = mem_strdup(rest);
    free(walk->rest);
    walk->rest = left;
    free(walk->done);
    walk->done = next;
    next = NULL;
    return true;
}

static bool walk_step(struct walk *walk, struct error *err)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(start, "/");
    AUTO_FREE name = mem_strndup(start, len);
    if (strcmp(name, "..") != 0 && strcmp(name, ".") != 0 && len > 0)
        return walk_into(walk, name, start + len, err);
    char *slash = strrchr(walk->done, '/');
    if (strcmp(name, "..") == 0 && slash != NULL)
        *slash = '\0';
    memmove(walk->rest, start + len, strlen(start + len) + 1);
    return true;
}

static bool walk_all(struct walk *walk, struct error *err)
{
    struct stat status;
    if (stat("/", &status) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot look at '/'");
    if (!check_owner(&status, "/", err))
        return false;
    while (walk->rest[0] != '\0')
        if (!walk_step(walk, err))
            return false;
    return true;
}

static bool is_absolute(const char *path, struct error *err)
{
    return path[0] == '/' || fail(err, ERR_FILES, "'%s' is not an absolute path", path);
}

bool file_check_trusted(const char *path, struct error *err)
{
    struct stat status;
    if (!is_absolute(path, err))
        return false;
    if (geteuid() == 0) {
        AUTO(walk) walk = {.done = mem_strdup(""), .rest = mem_strdup(path)};
        return walk_all(&walk, err);
    }
    if (stat(path, &status) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot look at '%s'", path);
    return check_owner(&status, path, err);
}

bool file_find_real(const char *path, char **real, struct error *err)
{
    if (!is_absolute(path, err))
        return false;
    if (geteuid() == 0) {
        AUTO(walk)
        walk = {.done = mem_strdup(""), .rest = mem_strdup(path), .any_file = true};
        if (!walk_all(&walk, err))
            return false;
        *real = mem_strdup(walk.done);
        return true;
    }
    char *found = realpath(path, NULL);
    if (found == NULL)
        return fail_errno(err, ERR_FILES, errno, "cannot look at '%s'", path);
    *real = found;
    return true;
}

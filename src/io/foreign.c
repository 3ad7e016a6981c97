#include <acmec/io/foreign.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/io/file.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define XATTR_NAMES_MAX 65536 /* the kernel's limits */
#define XATTR_VALUE_MAX 65536
#define LABEL_NAME "security.selinux"
#define ACL_NAME "system.posix_acl_access"
#define OPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static bool same_facts(const struct source_facts *a, const struct source_facts *b)
{
    return a->device == b->device && a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
           a->size == b->size;
}

static struct source_facts facts_of(const struct stat *status)
{
    return (struct source_facts){
        .device = status->st_dev,
        .inode = status->st_ino,
        .mtime_ns = status->st_mtim.tv_sec * INT64_C(1000000000) + status->st_mtim.tv_nsec,
        .size = status->st_size,
    };
}

/* The same for the run that tidies up. No include pattern that people write meets it. */
static char *temp_name(const struct foreign *file)
{
    return mem_printf(".%s.acmec-tmp", file->name);
}

/* ---- may it be written? ---- */

static bool open_folder(struct foreign *file, struct error *err)
{
    struct stat status;
    const char *slash = strrchr(file->path, '/');
    AUTO_FREE folder = mem_strndup(file->path, (size_t)(slash - file->path) + 1);
    file->name = slash + 1;
    file->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->dir < 0 || fstat(file->dir, &status) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot open the folder '%s'", folder);
    if (geteuid() != 0 || (status.st_mode & 022) == 0)
        return true;
    (void)fail(err, ERR_FILES, "'%s' can be written by others than root and is not edited in",
               folder);
    return with_hint(err, "chmod go-w '%s'", folder);
}

/* Flags that stat(2) does not tell. */
static bool check_attributes(const struct foreign *file, bool *is_mount, struct error *err)
{
    struct statx of_file, of_folder;
    if (statx(file->dir, file->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &of_file) != 0 ||
        statx(file->dir, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &of_folder) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot look at '%s'", file->path);
    *is_mount = (of_file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    if (((of_file.stx_attributes | of_folder.stx_attributes) &
         (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) == 0)
        return true;
    (void)fail(err, ERR_FILES, "'%s' is immutable", file->path);
    return with_hint(err, "somebody protected it or its folder on purpose; chattr -i lifts that");
}

static bool in_our_groups(gid_t gid)
{
    gid_t groups[1024];
    int count = getgroups((int)(sizeof groups / sizeof groups[0]), groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == gid)
            return true;
    return gid == getegid();
}

static bool check_rights(const struct foreign *file, struct error *err)
{
    const char *what = file->in_place ? file->name : ".";
    if (faccessat(file->dir, what, file->in_place ? W_OK : W_OK | X_OK, AT_EACCESS) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot write '%s'", file->path);
    bool same_owner = file->status.st_uid == geteuid() && in_our_groups(file->status.st_gid);
    if (geteuid() == 0 || file->in_place || same_owner)
        return true;
    return fail(err, ERR_FILES, "cannot write '%s' for its owner, user %u", file->path,
                (unsigned)file->status.st_uid);
}

/* Whether the file can be replaced, and how. */
static bool check_writable(struct foreign *file, bool in_place, struct error *err)
{
    bool is_mount = false;
    if (!check_attributes(file, &is_mount, err))
        return false;
    bool only_in_place = is_mount || file->status.st_nlink > 1;
    if (only_in_place && !in_place) {
        (void)fail(err, ERR_FILES, "'%s' %s: it can only be written in place", file->path,
                   is_mount ? "is mounted by itself" : "has several names (hard links)");
        return with_hint(err,
                         "--in-place does that; a crash meanwhile may leave half a file, which "
                         "the next run repairs");
    }
    file->in_place = only_in_place;
    return check_rights(file, err);
}

/* ---- reading ---- */

static bool read_held(struct foreign *file, struct error *err)
{
    AUTO_FD fd = openat(file->dir, file->name, O_RDONLY | OPEN_FLAGS);
    if (fd < 0 || fstat(fd, &file->status) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot read '%s'", file->path);
    buf_clear(&file->bytes);
    file->facts = facts_of(&file->status);
    return file_read_fd(fd, file->path, &file->bytes, err);
}

bool foreign_open(const char *path, bool in_place, struct foreign *out, struct error *err)
{
    struct foreign file = {.dir = -1, .bytes = BUF(FOREIGN_MAX)};
    if (file_find_real(path, &file.path, err) && open_folder(&file, err) && read_held(&file, err) &&
        check_writable(&file, in_place, err)) {
        *out = file;
        return true;
    }
    foreign_release(&file);
    return false;
}

void foreign_release(struct foreign *file)
{
    free(file->path);
    cleanup_fd(&file->dir);
    buf_release(&file->bytes);
    *file = (struct foreign){.dir = -1};
}

static bool has_changed(const struct foreign *file, struct error *err)
{
    (void)fail(err, ERR_FILES, "'%s' was changed meanwhile by somebody else", file->path);
    return with_hint(err, "run the command again");
}

bool foreign_is_still(const struct foreign *file, const struct source_facts *facts,
                      struct span bytes, struct error *err)
{
    if (same_facts(&file->facts, facts) && span_equals(buf_span(&file->bytes), bytes))
        return true;
    return has_changed(file, err);
}

/* ---- a new file that looks like the old one ---- */

static bool is_kept(const char *attribute)
{
    return strcmp(attribute, ACL_NAME) == 0 || strcmp(attribute, LABEL_NAME) == 0 ||
           strncmp(attribute, "user.", 5) == 0;
}

/* One that the new file has already, by the folder's default, need not be set, which may take
 * rights that we lack. */
static bool copy_attribute(int from, int to, const char *name)
{
    char value[XATTR_VALUE_MAX], there[XATTR_VALUE_MAX];
    ssize_t len = fgetxattr(from, name, value, sizeof value);
    if (len < 0)
        return errno == ENODATA;
    ssize_t have = fgetxattr(to, name, there, sizeof there);
    if (have == len && memcmp(value, there, (size_t)len) == 0)
        return true;
    return fsetxattr(to, name, value, (size_t)len, 0) == 0;
}

static bool copy_attributes(int from, int to)
{
    char names[XATTR_NAMES_MAX];
    ssize_t len = flistxattr(from, names, sizeof names);
    if (len < 0)
        return errno == ENOTSUP;
    /* What the folder's default gave it and the old file has not. */
    if (fremovexattr(to, ACL_NAME) != 0 && errno != ENODATA && errno != ENOTSUP)
        return false;
    for (const char *name = names; name < names + len; name += strlen(name) + 1)
        if (is_kept(name) && !copy_attribute(from, to, name))
            return false;
    return true;
}

/* By descriptor, before the file has its name. */
static bool dress(const struct foreign *file, int original, int fd)
{
    struct stat old, new;
    if (fstat(original, &old) != 0 || fstat(fd, &new) != 0)
        return false;
    struct source_facts facts = facts_of(&old);
    if (!same_facts(&facts, &file->facts)) {
        errno = ESTALE;
        return false;
    }
    if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) &&
        fchown(fd, old.st_uid, old.st_gid) != 0)
        return false;
    return fchmod(fd, old.st_mode & 0777) == 0 && copy_attributes(original, fd);
}

static bool fill(const struct foreign *file, int fd, struct span bytes)
{
    AUTO_FD original = openat(file->dir, file->name, O_RDONLY | OPEN_FLAGS);
    return original >= 0 && file_write_all(fd, bytes) && dress(file, original, fd) &&
           fsync(fd) == 0;
}

bool foreign_copy_label(const struct foreign *file, const char *path, struct error *err)
{
    AUTO_FD original = openat(file->dir, file->name, O_RDONLY | OPEN_FLAGS);
    AUTO_FD fd = open(path, O_RDONLY | OPEN_FLAGS);
    return (original >= 0 && fd >= 0 &&
            (copy_attribute(original, fd, LABEL_NAME) || errno == ENOTSUP)) ||
           fail_errno(err, ERR_FILES, errno, "cannot label '%s'", path);
}

/* ---- the exchange ---- */

/* Whether the entry is the file that is held, by its facts; by its bytes too if `whole`. */
static bool entry_is(const struct foreign *file, const char *name, bool whole)
{
    struct stat status;
    struct error ignored;
    AUTO_FD fd = openat(file->dir, name, O_RDONLY | OPEN_FLAGS);
    if (fd < 0 || fstat(fd, &status) != 0)
        return false;
    struct source_facts facts = facts_of(&status);
    if (!same_facts(&facts, &file->facts) || !whole)
        return same_facts(&facts, &file->facts);
    AUTO(buf) bytes = BUF(FOREIGN_MAX);
    return file_read_fd(fd, file->path, &bytes, &ignored) &&
           span_equals(buf_span(&bytes), buf_span(&file->bytes));
}

static bool swap_entries(const struct foreign *file, const char *temp)
{
    return renameat2(file->dir, temp, file->dir, file->name, RENAME_EXCHANGE) == 0;
}

/* A file system without exchange: the last look is the moment before. */
static bool rename_over(const struct foreign *file, const char *temp, struct error *err)
{
    if (!entry_is(file, file->name, true))
        return has_changed(file, err);
    return renameat(file->dir, temp, file->dir, file->name) == 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot write '%s'", file->path);
}

static bool take_place(const struct foreign *file, const char *temp, struct error *err)
{
    if (!entry_is(file, file->name, false))
        return has_changed(file, err);
    if (!swap_entries(file, temp)) {
        if (errno == EINVAL || errno == ENOSYS)
            return rename_over(file, temp, err);
        return fail_errno(err, ERR_FILES, errno, "cannot write '%s'", file->path);
    }
    if (!entry_is(file, temp, true)) {
        (void)swap_entries(file, temp);
        return has_changed(file, err);
    }
    if (fsync(file->dir) == 0)
        return true;
    (void)fail_errno(err, ERR_FILES, errno, "cannot sync the folder of '%s'", file->path);
    (void)swap_entries(file, temp);
    return false;
}

static bool write_anew(const struct foreign *file, struct span bytes, struct stat *written,
                       struct error *err)
{
    AUTO_FREE temp = temp_name(file);
    AUTO_FD fd = openat(file->dir, temp, O_WRONLY | O_CREAT | O_EXCL | OPEN_FLAGS, 0600);
    if (fd < 0 && errno == EEXIST) {
        (void)fail(err, ERR_FILES, "cannot write '%s': '%s' is in the way beside it", file->path,
                   temp);
        return with_hint(err, "a killed run left it; look at it, and remove it");
    }
    if (fd < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot write beside '%s'", file->path);
    bool good = fill(file, fd, bytes) && fstat(fd, written) == 0;
    if (!good && errno == ESTALE)
        (void)has_changed(file, err);
    else if (!good)
        (void)fail_errno(err, ERR_FILES, errno, "cannot write beside '%s'", file->path);
    good = good && take_place(file, temp, err);
    /* The new file that failed, or the old one; gone already where there is no exchange. */
    (void)unlinkat(file->dir, temp, 0);
    return good;
}

/* ---- in place ---- */

static bool pwrite_all(int fd, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = pwrite(fd, bytes.ptr + done, bytes.len - done, (off_t)done);
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* A file that becomes shorter is filled up with line ends and then cut: nginx never finds the rest
 * of the old bytes behind the new ones. */
static bool put_all(int fd, struct span bytes)
{
    struct stat now;
    AUTO(buf) whole = BUF(FOREIGN_MAX);
    buf_add_span(&whole, bytes);
    if (fstat(fd, &now) != 0)
        return false;
    while ((off_t)whole.len < now.st_size && !whole.failed)
        buf_add_byte(&whole, '\n');
    return buf_ok(&whole) && pwrite_all(fd, buf_span(&whole)) &&
           ftruncate(fd, (off_t)bytes.len) == 0 && fsync(fd) == 0;
}

/* Room is made first, so that a full disk is met before a byte has changed. */
static bool has_room(int fd, size_t len)
{
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)(len == 0 ? 1 : len)) == 0 ||
           errno == EOPNOTSUPP || errno == ENOSYS;
}

static bool write_in_place(const struct foreign *file, struct span bytes, struct stat *written,
                           struct error *err)
{
    AUTO_FD fd = openat(file->dir, file->name, O_WRONLY | OPEN_FLAGS);
    if (fd < 0 || fstat(fd, written) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot write '%s'", file->path);
    struct source_facts facts = facts_of(written);
    if (!same_facts(&facts, &file->facts) || !entry_is(file, file->name, true))
        return has_changed(file, err);
    if (has_room(fd, bytes.len) && put_all(fd, bytes) && fstat(fd, written) == 0)
        return true;
    (void)fail_errno(err, ERR_FILES, errno, "cannot write '%s'", file->path);
    if (!put_all(fd, buf_span(&file->bytes)))
        (void)while_doing(err, "half written, and the old bytes could not be put back");
    return false;
}

bool foreign_replace(struct foreign *file, struct span bytes, struct error *err)
{
    if (bytes.len > FOREIGN_MAX)
        return fail(err, ERR_FILES, "'%s' would be larger than %d bytes", file->path, FOREIGN_MAX);
    struct stat written;
    if (file->in_place ? !write_in_place(file, bytes, &written, err)
                       : !write_anew(file, bytes, &written, err))
        return false;
    file->status = written;
    file->facts = facts_of(&written);
    buf_clear(&file->bytes);
    buf_add_span(&file->bytes, bytes);
    return true;
}

/* ---- what a killed run left ---- */

static bool is_part_of(struct span left, struct span whole)
{
    return left.len <= whole.len && memcmp(left.ptr, whole.ptr, left.len) == 0;
}

/* A file that somebody had put there while we exchanged: back, unless his place was taken by yet
 * another. */
static bool give_back(struct foreign *file, const char *temp, struct span old_bytes,
                      struct span new_bytes, struct error *err)
{
    if (!read_held(file, err))
        return false;
    struct span now = buf_span(&file->bytes);
    if (!span_equals(now, old_bytes) && !span_equals(now, new_bytes)) {
        (void)fail(err, ERR_FILES, "'%s' was changed twice while acmec was killed", file->path);
        return with_hint(err, "'%s' beside it is the older one; look at both, and remove that",
                         temp);
    }
    return renameat(file->dir, temp, file->dir, file->name) == 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot write '%s'", file->path);
}

bool foreign_settle(const char *path, struct span old_bytes, struct span new_bytes,
                    struct error *err)
{
    AUTO(foreign) file = {.dir = -1, .path = mem_strdup(path), .bytes = BUF(FOREIGN_MAX)};
    AUTO(buf) left = BUF(FOREIGN_MAX);
    if (!open_folder(&file, err))
        return false;
    AUTO_FREE temp = temp_name(&file);
    AUTO_FD fd = openat(file.dir, temp, O_RDONLY | OPEN_FLAGS);
    if (fd < 0)
        return errno == ENOENT ||
               fail_errno(err, ERR_FILES, errno, "cannot look at '%s' beside '%s'", temp, path);
    if (!file_read_fd(fd, path, &left, err))
        return false;
    if (!is_part_of(buf_span(&left), old_bytes) && !is_part_of(buf_span(&left), new_bytes))
        return give_back(&file, temp, old_bytes, new_bytes, err);
    return unlinkat(file.dir, temp, 0) == 0 ||
           fail_errno(err, ERR_FILES, errno, "cannot tidy up beside '%s'", path);
}

/* file: reading and replacing files without ever leaving half of one, and whose files a root
 * program may believe.
 *
 * Every error is ERR_FILES unless said otherwise and names the path. All descriptors are CLOEXEC.
 */
#ifndef ACMEC_IO_FILE_H
#define ACMEC_IO_FILE_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <sys/stat.h>

/* What of a file tells whether it changed. All zero: there is none. */
struct file_stamp {
    int64_t mtime_ns;
    int64_t size;
    uint64_t inode;
};

bool file_stamp_equals(const struct file_stamp *a, const struct file_stamp *b);
/* A missing file gives the zero stamp and is no error. */
bool file_stamp_read(const char *path, struct file_stamp *out, struct error *err) MUST_USE;

/* As root: path and every parent up to / belong to root and are not group- or world-writable
 * (sticky folders excepted); symlinks are judged at both ends. Not root: the file belongs to us or
 * root. path is absolute. */
bool file_check_trusted(const char *path, struct error *err) MUST_USE;

/* The file's path without symlinks: *real, owned. As root every folder on the way, and every
 * symlink, must pass file_check_trusted, so that nobody can turn the way meanwhile; the file itself
 * may belong to anybody. path is absolute. */
bool file_find_real(const char *path, char **real, struct error *err) MUST_USE;

/* Appends a regular file (O_NONBLOCK, O_NOCTTY; a FIFO or device is refused) of at most what still
 * fits into out. found (may be NULL: then a missing file is an error) tells whether it was there.
 */
bool file_read(const char *path, struct buf *out, bool *found, struct error *err) MUST_USE;

/* The same from a descriptor that is open for reading; path is for messages. */
bool file_read_fd(int fd, const char *path, struct buf *out, struct error *err) MUST_USE;

/* The same for a file below a folder that has passed file_check_trusted: what was opened must
 * belong to root or us, and as root must not be group- or world-writable. */
bool file_read_trusted(const char *path, struct buf *out, bool *found, struct error *err) MUST_USE;

/* Writes bytes to a new file beside path, O_EXCL and dot-prefixed (".NAME.tmp"), with mode whatever
 * the umask, fsyncs it, renames it over path, fsyncs the folder. A failure leaves the old file and
 * no other. Leftovers of killed runs are replaced, those of a run that is at it are not. */
bool file_replace(const char *path, mode_t mode, struct span bytes, struct error *err) MUST_USE;

/* The same, but a file that is there stays and is an error. */
bool file_create(const char *path, mode_t mode, struct span bytes, struct error *err) MUST_USE;

/* As file_replace, but leaves the fsync of the folder to the last of several files in it. */
bool file_put(const char *path, mode_t mode, struct span bytes, struct error *err) MUST_USE;

/* Writes all of it at the descriptor's position. False: errno. */
bool file_write_all(int fd, struct span bytes) MUST_USE;

/* Removes what a killed file_replace(path) or file_create(path) may have left. Errors are nobody's:
 * the next write meets them again. */
void file_drop_leftover(const char *path);

/* Makes path and the missing parents of it with mode, whatever the umask, and fsyncs the folder
 * above each; a folder that is there is left as it is. */
bool file_make_dir(const char *path, mode_t mode, struct error *err) MUST_USE;

bool file_sync_dir(const char *path, struct error *err) MUST_USE;

/* Removes a folder with the plain files in it; one that is missing is fine. Never follows a
 * symlink, never goes deeper than one level. */
bool file_remove_dir(const char *path, struct error *err) MUST_USE;

#endif

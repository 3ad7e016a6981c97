#include <acmec/io/lock.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define HOLDER_MAX 256

/* "pid 123 (acmec renew)", or in words that nobody knows. */
static struct escaped holder_of(int fd)
{
    char text[HOLDER_MAX + 1] = "";
    ssize_t len = pread(fd, text, HOLDER_MAX, 0);
    char *end = NULL;
    errno = 0;
    long pid = len > 0 ? strtol(text, &end, 10) : 0;
    if (pid <= 0 || errno != 0 || *end != ' ')
        return escaped_str("another process");
    AUTO_FREE known = mem_printf("pid %ld (%.*s)", pid, (int)strcspn(end + 1, "\n"), end + 1);
    return escaped_str(known);
}

/* For the message only: a full disk must not keep anybody from working. */
static void write_holder(int fd, const char *command)
{
    AUTO_FREE text = mem_printf("%ld %.*s\n", (long)getpid(), HOLDER_MAX - 32, command);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
        log_debug("cannot say in a lock file who holds it: %s", strerror(errno));
}

bool lock_take(const char *path, const char *command, struct lock *out, struct error *err)
{
    AUTO_FD fd =
        open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot open the lock file '%s'", path);
    if (!S_ISREG(status.st_mode))
        return fail(err, ERR_FILES, "the lock file '%s' is not a plain file", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return fail_errno(err, ERR_FILES, errno, "cannot lock '%s'", path);
        (void)fail(err, ERR_LOCKED, "'%s' is locked by %s", path, holder_of(fd).text);
        return with_hint(err, "try again later, or wait for it with --wait SECONDS");
    }
    write_holder(fd, command);
    out->fd = fd;
    fd = -1;
    return true;
}

void lock_release(struct lock *lock)
{
    if (lock->fd < 0)
        return;
    /* A name that is no longer true would mislead the next one who finds it locked. */
    if (ftruncate(lock->fd, 0) != 0)
        log_debug("cannot empty a lock file: %s", strerror(errno));
    (void)close(lock->fd);
    lock->fd = -1;
}

/* step: for LD_PRELOAD. After each change of a file below one of the folders of STEP_BELOW (with
 * ':' between) it says which on the socket STEP_SOCKET, and waits until somebody has looked. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_below(const char *path)
{
    const char *folder = getenv("STEP_BELOW");
    while (folder != NULL && *folder != '\0') {
        size_t len = strcspn(folder, ":");
        if (strncmp(path, folder, len) == 0 && path[len] == '/')
            return true;
        folder += len + (folder[len] == ':');
    }
    return false;
}

static void say(const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("STEP_SOCKET");
    char answer;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || path == NULL || strlen(path) >= sizeof address.sun_path)
        abort();
    memcpy(address.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        send(fd, text, strlen(text), 0) < 0 || shutdown(fd, SHUT_WR) != 0 ||
        recv(fd, &answer, 1, 0) != 1)
        abort();
    (void)close(fd);
}

/* name NULL: the file that the descriptor is. */
static long done(long result, const char *what, int dir, const char *name)
{
    char link[64], folder[PATH_MAX] = "", text[2 * PATH_MAX + 64];
    int error = errno;
    if (result < 0)
        return result;
    if (name == NULL || name[0] != '/') {
        (void)snprintf(link, sizeof link, dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d",
                       dir);
        ssize_t len = readlink(link, folder, sizeof folder - 1);
        folder[len < 0 ? 0 : len] = '\0';
    }
    (void)snprintf(text, sizeof text, "%s %s%s%s", what, folder,
                   name == NULL || folder[0] == '\0' ? "" : "/", name == NULL ? "" : name);
    if (is_below(strchr(text, ' ') + 1))
        say(text);
    errno = error;
    return result;
}

static int opened(int dir, const char *path, int flags, mode_t mode)
{
    long fd = syscall(SYS_openat, dir, path, flags, mode);
    if ((flags & (O_CREAT | O_TRUNC)) != 0)
        (void)done(fd, "open", dir, path);
    return (int)fd;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(dir, path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    return done(syscall(SYS_write, fd, bytes, len), "write", fd, NULL);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return done(syscall(SYS_pwrite64, fd, bytes, len, at), "pwrite", fd, NULL);
}

int ftruncate(int fd, off_t len)
{
    return (int)done(syscall(SYS_ftruncate, fd, len), "ftruncate", fd, NULL);
}

int fchmod(int fd, mode_t mode)
{
    return (int)done(syscall(SYS_fchmod, fd, mode), "fchmod", fd, NULL);
}

int fchown(int fd, uid_t owner, gid_t group)
{
    return (int)done(syscall(SYS_fchown, fd, owner, group), "fchown", fd, NULL);
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return (int)done(syscall(SYS_renameat2, from, old, to, new, flags), "rename", to, new);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return renameat2(from, old, to, new, 0);
}

int rename(const char *old, const char *new)
{
    return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return (int)done(syscall(SYS_linkat, from, old, to, new, flags), "link", to, new);
}

int symlinkat(const char *target, int dir, const char *name)
{
    return (int)done(syscall(SYS_symlinkat, target, dir, name), "symlink", dir, name);
}

int symlink(const char *target, const char *name)
{
    return symlinkat(target, AT_FDCWD, name);
}

int unlinkat(int dir, const char *name, int flags)
{
    return (int)done(syscall(SYS_unlinkat, dir, name, flags), "unlink", dir, name);
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

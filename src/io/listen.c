#include <acmec/io/listen.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 1024
#define STATE_LISTEN 0x0A
#define TABLE_LINE_MAX 512

void listeners_release(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        (void)close(listeners->fds[i]);
    listeners->count = 0;
}

/* ---- who holds the port: proc(5), net/tcp and PID/fd ---- */

/* The inode of the socket that listens on the port in this table; 0: none. */
static unsigned long inode_in(const char *table, uint16_t port)
{
    char line[TABLE_LINE_MAX];
    unsigned long found = 0;
    FILE *file = fopen(table, "re");
    if (file == NULL)
        return 0;
    while (found == 0 && fgets(line, sizeof line, file) != NULL) {
        unsigned local, state;
        unsigned long inode;
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
                   &local, &state, &inode) == 3 &&
            local == port && state == STATE_LISTEN)
            found = inode;
    }
    (void)fclose(file);
    return found;
}

/* Whether one of the process's descriptors is the socket. */
static bool has_socket(const char *pid, const char *wanted)
{
    AUTO_FREE path = mem_printf("/proc/%s/fd", pid);
    DIR *folder = opendir(path);
    bool found = false;
    const struct dirent *entry;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        char target[64];
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    if (folder != NULL)
        (void)closedir(folder);
    return found;
}

static char *command_of(const char *pid)
{
    char command[32] = "";
    AUTO_FREE path = mem_printf("/proc/%s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(command, sizeof command, file) == NULL)
        command[0] = '\0';
    if (file != NULL)
        (void)fclose(file);
    command[strcspn(command, "\n")] = '\0';
    return mem_printf("%s (pid %s)", escaped_str(command).text, pid);
}

/* "nginx (pid 123)", owned; NULL: /proc does not tell us. */
static char *holder_of(uint16_t port)
{
    unsigned long inode = inode_in("/proc/net/tcp", port);
    if (inode == 0)
        inode = inode_in("/proc/net/tcp6", port);
    AUTO_FREE wanted = mem_printf("socket:[%lu]", inode);
    DIR *folder = inode == 0 ? NULL : opendir("/proc");
    char *holder = NULL;
    const struct dirent *entry;
    while (folder != NULL && holder == NULL && (entry = readdir(folder)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) && has_socket(entry->d_name, wanted))
            holder = command_of(entry->d_name);
    if (folder != NULL)
        (void)closedir(folder);
    return holder;
}

/* ---- binding ---- */

static bool say_why(int errnum, uint16_t port, struct error *err)
{
    if (errnum == EADDRINUSE) {
        AUTO_FREE holder = holder_of(port);
        (void)fail(err, ERR_WEB_SERVER, "port %u is taken%s%s", (unsigned)port,
                   holder == NULL ? "" : " by ", holder == NULL ? "" : holder);
        return with_hint(
            err, "if that is a web server, use --nginx or --webroot DIR; else stop it for the "
                 "moment of the proof (--pre-hook, --post-hook)");
    }
    (void)fail_errno(err, ERR_FILES, errnum, "cannot listen on port %u", (unsigned)port);
    return errnum != EACCES ? false
                            : with_hint(err, "ports below 1024 need root or CAP_NET_BIND_SERVICE");
}

/* False with *errnum: could not. */
static bool bind_one(const struct sockaddr *address, socklen_t len, int *out, int *errnum)
{
    const int on = 1;
    AUTO_FD fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (address->sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0) {
        *errnum = errno;
        return false;
    }
    *out = fd;
    fd = -1;
    return true;
}

static bool add(struct listeners *listeners, const struct sockaddr *address, socklen_t len,
                int *errnum)
{
    if (!bind_one(address, len, &listeners->fds[listeners->count], errnum))
        return false;
    listeners->count++;
    return true;
}

static bool open_all(uint16_t port, struct listeners *out, int *errnum)
{
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    bool lacks_v6 = !add(out, (const struct sockaddr *)&v6, sizeof v6, errnum);
    if (lacks_v6 && *errnum != EAFNOSUPPORT && *errnum != EADDRNOTAVAIL)
        return false;
    if (add(out, (const struct sockaddr *)&v4, sizeof v4, errnum))
        return true;
    return !lacks_v6 && *errnum == EAFNOSUPPORT;
}

static bool open_one(const char *address, uint16_t port, struct listeners *out, int *errnum)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return add(out, (const struct sockaddr *)&v4, sizeof v4, errnum);
    if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
        return add(out, (const struct sockaddr *)&v6, sizeof v6, errnum);
    *errnum = EINVAL;
    return false;
}

bool listen_open(const char *address, uint16_t port, struct listeners *out, struct error *err)
{
    AUTO(listeners) opened = {0};
    int errnum = 0;
    bool good = address == NULL ? open_all(port, &opened, &errnum)
                                : open_one(address, port, &opened, &errnum);
    if (!good)
        return say_why(errnum, port, err);
    *out = opened;
    opened.count = 0;
    return true;
}

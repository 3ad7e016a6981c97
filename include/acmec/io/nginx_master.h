/* nginx_master: the running master processes of nginx, and signals that never hit a stranger.
 *
 * Anybody can start something that looks like a master, and `nginx -t` on its configuration would
 * run code of his as us. So a master counts only if its uids are ours, its mount, pid and user
 * namespaces are ours, and its binary with all folders above it is trusted (file_check_trusted);
 * its configuration is judged by nginx_control, which knows where that is. The others are refused,
 * with the reason, and nothing of theirs is executed or read.
 *
 * Not root, root's masters are seen but cannot be signalled (may_signal false).
 *
 * Everything here returns at once. */
#ifndef ACMEC_IO_NGINX_MASTER_H
#define ACMEC_IO_NGINX_MASTER_H

#include <acmec/base/error.h>
#include <stddef.h>
#include <sys/types.h>

#define NGINX_MASTERS_MAX 64 /* more are not looked at */
#define NGINX_WORKERS_MAX 4096

/* Zeroed with pid 0: none. */
struct nginx_master {
    pid_t pid;
    pid_t parent;
    int64_t start_ticks;  /* field 22 of /proc/PID/stat: tells it from a later process of its pid */
    int pidfd;            /* held from before anything was asked about it */
    bool may_signal;      /* it is ours */
    bool binary_replaced; /* it still runs what an upgrade has replaced since */
    char *binary;         /* owned, absolute; NULL: not for us to see */
    char *conf;       /* owned: -c, absolute or relative to the prefix; NULL: the built-in one */
    char *prefix;     /* owned: -p, absolute; NULL: the built-in one */
    char *directives; /* owned: -g; NULL: none */
};
void nginx_master_release(struct nginx_master *master);

struct nginx_masters {
    struct nginx_master *items; /* by pid */
    size_t count;
    struct error *refused; /* one per process that looked like a master and is none of ours */
    size_t refused_count;
};
void nginx_masters_release(struct nginx_masters *masters);

/* Looks through /proc. ERR_FILES: that cannot be read. */
bool nginx_masters_find(struct nginx_masters *out, struct error *err) MUST_USE;

/* What the process's title says: "nginx: master process /usr/sbin/nginx -c /x -g daemon on;",
 * blanks or NULs between words. Fills conf, prefix (as given, may be relative) and directives.
 * False: it is no master's. Pure. */
bool nginx_title_read(const char *title, struct nginx_master *out);

/* SIGHUP by pidfd, after uid, start time and executable have been looked at again. ERR_WEB_SERVER:
 * it has ended, is another process now, or is not ours. */
bool nginx_master_hup(const struct nginx_master *master, struct error *err) MUST_USE;

/* Its workers (cache managers and loaders are not counted), as the kernel knows them now. */
struct nginx_worker {
    pid_t pid;
    int64_t start_ticks;
    bool draining; /* "worker process is shutting down": takes no new connection */
};
struct nginx_workers {
    struct nginx_worker *items;
    size_t count;
    size_t draining;
};
void nginx_workers_release(struct nginx_workers *workers);
/* ERR_WEB_SERVER: the master has ended. */
bool nginx_workers_list(const struct nginx_master *master, struct nginx_workers *out,
                        struct error *err) MUST_USE;

#endif

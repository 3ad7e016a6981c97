#include <acmec/io/worker.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/frame.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SOCKET_FD 3
#define PASSED_MAX 16
#define HIGH_FD 64 /* above all that are replaced between fork and exec */
#define OUT_MAX (64 * 1024 * 1024)
#define IN_MAX (FRAME_MAX + 128 * 1024)
#define READ_SIZE (64 * 1024)
#define READS_A_STEP 16
#define CLOSE_WAIT_MS 3000
/* What is closed to a worker of the three that each program expects. A sanitizer's report goes to
 * stderr, and nobody else's. */
#ifdef ACMEC_SANITIZED
#define SILENCED_FDS STDERR_FILENO
#else
#define SILENCED_FDS SOCKET_FD
#endif
/* systemd's range for dynamic users: no account of the system is there. */
#define DYNAMIC_FIRST 61184
#define DYNAMIC_COUNT 4336

/* ---- where it is, and who it will be ---- */

static char *directory_of_self(void)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    while (len > 0 && self[len - 1] != '/')
        len--;
    return len > 0 ? mem_strndup(self, (size_t)len - 1) : mem_strdup(".");
}

static char *path_of(const char *name, const char *dir)
{
    if (dir != NULL)
        return mem_printf("%s/%s", dir, name);
    AUTO_FREE beside = directory_of_self();
    char *path = mem_printf("%s/%s", beside, name);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return mem_printf("%s/%s/%s", beside, ACMEC_LIBEXEC_FROM_BIN, name);
}

struct identity {
    char uid[16], gid[16], parent[16];
};

static struct identity identity_of(const struct worker_program *program)
{
    struct identity identity = {"-", "-", ""};
    (void)snprintf(identity.parent, sizeof identity.parent, "%d", (int)getpid());
    if (geteuid() != 0)
        return identity;
    const struct passwd *user = getpwnam(program->name);
    unsigned uid = user == NULL ? 0 : (unsigned)user->pw_uid;
    unsigned gid = user == NULL ? 0 : (unsigned)user->pw_gid;
    for (unsigned i = 0; uid == 0 && i < DYNAMIC_COUNT; i += 2) {
        unsigned number = ((unsigned)getpid() * 2 + program->number + i) % DYNAMIC_COUNT;
        if (getpwuid((uid_t)(DYNAMIC_FIRST + number)) == NULL)
            uid = gid = DYNAMIC_FIRST + number;
    }
    (void)snprintf(identity.uid, sizeof identity.uid, "%u", uid);
    (void)snprintf(identity.gid, sizeof identity.gid, "%u", gid);
    return identity;
}

/* ---- starting ---- */

struct launch {
    const char *path;
    char *const *argv;
    int fds[PASSED_MAX + 1]; /* the socket, then the passed ones */
    size_t count;
};

/* Between fork and exec: async-signal-safe calls only. */
static _Noreturn void become(const struct launch *launch)
{
    char *const no_environment[] = {NULL};
    int high[PASSED_MAX + 1];
    sigset_t none;
    int null = open("/dev/null", O_RDWR);
    for (size_t i = 0; i < launch->count; i++)
        high[i] = fcntl(launch->fds[i], F_DUPFD, HIGH_FD);
    for (int fd = 0; fd < SILENCED_FDS; fd++)
        (void)dup2(null, fd);
    for (size_t i = 0; i < launch->count; i++)
        (void)dup2(high[i], SOCKET_FD + (int)i);
    if (close_range((unsigned)(SOCKET_FD + (int)launch->count), ~0U, 0) != 0)
        _exit(126);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(launch->path, launch->argv, no_environment);
    _exit(127);
}

bool worker_start(struct worker *worker, const struct worker_program *program, const char *dir,
                  const int *passed, size_t passed_count, int64_t now_ms, struct error *err)
{
    int pair[2];
    AUTO_FREE path = path_of(program->name, dir);
    struct identity identity = identity_of(program);
    AUTO_FREE name = mem_strdup(program->name);
    char *argv[] = {name, identity.uid, identity.gid, identity.parent, NULL};
    if (access(path, X_OK) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot start '%s'", path);
    if (passed_count > PASSED_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot make a socket pair");
    struct launch launch = {.path = path, .argv = argv, .fds = {pair[1]}, .count = 1};
    for (size_t i = 0; i < passed_count; i++)
        launch.fds[launch.count++] = passed[i];
    pid_t pid = fork();
    if (pid == 0)
        become(&launch);
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return fail_errno(err, ERR_FILES, errno, "cannot start a process");
    }
    (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *worker = (struct worker){
        .pid = pid,
        .fd = pair[0],
        .in = BUF(IN_MAX),
        .out = BUF(OUT_MAX),
        .hello_deadline_ms = now_ms + WORKER_HELLO_MS,
    };
    return true;
}

/* ---- ending ---- */

static void forget(struct worker *worker)
{
    if (worker->fd >= 0)
        (void)close(worker->fd);
    worker->fd = -1;
    worker->pid = 0;
    buf_release(&worker->in);
    buf_release(&worker->out);
}

void worker_end(struct worker *worker)
{
    if (worker->pid == 0)
        return;
    (void)kill(worker->pid, SIGKILL);
    (void)waitpid(worker->pid, NULL, 0);
    forget(worker);
}

void worker_close(struct worker *worker)
{
    if (worker->pid == 0)
        return;
    (void)close(worker->fd);
    worker->fd = -1;
    AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    (void)poll(&end, 1, CLOSE_WAIT_MS);
    worker_end(worker);
}

void worker_fail(struct worker *worker, const char *why)
{
    if (why != worker->end_text)
        (void)snprintf(worker->end_text, sizeof worker->end_text, "%s", why);
    log_debug("worker ended: %s", why);
    worker_end(worker);
}

/* ---- running ---- */

short worker_poll_events(const struct worker *worker)
{
    return (short)(POLLIN | (worker->out.len > 0 ? POLLOUT : 0));
}

/* A frame that did not fit into the queue any more was not put in whole: nothing can follow it. */
static bool write_out(struct worker *worker)
{
    while (buf_ok(&worker->out) && worker->out.len > 0) {
        ssize_t len = send(worker->fd, worker->out.data, worker->out.len, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return errno == EAGAIN;
        buf_consume(&worker->out, (size_t)len);
    }
    return buf_ok(&worker->out);
}

static bool take_frames(struct worker *worker, const struct worker_sink *sink)
{
    size_t done = 0;
    for (;;) {
        uint8_t type;
        struct span payload;
        size_t used = 0;
        struct span rest = span_of(buf_str(&worker->in) + done, worker->in.len - done);
        enum frame_result result = frame_next(rest, &type, &payload, &used);
        if (result == FRAME_NONE)
            break;
        if (result == FRAME_BROKEN || !sink->frame(sink->ctx, type, payload))
            return false;
        done += used;
    }
    buf_consume(&worker->in, done);
    return true;
}

/* A bounded number of reads, so that a flood from one worker starves nobody. */
static const char *read_in(struct worker *worker, const struct worker_sink *sink)
{
    char bytes[READ_SIZE];
    for (int reads = 0; reads < READS_A_STEP; reads++) {
        ssize_t len = recv(worker->fd, bytes, sizeof bytes, 0);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return NULL;
        if (len <= 0)
            return "it ended";
        buf_add(&worker->in, bytes, (size_t)len);
        if (!take_frames(worker, sink))
            return "it broke the protocol";
    }
    return NULL;
}

bool worker_step(struct worker *worker, const struct worker_sink *sink, int64_t now_ms)
{
    const char *why = write_out(worker) ? read_in(worker, sink) : "it does not listen";
    if (why == NULL && !worker->greeted && now_ms >= worker->hello_deadline_ms)
        why = "it did not start in time";
    if (why == NULL)
        return true;
    worker_fail(worker, worker->end_text[0] == '\0' ? why : worker->end_text);
    return false;
}

#include <acmec/io/spawn.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define READ_SIZE 4096
#define READS_A_STEP 64
#define NO_DEADLINE INT64_MAX

struct child {
    uint64_t id;
    pid_t pid;
    int fd; /* its output; -1: closed */
    struct buf output;
    size_t output_max;
    bool keep_all;
    int64_t deadline_ms;
    bool timed_out, ended;
    int status;
};

/* ---- between fork and exec: async-signal-safe calls only ---- */

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct spawn_request *request, int output, int failure)
{
    int null = open("/dev/null", O_RDWR);
    reset_signals();
    (void)setpgid(0, 0);
    /* Above the three that are replaced now. */
    int report = fcntl(failure, F_DUPFD_CLOEXEC, 3);
    int out = fcntl(output, F_DUPFD_CLOEXEC, 3);
    if (dup2(null, 0) == 0 && dup2(out, 1) == 1 &&
        dup2(request->secret_output ? null : out, 2) == 2 &&
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        (void)execve(request->path, (char *const *)request->argv, (char *const *)request->envp);
    int errnum = errno;
    (void)!write(report, &errnum, sizeof errnum);
    _exit(127);
}

/* ---- starting ---- */

/* Waits for exec: the pipe closes without a word when it succeeds. */
static bool was_executed(int fd, const char *path, struct error *err)
{
    int errnum = 0;
    ssize_t len;
    do
        len = read(fd, &errnum, sizeof errnum);
    while (len < 0 && errno == EINTR);
    if (len == 0)
        return true;
    return fail_errno(err, ERR_HOOK, len < 0 ? EIO : errnum, "cannot execute '%s'",
                      escaped_str(path).text);
}

static bool fork_child(const struct spawn_request *request, int *output, pid_t *pid,
                       struct error *err)
{
    int out[2], failure[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot make a pipe");
    AUTO_FD out_read = out[0];
    AUTO_FD out_write = out[1];
    if (pipe2(failure, O_CLOEXEC) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot make a pipe");
    AUTO_FD failure_read = failure[0];
    AUTO_FD failure_write = failure[1];
    *pid = fork();
    if (*pid < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot start a process");
    if (*pid == 0)
        become(request, out_write, failure_write);
    (void)close(failure_write);
    failure_write = -1;
    if (!was_executed(failure_read, request->path, err)) {
        (void)waitpid(*pid, NULL, 0);
        return false;
    }
    *output = out_read;
    out_read = -1;
    return true;
}

bool child_start(uint64_t id, const struct spawn_request *request, int64_t now_ms,
                 struct child **out, struct error *err)
{
    pid_t pid = 0;
    int fd = -1;
    if (!fork_child(request, &fd, &pid, err))
        return false;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    struct child *child = mem_new(1, sizeof *child);
    child->id = id;
    child->pid = pid;
    child->fd = fd;
    child->output_max = request->output_max;
    child->keep_all = request->secret_output;
    child->output = request->secret_output ? SECRET_BUF(request->output_max)
                                           : BUF(request->output_max + READ_SIZE);
    child->deadline_ms =
        request->timeout_ms == 0 ? NO_DEADLINE : now_ms + (int64_t)request->timeout_ms;
    *out = child;
    return true;
}

uint64_t child_id(const struct child *child)
{
    return child->id;
}

int child_fd(const struct child *child)
{
    return child->fd;
}

int64_t child_deadline_ms(const struct child *child)
{
    return child->ended ? NO_DEADLINE : child->deadline_ms;
}

/* ---- running ---- */

static void close_output(struct child *child)
{
    if (child->fd >= 0)
        (void)close(child->fd);
    child->fd = -1;
}

/* Of a hook the last bytes count, of a key all of them. */
static void keep(struct child *child, const char *bytes, size_t len)
{
    buf_add(&child->output, bytes, len);
    if (!child->keep_all && child->output.len > child->output_max)
        buf_consume(&child->output, child->output.len - child->output_max);
}

/* So many reads that a pipe is empty after them: one that never stops talking starves nobody. */
static void read_output(struct child *child)
{
    char bytes[READ_SIZE];
    for (int reads = 0; child->fd >= 0 && reads < READS_A_STEP; reads++) {
        ssize_t len = read(child->fd, bytes, sizeof bytes);
        if (len > 0)
            keep(child, bytes, (size_t)len);
        else if (len == 0 || (errno != EINTR && errno != EAGAIN))
            close_output(child);
        else if (errno == EAGAIN)
            break;
    }
    mem_wipe(bytes, sizeof bytes);
}

static void end_in_time(struct child *child, int64_t now_ms)
{
    if (now_ms < child->deadline_ms)
        return;
    (void)kill(-child->pid, child->timed_out ? SIGKILL : SIGTERM);
    child->timed_out = true;
    child->deadline_ms = now_ms + CHILD_GRACE_MS;
}

bool child_step(struct child *child, int64_t now_ms)
{
    if (child->ended)
        return true;
    read_output(child);
    pid_t pid = waitpid(child->pid, &child->status, WNOHANG);
    if (pid == child->pid) {
        /* What it wrote last may have come after the first look. */
        read_output(child);
        close_output(child);
        child->ended = true;
        return true;
    }
    end_in_time(child, now_ms);
    return false;
}

void child_result(struct child *child, struct spawn_result *out)
{
    bool by_signal = WIFSIGNALED(child->status);
    *out = (struct spawn_result){
        .exit_code = by_signal ? -1 : WEXITSTATUS(child->status),
        .signal = by_signal ? WTERMSIG(child->status) : 0,
        .timed_out = child->timed_out,
        .output = child->output,
    };
    child->output = (struct buf){0};
}

void child_free(struct child *child)
{
    if (child == NULL)
        return;
    if (!child->ended) {
        (void)kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
    }
    close_output(child);
    buf_release(&child->output);
    free(child);
}

#include <acmec/io/spawn.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define READ_SIZE 4096
#define READS_A_STEP 64
#define NO_DEADLINE INT64_MAX

/* What it writes. */
struct stream {
    int fd; /* -1: closed */
    struct buf text;
    size_t max;
    bool keep_all;
};

struct child {
    uint64_t id;
    pid_t pid;
    struct stream output, errors;
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

/* The descriptors that a child is made from. */
struct plumbing {
    int input;                /* -1: /dev/null */
    int output[2], errors[2]; /* errors: -1 where they go the way of output, or nowhere */
    int failure[2];           /* tells why exec failed */
};

static _Noreturn void become(const struct spawn_request *request, const struct plumbing *plumbing)
{
    int null = open("/dev/null", O_RDWR);
    reset_signals();
    (void)setpgid(0, 0);
    /* Above the three that are replaced now. */
    int report = fcntl(plumbing->failure[1], F_DUPFD_CLOEXEC, 3);
    int in = fcntl(plumbing->input >= 0 ? plumbing->input : null, F_DUPFD_CLOEXEC, 3);
    int out = fcntl(plumbing->output[1], F_DUPFD_CLOEXEC, 3);
    int errors = request->secret_output ? null : out;
    if (request->errors_apart)
        errors = fcntl(plumbing->errors[1], F_DUPFD_CLOEXEC, 3);
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(errors, 2) == 2 &&
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

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void plumbing_release(struct plumbing *plumbing)
{
    int *const all[] = {&plumbing->input,     &plumbing->output[0], &plumbing->output[1],
                        &plumbing->errors[0], &plumbing->errors[1], &plumbing->failure[0],
                        &plumbing->failure[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        close_one(all[i]);
}

/* Bytes that can be read from a descriptor, however many. */
static bool open_input(struct span bytes, int *out, struct error *err)
{
    AUTO_FD fd = memfd_create("input", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < bytes.len;) {
        ssize_t len = write(fd, bytes.ptr + done, bytes.len - done);
        if (len < 0)
            return fail_errno(err, ERR_FILES, errno, "cannot keep the input of a process");
        done += (size_t)len;
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot keep the input of a process");
    *out = fd;
    fd = -1;
    return true;
}

static bool plumb(const struct spawn_request *request, struct plumbing *out, struct error *err)
{
    if (pipe2(out->output, O_CLOEXEC) != 0 || pipe2(out->failure, O_CLOEXEC) != 0 ||
        (request->errors_apart && pipe2(out->errors, O_CLOEXEC) != 0))
        return fail_errno(err, ERR_FILES, errno, "cannot make a pipe");
    return request->input.len == 0 || open_input(request->input, &out->input, err);
}

static bool fork_child(const struct spawn_request *request, struct plumbing *plumbing, pid_t *pid,
                       struct error *err)
{
    *pid = fork();
    if (*pid < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot start a process");
    if (*pid == 0)
        become(request, plumbing);
    close_one(&plumbing->failure[1]);
    if (was_executed(plumbing->failure[0], request->path, err))
        return true;
    (void)waitpid(*pid, NULL, 0);
    return false;
}

/* Takes the reading end of a pipe. */
static struct stream stream_from(int *fd, size_t max, bool secret)
{
    struct stream stream = {.fd = *fd, .max = max, .keep_all = secret};
    *fd = -1;
    stream.text = secret ? SECRET_BUF(max) : BUF(max + READ_SIZE);
    if (stream.fd >= 0)
        (void)fcntl(stream.fd, F_SETFL, O_NONBLOCK);
    return stream;
}

bool child_start(uint64_t id, const struct spawn_request *request, int64_t now_ms,
                 struct child **out, struct error *err)
{
    AUTO(plumbing) plumbing = {-1, {-1, -1}, {-1, -1}, {-1, -1}};
    pid_t pid = 0;
    if (!plumb(request, &plumbing, err) || !fork_child(request, &plumbing, &pid, err))
        return false;
    struct child *child = mem_new(1, sizeof *child);
    child->id = id;
    child->pid = pid;
    child->output = stream_from(&plumbing.output[0], request->output_max, request->secret_output);
    child->errors = stream_from(&plumbing.errors[0], request->output_max, false);
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
    return child->output.fd;
}

int child_errors_fd(const struct child *child)
{
    return child->errors.fd;
}

int64_t child_deadline_ms(const struct child *child)
{
    return child->ended ? NO_DEADLINE : child->deadline_ms;
}

/* ---- running ---- */

/* Of a hook the last bytes count, of a key all of them. */
static void keep(struct stream *stream, const char *bytes, size_t len)
{
    buf_add(&stream->text, bytes, len);
    if (!stream->keep_all && stream->text.len > stream->max)
        buf_consume(&stream->text, stream->text.len - stream->max);
}

/* So many reads that a pipe is empty after them: one that never stops talking starves nobody. */
static void read_stream(struct stream *stream)
{
    char bytes[READ_SIZE];
    for (int reads = 0; stream->fd >= 0 && reads < READS_A_STEP; reads++) {
        ssize_t len = read(stream->fd, bytes, sizeof bytes);
        if (len > 0)
            keep(stream, bytes, (size_t)len);
        else if (len == 0 || (errno != EINTR && errno != EAGAIN))
            close_one(&stream->fd);
        else if (errno == EAGAIN)
            break;
    }
    mem_wipe(bytes, sizeof bytes);
}

static void read_output(struct child *child)
{
    read_stream(&child->output);
    read_stream(&child->errors);
}

static void close_output(struct child *child)
{
    close_one(&child->output.fd);
    close_one(&child->errors.fd);
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
        .output = child->output.text,
        .errors = child->errors.text,
    };
    child->output.text = child->errors.text = (struct buf){0};
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
    buf_release(&child->output.text);
    buf_release(&child->errors.text);
    free(child);
}

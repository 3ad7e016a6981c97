#include <acmec/base/log.h>

#include <acmec/base/clock.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

enum sink { SINK_STDERR, SINK_SYSLOG, SINK_FILE };

/* The one mutable global of the program. */
static struct {
    enum log_level level;
    enum sink sink;
    int fd;
} state = {.level = LOG_LEVEL_WARN, .sink = SINK_STDERR, .fd = -1};

static const struct {
    const char *word;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARN] = {"warning", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

void log_set_level(enum log_level level)
{
    state.level = level;
}

enum log_level log_level(void)
{
    return state.level;
}

/* O_NONBLOCK: a FIFO that nobody reads must not hold the program up. */
static bool open_file(const char *path, int *out, struct error *err)
{
    int fd = open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot open the log '%s'", path);
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return fail(err, ERR_FILES, "the log '%s' is not a regular file", path);
    }
    *out = fd;
    return true;
}

bool log_open(const char *target, struct error *err)
{
    int fd = -1;
    bool to_syslog = strcmp(target, "syslog") == 0;
    if (!to_syslog && !open_file(target, &fd, err))
        return false;
    log_close();
    if (to_syslog)
        openlog(NULL, LOG_PID, LOG_DAEMON);
    state.sink = to_syslog ? SINK_SYSLOG : SINK_FILE;
    state.fd = fd;
    return true;
}

void log_close(void)
{
    if (state.sink == SINK_SYSLOG)
        closelog();
    if (state.fd >= 0)
        (void)close(state.fd);
    state.sink = SINK_STDERR;
    state.fd = -1;
}

static bool is_wanted(enum log_level level)
{
    return level <= state.level || (state.sink != SINK_STDERR && level <= LOG_LEVEL_INFO);
}

/* One message is one line and one write(2), so that lines of two processes do not mix. */
static void write_line(int fd, const char *head, const char *text)
{
    char line[LINE_MAX_BYTES];
    int len = snprintf(line, sizeof(line), "%s%s", head, text);
    if (len >= (int)sizeof(line))
        len = (int)sizeof(line) - 1;
    for (int i = 0; i < len; i++) {
        if (line[i] == '\n')
            line[i] = ' ';
    }
    line[len] = '\n';
    ssize_t written = write(fd, line, (size_t)len + 1);
    (void)written; /* a log that cannot be written is no reason to end the run */
}

static void write_dated(enum log_level level, const char *text)
{
    struct clock clock = clock_system();
    time_t now = (time_t)clock_wall(&clock);
    struct tm tm;
    char when[32] = "";
    char head[96];
    if (gmtime_r(&now, &tm) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)snprintf(head, sizeof(head), "%s %s[%ld] %s: ", when, program_invocation_short_name,
                   (long)getpid(), levels[level].word);
    write_line(state.fd, head, text);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (!is_wanted(level))
        return;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char head[64];
    switch (state.sink) {
    case SINK_STDERR:
        (void)snprintf(head, sizeof(head), "%s: %s: ", program_invocation_short_name,
                       levels[level].word);
        write_line(STDERR_FILENO, head, text);
        break;
    case SINK_SYSLOG:
        syslog(levels[level].priority, "%s", text);
        break;
    case SINK_FILE:
        write_dated(level, text);
        break;
    }
}

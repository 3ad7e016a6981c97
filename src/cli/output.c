#include <acmec/cli/output.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/clock.h>
#include <acmec/base/log.h>
#include <acmec/cli/summary.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void end_by_signal(int number)
{
    _exit(err_exit_code(number == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED));
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) != 0 || action.sa_handler != SIG_DFL)
            continue;
        action.sa_handler = end_by_signal;
        (void)sigaction(numbers[i], &action, NULL);
    }
}

void output_prepare(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* open gives the lowest free number: this one. Reading only: writing to a stream that was
         * closed fails as it should. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            _exit(err_exit_code(ERR_FILES));
    }
    (void)signal(SIGPIPE, SIG_IGN);
    catch_signals();
}

bool output_write(int fd, struct span text, struct error *err)
{
    while (text.len > 0) {
        ssize_t written = write(fd, text.ptr, text.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail_errno(err, ERR_FILES, written < 0 ? errno : EIO,
                              "cannot write to standard output");
        text = span_of(text.ptr + written, text.len - (size_t)written);
    }
    return true;
}

/* What a log keeps of a run: each line of what was said. */
static void log_lines(const struct buf *text, enum log_level level)
{
    for (const char *at = buf_str(text); *at != 0;) {
        if (strncmp(at, "acmec: ", 7) == 0)
            at += 7; /* a log says by itself whose lines they are */
        size_t len = strcspn(at, "\n");
        log_line(level, "%.*s", (int)len, at);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

static void log_report(const struct context *context, const struct summary_style *style)
{
    AUTO(buf) out = BUF(REPORT_MAX);
    AUTO(buf) errors = BUF(REPORT_MAX);
    struct summary_style plain = *style;
    plain.color = plain.color_error = plain.quiet = false;
    summary_write(&context->report, &plain, &out, &errors);
    if (context->report.kind == REPORT_RUN)
        log_lines(&out, LOG_LEVEL_INFO);
    log_lines(&errors, LOG_LEVEL_ERROR);
}

/* The document; where it is too large, one that says so. */
static void make_json(struct report *report, int *code, struct buf *out)
{
    report_json(report, *code, out);
    if (buf_ok(out))
        return;
    buf_release(out);
    *out = BUF(REPORT_MAX);
    enum report_kind kind = report->kind;
    const char *command = report->command;
    report_release(report);
    report->kind = kind;
    report->command = command;
    (void)fail(&report->error, ERR_FILES, "the answer is larger than %d bytes", REPORT_MAX);
    *code = err_exit_code(report->error.code);
    report_json(report, *code, out);
}

static void make_texts(struct context *context, const struct summary_style *style, bool json,
                       int *code, struct buf *out, struct buf *errors)
{
    if (json || context->report.kind == REPORT_PARSE)
        make_json(&context->report, code, out);
    if (!json)
        summary_write(&context->report, style, out, errors);
}

int output_report(struct context *context, bool json)
{
    struct clock clock = clock_system();
    struct summary_style style = {
        .now = clock_wall(&clock),
        .quiet = context_flag(context, OPT_QUIET),
        .terminal = isatty(STDOUT_FILENO) == 1,
        .color = context_has_color(context, STDOUT_FILENO),
        .color_error = context_has_color(context, STDERR_FILENO),
    };
    AUTO(buf) out = BUF(REPORT_MAX);
    AUTO(buf) errors = BUF(REPORT_MAX);
    struct error err;
    if (context->report.command == NULL && context->args.command != NULL)
        context->report.command = context->args.command->name;
    int code = report_exit_code(&context->report, style.now,
                                context_flag(context, OPT_DETAILED_EXIT_CODE));
    progress_pause(context->progress);
    make_texts(context, &style, json, &code, &out, &errors);
    if (context->logging)
        log_report(context, &style);
    if (!output_write(STDOUT_FILENO, buf_span(&out), &err)) {
        summary_error(NULL, &err, style.color_error, &errors);
        code = code == 0 || code == REPORT_EXIT_CHANGED ? err_exit_code(err.code) : code;
    }
    /* Nobody is left to be told when this fails. */
    struct error ignored;
    (void)!output_write(STDERR_FILENO, buf_span(&errors), &ignored);
    return code;
}

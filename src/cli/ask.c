#include <acmec/cli/ask.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* How often a waiting signal is looked for. */
#define LOOK_MS 200

/* The engine keeps signals blocked and reads them itself: a question must not swallow them. */
static bool signal_waits(void)
{
    sigset_t pending;
    if (sigpending(&pending) != 0)
        return false;
    return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
           sigismember(&pending, SIGHUP) == 1;
}

static bool wait_readable(int fd)
{
    for (;;) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (poll(&waiting, 1, LOOK_MS) > 0)
            return true;
        if (signal_waits())
            return false;
    }
}

/* Up to the end of the line, however long. False: no whole line. */
static bool read_line(int fd, struct buf *line)
{
    for (;;) {
        char byte;
        if (!wait_readable(fd) || read(fd, &byte, 1) != 1)
            return false;
        if (byte == '\n')
            return true;
        buf_add_byte(line, byte);
    }
}

char *ask_line(void *ctx, const char *question)
{
    const struct ask *ask = ctx;
    progress_pause(ask->progress);
    AUTO_FREE prompt = mem_printf("%s: ", question);
    AUTO(buf) line = BUF(ASK_ANSWER_MAX);
    if (write(ask->out, prompt, strlen(prompt)) < 0 || !read_line(ask->in, &line))
        return NULL;
    size_t begin = strspn(buf_str(&line), " \t\r");
    size_t end = line.len;
    while (end > begin && strchr(" \t\r", buf_str(&line)[end - 1]) != NULL)
        end--;
    if (!buf_ok(&line) || begin == end || strlen(buf_str(&line)) != line.len)
        return NULL;
    return mem_strndup(buf_str(&line) + begin, end - begin);
}

bool ask_confirm(void *ctx, const char *question)
{
    const struct ask *ask = ctx;
    if (ask->yes)
        return true;
    AUTO_FREE with_choice = mem_printf("%s [y/N]", question);
    AUTO_FREE answer = ask_line(ctx, with_choice);
    return answer != NULL && (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
}

struct engine_questions ask_questions(struct ask *ask)
{
    bool terminal = isatty(ask->in) == 1 && isatty(ask->out) == 1;
    return (struct engine_questions){
        .confirm = terminal ? ask_confirm : NULL,
        .line = terminal && !ask->yes ? ask_line : NULL,
        .ctx = ask,
    };
}

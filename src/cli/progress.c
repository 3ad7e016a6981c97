#include <acmec/cli/progress.h>

#include <acmec/base/buf.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINES_SHOWN_MAX 8
#define WIDTH_DEFAULT 80
#define SCREEN_MAX (64 * 1024)
#define CURSOR_UP "\033[%zuA"
#define CLEAR_BELOW "\033[J"

struct running {
    char name[CERT_NAME_MAX + 1];
    char *detail; /* owned */
};

struct progress {
    enum progress_mode mode;
    int fd;
    struct running *running;
    size_t count;
    size_t done, failed;
    size_t drawn; /* lines on the terminal that are ours */
};

struct progress *progress_new(enum progress_mode mode, int fd)
{
    struct progress *progress = mem_new(1, sizeof *progress);
    progress->mode = mode;
    progress->fd = fd;
    return progress;
}

static void put_out(const struct progress *progress, const struct buf *text)
{
    const char *at = buf_str(text);
    for (size_t left = text->len; left > 0;) {
        ssize_t written = write(progress->fd, at, left);
        if (written <= 0)
            return;
        at += written;
        left -= (size_t)written;
    }
}

static void add_erasure(struct progress *progress, struct buf *out)
{
    if (progress->drawn > 0)
        buf_addf(out, CURSOR_UP "\r" CLEAR_BELOW, progress->drawn);
    progress->drawn = 0;
}

void progress_pause(struct progress *progress)
{
    AUTO(buf) out = BUF(64);
    if (progress == NULL)
        return;
    add_erasure(progress, &out);
    put_out(progress, &out);
}

void progress_free(struct progress *progress)
{
    if (progress == NULL)
        return;
    progress_pause(progress);
    for (size_t i = 0; i < progress->count; i++)
        free(progress->running[i].detail);
    free(progress->running);
    free(progress);
}

/* ---- what is running ---- */

static struct running *find(struct progress *progress, const char *name)
{
    for (size_t i = 0; i < progress->count; i++) {
        if (strcmp(progress->running[i].name, name) == 0)
            return &progress->running[i];
    }
    return NULL;
}

/* False: it did that already. */
static bool set_running(struct progress *progress, const char *name, const char *detail)
{
    struct running *running = find(progress, name);
    if (running == NULL) {
        size_t size = sizeof *progress->running;
        progress->running = mem_resize(progress->running, progress->count + 1, size);
        running = &progress->running[progress->count++];
        *running = (struct running){0};
        (void)memcpy(running->name, name, strnlen(name, CERT_NAME_MAX));
    }
    if (detail == NULL)
        detail = "";
    if (running->detail != NULL && strcmp(running->detail, detail) == 0)
        return false;
    free(running->detail);
    running->detail = mem_strdup(detail);
    return true;
}

static void finish(struct progress *progress, const struct progress_event *event)
{
    struct running *running = find(progress, event->name);
    bool failed = event->outcome != NULL && event->outcome->error.code != ERR_NONE;
    progress->done += event->outcome != NULL ? 1 : 0;
    progress->failed += failed ? 1 : 0;
    if (running == NULL)
        return;
    free(running->detail);
    *running = progress->running[--progress->count];
}

/* ---- terminal ---- */

static size_t width_of(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return WIDTH_DEFAULT;
    return size.ws_col;
}

/* One line, cut to width, never inside a UTF-8 character. A byte counts as a column, so that a line
 * never wraps. */
static void add_line(struct buf *out, size_t width, const char *text)
{
    size_t len = strlen(text);
    if (len >= width) {
        len = width - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    buf_add(out, text, len);
    buf_add_byte(out, '\n');
}

static void draw(struct progress *progress, struct buf *out)
{
    size_t width = width_of(progress->fd);
    size_t shown = progress->count < LINES_SHOWN_MAX ? progress->count : LINES_SHOWN_MAX;
    for (size_t i = 0; i < shown; i++) {
        const struct running *running = &progress->running[i];
        AUTO_FREE line = mem_printf("%s: %s", running->name, running->detail);
        add_line(out, width, line);
    }
    progress->drawn = shown;
    if (progress->count == shown && progress->done == 0)
        return;
    AUTO_FREE line = mem_printf("%zu running, %zu done, %zu of them failed", progress->count,
                                progress->done, progress->failed);
    add_line(out, width, line);
    progress->drawn++;
}

/* ---- events ---- */

static void show_live(struct progress *progress, const struct progress_event *event)
{
    AUTO(buf) out = BUF(SCREEN_MAX);
    add_erasure(progress, &out);
    if (event->kind == PROGRESS_NOTICE)
        buf_addf(&out, "%s%s%s\n", event->name, event->name[0] == 0 ? "" : ": ", event->detail);
    if (progress->count > 0)
        draw(progress, &out);
    put_out(progress, &out);
}

static void show_line(const struct progress *progress, const struct progress_event *event)
{
    if (event->detail == NULL || event->detail[0] == 0 || event->kind == PROGRESS_FINISHED)
        return;
    AUTO(buf) out = BUF(SCREEN_MAX);
    buf_addf(&out, "%s%s%s\n", event->name, event->name[0] == 0 ? "" : ": ", event->detail);
    put_out(progress, &out);
}

static void take_event(void *ctx, const struct progress_event *given)
{
    struct progress *progress = ctx;
    struct progress_event event = *given;
    if (event.name == NULL)
        event.name = "";
    bool starts = event.kind == PROGRESS_STARTED || event.kind == PROGRESS_STEP;
    if (starts && !set_running(progress, event.name, event.detail))
        return;
    if (event.kind == PROGRESS_FINISHED)
        finish(progress, &event);
    if (progress->mode == PROGRESS_MODE_LIVE)
        show_live(progress, &event);
    else if (progress->mode == PROGRESS_MODE_LINES ||
             (progress->mode == PROGRESS_MODE_NOTICES && event.kind == PROGRESS_NOTICE))
        show_line(progress, &event);
}

struct progress_sink progress_sink(struct progress *progress)
{
    return (struct progress_sink){.event = take_event, .ctx = progress};
}

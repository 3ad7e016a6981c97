#include <acmec/io/nginx_reload.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define POLL_FAST_MS 5
#define POLL_SLOW_MS 25
#define FAST_FOR_MS 500
#define TIMES_TEST 20
/* nginx tells old workers to quit 100 ms after it started new ones; one that is busy with a disk
 * hears it later. */
#define QUIT_WAIT_MS 5000
#define LOG_CHUNK 65536
#define LOG_CHUNKS_MAX 64 /* per step and log */

static int64_t now_ms(const struct nginx_reload *reload)
{
    return clock_mono_ms(reload->world.ports->clock);
}

static void end(struct nginx_reload *reload, enum nginx_reload_result result)
{
    reload->over = true;
    reload->result = result;
}

/* ---- the error log ---- */

/* From its present end on. A pipe or a device is not looked into. */
static void watch_log(struct nginx_reload *reload, const char *path)
{
    struct stat status;
    if (reload->log_count == NGINX_LOGS_MAX || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        cleanup_fd(&fd);
        return;
    }
    reload->logs[reload->log_count].fd = fd;
    reload->logs[reload->log_count++].offset = status.st_size;
}

static void watch_logs(struct nginx_reload *reload, const char *const *paths)
{
    AUTO_FREE own = mem_printf("/proc/%d/fd/2", (int)reload->instance->master.pid);
    watch_log(reload, own);
    for (size_t i = 0; paths != NULL && paths[i] != NULL; i++)
        watch_log(reload, paths[i]);
}

static void refuse(struct nginx_reload *reload, const char *why)
{
    end(reload, NGINX_RELOAD_REFUSED);
    (void)fail(&reload->error, ERR_WEB_SERVER,
               "nginx does not take up the configuration, and runs on with the one it had: %s",
               why);
    if (reload->failed_bind[0] != '\0')
        (void)with_hint(&reload->error,
                        "something else holds that address; nginx -t cannot see it");
}

/* "2026/11/25 04:00:00 [emerg] 123#123: TEXT", the master's own. A port that is taken is tried
 * again, so only the last word about it counts. */
static void read_line(struct nginx_reload *reload, struct span line)
{
    AUTO_FREE mark = mem_printf("[emerg] %d#", (int)reload->instance->master.pid);
    const char *found = memmem(line.ptr, line.len, mark, strlen(mark));
    if (found == NULL || reload->over)
        return;
    struct span rest = span_of(found, line.len - (size_t)(found - line.ptr));
    const char *text = memmem(rest.ptr, rest.len, ": ", 2);
    if (text == NULL)
        return;
    text += 2;
    struct escaped what = escaped(span_of(text, rest.len - (size_t)(text - rest.ptr)));
    if (strncmp(what.text, "bind() to ", strlen("bind() to ")) == 0)
        (void)snprintf(reload->failed_bind, sizeof reload->failed_bind, "%.511s", what.text);
    else if (strncmp(what.text, "still could not bind()", strlen("still could not bind()")) == 0 &&
             reload->failed_bind[0] != '\0')
        refuse(reload, reload->failed_bind);
    else
        refuse(reload, what.text);
}

static void read_lines(struct nginx_reload *reload, struct span lines)
{
    while (lines.len > 0) {
        const char *end_of_line = memchr(lines.ptr, '\n', lines.len);
        size_t len = (size_t)(end_of_line - lines.ptr);
        read_line(reload, span_of(lines.ptr, len));
        lines = span_of(lines.ptr + len + 1, lines.len - len - 1);
    }
}

/* Whole lines only; one that is longer than a chunk is none of the master's. */
static void read_log(struct nginx_reload *reload, size_t n)
{
    char chunk[LOG_CHUNK];
    for (size_t i = 0; i < LOG_CHUNKS_MAX; i++) {
        ssize_t len = pread(reload->logs[n].fd, chunk, sizeof chunk, reload->logs[n].offset);
        if (len <= 0)
            return;
        const char *last = memrchr(chunk, '\n', (size_t)len);
        if (last == NULL && (size_t)len < sizeof chunk)
            return;
        size_t whole = last == NULL ? 0 : (size_t)(last - chunk) + 1;
        read_lines(reload, span_of(chunk, whole));
        reload->logs[n].offset += last == NULL ? (int64_t)sizeof chunk : (int64_t)whole;
    }
}

/* ---- workers ---- */

static const struct nginx_worker *find(const struct nginx_workers *workers,
                                       const struct nginx_worker *wanted)
{
    for (size_t i = 0; i < workers->count; i++)
        if (workers->items[i].pid == wanted->pid &&
            workers->items[i].start_ticks == wanted->start_ticks)
            return &workers->items[i];
    return NULL;
}

static bool has_new(const struct nginx_workers *before, const struct nginx_workers *now)
{
    for (size_t i = 0; i < now->count; i++)
        if (find(before, &now->items[i]) == NULL)
            return true;
    return false;
}

static size_t count_lingering(const struct nginx_workers *before, const struct nginx_workers *now)
{
    size_t count = 0;
    for (size_t i = 0; i < before->count; i++) {
        const struct nginx_worker *still = find(now, &before->items[i]);
        count += still != NULL && !still->draining;
    }
    return count;
}

static void look_at_workers(struct nginx_reload *reload)
{
    AUTO(nginx_workers) now = {0};
    if (!nginx_workers_list(&reload->instance->master, &now, &reload->error)) {
        (void)while_doing(&reload->error, "reloading");
        end(reload, NGINX_RELOAD_UNKNOWN);
        return;
    }
    if (reload->took_up_ms == 0 && has_new(&reload->before, &now))
        reload->took_up_ms = now_ms(reload);
    if (reload->took_up_ms == 0)
        return;
    reload->lingering = count_lingering(&reload->before, &now);
    if (reload->lingering == 0 || now_ms(reload) >= reload->took_up_ms + QUIT_WAIT_MS)
        end(reload, NGINX_RELOADED);
}

/* ---- start, step ---- */

static bool may_start(struct nginx_reload *reload, unsigned max_draining, struct error *err)
{
    const struct nginx_master *master = &reload->instance->master;
    if (!nginx_instance_is_ours(reload->instance))
        return fail(err, ERR_WEB_SERVER, "nginx does not run, or is not ours to reload");
    if (!nginx_workers_list(master, &reload->before, err))
        return false;
    if (max_draining == 0 || reload->before.draining <= max_draining)
        return true;
    reload->result = NGINX_RELOAD_DEFERRED;
    (void)fail(err, ERR_WEB_SERVER,
               "%zu workers of nginx are still shutting down, more than %u: not reloaded",
               reload->before.draining, max_draining);
    return with_hint(err,
                     "long connections hold them; worker_shutdown_timeout in nginx ends those");
}

void nginx_reload_start(struct nginx_reload *reload, const struct nginx_world *world,
                        const struct nginx_instance *instance, const struct nginx_reload_how *how)
{
    *reload = (struct nginx_reload){
        .world = *world, .instance = instance, .result = NGINX_RELOAD_UNKNOWN};
    if (!may_start(reload, how->max_draining, &reload->error)) {
        reload->over = true;
        return;
    }
    watch_logs(reload, how->logs);
    reload->sent_ms = now_ms(reload);
    int64_t wait_ms = how->test_ms * TIMES_TEST;
    reload->deadline_ms =
        reload->sent_ms + (wait_ms > NGINX_RELOAD_MIN_MS ? wait_ms : NGINX_RELOAD_MIN_MS);
    reload->over = !nginx_master_hup(&instance->master, &reload->error);
}

static void give_up(struct nginx_reload *reload)
{
    end(reload, NGINX_RELOAD_UNKNOWN);
    (void)fail(&reload->error, ERR_WEB_SERVER,
               "nginx (pid %d) started no new workers within %lld s after SIGHUP%s%s",
               (int)reload->instance->master.pid,
               (long long)(now_ms(reload) - reload->sent_ms) / 1000,
               reload->failed_bind[0] == '\0' ? "" : ": ", reload->failed_bind);
    (void)with_hint(&reload->error, "its error log says why");
}

int64_t nginx_reload_step(struct nginx_reload *reload)
{
    for (size_t n = 0; n < reload->log_count && !reload->over; n++)
        read_log(reload, n);
    if (!reload->over)
        look_at_workers(reload);
    if (!reload->over && reload->took_up_ms == 0 && now_ms(reload) >= reload->deadline_ms)
        give_up(reload);
    if (reload->over)
        return INT64_MAX;
    bool fast = now_ms(reload) < reload->sent_ms + FAST_FOR_MS;
    return now_ms(reload) + (fast ? POLL_FAST_MS : POLL_SLOW_MS);
}

void nginx_reload_release(struct nginx_reload *reload)
{
    for (size_t n = 0; n < reload->log_count; n++)
        (void)close(reload->logs[n].fd);
    reload->log_count = 0;
    nginx_workers_release(&reload->before);
}

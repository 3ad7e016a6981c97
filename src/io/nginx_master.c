#include <acmec/io/nginx_master.h>

#include <acmec/base/buf.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/io/file.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

#define PROC_MAX (256 * 1024)
#define MASTER_MARK ": master process "
#define WORKER_MARK ": worker process"
#define DRAINING_MARK ": worker process is shutting down"
#define DELETED " (deleted)"
/* Letters of nginx's options, and those of them that take a value. */
#define OPTION_LETTERS "?hvVtTqspceg"
#define VALUE_LETTERS "spceg"

/* ---- /proc ---- */

/* False: it is gone, or not for us. */
static bool read_proc(pid_t pid, const char *name, struct buf *out)
{
    struct error ignored;
    AUTO_FREE path = mem_printf("/proc/%d/%s", (int)pid, name);
    buf_clear(out);
    return file_read(path, out, NULL, &ignored);
}

/* The words of the command line with blanks between. */
static bool read_title(pid_t pid, struct buf *out)
{
    if (!read_proc(pid, "cmdline", out))
        return false;
    while (out->len > 0 && (out->data[out->len - 1] == '\0' || out->data[out->len - 1] == ' '))
        buf_truncate(out, out->len - 1);
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] == '\0')
            out->data[i] = ' ';
    return out->len > 0;
}

/* "nginx: master process ...": a program's name and the mark. Other daemons have masters too. */
static bool has_mark(const char *title, const char *mark)
{
    static const char *const programs[] = {"nginx", "angie"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        size_t len = strlen(programs[i]);
        if (strncmp(title, programs[i], len) == 0 && strncmp(title + len, mark, strlen(mark)) == 0)
            return true;
    }
    return false;
}

/* Of field 9 of /proc/PID/stat: it goes on with the program of the process that forked it. */
#define FORKED_NO_EXEC 0x40

struct proc_stat {
    pid_t parent;
    int64_t start_ticks;
    bool forked;
};

/* Fields 4 (parent), 9 (flags) and 22 (start) of /proc/PID/stat; the name before them may hold
 * anything. */
static bool read_stat(pid_t pid, struct proc_stat *out)
{
    AUTO(buf) text = BUF(PROC_MAX);
    int ppid = 0;
    unsigned flags = 0;
    long long ticks = 0;
    if (!read_proc(pid, "stat", &text))
        return false;
    const char *rest = strrchr(buf_str(&text), ')');
    if (rest == NULL ||
        sscanf(rest,
               ") %*c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
               "%*d %lld",
               &ppid, &flags, &ticks) != 3)
        return false;
    *out = (struct proc_stat){ppid, ticks, (flags & FORKED_NO_EXEC) != 0};
    return true;
}

/* Whether real, effective, saved and file system uid are all this one. */
static bool has_uid(pid_t pid, uid_t uid)
{
    AUTO(buf) text = BUF(PROC_MAX);
    unsigned ids[4] = {0};
    if (!read_proc(pid, "status", &text))
        return false;
    const char *line = strstr(buf_str(&text), "\nUid:");
    if (line == NULL || sscanf(line, "\nUid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
        return false;
    return ids[0] == uid && ids[1] == uid && ids[2] == uid && ids[3] == uid;
}

static bool read_link(pid_t pid, const char *name, char out[static 4096])
{
    AUTO_FREE path = mem_printf("/proc/%d/%s", (int)pid, name);
    ssize_t len = readlink(path, out, 4095);
    if (len < 0)
        return false;
    out[len] = '\0';
    return true;
}

/* ---- the title ---- */

/* Where a new option begins: a blank, a dash, a letter of nginx's. */
static const char *next_option(const char *text)
{
    for (const char *at = strstr(text, " -"); at != NULL; at = strstr(at + 1, " -"))
        if (at[2] != '\0' && strchr(OPTION_LETTERS, at[2]) != NULL)
            return at;
    return text + strlen(text);
}

static void keep_option(struct nginx_master *out, char letter, const char *value, size_t len)
{
    char **place = letter == 'c'   ? &out->conf
                   : letter == 'p' ? &out->prefix
                   : letter == 'g' ? &out->directives
                                   : NULL;
    if (place == NULL)
        return;
    free(*place);
    *place = mem_strndup(value, len);
}

/* One word "-qc" or "-c/x", with its value up to the next option: blanks in a value look the same
 * as those between words. */
static void read_option(const char *word, const char *end, struct nginx_master *out)
{
    for (const char *letter = word; letter < end && *letter != ' '; letter++) {
        if (strchr(VALUE_LETTERS, *letter) == NULL)
            continue;
        const char *value = letter + 1;
        value += strspn(value, " ");
        if (value < end)
            keep_option(out, *letter, value, (size_t)(end - value));
        return;
    }
}

bool nginx_title_read(const char *title, struct nginx_master *out)
{
    if (!has_mark(title, MASTER_MARK))
        return false;
    const char *words = strstr(title, MASTER_MARK) + strlen(MASTER_MARK);
    /* Angie: "v1.8.1 #2 [angie -c /x]" */
    size_t len = strlen(words);
    const char *bracket = strchr(words, '[');
    bool framed = words[0] == 'v' && bracket != NULL && words[len - 1] == ']';
    AUTO_FREE command =
        framed ? mem_strndup(bracket + 1, len - (size_t)(bracket - words) - 2) : mem_strdup(words);
    for (const char *at = next_option(command); *at != '\0';) {
        const char *end = next_option(at + 2);
        read_option(at + 2, end, out);
        at = end;
    }
    return true;
}

/* ---- is it ours? ---- */

static bool same_namespace(pid_t pid, const char *kind, struct error *err)
{
    struct stat its, own;
    AUTO_FREE its_path = mem_printf("/proc/%d/ns/%s", (int)pid, kind);
    AUTO_FREE own_path = mem_printf("/proc/self/ns/%s", kind);
    if (stat(its_path, &its) != 0 || stat(own_path, &own) != 0) {
        (void)fail_errno(err, ERR_WEB_SERVER, errno, "cannot look at its %s namespace", kind);
        return with_hint(err, "acmec needs CAP_SYS_PTRACE for that");
    }
    if (its.st_dev == own.st_dev && its.st_ino == own.st_ino)
        return true;
    (void)fail(err, ERR_WEB_SERVER, "it is in another %s namespace (a container)", kind);
    return with_hint(err, "install by a deploy hook or --reload-command, or run acmec in there");
}

/* Sets binary and binary_replaced. */
static bool judge_binary(struct nginx_master *master, struct error *err)
{
    char link[4096];
    struct stat running, there;
    AUTO_FREE exe = mem_printf("/proc/%d/exe", (int)master->pid);
    if (!read_link(master->pid, "exe", link) || stat(exe, &running) != 0) {
        (void)fail_errno(err, ERR_WEB_SERVER, errno, "cannot see which program it runs");
        return with_hint(err, "acmec needs CAP_SYS_PTRACE for that");
    }
    size_t len = strlen(link), suffix = strlen(DELETED);
    master->binary_replaced = len > suffix && strcmp(link + len - suffix, DELETED) == 0;
    if (master->binary_replaced)
        link[len - suffix] = '\0';
    if (!file_check_trusted(link, err))
        return false;
    if (stat(link, &there) != 0)
        return fail_errno(err, ERR_WEB_SERVER, errno, "cannot look at '%s'", link);
    if (!master->binary_replaced &&
        (there.st_dev != running.st_dev || there.st_ino != running.st_ino))
        return fail(err, ERR_WEB_SERVER, "it does not run '%s'", link);
    master->binary = mem_strdup(link);
    return true;
}

static bool is_ours(struct nginx_master *master, struct error *err)
{
    static const char *const kinds[] = {"mnt", "pid", "user"};
    if (geteuid() != 0 && has_uid(master->pid, 0))
        return true; /* seen, and no more */
    if (!has_uid(master->pid, geteuid()))
        return fail(err, ERR_WEB_SERVER, "it belongs to another user");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!same_namespace(master->pid, kinds[i], err))
            return false;
    master->may_signal = true;
    return judge_binary(master, err);
}

/* nginx takes a relative -p from where it was started. */
static void complete_prefix(struct nginx_master *master)
{
    char folder[4096];
    if (master->prefix == NULL || master->prefix[0] == '/')
        return;
    bool known = read_link(master->pid, "cwd", folder);
    char *full = mem_printf("%s/%s", known ? folder : "", master->prefix);
    free(master->prefix);
    master->prefix = full;
}

void nginx_master_release(struct nginx_master *master)
{
    if (master->pid != 0)
        cleanup_fd(&master->pidfd);
    free(master->binary);
    free(master->conf);
    free(master->prefix);
    free(master->directives);
    *master = (struct nginx_master){.pidfd = -1};
}

static bool has_ended(const struct nginx_master *master)
{
    struct pollfd one = {.fd = master->pidfd, .events = POLLIN};
    return poll(&one, 1, 0) != 0;
}

/* ---- all of them ---- */

static void refuse(struct nginx_masters *all, pid_t pid, struct error *why)
{
    (void)while_doing(why, "process %d looks like nginx, but is not trusted", (int)pid);
    if (all->refused_count == NGINX_MASTERS_MAX)
        return;
    all->refused = mem_resize(all->refused, all->refused_count + 1, sizeof *all->refused);
    all->refused[all->refused_count++] = *why;
}

static bool is_master(pid_t pid)
{
    AUTO(buf) title = BUF(PROC_MAX);
    return read_title(pid, &title) && has_mark(buf_str(&title), MASTER_MARK);
}

/* A worker goes by its master's title until it has set its own. The new master of an upgrade is a
 * master's child as well, but was executed. */
static void look_at(struct nginx_masters *all, pid_t pid)
{
    struct error why = {0};
    struct proc_stat stat;
    AUTO(buf) title = BUF(PROC_MAX);
    AUTO(nginx_master) master = {.pid = pid, .pidfd = -1};
    if (!read_title(pid, &title) || !nginx_title_read(buf_str(&title), &master))
        return;
    /* Held before anything is asked, so that all answers are of one process. */
    master.pidfd = pidfd_open(pid, 0);
    if (master.pidfd < 0 || !read_stat(pid, &stat) || (stat.forked && is_master(stat.parent)))
        return;
    master.parent = stat.parent;
    master.start_ticks = stat.start_ticks;
    if (!is_ours(&master, &why)) {
        refuse(all, pid, &why);
        return;
    }
    complete_prefix(&master);
    if (has_ended(&master) || all->count == NGINX_MASTERS_MAX)
        return;
    all->items = mem_resize(all->items, all->count + 1, sizeof *all->items);
    all->items[all->count++] = master;
    master = (struct nginx_master){.pidfd = -1};
}

static int by_pid(const void *a, const void *b)
{
    const struct nginx_master *left = a, *right = b;
    return (left->pid > right->pid) - (left->pid < right->pid);
}

bool nginx_masters_find(struct nginx_masters *out, struct error *err)
{
    struct nginx_masters all = {0};
    const struct dirent *entry;
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return fail_errno(err, ERR_FILES, errno, "cannot read '/proc'");
    while ((entry = readdir(proc)) != NULL) {
        int pid = 0;
        if (sscanf(entry->d_name, "%d", &pid) == 1 && pid > 0)
            look_at(&all, pid);
    }
    (void)closedir(proc);
    if (all.count > 0)
        qsort(all.items, all.count, sizeof *all.items, by_pid);
    *out = all;
    return true;
}

void nginx_masters_release(struct nginx_masters *masters)
{
    for (size_t i = 0; i < masters->count; i++)
        nginx_master_release(&masters->items[i]);
    free(masters->items);
    free(masters->refused);
    *masters = (struct nginx_masters){0};
}

/* ---- signals ---- */

/* An exec since would show here; a pid that was given to another process cannot be met by pidfd. */
static bool is_same(const struct nginx_master *master)
{
    char link[4096];
    struct proc_stat stat;
    if (!read_stat(master->pid, &stat) || stat.start_ticks != master->start_ticks ||
        !has_uid(master->pid, geteuid()) || !read_link(master->pid, "exe", link))
        return false;
    size_t len = strlen(master->binary);
    return strncmp(link, master->binary, len) == 0 &&
           (link[len] == '\0' || strcmp(link + len, DELETED) == 0);
}

bool nginx_master_hup(const struct nginx_master *master, struct error *err)
{
    if (!master->may_signal)
        return fail(err, ERR_WEB_SERVER, "nginx (pid %d) belongs to root and cannot be reloaded",
                    (int)master->pid);
    if (has_ended(master) || !is_same(master))
        return fail(err, ERR_WEB_SERVER, "nginx (pid %d) has ended meanwhile", (int)master->pid);
    return pidfd_send_signal(master->pidfd, SIGHUP, NULL, 0) == 0 ||
           fail_errno(err, ERR_WEB_SERVER, errno, "cannot signal nginx (pid %d)", (int)master->pid);
}

/* ---- workers ---- */

static void add_worker(struct nginx_workers *workers, pid_t pid)
{
    struct proc_stat stat;
    struct nginx_worker worker = {.pid = pid};
    AUTO(buf) title = BUF(PROC_MAX);
    if (workers->count == NGINX_WORKERS_MAX || !read_title(pid, &title) ||
        !has_mark(buf_str(&title), WORKER_MARK) || !read_stat(pid, &stat))
        return;
    worker.start_ticks = stat.start_ticks;
    worker.draining = has_mark(buf_str(&title), DRAINING_MARK);
    workers->draining += worker.draining;
    workers->items = mem_resize(workers->items, workers->count + 1, sizeof *workers->items);
    workers->items[workers->count++] = worker;
}

bool nginx_workers_list(const struct nginx_master *master, struct nginx_workers *out,
                        struct error *err)
{
    AUTO(buf) text = BUF(PROC_MAX);
    AUTO_FREE name = mem_printf("task/%d/children", (int)master->pid);
    if (has_ended(master) || !read_proc(master->pid, name, &text))
        return fail(err, ERR_WEB_SERVER, "nginx (pid %d) has ended", (int)master->pid);
    struct nginx_workers workers = {0};
    const char *at = buf_str(&text);
    for (int pid = 0, used = 0; sscanf(at, "%d%n", &pid, &used) == 1; at += used)
        add_worker(&workers, pid);
    *out = workers;
    return true;
}

void nginx_workers_release(struct nginx_workers *workers)
{
    free(workers->items);
    *workers = (struct nginx_workers){0};
}

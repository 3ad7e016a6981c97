#include <acmec/io/nginx_judge.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

#define JUDGE_TIMEOUT_MS 60000
#define JUDGE_OUTPUT_MAX (64 * 1024)
#define COUNT_MAX 16

/* Exit codes of the child before it becomes nginx; nginx itself knows 0, 1 and 2. */
#define EXIT_NOT_ISOLATED 120
#define EXIT_NOT_EXECUTED 121

/* ---- starting ---- */

/* `nginx -t -c CONF [-p PREFIX] [-g DIRECTIVES]`: as the master reads it. */
static size_t nginx_words(const struct nginx_instance *instance, const char **argv)
{
    const struct nginx_master *master = &instance->master;
    size_t count = 0;
    argv[count++] = instance->binary;
    argv[count++] = "-t";
    argv[count++] = "-c";
    argv[count++] = instance->conf;
    if (master->prefix != NULL) {
        argv[count++] = "-p";
        argv[count++] = master->prefix;
    }
    if (master->directives != NULL) {
        argv[count++] = "-g";
        argv[count++] = master->directives;
    }
    return count;
}

static bool spawn(struct nginx_judge *judge, const char *path, const char *const *argv,
                  struct error *err)
{
    static const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    struct spawn_request request = {
        .path = path,
        .argv = argv,
        .envp = envp,
        .timeout_ms = JUDGE_TIMEOUT_MS,
        .output_max = JUDGE_OUTPUT_MAX,
    };
    struct spawn_port *port = judge->world.ports->spawn;
    judge->started_ms = clock_mono_ms(judge->world.ports->clock);
    judge->child = ++*judge->world.last_child;
    if (port->ops->start(port, judge->child, &request, err))
        return true;
    judge->child = 0;
    err->code = ERR_WEB_SERVER;
    return false;
}

/* SELF ARG COUNT PATH FILE ... NGINX -t ... */
static bool spawn_isolated(struct nginx_judge *judge, const struct nginx_instance *instance,
                           const struct nginx_candidate *candidates, size_t count,
                           struct error *err)
{
    char self[4096], number[COUNT_MAX];
    const char *argv[3 + 2 * NGINX_FILES_MAX + 16] = {self, NGINX_JUDGE_ARG, number};
    if (count > NGINX_FILES_MAX)
        return fail(err, ERR_WEB_SERVER, "more than %d files at once", NGINX_FILES_MAX);
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot read '/proc/self/exe'");
    self[len] = '\0';
    (void)snprintf(number, sizeof number, "%zu", count);
    size_t at = 3;
    for (size_t i = 0; i < count; i++) {
        argv[at++] = candidates[i].path;
        argv[at++] = candidates[i].file;
    }
    (void)nginx_words(instance, argv + at);
    return spawn(judge, self, argv, err);
}

void nginx_judge_start(struct nginx_judge *judge, const struct nginx_world *world,
                       const struct nginx_instance *instance,
                       const struct nginx_candidate *candidates, size_t count)
{
    const char *argv[16] = {NULL};
    *judge =
        (struct nginx_judge){.world = *world, .isolated = count > 0, .verdict = NGINX_UNJUDGED};
    (void)nginx_words(instance, argv);
    judge->over = count > 0 ? !spawn_isolated(judge, instance, candidates, count, &judge->error)
                            : !spawn(judge, instance->binary, argv, &judge->error);
}

/* ---- what nginx said ---- */

static const char *const levels[] = {"[emerg] ", "[alert] ", "[crit] ", "[error] "};

static struct span trimmed(struct span text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* "TEXT in /etc/nginx/x.conf:12": nginx adds the place last. */
static void split_place(struct span line, struct nginx_complaint *out)
{
    AUTO_FREE text = mem_strndup(line.ptr, line.len);
    char *colon = strrchr(text, ':'), *place = NULL;
    size_t digits = colon == NULL ? 0 : strspn(colon + 1, "0123456789");
    bool numbered = digits > 0 && digits < 10 && colon[1 + digits] == '\0';
    *out = (struct nginx_complaint){0};
    for (char *at = text; numbered && (at = strstr(at, " in /")) != NULL; at++)
        place = at;
    if (place != NULL) {
        out->line = (unsigned)strtoul(colon + 1, NULL, 10);
        *colon = *place = '\0';
        (void)snprintf(out->file, sizeof out->file, "%s", escaped_str(place + 4).text);
    }
    (void)snprintf(out->text, sizeof out->text, "%s", escaped_str(text).text);
}

static size_t count_digits(const char *text, size_t len)
{
    size_t count = 0;
    while (count < len && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* Without "123#456: ", the process, which nginx names once it has opened its log. */
static struct span without_process(struct span line)
{
    size_t pid = count_digits(line.ptr, line.len);
    if (pid == 0 || pid == line.len || line.ptr[pid] != '#')
        return line;
    size_t end = pid + 1 + count_digits(line.ptr + pid + 1, line.len - pid - 1);
    if (line.len - end < 2 || memcmp(line.ptr + end, ": ", 2) != 0)
        return line;
    return span_of(line.ptr + end + 2, line.len - end - 2);
}

static bool find_level(struct span output, const char *level, struct nginx_complaint *out)
{
    const char *found = memmem(output.ptr, output.len, level, strlen(level));
    if (found == NULL)
        return false;
    found += strlen(level);
    size_t rest = output.len - (size_t)(found - output.ptr);
    const char *end = memchr(found, '\n', rest);
    struct span line = span_of(found, end == NULL ? rest : (size_t)(end - found));
    split_place(without_process(trimmed(line)), out);
    return true;
}

bool nginx_complaint_read(struct span output, struct nginx_complaint *out)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (find_level(output, levels[i], out))
            return true;
    return false;
}

static void complain(struct nginx_judge *judge, struct span output, struct error *err)
{
    struct nginx_complaint *what = &judge->complaint;
    const char *whose = judge->isolated ? "the change" : "its configuration";
    if (!nginx_complaint_read(output, what))
        (void)fail(err, ERR_WEB_SERVER, "nginx refuses %s: %s", whose, escaped(output).text);
    else if (what->line == 0)
        (void)fail(err, ERR_WEB_SERVER, "nginx refuses %s: %s", whose, what->text);
    else
        (void)fail(err, ERR_WEB_SERVER, "nginx refuses %s: %s in %s:%u", whose, what->text,
                   what->file, what->line);
}

static enum nginx_verdict unjudged(struct error *err, const char *text)
{
    (void)fail(err, ERR_WEB_SERVER, "%s", text);
    return NGINX_UNJUDGED;
}

static enum nginx_verdict judge_result(struct nginx_judge *judge, const struct spawn_result *child,
                                       struct error *err)
{
    struct span output = trimmed(buf_span(&child->output));
    if (child->timed_out)
        return unjudged(err, "nginx -t takes more than a minute");
    if (child->signal != 0)
        return unjudged(err, "nginx -t was ended by a signal");
    if (judge->isolated && child->exit_code >= EXIT_NOT_ISOLATED)
        return unjudged(err, escaped(output).text);
    if (child->exit_code == 0)
        return NGINX_GOOD;
    complain(judge, output, err);
    return NGINX_BAD;
}

bool nginx_judge_take(struct nginx_judge *judge, const struct event *event)
{
    if (judge->child == 0 || judge->child != event->id)
        return false;
    judge->child = 0;
    judge->over = true;
    judge->took_ms = clock_mono_ms(judge->world.ports->clock) - judge->started_ms;
    judge->verdict = judge_result(judge, &event->child, &judge->error);
    return true;
}

/* ---- in the child ---- */

static int give_up(int code, const char *what, const char *path)
{
    (void)fprintf(stderr, "%s '%s': %s\n", what, path, strerror(errno));
    return code;
}

/* What is mounted here is seen here alone. */
static int isolate(char **pairs, unsigned long count)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return give_up(EXIT_NOT_ISOLATED, "no private mount namespace over", "/");
    for (unsigned long i = 0; i < count; i++)
        if (mount(pairs[2 * i + 1], pairs[2 * i], NULL, MS_BIND, NULL) != 0)
            return give_up(EXIT_NOT_ISOLATED, "cannot mount over", pairs[2 * i]);
    return 0;
}

int nginx_judge_main(char **argv)
{
    static const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    unsigned long count = argv[2] == NULL ? 0 : strtoul(argv[2], NULL, 10);
    size_t words = 0;
    while (argv[words] != NULL)
        words++;
    if (count == 0 || count > NGINX_FILES_MAX || words < 3 + 2 * count + 2)
        return EXIT_NOT_EXECUTED;
    int code = isolate(argv + 3, count);
    if (code != 0)
        return code;
    char **nginx = argv + 3 + 2 * count;
    (void)execve(nginx[0], nginx, (char *const *)envp);
    return give_up(EXIT_NOT_EXECUTED, "cannot execute", nginx[0]);
}

#include <acmec/io/nginx_control.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/io/file.h>
#include <errno.h>

#define ABOUT_TIMEOUT_MS 10000
#define ABOUT_OUTPUT_MAX (64 * 1024)

/* Where distributions and the forks' own packages put it. */
static const char *const usual_binaries[] = {
    "/usr/sbin/nginx",
    "/usr/local/sbin/nginx",
    "/usr/local/nginx/sbin/nginx",
    "/usr/local/openresty/nginx/sbin/nginx",
    "/usr/sbin/angie",
    "/usr/local/tengine/sbin/nginx",
    "/usr/bin/nginx",
};

void nginx_instance_release(struct nginx_instance *instance)
{
    free(instance->binary);
    free(instance->conf);
    free(instance->prefix);
    nginx_about_release(&instance->about);
    nginx_master_release(&instance->master);
    *instance = (struct nginx_instance){0};
}

bool nginx_instance_is_ours(const struct nginx_instance *instance)
{
    return instance->master.pid != 0 && instance->master.may_signal;
}

static bool same_file(const char *a, const char *b)
{
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

/* ---- candidates ---- */

static bool find_binary(const struct nginx_find *find, char **out, struct error *err)
{
    if (find->wish.binary != NULL) {
        *out = mem_strdup(find->wish.binary);
        return true;
    }
    for (size_t i = 0; i < sizeof usual_binaries / sizeof usual_binaries[0]; i++) {
        if (access(usual_binaries[i], X_OK) != 0)
            continue;
        *out = mem_strdup(usual_binaries[i]);
        return true;
    }
    (void)fail(err, ERR_WEB_SERVER, "there is no nginx here: none runs, and none is installed");
    return with_hint(err, "--nginx-bin FILE names one");
}

static struct nginx_instance *add_candidate(struct nginx_find *find)
{
    struct nginx_instance *new = &find->candidates[find->candidate_count++];
    *new = (struct nginx_instance){0};
    return new;
}

static void drop_candidate(struct nginx_find *find, size_t n)
{
    nginx_instance_release(&find->candidates[n]);
    find->candidate_count--;
    memmove(&find->candidates[n], &find->candidates[n + 1],
            (find->candidate_count - n) * sizeof find->candidates[n]);
}

/* Another configuration than the one that was named. A relative path counts once the prefix is
 * known.
 */
static bool is_another(const struct nginx_master *master, const char *wish)
{
    return wish != NULL && master->conf != NULL && master->conf[0] == '/' &&
           !same_file(master->conf, wish);
}

/* The masters that may be meant. One whose binary we may not see could be. */
static bool add_masters(struct nginx_find *find, struct error *err)
{
    for (size_t i = 0; i < find->masters.count; i++) {
        struct nginx_master *master = &find->masters.items[i];
        bool meant = find->wish.binary == NULL || master->binary == NULL ||
                     same_file(find->wish.binary, master->binary);
        if (!meant || is_another(master, find->wish.conf) ||
            find->candidate_count == NGINX_CANDIDATES_MAX - 1)
            continue;
        struct nginx_instance *candidate = add_candidate(find);
        if (master->binary != NULL)
            candidate->binary = mem_strdup(master->binary);
        else if (!find_binary(find, &candidate->binary, err))
            return false;
        candidate->master = *master;
        *master = (struct nginx_master){0};
    }
    return true;
}

/* ---- -V ---- */

static bool ask(struct nginx_find *find, struct error *err)
{
    static const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const char *binary = find->candidates[find->asked].binary;
    const char *const argv[] = {binary, "-V", NULL};
    struct spawn_request request = {
        .path = binary,
        .argv = argv,
        .envp = envp,
        .timeout_ms = ABOUT_TIMEOUT_MS,
        .output_max = ABOUT_OUTPUT_MAX,
    };
    struct spawn_port *port = find->world.ports->spawn;
    if (!file_check_trusted(binary, err))
        return false;
    find->child = ++*find->world.last_child;
    if (port->ops->start(port, find->child, &request, err))
        return true;
    find->child = 0;
    err->code = ERR_WEB_SERVER;
    return false;
}

static bool read_answer(struct nginx_instance *candidate, const struct spawn_result *child,
                        struct error *err)
{
    if (child->exit_code != 0)
        return fail(err, ERR_WEB_SERVER, "'%s -V' failed: %s", candidate->binary,
                    child->timed_out ? "it takes too long"
                                     : escaped(buf_span(&child->output)).text);
    return nginx_about_read(buf_span(&child->output), &candidate->about, err) ||
           while_doing(err, "'%s'", candidate->binary);
}

static char *below(const char *folder, const char *path)
{
    return path[0] == '/' ? mem_strdup(path) : mem_printf("%s/%s", folder, path);
}

static void locate(struct nginx_instance *candidate, const char *wish)
{
    const struct nginx_master *master = &candidate->master;
    const char *conf = candidate->about.conf_path;
    candidate->prefix =
        mem_strdup(master->prefix != NULL ? master->prefix : candidate->about.prefix);
    if (master->pid == 0 && wish != NULL)
        conf = wish;
    else if (master->conf != NULL)
        conf = master->conf;
    candidate->conf = below(candidate->prefix, conf);
}

static void refuse_candidate(struct nginx_find *find, size_t n, struct error *why)
{
    struct nginx_masters *masters = &find->masters;
    (void)while_doing(why, "nginx (pid %d) is not trusted", (int)find->candidates[n].master.pid);
    masters->refused =
        mem_resize(masters->refused, masters->refused_count + 1, sizeof *masters->refused);
    masters->refused[masters->refused_count++] = *why;
    drop_candidate(find, n);
}

/* False: the search has failed. */
static bool judge_candidate(struct nginx_find *find, struct error *err)
{
    size_t n = find->asked;
    struct nginx_instance *candidate = &find->candidates[n];
    struct error why = {0};
    locate(candidate, find->wish.conf);
    bool runs = candidate->master.pid != 0;
    if (runs && find->wish.conf != NULL && !same_file(candidate->conf, find->wish.conf)) {
        drop_candidate(find, n);
        return true;
    }
    if (file_check_trusted(candidate->conf, &why)) {
        find->asked++;
        return true;
    }
    if (!runs) {
        *err = why;
        return false;
    }
    refuse_candidate(find, n, &why);
    return true;
}

/* ---- which one ---- */

/* During an upgrade of its binary (USR2) nginx has two masters: the new one is a child. */
static bool is_superseded(const struct nginx_find *find, size_t n)
{
    const struct nginx_instance *old = &find->candidates[n];
    for (size_t i = 0; i < find->candidate_count; i++)
        if (i != n && find->candidates[i].master.parent == old->master.pid &&
            same_file(find->candidates[i].conf, old->conf))
            return true;
    return false;
}

static bool choose(struct nginx_find *find, struct error *err)
{
    for (size_t n = find->candidate_count; n-- > 0;)
        if (is_superseded(find, n))
            drop_candidate(find, n);
    if (find->candidate_count > 1) {
        (void)fail(err, ERR_WEB_SERVER, "several nginx run here: '%s' (pid %d), '%s' (pid %d)%s",
                   escaped_str(find->candidates[0].conf).text, (int)find->candidates[0].master.pid,
                   escaped_str(find->candidates[1].conf).text, (int)find->candidates[1].master.pid,
                   find->candidate_count > 2 ? " and more" : "");
        return with_hint(err, "--nginx-conf FILE says which of them");
    }
    find->found = find->candidates[0];
    find->candidates[0] = (struct nginx_instance){0};
    find->candidate_count = 0;
    return true;
}

/* Asks the next binary, or decides. */
static bool advance(struct nginx_find *find, struct error *err)
{
    if (find->candidate_count == 0 && !find_binary(find, &add_candidate(find)->binary, err))
        return false;
    if (find->asked < find->candidate_count)
        return ask(find, err);
    find->good = find->over = choose(find, err);
    return find->good;
}

void nginx_find_start(struct nginx_find *find, const struct nginx_world *world,
                      const struct nginx_wish *wish)
{
    *find = (struct nginx_find){.world = *world, .wish = *wish};
    find->over = !nginx_masters_find(&find->masters, &find->error) ||
                 !add_masters(find, &find->error) || !advance(find, &find->error) || find->over;
}

bool nginx_find_take(struct nginx_find *find, const struct event *event)
{
    if (find->child == 0 || find->child != event->id)
        return false;
    find->child = 0;
    find->over = !read_answer(&find->candidates[find->asked], &event->child, &find->error) ||
                 !judge_candidate(find, &find->error) || !advance(find, &find->error) || find->over;
    return true;
}

void nginx_find_release(struct nginx_find *find)
{
    while (find->candidate_count > 0)
        drop_candidate(find, find->candidate_count - 1);
    nginx_masters_release(&find->masters);
    nginx_instance_release(&find->found);
    find->child = 0;
}

#include <acmec/engine/nginx_site.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/hooks.h>
#include <acmec/engine/nginx_where.h>
#include <acmec/engine/world.h>
#include <acmec/io/conf_files.h>
#include <acmec/io/nginx_reload.h>
#include <acmec/io/store_journal.h>

void nginx_site_release(struct nginx_site *site)
{
    lock_release(&site->lock);
    nginx_instance_release(&site->instance);
    *site = (struct nginx_site){.lock = {-1}};
}

bool nginx_site_find(struct run *run, const struct spec_nginx *options, struct nginx_site *out,
                     struct error *err)
{
    struct nginx_site site = {.lock = {-1}, .options = options};
    const struct nginx_wish wish = {options->binary, options->conf};
    if (!nginx_where(run, &wish, &site.instance, err))
        return false;
    *out = site;
    return true;
}

static struct nginx_world world_of(struct run *run)
{
    return (struct nginx_world){run->ports, &run->last_child};
}

/* ---- test and reload ---- */

static bool take_judge(void *ctx, const struct event *event)
{
    return nginx_judge_take(ctx, event);
}

/* What fails in a configuration that is fine: its pid, logs and keys are root's. */
static bool lacks_rights(const struct error *err)
{
    return geteuid() != 0 && strstr(err->text, "(13: Permission denied)") != NULL;
}

void nginx_site_judge(struct run *run, const struct nginx_site *site,
                      const struct nginx_candidate *candidates, size_t count,
                      struct nginx_judge *out)
{
    struct nginx_world world = world_of(run);
    *out = (struct nginx_judge){0};
    nginx_judge_start(out, &world, &site->instance, candidates, count);
    while (!out->over)
        world_wait_for(run, INT64_MAX, take_judge, out);
}

bool nginx_site_test(struct run *run, struct nginx_site *site, struct error *err)
{
    struct nginx_judge judge;
    nginx_site_judge(run, site, NULL, 0, &judge);
    site->test_ms = judge.took_ms;
    if (judge.verdict == NGINX_GOOD)
        return true;
    *err = judge.error;
    if (lacks_rights(err))
        (void)with_hint(err, "only root can test this nginx; 'acmec install CERT --nginx --diff' "
                             "shows what is to be changed");
    return false;
}

bool nginx_site_reloads(const struct nginx_site *site)
{
    return site->options->reload &&
           (site->options->reload_command != NULL || nginx_instance_is_ours(&site->instance));
}

struct command_end {
    bool over;
    struct error error;
};

static void command_done(void *ctx, const struct error *error)
{
    struct command_end *end = ctx;
    end->over = true;
    if (error != NULL)
        end->error = *error;
}

static bool take_hook(void *ctx, const struct event *event)
{
    return hooks_take(ctx, event);
}

static bool reload_by_command(struct run *run, const char *command, struct error *err)
{
    struct command_end end = {0};
    struct hook_call call = {
        .kind = HOOK_DEPLOY,
        .command = command,
        .timeout_s = HOOK_TIMEOUT_S,
        .done = command_done,
        .ctx = &end,
    };
    hooks_call(run->hooks, &call);
    while (!end.over)
        world_wait_for(run, INT64_MAX, take_hook, run->hooks);
    if (end.error.code == ERR_NONE)
        return true;
    *err = end.error;
    return while_doing(err, "--reload-command");
}

static bool reload_by_signal(struct run *run, const struct nginx_site *site, struct error *err)
{
    AUTO(nginx_reload) reload = {0};
    struct nginx_world world = world_of(run);
    struct nginx_reload_how how = {.test_ms = site->test_ms,
                                   .max_draining = site->options->max_draining};
    nginx_reload_start(&reload, &world, &site->instance, &how);
    for (int64_t until_ms; !reload.over;) {
        until_ms = nginx_reload_step(&reload);
        if (!reload.over)
            world_wait_for(run, until_ms, NULL, NULL);
    }
    if (reload.result != NGINX_RELOADED)
        *err = reload.error;
    return reload.result == NGINX_RELOADED;
}

bool nginx_site_reload(struct run *run, const struct nginx_site *site, struct error *err)
{
    if (!nginx_site_reloads(site))
        return true;
    if (site->options->reload_command != NULL)
        return reload_by_command(run, site->options->reload_command, err);
    return reload_by_signal(run, site, err);
}

/* ---- lock ---- */

/* What a killed run left half done is finished or taken back before anything else. */
static bool recover(struct run *run, struct nginx_site *site, struct error *err)
{
    AUTO(journal_recovery) recovery = {0};
    if (!journal_recover(run->store, site->instance.conf, &recovery, err))
        return false;
    if (recovery.found && recovery.undo.left > 0)
        run_progress(run, PROGRESS_NOTICE, "", "%s", recovery.undo.error.text);
    if (!recovery.found || recovery.kept || recovery.undo.restored == 0)
        return true;
    log_info("an unfinished change of nginx's files was taken back");
    return nginx_site_test(run, site, err) && nginx_site_reload(run, site, err);
}

bool nginx_site_lock(struct run *run, struct nginx_site *site, struct error *err)
{
    return site->lock.fd >= 0 || (world_lock_nginx(run, site->instance.conf, &site->lock, err) &&
                                  recover(run, site, err));
}

/* ---- its configuration ---- */

struct overlay_source {
    struct source_port port; /* first */
    struct source_port real;
    const struct nginx_overlay *overlays;
    size_t count;
};

static bool overlay_read(struct source_port *port, const char *path, struct buf *out,
                         struct source_facts *facts, struct error *err)
{
    struct overlay_source *source = (struct overlay_source *)port;
    AUTO(buf) hidden = BUF(TREE_BYTES_MAX);
    for (size_t i = 0; i < source->count; i++) {
        if (strcmp(source->overlays[i].path, path) != 0)
            continue;
        if (!source->real.ops->read(&source->real, path, &hidden, facts, err))
            return false;
        buf_add_span(out, source->overlays[i].bytes);
        return true;
    }
    return source->real.ops->read(&source->real, path, out, facts, err);
}

static bool overlay_match(struct source_port *port, const char *pattern, struct source_names *out,
                          struct error *err)
{
    struct overlay_source *source = (struct overlay_source *)port;
    return source->real.ops->match(&source->real, pattern, out, err);
}

void nginx_view_release(struct nginx_view *view)
{
    choose_release(&view->choose);
    conf_release(&view->conf);
}

bool nginx_site_read(const struct nginx_site *site, const struct nginx_overlay *overlays,
                     size_t count, struct nginx_view *out, struct error *err)
{
    static const struct source_ops ops = {overlay_read, overlay_match};
    struct overlay_source source = {
        .port = {&ops}, .real = conf_files(), .overlays = overlays, .count = count};
    char hostname[256] = "";
    (void)gethostname(hostname, sizeof hostname - 1);
    struct choose_host host = {.hostname = hostname, .as_root = geteuid() == 0};
    if (!conf_read(&source.port, site->instance.conf, &out->conf, err))
        return false;
    if (choose_build(&out->conf, &host, &out->choose, err))
        return true;
    conf_release(&out->conf);
    return false;
}

char *nginx_site_path(const struct nginx_site *site, struct span name)
{
    const char *conf = site->instance.conf;
    if (name.len > 0 && name.ptr[0] == '/')
        return mem_strndup(name.ptr, name.len);
    return mem_printf("%.*s/%.*s", (int)(strrchr(conf, '/') - conf), conf, (int)name.len, name.ptr);
}

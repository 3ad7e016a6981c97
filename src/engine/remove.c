#include <acmec/engine/remove.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/nginx_where.h>
#include <acmec/engine/world.h>
#include <acmec/io/conf_files.h>
#include <acmec/io/store_installed.h>
#include <acmec/io/store_remove.h>
#include <acmec/nginx/conf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PLACES_MAX 400
#define NGINX_CONF_USUAL "/etc/nginx/nginx.conf"

/* ---- who refers to it ---- */

/* Folders of the certificate, with a '/' at the end, as they may be written: below CONFIG_DIR by
 * the name that we know, or by its real one. Owned. */
#define FOLDERS 4
struct folders {
    char *items[FOLDERS];
};

static void folders_release(struct folders *folders)
{
    for (size_t i = 0; i < FOLDERS; i++)
        free(folders->items[i]);
}

static void name_folders(const struct store *store, const char *name, struct folders *out)
{
    const char *given = store_config_dir(store);
    AUTO_FREE real = realpath(given, NULL);
    const char *dirs[] = {given, real == NULL ? given : real};
    for (size_t i = 0; i < 2; i++) {
        out->items[2 * i] = mem_printf("%s/live/%s/", dirs[i], name);
        out->items[2 * i + 1] = mem_printf("%s/archive/%s/", dirs[i], name);
    }
}

/* Also after "data:" and what else nginx knows to write before a path. */
static bool mentions(struct span text, const struct folders *folders)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        size_t len = strlen(folders->items[i]);
        if (text.len >= len && memmem(text.ptr, text.len, folders->items[i], len) != NULL)
            return true;
    }
    return false;
}

/* A certificate's file by another way: through a symlink, or from the main file's folder. */
static bool leads_to(struct span arg, const struct folders *folders, const char *nginx_conf)
{
    const char *slash = strrchr(nginx_conf, '/');
    bool is_whole = slash == NULL || (arg.len > 0 && arg.ptr[0] == '/');
    int dir_len = is_whole ? 0 : (int)(slash - nginx_conf) + 1;
    AUTO_FREE path = mem_printf("%.*s%.*s", dir_len, nginx_conf, (int)arg.len, arg.ptr);
    AUTO_FREE real = realpath(path, NULL);
    return real != NULL && mentions(span_str(real), folders);
}

static bool refers(const struct conf *conf, uint32_t item, const struct folders *folders,
                   const char *nginx_conf)
{
    struct span name = conf_name(conf, item);
    bool is_file = memmem(name.ptr, name.len, "certificate", strlen("certificate")) != NULL;
    for (uint32_t n = 0; n < conf_arg_count(conf, item); n++) {
        struct span arg = conf_arg(conf, item, n);
        if (mentions(arg, folders) || (is_file && leads_to(arg, folders, nginx_conf)))
            return true;
    }
    return false;
}

static void find_places(const struct conf *conf, const struct folders *folders,
                        const char *nginx_conf, struct buf *places)
{
    for (uint32_t i = 1; i < conf->item_count; i++)
        if (refers(conf, i, folders, nginx_conf))
            buf_addf(places, "%s%s:%u", places->len == 0 ? "" : ", ",
                     escaped_str(conf_path(conf, i)).text, conf_line(conf, i));
}

/* A main file that is not there refers to nothing; one that cannot be read might. */
static bool check_readable(const struct conf *conf, const char *nginx_conf, struct error *err)
{
    if (access(nginx_conf, F_OK) != 0 && errno == ENOENT)
        return true;
    for (uint32_t i = 0; i < conf->fault_count; i++)
        if (conf->faults[i].instance == CONF_NONE)
            return fail(err, conf->faults[i].code, "%s", conf->faults[i].text);
    return true;
}

static bool check_references(const struct store *store, const char *name, const char *nginx_conf,
                             struct error *err)
{
    AUTO(folders) folders = {0};
    AUTO(conf) conf = {0};
    AUTO(buf) places = BUF(PLACES_MAX);
    struct source_port source = conf_files();
    name_folders(store, name, &folders);
    conf_survey(&source, nginx_conf, &conf);
    if (!check_readable(&conf, nginx_conf, err))
        return false;
    find_places(&conf, &folders, nginx_conf, &places);
    if (places.len == 0 && buf_ok(&places))
        return true;
    (void)fail(err, ERR_WEB_SERVER, "nginx still refers to the certificate '%s': %s%s", name,
               buf_str(&places), buf_ok(&places) ? "" : " and more");
    return with_hint(err, "take these lines out first, and reload nginx");
}

static bool check_installed(const struct store *store, const char *name, struct error *err)
{
    AUTO(installed) installed = {0};
    if (!store_read_installed(store, name, &installed, err))
        return false;
    if (installed.count == 0)
        return true;
    (void)fail(err, ERR_WEB_SERVER, "the certificate '%s' is installed in nginx", name);
    return with_hint(err, "'acmec uninstall %s --nginx' takes it out of there", name);
}

/* ---- removing it ---- */

static bool is_confirmed(const struct run *run, const char *name, struct error *err)
{
    const struct engine_questions *ask = &run->settings->questions;
    AUTO_FREE question =
        mem_printf("Delete the certificate '%s', its keys and its configuration?", name);
    if (run->settings->yes || (ask->confirm != NULL && ask->confirm(ask->ctx, question)))
        return true;
    (void)fail(err, ERR_USAGE, "the certificate '%s' would be deleted with its keys", name);
    return with_hint(err, "say --yes if that is what you want; it is not revoked by that");
}

/* Without an nginx that can be found there may still be its configuration. */
static bool find_confs(struct run *run, const char *given, struct name_list *out, struct error *err)
{
    if (given == NULL && !nginx_where_all(run, out, err))
        return false;
    if (out->count > 0)
        return true;
    out->items = mem_new(1, sizeof *out->items);
    out->items[out->count++] = mem_strdup(given == NULL ? NGINX_CONF_USUAL : given);
    return true;
}

static bool check_unused(const struct run *run, const char *name, const struct name_list *confs,
                         struct error *err)
{
    if (!check_installed(run->store, name, err))
        return false;
    for (size_t i = 0; i < confs->count; i++)
        if (!check_references(run->store, name, confs->items[i], err))
            return false;
    return true;
}

bool remove_certificate(struct run *run, const char *name, const char *nginx_conf,
                        struct outcome_list *out, struct error *err)
{
    AUTO(cert_state) state = {0};
    AUTO(name_list) confs = {0};
    AUTO(lock) lock = {.fd = -1};
    struct error ignored = {0};
    /* Seen to again under the lock: a person may take long to answer. */
    if (!find_confs(run, nginx_conf, &confs, err) || !check_unused(run, name, &confs, err) ||
        !is_confirmed(run, name, err) || !store_prepare(run->store, err) ||
        !world_lock_cert(run, name, &lock, err) || !check_unused(run, name, &confs, err))
        return false;
    bool known = store_read_state(run->store, name, &state, &ignored);
    if (!store_remove(run->store, name, err))
        return false;
    struct outcome *outcome = outcome_list_add(out, name);
    if (known)
        outcome_from_state(run, name, &state, NULL, outcome);
    free(outcome->live);
    outcome->live = NULL;
    outcome->deploy_pending = false;
    outcome->action = ACTION_DELETED;
    return true;
}

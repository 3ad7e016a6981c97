#include <acmec/engine/nginx_recover.h>

#include <acmec/base/cleanup.h>
#include <acmec/engine/nginx_site.h>
#include <acmec/io/store_journal.h>
#include <stdlib.h>

struct confs {
    char **items;
    size_t count;
};

static void confs_release(struct confs *confs)
{
    for (size_t i = 0; i < confs->count; i++)
        free(confs->items[i]);
    free(confs->items);
}

bool nginx_recover_is_left(const struct run *run)
{
    AUTO(confs) confs = {0};
    struct error ignored = {0};
    return journal_list(run->store, &confs.items, &confs.count, &ignored) && confs.count > 0;
}

static void recover(struct run *run, char *conf)
{
    const struct spec_nginx options = {.conf = conf, .reload = true};
    AUTO(nginx_site) site = {.lock = {-1}};
    struct error err = {0};
    if (nginx_site_find(run, &options, &site, &err) && nginx_site_lock(run, &site, &err))
        return;
    if (err.code != ERR_LOCKED)
        run_progress(run, PROGRESS_NOTICE, "", "%s", err.text);
}

void nginx_recover_all(struct run *run)
{
    AUTO(confs) confs = {0};
    struct error err = {0};
    if (!journal_list(run->store, &confs.items, &confs.count, &err)) {
        run_progress(run, PROGRESS_NOTICE, "", "%s", err.text);
        return;
    }
    for (size_t i = 0; i < confs.count; i++)
        recover(run, confs.items[i]);
}

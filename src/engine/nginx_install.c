#include <acmec/engine/nginx_install.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/nginx_drafts.h>
#include <acmec/engine/nginx_verify.h>
#include <acmec/engine/nginx_wish.h>

/* More files than a journal holds would be several changes: fewer certificates at once then. */
#define FILES_MAX JOURNAL_FILES_MAX

/* ---- a batch that is worked on as one ---- */

struct batch {
    struct run *run;
    struct nginx_site *site;
    struct nginx_install_item **items;
    struct nginx_paths *paths;
    struct installed *layers; /* what is to be kept of each; count 0: as it is */
    unsigned *before;         /* the generations that were live */
    size_t count;
    struct nginx_view real; /* as it was read */
    struct nginx_drafts drafts;
};

static void batch_close(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        nginx_paths_release(&batch->paths[i]);
        installed_release(&batch->layers[i]);
    }
    free(batch->paths);
    free(batch->layers);
    free(batch->before);
    nginx_drafts_release(&batch->drafts);
    nginx_view_release(&batch->real);
}

static bool is_good(const struct nginx_install_item *item)
{
    return item->error.code == ERR_NONE;
}

static bool is_served(const struct nginx_view *view, const struct cert_spec *spec,
                      const struct nginx_paths *paths)
{
    AUTO(plan_looks) looks = {0};
    plan_find_looks(&view->choose, paths->chains[0], &spec->names, &looks);
    return looks.count > 0;
}

/* What was installed for it before is taken out first where it stands as it was written, so that
 * the plan is made for what a person wrote; old is then empty. */
static bool take_out_old(struct batch *batch, const char *name, struct installed *old,
                         struct error *err)
{
    AUTO(nginx_drafts) before = {0};
    struct error why = {0};
    if (!store_read_installed(batch->run->store, name, old, err))
        return false;
    nginx_drafts_copy(&batch->drafts, &before);
    if (nginx_drafts_undo(&batch->drafts, &batch->real, old, &why)) {
        installed_release(old);
        return true;
    }
    log_info("%s: %s; planned on top of what is there", name, why.text);
    nginx_drafts_move(&before, &batch->drafts);
    return true;
}

static void tell_notes(struct run *run, const char *name, const struct plan *plan)
{
    for (size_t i = 0; i < plan->note_count; i++)
        run_progress(run, PROGRESS_NOTICE, name, "%s", plan->notes[i]);
}

static bool plan_on_drafts(struct batch *batch, size_t index, struct plan *plan, struct error *err)
{
    const struct cert_spec *spec = batch->items[index]->spec;
    AUTO(nginx_view) view = {0};
    if (spec->csr != NULL)
        return fail(err, ERR_USAGE, "the key of '%s' is not acmec's to install", spec->name);
    if (!take_out_old(batch, spec->name, &batch->layers[index], err) ||
        !nginx_site_read(batch->site, batch->drafts.items, batch->drafts.count, &view, err))
        return false;
    struct plan_wish wish = nginx_plan_wish(batch->site, spec, &batch->paths[index]);
    return plan_install(&view.choose, &wish, plan, err) &&
           nginx_drafts_apply(&batch->drafts, &view, &plan->edits, err);
}

/* Plans one certificate on top of the drafts; they are untouched on failure. */
static bool plan_one(struct batch *batch, size_t index, struct plan *plan, struct error *err)
{
    AUTO(nginx_drafts) before = {0};
    nginx_drafts_copy(&batch->drafts, &before);
    if (plan_on_drafts(batch, index, plan, err)) {
        installed_add(&batch->layers[index], &plan->edits);
        return true;
    }
    nginx_drafts_move(&before, &batch->drafts);
    return false;
}

/* A renewal edits nothing: what serves the certificate goes on serving it. */
static void plan_all(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct nginx_install_item *item = batch->items[i];
        if (!is_good(item) ||
            (!item->plan_anew && is_served(&batch->real, item->spec, &batch->paths[i])))
            continue;
        struct error err = {0};
        AUTO(plan) plan = {0};
        if (!nginx_write_policy(batch->run, batch->site, batch->paths[i].policy, &err) ||
            !plan_one(batch, i, &plan, &err)) {
            item->error = err;
            continue;
        }
        item->changed = true;
        tell_notes(batch->run, item->spec->name, &plan);
    }
}

/* ---- live/NAME ---- */

static void switch_links(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct nginx_install_item *item = batch->items[i];
        struct error err = {0};
        if (item->generation == 0 || !is_good(item))
            continue;
        if (!store_live_generation(batch->run->store, item->spec->name, &batch->before[i], &err) ||
            !store_switch_live(batch->run->store, item->spec->name, item->generation, &err))
            item->error = err;
    }
}

static void switch_back(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct error err = {0};
        if (batch->before[i] != 0 &&
            !store_switch_live(batch->run->store, batch->items[i]->spec->name, batch->before[i],
                               &err))
            log_error("%s", err.text);
        batch->before[i] = 0;
    }
}

/* ---- one change for all ---- */

/* Whether nginx has anything to take up where no file changes. */
static bool any_reload(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (is_good(batch->items[i]) &&
            (batch->items[i]->reload || batch->items[i]->generation != 0))
            return true;
    return false;
}

/* All is served; or each item has its error. */
static bool look(struct batch *batch, struct error *err)
{
    AUTO(nginx_view) view = {0};
    struct nginx_verify_item *checks = mem_new(batch->count + 1, sizeof *checks);
    if (!nginx_site_reloads(batch->site)) {
        free(checks);
        return true;
    }
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (is_good(batch->items[i]))
            checks[count++] = (struct nginx_verify_item){
                .name = batch->items[i]->spec->name,
                .path = batch->paths[i].chains[0],
                .rsa = key_type_is_rsa(batch->items[i]->spec->key_types[0]),
                .names = &batch->items[i]->spec->names,
            };
    bool good = nginx_site_read(batch->site, NULL, 0, &view, err) &&
                nginx_verify(batch->run, batch->site, &view, checks, count, err);
    for (size_t i = 0, k = 0; good && i < batch->count; i++)
        if (is_good(batch->items[i])) {
            batch->items[i]->error = checks[k].error;
            if (checks[k].unverified > 0)
                run_progress(batch->run, PROGRESS_NOTICE, checks[k].name,
                             "not verified at %zu addresses that are not this machine's",
                             checks[k].unverified);
            k++;
        }
    free(checks);
    return good;
}

static bool keep_records(struct batch *batch, struct error *err)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i]->changed && is_good(batch->items[i]) &&
            !store_write_installed(batch->run->store, batch->items[i]->spec->name,
                                   &batch->layers[i], err))
            return false;
    return true;
}

/* Judged, written, tested, reloaded. */
static bool take_up(struct batch *batch, const struct nginx_rewrite *rewrites, size_t count,
                    struct nginx_change *change, struct error *error)
{
    struct run *run = batch->run;
    if (count > FILES_MAX)
        return fail(error, ERR_WEB_SERVER, "more than %d files would have to change at once",
                    FILES_MAX);
    if (count == 0)
        return nginx_site_test(run, batch->site, error) &&
               nginx_site_reload(run, batch->site, error);
    return nginx_change_judge(run, batch->site, rewrites, count, batch->site->options->in_place,
                              change, error) &&
           nginx_change_make(run, batch->site, change, error);
}

/* Looked at, too: true if everything that was edited is served; *error says what is not. */
static bool is_right(struct batch *batch, struct error *error)
{
    if (!look(batch, error))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i]->changed && !is_good(batch->items[i])) {
            *error = batch->items[i]->error;
            return false;
        }
    return true;
}

/* One change for all, kept or taken back. *error: what failed for all of them. */
static bool change_all(struct batch *batch, struct error *error)
{
    struct nginx_rewrite *rewrites = mem_new(batch->drafts.count + 1, sizeof *rewrites);
    struct nginx_change change = {0};
    size_t count = nginx_drafts_rewrites(&batch->drafts, &batch->real, rewrites);
    bool good = true;
    if (count > 0 || any_reload(batch)) {
        good = take_up(batch, rewrites, count, &change, error) && is_right(batch, error);
        if (!good)
            nginx_change_take_back(batch->run, batch->site, &change);
        else if (count > 0)
            good = nginx_change_keep(batch->run, &change, error);
    }
    if (good)
        good = keep_records(batch, error);
    nginx_change_release(&change);
    free(rewrites);
    return good;
}

/* ---- halving ---- */

static void forget_results(struct nginx_install_item **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i]->changed = false;
        items[i]->error = (struct error){0};
    }
}

static void batch_open(struct run *run, struct nginx_site *site, struct nginx_install_item **items,
                       size_t count, struct batch *out)
{
    *out = (struct batch){
        .run = run,
        .site = site,
        .items = items,
        .paths = mem_new(count, sizeof *out->paths),
        .layers = mem_new(count, sizeof *out->layers),
        .before = mem_new(count, sizeof *out->before),
        .count = count,
    };
    for (size_t i = 0; i < count; i++)
        nginx_paths_make(run, items[i]->spec, &out->paths[i]);
}

/* True: done, each item has its result. */
static bool install_at_once(struct run *run, struct nginx_site *site,
                            struct nginx_install_item **items, size_t count, struct error *error)
{
    struct batch batch;
    batch_open(run, site, items, count, &batch);
    switch_links(&batch);
    bool good = nginx_site_read(site, NULL, 0, &batch.real, error);
    if (good)
        plan_all(&batch);
    good = good && change_all(&batch, error);
    if (!good)
        switch_back(&batch);
    batch_close(&batch);
    return good;
}

/* The culprit is alone: nginx goes on with what was there before. */
static void settle(struct run *run, struct nginx_site *site)
{
    struct error ignored = {0};
    if (!nginx_site_test(run, site, &ignored) || !nginx_site_reload(run, site, &ignored))
        log_info("%s", ignored.text);
}

static void install_some(struct run *run, struct nginx_site *site,
                         struct nginx_install_item **items, size_t count)
{
    struct error error = {0};
    if (install_at_once(run, site, items, count, &error))
        return;
    forget_results(items, count);
    if (count == 1) {
        items[0]->error = error;
        settle(run, site);
        return;
    }
    install_some(run, site, items, count / 2);
    install_some(run, site, items + count / 2, count - count / 2);
}

/* ---- doors ---- */

static void fail_all(struct nginx_install_item *items, size_t count, const struct error *error)
{
    for (size_t i = 0; i < count; i++)
        items[i].error = *error;
}

static void tell_no_reload(struct run *run, const struct nginx_site *site)
{
    if (nginx_site_reloads(site))
        return;
    run_progress(run, PROGRESS_NOTICE, "", "%s",
                 site->instance.master.pid == 0 ? "nginx does not run: its next start serves it"
                 : !site->options->reload ? "nginx was not reloaded: its next reload serves it"
                                          : "nginx is not ours to reload: reload it yourself");
}

void nginx_install(struct run *run, struct nginx_install_item *items, size_t count)
{
    struct error error = {0};
    AUTO(nginx_site) site = {.lock = {-1}};
    if (!crypto_start(&error) || !nginx_site_find(run, &items[0].spec->nginx, &site, &error) ||
        !nginx_site_lock(run, &site, &error) || !nginx_site_test(run, &site, &error)) {
        fail_all(items, count, &error);
        return;
    }
    struct nginx_install_item **list = mem_new(count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = &items[i];
    install_some(run, &site, list, count);
    tell_no_reload(run, &site);
    free(list);
}

/* Plans one certificate alone, with nothing written. */
static bool rehearse(struct run *run, struct nginx_site *site, struct nginx_install_item *item,
                     struct plan *plan, struct batch *batch, struct error *err)
{
    batch_open(run, site, &item, 1, batch);
    bool good = nginx_site_read(site, NULL, 0, &batch->real, err) && plan_one(batch, 0, plan, err);
    batch->items = NULL; /* item was the caller's */
    return good;
}

bool nginx_install_is_served(const struct run *run, const struct nginx_view *view,
                             const struct cert_spec *spec)
{
    AUTO(nginx_paths) paths = {0};
    nginx_paths_make(run, spec, &paths);
    return is_served(view, spec, &paths);
}

bool nginx_install_check(struct run *run, struct nginx_site *site, const struct cert_spec *spec,
                         struct error *err)
{
    AUTO(plan) plan = {0};
    struct nginx_install_item item = {.spec = spec};
    struct batch batch;
    bool good = rehearse(run, site, &item, &plan, &batch, err);
    batch_close(&batch);
    return good;
}

/* One edit from the first to the last byte that differs. */
static void diff_of(const struct nginx_rewrite *rewrite, struct buf *out)
{
    AUTO(edit_plan) edits = {0};
    struct span a = rewrite->before, b = rewrite->after;
    size_t head = 0, tail = 0;
    while (head < a.len && head < b.len && a.ptr[head] == b.ptr[head])
        head++;
    while (tail < a.len - head && tail < b.len - head &&
           a.ptr[a.len - tail - 1] == b.ptr[b.len - tail - 1])
        tail++;
    edit_plan_add(&edits, rewrite->path, head, (struct span){a.ptr + head, a.len - head - tail},
                  (struct span){b.ptr + head, b.len - head - tail});
    edit_diff(&edits.files[0], a, out);
}

static void diff_all(const struct batch *batch, const struct plan *plan,
                     const struct nginx_rewrite *rewrites, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct edit_file *file = edit_plan_find(&plan->edits, rewrites[i].path);
        bool is_first = batch->layers[0].count == 1 && file != NULL;
        AUTO(buf) after = BUF(EDIT_FILE_MAX);
        struct error ignored = {0};
        if (is_first && edit_apply(file, rewrites[i].before, &after, &ignored) &&
            span_equals(buf_span(&after), rewrites[i].after))
            edit_diff(file, rewrites[i].before, out);
        else
            diff_of(&rewrites[i], out);
    }
}

bool nginx_install_diff(struct run *run, const struct cert_spec *spec, struct buf *out,
                        struct error *err)
{
    AUTO(nginx_site) site = {.lock = {-1}};
    AUTO(plan) plan = {0};
    struct nginx_install_item item = {.spec = spec};
    struct nginx_change change = {0};
    struct batch batch;
    if (!crypto_start(err) || !nginx_site_find(run, &spec->nginx, &site, err) ||
        !nginx_site_lock(run, &site, err))
        return false;
    bool good = rehearse(run, &site, &item, &plan, &batch, err);
    struct nginx_rewrite *rewrites = mem_new(batch.drafts.count + 1, sizeof *rewrites);
    size_t count = good ? nginx_drafts_rewrites(&batch.drafts, &batch.real, rewrites) : 0;
    good = good && nginx_write_policy(run, &site, batch.paths[0].policy, err);
    if (good && count > 0) {
        good = nginx_change_judge(run, &site, rewrites, count, spec->nginx.in_place, &change, err);
        if (good)
            nginx_change_drop(run, &change);
    }
    if (good) {
        tell_notes(run, spec->name, &plan);
        diff_all(&batch, &plan, rewrites, count, out);
    }
    free(rewrites);
    batch_close(&batch);
    return good;
}

/* ---- out again ---- */

static bool take_out(struct batch *batch, struct error *err)
{
    const char *name = batch->items[0]->spec->name;
    AUTO(installed) installed = {0};
    if (!store_read_installed(batch->run->store, name, &installed, err))
        return false;
    if (installed.count == 0) {
        (void)fail(err, ERR_USAGE, "acmec has put nothing into nginx for '%s'", name);
        return with_hint(err, "acmec list %s shows where it is installed", name);
    }
    if (!nginx_site_read(batch->site, NULL, 0, &batch->real, err))
        return false;
    if (nginx_drafts_undo(&batch->drafts, &batch->real, &installed, err))
        return true;
    return with_hint(err, "take the lines that end in '# managed by acmec: %s' out by hand", name);
}

static bool write_back(struct batch *batch, struct error *err)
{
    static const struct installed nothing = {0};
    struct nginx_change change = {0};
    struct nginx_rewrite *rewrites = mem_new(batch->drafts.count + 1, sizeof *rewrites);
    size_t count = nginx_drafts_rewrites(&batch->drafts, &batch->real, rewrites);
    bool good = count == 0 || (take_up(batch, rewrites, count, &change, err) &&
                               nginx_change_keep(batch->run, &change, err));
    nginx_change_release(&change);
    free(rewrites);
    return good &&
           store_write_installed(batch->run->store, batch->items[0]->spec->name, &nothing, err);
}

bool nginx_uninstall(struct run *run, const struct cert_spec *spec, struct error *err)
{
    AUTO(nginx_site) site = {.lock = {-1}};
    struct nginx_install_item item = {.spec = spec};
    struct nginx_install_item *items[] = {&item};
    struct batch batch;
    if (!crypto_start(err) || !nginx_site_find(run, &spec->nginx, &site, err) ||
        !nginx_site_lock(run, &site, err))
        return false;
    batch_open(run, &site, items, 1, &batch);
    bool good = take_out(&batch, err) && write_back(&batch, err);
    batch_close(&batch);
    if (good)
        tell_no_reload(run, &site);
    return good;
}

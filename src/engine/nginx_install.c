#include "nginx_install_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/nginx_loop.h>
#include <acmec/engine/nginx_record.h>
#include <acmec/engine/nginx_verify.h>

/* ---- a group that is worked on as one ---- */

void install_group_open(struct run *run, struct nginx_site *site, struct nginx_install_item **items,
                        size_t count, struct install_group *out)
{
    *out = (struct install_group){
        .run = run,
        .site = site,
        .parts = mem_new(count, sizeof *out->parts),
        .count = count,
    };
    for (size_t i = 0; i < count; i++) {
        out->parts[i].item = items[i];
        nginx_paths_make(run, items[i]->spec, &out->parts[i].paths);
    }
}

void install_group_close(struct install_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        nginx_paths_release(&group->parts[i].paths);
        installed_release(&group->parts[i].layers);
    }
    free(group->parts);
    nginx_drafts_release(&group->drafts);
    nginx_view_release(&group->real);
}

static bool is_good(const struct install_part *part)
{
    return part->item->error.code == ERR_NONE;
}

static bool is_served(const struct nginx_view *view, const struct cert_spec *spec,
                      const struct nginx_paths *paths)
{
    AUTO(plan_looks) looks = {0};
    plan_find_looks(&view->choose, paths->chains[0], &spec->names, &looks);
    return looks.count > 0;
}

bool nginx_install_is_served(const struct run *run, const struct nginx_view *view,
                             const struct cert_spec *spec)
{
    AUTO(nginx_paths) paths = {0};
    nginx_paths_make(run, spec, &paths);
    return is_served(view, spec, &paths);
}

/* ---- planning ---- */

/* What was installed for it before is taken out first where it stands as it was written, so that
 * the plan is made for what a person wrote; old then has no layers. */
static bool take_out_old(struct install_group *group, const char *name, struct installed *old,
                         struct error *err)
{
    AUTO(nginx_drafts) before = {0};
    struct error why = {0};
    if (!store_read_installed(group->run->store, name, old, err))
        return false;
    nginx_drafts_copy(&group->drafts, &before);
    if (nginx_drafts_undo(&group->drafts, &group->real, old, &why)) {
        bool loops = old->loops;
        installed_release(old);
        old->loops = loops;
        return true;
    }
    log_info("%s: %s; planned on top of what is there", name, why.text);
    nginx_drafts_move(&before, &group->drafts);
    return true;
}

static bool plan_on_drafts(struct install_group *group, struct install_part *part,
                           struct plan *plan, struct error *err)
{
    const struct cert_spec *spec = part->item->spec;
    const struct nginx_view *view = &group->real;
    AUTO(nginx_view) drafted = {0};
    if (spec->csr != NULL)
        return fail(err, ERR_USAGE, "the key of '%s' is not acmec's to install", spec->name);
    if (!take_out_old(group, spec->name, &part->layers, err))
        return false;
    if (group->drafts.count > 0) {
        if (!nginx_site_read(group->site, group->drafts.items, group->drafts.count, &drafted, err))
            return false;
        view = &drafted;
    }
    struct plan_wish wish = nginx_plan_wish(group->site, spec, &part->paths);
    wish.redirect &= !part->item->loops && !part->layers.loops;
    return plan_install(&view->choose, &wish, plan, err) &&
           nginx_drafts_apply(&group->drafts, view, &plan->edits, err);
}

bool install_plan_one(struct install_group *group, struct install_part *part, struct plan *plan,
                      struct error *err)
{
    AUTO(nginx_drafts) before = {0};
    nginx_drafts_copy(&group->drafts, &before);
    if (plan_on_drafts(group, part, plan, err)) {
        installed_add(&part->layers, &plan->edits);
        return true;
    }
    nginx_drafts_move(&before, &group->drafts);
    return false;
}

void install_tell_notes(struct run *run, const char *name, const struct plan *plan)
{
    for (size_t i = 0; i < plan->note_count; i++)
        run_progress(run, PROGRESS_NOTICE, name, "%s", plan->notes[i]);
}

static bool plan_part(struct install_group *group, struct install_part *part, struct error *err)
{
    AUTO(plan) plan = {0};
    if (!nginx_write_policy(group->run, group->site, part->paths.policy, err) ||
        !install_plan_one(group, part, &plan, err))
        return false;
    part->item->changed = true;
    part->redirects = plan.redirects;
    install_tell_notes(group->run, part->item->spec->name, &plan);
    if (part->layers.loops && part->item->spec->nginx.redirect)
        run_progress(group->run, PROGRESS_NOTICE, part->item->spec->name,
                     "without a redirect to https: the application led back to http; "
                     "after 'acmec uninstall' it is tried again");
    return true;
}

/* A renewal edits nothing: what serves the certificate goes on serving it. */
static void plan_all(struct install_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        struct install_part *part = &group->parts[i];
        struct error err = {0};
        bool plans =
            part->item->plan_anew || !is_served(&group->real, part->item->spec, &part->paths);
        if (is_good(part) && plans && !plan_part(group, part, &err))
            part->item->error = err;
    }
}

/* ---- live/NAME ---- */

static void switch_links(struct install_group *group)
{
    struct store *store = group->run->store;
    for (size_t i = 0; i < group->count; i++) {
        struct install_part *part = &group->parts[i];
        const char *name = part->item->spec->name;
        struct error err = {0};
        if (part->item->generation == 0 || !is_good(part))
            continue;
        if (!store_live_generation(store, name, &part->before, &err) ||
            !store_switch_live(store, name, part->item->generation, &err))
            part->item->error = err;
    }
}

static void switch_back(struct install_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        struct install_part *part = &group->parts[i];
        struct error err = {0};
        if (part->before != 0 &&
            !store_switch_live(group->run->store, part->item->spec->name, part->before, &err))
            log_error("%s", err.text);
        part->before = 0;
    }
}

/* ---- looking ---- */

static void tell_unverified(struct run *run, const struct nginx_verify_item *check)
{
    if (check->unverified > 0)
        run_progress(run, PROGRESS_NOTICE, check->name,
                     "not verified at %zu addresses that are not this machine's",
                     check->unverified);
}

/* Whether each is served: its error says what is not. */
static bool look(struct install_group *group, const struct nginx_view *view, struct error *err)
{
    struct nginx_verify_item *checks = mem_new(group->count + 1, sizeof *checks);
    struct install_part **checked = mem_new(group->count + 1, sizeof *checked);
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct install_part *part = &group->parts[i];
        const struct cert_spec *spec = part->item->spec;
        if (!is_good(part))
            continue;
        checked[count] = part;
        checks[count++] = (struct nginx_verify_item){
            .name = spec->name,
            .path = part->paths.chains[0],
            .rsa = key_type_is_rsa(spec->key_types[0]),
            .names = &spec->names,
        };
    }
    bool good = nginx_verify(group->run, group->site, view, checks, count, err);
    for (size_t i = 0; good && i < count; i++) {
        checked[i]->item->error = checks[i].error;
        tell_unverified(group->run, &checks[i]);
    }
    free(checked);
    free(checks);
    return good;
}

/* Where the application behind an edited server leads back to plain http, the redirect is to go
 * again. True: there are such. */
static bool find_loops(struct install_group *group, const struct nginx_view *view,
                       struct error *error)
{
    struct nginx_loop_item *visits = mem_new(group->count + 1, sizeof *visits);
    struct install_part **visited = mem_new(group->count + 1, sizeof *visited);
    size_t count = 0;
    bool any = false;
    for (size_t i = 0; i < group->count; i++) {
        struct install_part *part = &group->parts[i];
        if (!part->item->changed || !part->redirects)
            continue;
        visited[count] = part;
        visits[count++] =
            (struct nginx_loop_item){part->paths.chains[0], &part->item->spec->names, ""};
    }
    nginx_loop_find(group->run, view, visits, count);
    for (size_t i = 0; i < count; i++) {
        if (visits[i].url[0] == '\0')
            continue;
        any = true;
        visited[i]->item->loops = true;
        run_progress(group->run, PROGRESS_NOTICE, visited[i]->item->spec->name,
                     "'%s' leads back to http: the redirect to https is taken out again",
                     visits[i].url);
        (void)fail(error, ERR_WEB_SERVER, "'%s' leads back to http", visits[i].url);
    }
    free(visited);
    free(visits);
    return any;
}

/* Everything that was edited is served; *error says what is not. */
static bool is_right(struct install_group *group, struct error *error)
{
    AUTO(nginx_view) view = {0};
    if (!nginx_site_reloads(group->site))
        return true;
    if (!nginx_site_read(group->site, NULL, 0, &view, error) || !look(group, &view, error))
        return false;
    for (size_t i = 0; i < group->count; i++) {
        const struct install_part *part = &group->parts[i];
        if (part->item->changed && !is_good(part)) {
            *error = part->item->error;
            return false;
        }
    }
    return !find_loops(group, &view, error);
}

/* ---- one change for all ---- */

/* Whether nginx has anything to take up where no file changes. */
static bool any_reload(const struct install_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct install_part *part = &group->parts[i];
        if (is_good(part) && (part->item->reload || part->item->generation != 0))
            return true;
    }
    return false;
}

/* The records of what is edited, to be written together with the count rewrites. */
static bool add_records(struct install_group *group, struct nginx_records *records,
                        struct nginx_rewrite *rewrites, size_t *count, struct error *err)
{
    for (size_t i = 0; *count > 0 && i < group->count; i++) {
        struct install_part *part = &group->parts[i];
        part->layers.loops |= part->item->loops;
        if (part->item->changed && is_good(part) &&
            !nginx_records_add(group->run, records, part->item->spec->name, &part->layers, err))
            return false;
    }
    *count = nginx_records_put(records, rewrites, *count);
    return true;
}

bool install_take_up(struct install_group *group, const struct nginx_rewrite *rewrites,
                     size_t count, struct nginx_change *change, struct error *err)
{
    struct run *run = group->run;
    bool in_place = group->site->options->in_place;
    if (count > FILES_MAX)
        return fail(err, ERR_WEB_SERVER, "more than %d files would have to change at once",
                    FILES_MAX);
    if (count == 0)
        return nginx_site_test(run, group->site, err) && nginx_site_reload(run, group->site, err);
    return nginx_change_judge(run, group->site, rewrites, count, in_place, change, err) &&
           nginx_change_make(run, group->site, change, err);
}

/* One change for all, kept or taken back. *error: what failed for all of them. */
static bool change_all(struct install_group *group, struct error *error)
{
    struct nginx_rewrite *rewrites = mem_new(group->drafts.count + group->count, sizeof *rewrites);
    struct nginx_records records = {0};
    struct nginx_change change = {0};
    size_t count = nginx_drafts_rewrites(&group->drafts, &group->real, rewrites);
    bool good = true;
    if (count > 0 || any_reload(group)) {
        good = add_records(group, &records, rewrites, &count, error) &&
               install_take_up(group, rewrites, count, &change, error) && is_right(group, error);
        if (!good)
            nginx_change_take_back(group->run, group->site, &change);
        else if (count > 0)
            good = nginx_change_keep(group->run, &change, error);
    }
    nginx_change_release(&change);
    nginx_records_close(group->run, &records);
    free(rewrites);
    return good;
}

/* ---- halving ---- */

/* True: done, each item has its result. */
static bool install_at_once(struct run *run, struct nginx_site *site,
                            struct nginx_install_item **items, size_t count, struct error *error)
{
    struct install_group group;
    install_group_open(run, site, items, count, &group);
    switch_links(&group);
    bool good = nginx_site_read(site, NULL, 0, &group.real, error);
    if (good)
        plan_all(&group);
    good = good && change_all(&group, error);
    if (!good)
        switch_back(&group);
    install_group_close(&group);
    return good;
}

/* How many are to be planned without their redirect; the results are forgotten. */
static size_t forget_results(struct nginx_install_item **items, size_t count)
{
    size_t loops = 0;
    for (size_t i = 0; i < count; i++) {
        items[i]->changed = false;
        items[i]->error = (struct error){0};
        loops += items[i]->loops;
    }
    return loops;
}

/* The culprit is alone and its live/NAME leads back: nginx goes on with what was there before. */
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
    for (size_t loops = forget_results(items, count), before = loops;; before = loops) {
        if (install_at_once(run, site, items, count, &error))
            return;
        loops = forget_results(items, count);
        if (loops == before)
            break;
    }
    if (count == 1) {
        items[0]->error = error;
        if (items[0]->generation != 0)
            settle(run, site);
        return;
    }
    install_some(run, site, items, count / 2);
    install_some(run, site, items + count / 2, count - count / 2);
}

/* ---- the door ---- */

static void fail_all(struct nginx_install_item *items, size_t count, const struct error *error)
{
    for (size_t i = 0; i < count; i++)
        items[i].error = *error;
}

void install_tell_no_reload(struct run *run, const struct nginx_site *site)
{
    if (nginx_site_reloads(site))
        return;
    run_progress(run, PROGRESS_NOTICE, "", "%s",
                 site->instance.master.pid == 0 ? "nginx does not run: its next start serves it"
                 : !site->options->reload ? "nginx was not reloaded: its next reload serves it"
                                          : "nginx is not ours to reload: reload it yourself");
}

/* acmec reads it before nginx does, which would wait without end at a pipe among its files. */
static bool is_valid(struct run *run, struct nginx_site *site, struct error *err)
{
    AUTO(nginx_view) view = {0};
    if (nginx_site_read(site, NULL, 0, &view, err))
        return nginx_site_test(run, site, err);
    err->code = ERR_WEB_SERVER;
    return false;
}

void nginx_install(struct run *run, struct nginx_install_item *items, size_t count)
{
    struct error error = {0};
    AUTO(nginx_site) site = {.lock = {-1}};
    if (!crypto_start(&error) || !nginx_site_find(run, &items[0].spec->nginx, &site, &error) ||
        !nginx_site_lock(run, &site, &error) || !is_valid(run, &site, &error)) {
        fail_all(items, count, &error);
        return;
    }
    struct nginx_install_item **list = mem_new(count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = &items[i];
    install_some(run, &site, list, count);
    install_tell_no_reload(run, &site);
    free(list);
}

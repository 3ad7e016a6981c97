#include <acmec/engine/nginx_ways.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/nginx_wish.h>

/* So many at once: their files and records go into one journal, unless they have many files. */
#define WAYS_AT_ONCE (JOURNAL_FILES_MAX / 2)

static void forget_way(struct nginx_way *way)
{
    for (size_t i = 0; i < way->root_count; i++)
        free(way->roots[i]);
    free(way->roots);
    way->roots = NULL;
    way->root_count = 0;
    way->is_edited = false;
    installed_release(&way->layer);
}

void nginx_way_release(struct nginx_way *way)
{
    forget_way(way);
    *way = (struct nginx_way){0};
}

/* The changes are over, and what was read before them is of no more use. */
static void forget_change(struct run *run, struct nginx_ways *ways)
{
    nginx_change_release(&ways->change);
    nginx_records_close(run, &ways->records);
    free(ways->rewrites);
    ways->rewrites = NULL;
    nginx_drafts_release(&ways->drafts);
    nginx_view_release(&ways->view);
}

void nginx_ways_release(struct run *run, struct nginx_ways *ways)
{
    forget_change(run, ways);
    free(ways->items);
    *ways = (struct nginx_ways){0};
}

/* Some of the items. */
struct range {
    size_t first, end;
};

static struct range all_of(const struct nginx_ways *ways)
{
    return (struct range){0, ways->count};
}

static bool is_good(const struct nginx_way *way)
{
    return way->error.code == ERR_NONE;
}

static void refuse(const struct nginx_ways *ways, struct range range, bool edited_only,
                   const struct error *error)
{
    for (size_t i = range.first; i < range.end; i++)
        if (is_good(ways->items[i]) && (!edited_only || ways->items[i]->is_edited))
            ways->items[i]->error = *error;
}

/* Once for all changes that come to nothing. */
static bool read_view(struct nginx_ways *ways, struct error *err)
{
    return ways->view.conf.file_count > 0 || nginx_site_read(ways->site, NULL, 0, &ways->view, err);
}

/* ---- planning ---- */

/* The names that are proved through nginx. */
static void names_of(const struct cert_spec *spec, struct identifier_list *out)
{
    for (size_t i = 0; i < spec->names.count; i++)
        if (cert_spec_proof(spec, &spec->names.items[i])->kind == PROOF_NGINX)
            (void)identifier_list_add(out, &spec->names.items[i]);
}

static bool plan_for(struct run *run, const struct nginx_ways *ways, const struct nginx_view *view,
                     const struct cert_spec *spec, bool own_servers, struct plan *out,
                     struct error *err)
{
    AUTO(nginx_paths) paths = {0};
    AUTO(identifier_list) names = {0};
    nginx_paths_make(run, spec, &paths);
    names_of(spec, &names);
    struct plan_wish wish = nginx_plan_wish(ways->site, spec, &paths);
    wish.target.names = &names;
    wish.own_servers = own_servers;
    return plan_challenge(&view->choose, &wish, out, err);
}

static bool touch_drafts(const struct nginx_drafts *drafts, const struct edit_plan *edits)
{
    for (size_t i = 0; i < drafts->count; i++)
        if (edit_plan_find(edits, drafts->items[i].path) != NULL)
            return true;
    return false;
}

static void keep_plan(struct nginx_way *way, struct plan *plan)
{
    forget_way(way);
    way->roots = plan->roots;
    way->root_count = plan->root_count;
    plan->roots = NULL;
    plan->root_count = 0;
    way->is_edited = plan->edits.count > 0;
}

/* On top of the drafts of those before it. Only where they are of the same files need these be read
 * anew for it. */
static bool plan_one(struct run *run, struct nginx_ways *ways, struct nginx_way *way,
                     bool own_servers, struct error *err)
{
    AUTO(plan) plan = {0};
    AUTO(nginx_view) drafted = {0};
    const struct nginx_view *view = &ways->view;
    if (!plan_for(run, ways, view, way->spec, own_servers, &plan, err))
        return false;
    if (touch_drafts(&ways->drafts, &plan.edits)) {
        plan_release(&plan);
        plan = (struct plan){0};
        view = &drafted;
        if (!nginx_site_read(ways->site, ways->drafts.items, ways->drafts.count, &drafted, err) ||
            !plan_for(run, ways, view, way->spec, own_servers, &plan, err))
            return false;
    }
    if (!nginx_drafts_apply(&ways->drafts, view, &plan.edits, err))
        return false;
    keep_plan(way, &plan);
    if (!own_servers)
        installed_add(&way->layer, &plan.edits);
    return true;
}

/* Returns for how many something is to be put in. */
static size_t plan_range(struct run *run, struct nginx_ways *ways, struct range range,
                         bool own_servers)
{
    size_t edited = 0;
    for (size_t i = range.first; i < range.end; i++) {
        struct nginx_way *way = ways->items[i];
        struct error err = {0};
        if (is_good(way) && !plan_one(run, ways, way, own_servers, &err))
            way->error = err;
        edited += is_good(way) && way->is_edited;
    }
    return edited;
}

/* ---- what stays ---- */

/* What stays is known to uninstall. */
static bool add_records(struct run *run, struct nginx_ways *ways, struct range range,
                        struct error *err)
{
    for (size_t i = range.first; i < range.end; i++) {
        const struct nginx_way *way = ways->items[i];
        AUTO(installed) installed = {0};
        if (!is_good(way) || way->layer.count == 0)
            continue;
        if (!store_read_installed(run->store, way->spec->name, &installed, err))
            return false;
        installed_add(&installed, &way->layer.layers[0]);
        if (!nginx_records_add(run, &ways->records, way->spec->name, &installed, err))
            return false;
    }
    return true;
}

/* The drafts of a range become nginx's files; with records, unless nothing of it stays. */
static bool make_change(struct run *run, struct nginx_ways *ways, struct range range, bool stays,
                        struct error *err)
{
    bool in_place = ways->site->options->in_place;
    if (ways->drafts.count == 0)
        return true;
    ways->rewrites =
        mem_new(ways->drafts.count + (range.end - range.first) + 1, sizeof *ways->rewrites);
    size_t count = nginx_drafts_rewrites(&ways->drafts, &ways->view, ways->rewrites);
    if (count == 0)
        return true;
    if (stays && !add_records(run, ways, range, err))
        return false;
    count = nginx_records_put(&ways->records, ways->rewrites, count);
    ways->open = !stays;
    if (nginx_change_judge(run, ways->site, ways->rewrites, count, in_place, &ways->change, err) &&
        nginx_change_make(run, ways->site, &ways->change, err))
        return !stays || nginx_change_keep(run, &ways->change, err);
    ways->open = false;
    return false;
}

static void put_range(struct run *run, struct nginx_ways *ways, struct range range)
{
    struct error err = {0};
    size_t edited = 0;
    bool good = read_view(ways, &err);
    if (good)
        edited = plan_range(run, ways, range, false);
    good = good && make_change(run, ways, range, true, &err);
    if (good && ways->drafts.count == 0)
        return;
    forget_change(run, ways);
    if (good)
        return;
    if (edited <= 1) {
        refuse(ways, range, edited == 1, &err);
        return;
    }
    size_t middle = range.first + (range.end - range.first) / 2;
    put_range(run, ways, (struct range){range.first, middle});
    put_range(run, ways, (struct range){middle, range.end});
}

/* ---- what does not ---- */

static void put_open(struct run *run, struct nginx_ways *ways)
{
    struct error err = {0};
    if (!read_view(ways, &err)) {
        refuse(ways, all_of(ways), false, &err);
        return;
    }
    plan_range(run, ways, all_of(ways), true);
    if (!make_change(run, ways, all_of(ways), false, &err))
        refuse(ways, all_of(ways), true, &err);
    if (!ways->open)
        forget_change(run, ways);
}

/* nginx does not take its configuration up as it stands, so nothing can be put in: but it still
 * serves what it took up before. */
static void use_what_stands(struct run *run, struct nginx_ways *ways, const struct error *broken)
{
    struct error err = {0};
    if (!read_view(ways, &err)) {
        refuse(ways, all_of(ways), false, &err);
        return;
    }
    for (size_t i = 0; i < ways->count; i++) {
        struct nginx_way *way = ways->items[i];
        AUTO(plan) plan = {0};
        if (!is_good(way))
            continue;
        if (!plan_for(run, ways, &ways->view, way->spec, false, &plan, &err))
            way->error = err;
        else if (!plan.stands || plan.edits.count > 0)
            way->error = *broken;
        else
            keep_plan(way, &plan);
    }
    forget_change(run, ways);
}

/* ---- doors ---- */

void nginx_ways_put(struct run *run, struct nginx_ways *ways)
{
    struct error err = {0};
    AUTO_FREE webroot = mem_printf("%s/webroot", store_state_dir(run->store));
    if (!file_make_dir(webroot, 0755, &err)) {
        refuse(ways, all_of(ways), false, &err);
        return;
    }
    if (!nginx_site_test(run, ways->site, &err)) {
        use_what_stands(run, ways, &err);
        return;
    }
    size_t count = run->settings->dry_run ? 0 : ways->count;
    for (size_t first = 0; first < count; first += WAYS_AT_ONCE) {
        size_t end = first + WAYS_AT_ONCE < count ? first + WAYS_AT_ONCE : count;
        put_range(run, ways, (struct range){first, end});
    }
    put_open(run, ways);
}

void nginx_ways_look(struct run *run, struct nginx_ways *ways)
{
    struct error err = {0};
    if (!read_view(ways, &err))
        refuse(ways, all_of(ways), false, &err);
    else
        plan_range(run, ways, all_of(ways), true);
    forget_change(run, ways);
}

void nginx_ways_take_back(struct run *run, struct nginx_ways *ways)
{
    if (ways->open)
        nginx_change_take_back(run, ways->site, &ways->change);
    ways->open = false;
    forget_change(run, ways);
}

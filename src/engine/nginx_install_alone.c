/* One certificate alone: what would be done for it, and out again. */
#include "nginx_install_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/nginx_record.h>

/* What would be written for one certificate. */
struct rehearsal {
    struct install_group group;
    struct nginx_install_item item;
    struct plan plan;
    struct nginx_rewrite *rewrites;
    size_t count;
};

static void rehearsal_release(struct rehearsal *rehearsal)
{
    free(rehearsal->rewrites);
    plan_release(&rehearsal->plan);
    install_group_close(&rehearsal->group);
}

/* Nothing is written. out is zeroed, and stays where it is. */
static bool rehearse(struct run *run, struct nginx_site *site, const struct cert_spec *spec,
                     struct rehearsal *out, struct error *err)
{
    struct nginx_install_item *items[] = {&out->item};
    struct install_group *group = &out->group;
    out->item.spec = spec;
    install_group_open(run, site, items, 1, group);
    if (!nginx_site_read(site, NULL, 0, &group->real, err) ||
        !install_plan_one(group, &group->parts[0], &out->plan, err))
        return false;
    out->rewrites = mem_new(group->drafts.count + 1, sizeof *out->rewrites);
    out->count = nginx_drafts_rewrites(&group->drafts, &group->real, out->rewrites);
    return true;
}

/* Not root, a change may be planned all the same where the files are not ours to write. */
static bool judge(struct rehearsal *rehearsal, struct error *err)
{
    struct nginx_change change = {0};
    struct install_group *group = &rehearsal->group;
    struct run *run = group->run;
    if (nginx_change_judge(run, group->site, rehearsal->rewrites, rehearsal->count,
                           group->site->options->in_place, &change, err)) {
        nginx_change_drop(run, &change);
        return true;
    }
    if (geteuid() == 0 || err->code != ERR_FILES)
        return false;
    run_progress(run, PROGRESS_NOTICE, rehearsal->item.spec->name, "not judged by nginx: %s",
                 err->text);
    return true;
}

/* nginx reads the policy file and the chain while it judges: the one is lent for that time, without
 * the other it cannot judge. */
static bool judge_if_it_can(struct rehearsal *rehearsal, struct error *err)
{
    struct install_group *group = &rehearsal->group;
    const struct nginx_paths *paths = &group->parts[0].paths;
    struct nginx_policy_loan loan = {0};
    if (rehearsal->count == 0 || access(paths->chains[0], R_OK) != 0)
        return true;
    if (!nginx_policy_lend(group->run, group->site, paths->policy, &loan, err))
        return false;
    bool good = judge(rehearsal, err);
    nginx_policy_return(paths->policy, &loan);
    return good;
}

bool nginx_install_check(struct run *run, struct nginx_site *site, const struct cert_spec *spec,
                         bool judged, struct error *err)
{
    AUTO(rehearsal) rehearsal = {0};
    return rehearse(run, site, spec, &rehearsal, err) &&
           (!judged || judge_if_it_can(&rehearsal, err));
}

static void add_difference(const struct nginx_rewrite *rewrite, struct buf *out)
{
    AUTO(edit_plan) edits = {0};
    edit_plan_add_change(&edits, rewrite->path, rewrite->before, rewrite->after);
    edit_diff(&edits.files[0], rewrite->before, out);
}

static void diff_all(const struct install_group *group, const struct plan *plan,
                     const struct nginx_rewrite *rewrites, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct edit_file *file = edit_plan_find(&plan->edits, rewrites[i].path);
        bool is_first = group->parts[0].layers.count == 1 && file != NULL;
        AUTO(buf) after = BUF(EDIT_FILE_MAX);
        struct error ignored = {0};
        if (is_first && edit_apply(file, rewrites[i].before, &after, &ignored) &&
            span_equals(buf_span(&after), rewrites[i].after))
            edit_diff(file, rewrites[i].before, out);
        else
            add_difference(&rewrites[i], out);
    }
}

bool nginx_install_diff(struct run *run, const struct cert_spec *spec, struct buf *out,
                        struct error *err)
{
    AUTO(nginx_site) site = {.lock = {-1}};
    AUTO(rehearsal) rehearsal = {0};
    if (!crypto_start(err) || !nginx_site_find(run, &spec->nginx, &site, err) ||
        !nginx_site_lock(run, &site, err) || !rehearse(run, &site, spec, &rehearsal, err) ||
        !judge_if_it_can(&rehearsal, err))
        return false;
    install_tell_notes(run, spec->name, &rehearsal.plan);
    diff_all(&rehearsal.group, &rehearsal.plan, rehearsal.rewrites, rehearsal.count, out);
    return true;
}

/* ---- out again ---- */

static bool take_out(struct install_group *group, struct error *err)
{
    const char *name = group->parts[0].item->spec->name;
    AUTO(installed) installed = {0};
    if (!store_read_installed(group->run->store, name, &installed, err))
        return false;
    if (installed.count == 0) {
        (void)fail(err, ERR_USAGE, "acmec has put nothing into nginx for '%s'", name);
        return with_hint(err, "acmec list %s shows where it is installed", name);
    }
    if (!nginx_site_read(group->site, NULL, 0, &group->real, err))
        return false;
    if (nginx_drafts_undo(&group->drafts, &group->real, &installed, err))
        return true;
    return with_hint(err, "take the lines that end in '# managed by acmec: %s' out by hand", name);
}

static bool write_back(struct install_group *group, struct error *err)
{
    static const struct installed nothing = {0};
    const char *name = group->parts[0].item->spec->name;
    struct nginx_change change = {0};
    struct nginx_records records = {0};
    struct nginx_rewrite *rewrites = mem_new(group->drafts.count + 1, sizeof *rewrites);
    size_t count = nginx_drafts_rewrites(&group->drafts, &group->real, rewrites);
    bool good;
    if (count == 0)
        good = store_write_installed(group->run->store, name, &nothing, err);
    else
        good = nginx_records_add(group->run, &records, name, &nothing, err) &&
               install_take_up(group, rewrites, nginx_records_put(&records, rewrites, count),
                               &change, err) &&
               nginx_change_keep(group->run, &change, err);
    nginx_change_release(&change);
    nginx_records_close(group->run, &records);
    free(rewrites);
    return good;
}

bool nginx_uninstall(struct run *run, const struct cert_spec *spec, struct error *err)
{
    AUTO(nginx_site) site = {.lock = {-1}};
    struct nginx_install_item item = {.spec = spec};
    struct nginx_install_item *items[] = {&item};
    struct install_group group;
    if (!crypto_start(err) || !nginx_site_find(run, &spec->nginx, &site, err) ||
        !nginx_site_lock(run, &site, err))
        return false;
    install_group_open(run, &site, items, 1, &group);
    bool good = take_out(&group, err) && write_back(&group, err);
    install_group_close(&group);
    if (good)
        install_tell_no_reload(run, &site);
    return good;
}

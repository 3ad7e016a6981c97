#include <acmec/engine/nginx_run.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/nginx_drafts.h>
#include <acmec/engine/nginx_install.h>
#include <acmec/engine/nginx_record.h>
#include <acmec/engine/nginx_wish.h>
#include <string.h>

/* One certificate. */
struct want {
    struct cert_spec *spec; /* borrowed */
    struct place *place;
    struct error error;
    char **roots; /* owned */
    size_t root_count;
    bool is_edited;         /* the way to its answers was, or would be, put in */
    struct installed layer; /* the same, where it stays */
};

struct members {
    struct want **items; /* owned array */
    size_t count;
};

/* Certificates with the same nginx. */
struct place {
    struct members members;
    bool found, prepared;
    struct nginx_site site;
    struct nginx_view real;
    struct nginx_drafts drafts;
    struct nginx_rewrite *rewrites;
    struct nginx_records records;
    struct nginx_change change;
    struct error broken; /* nginx -t already fails */
    bool open;           /* the change is for the proofs alone, and not taken out yet */
    bool temporary;      /* some of it is */
};

struct nginx_run {
    struct run *run;
    bool look; /* nothing is to be changed */
    struct want *wants;
    size_t count;
    struct place *places;
    size_t place_count;
};

/* ---- who wants what ---- */

static bool is_open_to_nginx(const struct cert_spec *spec)
{
    bool wildcard = false;
    for (size_t i = 0; i < spec->names.count; i++)
        wildcard |= identifier_is_wildcard(&spec->names.items[i]);
    return spec->proof.kind == PROOF_AUTO && spec->name_proof_count == 0 && !wildcard;
}

static bool is_wanted(const struct cert_spec *spec)
{
    return spec->nginx.install || cert_spec_uses(spec, PROOF_NGINX) || is_open_to_nginx(spec);
}

static bool is_same(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool share_nginx(const struct cert_spec *a, const struct cert_spec *b)
{
    return is_same(a->nginx.binary, b->nginx.binary) && is_same(a->nginx.conf, b->nginx.conf);
}

static void refuse_all(const struct members *members, const struct error *error)
{
    for (size_t i = 0; i < members->count; i++)
        if (!is_open_to_nginx(members->items[i]->spec))
            members->items[i]->error = *error;
}

static bool is_good(const struct want *want)
{
    return want->error.code == ERR_NONE;
}

/* ---- choosing nginx where nothing was said ---- */

static bool serves_all(const struct nginx_view *view, const struct cert_spec *spec)
{
    AUTO(targets) targets = {0};
    struct error ignored = {0};
    struct target_wish wish = {&spec->names, NULL, spec->http_port, spec->tls_port};
    return targets_find(&view->choose, &wish, &targets, &ignored) && targets.missing.count == 0;
}

static void choose_nginx(struct nginx_run *nginx, struct place *place,
                         const struct members *members)
{
    struct run *run = nginx->run;
    if (!nginx_site_reloads(&place->site) || place->site.instance.master.pid == 0)
        return;
    for (size_t i = 0; i < members->count; i++) {
        struct cert_spec *spec = members->items[i]->spec;
        if (!is_open_to_nginx(spec) || !serves_all(&place->real, spec))
            continue;
        spec->proof.kind = PROOF_NGINX;
        spec->nginx.install = !spec->nginx.no_install;
        run_progress(run, run->by_hand ? PROGRESS_NOTICE : PROGRESS_STEP, spec->name, "%s",
                     spec->nginx.install ? "proving and installing through nginx, which serves it"
                                         : "proving through nginx, which serves it");
    }
}

/* ---- what would be refused ---- */

static bool check_running(const struct place *place, const struct cert_spec *spec,
                          struct error *err)
{
    bool runs = place->site.instance.master.pid != 0 || spec->nginx.reload_command != NULL;
    if (!cert_spec_uses(spec, PROOF_NGINX) || (runs && nginx_site_reloads(&place->site)))
        return true;
    (void)fail(err, ERR_WEB_SERVER, "nginx %s, so it cannot answer the CA",
               runs ? "is not ours to reload" : "does not run");
    return with_hint(err, runs ? "run acmec as the user that nginx's master runs as"
                               : "start it, or prove in another way");
}

/* A dry run has nginx judge what would be installed. */
static void check_all(struct nginx_run *nginx, struct place *place, const struct members *members)
{
    bool judged = nginx->run->settings->dry_run && !nginx->look;
    for (size_t i = 0; i < members->count; i++) {
        struct want *want = members->items[i];
        struct error err = {0};
        bool good = check_running(place, want->spec, &err);
        if (good && want->spec->nginx.install &&
            !nginx_install_is_served(nginx->run, &place->real, want->spec))
            good = nginx_install_check(nginx->run, &place->site, want->spec, judged, &err);
        if (!good)
            want->error = err;
    }
}

/* ---- the ways to answers ---- */

static void keep_roots(struct want *want, struct plan *plan)
{
    want->roots = plan->roots;
    want->root_count = plan->root_count;
    plan->roots = NULL;
    plan->root_count = 0;
}

/* The names that are proved through nginx. */
static void names_of(const struct cert_spec *spec, struct identifier_list *out)
{
    for (size_t i = 0; i < spec->names.count; i++)
        if (cert_spec_proof(spec, &spec->names.items[i])->kind == PROOF_NGINX)
            (void)identifier_list_add(out, &spec->names.items[i]);
}

static size_t count_edits(const struct edit_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += plan->files[i].count;
    return count;
}

/* nginx does not take its configuration up as it stands, so nothing can be put in: but it still
 * serves what it took up before. */
static bool use_what_stands(const struct place *place, struct want *want, struct plan *plan,
                            struct error *err)
{
    if (!plan->stands || count_edits(&plan->edits) > count_edits(&plan->temporary)) {
        *err = place->broken;
        return false;
    }
    keep_roots(want, plan);
    return true;
}

/* Plans for one certificate, on top of the drafts of those before it. */
static bool plan_way(struct nginx_run *nginx, struct place *place, struct want *want,
                     struct error *err)
{
    AUTO(nginx_paths) paths = {0};
    AUTO(identifier_list) names = {0};
    AUTO(nginx_view) drafted = {0};
    AUTO(plan) plan = {0};
    const struct nginx_view *view = &place->real;
    nginx_paths_make(nginx->run, want->spec, &paths);
    names_of(want->spec, &names);
    if (place->drafts.count > 0) {
        if (!nginx_site_read(&place->site, place->drafts.items, place->drafts.count, &drafted, err))
            return false;
        view = &drafted;
    }
    struct plan_wish wish = nginx_plan_wish(&place->site, want->spec, &paths);
    wish.target.names = &names;
    if (!plan_challenge(&view->choose, &wish, &plan, err))
        return false;
    if (place->broken.code != ERR_NONE)
        return use_what_stands(place, want, &plan, err);
    if (!nginx_drafts_apply(&place->drafts, view, &plan.edits, err))
        return false;
    want->is_edited = plan.edits.count > 0;
    place->temporary |= plan.temporary.count > 0;
    installed_add(&want->layer, &plan.edits);
    keep_roots(want, &plan);
    return true;
}

static void plan_ways(struct nginx_run *nginx, struct place *place, const struct members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        struct want *want = members->items[i];
        struct error err = {0};
        if (is_good(want) && cert_spec_uses(want->spec, PROOF_NGINX) &&
            !plan_way(nginx, place, want, &err))
            want->error = err;
    }
}

/* What stays is known to uninstall; a certificate that has an installation has its way in it. */
static bool add_record(struct run *run, struct nginx_records *records, const struct want *want,
                       struct error *err)
{
    AUTO(installed) installed = {0};
    if (!is_good(want) || want->layer.count == 0)
        return true;
    if (!store_read_installed(run->store, want->spec->name, &installed, err))
        return false;
    installed_add(&installed, &want->layer.layers[0]);
    return nginx_records_add(run, records, want->spec->name, &installed, err);
}

/* Of what is not taken out again after the proofs. */
static bool add_records(struct nginx_run *nginx, struct place *place, const struct members *members,
                        size_t *count, struct error *err)
{
    place->open = place->temporary || nginx->run->settings->dry_run;
    for (size_t i = 0; !place->open && i < members->count; i++)
        if (!add_record(nginx->run, &place->records, members->items[i], err))
            return false;
    *count = nginx_records_put(&place->records, place->rewrites, *count);
    return true;
}

static bool put_in(struct nginx_run *nginx, struct place *place, const struct members *members,
                   struct error *err)
{
    struct run *run = nginx->run;
    bool in_place = place->site.options->in_place;
    place->rewrites = mem_new(place->drafts.count + members->count, sizeof *place->rewrites);
    size_t count = nginx_drafts_rewrites(&place->drafts, &place->real, place->rewrites);
    AUTO_FREE webroot = mem_printf("%s/webroot", store_state_dir(run->store));
    if (!file_make_dir(webroot, 0755, err))
        return false;
    if (count == 0)
        return true;
    if (!add_records(nginx, place, members, &count, err) ||
        !nginx_change_judge(run, &place->site, place->rewrites, count, in_place, &place->change,
                            err) ||
        !nginx_change_make(run, &place->site, &place->change, err)) {
        place->open = false;
        return false;
    }
    return place->open || nginx_change_keep(run, &place->change, err);
}

/* ---- a place ---- */

static bool any_proof(const struct members *members)
{
    for (size_t i = 0; i < members->count; i++)
        if (cert_spec_uses(members->items[i]->spec, PROOF_NGINX))
            return true;
    return false;
}

static bool any_install(const struct members *members)
{
    for (size_t i = 0; i < members->count; i++)
        if (members->items[i]->spec->nginx.install)
            return true;
    return false;
}

static void change(struct nginx_run *nginx, struct place *place, const struct members *members)
{
    struct error err = {0};
    bool good = nginx_site_lock(nginx->run, &place->site, &err);
    if (good && !nginx_site_test(nginx->run, &place->site, &err))
        place->broken = err;
    if (good)
        plan_ways(nginx, place, members);
    if (!good || !put_in(nginx, place, members, &err))
        refuse_all(members, &err);
    if (!place->open)
        lock_release(&place->site.lock);
    place->site.lock.fd = place->open ? place->site.lock.fd : -1;
}

static void rehearse(struct nginx_run *nginx, struct place *place, const struct members *members)
{
    struct error err = {0};
    if (nginx_site_test(nginx->run, &place->site, &err))
        plan_ways(nginx, place, members);
    else
        refuse_all(members, &err);
}

static bool find_nginx(struct nginx_run *nginx, struct place *place, struct error *err)
{
    struct run *run = nginx->run;
    if (place->found)
        return true;
    if (!crypto_start(err) || !(nginx->look || store_prepare(run->store, err)) ||
        !nginx_site_find(run, &place->members.items[0]->spec->nginx, &place->site, err))
        return false;
    place->found = nginx_site_read(&place->site, NULL, 0, &place->real, err);
    if (!place->found)
        nginx_site_release(&place->site);
    return place->found;
}

/* Whether a dry run can be held here. */
static bool can_rehearse(struct nginx_run *nginx, struct place *place, struct error *err)
{
    return nginx_site_lock(nginx->run, &place->site, err) &&
           (!any_install(&place->members) || nginx_site_test(nginx->run, &place->site, err));
}

/* Once, when the first order is near. */
static void prepare(struct nginx_run *nginx, struct place *place)
{
    const struct members *members = &place->members;
    struct error err = {0};
    if (place->prepared)
        return;
    place->prepared = true;
    bool dry = nginx->run->settings->dry_run && !nginx->look;
    if (!find_nginx(nginx, place, &err) || (dry && !can_rehearse(nginx, place, &err))) {
        refuse_all(members, &err);
        return;
    }
    check_all(nginx, place, members);
    if (nginx->look && (any_proof(members) || any_install(members)))
        rehearse(nginx, place, members);
    else if (!nginx->look && any_proof(members))
        change(nginx, place, members);
}

/* Those without a way of proof are told theirs now, and only they need a look at nginx for it. */
static void choose(struct nginx_run *nginx, struct place *place)
{
    struct error err = {0};
    bool any = false;
    for (size_t i = 0; i < place->members.count; i++)
        any |= is_open_to_nginx(place->members.items[i]->spec);
    if (any && find_nginx(nginx, place, &err))
        choose_nginx(nginx, place, &place->members);
    else if (any)
        log_info("nginx cannot prove: %s", err.text);
}

static struct place *place_for(struct nginx_run *nginx, const struct cert_spec *spec)
{
    for (size_t i = 0; i < nginx->place_count; i++)
        if (share_nginx(nginx->places[i].members.items[0]->spec, spec))
            return &nginx->places[i];
    struct place *place = &nginx->places[nginx->place_count++];
    *place = (struct place){.site = {.lock = {-1}}};
    place->members.items = mem_new(nginx->count, sizeof *place->members.items);
    return place;
}

/* What `acmec install` has put there is renewed there. */
static void take_spec(struct nginx_run *nginx, struct cert_spec *spec)
{
    spec->nginx.install |=
        !spec->nginx.no_install && store_has_installed(nginx->run->store, spec->name);
    if (is_wanted(spec))
        nginx->wants[nginx->count++].spec = spec;
}

static struct nginx_run *begin(struct run *run, struct cert_spec *const *specs, size_t count,
                               bool look)
{
    struct nginx_run *nginx = mem_new(1, sizeof *nginx);
    nginx->run = run;
    nginx->look = look;
    nginx->wants = mem_new(count + 1, sizeof *nginx->wants);
    for (size_t i = 0; i < count; i++)
        take_spec(nginx, specs[i]);
    nginx->places = mem_new(nginx->count + 1, sizeof *nginx->places);
    for (size_t i = 0; i < nginx->count; i++) {
        struct want *want = &nginx->wants[i];
        want->place = place_for(nginx, want->spec);
        want->place->members.items[want->place->members.count++] = want;
    }
    for (size_t i = 0; i < nginx->place_count; i++)
        choose(nginx, &nginx->places[i]);
    return nginx;
}

struct nginx_run *nginx_run_begin(struct run *run, struct cert_spec *const *specs, size_t count)
{
    return begin(run, specs, count, false);
}

struct nginx_run *nginx_run_look(struct run *run, struct cert_spec *spec)
{
    return begin(run, &spec, 1, true);
}

void nginx_run_after(struct nginx_run *nginx)
{
    for (size_t i = 0; i < nginx->place_count; i++) {
        struct place *place = &nginx->places[i];
        if (!place->open)
            continue;
        nginx_change_take_back(nginx->run, &place->site, &place->change);
        lock_release(&place->site.lock);
        place->site.lock.fd = -1;
        place->open = false;
    }
}

void nginx_run_end(struct nginx_run *nginx)
{
    if (nginx == NULL)
        return;
    nginx_run_after(nginx);
    for (size_t i = 0; i < nginx->place_count; i++) {
        free(nginx->places[i].members.items);
        nginx_change_release(&nginx->places[i].change);
        nginx_records_close(nginx->run, &nginx->places[i].records);
        free(nginx->places[i].rewrites);
        nginx_drafts_release(&nginx->places[i].drafts);
        nginx_view_release(&nginx->places[i].real);
        nginx_site_release(&nginx->places[i].site);
    }
    for (size_t i = 0; i < nginx->count; i++) {
        for (size_t k = 0; k < nginx->wants[i].root_count; k++)
            free(nginx->wants[i].roots[k]);
        free(nginx->wants[i].roots);
        installed_release(&nginx->wants[i].layer);
    }
    free(nginx->places);
    free(nginx->wants);
    free(nginx);
}

/* ---- questions ---- */

/* By name: an order may be for a part of the names that were looked at here. */
static struct want *find(const struct nginx_run *nginx, const struct cert_spec *spec)
{
    for (size_t i = 0; nginx != NULL && i < nginx->count; i++)
        if (strcmp(nginx->wants[i].spec->name, spec->name) == 0)
            return &nginx->wants[i];
    return NULL;
}

const struct error *nginx_run_refusal(struct nginx_run *nginx, const struct cert_spec *spec)
{
    const struct want *want = find(nginx, spec);
    if (want == NULL)
        return NULL;
    prepare(nginx, want->place);
    return is_good(want) ? NULL : &want->error;
}

char *const *nginx_run_roots(const struct nginx_run *nginx, const struct cert_spec *spec,
                             size_t *count)
{
    const struct want *want = find(nginx, spec);
    *count = want == NULL ? 0 : want->root_count;
    return want == NULL ? NULL : want->roots;
}

bool nginx_run_lacks_way(const struct nginx_run *nginx, const struct cert_spec *spec)
{
    const struct want *want = find(nginx, spec);
    return want != NULL && nginx->look && want->is_edited;
}

bool nginx_run_is_open(const struct nginx_run *nginx)
{
    for (size_t i = 0; nginx != NULL && i < nginx->place_count; i++)
        if (nginx->places[i].open)
            return true;
    return false;
}

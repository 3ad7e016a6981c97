#include <acmec/engine/nginx_run.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/nginx_install.h>
#include <acmec/engine/nginx_ways.h>
#include <acmec/nginx/target.h>
#include <string.h>

/* One certificate. */
struct want {
    struct cert_spec *spec; /* borrowed */
    struct place *place;
    struct nginx_way way; /* its error is also that of what would be refused */
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
    struct nginx_view view;
    struct nginx_ways ways;
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

static void refuse_all(const struct members *members, const struct error *error)
{
    for (size_t i = 0; i < members->count; i++)
        if (!is_open_to_nginx(members->items[i]->spec))
            members->items[i]->way.error = *error;
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
        if (!is_open_to_nginx(spec) || !serves_all(&place->view, spec))
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
            !nginx_install_is_served(nginx->run, &place->view, want->spec))
            good = nginx_install_check(nginx->run, &place->site, want->spec, judged, &err);
        if (!good)
            want->way.error = err;
    }
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

static void find_ways(struct nginx_run *nginx, struct place *place)
{
    const struct members *members = &place->members;
    struct nginx_ways *ways = &place->ways;
    struct error err = {0};
    *ways = (struct nginx_ways){.site = &place->site,
                                .items = mem_new(members->count, sizeof(struct nginx_way *))};
    for (size_t i = 0; i < members->count; i++)
        if (cert_spec_uses(members->items[i]->spec, PROOF_NGINX))
            ways->items[ways->count++] = &members->items[i]->way;
    if (nginx->look)
        nginx_ways_look(nginx->run, ways);
    else if (nginx_site_lock(nginx->run, &place->site, &err))
        nginx_ways_put(nginx->run, ways);
    else
        refuse_all(members, &err);
    if (!ways->open)
        lock_release(&place->site.lock);
    place->site.lock.fd = ways->open ? place->site.lock.fd : -1;
}

static bool find_nginx(struct nginx_run *nginx, struct place *place, struct error *err)
{
    struct run *run = nginx->run;
    if (place->found)
        return true;
    if (!crypto_start(err) || !(nginx->look || store_prepare(run->store, err)) ||
        !nginx_site_find(run, &place->members.items[0]->spec->nginx, &place->site, err))
        return false;
    place->found = nginx_site_read(&place->site, NULL, 0, &place->view, err);
    if (!place->found)
        nginx_site_release(&place->site);
    return place->found;
}

/* A dry run has what nginx would judge, and is refused what it would refuse at the end; a mere look
 * at least what it refuses now. */
static bool can_rehearse(struct nginx_run *nginx, struct place *place, struct error *err)
{
    const struct members *members = &place->members;
    if (!nginx->look && !nginx->run->settings->dry_run)
        return true;
    if (!nginx->look && !nginx_site_lock(nginx->run, &place->site, err))
        return false;
    bool judged = any_install(members) || (nginx->look && any_proof(members));
    return !judged || nginx_site_test(nginx->run, &place->site, err);
}

/* Once, when the first order is near. */
static void prepare(struct nginx_run *nginx, struct place *place)
{
    const struct members *members = &place->members;
    struct error err = {0};
    if (place->prepared)
        return;
    place->prepared = true;
    if (!find_nginx(nginx, place, &err) || !can_rehearse(nginx, place, &err)) {
        refuse_all(members, &err);
        return;
    }
    check_all(nginx, place, members);
    if (any_proof(members))
        find_ways(nginx, place);
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
        if (cert_spec_share_nginx(nginx->places[i].members.items[0]->spec, spec))
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
        nginx->wants[nginx->count++] = (struct want){.spec = spec, .way = {.spec = spec}};
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

/* As it was before prepare. */
static void forget_plans(struct nginx_run *nginx, struct place *place)
{
    for (size_t i = 0; i < place->members.count; i++) {
        struct nginx_way *way = &place->members.items[i]->way;
        struct error error = way->error;
        nginx_way_release(way);
        *way = (struct nginx_way){.spec = place->members.items[i]->spec, .error = error};
    }
    nginx_ways_release(nginx->run, &place->ways);
    nginx_view_release(&place->view);
    nginx_site_release(&place->site);
    *place = (struct place){.members = place->members, .site = {.lock = {-1}}};
}

/* A certificate that is ordered later has the ways put in anew. */
void nginx_run_after(struct nginx_run *nginx)
{
    for (size_t i = 0; i < nginx->place_count; i++) {
        struct place *place = &nginx->places[i];
        if (!place->ways.open)
            continue;
        nginx_ways_take_back(nginx->run, &place->ways);
        forget_plans(nginx, place);
    }
}

void nginx_run_end(struct nginx_run *nginx)
{
    if (nginx == NULL)
        return;
    nginx_run_after(nginx);
    for (size_t i = 0; i < nginx->place_count; i++) {
        forget_plans(nginx, &nginx->places[i]);
        free(nginx->places[i].members.items);
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
    return want->way.error.code == ERR_NONE ? NULL : &want->way.error;
}

char *const *nginx_run_roots(const struct nginx_run *nginx, const struct cert_spec *spec,
                             size_t *count)
{
    const struct want *want = find(nginx, spec);
    *count = want == NULL ? 0 : want->way.root_count;
    return want == NULL ? NULL : want->way.roots;
}

bool nginx_run_lacks_way(const struct nginx_run *nginx, const struct cert_spec *spec)
{
    const struct want *want = find(nginx, spec);
    return want != NULL && nginx->look && want->way.is_edited;
}

bool nginx_run_is_open(const struct nginx_run *nginx)
{
    for (size_t i = 0; nginx != NULL && i < nginx->place_count; i++)
        if (nginx->places[i].ways.open)
            return true;
    return false;
}

#include <acmec/engine/commit.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/due.h>
#include <acmec/engine/hooks.h>
#include <acmec/engine/trust.h>
#include <stdio.h>

/* A system without a store of trusted CAs trusts nothing, so there is nothing to lose. */
static bool keeps_trust(struct run *run, const struct commit_request *request, size_t pair,
                        struct error *err)
{
    AUTO(buf) live = BUF(PEM_CHAIN_MAX);
    AUTO(buf) trust = BUF(0);
    struct error ignored = {0};
    bool found = false;
    int64_t now = run_now(run);
    if (run->settings->yes ||
        !store_read_live_chain(run->store, request->spec->name, &live, &found, &ignored) ||
        !found || !trust_read(NULL, &trust, &ignored) || trust.len == 0 ||
        cert_is_trusted(request->chains[pair], buf_span(&trust), now) ||
        !cert_is_trusted(buf_span(&live), buf_span(&trust), now))
        return true;
    (void)fail(err, ERR_REFUSED,
               "the new certificate is not trusted by this system, but the live one is");
    return with_hint(err, "if that is what you want, say --yes; the live one stays until then");
}

void commit_stamp(struct run *run, const struct cert_spec *spec, struct cert_state *state)
{
    struct stored_live *live = &state->live;
    struct error ignored = {0};
    live->due_at = due_at(spec, state);
    live->conf = live->defaults = (struct file_stamp){0};
    if (!store_conf_stamp(run->store, spec->name, &live->conf, &ignored) ||
        !store_conf_stamp(run->store, NULL, &live->defaults, &ignored))
        log_debug("%s", ignored.text);
}

static void replace(char **member, const char *text)
{
    char *copy = mem_strdup(text);
    free(*member);
    *member = copy;
}

/* The pairs of a new generation, judged. */
struct judged {
    struct cert_info infos[KEY_TYPES_MAX];
    size_t count;
};

static void judged_release(struct judged *judged)
{
    for (size_t i = 0; i < judged->count; i++)
        cert_info_release(&judged->infos[i]);
}

static void set_dates(const struct judged *judged, struct stored_live *live)
{
    for (size_t i = 0; i < judged->count; i++) {
        const struct cert_info *info = &judged->infos[i];
        if (i == 0 || info->not_before > live->not_before)
            live->not_before = info->not_before;
        if (i == 0 || info->not_after < live->not_after)
            live->not_after = info->not_after;
    }
}

static void set_live(struct run *run, const struct commit_request *request, const char *asked,
                     const struct judged *judged, struct cert_state *state)
{
    struct stored_live *live = &state->live;
    live->generation = request->generation;
    set_dates(judged, live);
    (void)snprintf(live->serial, sizeof live->serial, "%s", judged->infos[0].serial);
    (void)snprintf(live->issuer, sizeof live->issuer, "%s", judged->infos[0].issuer);
    identifier_list_release(&live->names);
    identifier_list_copy(&request->spec->names, &live->names);
    identifier_list_release(&live->dropped);
    identifier_list_copy(request->dropped, &live->dropped);
    replace(&live->directory_url, request->directory_url);
    replace(&live->account_url, request->account_url);
    replace(&live->request, asked);
    replace(&live->profile, request->profile);
    live->issued_at = run_now(run);
    live->by_ari = request->by_ari;
    live->revoked = false;
    live->pairs = judged->count;
    for (size_t i = 0; i < KEY_TYPES_MAX; i++) {
        live->ari[i] = (struct stored_ari){0};
        if (i < judged->count && request->has_ari)
            memcpy(live->ari[i].cert_id, judged->infos[i].ari_id, CERT_ARI_ID_MAX);
    }
    commit_stamp(run, request->spec, state);
}

static bool judge_pairs(const struct commit_request *request, struct judged *judged,
                        struct error *err)
{
    for (size_t i = 0; i < cert_spec_pairs(request->spec); i++) {
        if (!certkey_check_chain(request->keys[i], request->chains[i], &judged->infos[i], err))
            return false;
        judged->count++;
    }
    return true;
}

static bool store_generation(struct run *run, const struct commit_request *request,
                             const char *asked, struct error *err)
{
    const struct cert_spec *spec = request->spec;
    struct generation_parts parts = {
        .pairs = cert_spec_pairs(spec),
        .no_key = spec->csr != NULL,
        .staged = request->staged,
        .directory_url = request->directory_url,
        .account_url = request->account_url,
        .request = asked,
        .profile = request->profile,
        .names = &spec->names,
        .dropped = request->dropped,
        .issued_at = run_now(run),
    };
    for (size_t i = 0; i < parts.pairs; i++) {
        parts.suffixes[i] = cert_spec_suffix(spec, i);
        parts.chains[i] = request->chains[i];
        if (!keeps_trust(run, request, i, err))
            return false;
    }
    return store_commit(run->store, spec->name, request->generation, &parts, spec->key_group, err);
}

static void clear_orders(struct cert_state *state)
{
    for (size_t i = 0; i < KEY_TYPES_MAX; i++)
        stored_order_clear(&state->orders[i]);
}

bool commit_generation(struct run *run, const struct commit_request *request,
                       struct cert_state *state, struct error *err)
{
    const struct cert_spec *spec = request->spec;
    AUTO(judged) judged = {.count = 0};
    AUTO(buf) asked = BUF(8 * 1024);
    if (!judge_pairs(request, &judged, err)) {
        /* What the CA gave for this order is useless: the next run makes another order. */
        clear_orders(state);
        return false;
    }
    if (run->settings->dry_run)
        return true;
    cert_spec_request(spec, &asked);
    if (!store_generation(run, request, buf_str(&asked), err))
        return false;
    set_live(run, request, buf_str(&asked), &judged, state);
    clear_orders(state);
    state->failure = (struct stored_failure){0};
    state->deploy_pending =
        spec->nginx.install || hooks_has(run->hooks, HOOK_DEPLOY, spec->deploy_hook);
    state->staged = request->staged;
    state->deploy_error = (struct error){0};
    return store_write_state(run->store, spec->name, state, err);
}

#include <acmec/engine/commit.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/due.h>
#include <acmec/engine/hooks.h>
#include <stdio.h>

#define TRUST_FILE "/etc/ssl/certs/ca-certificates.crt"
#define TRUST_MAX (4 * 1024 * 1024)

/* A system without a store of trusted CAs trusts nothing, so there is nothing to lose. */
static bool keeps_trust(struct run *run, const struct commit_request *request, struct error *err)
{
    AUTO(buf) live = BUF(PEM_CHAIN_MAX);
    AUTO(buf) trust = BUF(TRUST_MAX);
    struct error ignored = {0};
    bool found = false;
    int64_t now = run_now(run);
    if (run->settings->yes ||
        !store_read_live_chain(run->store, request->spec->name, &live, &found, &ignored) ||
        !found || !file_read(TRUST_FILE, &trust, NULL, &ignored) ||
        cert_is_trusted(request->chain, buf_span(&trust), now) ||
        !cert_is_trusted(buf_span(&live), buf_span(&trust), now))
        return true;
    (void)fail(err, ERR_REFUSED,
               "the new certificate is not trusted by this system, but the live one is");
    return with_hint(err, "if that is what you want, say --yes; the live one stays until then");
}

static void set_live(struct run *run, const struct commit_request *request,
                     const struct cert_info *info, struct cert_state *state)
{
    struct stored_live *live = &state->live;
    struct error ignored = {0};
    live->generation = request->generation;
    live->not_before = info->not_before;
    live->not_after = info->not_after;
    (void)snprintf(live->serial, sizeof live->serial, "%s", info->serial);
    (void)snprintf(live->issuer, sizeof live->issuer, "%s", info->issuer);
    identifier_list_release(&live->names);
    identifier_list_copy(&request->spec->names, &live->names);
    free(live->directory_url);
    live->directory_url = mem_strdup(request->directory_url);
    live->due_at = due_at(request->spec, state);
    live->conf = live->defaults = (struct file_stamp){0};
    if (!store_conf_stamp(run->store, request->spec->name, &live->conf, &ignored) ||
        !store_conf_stamp(run->store, NULL, &live->defaults, &ignored))
        log_debug("%s", ignored.text);
}

bool commit_generation(struct run *run, const struct commit_request *request,
                       struct cert_state *state, struct error *err)
{
    const struct cert_spec *spec = request->spec;
    AUTO(cert_info) info = {0};
    if (!cert_check_chain(request->chain, request->key, &spec->names, run_now(run), &info, err)) {
        /* What the CA gave for this order is useless: the next run makes another order. */
        stored_order_clear(&state->order);
        return false;
    }
    if (run->settings->dry_run)
        return true;
    struct generation_meta meta = {
        .directory_url = request->directory_url,
        .account_url = request->account_url,
        .names = &spec->names,
        .key_type = spec->key_type,
        .issued_at = run_now(run),
    };
    if (!keeps_trust(run, request, err) ||
        !store_commit(run->store, spec->name, request->generation, request->chain, &meta,
                      spec->key_group, err))
        return false;
    set_live(run, request, &info, state);
    stored_order_clear(&state->order);
    state->failure = (struct stored_failure){0};
    state->deploy_pending = hooks_has(run->hooks, HOOK_DEPLOY, spec->deploy_hook);
    state->deploy_error = (struct error){0};
    return store_write_state(run->store, spec->name, state, err);
}

#include <acmec/io/store_state.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/cert.h>
#include <acmec/io/store_generation.h>
#include <acmec/io/store_json.h>
#include <stdio.h>

#define COUNT_MAX 1000000000

void stored_order_clear(struct stored_order *order)
{
    free(order->url);
    free(order->directory_url);
    free(order->account_url);
    free(order->request);
    identifier_list_release(&order->names);
    *order = (struct stored_order){0};
}

void stored_order_set(struct stored_order *order, const char *url, const char *directory_url,
                      const char *account_url, unsigned generation, const char *request,
                      const struct identifier_list *names)
{
    struct stored_order fresh = {
        .url = mem_strdup(url),
        .directory_url = mem_strdup(directory_url),
        .account_url = mem_strdup(account_url),
        .generation = generation,
        .request = mem_strdup(request),
    };
    identifier_list_copy(names, &fresh.names);
    stored_order_clear(order);
    *order = fresh;
}

static void live_clear(struct stored_live *live)
{
    free(live->directory_url);
    free(live->account_url);
    free(live->request);
    free(live->profile);
    identifier_list_release(&live->names);
    identifier_list_release(&live->dropped);
    *live = (struct stored_live){0};
}

void cert_state_release(struct cert_state *state)
{
    live_clear(&state->live);
    for (size_t i = 0; i < KEY_TYPES_MAX; i++)
        stored_order_clear(&state->orders[i]);
    *state = (struct cert_state){0};
}

static char *state_path(const struct store *store, const char *name)
{
    return mem_printf("%s/certs/%s.json", store->state_dir, name);
}

/* ---- reading ---- */

static void copy_text(const json_t *object, const char *member, char *out, size_t size, bool *bad)
{
    const char *text = store_json_text(object, member, bad);
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
}

static void read_ari(const json_t *live, struct stored_live *out, bool *bad)
{
    const json_t *list = json_opt_array(live, "ari");
    out->pairs = json_array_size(list) > 1 ? KEY_TYPES_MAX : 1;
    for (size_t i = 0; i < out->pairs && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct stored_ari *ari = &out->ari[i];
        copy_text(item, "certificate", ari->cert_id, sizeof ari->cert_id, bad);
        ari->start = store_json_time(item, "start", bad);
        ari->end = store_json_time(item, "end", bad);
        ari->chosen = store_json_time(item, "chosen", bad);
        ari->next_check = store_json_time(item, "next_check", bad);
        ari->failures = (unsigned)store_json_number(item, "failures", COUNT_MAX, bad);
        copy_text(item, "explanation", ari->explanation, sizeof ari->explanation, bad);
    }
}

static void read_live(const json_t *root, struct stored_live *out, bool *bad)
{
    const json_t *live = store_json_object(root, "live", bad);
    if (live == NULL)
        return;
    out->generation = (unsigned)store_json_number(live, "generation", COUNT_MAX, bad);
    out->not_before = store_json_time(live, "not_before", bad);
    out->not_after = store_json_time(live, "not_after", bad);
    out->due_at = store_json_time(live, "due_at", bad);
    out->issued_at = store_json_time(live, "issued_at", bad);
    copy_text(live, "serial", out->serial, sizeof out->serial, bad);
    copy_text(live, "issuer", out->issuer, sizeof out->issuer, bad);
    out->directory_url = mem_strdup(store_json_text(live, "ca", bad));
    out->account_url = mem_strdup(store_json_text(live, "account", bad));
    out->request = mem_strdup(store_json_text(live, "request", bad));
    out->profile = mem_strdup(store_json_text(live, "profile", bad));
    out->by_ari = store_json_flag(live, "by_ari", bad);
    out->revoked = store_json_flag(live, "revoked", bad);
    read_ari(live, out, bad);
    store_json_names(live, "names", &out->names, bad);
    store_json_names(live, "dropped", &out->dropped, bad);
    out->conf = store_json_stamp(live, "conf", bad);
    out->defaults = store_json_stamp(live, "defaults", bad);
    if (out->generation == 0 || out->names.count == 0 || out->not_after == 0)
        *bad = true;
}

static const char *const order_members[KEY_TYPES_MAX] = {"order", "second_order"};

static void read_order(const json_t *root, const char *member, struct stored_order *out, bool *bad)
{
    const json_t *order = store_json_object(root, member, bad);
    if (order == NULL)
        return;
    out->url = mem_strdup(store_json_text(order, "url", bad));
    out->directory_url = mem_strdup(store_json_text(order, "ca", bad));
    out->account_url = mem_strdup(store_json_text(order, "account", bad));
    out->generation = (unsigned)store_json_number(order, "generation", COUNT_MAX, bad);
    store_json_names(order, "names", &out->names, bad);
    out->request = mem_strdup(store_json_text(order, "request", bad));
    if (out->url == NULL || out->directory_url == NULL || out->account_url == NULL ||
        out->generation == 0)
        *bad = true;
}

static void read_failure(const json_t *root, struct stored_failure *out, bool *bad)
{
    const json_t *failure = store_json_object(root, "failure", bad);
    if (failure == NULL)
        return;
    out->count = (unsigned)store_json_number(failure, "count", COUNT_MAX, bad);
    out->at = store_json_time(failure, "at", bad);
    out->next_attempt = store_json_time(failure, "next_attempt", bad);
    store_json_error(failure, "error", &out->error, bad);
}

static bool read_document(const json_t *root, struct cert_state *out)
{
    bool bad = false;
    read_live(root, &out->live, &bad);
    for (size_t i = 0; i < KEY_TYPES_MAX; i++)
        read_order(root, order_members[i], &out->orders[i], &bad);
    read_failure(root, &out->failure, &bad);
    const json_t *deploy = store_json_object(root, "deploy", &bad);
    out->deploy_pending = store_json_flag(deploy, "pending", &bad);
    out->staged = store_json_flag(deploy, "staged", &bad);
    store_json_error(deploy, "error", &out->deploy_error, &bad);
    return !bad;
}

bool store_read_state(const struct store *store, const char *name, struct cert_state *out,
                      struct error *err)
{
    json_t *root;
    AUTO_FREE path = state_path(store, name);
    if (!cert_name_check(name, err) || !store_json_read(path, &root, err))
        return false;
    AUTO(cert_state) state = {0};
    bool good = root != NULL && read_document(root, &state);
    if (root != NULL && !good)
        log_info("'%s' is damaged; what it said is derived from the live certificate", path);
    json_decref(root);
    if (!good) {
        cert_state_release(&state);
        if (!store_derive_live(store, name, &state, err))
            return false;
    }
    *out = state;
    state = (struct cert_state){0};
    return true;
}

/* ---- from live/NAME ---- */

static void read_meta(const struct store *store, const char *name, struct stored_live *live)
{
    json_t *meta = NULL;
    struct error why;
    bool bad = false;
    AUTO_FREE path =
        mem_printf("%s/archive/%s/%u/meta.json", store->config_dir, name, live->generation);
    if (!store_json_read(path, &meta, &why))
        log_info("%s", why.text);
    live->directory_url = mem_strdup(store_json_text(meta, "ca", &bad));
    live->account_url = mem_strdup(store_json_text(meta, "account", &bad));
    live->request = mem_strdup(store_json_text(meta, "request", &bad));
    live->profile = mem_strdup(store_json_text(meta, "profile", &bad));
    live->issued_at = store_json_time(meta, "issued_at", &bad);
    live->revoked = store_json_flag(meta, "revoked", &bad);
    store_json_names(meta, "dropped", &live->dropped, &bad);
    json_decref(meta);
}

/* Adds the certificate of one pair; the first gives the names. */
static void add_cert(struct stored_live *live, struct cert_info *info)
{
    bool is_first = live->pairs == 0;
    memcpy(live->ari[live->pairs++].cert_id, info->ari_id, sizeof info->ari_id);
    if (is_first || info->not_before > live->not_before)
        live->not_before = info->not_before;
    if (is_first || info->not_after < live->not_after)
        live->not_after = info->not_after;
    if (!is_first)
        return;
    memcpy(live->serial, info->serial, sizeof live->serial);
    memcpy(live->issuer, info->issuer, sizeof live->issuer);
    live->names = info->names;
    info->names = (struct identifier_list){0};
}

/* One pair of live/NAME, if it is there and readable. */
static bool read_live_pair(const struct store *store, const char *name, const char *suffix,
                           struct stored_live *live, struct error *err)
{
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    AUTO(cert_info) info = {0};
    struct error why;
    bool found;
    if (!store_read_live_pair(store, name, suffix, &chain, &found, err))
        return false;
    if (found && cert_read(buf_span(&chain), ERR_CONFIG, &info, &why))
        add_cert(live, &info);
    else if (found)
        log_info("the live chain of '%s' is damaged: %s", name, why.text);
    return true;
}

/* What live/NAME has; generation 0 where it has no readable chain. */
static bool read_live_cert(const struct store *store, const char *name, struct stored_live *live,
                           struct error *err)
{
    static const char *const suffixes[] = {"", ".rsa", ".ecdsa"};
    if (!store_live_generation(store, name, &live->generation, err) || !crypto_start(err))
        return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        bool is_wanted = live->generation != 0 && live->pairs == (i == 0 ? 0 : 1);
        if (is_wanted && !read_live_pair(store, name, suffixes[i], live, err))
            return false;
    }
    if (live->pairs == 0)
        live->generation = 0;
    else
        read_meta(store, name, live);
    return true;
}

bool store_derive_live(const struct store *store, const char *name, struct cert_state *state,
                       struct error *err)
{
    struct stored_live live = {0};
    if (!cert_name_check(name, err) || !read_live_cert(store, name, &live, err)) {
        live_clear(&live);
        return false;
    }
    live_clear(&state->live);
    state->live = live;
    for (size_t i = 0; i < KEY_TYPES_MAX; i++) {
        if (state->orders[i].url == NULL || state->orders[i].generation > live.generation)
            continue;
        stored_order_clear(&state->orders[i]);
        state->failure = (struct stored_failure){0};
    }
    return true;
}

/* ---- writing ---- */

static void put_ari(json_t *live, const struct stored_live *stored)
{
    json_t *list = json_array();
    for (size_t i = 0; i < stored->pairs; i++) {
        const struct stored_ari *ari = &stored->ari[i];
        json_t *item = json_object();
        json_put_str(item, "certificate", ari->cert_id[0] == '\0' ? NULL : ari->cert_id);
        store_json_put_time(item, "start", ari->start);
        store_json_put_time(item, "end", ari->end);
        store_json_put_time(item, "chosen", ari->chosen);
        store_json_put_time(item, "next_check", ari->next_check);
        store_json_put_number(item, "failures", ari->failures);
        json_put_str(item, "explanation", ari->explanation[0] == '\0' ? NULL : ari->explanation);
        (void)json_array_append_new(list, item);
    }
    store_json_put(live, "ari", list);
}

static void put_live(json_t *root, const struct stored_live *live)
{
    if (live->generation == 0) {
        store_json_put(root, "live", json_null());
        return;
    }
    json_t *out = store_json_section(root, "live");
    store_json_put_number(out, "generation", live->generation);
    store_json_put_names(out, "names", &live->names);
    store_json_put_names(out, "dropped", &live->dropped);
    store_json_put_time(out, "not_before", live->not_before);
    store_json_put_time(out, "not_after", live->not_after);
    store_json_put_time(out, "due_at", live->due_at);
    json_put_str(out, "serial", live->serial);
    json_put_str(out, "issuer", live->issuer);
    json_put_str(out, "ca", live->directory_url);
    json_put_str(out, "account", live->account_url);
    json_put_str(out, "request", live->request);
    json_put_str(out, "profile", live->profile);
    store_json_put_time(out, "issued_at", live->issued_at);
    store_json_put(out, "by_ari", json_boolean(live->by_ari));
    store_json_put(out, "revoked", json_boolean(live->revoked));
    put_ari(out, live);
    store_json_put_stamp(out, "conf", &live->conf);
    store_json_put_stamp(out, "defaults", &live->defaults);
}

static void put_order(json_t *root, const char *member, const struct stored_order *order)
{
    if (order->url == NULL) {
        store_json_put(root, member, json_null());
        return;
    }
    json_t *out = store_json_section(root, member);
    json_put_str(out, "url", order->url);
    json_put_str(out, "ca", order->directory_url);
    json_put_str(out, "account", order->account_url);
    store_json_put_number(out, "generation", order->generation);
    json_put_str(out, "request", order->request);
    store_json_put_names(out, "names", &order->names);
}

static void put_failure(json_t *root, const struct stored_failure *failure)
{
    if (failure->count == 0) {
        store_json_put(root, "failure", json_null());
        return;
    }
    json_t *out = store_json_section(root, "failure");
    store_json_put_number(out, "count", failure->count);
    store_json_put_time(out, "at", failure->at);
    store_json_put_time(out, "next_attempt", failure->next_attempt);
    store_json_put_error(out, "error", &failure->error);
}

bool store_write_state(struct store *store, const char *name, const struct cert_state *state,
                       struct error *err)
{
    json_t *root;
    AUTO_FREE path = state_path(store, name);
    if (!cert_name_check(name, err) || !store_json_read_or_new(path, &root, err))
        return false;
    put_live(root, &state->live);
    for (size_t i = 0; i < KEY_TYPES_MAX; i++)
        put_order(root, order_members[i], &state->orders[i]);
    put_failure(root, &state->failure);
    json_t *deploy = store_json_section(root, "deploy");
    store_json_put(deploy, "pending", json_boolean(state->deploy_pending));
    store_json_put(deploy, "staged", json_boolean(state->staged));
    store_json_put_error(deploy, "error", &state->deploy_error);
    return store_json_write(path, root, err);
}

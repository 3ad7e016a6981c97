#include <acmec/engine/ordering.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/engine/due.h>
#include <acmec/engine/proof.h>

struct ordering {
    struct run *run;
    const struct cert_spec *spec;
    struct authority *authority;
    struct cert_state *state;
    struct order *order;
    struct proof *proof;
    size_t pair;
    struct certkey key;
    unsigned generation; /* 0: none yet, or a dry run */
    bool resumed, refused_by_ca;
};

struct ordering *ordering_new(struct run *run, const struct cert_spec *spec,
                              struct authority *authority, struct cert_state *state, size_t pair,
                              unsigned generation)
{
    struct ordering *ordering = mem_new(1, sizeof *ordering);
    ordering->run = run;
    ordering->spec = spec;
    ordering->authority = authority;
    ordering->state = state;
    ordering->pair = pair;
    ordering->generation = generation;
    return ordering;
}

static void let_go(struct ordering *ordering)
{
    exchanges_cancel(ordering->run->exchanges, ordering);
    proof_free(ordering->proof);
    ordering->proof = NULL;
    order_free(ordering->order);
    ordering->order = NULL;
    certkey_release(&ordering->key);
}

void ordering_free(struct ordering *ordering)
{
    if (ordering == NULL)
        return;
    let_go(ordering);
    free(ordering);
}

/* ---- the order ---- */

static bool exchange_build(void *owner, size_t tag, struct http_request *out, struct error *err);
static void exchange_reply(void *owner, size_t tag, const struct http_response *response);
static void exchange_lost(void *owner, size_t tag, const struct error *error, bool unreachable);
static const struct exchange_ops order_ops = {exchange_build, exchange_reply, exchange_lost};

/* An exchange's tag holds its step and its index. */
static struct order_action action_of(size_t tag)
{
    return (struct order_action){
        .what = ORDER_SEND, .step = (enum order_step)(tag % STEP_COUNT), .index = tag / STEP_COUNT};
}

static bool exchange_build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    struct ordering *ordering = owner;
    struct order_action action = action_of(tag);
    return order_request(ordering->order, &action, run_now_ms(ordering->run), out, err);
}

static void exchange_reply(void *owner, size_t tag, const struct http_response *response)
{
    struct ordering *ordering = owner;
    struct order_action action = action_of(tag);
    order_reply(ordering->order, &action, response, run_now(ordering->run),
                run_now_ms(ordering->run));
}

static void exchange_lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct ordering *ordering = owner;
    struct order_action action = action_of(tag);
    /* A CA that cannot be reached any more is no certificate's fault. */
    if (unreachable)
        authority_fail(ordering->authority, error);
    order_lost(ordering->order, &action, error);
}

static void proof_ready(void *ctx, size_t index)
{
    struct ordering *ordering = ctx;
    if (ordering->order != NULL)
        order_presented(ordering->order, index);
}

static void proof_failed(void *ctx, size_t index, const struct error *error)
{
    struct ordering *ordering = ctx;
    if (ordering->order != NULL)
        order_not_presented(ordering->order, index, error);
}

static struct stored_order *stored_order_of(const struct ordering *ordering)
{
    return &ordering->state->orders[ordering->pair];
}

/* The certificate that this order replaces (RFC 9773 section 5), or NULL: the predecessor is clear,
 * its CA offers ARI, and it is from the same account. */
static const char *replaced(const struct ordering *ordering)
{
    const struct stored_live *live = &ordering->state->live;
    const char *id = live->ari[ordering->pair].cert_id;
    bool is_same = !ordering->run->settings->dry_run && live->generation != 0 &&
                   ordering->pair < live->pairs && live->directory_url != NULL &&
                   live->account_url != NULL &&
                   strcmp(live->directory_url, authority_directory_url(ordering->authority)) == 0 &&
                   strcmp(live->account_url, authority_account_url(ordering->authority)) == 0;
    const struct session *session = authority_session(ordering->authority);
    bool is_offered = session_endpoint(session, ROLE_RENEWAL_INFO) != NULL;
    bool shares = false;
    for (size_t i = 0; i < live->names.count; i++)
        shares = shares || identifier_list_has(&ordering->spec->names, &live->names.items[i]);
    return is_same && is_offered && shares && id[0] != '\0' ? id : NULL;
}

/* Profiles vanish: what the CA offers is read anew for each run. */
static bool choose_profile(struct ordering *ordering, struct demand *demand, struct error *err)
{
    const struct cert_spec *spec = ordering->spec;
    const struct session *session = authority_session(ordering->authority);
    const struct session_profile *profile;
    if (spec->profile == NULL)
        return true;
    if (session_offers_profile(session, spec->profile)) {
        demand->profile = mem_strdup(spec->profile);
        demand->profile_optional = spec->profile_optional;
        return true;
    }
    if (spec->profile_optional) {
        if (ordering->pair > 0)
            return true;
        run_progress(ordering->run, PROGRESS_NOTICE, spec->name,
                     "the CA does not offer the profile '%s'; ordering without one",
                     escaped_str(spec->profile).text);
        return true;
    }
    (void)fail(err, ERR_REFUSED, "the CA does not offer the profile '%s'",
               escaped_str(spec->profile).text);
    AUTO(buf) names = BUF(ERROR_HINT_MAX / 2);
    for (size_t i = 0; (profile = session_profile(session, i)) != NULL; i++)
        buf_addf(&names, "%s%s", i == 0 ? "" : ", ", escaped_str(profile->name).text);
    if (names.len == 0)
        return with_hint(err, "it offers none: leave --profile out");
    return with_hint(err, "it offers %s", buf_str(&names));
}

static bool make_demand(struct ordering *ordering, struct demand *out, struct error *err)
{
    const struct cert_spec *spec = ordering->spec;
    int64_t now = run_now(ordering->run);
    out->not_before = moment_at(&spec->not_before, now);
    out->not_after = moment_at(&spec->not_after, now);
    out->replaces = mem_strdup(replaced(ordering));
    if (out->not_after != 0 && out->not_after <= (out->not_before > now ? out->not_before : now))
        return fail(err, ERR_USAGE, "the certificate would end before it begins: see --not-after");
    return choose_profile(ordering, out, err);
}

static struct order_wish wish_of(const struct ordering *ordering, const struct demand *demand)
{
    return (struct order_wish){
        .names = &ordering->spec->names,
        .demand = demand,
        .preferred_chain = ordering->spec->preferred_chain,
        .challenge_types = proof_challenge_types(ordering->proof),
        .watched = proof_is_watched(ordering->proof),
        .fresh_proof = authority_is_staging(ordering->authority),
        .timeout_ms = ordering->run->settings->timeout_ms,
    };
}

static const struct key *account_key(const struct ordering *ordering)
{
    return session_key(authority_session(ordering->authority));
}

/* Takes up the stored order with its key, if both still fit; else what is left of it is dropped.
 * A second pair's order belongs to the first one's generation. */
static bool resume(struct ordering *ordering, const struct order_wish *wish, struct error *err)
{
    struct run *run = ordering->run;
    const struct stored_order *stored = stored_order_of(ordering);
    bool found = false;
    bool fits = !run->settings->dry_run &&
                (ordering->pair == 0 || stored->generation == ordering->generation) &&
                due_order_fits(ordering->spec, stored, authority_directory_url(ordering->authority),
                               authority_account_url(ordering->authority));
    if (fits && !certkey_resume(&ordering->key, run, ordering->spec, ordering->pair,
                                account_key(ordering), stored->generation, &found, err))
        return false;
    if (!found)
        return true;
    ordering->generation = stored->generation;
    ordering->resumed = true;
    ordering->order = order_resume(authority_session(ordering->authority), wish, stored->url);
    return true;
}

bool ordering_begin(struct ordering *ordering, struct error *err)
{
    struct run *run = ordering->run;
    struct proof_listener listener = {proof_ready, proof_failed, ordering};
    AUTO(demand) demand = {0};
    ordering->proof =
        proof_new(run, ordering->spec, authority_session(ordering->authority), &listener);
    if (!proof_check(ordering->proof, err) || !make_demand(ordering, &demand, err))
        return false;
    struct order_wish wish = wish_of(ordering, &demand);
    if (!resume(ordering, &wish, err))
        return false;
    if (ordering->order == NULL) {
        if (!certkey_start(&ordering->key, run, ordering->spec, ordering->pair,
                           account_key(ordering), err))
            return false;
        ordering->order = order_new(authority_session(ordering->authority), &wish);
    }
    run_progress(run, PROGRESS_STARTED, ordering->spec->name, "%s",
                 ordering->resumed ? "going on with the stored order" : "ordering");
    return true;
}

/* The key is on disk before the order is finalized, and the order's URL before anything is waited
 * for: a killed run finds both. */
static bool save_order(struct ordering *ordering, struct error *err)
{
    struct run *run = ordering->run;
    const char *name = ordering->spec->name;
    struct stored_order *stored = stored_order_of(ordering);
    const char *url = order_url(ordering->order);
    AUTO(buf) request = BUF(8 * 1024);
    if (run->settings->dry_run)
        return true;
    if (ordering->generation == 0) {
        store_drop_partials(run->store, name, 0);
        if (!store_next_generation(run->store, name, &ordering->generation, err))
            return false;
    }
    if (certkey_is_over(&ordering->key) && !certkey_save(&ordering->key, ordering->generation, err))
        return false;
    if (stored->url != NULL && strcmp(stored->url, url) == 0)
        return true;
    cert_spec_request(ordering->spec, &request);
    stored_order_set(stored, url, authority_directory_url(ordering->authority),
                     authority_account_url(ordering->authority), ordering->generation,
                     buf_str(&request), &ordering->spec->names);
    return store_write_state(run->store, name, ordering->state, err);
}

/* Whether the CA has named an order that is not on disk yet. */
static bool is_unsaved(const struct ordering *ordering)
{
    const char *url = order_url(ordering->order), *stored = stored_order_of(ordering)->url;
    return !ordering->run->settings->dry_run && url != NULL &&
           (stored == NULL || strcmp(stored, url) != 0);
}

static bool give_csr(struct ordering *ordering, struct error *err)
{
    AUTO(buf) der = BUF(CSR_DER_MAX);
    proof_clear(ordering->proof);
    if (!save_order(ordering, err) || !certkey_request(&ordering->key, &der, err))
        return false;
    order_set_csr(ordering->order, buf_span(&der));
    return true;
}

static void start_exchange(struct ordering *ordering, const struct order_action *action)
{
    struct exchange_request request = {
        .ops = &order_ops,
        .owner = ordering,
        .tag = action->index * STEP_COUNT + action->step,
        .what = order_step_text(action->step),
        .is_signed = true,
    };
    exchange_start(authority_lane(ordering->authority), &request);
    if (action->step == STEP_POLL || action->index > 0)
        return;
    run_progress(ordering->run, PROGRESS_STEP, ordering->spec->name, "%s",
                 order_step_text(action->step));
}

/* An order that failed is over for the CA as well, but for a rate limit or a lost connection: what
 * is stored is dropped, so that the next run orders anew. One that was stale is ordered anew right
 * now. */
static enum ordering_answer order_failed(struct ordering *ordering, struct error *error)
{
    *error = *order_error(ordering->order);
    bool stale = ordering->resumed && order_is_stale(ordering->order);
    if (order_account_refused(ordering->order)) {
        (void)while_doing(error, "the account '%s' cannot be used",
                          authority_account_name(ordering->authority));
        authority_fail(ordering->authority, error);
        return ORDERING_UNREACHABLE;
    }
    if (!stale && error->code == ERR_NETWORK && authority_error(ordering->authority) != NULL)
        return ORDERING_UNREACHABLE;
    ordering->refused_by_ca = order_refused_by_ca(ordering->order);
    if (stale || error->code == ERR_REFUSED)
        stored_order_clear(stored_order_of(ordering));
    if (!stale)
        return ORDERING_FAILED;
    log_info("%s: the stored order is gone; ordering anew", ordering->spec->name);
    let_go(ordering);
    ordering->resumed = false;
    /* The first pair begins another generation; the second stays in it. */
    if (ordering->pair == 0)
        ordering->generation = 0;
    return ordering_begin(ordering, error) ? ORDERING_RUNS : ORDERING_FAILED;
}

/* Where the CA gave something else than what was asked for. */
static void tell_differences(const struct ordering *ordering)
{
    const struct cert_spec *spec = ordering->spec;
    const char *wanted = order_demand(ordering->order)->profile;
    const char *profile = order_profile(ordering->order);
    if (wanted != NULL && (profile == NULL || strcmp(escaped_str(wanted).text, profile) != 0))
        run_progress(ordering->run, PROGRESS_NOTICE, spec->name,
                     "the CA was asked for the profile '%s', but names %s%s%s",
                     escaped_str(wanted).text, profile == NULL ? "none" : "'",
                     profile == NULL ? "" : profile, profile == NULL ? "" : "'");
    if (!order_chain_preferred(ordering->order))
        run_progress(ordering->run, PROGRESS_NOTICE, spec->name,
                     "the CA offers no chain from '%s'; its default chain is used",
                     escaped_str(spec->preferred_chain).text);
}

/* What the order asks for next. *more: it can be asked again at once. */
static enum ordering_answer obey(struct ordering *ordering, bool *more, int64_t *until_ms,
                                 struct error *error)
{
    struct order_action action = {0};
    order_next(ordering->order, run_now_ms(ordering->run), &action);
    switch (action.what) {
    case ORDER_SEND:
        start_exchange(ordering, &action);
        return ORDERING_RUNS;
    case ORDER_PRESENT:
        proof_present(ordering->proof, &action);
        return ORDERING_RUNS;
    case ORDER_NEED_CSR:
        *more = certkey_is_over(&ordering->key);
        return !*more || give_csr(ordering, error) ? ORDERING_RUNS : ORDERING_FAILED;
    case ORDER_WAIT:
        *until_ms = action.until_ms;
        *more = false;
        return ORDERING_RUNS;
    case ORDER_IDLE:
        *more = false;
        return ORDERING_RUNS;
    case ORDER_DONE:
        tell_differences(ordering);
        return ORDERING_DONE;
    case ORDER_FAILED:
        return order_failed(ordering, error);
    }
    return ORDERING_FAILED;
}

enum ordering_answer ordering_step(struct ordering *ordering, int64_t *until_ms,
                                   struct error *error)
{
    bool more = true;
    enum ordering_answer answer = ORDERING_RUNS;
    while (more && answer == ORDERING_RUNS) {
        if (is_unsaved(ordering) && !save_order(ordering, error))
            return ORDERING_FAILED;
        answer = obey(ordering, &more, until_ms, error);
    }
    return answer;
}

/* ---- what others ask ---- */

struct span ordering_chain(const struct ordering *ordering)
{
    return order_chain(ordering->order);
}

const struct certkey *ordering_key(const struct ordering *ordering)
{
    return &ordering->key;
}

const char *ordering_profile(const struct ordering *ordering)
{
    return order_profile(ordering->order);
}

unsigned ordering_generation(const struct ordering *ordering)
{
    return ordering->generation;
}

bool ordering_reused_proof(const struct ordering *ordering)
{
    return order_reused_proof(ordering->order);
}

const struct proof *ordering_proof(const struct ordering *ordering)
{
    return ordering->proof;
}

void ordering_failed_names(const struct ordering *ordering, struct identifier_list *out)
{
    if (ordering->order != NULL)
        order_failed_names(ordering->order, out);
}

bool ordering_refused_by_ca(const struct ordering *ordering)
{
    return ordering->refused_by_ca;
}

bool ordering_rate_limit(const struct ordering *ordering, enum limit_scope *scope)
{
    return ordering->order != NULL && order_rate_limit(ordering->order, scope);
}

bool ordering_take_child(struct ordering *ordering, const struct event *event)
{
    return certkey_take(&ordering->key, event);
}

void ordering_proof_ready(struct ordering *ordering, const char *token)
{
    if (ordering->proof != NULL)
        proof_take_ready(ordering->proof, token);
}

void ordering_visited(struct ordering *ordering, const char *token)
{
    if (ordering->order != NULL)
        order_visited(ordering->order, token, run_now_ms(ordering->run));
}

bool ordering_has_responder(const struct ordering *ordering)
{
    return ordering->proof != NULL && proof_has_responder(ordering->proof);
}

#include <acmec/engine/ordering.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/csr.h>
#include <acmec/engine/due.h>
#include <acmec/engine/keygen.h>
#include <acmec/engine/proof.h>

struct ordering {
    struct run *run;
    const struct cert_spec *spec;
    struct authority *authority;
    struct cert_state *state;
    struct order *order;
    struct proof *proof;
    struct keygen keygen;
    unsigned generation; /* 0: none yet, or a dry run */
    bool resumed, url_saved, key_saved;
};

struct ordering *ordering_new(struct run *run, const struct cert_spec *spec,
                              struct authority *authority, struct cert_state *state)
{
    struct ordering *ordering = mem_new(1, sizeof *ordering);
    ordering->run = run;
    ordering->spec = spec;
    ordering->authority = authority;
    ordering->state = state;
    return ordering;
}

static void let_go(struct ordering *ordering)
{
    exchanges_cancel(ordering->run->exchanges, ordering);
    proof_free(ordering->proof);
    ordering->proof = NULL;
    order_free(ordering->order);
    ordering->order = NULL;
    keygen_release(&ordering->keygen);
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

static struct order_wish wish_of(const struct ordering *ordering)
{
    return (struct order_wish){
        .names = &ordering->spec->names,
        .challenge_types = proof_challenge_types(ordering->proof),
        .watched = proof_is_watched(ordering->proof),
        .fresh_proof = authority_is_staging(ordering->authority),
        .timeout_ms = ordering->run->settings->timeout_ms,
    };
}

/* Takes up the stored order with its key, if both still fit; else what is left of it is dropped. */
static bool resume(struct ordering *ordering, const struct order_wish *wish, struct error *err)
{
    struct run *run = ordering->run;
    struct stored_order *stored = &ordering->state->order;
    bool found = false;
    bool fits = !run->settings->dry_run &&
                due_order_fits(ordering->spec, stored, authority_directory_url(ordering->authority),
                               authority_account_url(ordering->authority));
    if (fits && !store_read_pending_key(run->store, ordering->spec->name, stored->generation,
                                        &ordering->keygen.key, &found, err))
        return false;
    if (!found)
        return true;
    ordering->keygen.run = run;
    ordering->keygen.over = true;
    ordering->generation = stored->generation;
    ordering->key_saved = ordering->url_saved = ordering->resumed = true;
    ordering->order = order_resume(authority_session(ordering->authority), wish, stored->url);
    return true;
}

bool ordering_begin(struct ordering *ordering, struct error *err)
{
    struct run *run = ordering->run;
    struct proof_listener listener = {proof_ready, proof_failed, ordering};
    ordering->proof =
        proof_new(run, ordering->spec, authority_account_url(ordering->authority), &listener);
    if (!proof_check(ordering->proof, err))
        return false;
    struct order_wish wish = wish_of(ordering);
    if (!resume(ordering, &wish, err))
        return false;
    if (ordering->order == NULL) {
        keygen_start(&ordering->keygen, run, ordering->spec->key_type);
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
    if (run->settings->dry_run)
        return true;
    bool has_key = ordering->keygen.over && ordering->keygen.key != NULL;
    if (ordering->generation == 0) {
        store_drop_partials(run->store, name, 0);
        if (!store_next_generation(run->store, name, &ordering->generation, err))
            return false;
    }
    if (has_key && !ordering->key_saved) {
        if (!store_write_pending_key(run->store, name, ordering->generation, ordering->keygen.key,
                                     err))
            return false;
        ordering->key_saved = true;
    }
    if (ordering->url_saved)
        return true;
    stored_order_set(&ordering->state->order, order_url(ordering->order),
                     authority_directory_url(ordering->authority),
                     authority_account_url(ordering->authority), ordering->generation,
                     ordering->spec->key_type, &ordering->spec->names);
    ordering->url_saved = true;
    return store_write_state(run->store, name, ordering->state, err);
}

static bool give_csr(struct ordering *ordering, struct error *err)
{
    AUTO(buf) der = BUF(CSR_DER_MAX);
    proof_clear(ordering->proof);
    if (ordering->keygen.key == NULL) {
        *err = ordering->keygen.error;
        return false;
    }
    if (!save_order(ordering, err) ||
        !csr_make(ordering->keygen.key, &(struct csr_wish){.names = &ordering->spec->names}, &der,
                  err))
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
    if (stale || error->code == ERR_REFUSED)
        stored_order_clear(&ordering->state->order);
    if (!stale)
        return ORDERING_FAILED;
    log_info("%s: the stored order is gone; ordering anew", ordering->spec->name);
    let_go(ordering);
    ordering->resumed = ordering->url_saved = ordering->key_saved = false;
    ordering->generation = 0;
    return ordering_begin(ordering, error) ? ORDERING_RUNS : ORDERING_FAILED;
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
        proof_present(ordering->proof, action.index, action.identifier, action.token,
                      action.key_authorization);
        return ORDERING_RUNS;
    case ORDER_NEED_CSR:
        *more = ordering->keygen.over;
        return !*more || give_csr(ordering, error) ? ORDERING_RUNS : ORDERING_FAILED;
    case ORDER_WAIT:
        *until_ms = action.until_ms;
        *more = false;
        return ORDERING_RUNS;
    case ORDER_IDLE:
        *more = false;
        return ORDERING_RUNS;
    case ORDER_DONE:
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
        bool is_new = !ordering->url_saved && order_url(ordering->order) != NULL;
        if (is_new && !save_order(ordering, error))
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

const struct key *ordering_key(const struct ordering *ordering)
{
    return ordering->keygen.key;
}

unsigned ordering_generation(const struct ordering *ordering)
{
    return ordering->generation;
}

bool ordering_reused_proof(const struct ordering *ordering)
{
    return order_reused_proof(ordering->order);
}

bool ordering_rate_limit(const struct ordering *ordering, enum limit_scope *scope)
{
    return ordering->order != NULL && order_rate_limit(ordering->order, scope);
}

bool ordering_take_child(struct ordering *ordering, const struct event *event)
{
    return keygen_take(&ordering->keygen, event);
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

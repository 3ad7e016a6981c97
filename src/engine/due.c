#include <acmec/engine/due.h>

#include <acmec/acme/renewal.h>
#include <acmec/base/cleanup.h>
#include <acmec/engine/ari_check.h>
#include <acmec/engine/authority.h>

bool due_is_quiet(const struct run *run, const struct cert_state *state,
                  const struct file_stamp *conf, const struct file_stamp *defaults)
{
    const struct stored_live *live = &state->live;
    return !run->settings->force && !run->settings->dry_run && live->generation != 0 &&
           !state->deploy_pending && !live->revoked && live->due_at > run_now(run) &&
           live->due_at <= live->not_after && file_stamp_equals(&live->conf, conf) &&
           file_stamp_equals(&live->defaults, defaults) && !ari_check_is_due(run, live, false);
}

/* The earliest moment of all pairs that the CA has suggested; 0: none. */
static int64_t ari_moment(const struct stored_live *live)
{
    int64_t earliest = 0;
    for (size_t i = 0; i < live->pairs; i++)
        if (live->ari[i].end != 0 && (earliest == 0 || live->ari[i].chosen < earliest))
            earliest = live->ari[i].chosen;
    return earliest;
}

int64_t due_at(const struct cert_spec *spec, const struct cert_state *state)
{
    const struct stored_live *live = &state->live;
    int64_t ari = ari_moment(live);
    int64_t pause = 0;
    if (live->generation == 0 || live->revoked)
        return 0;
    if (ari == 0)
        return renewal_due_at(live->not_before, live->not_after, &spec->renew_before);
    if (live->by_ari)
        pause = live->issued_at + renewal_ari_pause(live->not_before, live->not_after);
    return renewal_due_by_ari(live->not_before, live->not_after, &spec->renew_before, ari, pause);
}

static bool is_request(const struct cert_spec *spec, const char *request)
{
    AUTO(buf) wanted = BUF(8 * 1024);
    cert_spec_request(spec, &wanted);
    return strcmp(buf_str(&wanted), request) == 0;
}

/* Whether it has the names; those that the CA left out count as there where that is allowed: they
 * are tried again when it is due. */
static bool is_for(const struct stored_live *live, const struct cert_spec *spec)
{
    size_t missing = 0;
    for (size_t i = 0; i < spec->names.count; i++) {
        const struct identifier *name = &spec->names.items[i];
        if (identifier_list_has(&live->names, name))
            continue;
        if (!spec->allow_subset || !identifier_list_has(&live->dropped, name))
            return false;
        missing++;
    }
    return spec->names.count - missing == live->names.count;
}

/* Whether it is another certificate that is wanted, whenever the live one ends. */
static bool is_other(const struct cert_spec *spec, const struct stored_live *live)
{
    bool other_ca = live->directory_url != NULL && !cert_spec_has_ca(spec, live->directory_url);
    bool other_request = live->request != NULL && !is_request(spec, live->request);
    return live->generation == 0 || other_ca || other_request || live->revoked ||
           !is_for(live, spec);
}

static bool is_wanted(const struct run *run, const struct cert_spec *spec,
                      const struct cert_state *state)
{
    return run->settings->force || run->settings->dry_run || is_other(spec, &state->live) ||
           due_at(spec, state) <= run_now(run);
}

bool due_is_by_ari(const struct run *run, const struct cert_spec *spec,
                   const struct cert_state *state)
{
    const struct stored_live *live = &state->live;
    return !run->settings->force && !is_other(spec, live) && ari_moment(live) != 0 &&
           renewal_due_at(live->not_before, live->not_after, &spec->renew_before) > run_now(run);
}

/* ---- what holds it back ---- */

static int64_t lifetime_of(const struct cert_state *state)
{
    return state->live.not_after - state->live.not_before;
}

/* A moment further ahead than the rule could set comes from a clock that was wrong: dropped. */
static bool is_backed_off(const struct run *run, const struct cert_state *state)
{
    const struct stored_failure *failure = &state->failure;
    int64_t now = run_now(run);
    return failure->count > 0 && failure->next_attempt > now &&
           failure->next_attempt <= now + renewal_backoff(failure->count, lifetime_of(state));
}

/* Whether it is about what the nth CA would be asked for. */
static bool is_about(const struct run *run, const struct cert_spec *spec, size_t nth,
                     const struct stored_limit *limit)
{
    return strcmp(limit->directory_url, authority_url_for(run, &spec->cas[nth])) == 0 &&
           (limit->account == NULL || strcmp(limit->account, spec->account) == 0) &&
           (limit->names.count == 0 || identifier_list_same_set(&limit->names, &spec->names));
}

bool due_ca_is_limited(const struct run *run, const struct cert_spec *spec, size_t nth,
                       const struct cert_state *state, struct error *held)
{
    int64_t now = run_now(run), latest = now;
    for (size_t i = 0; !run->force_rate_limit && i < run->limits.count; i++) {
        const struct stored_limit *limit = &run->limits.items[i];
        if (!is_about(run, spec, nth, limit))
            continue;
        int64_t until =
            renewal_limit_until(limit->until, now, state->live.not_before,
                                state->live.generation == 0 ? 0 : state->live.not_after);
        if (until <= latest)
            continue;
        latest = until;
        *held = limit->error;
        held->code = ERR_RATE_LIMITED;
        held->retry_at = until;
        if (held->hint[0] == '\0')
            (void)with_hint(held, "name the certificate and say --force-rate-limit to ask earlier");
    }
    return latest > now;
}

/* All CAs that may be asked say to wait: held is the one that waits least. */
static bool is_limited(const struct run *run, const struct cert_spec *spec,
                       const struct cert_state *state, struct error *held)
{
    struct error least = {0};
    for (size_t i = 0; i < spec->ca_count; i++) {
        struct error one = {0};
        if (!due_ca_is_limited(run, spec, i, state, &one))
            return false;
        if (i == 0 || one.retry_at < least.retry_at)
            least = one;
    }
    *held = least;
    return spec->ca_count > 0;
}

enum due_answer due_judge(const struct run *run, const struct cert_spec *spec,
                          const struct cert_state *state, bool by_hand, struct error *held)
{
    if (!is_wanted(run, spec, state))
        return DUE_NO;
    if (run->settings->dry_run)
        return DUE_YES;
    if (is_limited(run, spec, state, held))
        return DUE_HELD_BACK;
    if (!by_hand && !run->settings->force && is_backed_off(run, state)) {
        *held = state->failure.error;
        held->retry_at = state->failure.next_attempt;
        return DUE_HELD_BACK;
    }
    return DUE_YES;
}

/* ---- stored orders and failures ---- */

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

bool due_order_fits(const struct cert_spec *spec, const struct stored_order *order,
                    const char *directory_url, const char *account_url)
{
    return order->url != NULL && order->request != NULL && is_request(spec, order->request) &&
           is_same(order->directory_url, directory_url) &&
           is_same(order->account_url, account_url) &&
           identifier_list_same_set(&order->names, &spec->names);
}

bool due_remembers(enum err_code code)
{
    switch (code) {
    case ERR_NETWORK:
    case ERR_REFUSED:
    case ERR_RATE_LIMITED:
    case ERR_WEB_SERVER:
        return true;
    case ERR_NONE:
    case ERR_USAGE:
    case ERR_CONFIG:
    case ERR_FILES:
    case ERR_HOOK:
    case ERR_LOCKED:
    case ERR_INTERRUPTED:
    case ERR_TERMINATED:
    case ERR_COUNT:
        return false;
    }
    return false;
}

void due_remember(const struct run *run, struct cert_state *state, const struct error *error)
{
    struct stored_failure *failure = &state->failure;
    failure->count++;
    failure->at = run_now(run);
    failure->next_attempt = failure->at + renewal_backoff(failure->count, lifetime_of(state));
    failure->error = *error;
}

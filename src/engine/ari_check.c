#include <acmec/engine/ari_check.h>

#include <acmec/acme/ari.h>
#include <acmec/base/log.h>
#include <acmec/crypto/digest.h>
#include <acmec/data/timefmt.h>
#include <stdio.h>

static int64_t lifetime_of(const struct stored_live *live)
{
    return live->not_after - live->not_before;
}

/* ---- when ---- */

static bool is_asked_for(const struct stored_ari *ari)
{
    return ari->cert_id[0] != '\0';
}

/* A moment further ahead than any reply could set comes from a clock that was wrong. */
static bool is_time(const struct stored_live *live, const struct stored_ari *ari, int64_t now,
                    bool unasked)
{
    int64_t issued = live->issued_at != 0 ? live->issued_at : live->not_before;
    int64_t next = ari->next_check;
    if (next == 0 && unasked)
        return true;
    if (next == 0)
        next = issued + ari_interval(lifetime_of(live));
    return next <= now || next > now + ARI_RETRY_MAX_S;
}

bool ari_check_is_due(const struct run *run, const struct stored_live *live, bool unasked)
{
    int64_t now = run_now(run);
    /* Before the certificate began the clock is wrong. */
    if (live->generation == 0 || live->revoked || now < live->not_before || live->not_after <= now)
        return false;
    for (size_t i = 0; i < live->pairs; i++)
        if (is_asked_for(&live->ari[i]) && is_time(live, &live->ari[i], now, unasked))
            return true;
    return false;
}

/* ---- what the CA says ---- */

static void note_failure(const struct run *run, const char *name, struct stored_live *live,
                         struct stored_ari *ari, bool transient, const struct error *error)
{
    ari->failures++;
    ari->next_check = ari_next_try(ari->failures, transient, run_now(run), lifetime_of(live));
    log_info("%s: the CA does not say when to renew: %s", name, error->text);
}

/* One draw for each window: drawn at each look, the earliest of many would win. */
static bool take_window(struct stored_ari *ari, const struct ari_window *window, struct error *err)
{
    uint64_t random;
    if (ari->start == window->start && ari->end == window->end)
        return true;
    if (!digest_random(&random, sizeof random, err))
        return false;
    ari->start = window->start;
    ari->end = window->end;
    ari->chosen = ari_choose(window, random);
    return true;
}

static void tell(const struct run *run, const char *name, const struct ari_window *window)
{
    char start[TIMEFMT_MAX], end[TIMEFMT_MAX];
    timefmt_rfc3339(window->start, start);
    timefmt_rfc3339(window->end, end);
    run_progress(run, PROGRESS_NOTICE, name,
                 "the CA suggests to renew between %s and %s, and explains why at %s", start, end,
                 window->explanation);
}

static bool take(struct ari_check *check, struct stored_ari *ari,
                 const struct http_response *response, struct error *err)
{
    struct ari_window window;
    if (!ari_read(response, &window, err))
        return false;
    bool is_news = strcmp(ari->explanation, window.explanation) != 0 || ari->end != window.end;
    if (!take_window(ari, &window, err))
        return false;
    (void)snprintf(ari->explanation, sizeof ari->explanation, "%s", window.explanation);
    if (is_news && window.explanation[0] != '\0')
        tell(check->run, check->name, &window);
    ari->failures = 0;
    ari->next_check = ari_next_check(response, run_now(check->run), lifetime_of(check->live));
    return true;
}

/* ---- exchanges ---- */

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    const struct ari_check *check = owner;
    return ari_request(check->session, check->live->ari[tag].cert_id, out) ||
           fail(err, ERR_NETWORK, "the CA does not offer it");
}

static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct ari_check *check = owner;
    struct stored_ari *ari = &check->live->ari[tag];
    struct error err = {0};
    check->waiting--;
    if (!take(check, ari, response, &err))
        note_failure(check->run, check->name, check->live, ari, response->status >= 500, &err);
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct ari_check *check = owner;
    (void)unreachable;
    check->waiting--;
    note_failure(check->run, check->name, check->live, &check->live->ari[tag], true, error);
}

static const struct exchange_ops ops = {build, reply, lost};

void ari_check_start(struct ari_check *check, struct run *run, const char *name,
                     struct authority *authority, struct stored_live *live)
{
    *check = (struct ari_check){.run = run,
                                .name = name,
                                .session = authority_session(authority),
                                .live = live,
                                .begun = true};
    for (size_t i = 0; i < live->pairs; i++) {
        struct exchange_request request = {
            .ops = &ops, .owner = check, .tag = i, .what = "asking when to renew"};
        if (!authority_has_ari(authority))
            live->ari[i] = (struct stored_ari){0};
        if (!is_asked_for(&live->ari[i]))
            continue;
        check->waiting++;
        exchange_start(authority_lane(authority), &request);
    }
}

bool ari_check_is_over(const struct ari_check *check)
{
    return check->begun && check->waiting == 0;
}

void ari_check_fail(struct run *run, const char *name, struct stored_live *live,
                    const struct error *error)
{
    for (size_t i = 0; i < live->pairs; i++)
        if (is_asked_for(&live->ari[i]))
            note_failure(run, name, live, &live->ari[i], true, error);
}

void ari_check_release(struct ari_check *check)
{
    if (check->begun)
        exchanges_cancel(check->run->exchanges, check);
    *check = (struct ari_check){0};
}

/* prove_persist: dns-persist-01 by a TXT record that a person has put into the zone once
 * (--dns-persist). acmec looks whether it is there, and says what it should be. */
#include <acmec/engine/proof.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/dns_look.h>

struct standing {
    struct proof_answer *answer;
    int64_t now;
    char *account_uri, *name; /* owned */
    struct dns_look *look;
};

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    (void)run;
    (void)spec;
    (void)choice;
    (void)err;
    return true;
}

static bool is_it(void *ctx, struct span text)
{
    const struct standing *standing = ctx;
    const struct persist_offer *offer = &standing->answer->persist;
    const struct persist_want want = {
        .issuers = (const char *const *)offer->issuers,
        .issuer_count = offer->issuer_count,
        .account_uri = standing->account_uri,
        .wildcard = identifier_is_wildcard(&standing->answer->identifier),
        .now = standing->now,
    };
    return persist_allows(text, &want);
}

/* Whether the record that is to be put there should allow the wildcard: one for all names of the
 * certificate. */
static bool wants_wildcard(const struct proof_answer *answer)
{
    const struct identifier_list *names = &answer->spec->names;
    const char *base =
        answer->identifier.value + (identifier_is_wildcard(&answer->identifier) ? 2 : 0);
    for (size_t i = 0; i < names->count; i++)
        if (identifier_is_wildcard(&names->items[i]) &&
            strcmp(names->items[i].value + 2, base) == 0)
            return true;
    return false;
}

/* A DNS that does not know the domain has no say: the CA may see another. */
static void told(void *ctx, enum dns_seen seen)
{
    const struct standing *standing = ctx;
    struct proof_answer *answer = standing->answer;
    if (seen != DNS_NOT_SEEN) {
        if (seen == DNS_BLIND)
            answer->doubt = "could not be looked for: the DNS here does not know the domain";
        proof_answer_ready(answer);
        return;
    }
    struct error err = {0};
    AUTO(buf) text = BUF(PERSIST_RECORD_MAX);
    AUTO(buf) line = BUF(PERSIST_LINE_MAX);
    persist_write(answer->persist.issuers[0], standing->account_uri, wants_wildcard(answer), &text);
    persist_zone_line(standing->name, buf_str(&text), &line);
    (void)fail(&err, ERR_REFUSED, "proving '%s': the DNS has no record that allows it",
               answer->identifier.value);
    (void)with_hint(&err, "put there: %s", buf_str(&line));
    proof_answer_failed(answer, &err);
}

/* Draft -01 says for whom the CA takes us. */
static bool account_uri_of(const struct proof_answer *answer, struct buf *out, struct error *err)
{
    const char *url = session_account_url(answer->session);
    const char *said = answer->persist.account_uri;
    const char *name = answer->identifier.value;
    if (said != NULL && strcmp(said, url) != 0)
        return fail(err, ERR_REFUSED, "the CA wants a record for another account than ours");
    return persist_account_uri(said != NULL ? NULL : session_account_hash_prefix(answer->session),
                               name + (identifier_is_wildcard(&answer->identifier) ? 2 : 0),
                               session_key(answer->session), url, out, err);
}

static bool present(struct run *run, struct proof_answer *answer, bool *ready, struct error *err)
{
    AUTO(buf) account_uri = BUF(PERSIST_RECORD_MAX);
    if (!account_uri_of(answer, &account_uri, err))
        return false;
    if (answer->spec->dns_timeout == 0) {
        answer->doubt = "was not looked for before the CA did (--dns-timeout 0)";
        *ready = true;
        return true;
    }
    struct standing *standing = mem_new(1, sizeof *standing);
    standing->answer = answer;
    standing->now = run_now(run);
    standing->account_uri = buf_take(&account_uri);
    standing->name = persist_name(&answer->identifier);
    const struct dns_look_wish wish = {
        .name = standing->name,
        .is_it = is_it,
        .told = told,
        .ctx = standing,
        .deadline_ms = INT64_MAX,
        .once = true,
    };
    answer->own = standing;
    standing->look = dns_look_new(run, &wish);
    *ready = false;
    return true;
}

/* The record stays. */
static void take_down(struct run *run, struct proof_answer *answer)
{
    struct standing *standing = answer->own;
    (void)run;
    if (standing == NULL)
        return;
    dns_look_free(standing->look);
    free(standing->account_uri);
    free(standing->name);
    free(standing);
}

const struct proof_way prove_persist = {
    .challenge_type = PERSIST_TYPE,
    .wildcards = true,
    .no_addresses = true,
    .check = check,
    .present = present,
    .remove = take_down,
};

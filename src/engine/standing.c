#include <acmec/engine/standing.h>

#include <acmec/acme/persist.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/dns_look.h>
#include <acmec/engine/world.h>
#include <stdlib.h>

/* One record, while the DNS is asked for it. */
struct question {
    struct persist_want want;
    char *account_uri; /* owned; want's */
    struct dns_look *look;
    bool is_over;
    enum dns_seen seen;
};

struct standing {
    struct run *run;
    struct authority *authority; /* that is looked at */
    struct persist_offer offer;  /* its issuer names */
    struct question *questions;  /* one for each record that was added */
    size_t count;
    struct standing_records *out;
};

static void release_record(struct standing_record *record)
{
    free(record->name);
    free(record->value);
    free(record->line);
}

void standing_records_release(struct standing_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        release_record(&records->items[i]);
    free(records->items);
    *records = (struct standing_records){0};
}

static bool wait_until(struct standing *standing, bool (*is_over)(const struct standing *standing),
                       struct error *err)
{
    struct run *run = standing->run;
    while (!is_over(standing)) {
        struct event event = {0};
        if (!world_goes_on(run, err))
            return false;
        world_wait(run, INT64_MAX, &event);
        if (event.kind == EVENT_SIGNAL)
            run->stop_signal = event.signal;
        event_release(&event);
    }
    return true;
}

/* ---- the account ---- */

static bool is_settled(const struct standing *standing)
{
    return authority_is_ready(standing->authority) || authority_error(standing->authority) != NULL;
}

static bool wait_for_account(struct standing *standing, struct error *err)
{
    if (!wait_until(standing, is_settled, err))
        return false;
    const struct error *error = authority_error(standing->authority);
    if (error != NULL)
        *err = *error;
    return error == NULL;
}

static bool read_issuers(struct standing *standing, struct error *err)
{
    const char *issuers = session_persist_issuers(authority_session(standing->authority));
    if (issuers == NULL) {
        (void)fail(err, ERR_REFUSED, "the CA does not say under which name it looks for records");
        return with_hint(err, "it tells that in an order: try --dns-persist, which prints the "
                              "record that is missing");
    }
    persist_offer_split(issuers, &standing->offer);
    return true;
}

/* ---- records ---- */

static const char *base_of(const struct identifier *name)
{
    return name->value + (identifier_is_wildcard(name) ? 2 : 0);
}

/* Whether one of the names is the wildcard of this base. */
static bool has_wildcard(const struct identifier_list *names, const char *base)
{
    for (size_t i = 0; i < names->count; i++)
        if (identifier_is_wildcard(&names->items[i]) &&
            strcmp(base_of(&names->items[i]), base) == 0)
            return true;
    return false;
}

static bool is_first(const struct identifier_list *names, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(base_of(&names->items[i]), base_of(&names->items[index])) == 0)
            return false;
    return true;
}

/* Whether another certificate wants the same. */
static bool is_known(const struct standing_records *records, const char *line)
{
    for (size_t i = 0; i < records->count; i++)
        if (strcmp(records->items[i].line, line) == 0)
            return true;
    return false;
}

static bool add_record(struct standing *standing, const struct identifier *name, bool wildcard,
                       struct error *err)
{
    const struct session *session = authority_session(standing->authority);
    const struct persist_offer *offer = &standing->offer;
    AUTO(buf) account_uri = BUF(PERSIST_RECORD_MAX);
    AUTO(buf) value = BUF(PERSIST_RECORD_MAX);
    AUTO(buf) line = BUF(PERSIST_LINE_MAX);
    if (!persist_account_uri(session_account_hash_prefix(session), base_of(name),
                             session_key(session), session_account_url(session), &account_uri, err))
        return false;
    struct standing_record record = {.name = persist_name(name)};
    persist_write(offer->issuers[0], buf_str(&account_uri), wildcard, &value);
    persist_zone_line(record.name, buf_str(&value), &line);
    record.value = buf_take(&value);
    record.line = buf_take(&line);
    if (is_known(standing->out, record.line)) {
        release_record(&record);
        return true;
    }
    struct standing_records *out = standing->out;
    out->items = mem_resize(out->items, out->count + 1, sizeof *out->items);
    out->items[out->count++] = record;
    struct question *question = &standing->questions[standing->count++];
    question->account_uri = buf_take(&account_uri);
    question->want = (struct persist_want){(const char *const *)offer->issuers, offer->issuer_count,
                                           question->account_uri, wildcard, run_now(standing->run)};
    return true;
}

static bool add_records(struct standing *standing, const struct identifier_list *names,
                        struct error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct identifier *name = &names->items[i];
        if (name->type == IDENTIFIER_DNS && is_first(names, i) &&
            !add_record(standing, name, has_wildcard(names, base_of(name)), err))
            return false;
    }
    return true;
}

static bool add_of_authority(struct standing *standing, const struct identifier_list *names,
                             struct error *err)
{
    return wait_for_account(standing, err) && read_issuers(standing, err) &&
           add_records(standing, names, err);
}

/* All CAs of spec may be asked: each wants a record of its own. One that fails is told, and only
 * where all fail there is nothing to show. */
static bool add_of_all(struct standing *standing, const struct cert_spec *spec,
                       const struct identifier_list *names, struct error *err)
{
    size_t good = 0;
    struct error last = {0};
    for (size_t i = 0; i < spec->ca_count; i++)
        (void)authority_get(standing->run, spec, i, AUTHORITY_FOR_ORDERS);
    for (size_t i = 0; i < spec->ca_count; i++) {
        struct error own = {0};
        standing->authority = authority_get(standing->run, spec, i, AUTHORITY_FOR_ORDERS);
        if (add_of_authority(standing, names, &own))
            good++;
        else if (i + 1 < spec->ca_count || good > 0)
            log_warn("%s: %s", authority_directory_url(standing->authority), own.text);
        if (own.code != ERR_NONE)
            last = own;
        if (!world_goes_on(standing->run, err))
            return false;
    }
    if (good == 0)
        *err = last;
    return good > 0;
}

/* ---- the DNS ---- */

static bool is_it(void *ctx, struct span text)
{
    const struct question *question = ctx;
    return persist_allows(text, &question->want);
}

static void told(void *ctx, enum dns_seen seen)
{
    struct question *question = ctx;
    question->is_over = true;
    question->seen = seen;
}

static bool are_told(const struct standing *standing)
{
    for (size_t i = 0; i < standing->count; i++)
        if (!standing->questions[i].is_over)
            return false;
    return true;
}

static bool look_for_all(struct standing *standing, struct error *err)
{
    static const enum standing_seen words[] = {[DNS_SEEN] = STANDING_THERE,
                                               [DNS_NOT_SEEN] = STANDING_MISSING,
                                               [DNS_BLIND] = STANDING_UNKNOWN};
    struct standing_record *records =
        standing->out->items + (standing->out->count - standing->count);
    for (size_t i = 0; i < standing->count; i++) {
        const struct dns_look_wish wish = {
            .name = records[i].name,
            .is_it = is_it,
            .told = told,
            .ctx = &standing->questions[i],
            .deadline_ms = INT64_MAX,
            .once = true,
        };
        standing->questions[i].look = dns_look_new(standing->run, &wish);
    }
    if (!wait_until(standing, are_told, err))
        return false;
    for (size_t i = 0; i < standing->count; i++)
        records[i].seen = words[standing->questions[i].seen];
    return true;
}

/* ---- the door ---- */

static void release(struct standing *standing)
{
    for (size_t i = 0; i < standing->count; i++) {
        dns_look_free(standing->questions[i].look);
        free(standing->questions[i].account_uri);
    }
    free(standing->questions);
    persist_offer_release(&standing->offer);
}

bool standing_read(struct run *run, const struct cert_spec *spec,
                   const struct identifier_list *names, bool look, struct standing_records *out,
                   struct error *err)
{
    if (!world_open(run, spec->ca_bundle, spec->proxy, err))
        return false;
    struct standing standing = {.run = run, .out = out};
    standing.questions = mem_new(spec->ca_count * names->count + 1, sizeof *standing.questions);
    bool good = add_of_all(&standing, spec, names, err) && (!look || look_for_all(&standing, err));
    release(&standing);
    world_close(run);
    return good;
}

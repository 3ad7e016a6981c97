#include "report_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/crossplane.h>
#include <acmec/data/json.h>
#include <acmec/data/timefmt.h>
#include <jansson.h>

void report_release(struct report *report)
{
    outcome_list_release(&report->certificates);
    account_views_release(&report->accounts);
    profile_views_release(&report->profiles);
    standing_records_release(&report->standing);
    preflight_rows_release(&report->checks);
    check_targets_release(&report->targets);
    nginx_answers_release(&report->answers);
    crossplane_free(report->crossplane);
    buf_release(&report->text);
    *report = (struct report){0};
}

/* ---- exit code ---- */

bool report_needs_person(const struct outcome *outcome, int64_t now)
{
    bool expired = outcome->not_after != 0 && outcome->not_after <= now;
    return expired || outcome->revoked || outcome->deploy_pending ||
           outcome->error.code != ERR_NONE;
}

static bool has_changed(enum outcome_action action)
{
    switch (action) {
    case ACTION_ISSUED:
    case ACTION_RENEWED:
    case ACTION_INSTALLED:
    case ACTION_UNINSTALLED:
    case ACTION_REVOKED:
    case ACTION_DELETED:
    case ACTION_IMPORTED:
        return true;
    case ACTION_NONE:
    case ACTION_NOT_DUE:
    case ACTION_WOULD_ISSUE:
    case ACTION_WOULD_RENEW:
    case ACTION_HELD_BACK:
    case ACTION_DEFERRED:
    case ACTION_FAILED:
    case ACTION_COUNT:
        break;
    }
    return false;
}

struct tally {
    bool changed, succeeded, mixed;
    enum err_code failed; /* ERR_NONE: nothing failed */
};

static void count_failure(struct tally *tally, enum err_code code)
{
    if (tally->failed != ERR_NONE && tally->failed != code)
        tally->mixed = true;
    tally->failed = code;
}

static struct tally count_targets(const struct report *report)
{
    struct tally tally = {0};
    for (size_t i = 0; i < report->targets.count; i++) {
        enum err_code code = report->targets.items[i].error.code;
        if (code != ERR_NONE)
            count_failure(&tally, code);
        else
            tally.succeeded = true;
    }
    return tally;
}

static struct tally count_up(const struct report *report)
{
    struct tally tally = {0};
    if (report->kind == REPORT_CHECK && report->error.code == ERR_NONE)
        return count_targets(report);
    if (report->error.code != ERR_NONE)
        count_failure(&tally, report->error.code);
    for (size_t i = 0; i < report->certificates.count; i++) {
        const struct outcome *outcome = &report->certificates.items[i];
        enum outcome_action action = outcome->action;
        bool tried =
            has_changed(action) || action == ACTION_WOULD_ISSUE || action == ACTION_WOULD_RENEW;
        tally.changed |= has_changed(action);
        if (action == ACTION_DEFERRED)
            continue;
        if (outcome->error.code != ERR_NONE)
            count_failure(&tally, outcome->error.code);
        else
            tally.succeeded |= tried;
    }
    return tally;
}

static bool is_signal(enum err_code code)
{
    return code == ERR_INTERRUPTED || code == ERR_TERMINATED;
}

int report_exit_code(const struct report *report, int64_t now, bool detailed)
{
    if (is_signal(report->error.code) ||
        (report->kind != REPORT_RUN && report->kind != REPORT_CHECK)) {
        if (report->error.code != ERR_NONE)
            return err_exit_code(report->error.code);
        struct error red;
        if (report->kind == REPORT_PREFLIGHT && preflight_error(&report->checks, &red))
            return err_exit_code(red.code);
        for (size_t i = 0; report->kind == REPORT_STATUS && i < report->certificates.count; i++) {
            if (report_needs_person(&report->certificates.items[i], now))
                return REPORT_EXIT_SOME;
        }
        return 0;
    }
    struct tally tally = count_up(report);
    if (tally.failed == ERR_NONE)
        return detailed && tally.changed ? REPORT_EXIT_CHANGED : 0;
    /* `issue` tries one thing: a certificate whose options could not be kept is no success. */
    bool beside_successes = tally.succeeded && !(report->by_hand && report->error.code != ERR_NONE);
    return tally.mixed || beside_successes ? REPORT_EXIT_SOME : err_exit_code(tally.failed);
}

/* ---- JSON ---- */

/* RFC 9773: what the CA suggests. */
static json_t *window_json(const struct outcome *outcome)
{
    if (outcome->window_end == 0)
        return json_null();
    json_t *object = json_object();
    put_time(object, "start", outcome->window_start);
    put_time(object, "end", outcome->window_end);
    put_text(object, "explanation", outcome->explanation);
    return object;
}

static json_t *names_json(const struct identifier_list *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++)
        (void)json_array_append_new(list, json_string(names->items[i].value));
    return list;
}

static json_t *ca_errors_json(const struct outcome *outcome)
{
    json_t *list = json_array();
    for (size_t i = 0; i < outcome->ca_failure_count; i++) {
        json_t *object = json_object();
        put_text(object, "ca", outcome->ca_failures[i].ca);
        put(object, "error", error_json(&outcome->ca_failures[i].error));
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *certificate_json(const struct outcome *outcome)
{
    json_t *object = json_object();
    put_text(object, "name", outcome->name);
    put(object, "domains", names_json(&outcome->domains));
    put_text(object, "action", outcome_action_word(outcome->action));
    put_time(object, "not_before", outcome->not_before);
    put_time(object, "not_after", outcome->not_after);
    put_time(object, "next_renewal", outcome->next_renewal);
    put_text(object, "serial", outcome->serial);
    put_text(object, "issuer", outcome->issuer);
    put_text(object, "live", outcome->live);
    put(object, "due", json_boolean(outcome->due));
    put(object, "deploy_pending", json_boolean(outcome->deploy_pending));
    json_t *installed = json_array();
    for (size_t i = 0; i < outcome->installed_count; i++) {
        json_t *row = json_object();
        put_text(row, "nginx", outcome->installed[i]);
        (void)json_array_append_new(installed, row);
    }
    put(object, "installed", installed);
    put(object, "dropped", names_json(&outcome->dropped));
    put(object, "error", error_json(&outcome->error));
    put(object, "reused_proof", json_boolean(outcome->reused_proof));
    put_text(object, "profile", outcome->profile);
    put(object, "revoked", json_boolean(outcome->revoked));
    put(object, "renewal_window", window_json(outcome));
    put_text(object, "ca", outcome->ca);
    put(object, "ca_errors", ca_errors_json(outcome));
    return object;
}

static json_t *texts_json(char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *account_json(const struct account_view *account)
{
    json_t *object = json_object();
    put_text(object, "ca", account->ca);
    put_text(object, "account", account->account);
    put_text(object, "url", account->url);
    put_text(object, "status", account->status);
    put_text(object, "contact", account->contact);
    put_text(object, "thumbprint", account->thumbprint);
    put(object, "caa", texts_json(account->caa, account->caa_count));
    put(object, "orders",
        account->has_orders ? texts_json(account->orders, account->order_count) : json_null());
    return object;
}

static json_t *answer_json(const struct nginx_answer *answer)
{
    json_t *object = json_object();
    put_text(object, "address", answer->address);
    put(object, "tls", json_boolean(answer->tls));
    put_text(object, "file", answer->file);
    put(object, "line", json_integer(answer->line));
    put_text(object, "by", answer->by);
    json_put_str(object, "server_name", answer->server_name);
    put(object, "quic", json_boolean(answer->quic));
    return object;
}

static void put_answers(const struct report *report, json_t *document)
{
    json_t *answers = json_array();
    for (size_t i = 0; i < report->answers.count; i++)
        (void)json_array_append_new(answers, answer_json(&report->answers.items[i]));
    put_text(document, "name", report->answers.name);
    put(document, "answers", answers);
}

static void put_standing(const struct standing_records *records, json_t *document)
{
    json_t *list = json_array();
    for (size_t i = 0; i < records->count; i++) {
        const struct standing_record *record = &records->items[i];
        json_t *object = json_object();
        put_text(object, "name", record->name);
        put_text(object, "value", record->value);
        put_text(object, "line", record->line);
        put(object, "there",
            record->seen <= STANDING_UNKNOWN ? json_null()
                                             : json_boolean(record->seen == STANDING_THERE));
        (void)json_array_append_new(list, object);
    }
    put(document, "records", list);
}

static void put_profiles(const struct profile_views *profiles, json_t *document)
{
    json_t *list = json_array();
    for (size_t i = 0; i < profiles->count; i++) {
        json_t *object = json_object();
        put_text(object, "name", profiles->items[i].name);
        put_text(object, "description", profiles->items[i].description);
        (void)json_array_append_new(list, object);
    }
    put_text(document, "ca", profiles->ca);
    put(document, "profiles", list);
}

/* What is wrong with the first server that something is wrong with is the error of a check, the
 * first red row that of a preflight. */
static struct error whole_error(const struct report *report)
{
    struct error error = report->error;
    if (error.code == ERR_NONE)
        (void)preflight_error(&report->checks, &error);
    for (size_t i = 0; i < report->targets.count && error.code == ERR_NONE; i++) {
        const struct check_target *target = &report->targets.items[i];
        error = target->error;
        if (error.code != ERR_NONE)
            (void)while_doing(&error, "%s%s%s", target->place.host,
                              target->address[0] == 0 ? "" : " at ", target->address);
    }
    return error;
}

void report_json(const struct report *report, int exit_code, struct buf *out)
{
    json_t *document = json_object();
    put_text(document, "acmec", ACMEC_VERSION);
    put_text(document, "command", report->command);
    put(document, "ok", json_boolean(exit_code == 0 || exit_code == REPORT_EXIT_CHANGED));
    put(document, "exit_code", json_integer(exit_code));
    json_t *certificates = json_array();
    for (size_t i = 0; i < report->certificates.count; i++)
        (void)json_array_append_new(certificates, certificate_json(&report->certificates.items[i]));
    put(document, "certificates", certificates);
    struct error error = whole_error(report);
    put(document, "error", error_json(&error));
    if (report->kind == REPORT_ACCOUNTS || report->kind == REPORT_THUMBPRINT) {
        json_t *accounts = json_array();
        for (size_t i = 0; i < report->accounts.count; i++)
            (void)json_array_append_new(accounts, account_json(&report->accounts.items[i]));
        put(document, "accounts", accounts);
    }
    if (report->kind == REPORT_STANDING)
        put_standing(&report->standing, document);
    if (report->kind == REPORT_PROFILES)
        put_profiles(&report->profiles, document);
    if (report->kind == REPORT_PREFLIGHT)
        report_put_checks(&report->checks, document);
    if (report->kind == REPORT_CHECK)
        report_put_targets(&report->targets, document);
    if (report->kind == REPORT_WHICH)
        put_answers(report, document);
    if (report->kind == REPORT_PARSE)
        crossplane_put(report->crossplane, document);
    if (report->kind == REPORT_DIFF)
        put_text(document, "diff", buf_str(&report->text));
    if (report->kind == REPORT_TEXT)
        put_text(document, "text", buf_str(&report->text));
    json_write(document, out);
    buf_add_byte(out, '\n');
    json_decref(document);
}

#include "summary_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/timefmt.h>
#include <stdio.h>
#include <string.h>

struct date {
    char text[TIMEFMT_MAX];
};

/* "2026-11-23", or "-" for unknown. */
static struct date date_of(int64_t when)
{
    struct date date = {"-"};
    if (when != 0) {
        timefmt_rfc3339(when, date.text);
        date.text[strcspn(date.text, "T")] = 0;
    }
    return date;
}

static struct date moment(int64_t when)
{
    struct date date = {"-"};
    if (when != 0)
        timefmt_rfc3339(when, date.text);
    return date;
}

/* ---- errors ---- */

void summary_error(const char *name, const struct error *error, bool color, struct buf *errors)
{
    paint(errors, color, RED, "acmec:");
    if (name != NULL)
        buf_addf(errors, " %s:", name);
    buf_addf(errors, " %s\n", error->text);
    if (error->hint[0] != 0)
        buf_addf(errors, "  hint: %s\n", error->hint);
    else if (error->retry_at != 0)
        buf_addf(errors, "  hint: not before %s\n", moment(error->retry_at).text);
}

static void add_held_back(const struct outcome *outcome, bool color, struct buf *errors)
{
    struct error error = outcome->error;
    if (error.retry_at == 0)
        (void)while_doing(&error, "held back");
    else
        (void)while_doing(&error, "held back until %s", moment(error.retry_at).text);
    error.retry_at = 0;
    if (error.hint[0] == 0)
        with_hint(&error, "--force tries now");
    summary_error(outcome->name, &error, color, errors);
}

/* ---- a run ---- */

static size_t count_of(const struct report *report, enum outcome_action action)
{
    size_t count = 0;
    for (size_t i = 0; i < report->certificates.count; i++)
        count += report->certificates.items[i].action == action ? 1 : 0;
    return count;
}

static void add_installed(const struct outcome *outcome, const char *before, struct buf *out)
{
    buf_add_str(out, before);
    for (size_t i = 0; i < outcome->installed_count; i++)
        buf_addf(out, " %s", escaped_str(outcome->installed[i]).text);
}

static void add_done(const struct outcome *outcome, const struct summary_style *style,
                     struct buf *out)
{
    const char *reused = outcome->reused_proof ? "; the CA relied on an earlier proof" : "";
    AUTO(buf) without = BUF(1024);
    for (size_t i = 0; i < outcome->dropped.count; i++)
        buf_addf(&without, "%s%s", i == 0 ? "; without " : ", ", outcome->dropped.items[i].value);
    switch (outcome->action) {
    case ACTION_ISSUED:
    case ACTION_RENEWED:
        paint(out, style->color, GREEN, outcome->action == ACTION_ISSUED ? "issued" : "renewed");
        buf_addf(out, " %s: valid until %s%s%s%s", outcome->name, date_of(outcome->not_after).text,
                 outcome->live == NULL ? "" : ", in ", outcome->live == NULL ? "" : outcome->live,
                 buf_str(&without));
        if (outcome->action == ACTION_ISSUED && outcome->installed_count > 0)
            add_installed(outcome, ", served by nginx:", out);
        buf_add_byte(out, '\n');
        break;
    case ACTION_REVOKED:
    case ACTION_DELETED:
        paint(out, style->color, GREEN, outcome_action_word(outcome->action));
        buf_addf(out, " %s\n", outcome->name);
        break;
    case ACTION_WOULD_ISSUE:
        buf_addf(out, "dry run: %s would be issued%s%s\n", outcome->name, reused,
                 buf_str(&without));
        break;
    case ACTION_WOULD_RENEW:
        buf_addf(out, "dry run: %s would be renewed%s%s\n", outcome->name, reused,
                 buf_str(&without));
        break;
    case ACTION_INSTALLED:
    case ACTION_UNINSTALLED:
        paint(out, style->color, GREEN, outcome_action_word(outcome->action));
        buf_addf(out, " %s", outcome->name);
        add_installed(outcome, ":", out);
        buf_add_byte(out, '\n');
        break;
    case ACTION_NONE:
    case ACTION_NOT_DUE:
    case ACTION_HELD_BACK:
    case ACTION_DEFERRED:
    case ACTION_FAILED:
    case ACTION_IMPORTED:
    case ACTION_COUNT:
        break;
    }
}

/* "nothing due", where nothing was tried at all and somebody wants to know. */
static void add_nothing_due(const struct report *report, const struct summary_style *style,
                            struct buf *out)
{
    const struct outcome_list *list = &report->certificates;
    size_t not_due = count_of(report, ACTION_NOT_DUE);
    if (report->error.code != ERR_NONE || not_due != list->count ||
        (!report->by_hand && !style->terminal))
        return;
    if (list->count == 0) {
        buf_add_str(out, "no certificates yet: 'acmec issue -d NAME' obtains one\n");
        return;
    }
    const struct outcome *next = &list->items[0];
    for (size_t i = 1; i < list->count; i++) {
        if (list->items[i].next_renewal < next->next_renewal)
            next = &list->items[i];
    }
    if (list->count == 1)
        buf_addf(out, "nothing to do: %s is valid until %s, its next renewal is on %s\n",
                 next->name, date_of(next->not_after).text, date_of(next->next_renewal).text);
    else
        buf_addf(out, "nothing due: %zu certificates, the next is %s on %s\n", list->count,
                 next->name, date_of(next->next_renewal).text);
}

/* One line that counts, where some of several failed or had to wait. */
static void add_totals(const struct report *report, struct buf *errors)
{
    static const enum outcome_action shown[] = {
        ACTION_ISSUED, ACTION_RENEWED,   ACTION_WOULD_ISSUE, ACTION_WOULD_RENEW,
        ACTION_FAILED, ACTION_HELD_BACK, ACTION_DEFERRED,    ACTION_NOT_DUE};
    size_t bad = count_of(report, ACTION_FAILED) + count_of(report, ACTION_HELD_BACK) +
                 count_of(report, ACTION_DEFERRED);
    if (bad == 0 || report->certificates.count < 2)
        return;
    buf_add_str(errors, "acmec: ");
    bool first = true;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        size_t count = count_of(report, shown[i]);
        if (count == 0)
            continue;
        buf_addf(errors, "%s%zu %s", first ? "" : ", ", count, outcome_action_word(shown[i]));
        first = false;
    }
    buf_add_byte(errors, '\n');
}

static void write_run(const struct report *report, const struct summary_style *style,
                      struct buf *out, struct buf *errors)
{
    for (size_t i = 0; i < report->certificates.count; i++) {
        const struct outcome *outcome = &report->certificates.items[i];
        if (!style->quiet)
            add_done(outcome, style, out);
        if (outcome->action == ACTION_DEFERRED || outcome->error.code == ERR_NONE)
            continue;
        if (outcome->action == ACTION_HELD_BACK)
            add_held_back(outcome, style->color_error, errors);
        else
            summary_error(outcome->name, &outcome->error, style->color_error, errors);
    }
    if (!style->quiet)
        add_nothing_due(report, style, out);
    add_totals(report, errors);
}

/* ---- what there is ---- */

struct summary_state summary_state(const struct outcome *outcome, int64_t now)
{
    if (outcome->not_after != 0 && outcome->not_after <= now)
        return (struct summary_state){"expired", ""};
    if (outcome->revoked)
        return (struct summary_state){"revoked", ""};
    if (outcome->deploy_pending)
        return (struct summary_state){"deploy pending", ""};
    if (outcome->error.code != ERR_NONE)
        return (struct summary_state){"failing: ", err_word(outcome->error.code)};
    if (outcome->not_after == 0)
        return (struct summary_state){"not issued", ""};
    return (struct summary_state){outcome->due ? "due" : "valid", ""};
}

static const char *state_color(const struct outcome *outcome, int64_t now)
{
    if (report_needs_person(outcome, now))
        return RED;
    return outcome->due || outcome->not_after == 0 ? YELLOW : GREEN;
}

static void add_names(const struct outcome *outcome, char *text, size_t size)
{
    if (outcome->domains.count == 0)
        (void)snprintf(text, size, "-");
    else if (outcome->domains.count == 1)
        (void)snprintf(text, size, "%s", outcome->domains.items[0].value);
    else
        (void)snprintf(text, size, "%s +%zu", outcome->domains.items[0].value,
                       outcome->domains.count - 1);
}

static void add_state(const struct outcome *outcome, const struct summary_style *style,
                      struct buf *out)
{
    struct summary_state state = summary_state(outcome, style->now);
    char text[64];
    (void)snprintf(text, sizeof text, "%s%s", state.word, state.class);
    paint(out, style->color, state_color(outcome, style->now), text);
    buf_add_byte(out, '\n');
}

static int wider(int width, size_t len)
{
    return len > (size_t)width ? (int)len : width;
}

static void write_table(const struct report *report, const struct summary_style *style,
                        struct buf *out)
{
    const struct outcome_list *list = &report->certificates;
    char names[IDENTIFIER_MAX + 32];
    int name_width = 4;
    int names_width = 5;
    for (size_t i = 0; i < list->count; i++) {
        add_names(&list->items[i], names, sizeof names);
        name_width = wider(name_width, strlen(list->items[i].name));
        names_width = wider(names_width, strlen(names));
    }
    if (list->count == 0 && style->terminal)
        buf_add_str(out, "no certificates yet: 'acmec issue -d NAME' obtains one\n");
    if (list->count == 0)
        return;
    buf_addf(out, "%-*s  %-*s  %-10s  %-10s  STATE\n", name_width, "NAME", names_width, "NAMES",
             "EXPIRES", "RENEWAL");
    for (size_t i = 0; i < list->count; i++) {
        const struct outcome *outcome = &list->items[i];
        add_names(outcome, names, sizeof names);
        buf_addf(out, "%-*s  %-*s  %-10s  %-10s  ", name_width, outcome->name, names_width, names,
                 date_of(outcome->not_after).text, date_of(outcome->next_renewal).text);
        add_state(outcome, style, out);
    }
}

static void add_time_row(struct buf *out, const char *label, int64_t when, int64_t now)
{
    char relative[TIMEFMT_MAX];
    char text[2 * TIMEFMT_MAX + 8];
    timefmt_relative(when, now, relative);
    (void)snprintf(text, sizeof text, "%s (%s)", moment(when).text, relative);
    add_row(out, label, when == 0 ? "-" : text);
}

static void write_detail(const struct outcome *outcome, const struct summary_style *style,
                         struct buf *out)
{
    paint(out, style->color, BOLD, outcome->name);
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < outcome->domains.count; i++)
        add_row(out, i == 0 ? "names" : "", outcome->domains.items[i].value);
    for (size_t i = 0; i < outcome->dropped.count; i++)
        add_row(out, i == 0 ? "left out" : "", outcome->dropped.items[i].value);
    buf_addf(out, "  %-13s ", "state");
    add_state(outcome, style, out);
    add_time_row(out, "valid from", outcome->not_before, style->now);
    add_time_row(out, "valid until", outcome->not_after, style->now);
    add_time_row(out, "next renewal", outcome->next_renewal, style->now);
    for (size_t i = 0; i < outcome->installed_count; i++)
        add_row(out, i == 0 ? "nginx" : "", escaped_str(outcome->installed[i]).text);
    add_row(out, "CA", outcome->ca);
    if (outcome->window_end != 0) {
        AUTO_FREE window = mem_printf("%s to %s", moment(outcome->window_start).text,
                                      moment(outcome->window_end).text);
        add_row(out, "CA suggests", window);
    }
    if (outcome->explanation[0] != 0)
        add_row(out, "the CA says", outcome->explanation);
    if (outcome->profile[0] != 0)
        add_row(out, "profile", outcome->profile);
    add_row(out, "issuer", outcome->issuer);
    add_row(out, "serial", outcome->serial);
    add_row(out, "files", outcome->live);
    if (outcome->error.code == ERR_NONE)
        return;
    add_row(out, "last failure", outcome->error.text);
    if (outcome->error.hint[0] != 0)
        add_row(out, "hint", outcome->error.hint);
    if (outcome->error.retry_at != 0)
        add_time_row(out, "next attempt", outcome->error.retry_at, style->now);
}

static void write_status(const struct report *report, const struct summary_style *style,
                         struct buf *out)
{
    const struct outcome_list *list = &report->certificates;
    size_t bad = 0;
    int64_t next = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct outcome *outcome = &list->items[i];
        bad += report_needs_person(outcome, style->now) ? 1 : 0;
        if (next == 0 || (outcome->next_renewal != 0 && outcome->next_renewal < next))
            next = outcome->next_renewal;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (report_needs_person(&list->items[i], style->now))
            write_detail(&list->items[i], style, out);
    }
    if (style->quiet)
        return;
    buf_addf(out, "%zu %s, ", list->count, list->count == 1 ? "certificate" : "certificates");
    if (bad == 0 && next == 0)
        buf_add_str(out, "all well\n");
    else if (bad == 0)
        buf_addf(out, "all well, the next renewal is on %s\n", date_of(next).text);
    else
        buf_addf(out, "%zu of them %s a person\n", bad, bad == 1 ? "needs" : "need");
}

static void add_caa(const struct account_view *account, struct buf *out)
{
    for (size_t i = 0; i < account->caa_count; i++) {
        AUTO_FREE record = mem_printf("example.com. CAA %s", account->caa[i]);
        add_row(out, "CAA record", record);
    }
}

static void write_thumbprint(const struct report *report, struct buf *out)
{
    for (size_t i = 0; i < report->accounts.count; i++)
        buf_addf(out, "%s\n", report->accounts.items[i].thumbprint);
}

static void write_profiles(const struct profile_views *profiles, const struct summary_style *style,
                           struct buf *out)
{
    int width = 0;
    for (size_t i = 0; i < profiles->count; i++)
        width = wider(width, strlen(profiles->items[i].name));
    for (size_t i = 0; i < profiles->count; i++) {
        const struct profile_view *profile = &profiles->items[i];
        bool described = profile->description[0] != 0;
        buf_addf(out, "%-*s%s%s\n", described ? width : 0, profile->name, described ? "  " : "",
                 profile->description);
    }
    if (profiles->count == 0 && profiles->ca != NULL && !style->quiet)
        buf_addf(out, "%s offers no profiles\n", profiles->ca);
}

/* Lines of a zone file; after a look each with what was found. */
static void write_standing(const struct standing_records *records, struct buf *out)
{
    static const char *const words[] = {[STANDING_UNKNOWN] = "unknown: ",
                                        [STANDING_MISSING] = "missing: ",
                                        [STANDING_THERE] = "there: ",
                                        [STANDING_UNASKED] = ""};
    if (records->count == 0)
        buf_add_str(out, "no certificate is proved so; -d NAME says for which names\n");
    for (size_t i = 0; i < records->count; i++)
        buf_addf(out, "%s%s\n", words[records->items[i].seen],
                 escaped_str(records->items[i].line).text);
}

static void write_accounts(const struct report *report, const struct summary_style *style,
                           struct buf *out)
{
    for (size_t i = 0; i < report->accounts.count; i++) {
        const struct account_view *account = &report->accounts.items[i];
        paint(out, style->color, BOLD, account->ca);
        buf_add_byte(out, '\n');
        add_row(out, "account", account->account);
        add_row(out, "url", account->url);
        add_row(out, "status", account->status);
        add_row(out, "contact", account->contact);
        add_row(out, "thumbprint", account->thumbprint);
        add_caa(account, out);
        if (account->has_orders) {
            AUTO_FREE count = mem_printf("%zu", account->order_count);
            add_row(out, "orders", count);
        }
    }
    if (report->accounts.count == 0 && report->error.code == ERR_NONE && style->terminal)
        buf_add_str(out, "no accounts yet: 'acmec account register' makes one\n");
}

/* ADDRESS FILE:LINE BY NAME */
static void write_answers(const struct report *report, struct buf *out)
{
    for (size_t i = 0; i < report->answers.count; i++) {
        const struct nginx_answer *answer = &report->answers.items[i];
        const char *name = answer->server_name == NULL ? "-" : answer->server_name;
        buf_addf(out, "%s%s ", escaped_str(answer->address).text, answer->quic ? "/udp" : "");
        buf_addf(out, "%s:%u %s", escaped_str(answer->file).text, answer->line, answer->by);
        buf_addf(out, " %s\n", name[0] == 0 ? "\"\"" : escaped_str(name).text);
    }
}

void summary_write(const struct report *report, const struct summary_style *style, struct buf *out,
                   struct buf *errors)
{
    if (report->error.code != ERR_NONE)
        summary_error(NULL, &report->error, style->color_error, errors);
    switch (report->kind) {
    case REPORT_RUN:
        write_run(report, style, out, errors);
        return;
    case REPORT_LIST:
        write_table(report, style, out);
        return;
    case REPORT_DETAIL:
        for (size_t i = 0; i < report->certificates.count; i++)
            write_detail(&report->certificates.items[i], style, out);
        return;
    case REPORT_STATUS:
        if (report->error.code == ERR_NONE)
            write_status(report, style, out);
        return;
    case REPORT_ACCOUNTS:
        write_accounts(report, style, out);
        return;
    case REPORT_THUMBPRINT:
        write_thumbprint(report, out);
        return;
    case REPORT_PROFILES:
        write_profiles(&report->profiles, style, out);
        return;
    case REPORT_STANDING:
        write_standing(&report->standing, out);
        return;
    case REPORT_PREFLIGHT:
        summary_checks(report, style, out, errors);
        return;
    case REPORT_CHECK:
        summary_targets(report, style, out, errors);
        return;
    case REPORT_WHICH:
        write_answers(report, out);
        return;
    case REPORT_PARSE:
        return;
    case REPORT_DIFF:
    case REPORT_TEXT:
        buf_add_span(out, buf_span(&report->text));
        return;
    }
}

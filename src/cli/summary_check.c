/* check and preflight as text. */
#include "summary_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/timefmt.h>
#include <string.h>

#define TEXT_MAX (64 * 1024)
#define WIDTH 96

/* "example.com", "example.com at 192.0.2.1:443". */
static char *title(const struct check_target *target)
{
    return mem_printf("%s%s%s", target->place.host, target->address[0] == 0 ? "" : " at ",
                      target->address);
}

static void write_versions(const struct check_target *target, struct buf *out)
{
    AUTO(buf) text = BUF(TEXT_MAX);
    buf_add_str(&text, tls_version_word(target->version));
    bool others = false;
    for (enum tls_version version = TLS_VERSION_COUNT - 1; version > TLS_VERSION_ANY; version--) {
        if (!target->offers[version] || version == target->version)
            continue;
        buf_addf(&text, "%s%s", others ? ", " : "; offers also ", tls_version_word(version));
        others = true;
    }
    add_row(out, "protocol", buf_str(&text));
}

static void write_cert(const char *label, const struct check_cert *cert, int64_t now,
                       struct buf *out)
{
    AUTO(buf) names = BUF(TEXT_MAX);
    char until[TIMEFMT_MAX], relative[TIMEFMT_MAX];
    for (size_t i = 0; i < cert->names.count; i++)
        buf_addf(&names, "%s%s", i == 0 ? "" : ", ", cert->names.items[i].value);
    timefmt_rfc3339(cert->not_after, until);
    timefmt_relative(cert->not_after, now, relative);
    AUTO_FREE dates = mem_printf("until %s (%s)", until, relative);
    add_row(out, label, buf_str(&names));
    add_row(out, "", dates);
    add_row(out, "", cert->key);
    AUTO_FREE serial = mem_printf("serial %s", cert->serial);
    add_row(out, "", serial);
}

static void write_chain(const struct check_target *target, int64_t now, struct buf *out)
{
    AUTO(buf) path = BUF(TEXT_MAX);
    if (target->chain_count == 0)
        return;
    write_cert("certificate", &target->chain[0], now, out);
    if (target->second != NULL)
        write_cert("second", target->second, now, out);
    for (size_t i = 0; i < target->chain_count; i++)
        buf_addf(&path, "%s%s", i == 0 ? "" : ", ", target->chain[i].issuer);
    add_row(out, "issued by", buf_str(&path));
    AUTO_FREE trusted = mem_printf("yes, by %s", target->anchor);
    add_row(out, "trusted", target->trusted ? trusted : "no");
    AUTO_FREE live = mem_printf("live/%s", target->live == NULL ? "" : target->live);
    add_row(out, "is", target->live == NULL ? "none of acmec's" : live);
    add_row(out, "stapled OCSP", target->stapled ? "yes" : "no");
}

static void write_web(const struct check_target *target, struct buf *out)
{
    if (target->redirect != NULL) {
        AUTO_FREE text = mem_printf("redirects to %s", target->redirect);
        add_row(out, "http", text);
    } else if (target->http_status != 0) {
        AUTO_FREE text = mem_printf("answers %ld, no redirect", target->http_status);
        add_row(out, "http", text);
    }
    add_row(out, "HSTS", target->hsts == NULL ? "no" : target->hsts);
}

/* A line of the story, broken at spaces; what follows stands as far in as its first word. */
static void write_story(const char *line, struct buf *out)
{
    int indent = (int)strspn(line, " ");
    size_t column = (size_t)indent;
    buf_addf(out, "  %*s", indent, "");
    for (const char *at = line + indent; *at != 0;) {
        size_t word = strcspn(at, " ");
        size_t gap = strspn(at + word, " ");
        buf_add(out, at, word);
        at += word + gap;
        column += word + gap;
        bool is_full = *at != 0 && column + strcspn(at, " ") > WIDTH;
        if (is_full)
            buf_addf(out, "\n  %*s", indent + 2, "");
        else if (*at != 0)
            buf_addf(out, "%*s", (int)gap, "");
        column = is_full ? (size_t)indent + 2 : column;
    }
    buf_add_byte(out, '\n');
}

static void write_target(const struct check_target *target, const struct summary_style *style,
                         struct buf *out)
{
    AUTO_FREE head = title(target);
    paint(out, style->color, BOLD, head);
    buf_add_byte(out, '\n');
    if (target->version != TLS_VERSION_ANY) {
        write_versions(target, out);
        add_row(out, "cipher suite", target->cipher);
        add_row(out, "key exchange",
                target->group[0] == 0 ? "none: by the certificate's key" : target->group);
        add_row(out, "ALPN", target->alpn);
        write_chain(target, style->now, out);
        write_web(target, out);
    }
    for (size_t i = 0; i < target->problems.count; i++) {
        paint(out, style->color, RED, "  problem");
        buf_addf(out, "       %s\n", target->problems.items[i]);
    }
    if (target->problems.count == 0) {
        paint(out, style->color, GREEN, "  all well");
        buf_add_byte(out, '\n');
    }
    if (target->story.count > 0)
        buf_add_byte(out, '\n');
    for (size_t i = 0; i < target->story.count; i++)
        write_story(target->story.items[i], out);
}

void summary_targets(const struct report *report, const struct summary_style *style,
                     struct buf *out, struct buf *errors)
{
    for (size_t i = 0; i < report->targets.count; i++) {
        const struct check_target *target = &report->targets.items[i];
        AUTO_FREE name = title(target);
        if (!style->quiet && i > 0)
            buf_add_byte(out, '\n');
        if (!style->quiet)
            write_target(target, style, out);
        else if (target->error.code != ERR_NONE)
            summary_error(name, &target->error, style->color_error, errors);
    }
}

/* ---- preflight ---- */

static void write_check(const struct preflight_row *row, bool color, struct buf *out)
{
    buf_add_str(out, "  ");
    paint(out, color, row->ok ? GREEN : RED, row->ok ? "ok  " : "FAIL");
    buf_addf(out, "  %-10s  %s\n", preflight_word(row->kind), row->detail);
    if (row->hint[0] != 0)
        buf_addf(out, "                    hint: %s\n", row->hint);
}

/* Red rows alone, for --quiet. */
static void write_red(const struct preflight_row *row, bool color, struct buf *errors)
{
    struct error error;
    struct preflight_rows one = {.items = (struct preflight_row *)row, .count = 1};
    if (preflight_error(&one, &error))
        summary_error(NULL, &error, color, errors);
}

void summary_checks(const struct report *report, const struct summary_style *style, struct buf *out,
                    struct buf *errors)
{
    const char *name = "";
    size_t red = 0;
    for (size_t i = 0; i < report->checks.count; i++) {
        const struct preflight_row *row = &report->checks.items[i];
        red += row->ok ? 0 : 1;
        if (style->quiet) {
            write_red(row, style->color_error, errors);
            continue;
        }
        if (strcmp(row->name, name) != 0) {
            paint(out, style->color, BOLD, row->name);
            buf_add_byte(out, '\n');
        }
        name = row->name;
        write_check(row, style->color, out);
    }
    if (style->quiet || report->checks.count == 0)
        return;
    if (red == 0)
        buf_add_str(out, "issuance should work\n");
    else
        buf_addf(out, "issuance would fail: %zu of %zu checks are red\n", red,
                 report->checks.count);
}

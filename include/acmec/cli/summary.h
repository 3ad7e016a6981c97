/* summary: a report as text for people: what belongs on standard output, and what on standard
 * error. All foreign text in a report has passed data/escape. Pure. */
#ifndef ACMEC_CLI_SUMMARY_H
#define ACMEC_CLI_SUMMARY_H

#include <acmec/cli/report.h>

struct summary_style {
    int64_t now;
    bool quiet;       /* errors only; what was asked for (list, help) is still shown */
    bool terminal;    /* a person watches: say also that there was nothing to do */
    bool color;       /* on standard output */
    bool color_error; /* on standard error */
};

/* Appends both texts. */
void summary_write(const struct report *report, const struct summary_style *style, struct buf *out,
                   struct buf *errors);

/* "acmec: NAME: TEXT", and a line with the hint; name NULL: concerns none. */
void summary_error(const char *name, const struct error *error, bool color, struct buf *errors);

/* The state of a stored certificate in a few words: "valid", "due", "expired", "failing: network",
 * "deploy pending", "not issued". Static. */
struct summary_state {
    const char *word;
    const char *class; /* of the failure, or "" */
};
struct summary_state summary_state(const struct outcome *outcome, int64_t now);

#endif

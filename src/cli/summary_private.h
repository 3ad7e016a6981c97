/* summary_private.h: what the sources of cli/summary share: colours and rows, and what the others
 * write. */
#ifndef ACMEC_CLI_SUMMARY_PRIVATE_H
#define ACMEC_CLI_SUMMARY_PRIVATE_H

#include <acmec/cli/summary.h>

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static inline void paint(struct buf *out, bool color, const char *code, const char *text)
{
    buf_addf(out, "%s%s%s", color ? code : "", text, color ? PLAIN : "");
}

static inline void add_row(struct buf *out, const char *label, const char *text)
{
    buf_addf(out, "  %-13s %s\n", label, text == NULL || text[0] == 0 ? "-" : text);
}

/* The whole of preflight, and of check. */
void summary_checks(const struct report *report, const struct summary_style *style, struct buf *out,
                    struct buf *errors);
void summary_targets(const struct report *report, const struct summary_style *style,
                     struct buf *out, struct buf *errors);

#endif

/* report: what a command has to say when it is done, and the exit code that goes with it.
 *
 * A handler fills a struct report; report_json makes the one document of --json out of it,
 * report_exit_code the code of design section 4. Text for people is made by cli/summary. With
 * cli/crossplane the only room of the command line with jansson. Pure. */
#ifndef ACMEC_CLI_REPORT_H
#define ACMEC_CLI_REPORT_H

#include <acmec/base/buf.h>
#include <acmec/data/outcome.h>
#include <acmec/engine/engine.h>
#include <acmec/engine/nginx_read.h>

#define REPORT_MAX (512 * 1024 * 1024)
#define REPORT_EXIT_SOME 1
#define REPORT_EXIT_CHANGED 10

/* What kind of answer it is: which text is made of the outcomes, and how the exit code counts. */
enum report_kind {
    REPORT_RUN,    /* issue, renew: what was done */
    REPORT_LIST,   /* list: a table; stored failures do not count */
    REPORT_DETAIL, /* list CERT */
    REPORT_STATUS, /* status: exits 1 if a certificate needs a person */
    REPORT_ACCOUNTS,
    REPORT_THUMBPRINT, /* of the one account: for scripts */
    REPORT_PROFILES,
    REPORT_STANDING,  /* dns-persist */
    REPORT_PREFLIGHT, /* preflight: red or green */
    REPORT_CHECK,     /* check: what was found at servers; their problems count */
    REPORT_WHICH,     /* nginx which */
    REPORT_PARSE,     /* nginx parse: JSON, asked for or not */
    REPORT_DIFF,      /* install --diff: the text is what would change */
    REPORT_TEXT       /* help, completion, version: the text itself */
};

struct crossplane;

struct report {
    enum report_kind kind;
    const char *command; /* "renew", "account show"; borrowed; NULL: none was understood */
    bool by_hand;        /* issue: "nothing to do" is worth a line without a terminal, too */
    struct outcome_list certificates;
    struct account_views accounts;
    struct profile_views profiles;
    struct standing_records standing;
    struct preflight_rows checks;
    struct check_targets targets;
    struct nginx_answers answers;
    struct crossplane *crossplane; /* owned */
    struct buf text;               /* REPORT_TEXT, REPORT_DIFF */
    struct error error;            /* what concerns no single certificate; ERR_NONE: nothing */
};

void report_release(struct report *report);

/* The class if everything that was tried failed in that class, 1 if some failed otherwise, 0, or 10
 * with detailed when something changed. What fails beside the one certificate of an issue by hand
 * is that failure. For REPORT_CHECK a target counts as a
 * certificate does. */
int report_exit_code(const struct report *report, int64_t now, bool detailed);

/* Whether a person should look at it: expired, failing, or not deployed. */
bool report_needs_person(const struct outcome *outcome, int64_t now);

/* Appends the document with a final newline. */
void report_json(const struct report *report, int exit_code, struct buf *out);

#endif

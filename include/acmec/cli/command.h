/* command: the table of commands. main looks the word up here, opens what the row needs, and calls
 * its handler; help and completion are made from the same rows. */
#ifndef ACMEC_CLI_COMMAND_H
#define ACMEC_CLI_COMMAND_H

#include <acmec/base/error.h>
#include <acmec/cli/option.h>

struct context;

/* Does the work and fills context->report. False: what concerns no single certificate. */
typedef bool (*command_handler)(struct context *context, struct error *err);

struct command {
    const char *name;
    const char *operands; /* after the name in the usage line, "" for none */
    const char *words;    /* comma-separated words that the first operand may be, "" for any */
    size_t operands_min, operands_max;
    unsigned groups; /* options that it accepts */
    bool needs_engine;
    command_handler handler;
    const char *summary; /* one line */
    const char *details; /* further lines of its help, "" for none */
};

extern const struct command *const command_rows;
size_t command_count(void);
/* NULL: no such command. */
const struct command *command_find(const char *name);
/* ERR_USAGE that names the nearest known one. */
bool command_unknown(const char *name, struct error *err);
bool command_accepts(const struct command *command, enum option_id id);

/* The handlers, one cmd_*.c each. */
bool cmd_issue(struct context *context, struct error *err);
bool cmd_renew(struct context *context, struct error *err);
bool cmd_install(struct context *context, struct error *err);
bool cmd_uninstall(struct context *context, struct error *err);
bool cmd_list(struct context *context, struct error *err);
bool cmd_status(struct context *context, struct error *err);
bool cmd_preflight(struct context *context, struct error *err);
bool cmd_check(struct context *context, struct error *err);
bool cmd_account(struct context *context, struct error *err);
bool cmd_revoke(struct context *context, struct error *err);
bool cmd_delete(struct context *context, struct error *err);
bool cmd_profiles(struct context *context, struct error *err);
bool cmd_dns_persist(struct context *context, struct error *err);
bool cmd_nginx(struct context *context, struct error *err);
bool cmd_help(struct context *context, struct error *err);
bool cmd_completion(struct context *context, struct error *err);
bool cmd_version(struct context *context, struct error *err);

#endif

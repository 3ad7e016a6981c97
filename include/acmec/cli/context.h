/* context: one run of the program, from its command line to its report: what is given, the folders,
 * acmec.conf, the opened engine, the terminal. Handlers work on it. */
#ifndef ACMEC_CLI_CONTEXT_H
#define ACMEC_CLI_CONTEXT_H

#include <acmec/cli/args.h>
#include <acmec/cli/ask.h>
#include <acmec/cli/config.h>
#include <acmec/cli/progress.h>
#include <acmec/cli/report.h>
#include <acmec/engine/engine.h>

struct context {
    struct args args;
    struct option_set weak;     /* renew: options that a certificate's own file outweighs */
    struct option_set defaults; /* acmec.conf */
    char *config_dir, *state_dir;
    char *words;      /* "acmec renew", for the lock's holder */
    char *dns_server; /* --dns-server with its port, or NULL */
    struct engine *engine;
    struct ask ask;
    struct progress *progress;
    struct report report;
    bool logging; /* --log */
};

/* Fills context->args; what args_parse says. Release it in either case. */
bool context_parse(struct context *context, int argc, char **argv, struct error *err) MUST_USE;
void context_release(struct context *context);

/* Finds the folders, reads acmec.conf, opens the log, sets up progress and questions, and opens
 * the engine. Writes nothing but the log. */
bool context_open(struct context *context, struct error *err) MUST_USE;

/* From the command line alone, then acmec.conf. */
bool context_flag(const struct context *context, enum option_id id);
struct option_layers context_layers(const struct context *context);

/* Reads certs/NAME.conf into out (released by the caller), a missing one as an empty set. */
bool context_read_conf(const struct context *context, const char *name, struct option_set *out,
                       bool *found, struct error *err) MUST_USE;
/* What the certificate should be by command line, certs/NAME.conf, acmec.conf and defaults. Names
 * may be none. */
bool context_spec(const struct context *context, const char *name, struct cert_spec *out,
                  struct error *err) MUST_USE;
/* The same for the engine's looks at many; ctx is the context. ERR_CONFIG where there are no names.
 */
bool context_load_spec(void *ctx, const char *name, struct cert_spec *out, struct error *err);

/* Whether standard error is a terminal that may be drawn on, and whether fd may have colours. */
bool context_has_terminal(void);
bool context_has_color(const struct context *context, int fd);

#endif

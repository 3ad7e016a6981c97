/* engine: issue and renew certificates, list them, register accounts. The door of floor 5: the
 * command line knows nothing below it but data and base.
 *
 * It never reads options or parses configuration text: a cert_spec comes in, finished. It never
 * prints: outcomes and progress events go out. It asks a person only through engine_questions. */
#ifndef ACMEC_ENGINE_ENGINE_H
#define ACMEC_ENGINE_ENGINE_H

#include <acmec/base/buf.h>
#include <acmec/data/check_target.h>
#include <acmec/data/outcome.h>
#include <acmec/data/preflight_rows.h>
#include <acmec/data/spec.h>

#define ENGINE_CONF_MAX (64 * 1024)

/* Questions to a person; NULL functions where there is no terminal. No lock is held meanwhile. */
struct engine_questions {
    bool (*confirm)(void *ctx, const char *question);
    char *(*line)(void *ctx, const char *question); /* owned answer; NULL: none */
    void *ctx;
};

struct engine_settings {
    const char *config_dir, *state_dir; /* absolute */
    const char *command;                /* "acmec renew": for the lock's holder and messages */
    int64_t wait_seconds;               /* for locks; 0: not at all */
    unsigned jobs;                      /* orders in flight; default 16 */
    int64_t timeout_ms;  /* for proof and issuance of one certificate; default 5 min */
    unsigned max_orders; /* 0: no cap */
    bool yes;
    bool dry_run, force, force_rate_limit, all;
    const char *proxy;      /* NULL: from the environment */
    const char *dns_server; /* ADDRESS:PORT, or NULL: the system's resolvers */
    struct engine_questions questions;
    struct progress_sink progress;
};

struct engine;

/* Opens both folders (creates nothing). Strings are borrowed until engine_close. */
bool engine_open(const struct engine_settings *settings, struct engine **out, struct error *err)
    MUST_USE;
void engine_close(struct engine *engine);

/* ---- configuration text, for cli/config ---- */

/* Appends the text of certs/NAME.conf, or of acmec.conf for NULL. path: owned, for messages. */
bool engine_read_conf(struct engine *engine, const char *name, struct buf *text, char **path,
                      bool *found, struct error *err) MUST_USE;
bool engine_write_conf(struct engine *engine, const char *name, struct span text, struct error *err)
    MUST_USE;
/* Names of all certificates in byte order; owned array of owned strings. */
bool engine_list_names(struct engine *engine, char ***names, size_t *count, struct error *err)
    MUST_USE;
/* The name of the certificate whose live or configured set of names is exactly this one, by the
 * state files alone; found false: none. */
bool engine_find_by_names(struct engine *engine, const struct identifier_list *names,
                          char out[static CERT_NAME_MAX + 1], bool *found, struct error *err)
    MUST_USE;

/* Fills spec's names, and what tells the request apart, from the file at spec->csr. ERR_FILES,
 * ERR_USAGE: what csr_read says. */
bool engine_read_csr(struct engine *engine, struct cert_spec *spec, struct error *err) MUST_USE;

/* ---- the main job ---- */

/* One certificate, by hand. Failure memory does not hold it back, rate-limit memory does. Returns
 * false for what concerns no certificate (CA unreachable, account); else out has one outcome, with
 * its error if it failed. spec->name is set ("" is not allowed). */
bool engine_issue(struct engine *engine, const struct cert_spec *spec, struct outcome_list *out,
                  struct error *err) MUST_USE;

/* How the engine gets the spec of a certificate that it must look at closer. */
struct spec_source {
    bool (*load)(void *ctx, const char *name, struct cert_spec *out, struct error *err);
    void *ctx;
};

/* All certificates (count 0) or the named ones, which must exist (ERR_USAGE). What is not due costs
 * one read of a state file and two stats. One outcome each. Returns false as engine_issue does, and
 * out still has all outcomes (deferred ones too). */
bool engine_renew(struct engine *engine, const char *const *names, size_t count,
                  const struct spec_source *source, struct outcome_list *out, struct error *err)
    MUST_USE;

/* The stored truth about all (or the named) certificates, with the stored failure in error. */
bool engine_list(struct engine *engine, const char *const *names, size_t count,
                 const struct spec_source *source, struct outcome_list *out, struct error *err)
    MUST_USE;

/* ---- servers ---- */
struct check_request {
    const struct check_place *places;
    size_t count;
    const char *ca_bundle; /* roots that count beside the system's, or NULL */
    bool explain;          /* tell the handshakes */
};
/* Looks at every address of each place; what is wrong with a server is its target's error. */
bool engine_check(struct engine *engine, const struct check_request *request,
                  struct check_targets *out, struct error *err) MUST_USE;

struct preflight_request {
    struct cert_spec *spec; /* as engine_issue's; how it is proved is filled in */
    const char *nginx_conf; /* --nginx-conf, or NULL */
};
/* Whether engine_issue would work: one row for each question, red or green. */
bool engine_preflight(struct engine *engine, const struct preflight_request *request,
                      struct preflight_rows *out, struct error *err) MUST_USE;

/* ---- nginx ---- */

/* Puts an issued certificate into nginx, or takes it out again. Adds one outcome, with its error.
 * diff not NULL: shows there what would change, as a unified diff, and changes nothing. */
bool engine_install(struct engine *engine, const struct cert_spec *spec, struct buf *diff,
                    struct outcome_list *out, struct error *err) MUST_USE;
bool engine_uninstall(struct engine *engine, const struct cert_spec *spec, struct outcome_list *out,
                      struct error *err) MUST_USE;

/* ---- accounts ---- */
struct account_view {
    char *ca;      /* directory URL */
    char *account; /* "default" */
    char *url;     /* NULL unknown */
    char *status;  /* NULL unknown */
    char *contact; /* comma-separated, NULL none */
    char *thumbprint;
    char **caa; /* values of CAA records that let this account alone order (RFC 8657) */
    size_t caa_count;
    char **orders; /* URLs, escaped */
    size_t order_count;
    bool has_orders; /* the CA was asked, and offers a list */
};
struct account_views {
    struct account_view *items;
    size_t count;
};
/* view: taken. */
void account_views_add(struct account_views *views, const struct account_view *view);
void account_views_release(struct account_views *views);

/* All accounts as they are stored; no CA is asked. */
bool engine_account_show(struct engine *engine, struct account_views *out, struct error *err)
    MUST_USE;

enum account_act {
    ACCOUNT_ACT_ASK,       /* what the CA says of it, with its orders where the CA lists them */
    ACCOUNT_ACT_REGISTER,  /* or find */
    ACCOUNT_ACT_UPDATE,    /* spec's email becomes its contacts */
    ACCOUNT_ACT_ROLLOVER,  /* a new key of the same type */
    ACCOUNT_ACT_DEACTIVATE /* for ever: asks a person, or wants settings.yes */
};
/* Does it with the account that spec's server and account name; out has it alone, also on failure.
 * A CA that cannot be asked about an account that is stored is no failure of ASK, but a notice. */
bool engine_account_act(struct engine *engine, enum account_act act, const struct cert_spec *spec,
                        struct account_views *out, struct error *err) MUST_USE;

/* ---- standing records (dns-persist-01) ---- */
/* UNASKED: nobody looked. UNKNOWN: the DNS does not know the domain. */
enum standing_seen { STANDING_UNASKED, STANDING_UNKNOWN, STANDING_MISSING, STANDING_THERE };
struct standing_record {
    char *name;  /* owned; without the last dot */
    char *value; /* owned; of the TXT record */
    char *line;  /* owned; both as a line of a zone file */
    enum standing_seen seen;
};
struct standing_records {
    struct standing_record *items;
    size_t count;
};
void standing_records_release(struct standing_records *records);
/* Appends the records that let spec's account order for names (those of spec that are DNS names),
 * one for a base name and its wildcard, at each of spec's CAs; accounts are registered where there
 * are none. look: asks the DNS whether a record that allows as much is there. ERR_REFUSED: the CA
 * does not say its name. A CA that fails beside others is a warning. */
bool engine_standing_records(struct engine *engine, const struct cert_spec *spec,
                             const struct identifier_list *names, bool look,
                             struct standing_records *out, struct error *err) MUST_USE;

/* ---- ends ---- */
struct revocation {
    const char *name;      /* a certificate of acmec's, or NULL */
    const char *cert_file; /* else a file with any certificate, PEM */
    const char *key_file;  /* its private key, which signs; NULL: the account does */
    const char *reason;    /* a word, RFC 5280's or hyphenated; NULL: none is given */
};
/* Has it revoked by its CA, for ever; asks a person, or wants settings.yes (ERR_USAGE). A
 * certificate that is revoked already is none the worse. spec: server, account and how to reach
 * them. out: one outcome; false: what concerns no certificate. */
bool engine_revoke(struct engine *engine, const struct revocation *revocation,
                   const struct cert_spec *spec, struct outcome_list *out, struct error *err)
    MUST_USE;
/* Takes a certificate out of CONFIG_DIR and STATE_DIR, keys and all; asks as engine_revoke does.
 * ERR_WEB_SERVER while nginx refers to it. nginx_conf NULL: that of each nginx that is found. */
bool engine_delete(struct engine *engine, const char *name, const char *nginx_conf,
                   struct outcome_list *out, struct error *err) MUST_USE;

/* ---- what a CA offers ---- */
struct profile_view {
    char *name, *description; /* escaped */
};
struct profile_views {
    char *ca; /* directory URL */
    struct profile_view *items;
    size_t count;
};
void profile_views_release(struct profile_views *views);
/* The profiles of spec's CA, by its directory alone; none is no error. */
bool engine_profiles(struct engine *engine, const struct cert_spec *spec, struct profile_views *out,
                     struct error *err) MUST_USE;

/* ---- nginx ---- */

/* The main configuration of the nginx that acmec works with: that of the master that runs, else of
 * the binary that is installed (io/nginx_control). *path: owned, absolute. */
bool engine_nginx_conf(struct engine *engine, char **path, struct error *err) MUST_USE;

/* A child of our own, which no person starts: an argv[1] that is none of the command line's. Does
 * its work: *exit_code, or another program. False: it is none. */
bool engine_be_child(int argc, char **argv, int *exit_code);

#endif

/* outcome: what became of one certificate in one run, and the events on the way. Plain data: the
 * engine fills it, cli/report and cli/progress show it as text, lines or JSON. */
#ifndef ACMEC_DATA_OUTCOME_H
#define ACMEC_DATA_OUTCOME_H

#include <acmec/base/error.h>
#include <acmec/data/identifier.h>

/* X(id, word): "action" in JSON, design section 4. */
#define ACTIONS(X)                                                                                 \
    X(NONE, "none")                                                                                \
    X(ISSUED, "issued")                                                                            \
    X(RENEWED, "renewed")                                                                          \
    X(NOT_DUE, "not-due")                                                                          \
    X(WOULD_ISSUE, "would-issue")                                                                  \
    X(WOULD_RENEW, "would-renew")                                                                  \
    X(HELD_BACK, "held-back")                                                                      \
    X(DEFERRED, "deferred")                                                                        \
    X(FAILED, "failed")                                                                            \
    X(INSTALLED, "installed")                                                                      \
    X(UNINSTALLED, "uninstalled")                                                                  \
    X(REVOKED, "revoked")                                                                          \
    X(DELETED, "deleted")                                                                          \
    X(IMPORTED, "imported")

#define ACTION_AS_ENUM(id, word) ACTION_##id,
enum outcome_action { ACTIONS(ACTION_AS_ENUM) ACTION_COUNT };
#undef ACTION_AS_ENUM

const char *outcome_action_word(enum outcome_action action);

/* A CA that could not or would not, and why. */
struct ca_failure {
    char *ca; /* owned directory URL */
    struct error error;
};

struct outcome {
    char name[CERT_NAME_MAX + 1];
    struct identifier_list domains; /* of the live certificate, else of the conf */
    enum outcome_action action;
    int64_t not_before, not_after, next_renewal; /* Unix seconds, 0 = unknown */
    char serial[64];                             /* lower-case hex, "" = unknown */
    char issuer[256];                            /* escaped, "" = unknown */
    char **installed; /* owned: files of the web server that were edited for it */
    size_t installed_count;
    char *live; /* owned absolute path, NULL = none */
    bool due;
    bool deploy_pending;
    struct identifier_list dropped; /* asked for, but the CA left them out */
    char *ca;                       /* owned directory URL, NULL = unknown */
    struct ca_failure *ca_failures; /* owned: those tried before another one stood in */
    size_t ca_failure_count;
    bool revoked;
    char profile[128];                /* what the CA says, escaped, "" = unknown */
    int64_t window_start, window_end; /* in which the CA suggests to renew; 0 = unknown */
    char explanation[256];            /* the CA's URL about it, escaped, "" = none */
    bool reused_proof;                /* a dry run in which the CA took an old proof */
    struct error error;               /* code ERR_NONE: none */
};

/* All copied. */
void outcome_add_ca_failure(struct outcome *outcome, const char *ca, const struct error *error);
/* Once each. */
void outcome_add_installed(struct outcome *outcome, const char *file);
void outcome_release(struct outcome *outcome);

struct outcome_list {
    struct outcome *items;
    size_t count, capacity;
};

/* Appends a zeroed one with this name; borrowed until the next add. */
struct outcome *outcome_list_add(struct outcome_list *list, const char *name);
void outcome_list_release(struct outcome_list *list);

/* What is happening to a certificate now. */
enum progress_kind {
    PROGRESS_STARTED,  /* an order begins */
    PROGRESS_STEP,     /* detail says which: "proving 3 names" */
    PROGRESS_FINISHED, /* outcome is set */
    PROGRESS_NOTICE    /* something a person should know; detail has it, name may be "" */
};

struct progress_event {
    enum progress_kind kind;
    const char *name;              /* borrowed */
    const char *detail;            /* borrowed, escaped, or NULL */
    const struct outcome *outcome; /* borrowed, or NULL */
};

struct progress_sink {
    void (*event)(void *ctx, const struct progress_event *event);
    void *ctx;
};

#endif

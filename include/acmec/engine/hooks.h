/* hooks: programs of the administrator around issuance (design section 4, "Hooks and scripts").
 *
 * Files in hooks/KIND run first, in name order, directly; then the command given as an option, by
 * /bin/sh -c. Nothing that a CA or a server said becomes part of a command line; in the environment
 * it is escaped. Every hook of a call runs; the first failure is the call's error (ERR_HOOK). */
#ifndef ACMEC_ENGINE_HOOKS_H
#define ACMEC_ENGINE_HOOKS_H

#include <acmec/engine/run.h>

#define HOOK_TIMEOUT_S 600
#define HOOK_OUTPUT_MAX (64 * 1024)

/* X(id, word): the folder below CONFIG_DIR/hooks. */
#define HOOK_KINDS(X)                                                                              \
    X(PRE, "pre")                                                                                  \
    X(DEPLOY, "deploy")                                                                            \
    X(POST, "post")                                                                                \
    X(FAILED, "failed")

#define HOOK_AS_ENUM(id, word) HOOK_##id,
enum hook_kind { HOOK_KINDS(HOOK_AS_ENUM) HOOK_KIND_COUNT };
#undef HOOK_AS_ENUM

struct hook_call {
    enum hook_kind kind;
    bool with_folder;    /* hooks/KIND too */
    const char *command; /* NULL: none */
    int64_t timeout_s;
    /* What they are told; NULL where it means nothing. */
    const char *name;
    const struct identifier_list *domains;
    const char *live;
    const char *error;
    /* error NULL: all went well. Called once, perhaps before hooks_call returns. */
    void (*done)(void *ctx, const struct error *error);
    void *ctx;
};

struct hooks *hooks_new(struct run *run);
void hooks_free(struct hooks *hooks);

/* Whether a call would run anything: files in hooks/KIND, or a command. */
bool hooks_has(struct hooks *hooks, enum hook_kind kind, const char *command);
void hooks_call(struct hooks *hooks, const struct hook_call *call);
/* Forgets the calls with this ctx: done comes no more, and no further hook of theirs is started. */
void hooks_cancel(struct hooks *hooks, const void *ctx);
/* Takes an EVENT_CHILD; false: it is not a hook's. */
bool hooks_take(struct hooks *hooks, const struct event *event);

#endif

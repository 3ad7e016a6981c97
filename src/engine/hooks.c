#include <acmec/engine/hooks.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/environment.h>
#include <acmec/engine/verdict.h>
#include <acmec/io/hook_dir.h>

struct chain {
    struct chain *next;
    enum hook_kind kind;
    struct name_list programs; /* absolute paths, then the command at the end */
    bool has_command;
    size_t position;
    uint64_t child; /* of the one that runs */
    unsigned timeout_ms;
    struct environment environment;
    bool over;
    struct error error;
    void (*done)(void *ctx, const struct error *error);
    void *ctx;
};

struct hooks {
    struct run *run;
    struct chain *chains;
};

#define HOOK_AS_WORD(id, word) word,
static const char *const kind_words[] = {HOOK_KINDS(HOOK_AS_WORD)};
#undef HOOK_AS_WORD

struct hooks *hooks_new(struct run *run)
{
    struct hooks *hooks = mem_new(1, sizeof *hooks);
    hooks->run = run;
    return hooks;
}

static void chain_free(struct chain *chain)
{
    name_list_release(&chain->programs);
    environment_release(&chain->environment);
    free(chain);
}

void hooks_free(struct hooks *hooks)
{
    if (hooks == NULL)
        return;
    while (hooks->chains != NULL) {
        struct chain *chain = hooks->chains;
        hooks->chains = chain->next;
        chain_free(chain);
    }
    free(hooks);
}

/* ---- the environment ---- */

static struct environment environment_of(const struct hook_call *call)
{
    struct environment env = environment_new();
    AUTO(buf) domains = BUF((size_t)IDENTIFIERS_MAX * (IDENTIFIER_MAX + 1));
    for (size_t i = 0; call->domains != NULL && i < call->domains->count; i++)
        buf_addf(&domains, "%s%s", i == 0 ? "" : " ", call->domains->items[i].value);
    bool failed = call->kind == HOOK_FAILED;
    environment_set(&env, "ACMEC_NAME", call->name);
    environment_set(&env, "ACMEC_DOMAINS", call->domains == NULL ? NULL : buf_str(&domains));
    environment_set(&env, "ACMEC_LIVE", call->live);
    environment_set(&env, "ACMEC_ERROR", call->error);
    environment_set(&env, "RENEWED_LINEAGE", failed ? NULL : call->live);
    environment_set(&env, failed ? "FAILED_DOMAINS" : "RENEWED_DOMAINS",
                    call->domains == NULL ? NULL : buf_str(&domains));
    return env;
}

/* ---- running ---- */

static void remember(struct chain *chain, const struct error *error)
{
    log_info("%s", error->text);
    if (chain->error.code == ERR_NONE)
        chain->error = *error;
}

static bool start_next(struct hooks *hooks, struct chain *chain, struct error *err)
{
    struct run *run = hooks->run;
    const char *program = chain->programs.items[chain->position];
    bool is_command = chain->has_command && chain->position + 1 == chain->programs.count;
    const char *const shell[] = {"/bin/sh", "-c", program, NULL};
    const char *const direct[] = {program, NULL};
    struct spawn_request request = {
        .path = is_command ? shell[0] : program,
        .argv = is_command ? shell : direct,
        .envp = (const char *const *)chain->environment.entries,
        .timeout_ms = chain->timeout_ms,
        .output_max = HOOK_OUTPUT_MAX,
    };
    chain->child = ++run->last_child;
    return run->ports->spawn->ops->start(run->ports->spawn, chain->child, &request, err) ||
           while_doing(err, "running the %s hook '%s'", kind_words[chain->kind], program);
}

/* Starts the next program that can be started, or ends the chain. */
static void go_on(struct hooks *hooks, struct chain *chain)
{
    for (; chain->position < chain->programs.count; chain->position++) {
        struct error err = {0};
        if (start_next(hooks, chain, &err))
            return;
        err.code = ERR_HOOK;
        remember(chain, &err);
    }
    chain->over = true;
    chain->child = 0;
    chain->done(chain->ctx, chain->error.code == ERR_NONE ? NULL : &chain->error);
}

static bool collect(struct hooks *hooks, enum hook_kind kind, struct name_list *out,
                    struct error *err)
{
    AUTO_FREE dir = store_hooks_dir(hooks->run->store, kind_words[kind]);
    return hook_dir_list(dir, out, err);
}

bool hooks_has(struct hooks *hooks, enum hook_kind kind, const char *command)
{
    AUTO(name_list) found = {0};
    struct error ignored = {0};
    return command != NULL || !collect(hooks, kind, &found, &ignored) || found.count > 0;
}

void hooks_call(struct hooks *hooks, const struct hook_call *call)
{
    struct chain *chain = mem_new(1, sizeof *chain);
    chain->next = hooks->chains;
    hooks->chains = chain;
    chain->kind = call->kind;
    chain->done = call->done;
    chain->ctx = call->ctx;
    chain->timeout_ms = (unsigned)(call->timeout_s > 0 ? call->timeout_s : HOOK_TIMEOUT_S) * 1000;
    struct error err = {0};
    if (call->with_folder && !collect(hooks, call->kind, &chain->programs, &err)) {
        err.code = ERR_HOOK;
        remember(chain, &err);
    }
    if (call->command != NULL) {
        struct name_list *list = &chain->programs;
        list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
        list->items[list->count++] = mem_strdup(call->command);
        chain->has_command = true;
    }
    chain->environment = environment_of(call);
    go_on(hooks, chain);
}

void hooks_cancel(struct hooks *hooks, const void *ctx)
{
    for (struct chain *chain = hooks->chains; chain != NULL; chain = chain->next)
        if (chain->ctx == ctx)
            chain->over = true;
}

static void judge(struct chain *chain, const struct spawn_result *result)
{
    AUTO_FREE what = mem_printf("the %s hook '%s'", kind_words[chain->kind],
                                chain->programs.items[chain->position]);
    struct error err = {0};
    if (!verdict(what, result, &err))
        remember(chain, &err);
}

bool hooks_take(struct hooks *hooks, const struct event *event)
{
    for (struct chain *chain = hooks->chains; chain != NULL; chain = chain->next) {
        if (chain->over || chain->child != event->id)
            continue;
        judge(chain, &event->child);
        chain->position++;
        go_on(hooks, chain);
        return true;
    }
    return false;
}

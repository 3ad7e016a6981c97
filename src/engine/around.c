#include <acmec/engine/around.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/hooks.h>

/* One thing that runs once. command NULL: the folder. */
struct once {
    struct once *next;
    char *command;
    int64_t timeout_s;
    bool started, over;
    struct error error;
};

struct around {
    struct run *run;
    struct once *before, *after;
};

struct around *around_new(struct run *run)
{
    struct around *around = mem_new(1, sizeof *around);
    around->run = run;
    return around;
}

static void free_list(struct once *list)
{
    while (list != NULL) {
        struct once *once = list;
        list = once->next;
        free(once->command);
        free(once);
    }
}

void around_free(struct around *around)
{
    if (around == NULL)
        return;
    free_list(around->before);
    free_list(around->after);
    free(around);
}

static struct once *find_or_add(struct once **list, const char *command, int64_t timeout_s)
{
    struct once **link = list;
    for (; *link != NULL; link = &(*link)->next) {
        const char *known = (*link)->command;
        if (known == command || (known != NULL && command != NULL && strcmp(known, command) == 0))
            return *link;
    }
    *link = mem_new(1, sizeof **link);
    (*link)->command = mem_strdup(command);
    (*link)->timeout_s = timeout_s;
    return *link;
}

static void done(void *ctx, const struct error *error)
{
    struct once *once = ctx;
    once->over = true;
    if (error != NULL)
        once->error = *error;
}

static enum around_answer ask(struct around *around, enum hook_kind kind, struct once *once,
                              struct error *error)
{
    if (!once->started) {
        struct hook_call call = {
            .kind = kind,
            .with_folder = once->command == NULL,
            .command = once->command,
            .timeout_s = once->timeout_s,
            .done = done,
            .ctx = once,
        };
        once->started = true;
        hooks_call(around->run->hooks, &call);
    }
    if (!once->over)
        return AROUND_WAIT;
    if (once->error.code == ERR_NONE)
        return AROUND_GO;
    *error = once->error;
    return AROUND_FAILED;
}

enum around_answer around_before(struct around *around, const struct cert_spec *spec,
                                 struct error *error)
{
    (void)find_or_add(&around->after, NULL, spec->hook_timeout);
    if (spec->post_hook != NULL)
        (void)find_or_add(&around->after, spec->post_hook, spec->hook_timeout);
    enum around_answer answer =
        ask(around, HOOK_PRE, find_or_add(&around->before, NULL, spec->hook_timeout), error);
    if (answer != AROUND_GO || spec->pre_hook == NULL)
        return answer;
    struct once *once = find_or_add(&around->before, spec->pre_hook, spec->hook_timeout);
    return ask(around, HOOK_PRE, once, error);
}

enum around_answer around_after(struct around *around, struct error *error)
{
    enum around_answer worst = AROUND_GO;
    for (struct once *once = around->after; once != NULL; once = once->next) {
        enum around_answer answer = ask(around, HOOK_POST, once, error);
        if (answer == AROUND_WAIT)
            return AROUND_WAIT;
        if (answer == AROUND_FAILED)
            worst = AROUND_FAILED;
    }
    return worst;
}

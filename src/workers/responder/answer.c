#include "answer.h"

#include <acmec/base/mem.h>
#include <stdlib.h>

#define PREFIX "/.well-known/acme-challenge/"

void answers_release(struct answers *answers)
{
    for (size_t i = 0; i < answers->count; i++)
        free(answers->items[i]);
    free(answers->items);
    *answers = (struct answers){0};
}

static size_t position_of(const struct answers *answers, struct span token)
{
    size_t i = 0;
    while (i < answers->count && !span_is(token, answers->items[i]->token))
        i++;
    return i;
}

bool answers_add(struct answers *answers, const struct wire_answer *answer)
{
    size_t i = position_of(answers, span_str(answer->token));
    if (i == answers->count) {
        if (answers->count == ANSWERS_MAX)
            return false;
        answers->items = mem_resize(answers->items, i + 1, sizeof *answers->items);
        answers->items[i] = mem_new(1, sizeof **answers->items);
        answers->count++;
    }
    *answers->items[i] = *answer;
    return true;
}

void answers_remove(struct answers *answers, const char *token)
{
    size_t i = position_of(answers, span_str(token));
    if (i == answers->count)
        return;
    free(answers->items[i]);
    answers->items[i] = answers->items[--answers->count];
}

const struct wire_answer *answers_find(const struct answers *answers, const char *target)
{
    if (strncmp(target, PREFIX, sizeof PREFIX - 1) != 0)
        return NULL;
    const char *token = target + sizeof PREFIX - 1;
    size_t i = position_of(answers, span_of(token, strcspn(token, "?")));
    return i == answers->count ? NULL : answers->items[i];
}

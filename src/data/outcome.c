#include <acmec/data/outcome.h>

#include <acmec/base/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

#define ACTION_AS_WORD(id, word) [ACTION_##id] = (word),

const char *outcome_action_word(enum outcome_action action)
{
    static const char *const words[ACTION_COUNT] = {ACTIONS(ACTION_AS_WORD)};
    return words[action];
}

struct outcome *outcome_list_add(struct outcome_list *list, const char *name)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? FIRST_CAPACITY : list->capacity * 2;
        list->items = mem_resize(list->items, list->capacity, sizeof(*list->items));
    }
    struct outcome *item = &list->items[list->count++];
    *item = (struct outcome){0};
    (void)snprintf(item->name, sizeof(item->name), "%s", name);
    return item;
}

void outcome_add_ca_failure(struct outcome *outcome, const char *ca, const struct error *error)
{
    size_t count = outcome->ca_failure_count;
    outcome->ca_failures =
        mem_resize(outcome->ca_failures, count + 1, sizeof *outcome->ca_failures);
    outcome->ca_failures[count] = (struct ca_failure){mem_strdup(ca), *error};
    outcome->ca_failure_count++;
}

void outcome_release(struct outcome *outcome)
{
    identifier_list_release(&outcome->domains);
    identifier_list_release(&outcome->dropped);
    for (size_t i = 0; i < outcome->installed_count; i++)
        free(outcome->installed[i]);
    free(outcome->installed);
    free(outcome->live);
    free(outcome->ca);
    for (size_t i = 0; i < outcome->ca_failure_count; i++)
        free(outcome->ca_failures[i].ca);
    free(outcome->ca_failures);
    *outcome = (struct outcome){0};
}

void outcome_add_installed(struct outcome *outcome, const char *file)
{
    for (size_t i = 0; i < outcome->installed_count; i++)
        if (strcmp(outcome->installed[i], file) == 0)
            return;
    outcome->installed =
        mem_resize(outcome->installed, outcome->installed_count + 1, sizeof *outcome->installed);
    outcome->installed[outcome->installed_count++] = mem_strdup(file);
}

void outcome_list_release(struct outcome_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        outcome_release(&list->items[i]);
    free(list->items);
    *list = (struct outcome_list){0};
}

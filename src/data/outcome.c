#include <acmec/data/outcome.h>

#include <acmec/base/mem.h>
#include <stdio.h>
#include <stdlib.h>

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

void outcome_list_release(struct outcome_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        identifier_list_release(&list->items[i].domains);
        free(list->items[i].live);
    }
    free(list->items);
    *list = (struct outcome_list){0};
}

#include <acmec/io/events.h>

#include <acmec/base/mem.h>
#include <stdlib.h>

struct event_entry {
    struct event_entry *next;
    struct event event;
};

void events_push(struct events *events, struct event *event)
{
    struct event_entry *entry = mem_new(1, sizeof *entry);
    entry->event = *event;
    *event = (struct event){0};
    if (events->last == NULL)
        events->first = entry;
    else
        events->last->next = entry;
    events->last = entry;
}

bool events_pop(struct events *events, struct event *out)
{
    struct event_entry *entry = events->first;
    if (entry == NULL)
        return false;
    events->first = entry->next;
    if (events->first == NULL)
        events->last = NULL;
    *out = entry->event;
    free(entry);
    return true;
}

void events_release(struct events *events)
{
    struct event event;
    while (events_pop(events, &event))
        event_release(&event);
}

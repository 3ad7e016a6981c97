/* events: what has happened and not been told yet, first in, first out. */
#ifndef ACMEC_IO_EVENTS_H
#define ACMEC_IO_EVENTS_H

#include <acmec/data/ports.h>

struct events {
    struct event_entry *first, *last;
};

/* Takes the event's contents. */
void events_push(struct events *events, struct event *event);
/* False: nothing has happened. */
bool events_pop(struct events *events, struct event *out);
void events_release(struct events *events);

#endif

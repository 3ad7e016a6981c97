#include <acmec/data/ports.h>

#include <stdlib.h>

void event_release(struct event *event)
{
    http_response_release(&event->response);
    tls_report_release(&event->tls);
    dns_answer_release(&event->dns);
    buf_release(&event->child.output);
    buf_release(&event->child.errors);
}

void source_names_release(struct source_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct source_names){0};
}

#include <acmec/data/ports.h>

void event_release(struct event *event)
{
    http_response_release(&event->response);
    tls_report_release(&event->tls);
    buf_release(&event->child.output);
}

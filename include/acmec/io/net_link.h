/* net_link: the keeper's side of acmec-net: questions out, answers in, as events. It believes
 * nothing that the worker says beyond what data/wire_net checks: the answer to a question that is
 * outstanding, of its kind, once. A worker that fails takes its exchanges with it, and is started
 * once more; then no more. */
#ifndef ACMEC_IO_NET_LINK_H
#define ACMEC_IO_NET_LINK_H

#include <acmec/io/events.h>
#include <acmec/io/worker.h>

struct net_link;

/* clock and events are borrowed; settings and dir are copied. */
struct net_link *net_link_new(const struct http_settings *settings, const char *dir,
                              struct clock *clock, struct events *events);
void net_link_free(struct net_link *link);

/* As the functions of the http, the probe and the dns port. kind: the event that is not to come any
 * more. */
bool net_link_submit(struct net_link *link, uint64_t id, const struct http_request *request,
                     struct error *err) MUST_USE;
bool net_link_probe(struct net_link *link, uint64_t id, const struct tls_request *request,
                    struct error *err) MUST_USE;
bool net_link_query(struct net_link *link, uint64_t id, const struct dns_query *query,
                    struct error *err) MUST_USE;
void net_link_cancel(struct net_link *link, enum event_kind kind, uint64_t id);

/* For the reactor: the descriptor (-1: none), its bits, the next deadline, and a step when there is
 * something to do. */
int net_link_fd(const struct net_link *link);
short net_link_poll_events(const struct net_link *link);
int64_t net_link_deadline_ms(const struct net_link *link);
void net_link_step(struct net_link *link);

#endif

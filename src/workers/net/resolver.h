/* resolver: questions to the DNS by c-ares: to the resolvers that /etc/resolv.conf names, or to the
 * one server that a question names. It reads answers, judges none, and knows no frames. */
#ifndef ACMEC_NET_RESOLVER_H
#define ACMEC_NET_RESOLVER_H

#include "waits.h"
#include <acmec/base/clock.h>
#include <acmec/data/dns_msg.h>
#include <acmec/data/http_msg.h>

struct resolver;

struct resolver_sink {
    void (*answered)(void *ctx, uint64_t id, const struct dns_answer *answer);
    void (*failed)(void *ctx, uint64_t id, enum http_failure failure, const char *text);
    void *ctx;
};

/* NULL: c-ares cannot start. */
struct resolver *resolver_new(const struct resolver_sink *sink);
void resolver_free(struct resolver *resolver);

/* query is taken (and emptied). Its end comes by the sink, from resolver_step. */
void resolver_start(struct resolver *resolver, uint64_t id, struct dns_query *query);
void resolver_cancel(struct resolver *resolver, uint64_t id);
/* Moves all on as far as possible without waiting. */
void resolver_step(struct resolver *resolver);
void resolver_wait(const struct resolver *resolver, struct waits *waits);

#endif

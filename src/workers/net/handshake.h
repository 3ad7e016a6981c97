/* handshake: looks at TLS servers by OpenSSL: connects, shakes hands, notes what was shown, hangs
 * up. It verifies nothing and sends no byte of its own beyond the handshake; it knows no frames. */
#ifndef ACMEC_NET_HANDSHAKE_H
#define ACMEC_NET_HANDSHAKE_H

#include "waits.h"
#include <acmec/base/clock.h>
#include <acmec/data/http_msg.h>
#include <acmec/data/tls_msg.h>

struct handshakes;

struct handshake_sink {
    void (*seen)(void *ctx, uint64_t id, const struct tls_report *report);
    void (*failed)(void *ctx, uint64_t id, enum http_failure failure, const char *text);
    void *ctx;
};

struct handshakes *handshakes_new(const struct handshake_sink *sink);
void handshakes_free(struct handshakes *all);

/* request is taken (and emptied). Its end comes by the sink, from handshakes_step. */
void handshakes_start(struct handshakes *all, uint64_t id, struct tls_request *request);
void handshakes_cancel(struct handshakes *all, uint64_t id);
/* Moves all on as far as possible without waiting. */
void handshakes_step(struct handshakes *all);
void handshakes_wait(const struct handshakes *all, struct waits *waits);

#endif

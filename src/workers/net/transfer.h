/* transfer: HTTP exchanges by libcurl's multi interface. It knows no frames: requests come in as
 * plain structs, replies and failures go out by one function. Nothing is followed, decoded or
 * retried that the keeper did not ask for. */
#ifndef ACMEC_NET_TRANSFER_H
#define ACMEC_NET_TRANSFER_H

#include "waits.h"
#include <acmec/data/wire_net.h>
#include <curl/curl.h>

struct transfers;

struct transfer_sink {
    void (*reply)(void *ctx, uint64_t id, const struct http_response *response);
    void (*failed)(void *ctx, uint64_t id, enum http_failure failure, const char *text);
    void *ctx;
};

/* config is borrowed for the life of the transfers. NULL: libcurl cannot start. */
struct transfers *transfers_new(const struct wire_net_config *config,
                                const struct transfer_sink *sink);
void transfers_free(struct transfers *transfers);

/* request is taken (and emptied). Its end comes by the sink, perhaps at once. */
void transfers_start(struct transfers *transfers, uint64_t id, struct http_request *request);
void transfers_cancel(struct transfers *transfers, uint64_t id);
/* Moves all on as far as possible without waiting. */
void transfers_step(struct transfers *transfers);
/* Waits until a transfer or one of waits can go on, or its time has passed. */
void transfers_wait(struct transfers *transfers, const struct waits *waits);

#endif

/* Frames of acmec-net from a hostile end, either way: what can be read is written again as the very
 * bytes. The first byte is the type. */
#include "must.h"
#include <acmec/base/cleanup.h>
#include <acmec/data/wire_net.h>

#define ROOM (2 * FRAME_MAX)

static bool again_request(struct span payload, struct buf *out)
{
    AUTO(http_request) got = {0};
    uint64_t id;
    if (!wire_net_get_request(payload, &id, &got))
        return false;
    wire_net_put_request(out, id, &got);
    return true;
}

static bool again_probe(struct span payload, struct buf *out)
{
    AUTO(tls_request) got = {0};
    uint64_t id;
    if (!wire_net_get_probe(payload, &id, &got))
        return false;
    wire_net_put_probe(out, id, &got);
    return true;
}

static bool again_query(struct span payload, struct buf *out)
{
    AUTO(dns_query) got = {0};
    uint64_t id;
    if (!wire_net_get_query(payload, &id, &got))
        return false;
    wire_net_put_query(out, id, &got);
    return true;
}

static bool again_reply(struct span payload, struct buf *out)
{
    AUTO(http_response) got = {0};
    uint64_t id;
    if (!wire_net_get_reply(payload, &id, &got))
        return false;
    wire_net_put_reply(out, id, &got);
    return true;
}

static bool again_failed(struct span payload, struct buf *out)
{
    AUTO(wire_net_failed) got = {0};
    if (!wire_net_get_failed(payload, &got))
        return false;
    wire_net_put_failed(out, got.id, got.failure, got.text);
    return true;
}

static bool again_seen(struct span payload, struct buf *out)
{
    AUTO(tls_report) got = {0};
    uint64_t id;
    if (!wire_net_get_seen(payload, &id, &got))
        return false;
    wire_net_put_seen(out, id, &got);
    return true;
}

static bool again_answer(struct span payload, struct buf *out)
{
    AUTO(dns_answer) got = {0};
    uint64_t id;
    if (!wire_net_get_answer(payload, &id, &got))
        return false;
    wire_net_put_answer(out, id, &got);
    return true;
}

static bool again_config(struct span payload, struct buf *out)
{
    AUTO(wire_net_config) got = {0};
    if (!wire_net_get_config(payload, &got))
        return false;
    wire_net_put_config(out, &got);
    return true;
}

static bool again(uint8_t type, struct span payload, struct buf *out)
{
    switch (type) {
    case WIRE_NET_CONFIG:
        return again_config(payload, out);
    case WIRE_NET_REQUEST:
        return again_request(payload, out);
    case WIRE_NET_PROBE:
        return again_probe(payload, out);
    case WIRE_NET_QUERY:
        return again_query(payload, out);
    case WIRE_NET_REPLY:
        return again_reply(payload, out);
    case WIRE_NET_FAILED:
        return again_failed(payload, out);
    case WIRE_NET_SEEN:
        return again_seen(payload, out);
    case WIRE_NET_ANSWER:
        return again_answer(payload, out);
    default:
        return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) out = BUF(ROOM);
    if (size < 1 || size > FRAME_MAX)
        return 0;
    struct span payload = span_of(data + 1, size - 1);
    if (again(data[0], payload, &out))
        must(span_equals(span_of(out.data + FRAME_HEAD, out.len - FRAME_HEAD), payload));
    return 0;
}

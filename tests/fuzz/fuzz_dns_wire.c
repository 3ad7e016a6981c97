/* What a DNS server sends: read, and handed to the keeper, who must be able to read it again. */
#include "must.h"
#include <acmec/base/cleanup.h>
#include <acmec/data/dns_wire.h>
#include <acmec/data/wire_net.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(dns_answer) answer = {0}, again = {0};
    AUTO(buf) frame = BUF(FRAME_MAX);
    uint64_t id = 0;
    if (!dns_wire_read(span_of(data, size), &answer))
        return 0;
    must(answer.count <= DNS_RECORDS_MAX);
    wire_net_put_answer(&frame, 1, &answer);
    must(buf_ok(&frame));
    must(
        wire_net_get_answer(span_of(frame.data + FRAME_HEAD, frame.len - FRAME_HEAD), &id, &again));
    must(again.count == answer.count && again.rcode == answer.rcode);
    for (size_t i = 0; i < answer.count; i++)
        must(span_equals(buf_span(&answer.records[i].data), buf_span(&again.records[i].data)));
    return 0;
}

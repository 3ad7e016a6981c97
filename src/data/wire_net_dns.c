/* The messages about the DNS. */
#include <acmec/data/wire_net.h>

#include <acmec/base/cleanup.h>
#include <arpa/inet.h>

#define SERVER_MAX 127
#define QUERY_NAME_MAX 255

void wire_net_put_query(struct buf *out, uint64_t id, const struct dns_query *query)
{
    size_t begin = frame_begin(out, WIRE_NET_QUERY);
    frame_put_u64(out, id);
    frame_put_text(out, query->name);
    frame_put_u8(out, (uint8_t)query->type);
    frame_put_text(out, query->server);
    frame_put_u8(out, query->tcp);
    frame_put_u32(out, query->timeout_ms);
    frame_end(out, begin);
}

bool wire_net_get_query(struct span payload, uint64_t *id, struct dns_query *out)
{
    struct frame_reader reader = {.rest = payload};
    AUTO(dns_query) query = {0};
    uint64_t number = frame_get_u64(&reader);
    query.name = frame_get_text(&reader, QUERY_NAME_MAX);
    uint8_t type = frame_get_u8(&reader);
    query.server = frame_get_text(&reader, SERVER_MAX);
    uint8_t tcp = frame_get_u8(&reader);
    query.timeout_ms = frame_get_u32(&reader);
    if (!frame_at_end(&reader) || number == 0 || query.name == NULL || type >= DNS_TYPE_COUNT ||
        tcp > 1 || query.timeout_ms > WIRE_TIMEOUT_MAX_MS)
        return false;
    query.type = (enum dns_type)type;
    query.tcp = tcp == 1;
    *id = number;
    *out = query;
    query = (struct dns_query){0};
    return true;
}

static void put_record(struct buf *out, const struct dns_record *record)
{
    frame_put_u8(out, (uint8_t)record->type);
    frame_put_u8(out, record->authority);
    frame_put_text(out, record->owner);
    frame_put_u32(out, record->ttl);
    frame_put_u8(out, record->flags);
    frame_put_u32(out, record->preference);
    frame_put_text(out, record->tag);
    frame_put_bytes(out, buf_span(&record->data));
}

void wire_net_put_answer(struct buf *out, uint64_t id, const struct dns_answer *answer)
{
    size_t begin = frame_begin(out, WIRE_NET_ANSWER);
    frame_put_u64(out, id);
    frame_put_u32(out, answer->rcode);
    frame_put_u8(out, answer->authoritative);
    frame_put_u32(out, (uint32_t)answer->count);
    for (size_t i = 0; i < answer->count; i++)
        put_record(out, &answer->records[i]);
    frame_end(out, begin);
}

static bool is_address(const char *text, int family)
{
    unsigned char bytes[16];
    return inet_pton(family, text, bytes) == 1;
}

/* Whether the data is what the type says. */
static bool data_fits(const struct dns_record *record)
{
    const char *text = buf_str(&record->data);
    bool is_text = strlen(text) == record->data.len;
    switch (record->type) {
    case DNS_A:
        return is_text && is_address(text, AF_INET);
    case DNS_AAAA:
        return is_text && is_address(text, AF_INET6);
    case DNS_NS:
    case DNS_CNAME:
    case DNS_SOA:
    case DNS_MX:
        return is_text && dns_name_is_printable(text);
    case DNS_TXT:
    case DNS_CAA:
        return true;
    case DNS_HOST:
    case DNS_TYPE_COUNT:
        break;
    }
    return false;
}

static bool tag_fits(const char *tag)
{
    for (const char *at = tag; *at != '\0'; at++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789?", *at) == NULL)
            return false;
    return true;
}

static void get_record(struct frame_reader *reader, struct dns_answer *answer)
{
    struct dns_record *record = dns_answer_add(answer);
    uint8_t type = frame_get_u8(reader);
    uint8_t authority = frame_get_u8(reader);
    record->owner = frame_get_text(reader, DNS_NAME_MAX);
    record->ttl = frame_get_u32(reader);
    record->flags = frame_get_u8(reader);
    uint32_t preference = frame_get_u32(reader);
    AUTO_FREE tag = frame_get_text(reader, DNS_TAG_MAX);
    buf_add_span(&record->data, frame_get_bytes(reader, DNS_DATA_MAX));
    if (type >= DNS_TYPE_COUNT || authority > 1 || record->owner == NULL || tag == NULL ||
        preference > UINT16_MAX || !dns_name_is_printable(record->owner) || !tag_fits(tag)) {
        reader->failed = true;
        return;
    }
    record->type = (enum dns_type)type;
    record->authority = authority == 1;
    record->preference = (uint16_t)preference;
    memcpy(record->tag, tag, strlen(tag) + 1);
    reader->failed |= !data_fits(record);
}

bool wire_net_get_answer(struct span payload, uint64_t *id, struct dns_answer *out)
{
    struct frame_reader reader = {.rest = payload};
    AUTO(dns_answer) answer = {0};
    uint64_t number = frame_get_u64(&reader);
    answer.rcode = frame_get_u32(&reader);
    uint8_t authoritative = frame_get_u8(&reader);
    uint32_t count = frame_get_u32(&reader);
    if (count > DNS_RECORDS_MAX)
        reader.failed = true;
    for (uint32_t i = 0; i < count && !reader.failed; i++)
        get_record(&reader, &answer);
    if (!frame_at_end(&reader) || number == 0 || answer.rcode > UINT16_MAX || authoritative > 1)
        return false;
    answer.authoritative = authoritative == 1;
    *id = number;
    *out = answer;
    answer = (struct dns_answer){0};
    return true;
}

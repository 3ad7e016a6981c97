#include <acmec/data/dns_wire.h>

#include <acmec/base/cleanup.h>
#include <arpa/inet.h>
#include <string.h>

#define HEADER_SIZE 12
#define NAME_WIRE_MAX 255
#define LABEL_MAX 63
#define POINTER 0xc0
#define CLASS_INTERNET 1
#define FLAG_RESPONSE 0x8000
#define FLAG_AUTHORITATIVE 0x0400
#define RCODE_MASK 0x000f
#define SOA_NUMBERS_SIZE 20

/* A place in a message. */
struct reader {
    struct span message;
    size_t at;
    bool failed;
};

static size_t left(const struct reader *reader)
{
    return reader->message.len - reader->at;
}

static struct span take(struct reader *reader, size_t len)
{
    if (reader->failed || len > left(reader)) {
        reader->failed = true;
        return span_of("", 0);
    }
    struct span taken = span_of(reader->message.ptr + reader->at, len);
    reader->at += len;
    return taken;
}

static uint32_t number(struct reader *reader, size_t size)
{
    struct span bytes = take(reader, size);
    uint32_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    return value;
}

/* ---- names ---- */

static void put_label(struct buf *out, struct span label)
{
    if (out->len > 0)
        buf_add_byte(out, '.');
    for (size_t i = 0; i < label.len; i++) {
        char byte = label.ptr[i];
        if (byte <= ' ' || byte > '~')
            buf_addf(out, "\\%03u", (unsigned)(unsigned char)byte);
        else if (byte == '.' || byte == '\\')
            buf_addf(out, "\\%c", byte);
        else
            buf_add_byte(out, byte);
    }
}

/* Appends the name at reader->at, which moves behind it. Each pointer must lead further back than
 * the one before, so that there is an end. */
static void get_name(struct reader *reader, struct buf *out)
{
    struct reader walk = *reader;
    size_t wire_len = 1, lowest = reader->at, behind = 0;
    while (!walk.failed) {
        unsigned len = number(&walk, 1);
        if (walk.failed || len == 0)
            break;
        if ((len & POINTER) == POINTER) {
            size_t target = (len & ~(unsigned)POINTER) << 8 | number(&walk, 1);
            behind = behind == 0 ? walk.at : behind;
            walk.failed |= target >= lowest;
            lowest = walk.at = walk.failed ? walk.at : target;
            continue;
        }
        wire_len += 1 + len;
        if (len > LABEL_MAX || wire_len > NAME_WIRE_MAX)
            walk.failed = true;
        put_label(out, take(&walk, len));
    }
    reader->failed |= walk.failed;
    reader->at = behind == 0 ? walk.at : behind;
}

/* ---- what records hold ---- */

/* data: reader is at it, and `end` is where it ends. */
static void get_address(struct reader *reader, size_t end, int family, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];
    size_t size = family == AF_INET ? 4 : 16;
    struct span bytes = take(reader, size);
    if (reader->failed || reader->at != end ||
        inet_ntop(family, bytes.ptr, text, sizeof text) == NULL)
        reader->failed = true;
    else
        buf_add_str(out, text);
}

static void get_text(struct reader *reader, size_t end, struct buf *out)
{
    while (!reader->failed && reader->at < end)
        buf_add_span(out, take(reader, number(reader, 1)));
}

static bool is_tag_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

static void get_tag(struct span tag, char out[static DNS_TAG_MAX + 1])
{
    bool good = tag.len > 0 && tag.len <= DNS_TAG_MAX;
    for (size_t i = 0; good && i < tag.len; i++) {
        char byte = tag.ptr[i];
        out[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
        good = is_tag_byte(out[i]);
    }
    if (!good)
        out[0] = '?';
    out[good ? tag.len : 1] = '\0';
}

/* RFC 8659 section 4.1 */
static void get_caa(struct reader *reader, size_t end, struct dns_record *record)
{
    record->flags = (uint8_t)number(reader, 1);
    struct span tag = take(reader, number(reader, 1));
    if (reader->failed || reader->at > end) {
        reader->failed = true;
        return;
    }
    get_tag(tag, record->tag);
    buf_add_span(&record->data, take(reader, end - reader->at));
}

/* The first name is the one that counts; the zone's mailbox and numbers follow. */
static void get_soa(struct reader *reader, struct dns_record *record)
{
    AUTO(buf) mailbox = BUF(DNS_NAME_MAX);
    get_name(reader, &record->data);
    get_name(reader, &mailbox);
    (void)take(reader, SOA_NUMBERS_SIZE);
}

static void get_data(struct reader *reader, size_t end, struct dns_record *record)
{
    switch (record->type) {
    case DNS_A:
        get_address(reader, end, AF_INET, &record->data);
        break;
    case DNS_AAAA:
        get_address(reader, end, AF_INET6, &record->data);
        break;
    case DNS_MX:
        record->preference = (uint16_t)number(reader, 2);
        get_name(reader, &record->data);
        break;
    case DNS_NS:
    case DNS_CNAME:
        get_name(reader, &record->data);
        break;
    case DNS_SOA:
        get_soa(reader, record);
        break;
    case DNS_TXT:
        get_text(reader, end, &record->data);
        break;
    case DNS_CAA:
        get_caa(reader, end, record);
        break;
    case DNS_HOST:
    case DNS_TYPE_COUNT:
        reader->failed = true;
        break;
    }
    if (reader->at != end)
        reader->failed = true;
}

/* ---- the message ---- */

static void get_record(struct reader *reader, bool authority, struct dns_answer *out)
{
    AUTO(buf) owner = BUF(DNS_NAME_MAX);
    enum dns_type type;
    get_name(reader, &owner);
    uint32_t type_number = number(reader, 2);
    uint32_t class = number(reader, 2);
    uint32_t ttl = number(reader, 4);
    size_t len = number(reader, 2);
    if (reader->failed || len > left(reader) || !buf_ok(&owner)) {
        reader->failed = true;
        return;
    }
    if (class != CLASS_INTERNET || !dns_type_from_number((uint16_t)type_number, &type)) {
        (void)take(reader, len);
        return;
    }
    struct dns_record *record = dns_answer_add(out);
    record->type = type;
    record->authority = authority;
    record->owner = buf_take(&owner);
    record->ttl = ttl;
    get_data(reader, reader->at + len, record);
    if (!buf_ok(&record->data))
        reader->failed = true;
}

bool dns_wire_read(struct span message, struct dns_answer *out)
{
    struct reader reader = {.message = message};
    AUTO(dns_answer) answer = {0};
    if (message.len < HEADER_SIZE || message.len > DNS_MESSAGE_MAX)
        return false;
    (void)number(&reader, 2);
    uint32_t flags = number(&reader, 2);
    size_t questions = number(&reader, 2);
    size_t answers = number(&reader, 2);
    size_t authorities = number(&reader, 2);
    (void)number(&reader, 2);
    if ((flags & FLAG_RESPONSE) == 0)
        return false;
    for (size_t i = 0; i < questions && !reader.failed; i++) {
        AUTO(buf) name = BUF(DNS_NAME_MAX);
        get_name(&reader, &name);
        (void)take(&reader, 4);
    }
    for (size_t i = 0; i < answers + authorities && !reader.failed; i++) {
        reader.failed = answer.count == DNS_RECORDS_MAX;
        if (!reader.failed)
            get_record(&reader, i >= answers, &answer);
    }
    if (reader.failed)
        return false;
    answer.rcode = flags & RCODE_MASK;
    answer.authoritative = (flags & FLAG_AUTHORITATIVE) != 0;
    *out = answer;
    answer = (struct dns_answer){0};
    return true;
}

/* The messages about TLS handshakes. */
#include <acmec/data/wire_net.h>

#include <acmec/base/cleanup.h>
#include <stdlib.h>

#define ADDRESS_MAX 63
#define NAME_MAX_BYTES 255

/* ---- what is asked ---- */

void wire_net_put_probe(struct buf *out, uint64_t id, const struct tls_request *request)
{
    size_t begin = frame_begin(out, WIRE_NET_PROBE);
    frame_put_u64(out, id);
    frame_put_text(out, request->address);
    frame_put_u32(out, request->port);
    frame_put_text(out, request->server_name);
    frame_put_text(out, request->alpn);
    frame_put_u8(out, (uint8_t)request->key);
    frame_put_u8(out, (uint8_t)request->min);
    frame_put_u8(out, (uint8_t)request->max);
    frame_put_u8(out, request->proxy_protocol);
    frame_put_u32(out, request->timeout_ms);
    frame_end(out, begin);
}

bool wire_net_get_probe(struct span payload, uint64_t *id, struct tls_request *out)
{
    struct frame_reader reader = {.rest = payload};
    AUTO(tls_request) request = {0};
    uint64_t number = frame_get_u64(&reader);
    request.address = frame_get_text(&reader, ADDRESS_MAX);
    uint32_t port = frame_get_u32(&reader);
    request.server_name = frame_get_text(&reader, NAME_MAX_BYTES);
    request.alpn = frame_get_text(&reader, NAME_MAX_BYTES);
    uint8_t key = frame_get_u8(&reader);
    uint8_t min = frame_get_u8(&reader);
    uint8_t max = frame_get_u8(&reader);
    uint8_t proxy_protocol = frame_get_u8(&reader);
    request.timeout_ms = frame_get_u32(&reader);
    if (!frame_at_end(&reader) || number == 0 || request.address == NULL || port == 0 ||
        port > UINT16_MAX || key >= TLS_KEY_COUNT || min >= TLS_VERSION_COUNT ||
        max >= TLS_VERSION_COUNT || proxy_protocol > 1 || request.timeout_ms > WIRE_TIMEOUT_MAX_MS)
        return false;
    request.port = (uint16_t)port;
    request.key = (enum tls_key)key;
    request.min = (enum tls_version)min;
    request.max = (enum tls_version)max;
    request.proxy_protocol = proxy_protocol == 1;
    *id = number;
    *out = request;
    request = (struct tls_request){0};
    return true;
}

/* ---- what was seen ---- */

static void put_steps(struct buf *out, const struct tls_report *report)
{
    frame_put_u8(out, (uint8_t)report->step_count);
    for (size_t i = 0; i < report->step_count; i++) {
        const struct tls_step *step = &report->steps[i];
        frame_put_u8(out, step->sent);
        frame_put_u8(out, step->is_alert);
        frame_put_u8(out, step->type);
        frame_put_u32(out, step->length);
    }
}

void wire_net_put_seen(struct buf *out, uint64_t id, const struct tls_report *report)
{
    size_t begin = frame_begin(out, WIRE_NET_SEEN);
    frame_put_u64(out, id);
    frame_put_u8(out, (uint8_t)report->version);
    frame_put_text(out, report->cipher);
    frame_put_text(out, report->group);
    frame_put_text(out, report->signature);
    frame_put_text(out, report->alpn);
    frame_put_u8(out, report->stapled);
    frame_put_u8(out, (uint8_t)report->chain_count);
    for (size_t i = 0; i < report->chain_count; i++)
        frame_put_bytes(out, buf_span(&report->chain[i]));
    frame_put_bytes(out, buf_span(&report->client_hello));
    frame_put_bytes(out, buf_span(&report->server_hello));
    put_steps(out, report);
    frame_put_u32(out, report->connect_ms);
    frame_put_u32(out, report->handshake_ms);
    frame_end(out, begin);
}

static void get_word(struct frame_reader *reader, char word[static TLS_WORD_MAX + 1])
{
    AUTO_FREE text = frame_get_text(reader, TLS_WORD_MAX);
    if (text == NULL)
        reader->failed = true;
    else
        memcpy(word, text, strlen(text) + 1);
}

static void get_bytes(struct frame_reader *reader, struct buf *out, size_t max)
{
    *out = BUF(max);
    buf_add_span(out, frame_get_bytes(reader, max));
}

/* All certificates of a chain share one allowance. */
static void get_chain(struct frame_reader *reader, struct tls_report *report)
{
    size_t count = frame_get_u8(reader);
    size_t left = TLS_CHAIN_MAX;
    if (count == 0 || count > TLS_CHAIN_CERTS_MAX)
        reader->failed = true;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        get_bytes(reader, &report->chain[report->chain_count++], left);
        left -= report->chain[i].len;
        if (report->chain[i].len == 0)
            reader->failed = true;
    }
}

static void get_steps(struct frame_reader *reader, struct tls_report *report)
{
    size_t count = frame_get_u8(reader);
    if (count > TLS_STEPS_MAX)
        reader->failed = true;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        uint8_t sent = frame_get_u8(reader);
        uint8_t is_alert = frame_get_u8(reader);
        uint8_t type = frame_get_u8(reader);
        uint32_t length = frame_get_u32(reader);
        if (sent > 1 || is_alert > 1)
            reader->failed = true;
        report->steps[report->step_count++] =
            (struct tls_step){.sent = sent == 1, .is_alert = is_alert == 1, type, length};
    }
}

bool wire_net_get_seen(struct span payload, uint64_t *id, struct tls_report *out)
{
    struct frame_reader reader = {.rest = payload};
    AUTO(tls_report) report = {0};
    uint64_t number = frame_get_u64(&reader);
    uint8_t version = frame_get_u8(&reader);
    get_word(&reader, report.cipher);
    get_word(&reader, report.group);
    get_word(&reader, report.signature);
    get_word(&reader, report.alpn);
    uint8_t stapled = frame_get_u8(&reader);
    get_chain(&reader, &report);
    get_bytes(&reader, &report.client_hello, TLS_HELLO_MAX);
    get_bytes(&reader, &report.server_hello, TLS_HELLO_MAX);
    get_steps(&reader, &report);
    report.connect_ms = frame_get_u32(&reader);
    report.handshake_ms = frame_get_u32(&reader);
    if (!frame_at_end(&reader) || number == 0 || version == TLS_VERSION_ANY ||
        version >= TLS_VERSION_COUNT || stapled > 1)
        return false;
    report.version = (enum tls_version)version;
    report.stapled = stapled == 1;
    *id = number;
    *out = report;
    report = (struct tls_report){0};
    return true;
}

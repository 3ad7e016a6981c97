#include <acmec/data/wire_net.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>

#define VERSION_MAX 63
#define PROXY_MAX 4096
#define REQUEST_BODY_MAX (512 * 1024)

/* What a request may ask for by name: the words are static at both ends, so a number goes over. */
static const char *const known_words[] = {
    NULL,
    "application/jose+json",
    "application/pem-certificate-chain",
    "application/json",
};
#define KNOWN_WORDS (sizeof known_words / sizeof *known_words)

static uint8_t word_number(const char *word)
{
    for (size_t i = 1; word != NULL && i < KNOWN_WORDS; i++)
        if (strcmp(word, known_words[i]) == 0)
            return (uint8_t)i;
    return 0;
}

static const char *get_word(struct frame_reader *reader)
{
    uint8_t number = frame_get_u8(reader);
    if (number < KNOWN_WORDS)
        return known_words[number];
    reader->failed = true;
    return NULL;
}

void wire_net_config_release(struct wire_net_config *config)
{
    free(config->user_agent);
    buf_release(&config->ca_bundle);
    free(config->proxy);
    free(config->no_proxy);
    *config = (struct wire_net_config){0};
}

void wire_net_failed_release(struct wire_net_failed *failed)
{
    free(failed->text);
    failed->text = NULL;
}

/* ---- writing ---- */

void wire_net_put_hello(struct buf *out, const char *version)
{
    size_t begin = frame_begin(out, WIRE_NET_HELLO);
    frame_put_text(out, version);
    frame_end(out, begin);
}

void wire_net_put_config(struct buf *out, const struct wire_net_config *config)
{
    size_t begin = frame_begin(out, WIRE_NET_CONFIG);
    frame_put_text(out, config->user_agent);
    frame_put_bytes(out, buf_span(&config->ca_bundle));
    frame_put_text(out, config->proxy);
    frame_put_text(out, config->no_proxy);
    frame_end(out, begin);
}

void wire_net_put_request(struct buf *out, uint64_t id, const struct http_request *request)
{
    size_t begin = frame_begin(out, WIRE_NET_REQUEST);
    frame_put_u64(out, id);
    frame_put_u8(out, (uint8_t)request->method);
    frame_put_text(out, request->url);
    frame_put_u8(out, word_number(request->accept));
    frame_put_u8(out, word_number(request->content_type));
    frame_put_bytes(out, buf_span(&request->body));
    frame_put_u8(out, request->follow_https_redirects);
    frame_put_text(out, request->connect_to);
    frame_put_u8(out, request->insecure);
    frame_put_u8(out, request->proxy_protocol);
    frame_put_u32(out, request->timeout_ms);
    frame_end(out, begin);
}

void wire_net_put_cancel(struct buf *out, uint64_t id)
{
    size_t begin = frame_begin(out, WIRE_NET_CANCEL);
    frame_put_u64(out, id);
    frame_end(out, begin);
}

void wire_net_put_reply(struct buf *out, uint64_t id, const struct http_response *response)
{
    size_t begin = frame_begin(out, WIRE_NET_REPLY);
    frame_put_u64(out, id);
    frame_put_u32(out, (uint32_t)response->status);
    frame_put_bytes(out, buf_span(&response->headers));
    frame_put_bytes(out, buf_span(&response->body));
    frame_end(out, begin);
}

/* Cut, so that whatever a server made libcurl say fits. */
static void put_cut(struct buf *out, const char *text)
{
    AUTO_FREE cut = mem_strndup(text, strnlen(text, WIRE_TEXT_MAX));
    frame_put_text(out, cut);
}

void wire_net_put_failed(struct buf *out, uint64_t id, enum http_failure failure, const char *text)
{
    size_t begin = frame_begin(out, WIRE_NET_FAILED);
    frame_put_u64(out, id);
    frame_put_u8(out, (uint8_t)failure);
    put_cut(out, text);
    frame_end(out, begin);
}

void wire_net_put_log(struct buf *out, const char *text)
{
    size_t begin = frame_begin(out, WIRE_NET_LOG);
    put_cut(out, text);
    frame_end(out, begin);
}

/* ---- reading ---- */

bool wire_net_get_hello(struct span payload, char version[static 64])
{
    struct frame_reader reader = {.rest = payload};
    AUTO_FREE text = frame_get_text(&reader, VERSION_MAX);
    if (!frame_at_end(&reader) || text == NULL)
        return false;
    memcpy(version, text, strlen(text) + 1);
    return true;
}

bool wire_net_get_config(struct span payload, struct wire_net_config *out)
{
    struct frame_reader reader = {.rest = payload};
    AUTO(wire_net_config) config = {0};
    config.user_agent = frame_get_text(&reader, WIRE_TEXT_MAX);
    config.ca_bundle = BUF(WIRE_BUNDLE_MAX);
    buf_add_span(&config.ca_bundle, frame_get_bytes(&reader, WIRE_BUNDLE_MAX));
    config.proxy = frame_get_text(&reader, PROXY_MAX);
    config.no_proxy = frame_get_text(&reader, PROXY_MAX);
    if (!frame_at_end(&reader) || config.user_agent == NULL)
        return false;
    *out = config;
    config = (struct wire_net_config){0};
    return true;
}

bool wire_net_get_request(struct span payload, uint64_t *id, struct http_request *out)
{
    struct frame_reader reader = {.rest = payload};
    AUTO(http_request) request = {0};
    uint64_t number = frame_get_u64(&reader);
    uint8_t method = frame_get_u8(&reader);
    request.url = frame_get_text(&reader, HTTP_URL_MAX);
    request.accept = get_word(&reader);
    request.content_type = get_word(&reader);
    request.body = BUF(REQUEST_BODY_MAX);
    buf_add_span(&request.body, frame_get_bytes(&reader, REQUEST_BODY_MAX));
    uint8_t follow = frame_get_u8(&reader);
    request.connect_to = frame_get_text(&reader, WIRE_TEXT_MAX);
    uint8_t insecure = frame_get_u8(&reader);
    uint8_t proxy_protocol = frame_get_u8(&reader);
    request.timeout_ms = frame_get_u32(&reader);
    if (!frame_at_end(&reader) || number == 0 || method > HTTP_POST || request.url == NULL ||
        follow > 1 || insecure > 1 || proxy_protocol > 1 ||
        request.timeout_ms > WIRE_TIMEOUT_MAX_MS ||
        (request.connect_to == NULL && (insecure == 1 || proxy_protocol == 1)))
        return false;
    request.method = (enum http_method)method;
    request.follow_https_redirects = follow == 1;
    request.insecure = insecure == 1;
    request.proxy_protocol = proxy_protocol == 1;
    *id = number;
    *out = request;
    request = (struct http_request){0};
    return true;
}

bool wire_net_get_cancel(struct span payload, uint64_t *id)
{
    struct frame_reader reader = {.rest = payload};
    uint64_t number = frame_get_u64(&reader);
    if (!frame_at_end(&reader))
        return false;
    *id = number;
    return true;
}

bool wire_net_get_reply(struct span payload, uint64_t *id, struct http_response *out)
{
    struct frame_reader reader = {.rest = payload};
    AUTO(http_response) response = {0};
    uint64_t number = frame_get_u64(&reader);
    uint32_t status = frame_get_u32(&reader);
    response.headers = BUF(HTTP_HEADERS_MAX);
    buf_add_span(&response.headers, frame_get_bytes(&reader, HTTP_HEADERS_MAX));
    response.body = BUF(HTTP_BODY_MAX);
    buf_add_span(&response.body, frame_get_bytes(&reader, HTTP_BODY_MAX));
    if (!frame_at_end(&reader) || number == 0 || status < 100 || status > 999)
        return false;
    response.status = (long)status;
    *id = number;
    *out = response;
    response = (struct http_response){0};
    return true;
}

bool wire_net_get_failed(struct span payload, struct wire_net_failed *out)
{
    struct frame_reader reader = {.rest = payload};
    uint64_t number = frame_get_u64(&reader);
    uint8_t failure = frame_get_u8(&reader);
    AUTO_FREE text = frame_get_text(&reader, WIRE_TEXT_MAX);
    if (!frame_at_end(&reader) || number == 0 || failure == HTTP_FAIL_NONE ||
        failure >= HTTP_FAIL_COUNT || text == NULL)
        return false;
    *out = (struct wire_net_failed){number, (enum http_failure)failure, text};
    text = NULL;
    return true;
}

bool wire_net_get_log(struct span payload, char text[static WIRE_TEXT_MAX + 1])
{
    struct frame_reader reader = {.rest = payload};
    AUTO_FREE line = frame_get_text(&reader, WIRE_TEXT_MAX);
    if (!frame_at_end(&reader) || line == NULL)
        return false;
    memcpy(text, line, strlen(line) + 1);
    return true;
}

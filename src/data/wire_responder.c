#include <acmec/data/wire_responder.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>

#define TOKEN_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

bool wire_token_ok(const char *token)
{
    size_t len = strspn(token, TOKEN_ALPHABET);
    return len > 0 && len <= WIRE_TOKEN_MAX && token[len] == '\0';
}

bool wire_server_name_ok(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
    return len > 0 && len <= WIRE_SERVER_NAME_MAX && name[len] == '\0';
}

static bool is_authorization(const char *text)
{
    return text[0] != '\0' && text[strspn(text, TOKEN_ALPHABET ".")] == '\0';
}

/* ---- writing ---- */

void wire_responder_put_hello(struct buf *out, const char *version, uint32_t listeners,
                              uint32_t tls_listeners)
{
    size_t begin = frame_begin(out, WIRE_RESPONDER_HELLO);
    frame_put_text(out, version);
    frame_put_u32(out, listeners);
    frame_put_u32(out, tls_listeners);
    frame_end(out, begin);
}

void wire_responder_put_add(struct buf *out, const char *token, const char *key_authorization)
{
    size_t begin = frame_begin(out, WIRE_RESPONDER_ADD);
    frame_put_text(out, token);
    frame_put_text(out, key_authorization);
    frame_end(out, begin);
}

void wire_responder_put_add_tls(struct buf *out, const struct wire_tls_answer *answer)
{
    size_t begin = frame_begin(out, WIRE_RESPONDER_ADD_TLS);
    frame_put_text(out, answer->token);
    frame_put_text(out, answer->server_name);
    frame_put_bytes(out, answer->cert);
    frame_put_bytes(out, answer->key);
    frame_end(out, begin);
}

void wire_responder_put_token(struct buf *out, enum wire_responder_type type, const char *token)
{
    size_t begin = frame_begin(out, (uint8_t)type);
    frame_put_text(out, token);
    frame_end(out, begin);
}

void wire_responder_put_hit(struct buf *out, const char *token, const char *visitor)
{
    size_t begin = frame_begin(out, WIRE_RESPONDER_HIT);
    frame_put_text(out, token);
    frame_put_text(out, visitor);
    frame_end(out, begin);
}

void wire_responder_put_log(struct buf *out, const char *text)
{
    AUTO_FREE cut = mem_strndup(text, strnlen(text, WIRE_LINE_MAX));
    size_t begin = frame_begin(out, WIRE_RESPONDER_LOG);
    frame_put_text(out, cut);
    frame_end(out, begin);
}

/* ---- reading ---- */

/* Text that must be there, into an array of max + 1 bytes. */
static void get_into(struct frame_reader *reader, size_t max, char *out)
{
    AUTO_FREE text = frame_get_text(reader, max);
    if (text == NULL)
        reader->failed = true;
    else
        memcpy(out, text, strlen(text) + 1);
}

bool wire_responder_get_hello(struct span payload, struct wire_hello *out)
{
    struct frame_reader reader = {.rest = payload};
    struct wire_hello hello = {0};
    get_into(&reader, sizeof hello.version - 1, hello.version);
    hello.listeners = frame_get_u32(&reader);
    hello.tls_listeners = frame_get_u32(&reader);
    if (!frame_at_end(&reader) || hello.listeners > WIRE_LISTENERS_MAX ||
        hello.tls_listeners > WIRE_LISTENERS_MAX - hello.listeners)
        return false;
    *out = hello;
    return true;
}

bool wire_responder_get_add(struct span payload, struct wire_answer *out)
{
    struct frame_reader reader = {.rest = payload};
    struct wire_answer answer = {0};
    get_into(&reader, WIRE_TOKEN_MAX, answer.token);
    get_into(&reader, WIRE_AUTHORIZATION_MAX, answer.key_authorization);
    if (!frame_at_end(&reader) || !wire_token_ok(answer.token) ||
        !is_authorization(answer.key_authorization))
        return false;
    *out = answer;
    return true;
}

bool wire_responder_get_add_tls(struct span payload, struct wire_tls_answer *out)
{
    struct frame_reader reader = {.rest = payload};
    struct wire_tls_answer answer = {0};
    get_into(&reader, WIRE_TOKEN_MAX, answer.token);
    get_into(&reader, WIRE_SERVER_NAME_MAX, answer.server_name);
    answer.cert = frame_get_bytes(&reader, WIRE_CERT_MAX);
    answer.key = frame_get_bytes(&reader, WIRE_KEY_MAX);
    if (!frame_at_end(&reader) || !wire_token_ok(answer.token) ||
        !wire_server_name_ok(answer.server_name) || answer.cert.len == 0 || answer.key.len == 0)
        return false;
    *out = answer;
    return true;
}

bool wire_responder_get_token(struct span payload, char token[static WIRE_TOKEN_MAX + 1])
{
    struct frame_reader reader = {.rest = payload};
    char text[WIRE_TOKEN_MAX + 1] = "";
    get_into(&reader, WIRE_TOKEN_MAX, text);
    if (!frame_at_end(&reader) || !wire_token_ok(text))
        return false;
    memcpy(token, text, strlen(text) + 1);
    return true;
}

bool wire_responder_get_hit(struct span payload, struct wire_hit *out)
{
    struct frame_reader reader = {.rest = payload};
    struct wire_hit hit = {0};
    get_into(&reader, WIRE_TOKEN_MAX, hit.token);
    get_into(&reader, WIRE_VISITOR_MAX, hit.visitor);
    if (!frame_at_end(&reader) || !wire_token_ok(hit.token))
        return false;
    *out = hit;
    return true;
}

bool wire_responder_get_log(struct span payload, char text[static WIRE_LINE_MAX + 1])
{
    struct frame_reader reader = {.rest = payload};
    char line[WIRE_LINE_MAX + 1] = "";
    get_into(&reader, WIRE_LINE_MAX, line);
    if (!frame_at_end(&reader))
        return false;
    memcpy(text, line, strlen(line) + 1);
    return true;
}

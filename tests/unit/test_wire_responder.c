#include <acmec/data/wire_responder.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

#define ROOM 8192

static struct span payload_of(const struct buf *frames, enum wire_responder_type wanted)
{
    uint8_t type;
    struct span payload;
    size_t used;
    assert_int_equal(frame_next(buf_span(frames), &type, &payload, &used), FRAME_READY);
    assert_int_equal(type, wanted);
    assert_int_equal(used, frames->len);
    return payload;
}

/* len bytes of 'a' in an array of at least len + 1. */
static char *fill(char *text, size_t len)
{
    memset(text, 'a', len);
    text[len] = '\0';
    return text;
}

static void test_hello_and_its_listeners(void **state)
{
    (void)state;
    static const struct {
        uint32_t listeners, tls_listeners;
        bool good;
    } rows[] = {{0, 0, true},
                {1, 0, true},
                {0, 1, true},
                {WIRE_LISTENERS_MAX, 0, true},
                {WIRE_LISTENERS_MAX - 1, 1, true},
                {WIRE_LISTENERS_MAX, 1, false},
                {WIRE_LISTENERS_MAX + 1, 0, false},
                {2, UINT32_MAX, false},
                {UINT32_MAX, 2, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(buf) out = BUF(ROOM);
        struct wire_hello got = {.listeners = 99};
        wire_responder_put_hello(&out, "1.0.0", rows[i].listeners, rows[i].tls_listeners);
        struct span payload = payload_of(&out, WIRE_RESPONDER_HELLO);
        assert_int_equal(wire_responder_get_hello(payload, &got), rows[i].good);
        assert_int_equal(got.listeners, rows[i].good ? rows[i].listeners : 99);
        assert_string_equal(got.version, rows[i].good ? "1.0.0" : "");
    }
}

static void test_version_length(void **state)
{
    (void)state;
    char version[65];
    for (size_t len = 63; len <= 64; len++) {
        AUTO(buf) out = BUF(ROOM);
        struct wire_hello got;
        wire_responder_put_hello(&out, fill(version, len), 1, 0);
        assert_int_equal(wire_responder_get_hello(payload_of(&out, WIRE_RESPONDER_HELLO), &got),
                         len == 63);
    }
}

static void test_add(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    struct wire_answer got = {0};
    wire_responder_put_add(&out, "Tok-en_1", "Tok-en_1.thumb");
    assert_true(wire_responder_get_add(payload_of(&out, WIRE_RESPONDER_ADD), &got));
    assert_string_equal(got.token, "Tok-en_1");
    assert_string_equal(got.key_authorization, "Tok-en_1.thumb");
}

static void test_answers_that_are_refused(void **state)
{
    (void)state;
    char token[WIRE_TOKEN_MAX + 2], authorization[WIRE_AUTHORIZATION_MAX + 2];
    const struct {
        const char *token, *authorization;
    } rows[] = {
        {"", "a.b"},
        {NULL, "a.b"},
        {"a", ""},
        {"a", NULL},
        {"a/b", "a.b"},
        {"..", "a.b"},
        {"a.b", "a.b"},
        {"a b", "a.b"},
        {"a%41", "a.b"},
        {"a\n", "a.b"},
        {"\xc3\xa9", "a.b"},
        {"a", "a.b\r\nSet-Cookie: x"},
        {"a", "<script>"},
        {fill(token, WIRE_TOKEN_MAX + 1), "a.b"},
        {"a", fill(authorization, WIRE_AUTHORIZATION_MAX + 1)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(buf) out = BUF(ROOM);
        struct wire_answer got = {.token = "old"};
        wire_responder_put_add(&out, rows[i].token, rows[i].authorization);
        assert_false(wire_responder_get_add(payload_of(&out, WIRE_RESPONDER_ADD), &got));
        assert_string_equal(got.token, "old");
    }
}

static void test_longest_answer(void **state)
{
    (void)state;
    char token[WIRE_TOKEN_MAX + 1], authorization[WIRE_AUTHORIZATION_MAX + 1];
    AUTO(buf) out = BUF(ROOM);
    struct wire_answer got = {0};
    wire_responder_put_add(&out, fill(token, WIRE_TOKEN_MAX),
                           fill(authorization, WIRE_AUTHORIZATION_MAX));
    assert_true(wire_responder_get_add(payload_of(&out, WIRE_RESPONDER_ADD), &got));
    assert_string_equal(got.token, token);
    assert_string_equal(got.key_authorization, authorization);
}

static const struct wire_tls_answer tls_answer = {
    "Tok-en_1", "7.2.0.192.in-addr.arpa", {"cert\0", 5}, {"key\0", 4}};

static void test_add_tls(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    struct wire_tls_answer got = {0};
    wire_responder_put_add_tls(&out, &tls_answer);
    assert_true(wire_responder_get_add_tls(payload_of(&out, WIRE_RESPONDER_ADD_TLS), &got));
    assert_string_equal(got.token, tls_answer.token);
    assert_string_equal(got.server_name, tls_answer.server_name);
    assert_true(span_equals(got.cert, tls_answer.cert));
    assert_true(span_equals(got.key, tls_answer.key));
}

static void test_tls_answers_that_are_refused(void **state)
{
    (void)state;
    static char big[WIRE_CERT_MAX + 1], name[WIRE_SERVER_NAME_MAX + 2];
    struct wire_tls_answer rows[7];
    for (size_t i = 0; i < 7; i++)
        rows[i] = tls_answer;
    rows[0].token[1] = '/';
    rows[1].server_name[0] = '\0';
    rows[2].server_name[0] = 'A';
    rows[3].cert = span_of("", 0);
    rows[4].key = span_of("", 0);
    rows[5].cert = span_of(big, sizeof big);
    rows[6].key = span_of(big, WIRE_KEY_MAX + 1);
    for (size_t i = 0; i < 7; i++) {
        AUTO(buf) out = BUF(ROOM);
        struct wire_tls_answer got = {.token = "old"};
        wire_responder_put_add_tls(&out, &rows[i]);
        assert_false(wire_responder_get_add_tls(payload_of(&out, WIRE_RESPONDER_ADD_TLS), &got));
        assert_string_equal(got.token, "old");
    }
    assert_false(wire_server_name_ok(fill(name, WIRE_SERVER_NAME_MAX + 1)));
    assert_true(wire_server_name_ok(fill(name, WIRE_SERVER_NAME_MAX)));
}

static void test_remove_and_ack(void **state)
{
    (void)state;
    static const enum wire_responder_type types[] = {WIRE_RESPONDER_REMOVE, WIRE_RESPONDER_ACK};
    for (size_t i = 0; i < 2; i++) {
        AUTO(buf) out = BUF(ROOM);
        char token[WIRE_TOKEN_MAX + 1] = "old";
        wire_responder_put_token(&out, types[i], "abc");
        assert_true(wire_responder_get_token(payload_of(&out, types[i]), token));
        assert_string_equal(token, "abc");
        buf_clear(&out);
        wire_responder_put_token(&out, types[i], "../abc");
        assert_false(wire_responder_get_token(payload_of(&out, types[i]), token));
        assert_string_equal(token, "abc");
    }
}

static void test_hit(void **state)
{
    (void)state;
    char visitor[WIRE_VISITOR_MAX + 2];
    AUTO(buf) out = BUF(ROOM);
    struct wire_hit got = {0};
    wire_responder_put_hit(&out, "abc", "2001:db8::1");
    assert_true(wire_responder_get_hit(payload_of(&out, WIRE_RESPONDER_HIT), &got));
    assert_string_equal(got.token, "abc");
    assert_string_equal(got.visitor, "2001:db8::1");
    buf_clear(&out);
    wire_responder_put_hit(&out, "abc", fill(visitor, WIRE_VISITOR_MAX));
    assert_true(wire_responder_get_hit(payload_of(&out, WIRE_RESPONDER_HIT), &got));
    buf_clear(&out);
    wire_responder_put_hit(&out, "abc", fill(visitor, WIRE_VISITOR_MAX + 1));
    assert_false(wire_responder_get_hit(payload_of(&out, WIRE_RESPONDER_HIT), &got));
    buf_clear(&out);
    wire_responder_put_hit(&out, "a/c", "::1");
    assert_false(wire_responder_get_hit(payload_of(&out, WIRE_RESPONDER_HIT), &got));
    assert_string_equal(got.token, "abc");
}

static void test_log_is_cut_by_the_writer(void **state)
{
    (void)state;
    char longer[3000], text[WIRE_LINE_MAX + 1] = "";
    AUTO(buf) out = BUF(ROOM);
    wire_responder_put_log(&out, fill(longer, sizeof longer - 1));
    assert_true(wire_responder_get_log(payload_of(&out, WIRE_RESPONDER_LOG), text));
    assert_int_equal(strlen(text), WIRE_LINE_MAX);
}

static void test_token_alphabet(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const char token[] = {'a', (char)(unsigned char)c, '\0'};
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    c == '-' || c == '_';
        assert_int_equal(wire_token_ok(token), good);
    }
    char token[WIRE_TOKEN_MAX + 2];
    assert_true(wire_token_ok(fill(token, WIRE_TOKEN_MAX)));
    assert_false(wire_token_ok(fill(token, WIRE_TOKEN_MAX + 1)));
    assert_false(wire_token_ok(""));
}

static bool read_hello(struct span payload)
{
    struct wire_hello got;
    return wire_responder_get_hello(payload, &got);
}
static bool read_add(struct span payload)
{
    struct wire_answer got;
    return wire_responder_get_add(payload, &got);
}
static bool read_token(struct span payload)
{
    char token[WIRE_TOKEN_MAX + 1];
    return wire_responder_get_token(payload, token);
}
static bool read_hit(struct span payload)
{
    struct wire_hit got;
    return wire_responder_get_hit(payload, &got);
}
static bool read_add_tls(struct span payload)
{
    struct wire_tls_answer got;
    return wire_responder_get_add_tls(payload, &got);
}
static bool read_log(struct span payload)
{
    char text[WIRE_LINE_MAX + 1];
    return wire_responder_get_log(payload, text);
}

static void test_a_message_ends_where_it_ends(void **state)
{
    (void)state;
    static bool (*const read[])(struct span) = {read_hello, read_add, read_token,
                                                read_hit,   read_log, read_add_tls};
    struct buf out[6] = {BUF(ROOM), BUF(ROOM), BUF(ROOM), BUF(ROOM), BUF(ROOM), BUF(ROOM)};
    wire_responder_put_hello(&out[0], "1.0.0", 2, 1);
    wire_responder_put_add(&out[1], "abc", "abc.def");
    wire_responder_put_token(&out[2], WIRE_RESPONDER_ACK, "abc");
    wire_responder_put_hit(&out[3], "abc", "192.0.2.1");
    wire_responder_put_log(&out[4], "line");
    wire_responder_put_add_tls(&out[5], &tls_answer);
    for (int i = 0; i < 6; i++) {
        size_t len = out[i].len - FRAME_HEAD;
        buf_add_byte(&out[i], '\0');
        assert_true(read[i](span_of(out[i].data + FRAME_HEAD, len)));
        assert_false(read[i](span_of(out[i].data + FRAME_HEAD, len + 1)));
        for (size_t cut = 0; cut < len; cut++)
            assert_false(read[i](span_of(out[i].data + FRAME_HEAD, cut)));
        buf_release(&out[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_and_its_listeners),
        cmocka_unit_test(test_version_length),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_answers_that_are_refused),
        cmocka_unit_test(test_longest_answer),
        cmocka_unit_test(test_add_tls),
        cmocka_unit_test(test_tls_answers_that_are_refused),
        cmocka_unit_test(test_remove_and_ack),
        cmocka_unit_test(test_hit),
        cmocka_unit_test(test_log_is_cut_by_the_writer),
        cmocka_unit_test(test_token_alphabet),
        cmocka_unit_test(test_a_message_ends_where_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

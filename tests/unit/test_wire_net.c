#include <acmec/data/wire_net.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>

#define ROOM (4 * 1024 * 1024)
#define OFFSET_METHOD 8 /* in a REQUEST's payload, after the id */

/* The one frame in `frames`, which must have this type. */
static struct span payload_of(const struct buf *frames, enum wire_net_type wanted)
{
    uint8_t type;
    struct span payload;
    size_t used;
    assert_int_equal(frame_next(buf_span(frames), &type, &payload, &used), FRAME_READY);
    assert_int_equal(type, wanted);
    assert_int_equal(used, frames->len);
    return payload;
}

/* ---- round trips ---- */

static void test_hello(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    char version[64] = "";
    wire_net_put_hello(&out, "1.2.3");
    assert_true(wire_net_get_hello(payload_of(&out, WIRE_NET_HELLO), version));
    assert_string_equal(version, "1.2.3");
}

static void test_config(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    AUTO(wire_net_config)
    put = {.user_agent = mem_strdup("acmec/1"),
           .ca_bundle = BUF(100),
           .proxy = mem_strdup("http://proxy.example:3128")};
    buf_add_str(&put.ca_bundle, "-----BEGIN");
    wire_net_put_config(&out, &put);
    AUTO(wire_net_config) got = {0};
    assert_true(wire_net_get_config(payload_of(&out, WIRE_NET_CONFIG), &got));
    assert_string_equal(got.user_agent, "acmec/1");
    assert_string_equal(buf_str(&got.ca_bundle), "-----BEGIN");
    assert_string_equal(got.proxy, "http://proxy.example:3128");
    assert_null(got.no_proxy);
    wire_net_config_release(&got);
    assert_null(got.user_agent);
}

static void put_request(struct buf *out, uint64_t id)
{
    AUTO(http_request)
    request = {
        .method = HTTP_POST,
        .url = mem_strdup("https://ca.example/new"),
        .accept = "application/pem-certificate-chain",
        .content_type = "application/jose+json",
        .body = BUF(100),
        .follow_https_redirects = true,
        .connect_to = mem_strdup("127.0.0.1:80"),
        .insecure = true,
        .proxy_protocol = true,
        .timeout_ms = 1234,
    };
    buf_add(&request.body, "{\0}", 3);
    wire_net_put_request(out, id, &request);
}

static void test_request(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    put_request(&out, UINT64_MAX);
    AUTO(http_request) got = {0};
    uint64_t id = 0;
    assert_true(wire_net_get_request(payload_of(&out, WIRE_NET_REQUEST), &id, &got));
    assert_true(id == UINT64_MAX);
    assert_int_equal(got.method, HTTP_POST);
    assert_string_equal(got.url, "https://ca.example/new");
    assert_string_equal(got.accept, "application/pem-certificate-chain");
    assert_string_equal(got.content_type, "application/jose+json");
    assert_true(span_equals(buf_span(&got.body), SPAN_LIT("{\0}")));
    assert_true(got.follow_https_redirects);
    assert_string_equal(got.connect_to, "127.0.0.1:80");
    assert_true(got.insecure);
    assert_true(got.proxy_protocol);
    assert_int_equal(got.timeout_ms, 1234);
}

static void test_smallest_request(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    AUTO(http_request) put = {.url = mem_strdup("")};
    wire_net_put_request(&out, 1, &put);
    AUTO(http_request) got = {.accept = "x"};
    uint64_t id = 0;
    assert_true(wire_net_get_request(payload_of(&out, WIRE_NET_REQUEST), &id, &got));
    assert_int_equal(got.method, HTTP_GET);
    assert_null(got.accept);
    assert_null(got.content_type);
    assert_null(got.connect_to);
    assert_false(got.insecure);
    assert_false(got.proxy_protocol);
    assert_int_equal(got.body.len, 0);
}

static void test_cancel(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    uint64_t id = 0;
    wire_net_put_cancel(&out, 77);
    assert_true(wire_net_get_cancel(payload_of(&out, WIRE_NET_CANCEL), &id));
    assert_int_equal(id, 77);
}

static void put_reply(struct buf *out, uint64_t id, long status, size_t headers, size_t body)
{
    AUTO(http_response)
    response = {.status = status, .headers = BUF(ROOM), .body = BUF(ROOM)};
    for (size_t i = 0; i < headers; i++)
        buf_add_byte(&response.headers, 'h');
    for (size_t i = 0; i < body; i++)
        buf_add_byte(&response.body, (char)(i & 0xff));
    wire_net_put_reply(out, id, &response);
}

static void test_reply_up_to_its_caps(void **state)
{
    (void)state;
    static const struct {
        uint64_t id;
        long status;
        size_t headers, body;
        bool good;
    } rows[] = {
        {1, 200, 0, 0, true},
        {1, 100, 1, 1, true},
        {1, 999, HTTP_HEADERS_MAX, HTTP_BODY_MAX, true},
        {1, 200, HTTP_HEADERS_MAX + 1, 0, false},
        {1, 200, 0, HTTP_BODY_MAX + 1, false},
        {1, 99, 0, 0, false},
        {1, 0, 0, 0, false},
        {1, 1000, 0, 0, false},
        {1, -1, 0, 0, false},
        {0, 200, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(buf) out = BUF(ROOM);
        AUTO(http_response) got = {.status = -7};
        uint64_t id = 55;
        put_reply(&out, rows[i].id, rows[i].status, rows[i].headers, rows[i].body);
        struct span payload = payload_of(&out, WIRE_NET_REPLY);
        assert_int_equal(wire_net_get_reply(payload, &id, &got), rows[i].good);
        assert_int_equal(got.status, rows[i].good ? rows[i].status : -7);
        assert_int_equal(got.body.len, rows[i].good ? rows[i].body : 0);
        assert_int_equal(got.headers.len, rows[i].good ? rows[i].headers : 0);
        assert_true(id == (rows[i].good ? rows[i].id : 55));
    }
}

static void test_every_failure(void **state)
{
    (void)state;
    for (int i = 0; i <= HTTP_FAIL_COUNT; i++) {
        AUTO(buf) out = BUF(ROOM);
        AUTO(wire_net_failed) got = {0};
        bool good = i != HTTP_FAIL_NONE && i != HTTP_FAIL_COUNT;
        wire_net_put_failed(&out, 5, (enum http_failure)i, "why");
        assert_int_equal(wire_net_get_failed(payload_of(&out, WIRE_NET_FAILED), &got), good);
        assert_int_equal(got.id, good ? 5 : 0);
        if (good) {
            assert_int_equal(got.failure, i);
            assert_string_equal(got.text, "why");
        }
    }
}

static void test_long_texts_are_cut_by_the_writer(void **state)
{
    (void)state;
    AUTO(buf) longer = BUF(ROOM);
    for (int i = 0; i < 5000; i++)
        buf_add_byte(&longer, 'x');
    AUTO(buf) failed = BUF(ROOM);
    AUTO(wire_net_failed) got = {0};
    wire_net_put_failed(&failed, 1, HTTP_FAIL_LOST, buf_str(&longer));
    assert_true(wire_net_get_failed(payload_of(&failed, WIRE_NET_FAILED), &got));
    assert_int_equal(strlen(got.text), WIRE_TEXT_MAX);
    AUTO(buf) line = BUF(ROOM);
    char text[WIRE_TEXT_MAX + 1] = "";
    wire_net_put_log(&line, buf_str(&longer));
    assert_true(wire_net_get_log(payload_of(&line, WIRE_NET_LOG), text));
    assert_int_equal(strlen(text), WIRE_TEXT_MAX);
}

/* ---- refusals ---- */

static void test_a_version_that_is_too_long_or_absent(void **state)
{
    (void)state;
    char version[64] = "old";
    char longer[65];
    memset(longer, '1', 64);
    longer[64] = '\0';
    AUTO(buf) out = BUF(ROOM);
    wire_net_put_hello(&out, longer);
    assert_false(wire_net_get_hello(payload_of(&out, WIRE_NET_HELLO), version));
    buf_clear(&out);
    wire_net_put_hello(&out, NULL);
    assert_false(wire_net_get_hello(payload_of(&out, WIRE_NET_HELLO), version));
    assert_string_equal(version, "old");
    buf_clear(&out);
    wire_net_put_hello(&out, longer + 1);
    assert_true(wire_net_get_hello(payload_of(&out, WIRE_NET_HELLO), version));
}

static void test_a_config_without_an_agent(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    AUTO(wire_net_config) put = {0}, got = {0};
    wire_net_put_config(&out, &put);
    assert_false(wire_net_get_config(payload_of(&out, WIRE_NET_CONFIG), &got));
}

static bool request_is_read(struct span payload)
{
    AUTO(http_request) got = {0};
    uint64_t id = 0;
    bool good = wire_net_get_request(payload, &id, &got);
    if (!good) {
        assert_int_equal(id, 0);
        assert_null(got.url);
        assert_null(got.connect_to);
    }
    return good;
}

static void test_requests_out_of_bounds(void **state)
{
    (void)state;
    char url[HTTP_URL_MAX + 2];
    memset(url, 'u', sizeof url);
    url[HTTP_URL_MAX + 1] = '\0';
    for (int over = 0; over < 2; over++) {
        AUTO(buf) out = BUF(ROOM);
        AUTO(http_request) put = {.url = mem_strdup(url + 1 - over)};
        wire_net_put_request(&out, 1, &put);
        assert_int_equal(request_is_read(payload_of(&out, WIRE_NET_REQUEST)), !over);
    }
    AUTO(buf) none = BUF(ROOM);
    AUTO(http_request) without_url = {0};
    wire_net_put_request(&none, 1, &without_url);
    assert_false(request_is_read(payload_of(&none, WIRE_NET_REQUEST)));
    AUTO(buf) zero = BUF(ROOM);
    put_request(&zero, 0);
    assert_false(request_is_read(payload_of(&zero, WIRE_NET_REQUEST)));
    AUTO(buf) late = BUF(ROOM);
    AUTO(http_request) forever = {.url = mem_strdup("https://x/"), .timeout_ms = UINT32_MAX};
    wire_net_put_request(&late, 1, &forever);
    assert_false(request_is_read(payload_of(&late, WIRE_NET_REQUEST)));
    AUTO(buf) huge = BUF(ROOM);
    AUTO(http_request) heavy = {.url = mem_strdup("https://x/"), .body = BUF(ROOM)};
    for (size_t i = 0; i <= 512 * 1024; i++)
        buf_add_byte(&heavy.body, 'b');
    wire_net_put_request(&huge, 1, &heavy);
    assert_false(request_is_read(payload_of(&huge, WIRE_NET_REQUEST)));
}

/* Without a certificate that is verified nobody but a server of our own is asked anything. */
static void test_insecure_only_at_home(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        AUTO(buf) out = BUF(ROOM);
        AUTO(http_request) put = {.url = mem_strdup("https://x/")};
        put.connect_to = (i & 1) != 0 ? mem_strdup("127.0.0.1:443") : NULL;
        put.insecure = (i & 2) == 0;
        put.proxy_protocol = (i & 2) != 0;
        wire_net_put_request(&out, 1, &put);
        assert_int_equal(request_is_read(payload_of(&out, WIRE_NET_REQUEST)), (i & 1) != 0);
    }
}

/* The byte that holds the method, then one that says which word, are made invalid in turn. */
static void test_unknown_words_in_a_request(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    put_request(&out, 1);
    size_t url_size = 1 + 4 + strlen("https://ca.example/new");
    const size_t offsets[] = {OFFSET_METHOD, OFFSET_METHOD + 1 + url_size,
                              OFFSET_METHOD + 2 + url_size};
    for (size_t i = 0; i < 3; i++) {
        char *byte = out.data + FRAME_HEAD + offsets[i];
        char was = *byte;
        assert_in_range(was, 1, 3);
        *byte = 4;
        assert_false(request_is_read(payload_of(&out, WIRE_NET_REQUEST)));
        *byte = '\xff';
        assert_false(request_is_read(payload_of(&out, WIRE_NET_REQUEST)));
        *byte = was;
        assert_true(request_is_read(payload_of(&out, WIRE_NET_REQUEST)));
    }
}

/* Every reader, so that a table can try all of them on the same bytes. */
static bool read_hello(struct span payload)
{
    char version[64];
    return wire_net_get_hello(payload, version);
}
static bool read_config(struct span payload)
{
    AUTO(wire_net_config) got = {0};
    return wire_net_get_config(payload, &got);
}
static bool read_cancel(struct span payload)
{
    uint64_t id;
    return wire_net_get_cancel(payload, &id);
}
static bool read_reply(struct span payload)
{
    AUTO(http_response) got = {0};
    uint64_t id;
    return wire_net_get_reply(payload, &id, &got);
}
static bool read_failed(struct span payload)
{
    AUTO(wire_net_failed) got = {0};
    return wire_net_get_failed(payload, &got);
}
static bool read_log(struct span payload)
{
    char text[WIRE_TEXT_MAX + 1];
    return wire_net_get_log(payload, text);
}

static void put_one_of_each(struct buf out[static 7])
{
    AUTO(wire_net_config)
    config = {.user_agent = mem_strdup("a"),
              .ca_bundle = BUF(9),
              .proxy = mem_strdup("p"),
              .no_proxy = mem_strdup("n")};
    for (int i = 0; i < 7; i++)
        out[i] = BUF(ROOM);
    wire_net_put_hello(&out[0], "1.0.0");
    wire_net_put_config(&out[1], &config);
    put_request(&out[2], 1);
    wire_net_put_cancel(&out[3], 1);
    put_reply(&out[4], 1, 200, 20, 20);
    wire_net_put_failed(&out[5], 1, HTTP_FAIL_LOST, "why");
    wire_net_put_log(&out[6], "line");
}

static void test_a_message_ends_where_it_ends(void **state)
{
    (void)state;
    static bool (*const read[])(struct span) = {
        read_hello, read_config, request_is_read, read_cancel, read_reply, read_failed, read_log};
    struct buf out[7];
    put_one_of_each(out);
    for (int i = 0; i < 7; i++) {
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
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_smallest_request),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_reply_up_to_its_caps),
        cmocka_unit_test(test_every_failure),
        cmocka_unit_test(test_long_texts_are_cut_by_the_writer),
        cmocka_unit_test(test_a_version_that_is_too_long_or_absent),
        cmocka_unit_test(test_a_config_without_an_agent),
        cmocka_unit_test(test_requests_out_of_bounds),
        cmocka_unit_test(test_insecure_only_at_home),
        cmocka_unit_test(test_unknown_words_in_a_request),
        cmocka_unit_test(test_a_message_ends_where_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

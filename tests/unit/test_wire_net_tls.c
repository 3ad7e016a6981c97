#include <acmec/data/wire_net.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>

#define ROOM (4 * 1024 * 1024)

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

static struct tls_request some_request(void)
{
    return (struct tls_request){
        .address = mem_strdup("2001:db8::1"),
        .port = 443,
        .server_name = mem_strdup("a.example"),
        .alpn = mem_strdup("h2,http/1.1"),
        .key = TLS_RSA,
        .min = TLS_1_0,
        .max = TLS_1_1,
        .proxy_protocol = true,
        .timeout_ms = 77,
    };
}

static void fill(struct buf *out, size_t len)
{
    *out = BUF(ROOM);
    for (size_t i = 0; i < len; i++)
        buf_add_byte(out, (char)(i & 0xff));
}

static void some_report(struct tls_report *out)
{
    *out = (struct tls_report){.version = TLS_1_3, .stapled = true, .chain_count = 2};
    (void)snprintf(out->cipher, sizeof out->cipher, "TLS_AES_128_GCM_SHA256");
    (void)snprintf(out->group, sizeof out->group, "x25519");
    fill(&out->chain[0], 1000);
    fill(&out->chain[1], 2000);
    fill(&out->client_hello, 512);
    fill(&out->server_hello, 122);
    out->steps[0] = (struct tls_step){.sent = true, .type = 1, .length = 512};
    out->steps[1] = (struct tls_step){.is_alert = true, .type = 40, .length = 2};
    out->step_count = 2;
    out->connect_ms = 3;
    out->handshake_ms = 4;
}

/* ---- round trips ---- */

static void test_probe(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    AUTO(tls_request) put = some_request(), got = {0};
    uint64_t id = 0;
    wire_net_put_probe(&out, 9, &put);
    assert_true(wire_net_get_probe(payload_of(&out, WIRE_NET_PROBE), &id, &got));
    assert_int_equal(id, 9);
    assert_string_equal(got.address, "2001:db8::1");
    assert_int_equal(got.port, 443);
    assert_string_equal(got.server_name, "a.example");
    assert_string_equal(got.alpn, "h2,http/1.1");
    assert_int_equal(got.key, TLS_RSA);
    assert_int_equal(got.min, TLS_1_0);
    assert_int_equal(got.max, TLS_1_1);
    assert_true(got.proxy_protocol);
    assert_int_equal(got.timeout_ms, 77);
}

static void test_seen(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    AUTO(tls_report) put, got = {0};
    uint64_t id = 0;
    some_report(&put);
    wire_net_put_seen(&out, 8, &put);
    assert_true(wire_net_get_seen(payload_of(&out, WIRE_NET_SEEN), &id, &got));
    assert_int_equal(id, 8);
    assert_int_equal(got.version, TLS_1_3);
    assert_string_equal(got.cipher, put.cipher);
    assert_string_equal(got.group, "x25519");
    assert_string_equal(got.signature, "");
    assert_string_equal(got.alpn, "");
    assert_true(got.stapled);
    assert_int_equal(got.chain_count, 2);
    assert_true(span_equals(buf_span(&got.chain[1]), buf_span(&put.chain[1])));
    assert_true(span_equals(buf_span(&got.client_hello), buf_span(&put.client_hello)));
    assert_true(span_equals(buf_span(&got.server_hello), buf_span(&put.server_hello)));
    assert_int_equal(got.step_count, 2);
    assert_true(got.steps[0].sent);
    assert_true(got.steps[1].is_alert);
    assert_int_equal(got.steps[1].type, 40);
    assert_int_equal(got.handshake_ms, 4);
}

/* ---- refusals ---- */

static bool probe_is_read(const struct tls_request *request, uint64_t id)
{
    AUTO(buf) out = BUF(ROOM);
    AUTO(tls_request) got = {0};
    uint64_t read_id = 0;
    wire_net_put_probe(&out, id, request);
    bool good = wire_net_get_probe(payload_of(&out, WIRE_NET_PROBE), &read_id, &got);
    assert_true(good || (read_id == 0 && got.address == NULL));
    return good;
}

static void test_probes_out_of_bounds(void **state)
{
    (void)state;
    AUTO(tls_request) request = some_request();
    assert_true(probe_is_read(&request, 1));
    assert_false(probe_is_read(&request, 0));
    struct tls_request bad = request;
    bad.port = 0;
    assert_false(probe_is_read(&bad, 1));
    bad = request;
    bad.address = NULL;
    assert_false(probe_is_read(&bad, 1));
    bad = request;
    bad.key = TLS_KEY_COUNT;
    assert_false(probe_is_read(&bad, 1));
    bad = request;
    bad.min = TLS_VERSION_COUNT;
    assert_false(probe_is_read(&bad, 1));
    bad = request;
    bad.max = TLS_VERSION_COUNT;
    assert_false(probe_is_read(&bad, 1));
    bad = request;
    bad.timeout_ms = WIRE_TIMEOUT_MAX_MS + 1;
    assert_false(probe_is_read(&bad, 1));
    bad = request;
    bad.server_name = NULL;
    bad.alpn = NULL;
    assert_true(probe_is_read(&bad, 1));
}

static bool report_is_read(const struct tls_report *report)
{
    AUTO(buf) out = BUF(ROOM);
    AUTO(tls_report) got = {0};
    uint64_t id = 0;
    wire_net_put_seen(&out, 1, report);
    bool good = wire_net_get_seen(payload_of(&out, WIRE_NET_SEEN), &id, &got);
    assert_true(good || (id == 0 && got.chain_count == 0));
    return good;
}

static void test_reports_out_of_bounds(void **state)
{
    (void)state;
    AUTO(tls_report) report;
    some_report(&report);
    assert_true(report_is_read(&report));
    struct tls_report bad = report;
    bad.chain_count = 0;
    assert_false(report_is_read(&bad));
    bad = report;
    bad.version = TLS_VERSION_ANY;
    assert_false(report_is_read(&bad));
    bad.version = TLS_VERSION_COUNT;
    assert_false(report_is_read(&bad));
    bad = report;
    bad.chain[0].len = 0;
    assert_false(report_is_read(&bad));
}

/* One byte more than all certificates may have together. */
static void test_a_chain_up_to_its_cap(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        AUTO(tls_report) report;
        some_report(&report);
        buf_release(&report.chain[0]);
        fill(&report.chain[0], TLS_CHAIN_MAX - report.chain[1].len + over);
        assert_int_equal(report_is_read(&report), over == 0);
    }
    for (size_t over = 0; over < 2; over++) {
        AUTO(tls_report) report;
        some_report(&report);
        buf_release(&report.client_hello);
        fill(&report.client_hello, TLS_HELLO_MAX + over);
        assert_int_equal(report_is_read(&report), over == 0);
    }
}

static void test_a_message_ends_where_it_ends(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    AUTO(tls_report) report;
    some_report(&report);
    wire_net_put_seen(&out, 1, &report);
    size_t len = out.len - FRAME_HEAD;
    buf_add_byte(&out, '\0');
    for (size_t cut = 0; cut <= len + 1; cut++) {
        AUTO(tls_report) got = {0};
        uint64_t id;
        assert_int_equal(wire_net_get_seen(span_of(out.data + FRAME_HEAD, cut), &id, &got),
                         cut == len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_seen),
        cmocka_unit_test(test_probes_out_of_bounds),
        cmocka_unit_test(test_reports_out_of_bounds),
        cmocka_unit_test(test_a_chain_up_to_its_cap),
        cmocka_unit_test(test_a_message_ends_where_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

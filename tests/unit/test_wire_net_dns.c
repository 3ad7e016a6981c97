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

static bool query_is_read(const struct dns_query *query, uint64_t id, struct dns_query *got)
{
    AUTO(buf) out = BUF(ROOM);
    uint64_t read_id = 0;
    wire_net_put_query(&out, id, query);
    bool good = wire_net_get_query(payload_of(&out, WIRE_NET_QUERY), &read_id, got);
    assert_true(good ? read_id == id : read_id == 0 && got->name == NULL);
    return good;
}

static void test_query(void **state)
{
    (void)state;
    AUTO(dns_query)
    put = {.name = mem_strdup("a.example"),
           .type = DNS_CAA,
           .server = mem_strdup("[::1]:5353"),
           .tcp = true,
           .timeout_ms = 900},
    got = {0}, bad = {0};
    assert_true(query_is_read(&put, UINT64_MAX, &got));
    assert_string_equal(got.name, "a.example");
    assert_int_equal(got.type, DNS_CAA);
    assert_string_equal(got.server, "[::1]:5353");
    assert_true(got.tcp);
    assert_int_equal(got.timeout_ms, 900);
    assert_false(query_is_read(&put, 0, &bad));
    struct dns_query wrong = put;
    wrong.name = NULL;
    assert_false(query_is_read(&wrong, 1, &bad));
    wrong = put;
    wrong.type = DNS_TYPE_COUNT;
    assert_false(query_is_read(&wrong, 1, &bad));
    wrong = put;
    wrong.timeout_ms = UINT32_MAX;
    assert_false(query_is_read(&wrong, 1, &bad));
}

static void add(struct dns_answer *answer, enum dns_type type, const char *owner, const char *tag,
                struct span data)
{
    struct dns_record *record = dns_answer_add(answer);
    record->type = type;
    record->owner = mem_strdup(owner);
    (void)snprintf(record->tag, sizeof record->tag, "%s", tag);
    buf_add_span(&record->data, data);
}

static bool answer_is_read(const struct dns_answer *answer, struct dns_answer *got)
{
    AUTO(buf) out = BUF(ROOM);
    uint64_t id = 0;
    wire_net_put_answer(&out, 3, answer);
    bool good = wire_net_get_answer(payload_of(&out, WIRE_NET_ANSWER), &id, got);
    assert_true(good ? id == 3 : id == 0 && got->count == 0);
    return good;
}

static void test_answer(void **state)
{
    (void)state;
    AUTO(dns_answer) put = {.rcode = DNS_NXDOMAIN, .authoritative = true}, got = {0};
    add(&put, DNS_AAAA, "a.example", "", SPAN_LIT("2001:db8::1"));
    add(&put, DNS_TXT, "a.example", "", SPAN_LIT("a\0b"));
    add(&put, DNS_CAA, "", "issue", SPAN_LIT("\xff"));
    put.records[2].flags = 128;
    put.records[2].authority = true;
    put.records[2].ttl = UINT32_MAX;
    assert_true(answer_is_read(&put, &got));
    assert_int_equal(got.rcode, DNS_NXDOMAIN);
    assert_true(got.authoritative);
    assert_int_equal(got.count, 3);
    assert_string_equal(buf_str(&got.records[0].data), "2001:db8::1");
    assert_int_equal(got.records[1].data.len, 3);
    assert_string_equal(got.records[2].tag, "issue");
    assert_int_equal(got.records[2].flags, 128);
    assert_true(got.records[2].authority);
    assert_true(got.records[2].ttl == UINT32_MAX);
}

/* A worker may say whatever it likes, but an address is one, and a name can be shown. */
static void test_data_that_is_not_of_its_type(void **state)
{
    (void)state;
    static const struct {
        enum dns_type type;
        const char *owner, *tag, *data;
        bool good;
    } rows[] = {
        {DNS_A, "a", "", "127.0.0.1", true},           {DNS_A, "a", "", "::1", false},
        {DNS_A, "a", "", "127.0.0.1;reboot", false},   {DNS_AAAA, "a", "", "127.0.0.1", false},
        {DNS_CNAME, "a", "", "b.example", true},       {DNS_CNAME, "a", "", "b\033[2J", false},
        {DNS_NS, "a b", "", "b.example", false},       {DNS_HOST, "a", "", "127.0.0.1", false},
        {DNS_TYPE_COUNT, "a", "", "127.0.0.1", false}, {DNS_CAA, "a", "issue", ";", true},
        {DNS_CAA, "a", "Issue", ";", false},           {DNS_CAA, "a", "is sue", ";", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(dns_answer) put = {0}, got = {0};
        add(&put, rows[i].type, rows[i].owner, rows[i].tag, span_str(rows[i].data));
        assert_int_equal(answer_is_read(&put, &got), rows[i].good);
    }
}

static void test_a_message_ends_where_it_ends(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    AUTO(dns_answer) put = {0};
    add(&put, DNS_A, "a", "", SPAN_LIT("127.0.0.1"));
    add(&put, DNS_TXT, "a", "", SPAN_LIT("text"));
    wire_net_put_answer(&out, 1, &put);
    size_t len = out.len - FRAME_HEAD;
    buf_add_byte(&out, '\0');
    for (size_t cut = 0; cut <= len + 1; cut++) {
        AUTO(dns_answer) got = {0};
        uint64_t id;
        assert_int_equal(wire_net_get_answer(span_of(out.data + FRAME_HEAD, cut), &id, &got),
                         cut == len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_data_that_is_not_of_its_type),
        cmocka_unit_test(test_a_message_ends_where_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/data/dns_wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

#define ROOM (256 * 1024)
#define QUESTION                                                                                   \
    "\x01"                                                                                         \
    "a\x07"                                                                                        \
    "example\0\0\x01\0\x01"
#define QUESTION_NAME 12 /* where "a.example" begins in every message here */
#define TO_NAME "\xc0\x0c"
#define TTL "\0\0\x01\x2c"

static void put(struct buf *out, const char *bytes, size_t len)
{
    buf_add(out, bytes, len);
}
#define PUT(out, literal) put((out), (literal), sizeof(literal) - 1)

static void put16(struct buf *out, unsigned value)
{
    buf_add_byte(out, (char)(value >> 8));
    buf_add_byte(out, (char)value);
}

/* A response with one question, and room for so many records. */
static void head(struct buf *out, unsigned flags, unsigned answers, unsigned authorities)
{
    *out = BUF(ROOM);
    put16(out, 0x1234);
    put16(out, flags);
    put16(out, 1);
    put16(out, answers);
    put16(out, authorities);
    put16(out, 1); /* an OPT record that nobody reads */
    PUT(out, QUESTION);
}

/* A record of the question's name. */
static void record(struct buf *out, unsigned type, const char *data, size_t len)
{
    PUT(out, TO_NAME);
    put16(out, type);
    put16(out, 1);
    PUT(out, TTL);
    put16(out, (unsigned)len);
    put(out, data, len);
}
#define RECORD(out, type, literal) record((out), (type), (literal), sizeof(literal) - 1)

static bool read_one(unsigned type, const char *data, size_t len, struct dns_answer *out)
{
    AUTO(buf) message;
    head(&message, 0x8180, 1, 0);
    record(&message, type, data, len);
    return dns_wire_read(buf_span(&message), out);
}
#define READ_ONE(type, literal, out) read_one((type), (literal), sizeof(literal) - 1, (out))

static void assert_data(const struct dns_answer *answer, size_t nth, enum dns_type type,
                        const char *text)
{
    assert_true(nth < answer->count);
    assert_int_equal(answer->records[nth].type, type);
    assert_string_equal(buf_str(&answer->records[nth].data), text);
}

static void test_addresses(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0};
    AUTO(buf) message;
    head(&message, 0x8580, 2, 0);
    RECORD(&message, 1, "\xc0\0\x02\x07");
    RECORD(&message, 28, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
    assert_true(dns_wire_read(buf_span(&message), &answer));
    assert_int_equal(answer.count, 2);
    assert_true(answer.authoritative);
    assert_int_equal(answer.rcode, DNS_NOERROR);
    assert_data(&answer, 0, DNS_A, "192.0.2.7");
    assert_data(&answer, 1, DNS_AAAA, "2001:db8::1");
    assert_string_equal(answer.records[0].owner, "a.example");
    assert_int_equal(answer.records[0].ttl, 300);
}

static void test_names(void **state)
{
    (void)state;
    AUTO(dns_answer) cname = {0}, ns = {0}, mx = {0}, soa = {0};
    assert_true(READ_ONE(5,
                         "\x01"
                         "b" TO_NAME,
                         &cname));
    assert_data(&cname, 0, DNS_CNAME, "b.a.example");
    assert_true(READ_ONE(2, "\x02ns\xc0\x0e", &ns));
    assert_data(&ns, 0, DNS_NS, "ns.example");
    assert_true(READ_ONE(15, "\0\x0a\0", &mx));
    assert_data(&mx, 0, DNS_MX, "");
    assert_int_equal(mx.records[0].preference, 10);
    assert_true(READ_ONE(6,
                         "\x02ns\xc0\x0e\x01r\xc0\x0e"
                         "\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
                         &soa));
    assert_data(&soa, 0, DNS_SOA, "ns.example");
}

static void test_texts_are_put_together(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0}, none = {0};
    assert_true(READ_ONE(16,
                         "\x03"
                         "abc\0\x02"
                         "d\n",
                         &answer));
    assert_data(&answer, 0, DNS_TXT, "abcd\n");
    assert_true(READ_ONE(16, "", &none));
    assert_data(&none, 0, DNS_TXT, "");
}

static void test_caa(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0}, odd = {0}, empty = {0};
    assert_true(READ_ONE(257,
                         "\x80\x05"
                         "IsSueletsencrypt.org",
                         &answer));
    assert_data(&answer, 0, DNS_CAA, "letsencrypt.org");
    assert_string_equal(answer.records[0].tag, "issue");
    assert_int_equal(answer.records[0].flags, 0x80);
    assert_true(READ_ONE(257,
                         "\x80\x02"
                         "a-x",
                         &odd));
    assert_string_equal(odd.records[0].tag, "?");
    assert_true(READ_ONE(257, "\0\0", &empty));
    assert_string_equal(empty.records[0].tag, "?");
}

static void test_odd_bytes_in_names(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0};
    assert_true(READ_ONE(5,
                         "\x05"
                         "a.\\ \xff\0",
                         &answer));
    assert_data(&answer, 0, DNS_CNAME, "a\\.\\\\\\032\\255");
}

static void test_sections_and_types(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0};
    AUTO(buf) message;
    head(&message, 0x8183, 1, 1);
    RECORD(&message, 99, "whatever");
    RECORD(&message, 2, "\x02ns\xc0\x0e");
    assert_true(dns_wire_read(buf_span(&message), &answer));
    assert_int_equal(answer.rcode, DNS_NXDOMAIN);
    assert_int_equal(answer.count, 1);
    assert_true(answer.records[0].authority);
    assert_false(answer.authoritative);
}

/* ---- refusals ---- */

static void test_data_that_is_too_short_or_too_long(void **state)
{
    (void)state;
    static const struct {
        unsigned type;
        const char *data;
        size_t len;
    } rows[] = {
        {1, "\x7f\0\0", 3},
        {1, "\x7f\0\0\x01\0", 5},
        {28, "\0\0\0\0", 4},
        {5,
         "\x05"
         "ab",
         3},
        {5, "\0\0", 2},
        {15, "\0", 1},
        {16,
         "\x04"
         "abc",
         4},
        {257, "\0", 1},
        {257, "\0\x06issue", 7},
        {6, "\0\0\0", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(dns_answer) answer = {0};
        assert_false(read_one(rows[i].type, rows[i].data, rows[i].len, &answer));
        assert_int_equal(answer.count, 0);
    }
}

/* To itself, forward, and in a circle of two. */
static void test_names_without_an_end(void **state)
{
    (void)state;
    AUTO(buf) message;
    AUTO(dns_answer) answer = {0};
    head(&message, 0x8180, 1, 0);
    size_t here = message.len + 12;
    char self[] = {(char)0xc0, (char)here};
    char forward[] = {(char)0xc0, (char)(here + 2), 1, 'a', (char)0xc0, (char)here};
    assert_false(read_one(5, self, sizeof self, &answer));
    assert_false(read_one(5, forward, sizeof forward, &answer));
    assert_false(read_one(5,
                          "\x80"
                          "a\0",
                          3, &answer)); /* a label type that there is not */
}

static void test_a_name_up_to_its_cap(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        AUTO(buf) name = BUF(ROOM);
        AUTO(dns_answer) answer = {0};
        for (size_t i = 0; i < 4; i++) {
            size_t len = i < 3 ? 63 : 61 + over;
            buf_add_byte(&name, (char)len);
            for (size_t j = 0; j < len; j++)
                buf_add_byte(&name, '\0');
        }
        buf_add_byte(&name, '\0');
        assert_int_equal(read_one(5, name.data, name.len, &answer), over == 0);
    }
}

static void test_what_is_no_response(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0};
    AUTO(buf) query;
    head(&query, 0x0100, 0, 0);
    assert_false(dns_wire_read(buf_span(&query), &answer));
    AUTO(buf) message;
    head(&message, 0x8180, 2, 0);
    RECORD(&message, 1, "\x7f\0\0\x01");
    for (size_t len = 0; len <= message.len; len++)
        assert_false(dns_wire_read(span_of(message.data, len), &answer));
    RECORD(&message, 1, "\x7f\0\0\x01");
    assert_true(dns_wire_read(buf_span(&message), &answer));
}

static void test_more_records_than_anybody_needs(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        AUTO(dns_answer) answer = {0};
        AUTO(buf) message;
        head(&message, 0x8180, DNS_RECORDS_MAX + over, 0);
        for (unsigned i = 0; i < DNS_RECORDS_MAX + over; i++)
            RECORD(&message, 1, "\x7f\0\0\x01");
        assert_int_equal(dns_wire_read(buf_span(&message), &answer), over == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_texts_are_put_together),
        cmocka_unit_test(test_caa),
        cmocka_unit_test(test_odd_bytes_in_names),
        cmocka_unit_test(test_sections_and_types),
        cmocka_unit_test(test_data_that_is_too_short_or_too_long),
        cmocka_unit_test(test_names_without_an_end),
        cmocka_unit_test(test_a_name_up_to_its_cap),
        cmocka_unit_test(test_what_is_no_response),
        cmocka_unit_test(test_more_records_than_anybody_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

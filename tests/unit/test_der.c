#include "../../src/crypto/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void takes_one_element_after_the_other(void **state)
{
    struct span in = SPAN_LIT("\x04\x02hi\x05\x00rest"), out = {0};
    (void)state;
    assert_false(der_take(&in, DER_NULL, &out));
    assert_int_equal(in.len, 10);
    assert_true(der_take(&in, DER_OCTET_STRING, &out));
    assert_true(span_is(out, "hi"));
    assert_true(der_take(&in, DER_NULL, &out));
    assert_int_equal(out.len, 0);
    assert_true(span_is(in, "rest"));
}

static void refuses_lengths_that_lie(void **state)
{
    static const struct span CASES[] = {
        {"", 0},
        {"\x04", 1},                       /* no length */
        {"\x04\x03hi", 4},                 /* one byte is missing */
        {"\x04\x81", 2},                   /* the length is missing */
        {"\x04\x84\xff\xff\xff\xffhi", 8}, /* 4 GiB */
        {"\x04\x85\x01\0\0\0\x02hi", 9},   /* a length of five bytes */
        {"\x04\x80hi\0\0", 6},             /* BER's indefinite length */
        {NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct span in = CASES[i], out = {"untouched", 9};
        assert_false(der_take(&in, DER_OCTET_STRING, &out));
        assert_true(in.ptr == CASES[i].ptr && in.len == CASES[i].len);
        assert_int_equal(out.len, 9);
    }
}

static void integers_are_read_without_leading_zeros(void **state)
{
    static const struct {
        struct span in, out;
        bool ok;
    } CASES[] = {
        {{"\x02\x01\x05", 3}, {"\x05", 1}, true}, {{"\x02\x02\0\x80", 4}, {"\x80", 1}, true},
        {{"\x02\x01\0", 3}, {"", 0}, true},       {{"\x02\x01\x80", 3}, {"", 0}, false},
        {{"\x02\x00", 2}, {"", 0}, false},        {{"\x04\x01\x05", 3}, {"", 0}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct span in = CASES[i].in, out = {0};
        assert_int_equal(der_take_unsigned(&in, &out), CASES[i].ok);
        assert_true(span_equals(out, CASES[i].out));
        assert_int_equal(in.len, CASES[i].ok ? 0 : CASES[i].in.len);
    }
}

static void writes_from_the_end(void **state)
{
    static const char EXPECTED[] = "\x30\x11\x05\x00\x02\x02\x00\x80\x02\x01\x7f\x03\x03\0"
                                   "ab"
                                   "\x06\x01\x55";
    unsigned char memory[64];
    struct der_writer writer = der_writer(memory, sizeof memory);
    (void)state;
    der_put(&writer, DER_OID, SPAN_LIT("\x55"));
    der_put_bit_string(&writer, SPAN_LIT("ab"));
    der_put_unsigned(&writer, SPAN_LIT("\0\0\x7f"));
    der_put_unsigned(&writer, SPAN_LIT("\0\x80"));
    der_put(&writer, DER_NULL, SPAN_LIT(""));
    der_wrap(&writer, DER_SEQUENCE, writer.end);
    assert_false(writer.failed);
    assert_true(span_equals(der_written(&writer), SPAN_LIT(EXPECTED)));
}

static void wraps_only_what_came_since(void **state)
{
    unsigned char memory[64];
    struct der_writer writer = der_writer(memory, sizeof memory);
    (void)state;
    der_put_raw(&writer, SPAN_LIT("end"));
    const unsigned char *since = writer.at;
    der_put_raw(&writer, SPAN_LIT("inner"));
    der_wrap(&writer, DER_SET, since);
    assert_true(span_equals(der_written(&writer), SPAN_LIT("\x31\x05innerend")));
}

/* However small the memory: whole, or failed for good and nothing written before its start. */
static void what_does_not_fit_fails(void **state)
{
    (void)state;
    for (size_t size = 0; size < 310; size++) {
        unsigned char memory[310], content[300] = {0};
        struct der_writer writer = der_writer(memory + sizeof memory - size, size);
        der_put(&writer, DER_OCTET_STRING, span_of(content, sizeof content));
        assert_int_equal(writer.failed, size < 304);
        if (size == 304)
            assert_memory_equal(writer.at, "\x04\x82\x01\x2c", 4);
        der_put(&writer, DER_NULL, SPAN_LIT(""));
        assert_int_equal(writer.failed, size < 306);
        assert_true(writer.at >= writer.start);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_one_element_after_the_other),
        cmocka_unit_test(refuses_lengths_that_lie),
        cmocka_unit_test(integers_are_read_without_leading_zeros),
        cmocka_unit_test(writes_from_the_end),
        cmocka_unit_test(wraps_only_what_came_since),
        cmocka_unit_test(what_does_not_fit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/data/frame.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

/* One frame of type 7 with everything in it. */
static void put_all(struct buf *out)
{
    size_t begin = frame_begin(out, 7);
    frame_put_u8(out, 0xfe);
    frame_put_u32(out, 0x01020304);
    frame_put_u64(out, UINT64_MAX - 1);
    frame_put_bytes(out, SPAN_LIT("a\0b"));
    frame_put_text(out, "text");
    frame_put_text(out, "");
    frame_put_text(out, NULL);
    frame_end(out, begin);
}

static struct frame_reader reader_of(struct span bytes)
{
    return (struct frame_reader){.rest = bytes};
}

static void test_what_is_put_is_got(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(1000);
    uint8_t type;
    struct span payload;
    size_t used;
    buf_add_str(&out, "before");
    put_all(&out);
    struct span frame = span_of(out.data + 6, out.len - 6);
    assert_int_equal(frame_next(frame, &type, &payload, &used), FRAME_READY);
    assert_int_equal(type, 7);
    assert_int_equal(used, frame.len);
    struct frame_reader reader = reader_of(payload);
    assert_int_equal(frame_get_u8(&reader), 0xfe);
    assert_int_equal(frame_get_u32(&reader), 0x01020304);
    assert_true(frame_get_u64(&reader) == UINT64_MAX - 1);
    assert_true(span_equals(frame_get_bytes(&reader, 3), SPAN_LIT("a\0b")));
    AUTO_FREE text = frame_get_text(&reader, 4);
    assert_string_equal(text, "text");
    assert_false(frame_at_end(&reader));
    AUTO_FREE empty = frame_get_text(&reader, 0);
    assert_string_equal(empty, "");
    assert_null(frame_get_text(&reader, 4));
    assert_true(frame_at_end(&reader));
}

static void test_the_bytes_are_big_endian(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(100);
    size_t begin = frame_begin(&out, 9);
    frame_put_u32(&out, 0xa1b2c3d4);
    frame_end(&out, begin);
    assert_true(span_equals(buf_span(&out), SPAN_LIT("\0\0\0\5\x09\xa1\xb2\xc3\xd4")));
}

static void test_every_shorter_beginning_is_not_a_frame_yet(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(1000);
    put_all(&out);
    for (size_t len = 0; len < out.len; len++) {
        uint8_t type = 99;
        struct span payload = {0};
        size_t used = 99;
        assert_int_equal(frame_next(span_of(out.data, len), &type, &payload, &used), FRAME_NONE);
        assert_int_equal(type, 99);
        assert_int_equal(used, 99);
        assert_null(payload.ptr);
    }
}

static void test_frames_follow_each_other(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(1000);
    for (uint8_t i = 0; i < 3; i++) {
        size_t begin = frame_begin(&out, i);
        frame_put_u8(&out, i);
        frame_end(&out, begin);
    }
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t type;
        struct span payload;
        size_t used;
        assert_int_equal(frame_next(buf_span(&out), &type, &payload, &used), FRAME_READY);
        assert_int_equal(type, i);
        assert_int_equal(payload.len, 1);
        buf_consume(&out, used);
    }
    assert_int_equal(out.len, 0);
}

static void test_a_type_alone_is_a_frame(void **state)
{
    (void)state;
    uint8_t type;
    struct span payload;
    size_t used;
    assert_int_equal(frame_next(SPAN_LIT("\0\0\0\1\x42more"), &type, &payload, &used), FRAME_READY);
    assert_int_equal(type, 0x42);
    assert_int_equal(payload.len, 0);
    assert_int_equal(used, FRAME_HEAD);
}

static void test_lengths_out_of_bounds_are_broken(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        enum frame_result result;
    } rows[] = {
        {{"\0\0\0\0", 4}, FRAME_BROKEN},         {{"\0\0\0\0\7rest", 9}, FRAME_BROKEN},
        {{"\xff\xff\xff\xff", 4}, FRAME_BROKEN}, {{"\x80\0\0\0", 4}, FRAME_BROKEN},
        {{"\0\x20\0\1", 4}, FRAME_BROKEN}, /* FRAME_MAX + 1 */
        {{"\0\x20\0\0", 4}, FRAME_NONE},   /* FRAME_MAX */
        {{"\xff\xff\xff", 3}, FRAME_NONE},       {{"", 0}, FRAME_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t type;
        struct span payload;
        size_t used;
        assert_int_equal(frame_next(rows[i].bytes, &type, &payload, &used), rows[i].result);
    }
}

static void test_the_largest_frame_goes_through(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(FRAME_MAX + FRAME_HEAD);
    uint8_t type;
    struct span payload;
    size_t used;
    size_t begin = frame_begin(&out, 1);
    while (out.len < FRAME_MAX + FRAME_HEAD - 1)
        buf_add_byte(&out, 'x');
    frame_end(&out, begin);
    assert_true(buf_ok(&out));
    assert_int_equal(frame_next(buf_span(&out), &type, &payload, &used), FRAME_READY);
    assert_int_equal(payload.len, FRAME_MAX - 1);
}

static void test_a_full_buffer_ends_no_frame(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(3);
    size_t begin = frame_begin(&out, 1);
    frame_put_text(&out, "text");
    frame_end(&out, begin);
    assert_false(buf_ok(&out));
    assert_true(out.len <= 3);
}

static void test_numbers_that_are_cut_off_fail(void **state)
{
    (void)state;
    struct frame_reader reader = reader_of(SPAN_LIT("\1\2\3"));
    assert_int_equal(frame_get_u32(&reader), 0);
    assert_true(reader.failed);
    /* It stays failed, though one byte would be there. */
    assert_int_equal(frame_get_u8(&reader), 0);
    assert_false(frame_at_end(&reader));
    reader = reader_of(SPAN_LIT("\1\2\3\4\5\6\7"));
    assert_true(frame_get_u64(&reader) == 0);
    assert_true(reader.failed);
    reader = reader_of(span_of("", 0));
    assert_true(frame_at_end(&reader));
    assert_int_equal(frame_get_u8(&reader), 0);
    assert_true(reader.failed);
    assert_false(frame_at_end(&reader));
}

static void test_bytes_with_a_wrong_length_fail(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        size_t max;
        bool good;
    } rows[] = {
        {{"\0\0\0\2ab", 6}, 2, true}, {{"\0\0\0\2ab", 6}, 1, false},
        {{"\0\0\0\2a", 5}, 9, false}, {{"\xff\xff\xff\xff\1", 5}, SIZE_MAX, false},
        {{"\0\0\0\0", 4}, 0, true},   {{"\0\0\0", 3}, 9, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct frame_reader reader = reader_of(rows[i].bytes);
        struct span got = frame_get_bytes(&reader, rows[i].max);
        assert_int_equal(!reader.failed, rows[i].good);
        assert_int_equal(got.len, rows[i].good ? rows[i].bytes.len - 4 : 0);
    }
}

static void test_text_is_checked(void **state)
{
    (void)state;
    static const struct span rows[] = {
        {"\2\0\0\0\1a", 6}, /* neither there nor absent */
        {"\xff", 1},
        {"\1\0\0\0\3a\0b", 8}, /* NUL inside */
        {"\1\0\0\0\1\0", 6},
        {"\1\0\0\0\5abcde", 10}, /* longer than the maximum of 4 */
        {"\1\0\0\0\2a", 6},
        {"\1", 1},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct frame_reader reader = reader_of(rows[i]);
        assert_null(frame_get_text(&reader, 4));
        assert_true(reader.failed);
        assert_false(frame_at_end(&reader));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_got),
        cmocka_unit_test(test_the_bytes_are_big_endian),
        cmocka_unit_test(test_every_shorter_beginning_is_not_a_frame_yet),
        cmocka_unit_test(test_frames_follow_each_other),
        cmocka_unit_test(test_a_type_alone_is_a_frame),
        cmocka_unit_test(test_lengths_out_of_bounds_are_broken),
        cmocka_unit_test(test_the_largest_frame_goes_through),
        cmocka_unit_test(test_a_full_buffer_ends_no_frame),
        cmocka_unit_test(test_numbers_that_are_cut_off_fail),
        cmocka_unit_test(test_bytes_with_a_wrong_length_fail),
        cmocka_unit_test(test_text_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

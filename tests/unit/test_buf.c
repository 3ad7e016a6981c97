#include <acmec/base/buf.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

static void test_empty_reads_as_empty(void **state)
{
    (void)state;
    AUTO(buf) buf = BUF(10);
    assert_string_equal(buf_str(&buf), "");
    assert_int_equal(buf_span(&buf).len, 0);
    assert_true(buf_ok(&buf));
    buf_add(&buf, NULL, 0);
    assert_true(buf_ok(&buf));
}

static void test_adds_up_to_the_maximum_exactly(void **state)
{
    (void)state;
    AUTO(buf) buf = BUF(5);
    buf_add_str(&buf, "ab");
    buf_add_byte(&buf, 'c');
    buf_add_span(&buf, SPAN_LIT("de"));
    assert_true(buf_ok(&buf));
    assert_string_equal(buf_str(&buf), "abcde");
    buf_add(&buf, "", 0);
    assert_true(buf_ok(&buf));
}

static void test_past_the_maximum_adds_nothing_and_sticks(void **state)
{
    (void)state;
    AUTO(buf) buf = BUF(5);
    buf_add_str(&buf, "abc");
    buf_add_str(&buf, "def");
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_str(&buf), "abc");
    buf_add_byte(&buf, 'd');
    buf_addf(&buf, "%d", 1);
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_str(&buf), "abc");
    buf_clear(&buf);
    assert_true(buf_ok(&buf));
    assert_string_equal(buf_str(&buf), "");
    buf_addf(&buf, "%s%d", "no", 123);
    assert_string_equal(buf_str(&buf), "no123");
    buf_addf(&buf, "%d", 4);
    assert_false(buf_ok(&buf));
    assert_string_equal(buf_str(&buf), "no123");
}

static void test_huge_lengths_do_not_wrap(void **state)
{
    (void)state;
    AUTO(buf) buf = BUF(SIZE_MAX);
    buf_add_str(&buf, "abc");
    buf_add(&buf, "x", SIZE_MAX - 2);
    assert_false(buf_ok(&buf));
    AUTO(buf) full = BUF(SIZE_MAX);
    buf_add(&full, "x", SIZE_MAX);
    assert_false(buf_ok(&full));
}

static void test_grows_and_keeps_nul_bytes(void **state)
{
    (void)state;
    AUTO(buf) buf = BUF(100000);
    AUTO(buf) secret = SECRET_BUF(100000);
    for (int i = 0; i < 100000; i++) {
        buf_add_byte(&buf, (char)(i % 7));
        buf_add_byte(&secret, (char)(i % 7));
    }
    assert_true(buf_ok(&buf));
    assert_true(span_equals(buf_span(&buf), buf_span(&secret)));
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buf.data[i], i % 7);
    assert_int_equal(buf.data[100000], 0);
}

/* What is added byte by byte is not copied for each byte. */
static void test_grows_by_more_than_it_needs(void **state)
{
    (void)state;
    AUTO(buf) buf = BUF(100000);
    size_t cap = buf.cap, grown = 0;
    for (size_t i = 0; i < 100000; i++) {
        buf_add_byte(&buf, 'x');
        grown += buf.cap != cap;
        cap = buf.cap;
    }
    assert_true(buf_ok(&buf));
    assert_in_range(grown, 1, 20);
}

static void test_consume_and_truncate(void **state)
{
    (void)state;
    AUTO(buf) buf = SECRET_BUF(20);
    buf_add_str(&buf, "abcdef");
    buf_consume(&buf, 0);
    buf_consume(&buf, 2);
    assert_string_equal(buf_str(&buf), "cdef");
    assert_memory_equal(buf.data + 4, "\0\0", 2);
    buf_truncate(&buf, 9);
    assert_string_equal(buf_str(&buf), "cdef");
    buf_truncate(&buf, 1);
    assert_string_equal(buf_str(&buf), "c");
    assert_memory_equal(buf.data + 1, "\0\0\0", 3);
    buf_consume(&buf, 100);
    assert_string_equal(buf_str(&buf), "");
    AUTO(buf) empty = BUF(1);
    buf_consume(&empty, 1);
    buf_truncate(&empty, 0);
    assert_int_equal(empty.len, 0);
}

static void test_clear_wipes_a_secret(void **state)
{
    (void)state;
    AUTO(buf) buf = SECRET_BUF(20);
    buf_add_str(&buf, "password");
    char *memory = buf.data;
    buf_clear(&buf);
    assert_ptr_equal(buf.data, memory);
    assert_memory_equal(memory, "\0\0\0\0\0\0\0\0", 8);
}

static void test_take_gives_the_bytes_away(void **state)
{
    (void)state;
    AUTO(buf) buf = BUF(20);
    AUTO_FREE nothing = buf_take(&buf);
    assert_string_equal(nothing, "");
    buf_add_str(&buf, "mine");
    AUTO_FREE taken = buf_take(&buf);
    assert_string_equal(taken, "mine");
    assert_string_equal(buf_str(&buf), "");
    buf_add_str(&buf, "again");
    assert_string_equal(buf_str(&buf), "again");
    buf_release(&buf);
    assert_null(buf.data);
}

static void test_spans(void **state)
{
    (void)state;
    assert_true(span_equals(span_str(NULL), span_str("")));
    assert_true(span_is(span_of("abcd", 3), "abc"));
    assert_false(span_is(span_of("abcd", 3), "abd"));
    assert_false(span_is(SPAN_LIT("ab\0c"), "ab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_reads_as_empty),
        cmocka_unit_test(test_adds_up_to_the_maximum_exactly),
        cmocka_unit_test(test_past_the_maximum_adds_nothing_and_sticks),
        cmocka_unit_test(test_huge_lengths_do_not_wrap),
        cmocka_unit_test(test_grows_and_keeps_nul_bytes),
        cmocka_unit_test(test_grows_by_more_than_it_needs),
        cmocka_unit_test(test_consume_and_truncate),
        cmocka_unit_test(test_clear_wipes_a_secret),
        cmocka_unit_test(test_take_gives_the_bytes_away),
        cmocka_unit_test(test_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

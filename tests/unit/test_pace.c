#include "fake/acme_fixture.h"

#include <acmec/acme/pace.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW 1800000000

static bool again(struct pace *pace, const char *headers, int64_t now_ms)
{
    struct http_response response = fixture_reply(200, headers, "");
    bool good = pace_again(pace, &response, NOW, now_ms);
    http_response_release(&response);
    return good;
}

static void waits_grow(void **state)
{
    (void)state;
    static const int64_t waits[] = {1000, 2000, 3000, 5000, 8000, 10000, 10000, 10000};
    struct pace pace = {.timeout_ms = 300000};
    int64_t now_ms = 7;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        assert_true(again(&pace, "", now_ms));
        assert_int_equal(pace.next_ms, now_ms + waits[i]);
        now_ms = pace.next_ms;
    }
    assert_int_equal(pace.deadline_ms, 300007);
    pace_restart(&pace);
    assert_true(again(&pace, "", now_ms));
    assert_int_equal(pace.next_ms, now_ms + 1000);
    assert_int_equal(pace.deadline_ms, 300007);
}

static void retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int64_t wait;
    } cases[] = {
        {"retry-after: 7\n", 7000},
        {"retry-after:0\n", 1000},
        {"retry-after: -3\n", 1000},
        {"retry-after: 86400\n", 60000},
        {"retry-after: Fri, 15 Jan 2027 08:00:05 GMT\n", 5000},
        {"retry-after: Fri, 15 Jan 2027 07:00:00 GMT\n", 1000},
        {"retry-after: soon\n", 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pace pace = {.timeout_ms = 300000};
        assert_true(again(&pace, cases[i].headers, 100));
        assert_int_equal(pace.next_ms, 100 + cases[i].wait);
    }
}

static void deadline(void **state)
{
    (void)state;
    struct pace pace = {.timeout_ms = 5000};
    pace_start(&pace, 1000);
    pace_start(&pace, 2000);
    assert_int_equal(pace.deadline_ms, 6000);
    assert_true(again(&pace, "retry-after: 60\n", 5999));
    /* The last question comes at the deadline, not a minute later. */
    assert_int_equal(pace_bound(&pace, pace.next_ms), 6000);
    assert_false(again(&pace, "", 6000));
    assert_false(again(&pace, "", 7000));
}

static void postponed(void **state)
{
    (void)state;
    struct pace pace = {.timeout_ms = 100000};
    struct http_response ten = fixture_reply(200, "retry-after: 10\n", "");
    struct http_response none = fixture_reply(200, "", "");
    assert_int_equal(pace_bound(&pace, 5), 5);
    pace_postpone(&pace, &ten, NOW, 1000);
    pace_postpone(&pace, &none, NOW, 2000);
    assert_int_equal(pace_bound(&pace, 5), 11000);
    assert_int_equal(pace_bound(&pace, 12000), 12000);
    pace_restart(&pace);
    assert_int_equal(pace_bound(&pace, 5), 5);
    http_response_release(&ten);
    http_response_release(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(deadline),
        cmocka_unit_test(postponed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

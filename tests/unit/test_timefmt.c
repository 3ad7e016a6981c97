#include <acmec/data/timefmt.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#define FIRST INT64_C(-62135596800)
#define LAST INT64_C(253402300799)

static void test_calendar_agrees_with_timegm(void **state)
{
    (void)state;
    static const int years[] = {1,    4,    100,  400,  1582, 1899, 1900,
                                1969, 1970, 2000, 2024, 2100, 9999};
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (size_t i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= lengths[month - 1]; day++) {
                struct tm tm = {.tm_year = years[i] - 1900,
                                .tm_mon = month - 1,
                                .tm_mday = day,
                                .tm_hour = 23,
                                .tm_min = 59,
                                .tm_sec = 58};
                int64_t found = 0;
                assert_true(timefmt_from_calendar(years[i], month, day, 23, 59, 58, &found));
                assert_true(found == timegm(&tm));
            }
        }
    }
}

static void test_calendar_refuses_what_does_not_exist(void **state)
{
    (void)state;
    static const int bad[][6] = {
        {0, 1, 1, 0, 0, 0},     {10000, 1, 1, 0, 0, 0}, {2025, 0, 1, 0, 0, 0},
        {2025, 13, 1, 0, 0, 0}, {2025, 1, 0, 0, 0, 0},  {2025, 1, 32, 0, 0, 0},
        {2025, 2, 29, 0, 0, 0}, {1900, 2, 29, 0, 0, 0}, {2025, 4, 31, 0, 0, 0},
        {2025, 1, 1, 24, 0, 0}, {2025, 1, 1, -1, 0, 0}, {2025, 1, 1, 0, 60, 0},
        {2025, 1, 1, 0, -1, 0}, {2025, 1, 1, 0, 0, 61}, {2025, 1, 1, 0, 0, -1},
    };
    int64_t untouched = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const int *c = bad[i];
        assert_false(timefmt_from_calendar(c[0], c[1], c[2], c[3], c[4], c[5], &untouched));
        assert_int_equal(untouched, 7);
    }
    assert_true(timefmt_from_calendar(2000, 2, 29, 0, 0, 0, &untouched));
    assert_true(timefmt_from_calendar(2024, 2, 29, 0, 0, 60, &untouched));
}

struct dated {
    const char *text;
    int64_t when;
};

static void test_rfc3339_is_read(void **state)
{
    (void)state;
    static const struct dated cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-23T22:40:00Z", 1795473600},
        {"2026-11-23t22:40:00z", 1795473600},
        {"2026-11-23 22:40:00Z", 1795473600},
        {"2026-11-23T22:40:00.999999999Z", 1795473600},
        {"2026-11-23T23:40:00+01:00", 1795473600},
        {"2026-11-24T04:10:00+05:30", 1795473600},
        {"2026-11-23T17:40:00.5-05:00", 1795473600},
        {"2026-11-23T22:40:00-00:00", 1795473600},
        {"1990-12-31T23:59:60Z", 662688000},
        {"0001-01-01T00:00:00Z", FIRST},
        {"9999-12-31T23:59:59Z", LAST},
        {"1969-12-31T23:59:59Z", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t found = 0;
        if (!timefmt_parse_rfc3339(span_str(cases[i].text), &found))
            fail_msg("'%s' was refused", cases[i].text);
        assert_true(found == cases[i].when);
    }
}

static void test_rfc3339_is_strict(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11-23",
        "2026-11-23T22:40:00",
        "2026-11-23T22:40Z",
        "2026-11-23T22:40:00Zx",
        " 2026-11-23T22:40:00Z",
        "2026-11-23T22:40:00.Z",
        "2026-11-23T22:40:00,5Z",
        "2026-11-23T22:40:00 Z",
        "2026-11-23T22:40:00+0100",
        "2026-11-23T22:40:00+1:00",
        "2026-11-23T22:40:00+24:00",
        "2026-11-23T22:40:00+01:60",
        "2026-1-23T22:40:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T22:60:00Z",
        "2026-11-23T22:40:61Z",
        "0000-01-01T00:00:00Z",
        "+026-11-23T22:40:00Z",
        "2026/11/23T22:40:00Z",
        "12026-11-23T22:40:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "2026-11-23_22:40:00Z",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t untouched = 7;
        if (timefmt_parse_rfc3339(span_str(cases[i]), &untouched))
            fail_msg("'%s' was taken", cases[i]);
        assert_int_equal(untouched, 7);
    }
    int64_t untouched = 7;
    assert_false(timefmt_parse_rfc3339(SPAN_LIT("2026-11-23\00022:40:00Z"), &untouched));
}

static void test_rfc3339_is_written(void **state)
{
    (void)state;
    static const struct dated cases[] = {
        {"1970-01-01T00:00:00Z", 0},         {"2026-11-23T22:40:00Z", 1795473600},
        {"2000-02-29T12:34:56Z", 951827696}, {"1969-12-31T23:59:59Z", -1},
        {"0001-01-01T00:00:00Z", FIRST},     {"9999-12-31T23:59:59Z", LAST},
        {"0001-01-01T00:00:00Z", INT64_MIN}, {"9999-12-31T23:59:59Z", INT64_MAX},
        {"9999-12-31T23:59:59Z", LAST + 1},  {"0001-01-01T00:00:00Z", FIRST - 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[TIMEFMT_MAX];
        timefmt_rfc3339(cases[i].when, text);
        assert_string_equal(text, cases[i].text);
    }
    for (int64_t when = FIRST; when < LAST; when += 86399 * 31) {
        char text[TIMEFMT_MAX];
        int64_t again = 0;
        timefmt_rfc3339(when, text);
        assert_true(timefmt_parse_rfc3339(span_str(text), &again));
        assert_true(again == when);
    }
}

static void test_http_dates(void **state)
{
    (void)state;
    static const struct dated good[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* the weekday is not compared */
        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
        {"Wednesday, 01-Jan-69 00:00:00 GMT", -31536000},
        {"Sunday, 01-Jan-68 00:00:00 GMT", 3092601600},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t found = 0;
        if (!timefmt_parse_http_date(span_str(good[i].text), &found))
            fail_msg("'%s' was refused", good[i].text);
        assert_true(found == good[i].when);
    }
    static const char *const bad[] = {
        "",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  16 08:49:37 1994",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xxx 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "120",
        "2026-11-23T22:40:00Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t untouched = 7;
        if (timefmt_parse_http_date(span_str(bad[i]), &untouched))
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(untouched, 7);
    }
}

static void test_durations(void **state)
{
    (void)state;
    static const struct dated good[] = {
        {"0", 0},
        {"45", 45},
        {"45s", 45},
        {"90m", 5400},
        {"12h", 43200},
        {"30d", 2592000},
        {"2w", 1209600},
        {"007d", 604800},
        {"36525d", INT64_C(3155760000)},
        {"3155760000", INT64_C(3155760000)},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t found = -1;
        assert_true(timefmt_parse_duration(span_str(good[i].text), &found));
        assert_true(found == good[i].when);
    }
    static const char *const bad[] = {
        "",     "d",  "-1d", "+1d", "1.5d",   "1 d",        " 1d", "1dd",
        "1d2h", "1D", "1y",  "33%", "36526d", "3155760001", "1d ", "99999999999999999999999",
        "5218w"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t untouched = 7;
        if (timefmt_parse_duration(span_str(bad[i]), &untouched))
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(untouched, 7);
    }
}

static void test_relative_times(void **state)
{
    (void)state;
    static const struct {
        int64_t when, now;
        const char *text;
    } cases[] = {
        {100, 100, "now"},
        {101, 100, "in 1 second"},
        {99, 100, "1 second ago"},
        {159, 100, "in 59 seconds"},
        {160, 100, "in 1 minute"},
        {0, 720, "12 minutes ago"},
        {3599, 0, "in 59 minutes"},
        {3600, 0, "in 1 hour"},
        {172799, 0, "in 47 hours"},
        {172800, 0, "in 2 days"},
        {3 * 86400 + 5, 0, "in 3 days"},
        {0, 90 * 86400, "90 days ago"},
        {INT64_MAX, INT64_MIN, "in 213503982334601 days"},
        {INT64_MIN, INT64_MAX, "213503982334601 days ago"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[TIMEFMT_MAX];
        timefmt_relative(cases[i].when, cases[i].now, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calendar_agrees_with_timegm),
        cmocka_unit_test(test_calendar_refuses_what_does_not_exist),
        cmocka_unit_test(test_rfc3339_is_read),
        cmocka_unit_test(test_rfc3339_is_strict),
        cmocka_unit_test(test_rfc3339_is_written),
        cmocka_unit_test(test_http_dates),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_relative_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

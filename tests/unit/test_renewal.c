#include <acmec/acme/renewal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DAY 86400
#define NOW 1800000000

static const struct renew_before none = {RENEW_BEFORE_DEFAULT, 0};

static int64_t left_when_due(int64_t lifetime, struct renew_before before)
{
    return NOW + lifetime - renewal_due_at(NOW, NOW + lifetime, &before);
}

static void a_third_or_half(void **state)
{
    (void)state;
    assert_int_equal(left_when_due(90 * DAY, none), 30 * DAY);
    assert_int_equal(left_when_due(45 * DAY, none), 15 * DAY);
    assert_int_equal(left_when_due(10 * DAY, none), 10 * DAY / 3);
    assert_int_equal(left_when_due(10 * DAY - 2, none), 5 * DAY - 1);
    assert_int_equal(left_when_due(160 * 3600, none), 80 * 3600);
}

static void the_earlier_counts(void **state)
{
    (void)state;
    struct renew_before days40 = {RENEW_BEFORE_SECONDS, 40 * DAY};
    struct renew_before days10 = {RENEW_BEFORE_SECONDS, 10 * DAY};
    struct renew_before half = {RENEW_BEFORE_PERCENT, 50};
    struct renew_before tenth = {RENEW_BEFORE_PERCENT, 10};
    assert_int_equal(left_when_due(90 * DAY, days40), 40 * DAY);
    assert_int_equal(left_when_due(90 * DAY, days10), 30 * DAY);
    assert_int_equal(left_when_due(90 * DAY, half), 45 * DAY);
    assert_int_equal(left_when_due(90 * DAY, tenth), 30 * DAY);
    /* Longer than the certificate lives: due from its first moment, not before. */
    assert_int_equal(left_when_due(6 * DAY, days40), 6 * DAY);
}

static void odd_dates(void **state)
{
    (void)state;
    struct renew_before days40 = {RENEW_BEFORE_SECONDS, 40 * DAY};
    assert_int_equal(renewal_due_at(NOW, NOW, &none), NOW);
    assert_int_equal(renewal_due_at(NOW, NOW - 5, &days40), NOW - 5);
    /* RFC 5280's "no end": year 9999. */
    assert_in_range(renewal_due_at(NOW, INT64_C(253402300799), &none), NOW, INT64_C(253402300799));
}

static void backoff(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        int64_t lifetime, wait;
    } cases[] = {
        {0, 90 * DAY, 0},      {1, 90 * DAY, 60},      {2, 90 * DAY, 600},
        {3, 90 * DAY, 6000},   {4, 90 * DAY, DAY},     {5, 90 * DAY, DAY},
        {4000000000U, 0, DAY}, {4, 10 * DAY, DAY / 2}, {4, 160 * 3600, 8 * 3600},
        {3, 3600, 180},        {1, 3600, 60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(renewal_backoff(cases[i].failures, cases[i].lifetime), cases[i].wait);
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(renewal_limit_until(NOW + 60, NOW, 0, 0), NOW + 60);
    assert_int_equal(renewal_limit_until(NOW + 100 * DAY, NOW, 0, 0), NOW + 7 * DAY);
    /* 10 days old of 90 with 9 for the last tenth: not reached. */
    assert_int_equal(renewal_limit_until(NOW + 5 * DAY, NOW, NOW - 10 * DAY, NOW + 80 * DAY),
                     NOW + 5 * DAY);
    /* 4 days before the last tenth begins. */
    assert_int_equal(renewal_limit_until(NOW + 6 * DAY, NOW, NOW - 77 * DAY, NOW + 13 * DAY),
                     NOW + 4 * DAY);
    /* In the last tenth nothing is held back. */
    assert_true(renewal_limit_until(NOW + 6 * DAY, NOW, NOW - 85 * DAY, NOW + 5 * DAY) < NOW);
}

/* What ARI makes of a certificate of 90 days: days after its beginning. */
static int64_t due_day(struct renew_before before, int64_t ari_day, int64_t pause_day)
{
    return (renewal_due_by_ari(NOW, NOW + 90 * DAY, &before, NOW + ari_day * DAY,
                               pause_day == 0 ? 0 : NOW + pause_day * DAY) -
            NOW) /
           DAY;
}

static void ari_decides_but_not_alone(void **state)
{
    (void)state;
    struct renew_before days80 = {RENEW_BEFORE_SECONDS, 80 * DAY};
    struct renew_before days5 = {RENEW_BEFORE_SECONDS, 5 * DAY};
    struct renew_before days500 = {RENEW_BEFORE_SECONDS, 500 * DAY};
    struct renew_before half = {RENEW_BEFORE_PERCENT, 50};
    assert_int_equal(due_day(none, 20, 0), 20);
    assert_int_equal(due_day(none, 70, 0), 70); /* later than with a third left */
    assert_int_equal(due_day(none, 81, 0), 81);
    assert_int_equal(due_day(none, 85, 0), 81); /* not into the last tenth */
    assert_int_equal(due_day(none, 1000, 0), 81);
    assert_int_equal(due_day(none, -300, 0), -300);
    assert_int_equal(due_day(days80, 20, 0), 10); /* an explicit wish is earlier */
    assert_int_equal(due_day(days80, 5, 0), 5);
    assert_int_equal(due_day(days5, 1000, 0), 81);
    assert_int_equal(due_day(days500, 20, 0), 0);
    assert_int_equal(due_day(half, 70, 0), 45);
    /* a certificate that ARI alone asked for */
    assert_int_equal(due_day(none, -1, 4), 4);
    assert_int_equal(due_day(none, 6, 4), 6);
    assert_int_equal(due_day(none, 6, 1000), 81);
    assert_int_equal(due_day(days80, -1, 40), 10);
    assert_int_equal(renewal_ari_pause(NOW, NOW + 90 * DAY), 4 * DAY + DAY / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_third_or_half),
        cmocka_unit_test(the_earlier_counts),
        cmocka_unit_test(odd_dates),
        cmocka_unit_test(backoff),
        cmocka_unit_test(ari_decides_but_not_alone),
        cmocka_unit_test(backoff),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

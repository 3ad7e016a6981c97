#include "fake/acme_fixture.h"

#include <acmec/acme/ari.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW 1800000000
#define DAY 86400

static struct key *key;

static int start(void **state)
{
    (void)state;
    key = fixture_key();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    key_free(key);
    return 0;
}

/* A session whose directory names this renewalInfo (JSON). */
static struct session *session_with(const char *renewal_info)
{
    struct error err = {0};
    struct session *session = session_new(FIXTURE_DIRECTORY, key);
    AUTO_FREE body = mem_printf("{\"newNonce\":\"https://ca.example/n\","
                                "\"newAccount\":\"https://ca.example/a\","
                                "\"newOrder\":\"https://ca.example/o\",\"renewalInfo\":%s}",
                                renewal_info);
    struct http_response response = fixture_reply(200, "", body);
    assert_true(session_read_directory(session, &response, &err));
    http_response_release(&response);
    return session;
}

static void asks_at_the_right_place(void **state)
{
    static const struct {
        const char *renewal_info, *url; /* NULL: not offered */
    } cases[] = {
        {"\"https://ca.example/ari\"", "https://ca.example/ari/aYhba4dG.AIdlQyE"},
        {"\"https://ca.example/ari/\"", "https://ca.example/ari/aYhba4dG.AIdlQyE"},
        {"null", NULL},
        {"17", NULL},
        {"{}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session *session = session_with(cases[i].renewal_info);
        AUTO(http_request) request = {0};
        bool offered = ari_request(session, "aYhba4dG.AIdlQyE", &request);
        assert_int_equal(offered, cases[i].url != NULL);
        if (offered) {
            assert_int_equal(request.method, HTTP_GET);
            assert_string_equal(request.url, cases[i].url);
            assert_int_equal(request.body.len, 0);
            assert_null(request.content_type);
        }
        session_free(session);
    }
}

static bool reads(long status, const char *body, struct ari_window *window)
{
    struct error err = {0};
    struct http_response response = fixture_reply(status, "", body);
    bool good = ari_read(&response, window, &err);
    if (!good)
        assert_int_equal(err.code, ERR_NETWORK);
    http_response_release(&response);
    return good;
}

static void reads_windows(void **state)
{
    struct ari_window window = {0};
    (void)state;
    assert_true(reads(200,
                      "{\"suggestedWindow\":{\"start\":\"2027-01-15T08:00:00Z\","
                      "\"end\":\"2027-01-15T10:00:00.5+01:00\"},\"later\":[1],"
                      "\"explanationURL\":\"https://ca.example/\\u001b[31mwhy\"}",
                      &window));
    assert_int_equal(window.start, NOW);
    assert_int_equal(window.end, NOW + 3600);
    assert_string_equal(window.explanation, "https://ca.example/\\u{001B}[31mwhy");
    assert_true(reads(200,
                      "{\"suggestedWindow\":{\"start\":\"2027-01-15T08:00:00Z\","
                      "\"end\":\"2027-01-15T08:00:01Z\"},\"explanationURL\":null}",
                      &window));
    assert_string_equal(window.explanation, "");
}

static void refuses_what_is_none(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"suggestedWindow\":null}",
        "{\"suggestedWindow\":[]}",
        "{\"suggestedWindow\":{}}",
        "{\"suggestedWindow\":{\"start\":\"2027-01-15T08:00:00Z\"}}",
        "{\"suggestedWindow\":{\"start\":\"2027-01-15T08:00:00Z\",\"end\":7}}",
        "{\"suggestedWindow\":{\"start\":\"soon\",\"end\":\"2027-01-15T08:00:00Z\"}}",
        "{\"suggestedWindow\":{\"start\":\"2027-01-15T08:00:00Z\","
        "\"end\":\"2027-01-15T08:00:00Z\"}}",
        "{\"suggestedWindow\":{\"start\":\"2027-01-15T08:00:01Z\","
        "\"end\":\"2027-01-15T08:00:00Z\"}}",
    };
    static const char good[] = "{\"suggestedWindow\":{\"start\":\"2027-01-15T08:00:00Z\","
                               "\"end\":\"2027-01-15T09:00:00Z\"}}";
    struct ari_window untouched = {1, 2, "x"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_false(reads(200, bodies[i], &untouched));
    assert_false(reads(404, good, &untouched));
    assert_false(reads(202, good, &untouched));
    assert_int_equal(untouched.start, 1);
    assert_string_equal(untouched.explanation, "x");
}

static void draws_evenly(void **state)
{
    const struct ari_window window = {NOW, NOW + 9, ""};
    int seen[10] = {0};
    (void)state;
    for (uint64_t random = 0; random < 1000; random++) {
        int64_t moment = ari_choose(&window, random * UINT64_C(0x9E3779B97F4A7C15));
        assert_in_range(moment - NOW, 0, 9);
        seen[moment - NOW]++;
        assert_int_equal(ari_choose(&window, random), ari_choose(&window, random));
    }
    for (size_t i = 0; i < 10; i++)
        assert_in_range(seen[i], 50, 150);
    /* the years 1 to 9999 */
    const struct ari_window widest = {-62135596800, 253402300799, ""};
    assert_true(ari_choose(&widest, UINT64_MAX) >= widest.start);
    assert_true(ari_choose(&widest, UINT64_MAX) <= widest.end);
}

static int64_t next_in(const char *headers, int64_t lifetime)
{
    struct http_response response = fixture_reply(200, headers, "");
    int64_t next = ari_next_check(&response, NOW, lifetime);
    http_response_release(&response);
    return next - NOW;
}

static void asks_again_when_it_was_told(void **state)
{
    (void)state;
    assert_int_equal(next_in("retry-after: 21600\n", 90 * DAY), 21600);
    assert_int_equal(next_in("retry-after: 1\n", 90 * DAY), 60);
    assert_int_equal(next_in("retry-after: -5\n", 90 * DAY), 60);
    assert_int_equal(next_in("retry-after: 999999999\n", 90 * DAY), DAY);
    assert_int_equal(next_in("retry-after: Fri, 15 Jan 2027 09:00:00 GMT\n", 90 * DAY), 3600);
    assert_int_equal(next_in("retry-after: tomorrow\n", 90 * DAY), 6 * 3600);
    assert_int_equal(next_in("", 90 * DAY), 6 * 3600);
    assert_int_equal(next_in("", 160 * 3600), 6 * 3600);
    assert_int_equal(next_in("", 24 * 3600), 24 * 180);
    assert_int_equal(next_in("", 600), 60);
    assert_int_equal(ari_interval(90 * DAY), 6 * 3600);
}

static void backs_off_after_failures(void **state)
{
    (void)state;
    static const int64_t waits[] = {600, 1200, 2400, 4800, 9600, 19200, 21600, 21600, 21600};
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(ari_next_try(i + 1, true, NOW, 90 * DAY), NOW + waits[i]);
    assert_int_equal(ari_next_try(UINT32_MAX, true, NOW, 90 * DAY), NOW + 21600);
    assert_int_equal(ari_next_try(1, false, NOW, 90 * DAY), NOW + 21600);
    assert_int_equal(ari_next_try(5, true, NOW, 600), NOW + 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_at_the_right_place),     cmocka_unit_test(reads_windows),
        cmocka_unit_test(refuses_what_is_none),        cmocka_unit_test(draws_evenly),
        cmocka_unit_test(asks_again_when_it_was_told), cmocka_unit_test(backs_off_after_failures),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

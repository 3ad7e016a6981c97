#include <acmec/data/http_header.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

#define DATE_784111777 "Sun, 06 Nov 1994 08:49:37 GMT"
#define BASE "https://ca.example:14000/dir/order/7?x=1#frag"

static struct http_response with(const char *headers)
{
    struct http_response response = {.headers = BUF(HTTP_HEADERS_MAX)};
    buf_add_str(&response.headers, headers);
    return response;
}

static void test_get_is_blind_to_case_and_blanks(void **state)
{
    (void)state;
    AUTO(http_response)
    reply = with("HTTP/2 200\nreplay-nonce:abc\nLocation: \t https://x/ \r\n"
                 "empty:\nX-Colon: a:b\nlocation: second");
    struct span value;
    assert_true(http_header_get(&reply, "Replay-Nonce", 0, &value));
    assert_true(span_is(value, "abc"));
    assert_true(http_header_get(&reply, "LOCATION", 0, &value));
    assert_true(span_is(value, "https://x/"));
    assert_true(http_header_get(&reply, "location", 1, &value));
    assert_true(span_is(value, "second"));
    assert_true(http_header_get(&reply, "Empty", 0, &value));
    assert_int_equal(value.len, 0);
    assert_true(http_header_get(&reply, "x-colon", 0, &value));
    assert_true(span_is(value, "a:b"));
    value = SPAN_LIT("old");
    assert_false(http_header_get(&reply, "location", 2, &value));
    assert_false(http_header_get(&reply, "Replay", 0, &value));
    assert_false(http_header_get(&reply, "HTTP/2 200", 0, &value));
    assert_true(span_is(value, "old"));
    AUTO(http_response) none = with("");
    assert_false(http_header_get(&none, "a", 0, &value));
}

struct retry_case {
    const char *headers;
    int64_t seconds; /* -1: refused */
};

static void test_retry_after(void **state)
{
    (void)state;
    static const struct retry_case cases[] = {
        {"Retry-After: 5\n", 5},
        {"retry-after:0\n", 0},
        {"Retry-After: -5\n", 0},
        {"Retry-After: 007\n", 7},
        {"Retry-After: 99999999999999999999999999999999\n", INT64_C(3155760000)},
        {"Retry-After: -99999999999999999999999999999999\n", 0},
        {"Retry-After: 3\nRetry-After: 9\n", 3},
        /* now is 784111777 - 60 */
        {"Retry-After: " DATE_784111777 "\n", 60},
        {"Retry-After: " DATE_784111777 "\nDate: Sun, 06 Nov 1994 08:49:07 GMT\n", 30},
        {"Retry-After: " DATE_784111777 "\nDate: nonsense\n", 60},
        {"Retry-After: " DATE_784111777 "\nDate: Sun, 06 Nov 1994 09:49:07 GMT\n", 0},
        {"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\n", INT64_C(3155760000)},
        {"Retry-After: 1.5\n", -1},
        {"Retry-After: 5s\n", -1},
        {"Retry-After: +5\n", -1},
        {"Retry-After: -\n", -1},
        {"Retry-After:\n", -1},
        {"Retry-After: soon\n", -1},
        {"Retry-Before: 5\n", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(http_response) reply = with(cases[i].headers);
        int64_t seconds = -7;
        bool found = http_header_retry_after(&reply, 784111777 - 60, &seconds);
        assert_int_equal(found, cases[i].seconds >= 0);
        assert_true(seconds == (found ? cases[i].seconds : -7));
    }
}

static void test_date(void **state)
{
    (void)state;
    int64_t when = 7;
    AUTO(http_response) bad = with("Date: yesterday\n");
    assert_false(http_header_date(&bad, &when));
    AUTO(http_response) none = with("X-Date: " DATE_784111777 "\n");
    assert_false(http_header_date(&none, &when));
    assert_int_equal(when, 7);
    AUTO(http_response) good = with("date: " DATE_784111777 "\r\n");
    assert_true(http_header_date(&good, &when));
    assert_int_equal(when, 784111777);
}

static void test_media_types(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool is;
    } cases[] = {
        {"Content-Type: application/json\n", true},
        {"content-type:Application/JSON; charset=utf-8\n", true},
        {"Content-Type: application/json ;charset=utf-8\n", true},
        {"Content-Type: application/jsonx\n", false},
        {"Content-Type: application/jso\n", false},
        {"Content-Type:\n", false},
        {"Content-Type: ;\n", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(http_response) reply = with(cases[i].headers);
        assert_int_equal(http_header_is_type(&reply, "application/json"), cases[i].is);
    }
}

struct link_case {
    const char *headers;
    const char *rel;
    size_t nth;
    const char *url; /* NULL: none */
};

static const struct link_case links[] = {
    {"Link: <https://a/1>;rel=\"up\"\n", "up", 0, "https://a/1"},
    {"link:<https://a/1>; rel=up\n", "UP", 0, "https://a/1"},
    {"Link: <https://a/1> ; REL = \"Up\"\r\n", "up", 0, "https://a/1"},
    {"Link: <https://a/1>;rel=\"index  up next\"\n", "up", 0, "https://a/1"},
    {"Link: <https://a/1>;title=\"a;b,c\\\">\";rel=up\n", "up", 0, "https://a/1"},
    {"Link: <https://a/1>;rel=index, <https://a/2>;rel=up\n", "up", 0, "https://a/2"},
    {"Link: <https://a/1>;rel=up,<https://a/2>;rel=up\nLink: <https://a/3>;rel=up\n", "up", 2,
     "https://a/3"},
    {"Link: , ,<https://a/1>;rel=up,\n", "up", 0, "https://a/1"},
    {"Link: <https://a/1,2;3>;rel=up\n", "up", 0, "https://a/1,2;3"},
    {"Link: <https://a/1>;foo;rel=up;bar\n", "up", 0, "https://a/1"},
    {"Link: nonsense\nLink: <https://a/1>;rel=up\n", "up", 0, "https://a/1"},
    /* only the first rel counts, RFC 8288 section 3.3; an anchor is another resource */
    {"Link: <https://a/1>;rel=index;rel=up\n", "up", 0, NULL},
    {"Link: <https://a/1>;rel=up;anchor=\"#x\"\n", "up", 0, NULL},
    {"Link: <https://a/1>;rel=up\n", "up", 1, NULL},
    {"Link: <https://a/1>;rel=upper\n", "up", 0, NULL},
    {"Link: <https://a/1>;rel=\"\"\n", "up", 0, NULL},
    {"Link: <https://a/1>;rel\n", "up", 0, NULL},
    {"Link: <https://a/1>\n", "up", 0, NULL},
    {"Link: <https://a/1;rel=up\n", "up", 0, NULL},
    {"Link: https://a/1;rel=up\n", "up", 0, NULL},
    {"Link: <https://a/a b>;rel=up\n", "up", 0, NULL},
    {"Link: <https://a/\x01>;rel=up\n", "up", 0, NULL},
    {"Link: <https://a/\xC3\xA9>;rel=up\n", "up", 0, NULL},
    {"Link:\n", "up", 0, NULL},
    {"", "up", 0, NULL},
    /* relative, BASE = https://ca.example:14000/dir/order/7?x=1#frag */
    {"Link: </up/1?a#b>;rel=up\n", "up", 0, "https://ca.example:14000/up/1?a#b"},
    {"Link: <8>;rel=up\n", "up", 0, "https://ca.example:14000/dir/order/8"},
    {"Link: <../8>;rel=up\n", "up", 0, "https://ca.example:14000/dir/8"},
    {"Link: <//other.example/1>;rel=up\n", "up", 0, "https://other.example/1"},
    {"Link: <?y>;rel=up\n", "up", 0, "https://ca.example:14000/dir/order/7?y"},
    {"Link: <#z>;rel=up\n", "up", 0, "https://ca.example:14000/dir/order/7?x=1#z"},
    {"Link: <>;rel=up\n", "up", 0, "https://ca.example:14000/dir/order/7?x=1"},
};

static void test_links(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        AUTO(http_response) reply = with(links[i].headers);
        AUTO(buf) out = BUF(HTTP_URL_MAX);
        bool found = http_header_link(&reply, links[i].rel, links[i].nth, BASE, &out);
        if (found != (links[i].url != NULL))
            fail_msg("'%s': %s", links[i].headers, buf_str(&out));
        if (found)
            assert_string_equal(buf_str(&out), links[i].url);
        else
            assert_int_equal(out.len, 0);
    }
}

/* RFC 3986 section 5.4 with https. */
static void test_references_of_the_rfc(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"g:h", "g:h"},
        {"g", "https://a/b/c/g"},
        {"./g", "https://a/b/c/g"},
        {"g/", "https://a/b/c/g/"},
        {"/g", "https://a/g"},
        {"//g", "https://g"},
        {"?y", "https://a/b/c/d;p?y"},
        {"g?y", "https://a/b/c/g?y"},
        {"#s", "https://a/b/c/d;p?q#s"},
        {"g#s", "https://a/b/c/g#s"},
        {"g?y#s", "https://a/b/c/g?y#s"},
        {";x", "https://a/b/c/;x"},
        {"g;x", "https://a/b/c/g;x"},
        {"g;x?y#s", "https://a/b/c/g;x?y#s"},
        {"", "https://a/b/c/d;p?q"},
        {".", "https://a/b/c/"},
        {"./", "https://a/b/c/"},
        {"..", "https://a/b/"},
        {"../", "https://a/b/"},
        {"../g", "https://a/b/g"},
        {"../..", "https://a/"},
        {"../../", "https://a/"},
        {"../../g", "https://a/g"},
        {"../../../g", "https://a/g"},
        {"../../../../g", "https://a/g"},
        {"/./g", "https://a/g"},
        {"/../g", "https://a/g"},
        {"g.", "https://a/b/c/g."},
        {".g", "https://a/b/c/.g"},
        {"g..", "https://a/b/c/g.."},
        {"..g", "https://a/b/c/..g"},
        {"./../g", "https://a/b/g"},
        {"./g/.", "https://a/b/c/g/"},
        {"g/./h", "https://a/b/c/g/h"},
        {"g/../h", "https://a/b/c/h"},
        {"g;x=1/./y", "https://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "https://a/b/c/y"},
        {"g?y/./x", "https://a/b/c/g?y/./x"},
        {"g#s/../x", "https://a/b/c/g#s/../x"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(http_response) reply = {.headers = BUF(1000)};
        AUTO(buf) out = BUF(HTTP_URL_MAX);
        buf_addf(&reply.headers, "Link: <%s>;rel=up\n", cases[i][0]);
        assert_true(http_header_link(&reply, "up", 0, "https://a/b/c/d;p?q", &out));
        assert_string_equal(buf_str(&out), cases[i][1]);
    }
}

static void test_link_joins_a_bare_host(void **state)
{
    (void)state;
    AUTO(http_response) reply = with("Link: <x>;rel=up\n");
    AUTO(buf) out = BUF(HTTP_URL_MAX);
    buf_add_str(&out, "kept ");
    assert_true(http_header_link(&reply, "up", 0, "https://ca.example", &out));
    assert_string_equal(buf_str(&out), "kept https://ca.example/x");
}

static void test_links_that_are_too_long(void **state)
{
    (void)state;
    for (size_t len = HTTP_URL_MAX; len <= HTTP_URL_MAX + 1; len++) {
        AUTO(http_response) reply = with("Link: <https://a/");
        AUTO(buf) out = BUF(2 * HTTP_URL_MAX);
        for (size_t i = strlen("https://a/"); i < len; i++)
            buf_add_byte(&reply.headers, 'x');
        buf_add_str(&reply.headers, ">;rel=up\n");
        assert_int_equal(http_header_link(&reply, "up", 0, BASE, &out), len == HTTP_URL_MAX);
        assert_int_equal(out.len, len == HTTP_URL_MAX ? len : 0);
    }
    AUTO(http_response) reply = with("Link: </");
    AUTO(buf) out = BUF(2 * HTTP_URL_MAX);
    for (size_t i = 1; i < HTTP_URL_MAX; i++)
        buf_add_byte(&reply.headers, 'x');
    buf_add_str(&reply.headers, ">;rel=up\n");
    assert_false(http_header_link(&reply, "up", 0, BASE, &out));
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_is_blind_to_case_and_blanks),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_date),
        cmocka_unit_test(test_media_types),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_references_of_the_rfc),
        cmocka_unit_test(test_link_joins_a_bare_host),
        cmocka_unit_test(test_links_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/data/http_msg.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/ports.h>
#include <cmocka.h>

static void test_every_failure_has_its_word(void **state)
{
    (void)state;
    for (int i = 0; i < HTTP_FAIL_COUNT; i++) {
        const char *word = http_failure_word((enum http_failure)i);
        assert_non_null(word);
        assert_true(word[0] != '\0');
        for (int k = 0; k < i; k++)
            assert_string_not_equal(word, http_failure_word((enum http_failure)k));
    }
    assert_string_equal(http_failure_word(HTTP_FAIL_LOST), "the connection was lost");
}

static void test_release_twice_is_fine(void **state)
{
    (void)state;
    AUTO(http_request)
    request = {.url = mem_strdup("https://ca.example/"),
               .connect_to = mem_strdup("127.0.0.1:80"),
               .body = BUF(HTTP_BODY_MAX)};
    buf_add_str(&request.body, "{}");
    http_request_release(&request);
    assert_null(request.url);
    assert_null(request.connect_to);
    AUTO(http_response) response = {.headers = BUF(HTTP_HEADERS_MAX), .body = BUF(HTTP_BODY_MAX)};
    buf_add_str(&response.headers, "a: b\n");
    buf_add_str(&response.body, "{}");
    http_response_release(&response);
    assert_int_equal(response.body.len, 0);
}

static void test_event_release_frees_what_it_owns(void **state)
{
    (void)state;
    AUTO(event)
    event = {
        .kind = EVENT_CHILD, .response = {.body = BUF(10)}, .child = {.output = SECRET_BUF(10)}};
    buf_add_str(&event.response.body, "body");
    buf_add_str(&event.child.output, "key");
    event_release(&event);
    assert_null(event.child.output.data);
    assert_null(event.response.body.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_failure_has_its_word),
        cmocka_unit_test(test_release_twice_is_fine),
        cmocka_unit_test(test_event_release_frees_what_it_owns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

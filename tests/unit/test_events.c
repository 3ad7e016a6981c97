#include <acmec/base/mem.h>
#include <acmec/io/events.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void push(struct events *events, uint64_t id)
{
    struct event event = {.kind = EVENT_HTTP, .id = id};
    event.response.body = BUF(64);
    buf_addf(&event.response.body, "body %u", (unsigned)id);
    events_push(events, &event);
    /* Taken: nothing is left to release here. */
    assert_null(event.response.body.data);
    assert_int_equal(event.kind, EVENT_TIMEOUT);
}

static void pop(struct events *events, uint64_t id)
{
    struct event event;
    char body[64];
    assert_true(events_pop(events, &event));
    (void)snprintf(body, sizeof body, "body %u", (unsigned)id);
    assert_int_equal(event.id, id);
    assert_string_equal(buf_str(&event.response.body), body);
    event_release(&event);
}

static void test_first_in_first_out(void **state)
{
    struct events events = {0};
    struct event untouched = {.id = 77};
    (void)state;
    assert_false(events_pop(&events, &untouched));
    assert_int_equal(untouched.id, 77);
    push(&events, 1);
    push(&events, 2);
    pop(&events, 1);
    push(&events, 3);
    pop(&events, 2);
    pop(&events, 3);
    assert_false(events_pop(&events, &untouched));
    /* Once empty it is as new. */
    push(&events, 4);
    pop(&events, 4);
    assert_false(events_pop(&events, &untouched));
}

/* What nobody took is released with the queue: the sanitizer's build would see a leak. */
static void test_release(void **state)
{
    struct events events = {0};
    struct event event;
    (void)state;
    events_release(&events);
    for (uint64_t id = 1; id <= 3; id++)
        push(&events, id);
    struct event child = {.kind = EVENT_CHILD, .child = {.output = BUF(16)}};
    buf_add_str(&child.child.output, "output");
    events_push(&events, &child);
    events_release(&events);
    assert_null(events.first);
    assert_null(events.last);
    assert_false(events_pop(&events, &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/engine/exchange.h>

#include "fake/fake_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BAD_NONCE "{\"type\":\"urn:ietf:params:acme:error:badNonce\",\"detail\":\"no\"}"
#define DIRECTORY                                                                                  \
    "{\"newNonce\":\"https://ca.test/nonce\",\"newAccount\":\"https://ca.test/account\","          \
    "\"newOrder\":\"https://ca.test/order\"}"

struct scene {
    struct fake_world world;
    struct session *session;
    struct exchanges *exchanges;
    struct lane *lane;
    size_t built, replies, losses;
    long last_status;
    bool last_unreachable;
    struct error last_error;
};

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    struct scene *scene = owner;
    (void)err;
    scene->built++;
    out->url = mem_printf("https://ca.test/%zu", tag);
    return true;
}

static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct scene *scene = owner;
    (void)tag;
    scene->replies++;
    scene->last_status = response->status;
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct scene *scene = owner;
    (void)tag;
    scene->losses++;
    scene->last_error = *error;
    scene->last_unreachable = unreachable;
}

static const struct exchange_ops ops = {build, reply, lost};

static void scene_start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_world_start(&scene->world);
    scene->exchanges = exchanges_new(&scene->world.ports);
    scene->session = session_new("https://ca.test/directory", NULL);
    scene->lane = lane_new(scene->exchanges, scene->session);
    struct event event = fake_reply(&scene->world, 0, 200, "", DIRECTORY);
    struct error err = {0};
    assert_true(session_read_directory(scene->session, &event.response, &err));
    event_release(&event);
}

static void scene_end(struct scene *scene)
{
    exchanges_free(scene->exchanges);
    session_free(scene->session);
    fake_world_release(&scene->world);
}

static void start(struct scene *scene, bool is_signed, int64_t connect_within_ms)
{
    struct exchange_request request = {.ops = &ops,
                                       .owner = scene,
                                       .what = "testing",
                                       .is_signed = is_signed,
                                       .connect_within_ms = connect_within_ms};
    exchange_start(scene->lane, &request);
    (void)exchanges_step(scene->exchanges);
}

static void answer(struct scene *scene, long status, const char *headers, const char *body)
{
    struct event event =
        fake_reply(&scene->world, scene->world.submitted - 1, status, headers, body);
    exchanges_take(scene->exchanges, &event);
    event_release(&event);
}

static void fail_last(struct scene *scene, enum http_failure failure)
{
    struct event event = fake_failure(&scene->world, scene->world.submitted - 1, failure);
    exchanges_take(scene->exchanges, &event);
    event_release(&event);
}

/* Lets time pass until the planned try, and sends it. */
static void wait_for_try(struct scene *scene)
{
    int64_t at = exchanges_step(scene->exchanges);
    assert_true(at != INT64_MAX);
    scene->world.ms = at;
    (void)exchanges_step(scene->exchanges);
}

static void a_reply_is_handed_over_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    answer(&scene, 200, "", "{}");
    answer(&scene, 200, "", "{}");
    assert_int_equal(scene.replies, 1);
    assert_int_equal(scene.world.submitted, 1);
    scene_end(&scene);
}

static void a_lost_connection_is_tried_three_times(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    fail_last(&scene, HTTP_FAIL_LOST);
    wait_for_try(&scene);
    fail_last(&scene, HTTP_FAIL_LOST);
    wait_for_try(&scene);
    assert_int_equal(scene.losses, 0);
    fail_last(&scene, HTTP_FAIL_LOST);
    assert_int_equal(scene.world.submitted, 3);
    assert_int_equal(scene.losses, 1);
    assert_false(scene.last_unreachable);
    assert_int_equal(scene.last_error.code, ERR_NETWORK);
    scene_end(&scene);
}

static void no_try_begins_after_twenty_seconds(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    scene.world.ms += EXCHANGE_WITHIN_MS;
    fail_last(&scene, HTTP_FAIL_TIMEOUT);
    assert_int_equal(scene.losses, 1);
    scene_end(&scene);
}

static void an_unreachable_directory_is_said_soon(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    int64_t begin = scene.world.ms;
    start(&scene, false, 1000);
    while (scene.losses == 0) {
        fail_last(&scene, HTTP_FAIL_CONNECT);
        if (scene.losses == 0)
            wait_for_try(&scene);
    }
    assert_true(scene.world.ms - begin <= 1000);
    assert_true(scene.last_unreachable);
    scene_end(&scene);
}

static void an_untrusted_server_is_not_tried_again(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    fail_last(&scene, HTTP_FAIL_TLS_UNTRUSTED);
    assert_int_equal(scene.losses, 1);
    assert_non_null(strstr(scene.last_error.hint, "--ca-bundle"));
    scene_end(&scene);
}

static void a_short_retry_after_is_waited_out(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    answer(&scene, 503, "Retry-After: 4\n", "");
    assert_int_equal(scene.replies, 0);
    assert_int_equal(exchanges_step(scene.exchanges), scene.world.ms + 4000);
    wait_for_try(&scene);
    answer(&scene, 200, "", "{}");
    assert_int_equal(scene.last_status, 200);
    scene_end(&scene);
}

static void a_long_retry_after_is_final(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    answer(&scene, 429, "Retry-After: 3600\n", "");
    assert_int_equal(scene.replies, 1);
    assert_int_equal(scene.last_status, 429);
    scene_end(&scene);
}

static void a_signed_exchange_fetches_its_nonce(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, true, 0);
    assert_int_equal(scene.built, 0);
    assert_int_equal(scene.world.submitted, 1);
    assert_string_equal(scene.world.submits[0].url, "https://ca.test/nonce");
    answer(&scene, 200, "Replay-Nonce: abc\n", "");
    (void)exchanges_step(scene.exchanges);
    assert_int_equal(scene.built, 1);
    scene_end(&scene);
}

static void without_nonces_everybody_learns_why(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, true, 0);
    start(&scene, true, 0);
    answer(&scene, 200, "", "");
    assert_int_equal(scene.losses, 2);
    assert_non_null(lane_error(scene.lane));
    scene_end(&scene);
}

static void a_bad_nonce_is_tried_64_times(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, true, 0);
    answer(&scene, 200, "Replay-Nonce: abc\n", "");
    (void)exchanges_step(scene.exchanges);
    while (scene.replies == 0 && scene.built < 100)
        answer(&scene, 400, "Replay-Nonce: abc\n", BAD_NONCE);
    assert_int_equal(scene.built, 1 + EXCHANGE_BAD_NONCES_MAX);
    scene_end(&scene);
}

static void a_bad_nonce_without_a_nonce_is_trouble_of_the_server(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    while (scene.replies == 0 && scene.built < 100) {
        answer(&scene, 400, "Replay-Nonce: abc\n", BAD_NONCE);
        if (scene.replies == 0)
            wait_for_try(&scene);
    }
    assert_int_equal(scene.built, EXCHANGE_TRIES);
    assert_int_equal(scene.last_status, 400);
    scene_end(&scene);
}

static void prefetching_asks_for_as_many_as_wanted(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    lane_prefetch(scene.lane, 4);
    lane_prefetch(scene.lane, 4);
    (void)exchanges_step(scene.exchanges);
    assert_int_equal(scene.world.submitted, 4);
    scene_end(&scene);
}

static void a_cancelled_exchange_is_silent(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    start(&scene, false, 0);
    exchanges_cancel(scene.exchanges, &scene);
    assert_true(scene.world.submits[0].cancelled);
    answer(&scene, 200, "", "{}");
    assert_int_equal(scene.replies + scene.losses, 0);
    scene_end(&scene);
}

static void a_broken_worker_is_told_to_the_owner(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    scene.world.broken = true;
    start(&scene, false, 0);
    assert_int_equal(scene.losses, 1);
    scene_end(&scene);
}

static void the_clock_is_compared_with_the_servers(void **state)
{
    (void)state;
    struct scene scene;
    int64_t offset;
    scene_start(&scene);
    assert_false(lane_clock_offset(scene.lane, &offset));
    start(&scene, false, 0);
    /* 1800000000 is Fri, 15 Jan 2027 08:00:00 GMT */
    answer(&scene, 200, "Date: Fri, 15 Jan 2027 09:00:00 GMT\n", "{}");
    assert_true(lane_clock_offset(scene.lane, &offset));
    assert_int_equal(offset, 3600);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_handed_over_once),
        cmocka_unit_test(a_lost_connection_is_tried_three_times),
        cmocka_unit_test(no_try_begins_after_twenty_seconds),
        cmocka_unit_test(an_unreachable_directory_is_said_soon),
        cmocka_unit_test(an_untrusted_server_is_not_tried_again),
        cmocka_unit_test(a_short_retry_after_is_waited_out),
        cmocka_unit_test(a_long_retry_after_is_final),
        cmocka_unit_test(a_signed_exchange_fetches_its_nonce),
        cmocka_unit_test(without_nonces_everybody_learns_why),
        cmocka_unit_test(a_bad_nonce_is_tried_64_times),
        cmocka_unit_test(a_bad_nonce_without_a_nonce_is_trouble_of_the_server),
        cmocka_unit_test(prefetching_asks_for_as_many_as_wanted),
        cmocka_unit_test(a_cancelled_exchange_is_silent),
        cmocka_unit_test(a_broken_worker_is_told_to_the_owner),
        cmocka_unit_test(the_clock_is_compared_with_the_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

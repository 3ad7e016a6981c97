#include <acmec/engine/probe.h>

#include "fake/fake_world.h"
#include <acmec/crypto/key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct scene {
    struct fake_world world;
    struct probes *probes;
    size_t seen, failed;
    size_t tag;
    enum http_failure failure;
    struct error error;
};

static void on_seen(void *owner, size_t tag, struct tls_report *report)
{
    struct scene *scene = owner;
    assert_true(report->chain_count > 0);
    scene->seen++;
    scene->tag = tag;
}

static void on_failed(void *owner, size_t tag, enum http_failure failure, const struct error *error)
{
    struct scene *scene = owner;
    scene->failed++;
    scene->tag = tag;
    scene->failure = failure;
    scene->error = *error;
}

static const struct probe_listener listener = {on_seen, on_failed};

static void start(struct scene *scene, int64_t within_ms, const char *leaf)
{
    struct error err;
    *scene = (struct scene){0};
    assert_true(crypto_start(&err));
    fake_world_start(&scene->world);
    scene->probes = probes_new(&scene->world.ports);
    struct probe_request request = {
        .tls = {.address = mem_strdup("::1"), .port = 443, .server_name = mem_strdup("a.example")},
        .any_leaf = leaf == NULL,
        .within_ms = within_ms,
    };
    if (leaf != NULL)
        assert_true(digest_sha256(span_str(leaf), request.leaf_sha256, &err));
    probe_start(scene->probes, &request, &listener, scene, 7);
    tls_request_release(&request.tls);
    (void)probes_step(scene->probes);
}

static void end(struct scene *scene)
{
    probes_free(scene->probes);
    fake_world_release(&scene->world);
}

static void serve(struct scene *scene, size_t nth, const char *leaf)
{
    struct event event = {.kind = EVENT_PROBE, .id = scene->world.probes[nth].id};
    event.tls.chain[0] = BUF(100);
    buf_add_str(&event.tls.chain[0], leaf);
    event.tls.chain_count = 1;
    probes_take(scene->probes, &event);
    event_release(&event);
}

static void refuse(struct scene *scene, size_t nth)
{
    struct event event = {.kind = EVENT_PROBE,
                          .id = scene->world.probes[nth].id,
                          .failure = HTTP_FAIL_CONNECT,
                          .failure_text = "Connection refused"};
    probes_take(scene->probes, &event);
}

static void test_one_look(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, 0, NULL);
    assert_int_equal(scene.world.probed, 1);
    assert_string_equal(scene.world.probes[0].request.address, "::1");
    serve(&scene, 0, "whatever");
    assert_int_equal(scene.seen, 1);
    assert_int_equal(scene.tag, 7);
    serve(&scene, 0, "whatever");
    assert_int_equal(scene.seen, 1);
    end(&scene);
}

static void test_one_look_that_fails(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, 0, NULL);
    refuse(&scene, 0);
    assert_int_equal(scene.failed, 1);
    assert_int_equal(scene.failure, HTTP_FAIL_CONNECT);
    assert_int_equal(scene.error.code, ERR_NETWORK);
    assert_string_equal(scene.error.text, "cannot connect: Connection refused");
    end(&scene);
}

/* Refused, the old one, then the new one: tried every 200 ms, not sooner. */
static void test_until_the_new_leaf_is_served(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, 5000, "new");
    refuse(&scene, 0);
    assert_true(probes_step(scene.probes) == scene.world.ms + PROBE_AGAIN_MS);
    assert_int_equal(scene.world.probed, 1);
    scene.world.ms += PROBE_AGAIN_MS;
    (void)probes_step(scene.probes);
    assert_int_equal(scene.world.probed, 2);
    serve(&scene, 1, "old");
    assert_int_equal(scene.failed + scene.seen, 0);
    scene.world.ms += PROBE_AGAIN_MS;
    (void)probes_step(scene.probes);
    serve(&scene, 2, "new");
    assert_int_equal(scene.seen, 1);
    assert_int_equal(scene.failed, 0);
    assert_true(probes_step(scene.probes) == INT64_MAX);
    end(&scene);
}

static void test_the_old_leaf_until_the_end(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, 1000, "new");
    for (size_t i = 0; scene.failed == 0; i++) {
        assert_in_range(i, 0, 1000 / PROBE_AGAIN_MS);
        serve(&scene, i, "old");
        scene.world.ms += PROBE_AGAIN_MS;
        (void)probes_step(scene.probes);
    }
    assert_int_equal(scene.failure, HTTP_FAIL_NONE);
    assert_int_equal(scene.error.code, ERR_WEB_SERVER);
    assert_string_equal(scene.error.text, "another certificate is served");
    end(&scene);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, 1000, "new");
    probes_cancel(scene.probes, &scene);
    assert_true(scene.world.probes[0].cancelled);
    serve(&scene, 0, "new");
    (void)probes_step(scene.probes);
    assert_int_equal(scene.seen + scene.failed, 0);
    end(&scene);
}

static void test_without_a_worker(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, 0, NULL);
    refuse(&scene, 0);
    scene.world.broken = true;
    struct probe_request request = {.tls = {.address = mem_strdup("::1"), .port = 1}};
    probe_start(scene.probes, &request, &listener, &scene, 8);
    tls_request_release(&request.tls);
    assert_true(probes_step(scene.probes) == scene.world.ms); /* whose it was may go on at once */
    assert_int_equal(scene.failed, 2);
    assert_int_equal(scene.tag, 8);
    assert_int_equal(scene.failure, HTTP_FAIL_WORKER);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_look),
        cmocka_unit_test(test_one_look_that_fails),
        cmocka_unit_test(test_until_the_new_leaf_is_served),
        cmocka_unit_test(test_the_old_leaf_until_the_end),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_without_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

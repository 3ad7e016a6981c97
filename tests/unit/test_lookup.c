#include <acmec/engine/lookup.h>

#include "fake/fake_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct scene {
    struct fake_world world;
    struct lookups *lookups;
    size_t answered, failed, tag;
    unsigned rcode;
    struct error error;
};

static void on_answered(void *owner, size_t tag, struct dns_answer *answer)
{
    struct scene *scene = owner;
    scene->answered++;
    scene->tag = tag;
    scene->rcode = answer->rcode;
}

static void on_failed(void *owner, size_t tag, const struct error *error)
{
    struct scene *scene = owner;
    scene->failed++;
    scene->tag = tag;
    scene->error = *error;
}

static const struct lookup_listener listener = {on_answered, on_failed};

static void ask(struct scene *scene, const char *name, size_t tag)
{
    AUTO(dns_query) query = {.name = mem_strdup(name), .type = DNS_TXT};
    lookup_start(scene->lookups, &query, &listener, scene, tag);
}

static void start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_world_start(&scene->world);
    scene->lookups = lookups_new(&scene->world.ports);
}

static void end(struct scene *scene)
{
    lookups_free(scene->lookups);
    fake_world_release(&scene->world);
}

static void test_answers_find_their_question(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    ask(&scene, "a.example", 1);
    ask(&scene, "b.example", 2);
    assert_true(lookups_step(scene.lookups) == INT64_MAX);
    assert_int_equal(scene.world.queried, 2);
    assert_string_equal(scene.world.queries[1].name, "b.example");
    assert_int_equal(scene.world.queries[1].type, DNS_TXT);
    struct event event = {.kind = EVENT_DNS, .id = scene.world.queries[1].id};
    event.dns.rcode = DNS_NXDOMAIN;
    lookups_take(scene.lookups, &event);
    assert_int_equal(scene.answered, 1);
    assert_int_equal(scene.tag, 2);
    assert_int_equal(scene.rcode, DNS_NXDOMAIN);
    lookups_take(scene.lookups, &event);
    assert_int_equal(scene.answered, 1);
    end(&scene);
}

static void test_no_answer(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    ask(&scene, "a.example", 1);
    (void)lookups_step(scene.lookups);
    struct event event = {.kind = EVENT_DNS,
                          .id = scene.world.queries[0].id,
                          .failure = HTTP_FAIL_TIMEOUT,
                          .failure_text = "no DNS server answers"};
    lookups_take(scene.lookups, &event);
    assert_int_equal(scene.failed, 1);
    assert_int_equal(scene.error.code, ERR_NETWORK);
    assert_string_equal(scene.error.text,
                        "asking the DNS for TXT of a.example: no DNS server answers");
    end(&scene);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    ask(&scene, "a.example", 1);
    (void)lookups_step(scene.lookups);
    ask(&scene, "b.example", 2);
    lookups_cancel(scene.lookups, &scene);
    assert_true(scene.world.queries[0].cancelled);
    (void)lookups_step(scene.lookups);
    assert_int_equal(scene.world.queried, 1);
    struct event event = {.kind = EVENT_DNS, .id = scene.world.queries[0].id};
    lookups_take(scene.lookups, &event);
    assert_int_equal(scene.answered + scene.failed, 0);
    end(&scene);
}

static void test_without_a_worker(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.world.broken = true;
    ask(&scene, "a.example", 9);
    assert_true(lookups_step(scene.lookups) == scene.world.ms); /* whose it was may go on at once */
    assert_int_equal(scene.failed, 1);
    assert_int_equal(scene.tag, 9);
    assert_true(lookups_step(scene.lookups) == INT64_MAX);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_find_their_question),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_without_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

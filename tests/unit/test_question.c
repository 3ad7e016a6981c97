#include <acmec/engine/question.h>

#include "fake/fake_world.h"
#include <acmec/engine/records.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Answers the questions of the fake world one after the other, the second before the first. */
struct scene {
    struct fake_world world;
    struct event_port events;
    struct run run;
    size_t queries, probes, submits; /* answered so far */
    bool refuse, interrupt;
};

static struct scene *scene_of(struct event_port *port)
{
    return (struct scene *)((char *)port - offsetof(struct scene, events));
}

static size_t turn(size_t nth)
{
    return nth < 2 ? 1 - nth : nth;
}

static void wait_event(struct event_port *port, int64_t deadline_ms, struct event *out)
{
    struct scene *scene = scene_of(port);
    const struct fake_world *world = &scene->world;
    (void)deadline_ms;
    *out = (struct event){.failure = scene->refuse ? HTTP_FAIL_CONNECT : HTTP_FAIL_NONE};
    if (scene->interrupt) {
        out->kind = EVENT_SIGNAL;
        out->signal = SIGTERM;
    } else if (scene->queries < world->queried) {
        out->kind = EVENT_DNS;
        out->id = world->queries[turn(scene->queries++)].id;
        out->dns.rcode = (unsigned)out->id;
    } else if (scene->probes < world->probed) {
        out->kind = EVENT_PROBE;
        out->id = world->probes[turn(scene->probes++)].id;
        out->tls.version = TLS_1_3;
        out->tls.chain_count = 1;
        out->tls.chain[0] = BUF(9);
    } else {
        assert_true(scene->submits < world->submitted);
        *out = fake_reply(world, turn(scene->submits++), 301, "Location: x\n", "body");
        out->failure = scene->refuse ? HTTP_FAIL_CONNECT : HTTP_FAIL_NONE;
    }
}

static const struct event_ops event_ops = {wait_event};

static void start(struct scene *scene)
{
    *scene = (struct scene){.events = {&event_ops}};
    fake_world_start(&scene->world);
    scene->world.ports.events = &scene->events;
    scene->run.ports = &scene->world.ports;
    scene->run.exchanges = exchanges_new(scene->run.ports);
    scene->run.home = lane_new(scene->run.exchanges, NULL);
    scene->run.probes = probes_new(scene->run.ports);
    scene->run.lookups = lookups_new(scene->run.ports);
    scene->run.records = records_new(&scene->run);
}

static void end(struct scene *scene)
{
    records_free(scene->run.records);
    exchanges_free(scene->run.exchanges);
    probes_free(scene->run.probes);
    lookups_free(scene->run.lookups);
    fake_world_release(&scene->world);
}

static void ask_three(struct questions *questions)
{
    questions_add(questions, QUESTION_DNS)->dns.name = mem_strdup("a.example");
    questions_add(questions, QUESTION_TLS)->tls.address = mem_strdup("127.0.0.1");
    questions_add(questions, QUESTION_HTTP)->http.url = mem_strdup("http://a.example/");
}

static void test_each_answer_in_its_place(void **state)
{
    (void)state;
    struct scene scene;
    AUTO(questions) questions = {0};
    struct error err;
    start(&scene);
    ask_three(&questions);
    ask_three(&questions);
    assert_true(questions_ask(&scene.run, &questions, &err));
    for (size_t i = 0; i < questions.count; i++)
        assert_true(questions.items[i]->answered);
    assert_int_equal(questions.items[0]->records.rcode, 1);
    assert_int_equal(questions.items[3]->records.rcode, 2);
    assert_int_equal(questions.items[1]->report.version, TLS_1_3);
    assert_int_equal(questions.items[5]->response.status, 301);
    assert_string_equal(buf_str(&questions.items[5]->response.body), "body");
    /* What has been answered is not asked again. */
    questions_add(&questions, QUESTION_DNS)->dns.name = mem_strdup("b.example");
    assert_true(questions_ask(&scene.run, &questions, &err));
    assert_int_equal(scene.world.queried, 3);
    assert_int_equal(scene.world.submitted, 2);
    end(&scene);
}

static void test_no_answers(void **state)
{
    (void)state;
    struct scene scene;
    AUTO(questions) questions = {0};
    struct error err;
    start(&scene);
    scene.refuse = true;
    ask_three(&questions);
    ask_three(&questions);
    assert_true(questions_ask(&scene.run, &questions, &err));
    for (size_t i = 0; i < questions.count; i++) {
        assert_false(questions.items[i]->answered);
        assert_int_equal(questions.items[i]->error.code, ERR_NETWORK);
    }
    assert_int_equal(questions.items[1]->failure, HTTP_FAIL_CONNECT);
    end(&scene);
}

static void test_a_signal_ends_it(void **state)
{
    (void)state;
    struct scene scene;
    AUTO(questions) questions = {0};
    struct error err;
    start(&scene);
    scene.interrupt = true;
    ask_three(&questions);
    assert_false(questions_ask(&scene.run, &questions, &err));
    assert_int_equal(err.code, ERR_TERMINATED);
    assert_true(scene.world.queries[0].cancelled);
    assert_true(scene.world.probes[0].cancelled);
    assert_true(scene.world.submits[0].cancelled);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_answer_in_its_place),
        cmocka_unit_test(test_no_answers),
        cmocka_unit_test(test_a_signal_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

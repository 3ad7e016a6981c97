#include <acmec/engine/dns_trace.h>

#include "fake/fake_dns.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

struct scene {
    struct fake_world world;
    struct run run;
    size_t told;
    char end[DNS_NAME_MAX];
    bool answered;
};

static void start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_world_start(&scene->world);
    scene->run.ports = &scene->world.ports;
    scene->run.lookups = lookups_new(&scene->world.ports);
}

static void end(struct scene *scene)
{
    lookups_free(scene->run.lookups);
    fake_world_release(&scene->world);
}

static void told(void *ctx, const char *name, bool answered)
{
    struct scene *scene = ctx;
    scene->told++;
    scene->answered = answered;
    (void)snprintf(scene->end, sizeof scene->end, "%s", name);
}

/* Traces _acme-challenge.a.example to its end. */
static void trace(struct scene *scene, const struct dns_row *rows, size_t count)
{
    struct dns_trace *trace = dns_trace_new(&scene->run, "_acme-challenge.a.example", told, scene);
    dns_answer_all(&scene->world, scene->run.lookups, rows, count);
    assert_int_equal(scene->told, 1);
    dns_trace_free(trace);
}

static void test_no_cname(void **state)
{
    (void)state;
    struct scene scene;
    static const struct dns_row rows[] = {
        {.name = "_acme-challenge.a.example", .type = DNS_CNAME, .data = "", .rcode = DNS_NXDOMAIN},
    };
    start(&scene);
    trace(&scene, rows, COUNT(rows));
    assert_true(scene.answered);
    assert_string_equal(scene.end, "_acme-challenge.a.example");
    assert_int_equal(scene.world.queried, 1);
    assert_int_equal(scene.world.queries[0].type, DNS_CNAME);
    assert_null(scene.world.queries[0].server);
    end(&scene);
}

static void test_where_cnames_lead(void **state)
{
    (void)state;
    struct scene scene;
    static const struct dns_row rows[] = {
        {.name = "_acme-challenge.a.example",
         .type = DNS_CNAME,
         .owner = "_ACME-challenge.A.example", /* a server may write it otherwise */
         .data = "b.proofs.example"},
        {.name = "b.proofs.example", .type = DNS_CNAME, .data = "c.proofs.example"},
    };
    start(&scene);
    trace(&scene, rows, COUNT(rows));
    assert_true(scene.answered);
    assert_string_equal(scene.end, "c.proofs.example");
    end(&scene);
}

static void test_a_cname_of_another_name_is_none(void **state)
{
    (void)state;
    struct scene scene;
    static const struct dns_row rows[] = {
        {.name = "_acme-challenge.a.example",
         .type = DNS_CNAME,
         .owner = "other.example",
         .data = "evil.example"},
    };
    start(&scene);
    trace(&scene, rows, COUNT(rows));
    assert_string_equal(scene.end, "_acme-challenge.a.example");
    end(&scene);
}

static void test_a_loop_ends(void **state)
{
    (void)state;
    struct scene scene;
    static const struct dns_row rows[] = {
        {.name = "_acme-challenge.a.example", .type = DNS_CNAME, .data = "b.example"},
        {.name = "b.example", .type = DNS_CNAME, .data = "_acme-challenge.a.example"},
    };
    start(&scene);
    trace(&scene, rows, COUNT(rows));
    assert_true(scene.answered);
    assert_true(scene.world.queried < 12);
    end(&scene);
}

static void test_nobody_answers(void **state)
{
    (void)state;
    struct scene scene;
    static const struct dns_row rows[] = {
        {.name = "_acme-challenge.a.example", .type = DNS_CNAME},
    };
    start(&scene);
    trace(&scene, rows, COUNT(rows));
    assert_false(scene.answered);
    assert_string_equal(scene.end, "_acme-challenge.a.example");
    end(&scene);
}

static void test_freed_before_the_answer(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    struct dns_trace *trace = dns_trace_new(&scene.run, "a.example", told, &scene);
    (void)lookups_step(scene.run.lookups);
    dns_trace_free(trace);
    assert_true(scene.world.queries[0].cancelled);
    dns_answer_nth(&scene.world, 0, scene.run.lookups, NULL, 0);
    assert_int_equal(scene.told, 0);
    dns_trace_free(NULL);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_cname),
        cmocka_unit_test(test_where_cnames_lead),
        cmocka_unit_test(test_a_cname_of_another_name_is_none),
        cmocka_unit_test(test_a_loop_ends),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_freed_before_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

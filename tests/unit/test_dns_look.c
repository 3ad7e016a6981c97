#include <acmec/engine/dns_look.h>

#include "fake/fake_dns.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NAME "_acme-challenge.a.example"
#define VALUE "the-value"
#define TIMEOUT_MS 60000

struct scene {
    struct fake_world world;
    struct engine_settings settings;
    struct run run;
    struct dns_look *look;
    struct dns_row rows[16];
    size_t count;
    size_t told;
    enum dns_seen seen;
};

static void told(void *ctx, enum dns_seen seen)
{
    struct scene *scene = ctx;
    scene->told++;
    scene->seen = seen;
}

static void row(struct scene *scene, const char *server, const char *name, enum dns_type type,
                const char *data)
{
    scene->rows[scene->count++] =
        (struct dns_row){.server = server, .name = name, .type = type, .data = data};
}

/* The zone a.example with two servers, that say what the test adds. */
static void start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_world_start(&scene->world);
    scene->run.settings = &scene->settings;
    scene->run.ports = &scene->world.ports;
    scene->run.lookups = lookups_new(&scene->world.ports);
    row(scene, NULL, NAME, DNS_SOA, "ns1.a.example");
    scene->rows[0].owner = "a.example";
    scene->rows[0].authority = true;
    row(scene, NULL, "a.example", DNS_NS, "ns1.a.example");
    row(scene, NULL, "a.example", DNS_NS, "ns2.a.example");
    row(scene, NULL, "ns1.a.example", DNS_HOST, "192.0.2.1");
    row(scene, NULL, "ns2.a.example", DNS_HOST, "192.0.2.2");
}

static bool is_it(void *ctx, struct span text)
{
    (void)ctx;
    return span_is(text, VALUE);
}

static void begin_as(struct scene *scene, bool once)
{
    const struct dns_look_wish wish = {
        .name = NAME,
        .is_it = is_it,
        .told = told,
        .ctx = scene,
        .deadline_ms = scene->world.ms + TIMEOUT_MS,
        .once = once,
    };
    scene->look = dns_look_new(&scene->run, &wish);
}

static void begin(struct scene *scene)
{
    begin_as(scene, false);
}

static void answer(struct scene *scene)
{
    dns_answer_all(&scene->world, scene->run.lookups, scene->rows, scene->count);
}

/* Until it has told something, or the time is over. */
static void look(struct scene *scene)
{
    begin(scene);
    for (size_t i = 0; i < 200 && scene->told == 0; i++) {
        answer(scene);
        int64_t next = dns_look_step(scene->look);
        if (scene->told == 0 && next > scene->world.ms)
            scene->world.ms = next;
    }
    assert_int_equal(scene->told, 1);
}

static void end(struct scene *scene)
{
    dns_look_free(scene->look);
    lookups_free(scene->run.lookups);
    fake_world_release(&scene->world);
}

static void test_all_servers_of_the_zone_have_it(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, VALUE);
    row(&scene, "192.0.2.2", NAME, DNS_TXT, VALUE);
    int64_t began = scene.world.ms;
    look(&scene);
    assert_int_equal(scene.seen, DNS_SEEN);
    assert_true(scene.world.ms == began);
    end(&scene);
}

static void test_one_server_has_it_later(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, VALUE);
    begin(&scene);
    answer(&scene);
    assert_int_equal(scene.told, 0);
    int64_t next = dns_look_step(scene.look);
    assert_true(next > scene.world.ms && next < scene.world.ms + 10000); /* a pause, no hammering */
    size_t asked = scene.world.queried;
    (void)dns_look_step(scene.look);
    (void)lookups_step(scene.run.lookups);
    assert_int_equal(scene.world.queried, asked);
    row(&scene, "192.0.2.2", NAME, DNS_TXT, VALUE);
    scene.world.ms = next;
    (void)dns_look_step(scene.look);
    answer(&scene);
    assert_int_equal(scene.told, 1);
    assert_int_equal(scene.seen, DNS_SEEN);
    end(&scene);
}

static void test_another_value_is_not_it(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, "the-value-of-last-time");
    row(&scene, "192.0.2.2", NAME, DNS_TXT, VALUE);
    int64_t began = scene.world.ms;
    look(&scene);
    assert_int_equal(scene.seen, DNS_NOT_SEEN);
    assert_true(scene.world.ms == began + TIMEOUT_MS);
    end(&scene);
}

static void test_looked_for_once(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, VALUE);
    int64_t began = scene.world.ms;
    begin_as(&scene, true);
    answer(&scene);
    assert_int_equal(scene.told, 1);
    assert_int_equal(scene.seen, DNS_NOT_SEEN);
    assert_true(scene.world.ms == began);
    end(&scene);
}

static void test_by_the_server_of_the_settings(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    for (size_t i = 0; i < scene.count; i++)
        scene.rows[i].server = "192.0.2.53:53";
    scene.settings.dns_server = "192.0.2.53:53";
    row(&scene, "192.0.2.1", NAME, DNS_TXT, VALUE);
    row(&scene, "192.0.2.2", NAME, DNS_TXT, VALUE);
    look(&scene);
    assert_int_equal(scene.seen, DNS_SEEN);
    end(&scene);
}

static void test_several_records_at_the_name(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, "another certificate's");
    row(&scene, "192.0.2.1", NAME, DNS_TXT, VALUE);
    row(&scene, "192.0.2.2", NAME, DNS_TXT, VALUE);
    look(&scene);
    assert_int_equal(scene.seen, DNS_SEEN);
    end(&scene);
}

static void test_a_server_that_is_down_counts_for_nothing(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, VALUE);
    row(&scene, "192.0.2.2", NAME, DNS_TXT, NULL);
    look(&scene);
    assert_int_equal(scene.seen, DNS_SEEN);
    end(&scene);
}

static void test_a_server_that_refuses_counts_for_nothing(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, VALUE);
    row(&scene, "192.0.2.2", NAME, DNS_TXT, "");
    scene.rows[scene.count - 1].rcode = DNS_REFUSED;
    look(&scene);
    assert_int_equal(scene.seen, DNS_SEEN);
    end(&scene);
}

static void test_no_server_of_the_zone_answers(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    row(&scene, "192.0.2.1", NAME, DNS_TXT, NULL);
    row(&scene, "192.0.2.2", NAME, DNS_TXT, NULL);
    row(&scene, NULL, NAME, DNS_TXT, VALUE); /* then the system's */
    look(&scene);
    assert_int_equal(scene.seen, DNS_SEEN);
    end(&scene);
}

static void test_where_a_cname_leads(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.count = 0;
    row(&scene, NULL, NAME, DNS_CNAME, "a.proofs.example");
    row(&scene, NULL, "a.proofs.example", DNS_SOA, "ns.proofs.example");
    scene.rows[1].owner = "proofs.example";
    scene.rows[1].authority = true;
    row(&scene, NULL, "proofs.example", DNS_NS, "ns.proofs.example");
    row(&scene, NULL, "ns.proofs.example", DNS_HOST, "192.0.2.9");
    row(&scene, "192.0.2.9", "a.proofs.example", DNS_TXT, VALUE);
    look(&scene);
    assert_int_equal(scene.seen, DNS_SEEN);
    end(&scene);
}

static void test_blind_without_a_resolver(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.count = 0;
    row(&scene, NULL, NAME, DNS_SOA, NULL);
    int64_t began = scene.world.ms;
    look(&scene);
    assert_int_equal(scene.seen, DNS_BLIND);
    assert_true(scene.world.ms == began);
    end(&scene);
}

static void test_blind_where_the_domain_is_not_known(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.count = 0;
    row(&scene, NULL, NAME, DNS_SOA, "");
    row(&scene, NULL, "a.example", DNS_SOA, "");
    scene.rows[0].rcode = scene.rows[1].rcode = DNS_NXDOMAIN;
    int64_t began = scene.world.ms;
    look(&scene);
    assert_int_equal(scene.seen, DNS_BLIND);
    assert_true(scene.world.ms == began);
    end(&scene);
}

static void test_freed_on_the_way(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    begin(&scene);
    (void)lookups_step(scene.run.lookups);
    dns_look_free(scene.look);
    scene.look = NULL;
    assert_true(scene.world.queries[0].cancelled);
    answer(&scene);
    assert_int_equal(scene.told, 0);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_servers_of_the_zone_have_it),
        cmocka_unit_test(test_one_server_has_it_later),
        cmocka_unit_test(test_another_value_is_not_it),
        cmocka_unit_test(test_looked_for_once),
        cmocka_unit_test(test_by_the_server_of_the_settings),
        cmocka_unit_test(test_several_records_at_the_name),
        cmocka_unit_test(test_a_server_that_is_down_counts_for_nothing),
        cmocka_unit_test(test_a_server_that_refuses_counts_for_nothing),
        cmocka_unit_test(test_no_server_of_the_zone_answers),
        cmocka_unit_test(test_where_a_cname_leads),
        cmocka_unit_test(test_blind_without_a_resolver),
        cmocka_unit_test(test_blind_where_the_domain_is_not_known),
        cmocka_unit_test(test_freed_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

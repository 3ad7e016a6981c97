#include <acmec/engine/describe.h>

#include "fake/fake_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAY 86400

struct scene {
    struct fake_run fake;
    struct cert_state state;
    struct cert_spec spec;
    struct outcome outcome;
};

static void start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_run_start(&scene->fake);
    int64_t now = scene->fake.world.wall;
    struct stored_live *live = &scene->state.live;
    live->generation = 3;
    live->not_before = now - (int64_t)10 * DAY;
    live->not_after = now + (int64_t)80 * DAY;
    live->due_at = now + 7;
    live->pairs = 1;
    live->names = test_names(2);
    live->profile = mem_strdup("shortlived");
    (void)snprintf(live->serial, sizeof live->serial, "0a0b");
    (void)snprintf(live->issuer, sizeof live->issuer, "Test CA");
    scene->spec.names = test_names(3);
}

static void end(struct scene *scene)
{
    cert_state_release(&scene->state);
    cert_spec_release(&scene->spec);
    identifier_list_release(&scene->outcome.domains);
    free(scene->outcome.live);
    fake_run_end(&scene->fake);
}

static void describe(struct scene *scene, bool with_spec)
{
    outcome_from_state(&scene->fake.run, "a.example", &scene->state,
                       with_spec ? &scene->spec : NULL, &scene->outcome);
}

static void test_a_live_certificate(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    describe(&scene, true);
    const struct outcome *outcome = &scene.outcome;
    AUTO_FREE live = place_path(&scene.fake.home.place, "etc/live/a.example");
    assert_string_equal(outcome->name, "a.example");
    assert_int_equal(outcome->domains.count, 2); /* what is live, not what is wanted */
    assert_true(outcome->not_before == scene.state.live.not_before);
    assert_true(outcome->not_after == scene.state.live.not_after);
    assert_true(outcome->next_renewal == scene.fake.world.wall + (int64_t)50 * DAY);
    assert_string_equal(outcome->serial, "0a0b");
    assert_string_equal(outcome->issuer, "Test CA");
    assert_string_equal(outcome->profile, "shortlived");
    assert_string_equal(outcome->live, live);
    assert_false(outcome->revoked);
    assert_true(outcome->window_end == 0);
    end(&scene);
}

static void test_without_a_spec_what_is_stored_counts(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.state.live.revoked = true;
    scene.state.deploy_pending = true;
    describe(&scene, false);
    assert_true(scene.outcome.next_renewal == scene.fake.world.wall + 7);
    assert_true(scene.outcome.revoked);
    assert_true(scene.outcome.deploy_pending);
    end(&scene);
}

static void test_nothing_live_yet(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.state.live.generation = 0;
    describe(&scene, true);
    assert_int_equal(scene.outcome.domains.count, 3); /* what is wanted */
    assert_null(scene.outcome.live);
    assert_true(scene.outcome.not_after == 0);
    assert_string_equal(scene.outcome.serial, "");
    end(&scene);
}

static void test_the_window_that_comes_first(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    struct stored_ari *ari = scene.state.live.ari;
    scene.state.live.pairs = 2;
    ari[0] = (struct stored_ari){.start = 100, .end = 400, .chosen = 300, .explanation = "late"};
    ari[1] = (struct stored_ari){.start = 120, .end = 300, .chosen = 200, .explanation = "soon"};
    describe(&scene, true);
    assert_int_equal(scene.outcome.window_start, 120);
    assert_int_equal(scene.outcome.window_end, 300);
    assert_string_equal(scene.outcome.explanation, "soon");
    scene.state.live.pairs = 1; /* what is left of a pair that is no more does not count */
    describe(&scene, true);
    assert_string_equal(scene.outcome.explanation, "late");
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_live_certificate),
        cmocka_unit_test(test_without_a_spec_what_is_stored_counts),
        cmocka_unit_test(test_nothing_live_yet),
        cmocka_unit_test(test_the_window_that_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

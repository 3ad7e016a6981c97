#include <acmec/engine/ari_check.h>
#include <acmec/engine/due.h>

#include "fake/fake_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY 86400
#define CA_URL "https://ca.test/directory"

struct scene {
    struct fake_world world;
    struct engine_settings settings;
    struct run run;
    struct cert_spec spec;
    struct cert_state state;
    struct file_stamp conf, defaults;
};

/* A certificate of 90 days, ten days old, all as it should be. */
static void scene_start(struct scene *scene)
{
    struct error err = {0};
    struct identifier name;
    *scene = (struct scene){0};
    fake_world_start(&scene->world);
    scene->run.settings = &scene->settings;
    scene->run.ports = &scene->world.ports;
    assert_true(identifier_parse("a.example", &name, &err));
    (void)identifier_list_add(&scene->spec.names, &name);
    (void)identifier_list_add(&scene->state.live.names, &name);
    cert_spec_add_ca(&scene->spec, "ca", CA_URL, NULL);
    scene->spec.account = mem_strdup("default");
    scene->state.live.directory_url = mem_strdup(CA_URL);
    scene->state.live.generation = 1;
    scene->state.live.not_before = scene->world.wall - (int64_t)10 * DAY;
    scene->state.live.not_after = scene->world.wall + (int64_t)80 * DAY;
    scene->state.live.due_at = due_at(&scene->spec, &scene->state);
    scene->conf = scene->state.live.conf = (struct file_stamp){1, 2, 3};
}

static void scene_end(struct scene *scene)
{
    cert_spec_release(&scene->spec);
    cert_state_release(&scene->state);
    limit_list_release(&scene->run.limits);
    fake_world_release(&scene->world);
}

static bool is_quiet(struct scene *scene)
{
    return due_is_quiet(&scene->run, &scene->state, &scene->conf, &scene->defaults);
}

static enum due_answer judge(struct scene *scene, bool by_hand, struct error *held)
{
    *held = (struct error){0};
    return due_judge(&scene->run, &scene->spec, &scene->state, by_hand, held);
}

static void what_is_fresh_is_quiet(void **state)
{
    (void)state;
    struct scene scene;
    struct error held;
    scene_start(&scene);
    assert_true(is_quiet(&scene));
    assert_int_equal(judge(&scene, false, &held), DUE_NO);
    assert_int_equal(due_at(&scene.spec, &scene.state), scene.world.wall + (int64_t)50 * DAY);
    scene_end(&scene);
}

static void any_sign_of_change_ends_the_quiet(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    scene.conf.mtime_ns++;
    assert_false(is_quiet(&scene));
    scene.conf.mtime_ns--;
    scene.defaults.size = 7;
    assert_false(is_quiet(&scene));
    scene.defaults.size = 0;
    scene.state.deploy_pending = true;
    assert_false(is_quiet(&scene));
    scene.state.deploy_pending = false;
    scene.settings.force = true;
    assert_false(is_quiet(&scene));
    scene.settings.force = false;
    scene.state.live.due_at = scene.world.wall;
    assert_false(is_quiet(&scene));
    /* A due moment after the end of the certificate comes from a clock that was wrong. */
    scene.state.live.due_at = scene.state.live.not_after + 1;
    assert_false(is_quiet(&scene));
    scene_end(&scene);
}

static void it_is_due_in_the_last_third(void **state)
{
    (void)state;
    struct scene scene;
    struct error held;
    scene_start(&scene);
    scene.world.wall += (int64_t)50 * DAY;
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
}

static void another_ca_or_other_names_are_due_at_once(void **state)
{
    (void)state;
    struct scene scene;
    struct error held, err = {0};
    struct identifier name;
    scene_start(&scene);
    cert_spec_add_ca(&scene.spec, "other", "https://other.test/directory", NULL);
    assert_int_equal(judge(&scene, false, &held), DUE_NO); /* one of those that stand in */
    free(scene.state.live.directory_url);
    scene.state.live.directory_url = mem_strdup("https://other.test/directory");
    assert_int_equal(judge(&scene, false, &held), DUE_NO);
    free(scene.state.live.directory_url);
    scene.state.live.directory_url = mem_strdup("https://third.test/directory");
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
    scene_start(&scene);
    assert_true(identifier_parse("b.example", &name, &err));
    (void)identifier_list_add(&scene.spec.names, &name);
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
}

static void failures_hold_back_renew_only(void **state)
{
    (void)state;
    struct scene scene;
    struct error held, error = {.code = ERR_REFUSED, .text = "refused"};
    scene_start(&scene);
    scene.world.wall += (int64_t)60 * DAY;
    due_remember(&scene.run, &scene.state, &error);
    assert_int_equal(scene.state.failure.next_attempt, scene.world.wall + 60);
    assert_int_equal(judge(&scene, false, &held), DUE_HELD_BACK);
    assert_int_equal(held.code, ERR_REFUSED);
    assert_int_equal(held.retry_at, scene.world.wall + 60);
    assert_int_equal(judge(&scene, true, &held), DUE_YES);
    scene.settings.force = true;
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene.settings.force = false;
    scene.world.wall += 60;
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
}

static void a_wait_that_no_rule_could_set_is_dropped(void **state)
{
    (void)state;
    struct scene scene;
    struct error held, error = {.code = ERR_REFUSED};
    scene_start(&scene);
    due_remember(&scene.run, &scene.state, &error);
    scene.state.failure.next_attempt += (int64_t)400 * DAY;
    scene.world.wall += (int64_t)60 * DAY;
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
}

static void limit_add(struct scene *scene, bool for_names, int64_t until)
{
    struct stored_limit *limit = mem_new(1, sizeof *limit);
    limit->directory_url = mem_strdup(CA_URL);
    limit->until = until;
    if (for_names)
        identifier_list_copy(&scene->spec.names, &limit->names);
    scene->run.limits = (struct limit_list){limit, 1};
}

static void a_rate_limit_holds_back_both(void **state)
{
    (void)state;
    for (int for_names = 0; for_names < 2; for_names++) {
        struct scene scene;
        struct error held;
        scene_start(&scene);
        scene.world.wall += (int64_t)55 * DAY;
        limit_add(&scene, for_names != 0, scene.world.wall + DAY);
        assert_int_equal(judge(&scene, true, &held), DUE_HELD_BACK);
        assert_int_equal(held.code, ERR_RATE_LIMITED);
        assert_int_equal(held.retry_at, scene.world.wall + DAY);
        scene.settings.force = true;
        assert_int_equal(judge(&scene, false, &held), DUE_HELD_BACK);
        scene.run.force_rate_limit = true;
        assert_int_equal(judge(&scene, true, &held), DUE_YES);
        scene_end(&scene);
    }
}

static void a_rate_limit_is_of_one_account_at_one_ca(void **state)
{
    (void)state;
    struct scene scene;
    struct error held;
    scene_start(&scene);
    scene.world.wall += (int64_t)55 * DAY;
    limit_add(&scene, false, scene.world.wall + DAY);
    scene.run.limits.items[0].account = mem_strdup("other");
    assert_int_equal(judge(&scene, true, &held), DUE_YES);
    free(scene.run.limits.items[0].account);
    scene.run.limits.items[0].account = mem_strdup("default");
    assert_int_equal(judge(&scene, true, &held), DUE_HELD_BACK);
    /* Another CA stands in, unless that one said to wait as well. */
    cert_spec_add_ca(&scene.spec, "other", "https://other.test/directory", NULL);
    assert_int_equal(judge(&scene, true, &held), DUE_YES);
    assert_true(due_ca_is_limited(&scene.run, &scene.spec, 0, &scene.state, &held));
    assert_false(due_ca_is_limited(&scene.run, &scene.spec, 1, &scene.state, &held));
    scene.run.limits.items = mem_resize(scene.run.limits.items, 2, sizeof(struct stored_limit));
    scene.run.limits.items[1] = (struct stored_limit){
        .directory_url = mem_strdup("https://other.test/directory"),
        .until = scene.world.wall + DAY / 2,
    };
    scene.run.limits.count = 2;
    assert_int_equal(judge(&scene, true, &held), DUE_HELD_BACK);
    assert_int_equal(held.retry_at, scene.world.wall + DAY / 2);
    assert_non_null(strstr(held.hint, "--force-rate-limit"));
    scene_end(&scene);
}

/* They are tried again when it is due, and at once where they may no longer be left out. */
static void names_left_out_count_as_there(void **state)
{
    (void)state;
    struct scene scene;
    struct error held, err = {0};
    struct identifier name;
    scene_start(&scene);
    assert_true(identifier_parse("b.example", &name, &err));
    (void)identifier_list_add(&scene.spec.names, &name);
    (void)identifier_list_add(&scene.state.live.dropped, &name);
    scene.spec.allow_subset = true;
    assert_int_equal(judge(&scene, false, &held), DUE_NO);
    scene.spec.allow_subset = false;
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene.spec.allow_subset = true;
    assert_true(identifier_parse("c.example", &name, &err));
    (void)identifier_list_add(&scene.spec.names, &name);
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
}

static void a_rate_limit_ends_before_the_last_tenth(void **state)
{
    (void)state;
    struct scene scene;
    struct error held;
    scene_start(&scene);
    scene.world.wall = scene.state.live.not_after - (int64_t)8 * DAY;
    limit_add(&scene, true, scene.world.wall + DAY);
    assert_int_equal(judge(&scene, true, &held), DUE_YES);
    scene_end(&scene);
}

static void a_stored_order_fits_its_own_wish_only(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    struct stored_order order = {.url = mem_strdup("https://ca.test/order/1"),
                                 .directory_url = mem_strdup(CA_URL),
                                 .account_url = mem_strdup("https://ca.test/acct/1"),
                                 .request = mem_strdup("ecdsa-p256"),
                                 .generation = 2};
    identifier_list_copy(&scene.spec.names, &order.names);
    assert_true(due_order_fits(&scene.spec, &order, CA_URL, "https://ca.test/acct/1"));
    assert_false(due_order_fits(&scene.spec, &order, CA_URL, "https://ca.test/acct/2"));
    assert_false(due_order_fits(&scene.spec, &order, "https://x.test/", "https://ca.test/acct/1"));
    scene.spec.key_types[0] = KEY_RSA_2048;
    assert_false(due_order_fits(&scene.spec, &order, CA_URL, "https://ca.test/acct/1"));
    scene.spec.key_types[0] = KEY_ECDSA_P256;
    scene.spec.must_staple = true;
    assert_false(due_order_fits(&scene.spec, &order, CA_URL, "https://ca.test/acct/1"));
    scene.state.orders[0] = order;
    scene_end(&scene);
}

static void only_what_the_world_did_is_remembered(void **state)
{
    (void)state;
    assert_true(due_remembers(ERR_REFUSED));
    assert_true(due_remembers(ERR_NETWORK));
    assert_false(due_remembers(ERR_FILES));
    assert_false(due_remembers(ERR_CONFIG));
    assert_false(due_remembers(ERR_HOOK));
    assert_false(due_remembers(ERR_LOCKED));
}

/* ---- what the CA suggests ---- */

static void suggest(struct scene *scene, int64_t chosen_in, int64_t next_check_in)
{
    struct stored_live *live = &scene->state.live;
    live->pairs = 1;
    live->issued_at = live->not_before;
    (void)snprintf(live->ari[0].cert_id, sizeof live->ari[0].cert_id, "a.b");
    live->ari[0].start = scene->world.wall + chosen_in - 10;
    live->ari[0].end = scene->world.wall + chosen_in + 10;
    live->ari[0].chosen = scene->world.wall + chosen_in;
    live->ari[0].next_check = scene->world.wall + next_check_in;
    live->due_at = due_at(&scene->spec, &scene->state);
}

static void a_suggestion_makes_it_due(void **state)
{
    (void)state;
    struct scene scene;
    struct error held;
    scene_start(&scene);
    suggest(&scene, 5, 3600);
    assert_int_equal(judge(&scene, false, &held), DUE_NO);
    assert_true(is_quiet(&scene));
    suggest(&scene, 0, 3600);
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    assert_true(due_is_by_ari(&scene.run, &scene.spec, &scene.state));
    assert_false(is_quiet(&scene));
    /* the earliest of both pairs counts */
    suggest(&scene, 50 * DAY, 3600);
    scene.state.live.pairs = 2;
    scene.state.live.ari[1] = scene.state.live.ari[0];
    scene.state.live.ari[1].chosen = scene.world.wall - 1;
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    /* a certificate that ARI alone asked for is safe from it for a while */
    scene.state.live.by_ari = true;
    assert_int_equal(judge(&scene, false, &held), DUE_YES); /* ten days old */
    scene.state.live.issued_at = scene.world.wall - DAY;
    assert_int_equal(judge(&scene, false, &held), DUE_NO);
    scene_end(&scene);
}

static void due_without_a_suggestion_is_not_by_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    assert_false(due_is_by_ari(&scene.run, &scene.spec, &scene.state));
    suggest(&scene, -5, 3600);
    scene.state.live.revoked = true;
    assert_false(due_is_by_ari(&scene.run, &scene.spec, &scene.state));
    scene.state.live.revoked = false;
    scene.settings.force = true;
    assert_false(due_is_by_ari(&scene.run, &scene.spec, &scene.state));
    scene.settings.force = false;
    scene.world.wall += (int64_t)60 * DAY;
    assert_false(due_is_by_ari(&scene.run, &scene.spec, &scene.state));
    scene_end(&scene);
}

static void a_check_comes_in_its_time(void **state)
{
    (void)state;
    struct scene scene;
    scene_start(&scene);
    struct stored_live *live = &scene.state.live;
    suggest(&scene, 50 * DAY, 60);
    assert_false(ari_check_is_due(&scene.run, live, false));
    assert_false(ari_check_is_due(&scene.run, live, true)); /* a Retry-After holds for all */
    suggest(&scene, 50 * DAY, 0);
    assert_true(ari_check_is_due(&scene.run, live, false));
    assert_false(is_quiet(&scene));
    suggest(&scene, 50 * DAY, 2 * DAY); /* further ahead than any reply could set */
    assert_true(ari_check_is_due(&scene.run, live, false));
    live->ari[0].cert_id[0] = '\0';
    assert_false(ari_check_is_due(&scene.run, live, false));
    /* never asked: six hours after issuance, or when a person names it */
    suggest(&scene, 50 * DAY, 0);
    live->ari[0].next_check = 0;
    live->issued_at = scene.world.wall - 5 * 3600;
    assert_false(ari_check_is_due(&scene.run, live, false));
    assert_true(ari_check_is_due(&scene.run, live, true));
    live->issued_at = scene.world.wall - 7 * 3600;
    assert_true(ari_check_is_due(&scene.run, live, false));
    live->revoked = true;
    assert_false(ari_check_is_due(&scene.run, live, true));
    live->revoked = false;
    scene.world.wall = live->not_after;
    assert_false(ari_check_is_due(&scene.run, live, true));
    scene.world.wall = live->not_before - 1;
    assert_false(ari_check_is_due(&scene.run, live, true));
    scene_end(&scene);
}

static void another_wish_is_another_certificate(void **state)
{
    (void)state;
    struct scene scene;
    struct error held;
    scene_start(&scene);
    assert_int_equal(judge(&scene, false, &held), DUE_NO); /* not known what it was: let be */
    scene.state.live.request = mem_strdup("ecdsa-p256");
    assert_int_equal(judge(&scene, false, &held), DUE_NO);
    scene.spec.must_staple = true;
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene.spec.must_staple = false;
    scene.spec.profile = mem_strdup("shortlived");
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
}

static void a_revoked_one_is_due(void **state)
{
    (void)state;
    struct scene scene;
    struct error held;
    scene_start(&scene);
    scene.state.live.revoked = true;
    assert_false(is_quiet(&scene));
    assert_int_equal(judge(&scene, false, &held), DUE_YES);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_fresh_is_quiet),
        cmocka_unit_test(any_sign_of_change_ends_the_quiet),
        cmocka_unit_test(it_is_due_in_the_last_third),
        cmocka_unit_test(another_ca_or_other_names_are_due_at_once),
        cmocka_unit_test(failures_hold_back_renew_only),
        cmocka_unit_test(a_wait_that_no_rule_could_set_is_dropped),
        cmocka_unit_test(a_rate_limit_holds_back_both),
        cmocka_unit_test(a_rate_limit_is_of_one_account_at_one_ca),
        cmocka_unit_test(names_left_out_count_as_there),
        cmocka_unit_test(a_rate_limit_ends_before_the_last_tenth),
        cmocka_unit_test(a_stored_order_fits_its_own_wish_only),
        cmocka_unit_test(a_suggestion_makes_it_due),
        cmocka_unit_test(due_without_a_suggestion_is_not_by_it),
        cmocka_unit_test(a_check_comes_in_its_time),
        cmocka_unit_test(another_wish_is_another_certificate),
        cmocka_unit_test(a_revoked_one_is_due),
        cmocka_unit_test(only_what_the_world_did_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/engine/hooks.h>

#include "fake/fake_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct scene {
    struct fake_run fake;
    struct hooks *hooks;
    size_t ended;
    struct error error;
};

static void start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_run_start(&scene->fake);
    scene->hooks = scene->fake.run.hooks;
}

static void done(void *ctx, const struct error *error)
{
    struct scene *scene = ctx;
    scene->ended++;
    scene->error = error == NULL ? (struct error){0} : *error;
}

static void end_child(struct scene *scene, size_t nth, int exit_code, const char *output)
{
    AUTO(event) event = fake_child_ends(&scene->fake, nth, exit_code, output);
    assert_true(hooks_take(scene->hooks, &event));
}

static const char *words(const struct scene *scene, size_t nth)
{
    assert_true(nth < scene->fake.child_count);
    return scene->fake.children[nth].words;
}

static void test_the_folder_first_then_the_command(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    fake_put_hook(&scene.fake, "deploy", "20-last", 0755);
    fake_put_hook(&scene.fake, "deploy", "10-first", 0755);
    fake_put_hook(&scene.fake, "deploy", "15-not-executable", 0644);
    AUTO_FREE first = place_path(&scene.fake.home.place, "etc/hooks/deploy/10-first");
    AUTO_FREE last = place_path(&scene.fake.home.place, "etc/hooks/deploy/20-last");
    struct hook_call call = {.kind = HOOK_DEPLOY,
                             .with_folder = true,
                             .command = "reload it; now",
                             .timeout_s = 7,
                             .done = done,
                             .ctx = &scene};
    hooks_call(scene.hooks, &call);
    assert_int_equal(scene.fake.child_count, 1); /* one after the other */
    assert_string_equal(words(&scene, 0), first);
    assert_int_equal(scene.fake.children[0].timeout_ms, 7000);
    end_child(&scene, 0, 0, NULL);
    assert_string_equal(words(&scene, 1), last);
    end_child(&scene, 1, 0, NULL);
    assert_string_equal(words(&scene, 2), "/bin/sh|-c|reload it; now");
    assert_int_equal(scene.ended, 0);
    end_child(&scene, 2, 0, NULL);
    assert_int_equal(scene.ended, 1);
    assert_int_equal(scene.error.code, ERR_NONE);
    fake_run_end(&scene.fake);
}

static void test_the_folder_alone_or_not_at_all(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    assert_false(hooks_has(scene.hooks, HOOK_POST, NULL));
    assert_true(hooks_has(scene.hooks, HOOK_POST, "true"));
    fake_put_hook(&scene.fake, "post", "one", 0755);
    assert_true(hooks_has(scene.hooks, HOOK_POST, NULL));
    assert_false(hooks_has(scene.hooks, HOOK_PRE, NULL));
    struct hook_call call = {.kind = HOOK_POST, .command = "true", .done = done, .ctx = &scene};
    hooks_call(scene.hooks, &call); /* not the folder */
    assert_string_equal(words(&scene, 0), "/bin/sh|-c|true");
    assert_int_equal(scene.fake.children[0].timeout_ms, HOOK_TIMEOUT_S * 1000);
    fake_run_end(&scene.fake);
}

static void test_nothing_to_run(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    struct hook_call call = {.kind = HOOK_PRE, .with_folder = true, .done = done, .ctx = &scene};
    hooks_call(scene.hooks, &call);
    assert_int_equal(scene.ended, 1);
    assert_int_equal(scene.error.code, ERR_NONE);
    fake_run_end(&scene.fake);
}

static void test_all_run_and_the_first_failure_counts(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    fake_put_hook(&scene.fake, "pre", "a", 0755);
    fake_put_hook(&scene.fake, "pre", "b", 0755);
    struct hook_call call = {
        .kind = HOOK_PRE, .with_folder = true, .command = "c", .done = done, .ctx = &scene};
    hooks_call(scene.hooks, &call);
    end_child(&scene, 0, 3, "first \033[1mword\n");
    end_child(&scene, 1, 4, NULL);
    end_child(&scene, 2, 0, NULL);
    assert_int_equal(scene.ended, 1);
    assert_int_equal(scene.error.code, ERR_HOOK);
    assert_non_null(strstr(scene.error.text, "the pre hook '"));
    assert_non_null(strstr(scene.error.text, "status 3"));
    assert_null(strchr(scene.error.text, '\033'));
    fake_run_end(&scene.fake);
}

static void test_one_that_cannot_be_started(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.fake.no_children = true;
    struct hook_call call = {.kind = HOOK_PRE, .command = "c", .done = done, .ctx = &scene};
    hooks_call(scene.hooks, &call);
    assert_int_equal(scene.ended, 1);
    assert_int_equal(scene.error.code, ERR_HOOK);
    fake_run_end(&scene.fake);
}

static void test_what_a_deploy_hook_is_told(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    AUTO(identifier_list) names = test_names(2);
    struct hook_call call = {.kind = HOOK_DEPLOY,
                             .command = "c",
                             .name = "a.example",
                             .domains = &names,
                             .live = "/etc/acmec/live/a.example",
                             .done = done,
                             .ctx = &scene};
    hooks_call(scene.hooks, &call);
    const struct fake_run *fake = &scene.fake;
    assert_true(fake_child_knows(fake, 0, "ACMEC_NAME=a.example"));
    assert_true(fake_child_knows(fake, 0, "ACMEC_DOMAINS=a.example b.example"));
    assert_true(fake_child_knows(fake, 0, "ACMEC_LIVE=/etc/acmec/live/a.example"));
    assert_true(fake_child_knows(fake, 0, "RENEWED_LINEAGE=/etc/acmec/live/a.example"));
    assert_true(fake_child_knows(fake, 0, "RENEWED_DOMAINS=a.example b.example"));
    assert_null(strstr(fake->children[0].environment, "ACMEC_ERROR"));
    assert_null(strstr(fake->children[0].environment, "FAILED_DOMAINS"));
    fake_run_end(&scene.fake);
}

static void test_what_a_failed_hook_is_told(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    AUTO(identifier_list) names = test_names(1);
    struct hook_call call = {.kind = HOOK_FAILED,
                             .command = "c",
                             .name = "a.example",
                             .domains = &names,
                             .live = "/live",
                             .error = "the CA said no",
                             .done = done,
                             .ctx = &scene};
    hooks_call(scene.hooks, &call);
    assert_true(fake_child_knows(&scene.fake, 0, "ACMEC_ERROR=the CA said no"));
    assert_true(fake_child_knows(&scene.fake, 0, "FAILED_DOMAINS=a.example"));
    assert_null(strstr(scene.fake.children[0].environment, "RENEWED_"));
    assert_string_equal(words(&scene, 0), "/bin/sh|-c|c"); /* nothing of it in the command */
    fake_run_end(&scene.fake);
}

static void test_a_cancelled_call(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    fake_put_hook(&scene.fake, "pre", "a", 0755);
    struct hook_call call = {
        .kind = HOOK_PRE, .with_folder = true, .command = "c", .done = done, .ctx = &scene};
    hooks_call(scene.hooks, &call);
    hooks_cancel(scene.hooks, &scene);
    AUTO(event) event = fake_child_ends(&scene.fake, 0, 0, NULL);
    (void)hooks_take(scene.hooks, &event);
    assert_int_equal(scene.ended, 0);
    assert_int_equal(scene.fake.child_count, 1);
    fake_run_end(&scene.fake);
}

static void test_children_of_others(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    struct hook_call call = {.kind = HOOK_PRE, .command = "c", .done = done, .ctx = &scene};
    hooks_call(scene.hooks, &call);
    struct event other = {.kind = EVENT_CHILD, .id = scene.fake.children[0].id + 5};
    assert_false(hooks_take(scene.hooks, &other));
    assert_int_equal(scene.ended, 0);
    end_child(&scene, 0, 0, NULL);
    other.id = scene.fake.children[0].id; /* a second time */
    assert_false(hooks_take(scene.hooks, &other));
    assert_int_equal(scene.ended, 1);
    fake_run_end(&scene.fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_folder_first_then_the_command),
        cmocka_unit_test(test_the_folder_alone_or_not_at_all),
        cmocka_unit_test(test_nothing_to_run),
        cmocka_unit_test(test_all_run_and_the_first_failure_counts),
        cmocka_unit_test(test_one_that_cannot_be_started),
        cmocka_unit_test(test_what_a_deploy_hook_is_told),
        cmocka_unit_test(test_what_a_failed_hook_is_told),
        cmocka_unit_test(test_a_cancelled_call),
        cmocka_unit_test(test_children_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

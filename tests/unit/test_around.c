#include <acmec/engine/around.h>

#include "fake/fake_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct scene {
    struct fake_run fake;
    struct around *around;
    struct error error;
};

static void start(struct scene *scene)
{
    *scene = (struct scene){0};
    fake_run_start(&scene->fake);
    scene->around = around_new(&scene->fake.run);
}

static void end(struct scene *scene)
{
    around_free(scene->around);
    fake_run_end(&scene->fake);
}

static void end_child(struct scene *scene, size_t nth, int exit_code)
{
    AUTO(event) event = fake_child_ends(&scene->fake, nth, exit_code, NULL);
    assert_true(hooks_take(scene->fake.run.hooks, &event));
}

static enum around_answer before(struct scene *scene, const char *pre, const char *post)
{
    AUTO(cert_spec) spec = {.pre_hook = mem_strdup(pre), .post_hook = mem_strdup(post)};
    return around_before(scene->around, &spec, &scene->error);
}

static enum around_answer after(struct scene *scene)
{
    return around_after(scene->around, &scene->error);
}

static void test_nothing_to_run(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    assert_int_equal(before(&scene, NULL, NULL), AROUND_GO);
    assert_int_equal(after(&scene), AROUND_GO);
    assert_int_equal(scene.fake.child_count, 0);
    end(&scene);
}

static void test_each_hook_runs_once(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    fake_put_hook(&scene.fake, "pre", "folder", 0755);
    assert_int_equal(before(&scene, "stop-a", NULL), AROUND_WAIT);
    assert_int_equal(before(&scene, "stop-a", NULL), AROUND_WAIT);
    assert_int_equal(scene.fake.child_count, 1); /* the folder's, once */
    end_child(&scene, 0, 0);
    assert_int_equal(before(&scene, "stop-a", NULL), AROUND_WAIT);
    assert_string_equal(scene.fake.children[1].words, "/bin/sh|-c|stop-a");
    assert_int_equal(before(&scene, NULL, NULL),
                     AROUND_GO); /* whose hooks have run need not wait */
    end_child(&scene, 1, 0);
    assert_int_equal(before(&scene, "stop-a", NULL), AROUND_GO);
    assert_int_equal(before(&scene, "stop-b", NULL), AROUND_WAIT);
    end_child(&scene, 2, 0);
    assert_int_equal(before(&scene, "stop-b", NULL), AROUND_GO);
    assert_int_equal(scene.fake.child_count, 3);
    end(&scene);
}

static void test_what_fails_before_fails_for_all_who_need_it(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    assert_int_equal(before(&scene, "stop-a", NULL), AROUND_WAIT);
    end_child(&scene, 0, 1);
    assert_int_equal(before(&scene, "stop-a", NULL), AROUND_FAILED);
    assert_int_equal(scene.error.code, ERR_HOOK);
    assert_non_null(strstr(scene.error.text, "stop-a"));
    scene.error = (struct error){0};
    assert_int_equal(before(&scene, "stop-a", NULL), AROUND_FAILED);
    assert_int_equal(scene.error.code, ERR_HOOK);
    assert_int_equal(before(&scene, NULL, NULL), AROUND_GO);
    assert_int_equal(scene.fake.child_count, 1);
    end(&scene);
}

static void test_post_hooks_come_once_at_the_end(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    fake_put_hook(&scene.fake, "post", "folder", 0755);
    assert_int_equal(before(&scene, NULL, "start-a"), AROUND_GO);
    assert_int_equal(before(&scene, NULL, "start-b"), AROUND_GO);
    assert_int_equal(before(&scene, NULL, "start-a"), AROUND_GO);
    assert_int_equal(scene.fake.child_count, 0);
    assert_int_equal(after(&scene), AROUND_WAIT);
    end_child(&scene, 0, 0);
    assert_int_equal(after(&scene), AROUND_WAIT);
    assert_string_equal(scene.fake.children[1].words, "/bin/sh|-c|start-a");
    end_child(&scene, 1, 5);
    assert_int_equal(after(&scene), AROUND_WAIT); /* a failure keeps no other from running */
    assert_string_equal(scene.fake.children[2].words, "/bin/sh|-c|start-b");
    end_child(&scene, 2, 0);
    assert_int_equal(after(&scene), AROUND_FAILED);
    assert_non_null(strstr(scene.error.text, "status 5"));
    assert_int_equal(scene.fake.child_count, 3);
    end(&scene);
}

static void test_without_an_order_nothing_runs_after(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    fake_put_hook(&scene.fake, "post", "folder", 0755);
    assert_int_equal(after(&scene), AROUND_GO);
    assert_int_equal(scene.fake.child_count, 0);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_run),
        cmocka_unit_test(test_each_hook_runs_once),
        cmocka_unit_test(test_what_fails_before_fails_for_all_who_need_it),
        cmocka_unit_test(test_post_hooks_come_once_at_the_end),
        cmocka_unit_test(test_without_an_order_nothing_runs_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

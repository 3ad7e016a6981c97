#include <acmec/engine/nginx_drafts.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <fake/fake_source.h>

#include <cmocka.h>

#define MAIN "/etc/nginx/nginx.conf"
#define SITE "/etc/nginx/site"

static const struct fake_source_file files[] = {
    {.path = MAIN, .text = "http {\n    include site;\n}\n"},
    {.path = SITE, .text = "server {\n    listen 80;\n}\n"},
    {.path = NULL},
};

static void read_view(struct nginx_view *out)
{
    struct fake_source source = fake_source(files);
    struct choose_host host = {"myhost", true};
    struct error err = {0};
    if (!conf_read(&source.port, MAIN, &out->conf, &err) ||
        !choose_build(&out->conf, &host, &out->choose, &err))
        fail_msg("%s", err.text);
}

/* A line behind the first that holds `after`. */
static void add_line(struct edit_plan *plan, const char *text, const char *after, const char *line)
{
    const char *found = strstr(text, after);
    assert_non_null(found);
    edit_plan_add(plan, SITE, (size_t)(found - text) + strlen(after), SPAN_LIT(""), span_str(line));
}

static void expect_site(const struct nginx_drafts *drafts, const char *text)
{
    assert_int_equal(drafts->count, 1);
    assert_string_equal(drafts->items[0].path, SITE);
    assert_true(span_is(drafts->items[0].bytes, text));
}

static void test_applies_and_takes_out_again(void **state)
{
    (void)state;
    AUTO(nginx_view) view = {0};
    AUTO(nginx_drafts) drafts = {0};
    AUTO(edit_plan) plan = {0};
    AUTO(installed) installed = {0};
    struct nginx_rewrite rewrites[1];
    struct error err = {0};
    read_view(&view);
    add_line(&plan, files[1].text, "80;", "\n    listen 443 ssl;");
    assert_true(nginx_drafts_apply(&drafts, &view, &plan, &err));
    expect_site(&drafts, "server {\n    listen 80;\n    listen 443 ssl;\n}\n");
    assert_int_equal(nginx_drafts_rewrites(&drafts, &view, rewrites), 1);
    assert_true(span_is(rewrites[0].before, files[1].text));
    assert_true(span_equals(rewrites[0].after, drafts.items[0].bytes));
    assert_non_null(rewrites[0].facts);

    installed_add(&installed, &plan);
    assert_true(nginx_drafts_undo(&drafts, &view, &installed, &err));
    expect_site(&drafts, files[1].text);
    assert_int_equal(nginx_drafts_rewrites(&drafts, &view, rewrites), 0);
}

static void test_refuses_what_it_cannot_place(void **state)
{
    (void)state;
    AUTO(nginx_view) view = {0};
    AUTO(nginx_drafts) drafts = {0};
    AUTO(edit_plan) elsewhere = {0}, changed = {0};
    AUTO(installed) installed = {0};
    struct error err = {0};
    read_view(&view);
    edit_plan_add(&elsewhere, "/etc/nginx/gone", 0, SPAN_LIT(""), SPAN_LIT("x"));
    assert_false(nginx_drafts_apply(&drafts, &view, &elsewhere, &err));
    assert_string_equal(err.text, "'/etc/nginx/gone' is no longer part of nginx's configuration");
    installed_add(&installed, &elsewhere);
    assert_false(nginx_drafts_undo(&drafts, &view, &installed, &err));
    edit_plan_add(&changed, SITE, 0, SPAN_LIT("other"), SPAN_LIT("x"));
    assert_false(nginx_drafts_apply(&drafts, &view, &changed, &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    assert_int_equal(drafts.count, 0);
}

static void test_copies_and_moves(void **state)
{
    (void)state;
    AUTO(nginx_view) view = {0};
    AUTO(nginx_drafts) drafts = {0}, before = {0};
    AUTO(edit_plan) plan = {0};
    struct error err = {0};
    read_view(&view);
    add_line(&plan, files[1].text, "80;", " # one");
    assert_true(nginx_drafts_apply(&drafts, &view, &plan, &err));
    nginx_drafts_copy(&drafts, &before);
    nginx_drafts_release(&drafts);
    expect_site(&before, "server {\n    listen 80; # one\n}\n");
    nginx_drafts_move(&before, &drafts);
    assert_int_equal(before.count, 0);
    expect_site(&drafts, "server {\n    listen 80; # one\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_applies_and_takes_out_again),
        cmocka_unit_test(test_refuses_what_it_cannot_place),
        cmocka_unit_test(test_copies_and_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

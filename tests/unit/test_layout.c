#include "fake/fake_source.h"

#include <acmec/base/cleanup.h>
#include <acmec/nginx/layout.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAIN "/etc/nginx/nginx.conf"
#define M " # managed by acmec: c"

static uint32_t find(const struct conf *conf, const char *name)
{
    for (uint32_t i = 1; i < conf->item_count; i++)
        if (span_is(conf_name(conf, i), name))
            return i;
    fail_msg("no %s", name);
    return 0;
}

struct world {
    struct fake_source_file files[2];
    struct fake_source source;
    struct conf conf;
    struct edit_plan plan;
    struct layout layout;
};

static void open_world(struct world *world, const char *text)
{
    struct error err = {0};
    *world = (struct world){0};
    world->files[0] = (struct fake_source_file){.path = MAIN, .text = text};
    world->source = fake_source(world->files);
    if (!conf_read(&world->source.port, MAIN, &world->conf, &err))
        fail_msg("%s", err.text);
    world->layout = (struct layout){.conf = &world->conf, .cert = "c", .plan = &world->plan};
}

static void close_world(struct world *world)
{
    edit_plan_release(&world->plan);
    conf_release(&world->conf);
}

/* What the plan makes of the main file; and it can be taken out again. */
static void assert_gives(struct world *world, const char *expected)
{
    AUTO(buf) out = BUF(65536);
    AUTO(buf) back = BUF(65536);
    struct error err = {0};
    struct span before = world->conf.files[0].tree.text;
    if (!edit_apply(&world->plan.files[0], before, &out, &err))
        fail_msg("%s", err.text);
    assert_string_equal(buf_str(&out), expected);
    assert_true(edit_undo(&world->plan.files[0], buf_span(&out), &back, &err));
    assert_true(span_equals(buf_span(&back), before));
}

static void add_listen(struct layout_lines *lines)
{
    layout_line(lines, 0, "listen 443 ssl;");
    layout_line(lines, 0, "location ^~ /x {");
    layout_line(lines, 1, "allow all;");
    layout_line(lines, 0, "}");
}

static void test_into(void **state)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        /* behind the last of listen and server_name, in their style */
        {"server {\n  listen 80;\n  server_name a; # x\n  root /r;\n}\n",
         "server {\n  listen 80;\n  server_name a; # x\n  listen 443 ssl;" M
         "\n  location ^~ /x {" M "\n    allow all;" M "\n  }\n  root /r;\n}\n"},
        {"http {\n\tserver {\n\t\tserver_name a;\n\t}\n}\n",
         "http {\n\tserver {\n\t\tserver_name a;\n\t\tlisten 443 ssl;" M "\n\t\tlocation ^~ /x {" M
         "\n\t\t\tallow all;" M "\n\t\t}\n\t}\n}\n"},
        /* line ends */
        {"server {\r\n    listen 80;\r\n}\r\n",
         "server {\r\n    listen 80;\r\n    listen 443 ssl;" M "\r\n    location ^~ /x {" M
         "\r\n        allow all;" M "\r\n    }\r\n}\r\n"},
        /* on one line */
        {"server { listen 80; root /r; }\n",
         "server { listen 80; listen 443 ssl; location ^~ /x { allow all; } root /r; }" M "\n"},
        {"server{server_name a;root /r;} # mine",
         "server{server_name a; listen 443 ssl; location ^~ /x { allow all; }root /r;} # mine" M},
        /* nothing to stand beside */
        {"server {\n}\n", "server {\n    listen 443 ssl;" M "\n    location ^~ /x {" M
                          "\n        allow all;" M "\n    }\n}\n"},
        /* before what would end the request */
        {"server {\n    return 301 /x;\n    listen 80;\n}\n",
         "server {\n    listen 443 ssl;" M "\n    location ^~ /x {" M "\n        allow all;" M
         "\n    }\n    return 301 /x;\n    listen 80;\n}\n"},
        {"server { if ($a) { return 403; } listen 80; }\n",
         "server { listen 443 ssl; location ^~ /x { allow all; } if ($a) { return 403; } "
         "listen 80; }" M "\n"},
        {"server {\n    listen 80;\n    return 301 /x;\n}\n",
         "server {\n    listen 80;\n    listen 443 ssl;" M "\n    location ^~ /x {" M
         "\n        allow all;" M "\n    }\n    return 301 /x;\n}\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct error err = {0};
        AUTO(layout_lines) lines = LAYOUT_LINES;
        open_world(&world, cases[i].before);
        add_listen(&lines);
        if (!layout_into(&world.layout, find(&world.conf, "server"), &lines, &err))
            fail_msg("%zu: %s", i, err.text);
        assert_gives(&world, cases[i].after);
        close_world(&world);
    }
}

static void test_behind(void **state)
{
    static const struct {
        const char *before, *item, *after;
    } cases[] = {
        {"http {\n  server {\n    listen 80;\n  }\n}\n", "server",
         "http {\n  server {\n    listen 80;\n  }\n  listen 443 ssl;" M "\n  location ^~ /x {" M
         "\n    allow all;" M "\n  }\n}\n"},
        {"server { listen 80; } server { listen 81; }", "server",
         "server { listen 80; } listen 443 ssl; location ^~ /x { allow all; } server { listen 81; "
         "}" M},
        {"server {\n    listen 80;\n    root /r;\n}\n", "listen",
         "server {\n    listen 80;\n    listen 443 ssl;" M "\n    location ^~ /x {" M
         "\n        allow all;" M "\n    }\n    root /r;\n}\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct error err = {0};
        AUTO(layout_lines) lines = LAYOUT_LINES;
        open_world(&world, cases[i].before);
        add_listen(&lines);
        if (!layout_behind(&world.layout, find(&world.conf, cases[i].item), &lines, &err))
            fail_msg("%zu: %s", i, err.text);
        assert_gives(&world, cases[i].after);
        close_world(&world);
    }
}

static void test_replace(void **state)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"ssl_certificate old.pem;\n", "ssl_certificate /new;" M "\n"},
        {"ssl_certificate \"o l d\"; # managed by Certbot\n",
         "ssl_certificate /new; # managed by Certbot" M "\n"},
        {"ssl_certificate old; # managed by acmec: b\n", "ssl_certificate /new;" M "\n"},
        {"ssl_certificate old;" M "\n", "ssl_certificate /new;" M "\n"},
        {"a; ssl_certificate old; b;\n", "a; ssl_certificate /new; b;" M "\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct error err = {0};
        open_world(&world, cases[i].before);
        if (!layout_replace(&world.layout, find(&world.conf, "ssl_certificate"), 1, 1,
                            SPAN_LIT("/new"), &err))
            fail_msg("%zu: %s", i, err.text);
        assert_gives(&world, cases[i].after);
        assert_false(layout_is_marked(&world.conf, 1, "d"));
        close_world(&world);
    }
}

/* Two changes on one line: one mark. */
static void test_marks_once(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    open_world(&world, "ssl_certificate a; ssl_certificate_key b;\n");
    assert_true(layout_replace(&world.layout, 1, 1, 1, SPAN_LIT("/c"), &err));
    assert_true(layout_replace(&world.layout, 2, 1, 1, SPAN_LIT("/k"), &err));
    assert_gives(&world, "ssl_certificate /c; ssl_certificate_key /k;" M "\n");
    close_world(&world);
}

static void test_refuses(void **state)
{
    static const char *const cases[] = {
        "server { listen 80; add_header x \"a\nb\"; }\n",
        "server { listen 80; access_by_lua_block { a\nb } }\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct error err = {0};
        AUTO(layout_lines) lines = LAYOUT_LINES;
        open_world(&world, cases[i]);
        add_listen(&lines);
        assert_false(layout_into(&world.layout, find(&world.conf, "server"), &lines, &err));
        assert_int_equal(err.code, ERR_WEB_SERVER);
        assert_non_null(strstr(err.text, MAIN ":1: "));
        assert_int_equal(world.plan.count, 0);
        close_world(&world);
    }
}

static void test_long_comment(void **state)
{
    (void)state;
    char text[5000] = "ssl_certificate a; #";
    memset(text + strlen(text), 'x', 4080);
    struct world world;
    struct error err = {0};
    open_world(&world, text);
    assert_false(layout_replace(&world.layout, 1, 1, 1, SPAN_LIT("/c"), &err));
    close_world(&world);
}

static void test_is_marked(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, "a; # managed by acmec: c\nb; # managed by acmec: cc\nd;\n");
    assert_true(layout_is_marked(&world.conf, 1, "c"));
    assert_true(layout_is_marked(&world.conf, 1, NULL));
    assert_false(layout_is_marked(&world.conf, 2, "c"));
    assert_true(layout_is_marked(&world.conf, 2, NULL));
    assert_false(layout_is_marked(&world.conf, 3, NULL));
    close_world(&world);
}

static void test_quote(void **state)
{
    static const struct {
        const char *value, *quoted;
    } cases[] = {
        {"/etc/acmec/live/a/privkey.pem", "/etc/acmec/live/a/privkey.pem"},
        {"/a b", "\"/a b\""},
        {"a\"b", "\"a\\\"b\""},
        {"", "\"\""},
        {"a;b", "\"a;b\""},
        {"#a", "\"#a\""},
        {"a\\b", "\"a\\\\b\""},
        {"a$b", NULL},
        {"a\nb", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) out = BUF(256);
        assert_int_equal(layout_quote(cases[i].value, &out), cases[i].quoted != NULL);
        if (cases[i].quoted != NULL)
            assert_string_equal(buf_str(&out), cases[i].quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_into),      cmocka_unit_test(test_behind),
        cmocka_unit_test(test_replace),   cmocka_unit_test(test_marks_once),
        cmocka_unit_test(test_refuses),   cmocka_unit_test(test_long_comment),
        cmocka_unit_test(test_is_marked), cmocka_unit_test(test_quote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/nginx/conf.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <fake/fake_source.h>
#include <stdio.h>

#include <cmocka.h>

#define MAIN "/etc/nginx/nginx.conf"

/* All items as "name(" members ")" for blocks, "name;" else. */
static void draw(const struct conf *conf, uint32_t block, struct buf *out)
{
    for (uint32_t i = block + 1; i < conf->items[block].after; i = conf->items[i].after) {
        assert_int_equal(conf->items[i].parent, block);
        buf_add_span(out, conf_name(conf, i));
        if (conf_statement(conf, i)->kind != TREE_BLOCK) {
            buf_add_byte(out, ';');
            continue;
        }
        buf_add_byte(out, '(');
        draw(conf, i, out);
        buf_add_byte(out, ')');
    }
}

static void assert_drawn(const struct conf *conf, const char *wanted)
{
    AUTO(buf) out = BUF(4096);
    draw(conf, 0, &out);
    assert_string_equal(buf_str(&out), wanted);
}

static void assert_read(const struct fake_source_file *files, const char *wanted)
{
    struct fake_source source = fake_source(files);
    AUTO(conf) conf = {0};
    struct error err = {0};
    if (!conf_read(&source.port, MAIN, &conf, &err))
        fail_msg("%s", err.text);
    assert_drawn(&conf, wanted);
}

static void assert_refused(const struct fake_source_file *files, enum err_code code,
                           const char *wanted)
{
    struct fake_source source = fake_source(files);
    struct conf conf = {0};
    struct error err = {0};
    assert_false(conf_read(&source.port, MAIN, &conf, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.text, wanted);
    assert_null(conf.items);
}

static void test_includes_stand_beside_their_directive(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {
        {MAIN, "a; http { b; include sites/*; c; } d;", 0, false},
        {"/etc/nginx/sites/.hidden", "no;", 0, false},
        {"/etc/nginx/sites/a.conf", "server { include sub/x; f; }", 0, false},
        {"/etc/nginx/sites/b.conf", "server { g; }", 0, false},
        {"/etc/nginx/sub/x", "e { h; }", 0, false},
        {NULL, NULL, 0, false},
    };
    assert_read(files, "a;http(b;include;server(include;e(h;)f;)server(g;)c;)d;");
}

static void test_an_item_knows_where_it_stands(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {
        {MAIN, "http {\n include \"/x\";\n}", 0, false},
        {"/x", "\n\nserver_name 'a b' c;", 0, false},
        {NULL, NULL, 0, false},
    };
    struct fake_source source = fake_source(files);
    AUTO(conf) conf = {0};
    struct error err;
    assert_true(conf_read(&source.port, MAIN, &conf, &err));
    assert_int_equal(conf.item_count, 4);
    assert_true(conf_is_block(&conf, 1, "http"));
    assert_false(conf_is_simple(&conf, 1, "http"));
    assert_true(conf_is_simple(&conf, 2, "include"));
    assert_string_equal(conf_path(&conf, 3), "/x");
    assert_int_equal(conf_line(&conf, 3), 3);
    assert_int_equal(conf.items[3].parent, 1);
    assert_int_equal(conf.instances[conf.items[3].instance].included_by, 2);
    assert_int_equal(conf.instances[conf.items[3].instance].depth, 1);
    assert_int_equal(conf_arg_count(&conf, 3), 2);
    assert_true(span_is(conf_arg(&conf, 3, 0), "a b"));
    assert_true(span_is(conf_arg(&conf, 3, 1), "c"));
    assert_null(conf_arg(&conf, 3, 2).ptr);
    assert_int_equal(conf_file(&conf, 3)->bytes.len, strlen(files[1].text));
    assert_int_equal(conf_arg_count(&conf, 0), 0);
    assert_int_equal(conf_name(&conf, 0).len, 0);
}

static void test_one_file_is_read_once_and_counted_twice(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {
        {MAIN, "a { include x; } b { include x; include y; include /etc/nginx/x; }", 0, false},
        {"/etc/nginx/x", "c;", 7, false},
        {"/etc/nginx/y", "c;", 7, false},
        {NULL, NULL, 0, false},
    };
    struct fake_source source = fake_source(files);
    AUTO(conf) conf = {0};
    struct error err;
    assert_true(conf_read(&source.port, MAIN, &conf, &err));
    assert_drawn(&conf, "a(include;c;)b(include;c;include;c;include;c;)");
    assert_int_equal(conf.file_count, 2);
    assert_int_equal(conf.instance_count, 5);
    assert_int_equal(source.reads, 3);
    assert_string_equal(conf.instances[3].path, "/etc/nginx/y");
    assert_int_equal(conf.files[1].instance, 1);
}

static void test_include_is_data_where_nginx_says_so(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {
        {MAIN,
         "split_clients a $b { include x; } charset_map a b { include x; }"
         " content_by_lua_block { include x; } map a $b { include y; }",
         0, false},
        {"/etc/nginx/y", "k v;", 0, false},
        {NULL, NULL, 0, false},
    };
    assert_read(files,
                "split_clients(include;)charset_map(include;)content_by_lua_block;map(include;k;)");
}

struct refusal {
    struct fake_source_file files[4];
    enum err_code code;
    const char *why;
};

static const struct refusal refusals[] = {
    {{{"/other", "", 0, false}},
     ERR_FILES,
     "open() \"" MAIN "\" failed (2: No such file or directory)"},
    {{{MAIN, "a;\ninclude\n x;", 0, false}},
     ERR_FILES,
     "open() \"/etc/nginx/x\" failed (2: No such file or directory) in " MAIN ":3"},
    {{{MAIN, "\ninclude a b;", 0, false}},
     ERR_WEB_SERVER,
     "invalid number of arguments in \"include\" directive in " MAIN ":2"},
    {{{MAIN, "include;", 0, false}},
     ERR_WEB_SERVER,
     "invalid number of arguments in \"include\" directive in " MAIN ":1"},
    {{{MAIN, "include a\n{}", 0, false}},
     ERR_WEB_SERVER,
     "directive \"include\" is not terminated by \";\" in " MAIN ":2"},
    {{{MAIN, "include n*.conf;", 0, false}},
     ERR_WEB_SERVER,
     "\"" MAIN "\" includes itself in " MAIN ":1"},
    {{{MAIN, "include x;", 0, false},
      {"/etc/nginx/x", "\n include /y;", 7, false},
      {"/y", "", 7, false}},
     ERR_WEB_SERVER,
     "\"/y\" includes itself in /etc/nginx/x:2"},
    {{{MAIN, "a { include x; }", 0, false}, {"/etc/nginx/x", "b;\n}", 0, false}},
     ERR_WEB_SERVER,
     "unexpected \"}\" in /etc/nginx/x:2"},
    /* nginx reaches the include before the end of its own file */
    {{{MAIN, "include x; a {", 0, false}, {"/etc/nginx/x", ";", 0, false}},
     ERR_WEB_SERVER,
     "unexpected \";\" in /etc/nginx/x:1"},
    {{{MAIN, "include x; a {", 0, false}, {"/etc/nginx/x", "b;", 0, false}},
     ERR_WEB_SERVER,
     "unexpected end of file, expecting \"}\" in " MAIN ":1"},
    {{{MAIN, "map a $b {\n c {} }", 0, false}}, ERR_WEB_SERVER, "unexpected \"{\" in " MAIN ":2"},
};

static void test_refusals_name_file_and_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        assert_refused(refusals[i].files, refusals[i].code, refusals[i].why);
}

static void test_a_survey_goes_on(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {
        {MAIN, "include gone; a { include x; b; } include y;", 0, false},
        {"/etc/nginx/x", "c; d { e; ;", 0, false},
        {"/etc/nginx/y", "f;", 0, false},
        {NULL, NULL, 0, false},
    };
    struct fake_source source = fake_source(files);
    AUTO(conf) conf;
    conf_survey(&source.port, MAIN, &conf);
    assert_drawn(&conf, "include;a(include;c;d(e;)b;)include;f;");
    assert_int_equal(conf.fault_count, 2);
    assert_int_equal(conf.faults[0].instance, 0);
    assert_int_equal(conf.faults[0].line, 1);
    assert_string_equal(conf.faults[1].text, "unexpected \";\" in /etc/nginx/x:1");
    assert_int_equal(conf.faults[1].instance, 1);
    assert_true(conf.files[1].broken);
    assert_false(conf.files[0].broken);
}

/* Each file includes the next one. */
static void test_depth_is_limited(void **state)
{
    (void)state;
    struct fake_source_file files[CONF_DEPTH_MAX + 3] = {{MAIN, "include 1;", 0, false}};
    char paths[CONF_DEPTH_MAX + 1][32], texts[CONF_DEPTH_MAX + 1][32];
    for (int i = 1; i <= CONF_DEPTH_MAX + 1; i++) {
        (void)snprintf(paths[i - 1], sizeof paths[0], "/etc/nginx/%d", i);
        (void)snprintf(texts[i - 1], sizeof texts[0], "include %d;", i + 1);
        files[i] = (struct fake_source_file){paths[i - 1], texts[i - 1], 0, false};
    }
    assert_refused(files, ERR_WEB_SERVER, "includes are nested too deep in /etc/nginx/64:1");
    files[CONF_DEPTH_MAX].text = "end;";
    AUTO(conf) conf = {0};
    struct fake_source source = fake_source(files);
    struct error err;
    assert_true(conf_read(&source.port, MAIN, &conf, &err));
    assert_int_equal(conf.instance_count, CONF_DEPTH_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_includes_stand_beside_their_directive),
        cmocka_unit_test(test_an_item_knows_where_it_stands),
        cmocka_unit_test(test_one_file_is_read_once_and_counted_twice),
        cmocka_unit_test(test_include_is_data_where_nginx_says_so),
        cmocka_unit_test(test_refusals_name_file_and_line),
        cmocka_unit_test(test_a_survey_goes_on),
        cmocka_unit_test(test_depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

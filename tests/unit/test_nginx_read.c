#include <acmec/engine/nginx_read.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <fake/fake_source.h>

#include <cmocka.h>

#define MAIN "/etc/nginx/nginx.conf"
#define FILE_OF(file, bytes)                                                                       \
    {                                                                                              \
        .path = (file), .text = (bytes)                                                            \
    }

/* ---- which ---- */

static const struct fake_source_file site[] = {
    FILE_OF(MAIN, "http {\n include sites/*;\n server { listen 80 default; } }"),
    FILE_OF("/etc/nginx/sites/a", "server {\n server_name *.A.example ~^x$;\n listen [::]:443 ssl;"
                                  " listen 80;}\nserver { listen 80; server_name 192.0.2.1"
                                  " [2001:db8::1] xn--bcher-kva.example one _; }"),
    {.path = NULL},
};

static bool which(const char *name, struct nginx_answers *out, struct error *err)
{
    struct fake_source source = fake_source(site);
    return nginx_which(&source.port, MAIN, name, out, err);
}

static void test_answers_come_address_by_address(void **state)
{
    (void)state;
    AUTO(nginx_answers) answers = {0};
    struct error err = {0};
    assert_true(which("WWW.a.Example.", &answers, &err));
    assert_string_equal(answers.name, "www.a.example");
    assert_int_equal(answers.count, 2);
    assert_string_equal(answers.items[0].address, "[::]:443");
    assert_true(answers.items[0].tls);
    assert_string_equal(answers.items[1].address, "*:80");
    assert_false(answers.items[1].tls || answers.items[1].quic);
    assert_string_equal(answers.items[1].file, "/etc/nginx/sites/a");
    assert_int_equal(answers.items[1].line, 1);
    assert_string_equal(answers.items[1].by, "wildcard");
    assert_string_equal(answers.items[1].server_name, "*.A.example");
}

/* The answer on *:80. */
static void assert_by(const char *name, const char *by, const char *server_name)
{
    AUTO(nginx_answers) answers = {0};
    struct error err = {0};
    if (!which(name, &answers, &err))
        fail_msg("%s", err.text);
    assert_string_equal(answers.items[1].by, by);
    if (server_name == NULL)
        assert_null(answers.items[1].server_name);
    else
        assert_string_equal(answers.items[1].server_name, server_name);
}

static void test_any_name_that_a_client_may_send_can_be_asked_for(void **state)
{
    (void)state;
    assert_by("x", "regex", "~^x$");
    assert_by("192.0.2.1", "exact", "192.0.2.1");
    assert_by("2001:DB8::1", "exact", "[2001:db8::1]");
    assert_by("[2001:db8::1]", "exact", "[2001:db8::1]");
    assert_by("b\xC3\xBC"
              "cher.example",
              "exact", "xn--bcher-kva.example");
    assert_by("one", "exact", "one");
    assert_by("_", "exact", "_");
    assert_by("other.example", "default", NULL);
}

static void test_what_no_client_asks_for(void **state)
{
    (void)state;
    static const char *const names[] = {"*.a.example", "", ".", "..", "a..b", "a b", "a/b", "a:80"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        AUTO(nginx_answers) answers = {0};
        struct error err = {0};
        assert_false(which(names[i], &answers, &err));
        assert_int_equal(err.code, ERR_USAGE);
    }
}

static void test_a_broken_configuration_has_no_answers(void **state)
{
    (void)state;
    static const struct fake_source_file broken[] = {FILE_OF(MAIN, "http {"), {.path = NULL}};
    static const struct fake_source_file empty[] = {FILE_OF(MAIN, ""), {.path = NULL}};
    struct fake_source source = fake_source(broken);
    AUTO(nginx_answers) answers = {0};
    struct error err = {0};
    assert_false(nginx_which(&source.port, MAIN, "a", &answers, &err));
    assert_string_equal(err.text, "unexpected end of file, expecting \"}\" in " MAIN ":1");
    assert_string_equal(answers.name, "a");
    nginx_answers_release(&answers);
    source = fake_source(empty);
    assert_false(nginx_which(&source.port, MAIN, "a", &answers, &err));
    assert_string_equal(err.text, "'" MAIN "' has no server for http");
    assert_int_equal(err.code, ERR_WEB_SERVER);
}

/* ---- parse ---- */

static void show_file(void *ctx, const char *path)
{
    buf_addf(ctx, "[%s]", path);
}

static void show_fault(void *ctx, const char *text, unsigned line)
{
    buf_addf(ctx, "!%u %s!", line, text);
}

static void show_begin(void *ctx, const struct nginx_statement *statement)
{
    buf_add_span(ctx, statement->directive);
    for (size_t i = 0; i < statement->arg_count; i++) {
        buf_add_byte(ctx, ' ');
        buf_add_span(ctx, statement->args[i]);
    }
    for (size_t i = 0; i < statement->include_count; i++)
        buf_addf(ctx, " #%zu", statement->includes[i]);
    buf_add_str(ctx, statement->is_block ? "{" : "(");
}

static void show_end(void *ctx)
{
    buf_add_byte(ctx, ')');
}

static bool show(const struct fake_source_file *files, struct buf *out, struct error *err)
{
    struct fake_source source = fake_source(files);
    struct nginx_visitor visitor = {show_file, show_fault, show_begin, show_end, out};
    return nginx_parse(&source.port, MAIN, &visitor, err);
}

static void test_files_are_numbered_as_crossplane_does(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {
        FILE_OF(MAIN, "a { include x y; } b { c { d; } } include s/*; include x;"),
        FILE_OF("/etc/nginx/s/1", "include x; include y;"),
        FILE_OF("/etc/nginx/s/2", "include x;"),
        FILE_OF("/etc/nginx/x", "content_by_lua_block { } }"),
        FILE_OF("/etc/nginx/y", "z 1;"),
        {.path = NULL},
    };
    AUTO(buf) out = BUF(4096);
    struct error err = {0};
    assert_false(show(files, &out, &err));
    assert_string_equal(err.text,
                        "invalid number of arguments in \"include\" directive in " MAIN ":1");
    assert_string_equal(buf_str(&out),
                        "[" MAIN "]!1 invalid number of arguments in \"include\" directive in " MAIN
                        ":1!"
                        "a{include x y())b{c{d()))include s/* #1 #2()include x #3()"
                        "[/etc/nginx/s/1]include x #3()include y #4()[/etc/nginx/s/2]include x #3()"
                        "[/etc/nginx/x]!1 unexpected \"}\" in /etc/nginx/x:1![/etc/nginx/y]z 1()");
}

static void test_lua_is_an_argument(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {
        FILE_OF(MAIN, "l { set_by_lua_block $x { return {} } a 'b c' d\\\"; }"), {.path = NULL}};
    AUTO(buf) out = BUF(4096);
    struct error err = {0};
    assert_true(show(files, &out, &err));
    assert_string_equal(buf_str(&out), "[" MAIN "]l{set_by_lua_block $x  return {} ()a b c d\"())");
}

static void test_no_file_is_an_error(void **state)
{
    (void)state;
    static const struct fake_source_file files[] = {{.path = NULL}};
    AUTO(buf) out = BUF(4096);
    struct error err = {0};
    assert_false(show(files, &out, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_string_equal(buf_str(&out), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_address_by_address),
        cmocka_unit_test(test_any_name_that_a_client_may_send_can_be_asked_for),
        cmocka_unit_test(test_what_no_client_asks_for),
        cmocka_unit_test(test_a_broken_configuration_has_no_answers),
        cmocka_unit_test(test_files_are_numbered_as_crossplane_does),
        cmocka_unit_test(test_lua_is_an_argument),
        cmocka_unit_test(test_no_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/cli/crossplane.h>

#include <acmec/base/cleanup.h>
#include <acmec/data/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_document(const struct crossplane *crossplane, const char *wanted)
{
    AUTO(buf) out = BUF(8192);
    json_t *document = json_object();
    crossplane_put(crossplane, document);
    json_write(document, &out);
    json_decref(document);
    assert_string_equal(buf_str(&out), wanted);
}

/* The JSON of the args of one statement. */
static void assert_args(const char *directive, const struct span *args, size_t count,
                        const char *wanted)
{
    struct crossplane *crossplane = crossplane_new();
    struct nginx_visitor visitor = crossplane_visitor(crossplane);
    struct nginx_statement statement = {
        .directive = span_str(directive), .args = args, .arg_count = count, .line = 1};
    visitor.file(visitor.ctx, "f");
    visitor.begin(visitor.ctx, &statement);
    visitor.end(visitor.ctx);
    AUTO(buf) text = BUF(1024);
    buf_addf(&text,
             "{\"status\":\"ok\",\"errors\":[],\"config\":[{\"file\":\"f\",\"status\":\"ok\","
             "\"errors\":[],\"parsed\":[{\"directive\":\"%s\",\"line\":1,\"args\":[%s]}]}]}",
             directive, wanted);
    assert_document(crossplane, buf_str(&text));
    crossplane_free(crossplane);
}

#define ARGS(...)                                                                                  \
    (const struct span[]){__VA_ARGS__}, sizeof((struct span[]){__VA_ARGS__}) / sizeof(struct span)

static void test_args_are_the_words(void **state)
{
    (void)state;
    assert_args("return", ARGS(SPAN_LIT("200"), SPAN_LIT("a \"b\\\n")),
                "\"200\",\"a \\\"b\\\\\\n\"");
    assert_args("root", ARGS(SPAN_LIT("/\xFF\xC3\xA4")), "\"/\xEF\xBF\xBD\xC3\xA4\"");
    assert_args("root", ARGS(SPAN_LIT("a\0b")), "\"a\\u0000b\"");
    assert_args("root", ARGS(SPAN_LIT("")), "\"\"");
    assert_args("root", ARGS(SPAN_LIT("(a)")), "\"(a)\"");
}

static void test_an_if_has_no_parentheses(void **state)
{
    (void)state;
    assert_args("if", ARGS(SPAN_LIT("($a)")), "\"$a\"");
    assert_args("if", ARGS(SPAN_LIT("("), SPAN_LIT("$a"), SPAN_LIT(")")), "\"$a\"");
    assert_args("if", ARGS(SPAN_LIT("($a"), SPAN_LIT("="), SPAN_LIT(""), SPAN_LIT(")")),
                "\"$a\",\"=\",\"\"");
    assert_args("if", ARGS(SPAN_LIT("($a"), SPAN_LIT("~"), SPAN_LIT("(b))")),
                "\"$a\",\"~\",\"(b)\"");
    assert_args("if", ARGS(SPAN_LIT("$a"), SPAN_LIT("=")), "\"$a\",\"=\"");
    assert_args("if", ARGS(SPAN_LIT("(")), "\"(\"");
    assert_args("if", ARGS(SPAN_LIT("()")), "");
    assert_args("if", NULL, 0, "");
}

static void test_blocks_files_and_faults(void **state)
{
    (void)state;
    struct crossplane *crossplane = crossplane_new();
    struct nginx_visitor visitor = crossplane_visitor(crossplane);
    size_t numbers[] = {1};
    struct nginx_statement block = {.directive = SPAN_LIT("http"), .line = 1, .is_block = true};
    struct nginx_statement include = {.directive = SPAN_LIT("include"),
                                      .line = 2,
                                      .is_include = true,
                                      .includes = numbers,
                                      .include_count = 1};
    struct nginx_statement last = {.directive = SPAN_LIT("last"), .line = 3};
    visitor.file(visitor.ctx, "a");
    visitor.begin(visitor.ctx, &block);
    visitor.begin(visitor.ctx, &include);
    visitor.end(visitor.ctx);
    visitor.end(visitor.ctx);
    visitor.begin(visitor.ctx, &last);
    visitor.end(visitor.ctx);
    visitor.file(visitor.ctx, "b");
    visitor.fault(visitor.ctx, "no", 7);
    assert_document(
        crossplane,
        "{\"status\":\"failed\",\"errors\":[{\"file\":\"b\",\"error\":\"no\",\"line\":7}],"
        "\"config\":[{\"file\":\"a\",\"status\":\"ok\",\"errors\":[],\"parsed\":["
        "{\"directive\":\"http\",\"line\":1,\"args\":[],\"block\":["
        "{\"directive\":\"include\",\"line\":2,\"args\":[],\"includes\":[1]}]},"
        "{\"directive\":\"last\",\"line\":3,\"args\":[]}]},"
        "{\"file\":\"b\",\"status\":\"failed\",\"errors\":[{\"error\":\"no\",\"line\":7}],"
        "\"parsed\":[]}]}");
    crossplane_free(crossplane);
}

static void test_nothing_read_is_failed(void **state)
{
    (void)state;
    struct crossplane *crossplane = crossplane_new();
    assert_document(crossplane, "{\"status\":\"failed\",\"errors\":[],\"config\":[]}");
    assert_document(NULL, "{\"status\":\"failed\",\"errors\":[],\"config\":[]}");
    crossplane_free(crossplane);
    crossplane_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args_are_the_words),
        cmocka_unit_test(test_an_if_has_no_parentheses),
        cmocka_unit_test(test_blocks_files_and_faults),
        cmocka_unit_test(test_nothing_read_is_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

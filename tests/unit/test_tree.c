#include <acmec/nginx/tree.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

static void parse(struct span text, struct tree *out)
{
    struct error err = {0};
    unsigned line;
    if (!tree_parse(text, out, &line, &err))
        fail_msg("%u: %s", line, err.text);
}

static void assert_value(const struct tree *tree, uint32_t statement, uint32_t n, const char *value)
{
    struct span have = tree_value(tree, statement, n);
    assert_int_equal(have.len, strlen(value));
    assert_memory_equal(have.ptr, value, have.len);
}

static void test_statements_are_ranges_of_the_bytes(void **state)
{
    (void)state;
    static const char text[] = "user x; # who\n"
                               "http {\n"
                               "\tserver { listen 80; \"server_name\" 'a b' c\\\\d; }\n"
                               "}\n"
                               "last;";
    AUTO(tree) tree;
    parse(span_str(text), &tree);
    assert_int_equal(tree.statement_count, 7);
    assert_int_equal(tree.statements[0].kind, TREE_FILE);
    assert_int_equal(tree.statements[0].after, 7);
    assert_int_equal(tree.statements[0].close, strlen(text));
    assert_memory_equal(tree_bytes(&tree, 0).ptr, text, strlen(text));
    const struct tree_statement *http = &tree.statements[2];
    assert_int_equal(http->kind, TREE_BLOCK);
    assert_int_equal(http->line, 2);
    assert_int_equal(text[http->open], '{');
    assert_int_equal(text[http->close], '}');
    assert_int_equal(http->after, 6);
    assert_int_equal(http->parent, 0);
    const struct tree_statement *names = &tree.statements[5];
    assert_int_equal(names->parent, 3);
    assert_int_equal(names->word_count, 3);
    assert_int_equal(names->after, 6);
    assert_value(&tree, 5, 0, "server_name");
    assert_value(&tree, 5, 1, "a b");
    assert_value(&tree, 5, 2, "c\\d");
    assert_int_equal(tree_word(&tree, 5, 1)->quote, '\'');
    assert_int_equal(tree_word(&tree, 5, 1)->raw_len, 5);
    assert_int_equal(tree_word(&tree, 5, 2)->raw_len, 4);
    assert_memory_equal(tree_bytes(&tree, 5).ptr, "\"server_name\"", 13);
    assert_int_equal(tree_bytes(&tree, 4).len, strlen("listen 80;"));
    assert_true(tree_is(&tree, 6, "last"));
    assert_false(tree_is(&tree, 6, "las"));
    assert_false(tree_is(&tree, 0, ""));
}

static void test_blocks_are_visited_by_steps(void **state)
{
    (void)state;
    AUTO(tree) tree;
    parse(SPAN_LIT("a { b { c; } d; e {} } f;"), &tree);
    uint32_t seen = 0;
    for (uint32_t i = 2; i < tree.statements[1].after; i = tree.statements[i].after)
        seen = seen * 10 + i;
    assert_int_equal(seen, 245);
    assert_int_equal(tree.statements[5].after, 6);
    assert_int_equal(tree.statements[6].parent, 0);
}

static void test_comments_can_be_found(void **state)
{
    (void)state;
    AUTO(tree) tree;
    parse(SPAN_LIT("#0\na #1\n b;#2\r\n#3"), &tree);
    assert_int_equal(tree.comment_count, 4);
    assert_int_equal(tree.comments[2].line, 3);
    assert_int_equal(tree.comments[2].end - tree.comments[2].start, 3);
    assert_int_equal(tree_comment_from(&tree, 0), 0);
    assert_int_equal(tree_comment_from(&tree, 1), 1);
    assert_int_equal(tree_comment_from(&tree, tree.comments[3].start), 3);
    assert_int_equal(tree_comment_from(&tree, 99), 4);
}

static void test_lua_is_one_range(void **state)
{
    (void)state;
    AUTO(tree) tree;
    parse(SPAN_LIT("'set_by_lua_block' $x { return \"}\" -- }\n }\nb;"), &tree);
    assert_int_equal(tree.statement_count, 3);
    assert_int_equal(tree.statements[1].kind, TREE_LUA);
    assert_int_equal(tree.statements[1].word_count, 2);
    struct span source = tree_lua(&tree, 1);
    assert_int_equal(source.len, strlen(" return \"}\" -- }\n "));
    assert_memory_equal(source.ptr, " return", 7);
    assert_int_equal(tree.statements[2].line, 3);
    assert_int_equal(tree.statements[2].parent, 0);
}

struct refused {
    const char *text;
    const char *why;
    unsigned line;
    uint32_t statements; /* that were read before */
};

static const struct refused refused[] = {
    {"a;\n}", "unexpected \"}\"", 2, 2},
    {"a {\n b;\n", "unexpected end of file, expecting \"}\"", 3, 3},
    {"a { b { c;", "unexpected end of file, expecting \"}\"", 1, 4},
    {"a { b; c", "unexpected end of file, expecting \";\" or \"}\"", 1, 3},
    {"a { b; }\n;", "unexpected \";\"", 2, 3},
    {"a_by_lua_block { {\n\n",
     "unexpected end of file, expecting terminating characters for lua code block", 1, 2},
    {"a_by_lua_block {\n{\n\n [[",
     "Lua code block missing the closing long bracket \"]]\", the inlined Lua code may be too long",
     4, 2},
};

static void test_what_was_read_before_a_refusal_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        AUTO(tree) tree;
        struct error err = {0};
        unsigned line = 0;
        assert_false(tree_parse(span_str(refused[i].text), &tree, &line, &err));
        assert_string_equal(err.text, refused[i].why);
        assert_int_equal(line, refused[i].line);
        assert_int_equal(tree.statement_count, refused[i].statements);
        for (uint32_t s = 0; s < tree.statement_count; s++) {
            assert_true(tree.statements[s].after <= tree.statement_count);
            assert_true(tree_bytes(&tree, s).len <= strlen(refused[i].text));
        }
    }
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    AUTO(buf) text = BUF(4096);
    AUTO(tree) tree;
    struct error err;
    unsigned line;
    for (size_t i = 0; i <= TREE_DEPTH_MAX; i++)
        buf_add_str(&text, "a{");
    assert_false(tree_parse(buf_span(&text), &tree, &line, &err));
    assert_string_equal(err.text, "blocks are nested too deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_are_ranges_of_the_bytes),
        cmocka_unit_test(test_blocks_are_visited_by_steps),
        cmocka_unit_test(test_comments_can_be_found),
        cmocka_unit_test(test_lua_is_one_range),
        cmocka_unit_test(test_what_was_read_before_a_refusal_is_kept),
        cmocka_unit_test(test_depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

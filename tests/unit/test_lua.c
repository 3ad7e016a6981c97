#include <acmec/nginx/lua.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Blocks whose '}' is the one before "END". */
static const char *const closed[] = {
    "{}END",
    "{ a = {} }END",
    "{ '}' }END",
    "{ \"}\" }END",
    "{ 'a\\'}' }END",
    "{ \"\\\\\" }END",
    "{ it's { } }END",
    "{ \" \n }END",
    "{ ' \" }END",
    "{ \"\\\n\"{\" }END",
    "{ -- }\n }END",
    "{ -- it's\n}END",
    "{ --[[ } ]] }END",
    "{ --[==[ } ]] ]=] \n ]==] }END",
    "{ --[= }\n}END",
    "{ [[ } ]] }END",
    "{ [=[ ]] } ]=] }END",
    "{ a[b[1]] = 2 }END",
    "{ a[ [[}]] ] }END",
    "{ - -[[ }]] }END",
    "{ a --b\n }END",
};

static void test_finds_the_end_of_the_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        struct span text = span_str(closed[i]);
        struct error err;
        size_t close, bad_at;
        assert_true(lua_find_end(text, 1, &close, &bad_at, &err));
        assert_string_equal(closed[i] + close + 1, "END");
    }
}

static void test_says_what_is_missing(void **state)
{
    (void)state;
    struct error err = {0};
    size_t close = 7, bad_at = 0;
    assert_false(lua_find_end(SPAN_LIT("{ -- }"), 1, &close, &bad_at, &err));
    assert_string_equal(
        err.text, "unexpected end of file, expecting terminating characters for lua code block");
    assert_false(lua_find_end(SPAN_LIT("{ a {\n } \n"), 1, &close, &bad_at, &err));
    assert_int_equal(bad_at, 4);
    assert_false(lua_find_end(SPAN_LIT("{ x [==[ ]=] }"), 1, &close, &bad_at, &err));
    assert_string_equal(err.text, "Lua code block missing the closing long bracket \"]==]\", "
                                  "the inlined Lua code may be too long");
    assert_int_equal(bad_at, 4);
    assert_false(lua_find_end(SPAN_LIT("{ '\\"), 1, &close, &bad_at, &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    assert_int_equal(close, 7);
}

static void test_knows_its_blocks_by_their_ending(void **state)
{
    (void)state;
    assert_true(lua_is_block(SPAN_LIT("content_by_lua_block")));
    assert_true(lua_is_block(SPAN_LIT("proxy_ssl_verify_by_lua_block")));
    assert_false(lua_is_block(SPAN_LIT("_by_lua_block")));
    assert_false(lua_is_block(SPAN_LIT("content_by_lua")));
    assert_false(lua_is_block(SPAN_LIT("Content_By_Lua_Block")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_the_end_of_the_source),
        cmocka_unit_test(test_says_what_is_missing),
        cmocka_unit_test(test_knows_its_blocks_by_their_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

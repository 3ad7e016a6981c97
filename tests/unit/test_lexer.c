#include <acmec/nginx/lexer.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>
#include <stdio.h>

/* The tokens of text as one line: words by value in [ ] (with their quote before it), comments in
 * < >, then ; { } and $ for the end; an error as "LINE: TEXT". */
static void lex(struct span text, struct buf *out)
{
    struct lexer lexer = lexer_begin(text);
    struct lexer_token token;
    struct error err = {0};
    do {
        if (!lexer_next(&lexer, &token, &err)) {
            assert_int_equal(err.code, ERR_WEB_SERVER);
            buf_addf(out, "%u: %s", lexer_bad_line(&lexer), err.text);
            return;
        }
        size_t quotes = token.quote != 0 ? 1 : 0;
        struct span raw = span_of(text.ptr + token.start, token.end - token.start);
        switch (token.kind) {
        case LEXER_WORD:
            if (token.quote != 0)
                buf_add_byte(out, token.quote);
            buf_add_byte(out, '[');
            lexer_decode(span_of(raw.ptr + quotes, raw.len - 2 * quotes), out);
            buf_add_byte(out, ']');
            break;
        case LEXER_COMMENT:
            buf_add_byte(out, '<');
            buf_add_span(out, raw);
            buf_add_byte(out, '>');
            break;
        case LEXER_END:
        case LEXER_OPEN:
        case LEXER_CLOSE:
            buf_add_span(out, raw);
            break;
        case LEXER_EOF:
            buf_add_byte(out, '$');
            break;
        }
    } while (token.kind != LEXER_EOF);
}

struct lexed {
    const char *text;
    const char *tokens;
};

static const struct lexed cases[] = {
    {"", "$"},
    {" \t\r\n", "$"},
    {"# only", "<# only>$"},
    {"a;", "[a];$"},
    {"a b  c\t;\n", "[a][b][c];$"},
    {"server{listen 80;}", "[server]{[listen][80];}$"},
    {"a#b c;#d", "[a#b][c];<#d>$"},
    {"a {#c\n}#d\r\n", "[a]{<#c>}<#d\r>$"},
    {"a # x; { \" ' }\n b;", "[a]<# x; { \" ' }>[b];$"},
    {"a #x\r#y;\n;", "[a]<#x\r#y;>;$"},
    {"a\f\vb;", "[a\f\vb];$"},
    {"\xEF\xBB\xBF#a b;", "[\xEF\xBB\xBF#a][b];$"},
    {"\"a\" 'b';", "\"[a]'[b];$"},
    {"\"\" '';", "\"[]'[];$"},
    {"a\"b c\"d;", "[a\"b][c\"d];$"},
    {"'a\nb';", "'[a\nb];$"},
    {"\"a\"{}", "\"[a]{}$"},
    {"\"a\");", "\"[a][)];$"},
    {"\"a\")x;", "\"[a][)x];$"},
    {"if ($a = \"b\") {}", "[if][($a][=]\"[b][)]{}$"},
    {"a\\ b;", "[a\\ b];$"},
    {"a\\;b;", "[a\\;b];$"},
    {"a\\{b;", "[a\\{b];$"},
    {"a\\\nb;", "[a\\\nb];$"},
    {"\\;;", "[\\;];$"},
    {"\\\"a\\'\\\\b\\t\\r\\n\\.;", "[\"a'\\b\t\r\n\\.];$"},
    {"\"a\\\"b\";", "\"[a\"b];$"},
    {"'a\\'b';", "'[a'b];$"},
    {"'a\"b' \"c'd\";", "'[a\"b]\"[c'd];$"},
    {"a ${b}c;", "[a][${b}c];$"},
    {"a${{{;", "[a${{{];$"},
    {"a $ {}", "[a][$]{}$"},
    {"a $b{}", "[a][$b]{}$"},
    {"\"a$\" {}", "\"[a$]{}$"},
    {"a $\\{b;", "[a][$\\{b];$"},
    {"return 200 a};", "[return][200][a}];$"},
    {"a };", "[a]1: unexpected \"}\""},
    {";", "1: unexpected \";\""},
    {"a;;", "[a];1: unexpected \";\""},
    {"\n{", "2: unexpected \"{\""},
    {"'a''b';", "'[a]1: unexpected \"'\""},
    {"\"a\"b;", "\"[a]1: unexpected \"b\""},
    {"\"a\"#c\n;", "\"[a]1: unexpected \"#\""},
    {"\"a\"};", "\"[a]1: unexpected \"}\""},
    {"a", "1: unexpected end of file, expecting \";\" or \"}\""},
    {"a ", "[a]1: unexpected end of file, expecting \";\" or \"}\""},
    {"a #b", "[a]<#b>1: unexpected end of file, expecting \";\" or \"}\""},
    {"\n\"a", "2: unexpected end of file, expecting \";\" or \"}\""},
    {"\"a\"", "\"[a]1: unexpected end of file, expecting \";\" or \"}\""},
    {"a\\", "1: unexpected end of file, expecting \";\" or \"}\""},
    {"\\", "1: unexpected end of file, expecting \";\" or \"}\""},
    {"a ${b;\n", "[a][${b];$"},
    {"}", "}$"},
};

static void test_words_are_those_of_nginx(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) out = BUF(4096);
        lex(span_str(cases[i].text), &out);
        assert_string_equal(buf_str(&out), cases[i].tokens);
    }
}

static void test_nul_is_an_ordinary_byte(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(64);
    lex(SPAN_LIT("a\0b;"), &out);
    assert_int_equal(out.len, 7);
    assert_memory_equal(buf_str(&out), "[a\0b];$", 7);
}

/* before + count times 'x' + after: whether it is read, and what is said if not. */
static void check_length(const char *before, size_t count, const char *after, const char *refusal)
{
    AUTO(buf) text = BUF(8192);
    AUTO(buf) out = BUF(16384);
    buf_add_str(&text, before);
    for (size_t i = 0; i < count; i++)
        buf_add_byte(&text, 'x');
    buf_add_str(&text, after);
    lex(buf_span(&text), &out);
    if (refusal == NULL)
        assert_string_equal(buf_str(&out) + out.len - 1, "$");
    else
        assert_non_null(strstr(buf_str(&out), refusal));
}

#define LONG_X "too long parameter \"xxxxxxxxxx...\" started"

static void test_what_does_not_fit_the_buffer_is_refused(void **state)
{
    (void)state;
    check_length("\n", 4095, ";", NULL);
    check_length("\n", 4096, ";", "2: " LONG_X);
    check_length("", 4094, " ;", NULL);
    check_length("", 4095, " ;", LONG_X);
    check_length("", 4095, "\n;", "1: " LONG_X);
    check_length("a '", 4094, "';", NULL);
    check_length("a '", 4095, "';", LONG_X);
    check_length("a '", 4096, "';",
                 "too long parameter, probably missing terminating \"'\" character");
    check_length("a '", 4093, "' ;", NULL);
    check_length("a '", 4094, "' ;", LONG_X);
    check_length("\"", 4094, "\"{}", NULL);
    check_length("a \"", 4094, "\");", NULL);
    check_length("a \"", 4095, "\");", LONG_X);
    check_length("a \"", 5000, "\"",
                 "too long parameter, probably missing terminating \"\"\" character");
    check_length("#", 4094, "\n", NULL);
    check_length("#", 4095, "\n", "too long parameter \"#xxxxxxxxx...\" started");
    check_length("#", 4095, "", NULL);
    check_length("#", 4096, "", "too long parameter");
    check_length("a;\n  \\", 4094, ";", NULL);
    check_length("a;\n  \\", 4095, ";", "2: too long parameter");
    check_length("", 4095, "", "unexpected end of file");
    check_length("", 4096, "", "unexpected end of file");
    check_length("", 4097, "", LONG_X);
}

static void test_offsets_and_lines_are_those_of_the_bytes(void **state)
{
    (void)state;
    struct lexer lexer = lexer_begin(SPAN_LIT("\n a \"b\n\\\" c\"\r\n;"));
    struct lexer_token token;
    struct error err;
    assert_true(lexer_next(&lexer, &token, &err));
    assert_int_equal(token.start, 2);
    assert_int_equal(token.end, 3);
    assert_int_equal(token.line, 2);
    assert_false(token.escaped);
    assert_true(lexer_next(&lexer, &token, &err));
    assert_int_equal(token.start, 4);
    assert_int_equal(token.end, 12);
    assert_int_equal(token.line, 2);
    assert_true(token.escaped);
    assert_true(lexer_next(&lexer, &token, &err));
    assert_int_equal(token.kind, LEXER_END);
    assert_int_equal(token.start, 14);
    assert_int_equal(token.line, 4);
}

static void test_goes_on_where_somebody_else_has_read(void **state)
{
    (void)state;
    struct lexer lexer = lexer_begin(SPAN_LIT("a { \" } b;"));
    struct lexer_token token;
    struct error err;
    assert_true(lexer_next(&lexer, &token, &err));
    assert_true(lexer_next(&lexer, &token, &err));
    lexer_skip(&lexer, 7, 9);
    assert_true(lexer_next(&lexer, &token, &err));
    assert_int_equal(token.start, 8);
    assert_int_equal(token.line, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_those_of_nginx),
        cmocka_unit_test(test_nul_is_an_ordinary_byte),
        cmocka_unit_test(test_what_does_not_fit_the_buffer_is_refused),
        cmocka_unit_test(test_offsets_and_lines_are_those_of_the_bytes),
        cmocka_unit_test(test_goes_on_where_somebody_else_has_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

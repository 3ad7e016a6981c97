#include <acmec/data/ini.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

static void test_reads_pairs_with_their_lines(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(ini) ini = {0};
    assert_true(ini_parse(SPAN_LIT("# comment = no\n"
                                   "\n"
                                   "domain = a.example, b.example\r\n"
                                   " \tkey\t=\tv # not a comment\t \n"
                                   "  # indented\n"
                                   "empty =\n"
                                   "a=b=c\n"
                                   "domain = c.example"),
                          "x", &ini, &err));
    static const struct ini_line wanted[] = {
        {"domain", "a.example, b.example", 3},
        {"key", "v # not a comment", 4},
        {"empty", "", 6},
        {"a", "b=c", 7},
        {"domain", "c.example", 8},
    };
    assert_int_equal(ini.count, sizeof(wanted) / sizeof(wanted[0]));
    for (size_t i = 0; i < ini.count; i++) {
        assert_string_equal(ini.lines[i].key, wanted[i].key);
        assert_string_equal(ini.lines[i].value, wanted[i].value);
        assert_int_equal(ini.lines[i].line, wanted[i].line);
    }
}

static void test_nothing_is_fine(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(ini) ini = {0};
    assert_true(ini_parse(span_str(NULL), "x", &ini, &err));
    assert_true(ini_parse(SPAN_LIT("\n\r\n   \n#"), "x", &ini, &err));
    assert_int_equal(ini.count, 0);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *says;
    } cases[] = {
        {SPAN_LIT("a = 1\nnonsense\n"), "/etc/x.conf:2: no '=' in this line"},
        {SPAN_LIT("[section]\n"), "/etc/x.conf:1: no '=' in this line"},
        {SPAN_LIT(" = 1"), "/etc/x.conf:1: no key before '='"},
        {SPAN_LIT("a = \0\n"), "/etc/x.conf:1: a control character in this line"},
        {SPAN_LIT("\n\na = b\x1B"), "/etc/x.conf:3: a control character in this line"},
        {SPAN_LIT("a = b\x7F"), "/etc/x.conf:1: a control character in this line"},
        {SPAN_LIT("a = b\rc = d\n"), "/etc/x.conf:1: a control character in this line"},
        {SPAN_LIT("# \x07\n"), "/etc/x.conf:1: a control character in this line"},
        {SPAN_LIT("a = b\r"), "/etc/x.conf:1: a control character in this line"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = {0};
        AUTO(ini) ini = {0};
        assert_false(ini_parse(cases[i].text, "/etc/x.conf", &ini, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_string_equal(err.text, cases[i].says);
        assert_int_equal(ini.count, 0);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO(ini) ini = {0};
    AUTO(buf) text = BUF(2 * INI_FILE_MAX);
    buf_add_str(&text, "a=");
    while (text.len < INI_LINE_MAX)
        buf_add_byte(&text, 'x');
    buf_add_str(&text, "\r\n");
    assert_true(ini_parse(buf_span(&text), "x", &ini, &err));
    ini_release(&ini);
    buf_truncate(&text, INI_LINE_MAX);
    buf_add_str(&text, "x\n");
    assert_false(ini_parse(buf_span(&text), "x", &ini, &err));
    assert_string_equal(err.text, "x:1: the line is over 4096 bytes");
    buf_clear(&text);
    while (text.len < INI_FILE_MAX)
        buf_add_byte(&text, '\n');
    assert_true(ini_parse(buf_span(&text), "x", &ini, &err));
    buf_add_byte(&text, '\n');
    assert_false(ini_parse(buf_span(&text), "x", &ini, &err));
    assert_string_equal(err.text, "x: the file is over 65536 bytes");
}

struct edit_case {
    const char *before;
    const char *key;
    const char *values[4]; /* until NULL */
    const char *after;
};

static const struct edit_case edits[] = {
    {"", "a", {"1"}, "a = 1\n"},
    {"", "a", {NULL}, ""},
    {"", "a", {""}, "a = \n"},
    {"b = 2", "a", {"1"}, "b = 2\na = 1\n"},
    {"b = 2\r\n", "a", {"1"}, "b = 2\r\na = 1\r\n"},
    /* right values keep every byte */
    {"  a=1  \n", "a", {"1"}, "  a=1  \n"},
    {"a\t=  1", "a", {"1"}, "a\t=  1"},
    {"#top\na=1\n\nb = x\n", "a", {"1"}, "#top\na=1\n\nb = x\n"},
    /* in its place */
    {"#top\na=1 \n#mid\nb=2\n", "a", {"3"}, "#top\na = 3\n#mid\nb=2\n"},
    {"a=1", "a", {"3"}, "a = 3\n"},
    /* removed */
    {"x=1\n# c\na=1\na=2\ny=2", "a", {NULL}, "x=1\n# c\ny=2"},
    /* several values */
    {"a=1\n#c\na=2\na=3\n", "a", {"1", "3"}, "a=1\n#c\na=3\n"},
    {"a=1\na=3\n", "a", {"1", "2", "3"}, "a=1\na = 2\na=3\n"},
    {"a=1\nb=0\n", "a", {"1", "2"}, "a=1\na = 2\nb=0\n"},
    {"a=1\na=2\nb=0\n", "a", {"9"}, "a = 9\nb=0\n"},
    {"a=1\na=2\n", "a", {"2", "1"}, "a = 2\na=1\n"},
    {"a=1\na=1\n", "a", {"1"}, "a=1\n"},
    {"a=1\n", "a", {"1", "1"}, "a=1\na = 1\n"},
    {"a=1\na=2", "a", {"1", "2", "3"}, "a=1\na=2\na = 3\n"},
    /* a like key is another key */
    {"aa=1\nA=2\n", "a", {"3"}, "aa=1\nA=2\na = 3\n"},
};

static void test_edits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct ini_change change = {.key = edits[i].key, .values = edits[i].values};
        while (edits[i].values[change.count] != NULL)
            change.count++;
        AUTO(buf) out = BUF(1000);
        struct error err = {0};
        if (!ini_edit(span_str(edits[i].before), &change, 1, &out, &err))
            fail_msg("edit %zu: %s", i, err.text);
        if (strcmp(buf_str(&out), edits[i].after) != 0)
            fail_msg("edit %zu: '%s', not '%s'", i, buf_str(&out), edits[i].after);
    }
}

static void test_several_keys_at_once(void **state)
{
    (void)state;
    static const char *const one[] = {"1"};
    static const char *const two[] = {"2", "3"};
    const struct ini_change changes[] = {
        {.key = "c", .values = one, .count = 1},
        {.key = "a", .values = two, .count = 2},
        {.key = "b", .count = 0},
    };
    AUTO(buf) out = BUF(1000);
    struct error err = {0};
    buf_add_str(&out, "kept|");
    assert_true(ini_edit(SPAN_LIT("a=1\nb=1\nd=1\n"), changes, 3, &out, &err));
    assert_string_equal(buf_str(&out), "kept|a = 2\na = 3\nd=1\nc = 1\n");
}

static void test_edits_that_are_refused(void **state)
{
    (void)state;
    static const char longest[INI_LINE_MAX] = {[0 ... INI_LINE_MAX - 5] = 'x'}; /* "k = " before */
    static const char longer[INI_LINE_MAX] = {[0 ... INI_LINE_MAX - 4] = 'x'};
    static const struct {
        const char *key, *value, *says;
    } cases[] = {
        {"k", " v", "begins or ends in a blank"},
        {"k", "v\t", "begins or ends in a blank"},
        {"k", "v\nw = x", "a control character"},
        {"k", "v\r", "a control character"},
        {"k", "\x7F", "a control character"},
        {"k", longer, "too long"},
        {"k=l", "v", "would not read back"},
        {"#k", "v", "would not read back"},
        {" k", "v", "would not read back"},
        {"", "v", "no key"},
        {"k\nl", "v", "no '='"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ini_change change = {.key = cases[i].key, .values = &cases[i].value, .count = 1};
        AUTO(buf) out = BUF(10000);
        struct error err = {0};
        assert_false(ini_edit(SPAN_LIT("a = 1\n"), &change, 1, &out, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("'%s', not '%s'", err.text, cases[i].says);
        assert_int_equal(out.len, 0);
    }
    const char *value = longest;
    struct ini_change fits = {.key = "k", .values = &value, .count = 1};
    AUTO(buf) out = BUF(10000);
    struct error err = {0};
    assert_true(ini_edit(SPAN_LIT(""), &fits, 1, &out, &err));
    assert_int_equal(out.len, INI_LINE_MAX + 1);
}

static void test_bad_or_full_old_text_is_refused(void **state)
{
    (void)state;
    static const char *const value[] = {"1"};
    const struct ini_change change = {.key = "a", .values = value, .count = 1};
    AUTO(buf) out = BUF(2 * INI_FILE_MAX);
    struct error err = {0};
    assert_false(ini_edit(SPAN_LIT("b = 1\nnonsense"), &change, 1, &out, &err));
    assert_non_null(strstr(err.text, ":2: no '='"));
    AUTO(buf) full = BUF(INI_FILE_MAX);
    while (full.len < INI_FILE_MAX)
        buf_add_byte(&full, '\n');
    assert_false(ini_edit(buf_span(&full), &change, 1, &out, &err));
    assert_string_equal(err.text, "the changed text is over 65536 bytes");
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_pairs_with_their_lines),
        cmocka_unit_test(test_nothing_is_fine),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_several_keys_at_once),
        cmocka_unit_test(test_edits_that_are_refused),
        cmocka_unit_test(test_bad_or_full_old_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/data/edit.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>

#define PATH "/etc/nginx/site"

static void put(struct edit_plan *plan, struct span text, const char *was, const char *now)
{
    const char *at = memmem(text.ptr, text.len, was, strlen(was));
    assert_non_null(at);
    edit_plan_add(plan, PATH, (size_t)(at - text.ptr), span_str(was), span_str(now));
}

static void insert(struct edit_plan *plan, struct span text, const char *before, const char *now)
{
    const char *at = memmem(text.ptr, text.len, before, strlen(before));
    assert_non_null(at);
    edit_plan_add(plan, PATH, (size_t)(at - text.ptr), SPAN_LIT(""), span_str(now));
}

static void applied(const struct edit_plan *plan, struct span before, struct buf *out)
{
    struct error err = {0};
    if (!edit_apply(edit_plan_find(plan, PATH), before, out, &err))
        fail_msg("%s", err.text);
}

static const char SITE[] = "server {\n    listen 80;\n    server_name a.example;\n"
                           "    ssl_certificate old.pem;\n}\n";

static void test_does_and_undoes(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) after = BUF(4096), back = BUF(4096);
    struct span before = span_str(SITE);
    struct error err = {0};
    put(&plan, before, "old.pem", "/new/fullchain.pem");
    insert(&plan, before, "    server_name", "    listen 443 ssl;\n");
    insert(&plan, before, "    server_name", "    http2 on;\n");
    applied(&plan, before, &after);
    assert_string_equal(buf_str(&after), "server {\n    listen 80;\n    listen 443 ssl;\n"
                                         "    http2 on;\n    server_name a.example;\n"
                                         "    ssl_certificate /new/fullchain.pem;\n}\n");
    assert_true(edit_undo(&plan.files[0], buf_span(&after), &back, &err));
    assert_string_equal(buf_str(&back), SITE);
}

static void test_refuses_another_file_than_was_read(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) after = BUF(4096);
    struct error err = {0};
    put(&plan, span_str(SITE), "old.pem", "new.pem");
    assert_false(edit_apply(&plan.files[0], SPAN_LIT("server {\n}\n"), &after, &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    assert_int_equal(after.len, 0);
}

static void test_refuses_overlaps(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) after = BUF(4096);
    struct error err = {0};
    put(&plan, span_str(SITE), "old.pem", "new.pem");
    put(&plan, span_str(SITE), "pem;", "der;");
    assert_false(edit_apply(&plan.files[0], span_str(SITE), &after, &err));
}

/* A person has edited the file since: before, between and after what was put there. */
static void test_undoes_in_a_changed_file(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) back = BUF(4096);
    struct error err = {0};
    put(&plan, span_str(SITE), "old.pem", "/new.pem");
    insert(&plan, span_str(SITE), "    server_name", "    listen 443 ssl; # mine\n");
    const char *now =
        "# hello\nserver {\n    listen 80;\n    listen 443 ssl; # mine\n    root /x;\n"
        "    ssl_certificate /new.pem;\n    # bye\n}\n";
    assert_true(edit_undo(&plan.files[0], span_str(now), &back, &err));
    assert_string_equal(buf_str(&back), "# hello\nserver {\n    listen 80;\n    root /x;\n"
                                        "    ssl_certificate old.pem;\n    # bye\n}\n");
}

static void test_undo_names_the_line_that_it_cannot_find(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) back = BUF(4096);
    struct error err = {0};
    insert(&plan, span_str(SITE), "    server_name", "    listen 443 ssl; # mine\n");
    const char *changed = "server {\n    listen 443; # mine\n}\n";
    assert_false(edit_undo(&plan.files[0], span_str(changed), &back, &err));
    assert_non_null(strstr(err.text, PATH ":1: "));
    const char *twice = "x {\n    listen 443 ssl; # mine\n}\ny {\n    listen 443 ssl; # mine\n}\n";
    assert_false(edit_undo(&plan.files[0], span_str(twice), &back, &err));
    assert_non_null(strstr(err.text, PATH ":2: "));
    assert_int_equal(back.len, 0);
}

/* Random edits of random bytes: there and back, also with a line more at either end. */
static void test_there_and_back(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 2000; round++) {
        AUTO(edit_plan) plan = {0};
        AUTO(buf) before = BUF(4096), after = BUF(8192), back = BUF(8192), diff = BUF(65536);
        struct error err = {0};
        for (unsigned i = 0; i < 60; i++)
            buf_add_byte(&before, "ab\n{};"[(seed = seed * 1664525 + 1013904223) >> 24 & 3]);
        size_t at = 0;
        for (unsigned i = 0; i < 4; i++) {
            at += (seed = seed * 1664525 + 1013904223) >> 28;
            size_t len = (seed = seed * 1664525 + 1013904223) >> 30;
            if (at + len > before.len)
                break;
            AUTO_FREE now = mem_printf("<%u>%s", i, seed & 512 ? "\n" : "");
            edit_plan_add(&plan, PATH, at, span_of(before.data + at, len), span_str(now));
            at += len;
        }
        if (plan.count == 0)
            continue;
        applied(&plan, buf_span(&before), &after);
        assert_true(edit_undo(&plan.files[0], buf_span(&after), &back, &err));
        assert_true(span_equals(buf_span(&before), buf_span(&back)));
        edit_diff(&plan.files[0], buf_span(&before), &diff);
        assert_true(diff.len > 0);

        AUTO(buf) longer = BUF(8192);
        buf_add_str(&longer, "# first\n");
        buf_add_span(&longer, buf_span(&after));
        buf_clear(&back);
        assert_true(edit_undo(&plan.files[0], buf_span(&longer), &back, &err));
        buf_consume(&back, strlen("# first\n"));
        assert_true(span_equals(buf_span(&before), buf_span(&back)));
    }
}

static void test_joins_what_touches_a_line(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) after = BUF(4096);
    AUTO(buf) back = BUF(4096);
    struct error err = {0};
    struct span before = SPAN_LIT("a x; b y;\nc z;\n");
    put(&plan, before, "x", "X");
    put(&plan, before, "y", "Y");
    insert(&plan, before, "\nc", " # mark");
    put(&plan, before, "z", "Z");
    edit_plan_join_lines(&plan, PATH, before);
    edit_plan_join_lines(&plan, "/other", before);
    assert_int_equal(plan.files[0].count, 2);
    assert_true(span_is(plan.files[0].items[0].was, "x; b y;"));
    assert_true(span_is(plan.files[0].items[0].now, "X; b Y; # mark"));
    applied(&plan, before, &after);
    assert_string_equal(buf_str(&after), "a X; b Y; # mark\nc Z;\n");
    assert_true(edit_undo(&plan.files[0], buf_span(&after), &back, &err));
    assert_true(span_equals(buf_span(&back), before));
}

/* One edit of whole lines, which leads from one to the other and back. */
static void test_adds_a_change(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *was, *now;
    } cases[] = {
        {"a\nb\nc\n", "a\nB\nc\n", "b\n", "B\n"},
        {"a\nc\n", "a\nb\nc\n", "", "b\n"},
        {"a\nb\nc\n", "a\nc\n", "a\nb\n", "a\n"},
        {"b\nc\n", "c\n", "b\nc\n", "c\n"},
        {"a\nb", "a\nbc", "b", "bc"},
        {"aa\naa\n", "aa\naa\naa\n", "", "aa\n"},
        {"", "a\n", "", "a\n"},
        {"ab\n", "a b\n", "ab\n", "a b\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(edit_plan) plan = {0};
        AUTO(buf) after = BUF(64), back = BUF(64);
        struct error err = {0};
        edit_plan_add_change(&plan, PATH, span_str(cases[i].before), span_str(cases[i].after));
        assert_int_equal(plan.files[0].count, 1);
        assert_true(span_is(plan.files[0].items[0].was, cases[i].was));
        assert_true(span_is(plan.files[0].items[0].now, cases[i].now));
        applied(&plan, span_str(cases[i].before), &after);
        assert_string_equal(buf_str(&after), cases[i].after);
        assert_true(edit_undo(&plan.files[0], buf_span(&after), &back, &err));
        assert_string_equal(buf_str(&back), cases[i].before);
    }
    AUTO(edit_plan) none = {0};
    edit_plan_add_change(&none, PATH, span_str("a\n"), span_str("a\n"));
    assert_int_equal(none.count, 0);
}

static void test_diff(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) diff = BUF(4096);
    put(&plan, span_str(SITE), "old.pem", "new.pem");
    insert(&plan, span_str(SITE), "    server_name", "    listen 443 ssl;\n");
    edit_diff(&plan.files[0], span_str(SITE), &diff);
    assert_string_equal(buf_str(&diff), "--- " PATH "\n+++ " PATH "\n@@ -1,5 +1,6 @@\n"
                                        " server {\n     listen 80;\n+    listen 443 ssl;\n"
                                        "     server_name a.example;\n"
                                        "-    ssl_certificate old.pem;\n"
                                        "+    ssl_certificate new.pem;\n }\n");
}

static void test_diff_in_two_hunks_and_without_last_newline(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) diff = BUF(4096);
    const char *text = "a\n1\n2\n3\n4\n5\n6\n7\n8\nz";
    insert(&plan, span_str(text), "a", "0\n");
    put(&plan, span_str(text), "z", "zz");
    edit_diff(&plan.files[0], span_str(text), &diff);
    assert_string_equal(buf_str(&diff), "--- " PATH "\n+++ " PATH "\n@@ -1,3 +1,4 @@\n+0\n a\n 1\n"
                                        " 2\n@@ -7,4 +8,4 @@\n 6\n 7\n 8\n-z\n"
                                        "\\ No newline at end of file\n+zz\n"
                                        "\\ No newline at end of file\n");
}

/* What an edit touches only to put other lines beside it is context. */
static void test_diff_of_lines_put_beside_others(void **state)
{
    (void)state;
    AUTO(edit_plan) plan = {0};
    AUTO(buf) diff = BUF(4096);
    const char *text = "a;\nb;\nc;\nd;\n";
    put(&plan, span_str(text), "b;", "b;\nx;\nb;");
    put(&plan, span_str(text), "d;", "y;\nd;");
    edit_diff(&plan.files[0], span_str(text), &diff);
    assert_string_equal(buf_str(&diff), "--- " PATH "\n+++ " PATH "\n@@ -1,4 +1,7 @@\n"
                                        " a;\n b;\n+x;\n+b;\n c;\n+y;\n d;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_does_and_undoes),
        cmocka_unit_test(test_refuses_another_file_than_was_read),
        cmocka_unit_test(test_refuses_overlaps),
        cmocka_unit_test(test_undoes_in_a_changed_file),
        cmocka_unit_test(test_undo_names_the_line_that_it_cannot_find),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_joins_what_touches_a_line),
        cmocka_unit_test(test_adds_a_change),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_diff_of_lines_put_beside_others),
        cmocka_unit_test(test_diff_in_two_hunks_and_without_last_newline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

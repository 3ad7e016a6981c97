#include <acmec/data/json.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

static json_t *parsed(const char *text)
{
    json_t *value = NULL;
    struct error err = {0};
    if (!json_parse_object(span_str(text), 1000, ERR_REFUSED, &value, &err))
        fail_msg("%s", err.text);
    return value;
}

static void test_parse_takes_an_object_up_to_the_maximum(void **state)
{
    (void)state;
    struct error err = {0};
    json_t *value = NULL;
    assert_true(json_parse_object(SPAN_LIT("{\"a\":1}"), 7, ERR_REFUSED, &value, &err));
    json_decref(value);
    value = NULL;
    assert_false(json_parse_object(SPAN_LIT("{\"a\":1}"), 6, ERR_CONFIG, &value, &err));
    assert_null(value);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.text, "the JSON document is over 6 bytes");
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct span cases[] = {
        SPAN_LIT(""),
        SPAN_LIT("{"),
        SPAN_LIT("[]"),
        SPAN_LIT("\"text\""),
        SPAN_LIT("null"),
        SPAN_LIT("{} {}"),
        SPAN_LIT("{}x"),
        SPAN_LIT("{\"a\":1,\"a\":2}"),
        SPAN_LIT("{\"a\":\"\\u0000\"}"),
        SPAN_LIT("{\"a\":\"\xFF\"}"),
        SPAN_LIT("{\"a\":\"\\uD800\"}"),
        SPAN_LIT("{\"a\":99999999999999999999}"),
        SPAN_LIT("{\"a\":1e999}"),
        SPAN_LIT("{'a':1}"),
        SPAN_LIT("{\"a\":1,}"),
        SPAN_LIT("{\"a\":1}\0"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *value = NULL;
        struct error err = {0};
        assert_false(json_parse_object(cases[i], 100, ERR_REFUSED, &value, &err));
        assert_null(value);
        assert_int_equal(err.code, ERR_REFUSED);
    }
}

static void test_too_deep_is_refused(void **state)
{
    (void)state;
    AUTO(buf) deep = BUF(100000);
    buf_add_str(&deep, "{\"a\":");
    for (int i = 0; i < 5000; i++)
        buf_add_byte(&deep, '[');
    for (int i = 0; i < 5000; i++)
        buf_add_byte(&deep, ']');
    buf_add_byte(&deep, '}');
    json_t *value = NULL;
    struct error err = {0};
    assert_false(json_parse_object(buf_span(&deep), 100000, ERR_REFUSED, &value, &err));
}

static void test_the_document_cannot_speak_through_the_error(void **state)
{
    (void)state;
    json_t *value = NULL;
    struct error err = {0};
    assert_false(
        json_parse_object(SPAN_LIT("{\n\"a\":\xE2\x80\xAE\x1B"), 100, ERR_REFUSED, &value, &err));
    assert_non_null(strstr(err.text, "line 2"));
    assert_null(strchr(err.text, '\x1B'));
    assert_null(strstr(err.text, "\xE2\x80\xAE"));
    assert_false(json_parse_object(SPAN_LIT("{\"a\x7F\xC2\x9B\":1,\"a\x7F\xC2\x9B\":2}"), 100,
                                   ERR_REFUSED, &value, &err));
    assert_null(strchr(err.text, '\x7F'));
    assert_null(strstr(err.text, "\xC2\x9B"));
}

static void test_get_str(void **state)
{
    (void)state;
    json_auto_t *object = parsed("{\"a\":\"x\",\"b\":null,\"c\":3,\"d\":\"\"}");
    const char *text = "old";
    struct error err = {0};
    assert_false(json_get_str(object, "none", ERR_REFUSED, &text, &err));
    assert_string_equal(err.text, "'none' is missing");
    assert_false(json_get_str(object, "b", ERR_CONFIG, &text, &err));
    assert_string_equal(err.text, "'b' is missing");
    assert_int_equal(err.code, ERR_CONFIG);
    assert_false(json_get_str(object, "c", ERR_REFUSED, &text, &err));
    assert_string_equal(err.text, "'c' is not a string");
    assert_string_equal(text, "old");
    assert_true(json_get_str(object, "a", ERR_REFUSED, &text, &err));
    assert_string_equal(text, "x");
    assert_true(json_get_str(object, "d", ERR_REFUSED, &text, &err));
    assert_string_equal(text, "");
}

static void test_optional_members(void **state)
{
    (void)state;
    json_auto_t *object = parsed("{\"null\":null,\"str\":\"x\",\"no\":\"\",\"arr\":[1],\"none\":[],"
                                 "\"obj\":{\"k\":1},\"void\":{},\"yes\":true,\"off\":false,"
                                 "\"int\":-5,\"real\":1.5}");
    static const char *const absent[] = {"missing", "null", "no", "none", "void"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        assert_null(json_opt_str(object, absent[i]));
        assert_null(json_opt_array(object, absent[i]));
        assert_null(json_opt_object(object, absent[i]));
        assert_true(json_opt_bool(object, absent[i], true));
        assert_false(json_opt_bool(object, absent[i], false));
        assert_int_equal(json_opt_int(object, absent[i], 42), 42);
    }
    assert_string_equal(json_opt_str(object, "str"), "x");
    assert_null(json_opt_str(object, "int"));
    assert_int_equal(json_array_size(json_opt_array(object, "arr")), 1);
    assert_null(json_opt_array(object, "obj"));
    assert_int_equal(json_object_size(json_opt_object(object, "obj")), 1);
    assert_null(json_opt_object(object, "arr"));
    assert_true(json_opt_bool(object, "yes", false));
    assert_false(json_opt_bool(object, "off", true));
    assert_true(json_opt_bool(object, "int", true));
    assert_int_equal(json_opt_int(object, "int", 42), -5);
    assert_int_equal(json_opt_int(object, "real", 42), 42);
    assert_int_equal(json_opt_int(object, "str", 42), 42);
    assert_null(json_opt_str(NULL, "str"));
    assert_int_equal(json_opt_int(NULL, "int", 42), 42);
}

static void test_put_str(void **state)
{
    (void)state;
    json_auto_t *object = json_object();
    AUTO(buf) out = BUF(1000);
    json_put_str(object, "a", "x\"y");
    json_put_str(object, "b", NULL);
    json_put_str(object, "c", "ok\xC3\xA9\xFF\xE2\x82(");
    json_put_str(object, "d", "\x80");
    json_put_str(object, "a", "again");
    json_write(object, &out);
    assert_string_equal(buf_str(&out), "{\"a\":\"again\",\"b\":null,"
                                       "\"c\":\"ok\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD(\","
                                       "\"d\":\"\xEF\xBF\xBD\"}");
}

static void test_write_forms(void **state)
{
    (void)state;
    json_auto_t *object = parsed("{ \"b\" : \"/\", \"a\" : [ 1 , true ] }");
    AUTO(buf) out = BUF(1000);
    json_write(object, &out);
    assert_string_equal(buf_str(&out), "{\"b\":\"/\",\"a\":[1,true]}");
    buf_clear(&out);
    json_write_sorted(object, &out);
    assert_string_equal(buf_str(&out), "{\"a\":[1,true],\"b\":\"/\"}");
    buf_clear(&out);
    json_write_pretty(object, &out);
    assert_string_equal(buf_str(&out),
                        "{\n  \"b\": \"/\",\n  \"a\": [\n    1,\n    true\n  ]\n}\n");
    buf_clear(&out);
    json_auto_t *text = json_string("alone");
    json_write(text, &out);
    assert_string_equal(buf_str(&out), "\"alone\"");
    AUTO(buf) small = BUF(5);
    json_write(object, &small);
    assert_false(buf_ok(&small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_an_object_up_to_the_maximum),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_too_deep_is_refused),
        cmocka_unit_test(test_the_document_cannot_speak_through_the_error),
        cmocka_unit_test(test_get_str),
        cmocka_unit_test(test_optional_members),
        cmocka_unit_test(test_put_str),
        cmocka_unit_test(test_write_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

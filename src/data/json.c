#include <acmec/data/json.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/utf8.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

bool json_parse_object(struct span text, size_t max, enum err_code code, json_t **out,
                       struct error *err)
{
    if (text.len > max)
        return fail(err, code, "the JSON document is over %zu bytes", max);
    json_error_t cause;
    json_t *value =
        json_loadb(text.len == 0 ? "" : text.ptr, text.len, JSON_REJECT_DUPLICATES, &cause);
    if (value == NULL)
        return fail(err, code, "not valid JSON, line %d: %s", cause.line,
                    escaped_str(cause.text).text);
    if (!json_is_object(value)) {
        json_decref(value);
        return fail(err, code, "the JSON document is not an object");
    }
    *out = value;
    return true;
}

bool json_get_str(const json_t *object, const char *member, enum err_code code, const char **out,
                  struct error *err)
{
    const json_t *value = json_object_get(object, member);
    if (value == NULL || json_is_null(value))
        return fail(err, code, "'%s' is missing", member);
    if (!json_is_string(value))
        return fail(err, code, "'%s' is not a string", member);
    *out = json_string_value(value);
    return true;
}

const char *json_opt_str(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text == NULL || text[0] == '\0' ? NULL : text;
}

json_t *json_opt_array(const json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    return json_array_size(value) == 0 ? NULL : value;
}

json_t *json_opt_object(const json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    return json_object_size(value) == 0 ? NULL : value;
}

bool json_opt_bool(const json_t *object, const char *member, bool fallback)
{
    const json_t *value = json_object_get(object, member);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

int64_t json_opt_int(const json_t *object, const char *member, int64_t fallback)
{
    const json_t *value = json_object_get(object, member);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

/* A string of text with U+FFFD for each byte that is not UTF-8. */
static json_t *repaired(struct span text)
{
    AUTO(buf) clean = BUF(text.len * (sizeof(REPLACEMENT) - 1));
    for (size_t at = 0; at < text.len;) {
        uint32_t code = 0;
        size_t taken = utf8_read(span_of(text.ptr + at, text.len - at), &code);
        if (taken == 0)
            buf_add_str(&clean, REPLACEMENT);
        else
            buf_add(&clean, text.ptr + at, taken);
        at += taken == 0 ? 1 : taken;
    }
    return json_stringn(buf_str(&clean), clean.len);
}

json_t *json_text(struct span text)
{
    json_t *value = json_stringn(text.len == 0 ? "" : text.ptr, text.len);
    if (value == NULL)
        value = repaired(text);
    if (value == NULL)
        mem_exhausted(); /* jansson's only other reason is a mistake of the caller */
    return value;
}

void json_put_str(json_t *object, const char *member, const char *text)
{
    json_t *value = text == NULL ? json_null() : json_text(span_str(text));
    if (json_object_set_new(object, member, value) != 0)
        mem_exhausted();
}

static int add_text(const char *text, size_t len, void *out)
{
    buf_add(out, text, len);
    return 0;
}

static void write_with(const json_t *value, size_t flags, struct buf *out)
{
    if (json_dump_callback(value, add_text, out, flags | JSON_ENCODE_ANY) != 0)
        mem_exhausted();
}

void json_write(const json_t *value, struct buf *out)
{
    write_with(value, JSON_COMPACT, out);
}

void json_write_sorted(const json_t *value, struct buf *out)
{
    write_with(value, JSON_COMPACT | JSON_SORT_KEYS, out);
}

void json_write_pretty(const json_t *value, struct buf *out)
{
    write_with(value, JSON_INDENT(2), out);
    buf_add_byte(out, '\n');
}

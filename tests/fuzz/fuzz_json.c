/* Any bytes as a JSON document: what parses is written and parsed again to the same value. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/data/json.h>

#define MAX_BYTES (64 * 1024)

static void read_members(const json_t *object)
{
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, member, value)
    {
        const char *text = NULL;
        struct error err = {0};
        if (json_get_str(object, member, ERR_REFUSED, &text, &err))
            must(text == json_string_value(value));
        else
            must(err.code == ERR_REFUSED && err.text[0] != '\0');
        const char *opt = json_opt_str(object, member);
        must(opt == NULL || opt[0] != '\0');
        must(json_opt_array(object, member) == NULL || json_is_array(value));
        must(json_opt_object(object, member) == NULL || json_is_object(value));
        (void)json_opt_bool(object, member, true);
        (void)json_opt_int(object, member, 7);
    }
}

static void write_again(const json_t *value, void (*write)(const json_t *, struct buf *))
{
    AUTO(buf) text = BUF(16 * 1024 * 1024);
    struct error err = {0};
    json_t *again = NULL;
    write(value, &text);
    must(buf_ok(&text));
    must(json_parse_object(buf_span(&text), text.len, ERR_REFUSED, &again, &err));
    must(json_equal(value, again));
    json_decref(again);
}

static void put_bytes(const uint8_t *data, size_t size)
{
    AUTO(buf) text = BUF(MAX_BYTES);
    buf_add(&text, data, size > 1000 ? 1000 : size);
    json_auto_t *object = json_object();
    json_put_str(object, "bytes", buf_str(&text));
    must(json_is_string(json_object_get(object, "bytes")));
    write_again(object, json_write);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    json_t *value = NULL;
    put_bytes(data, size);
    if (!json_parse_object(span_of(data, size), MAX_BYTES, ERR_REFUSED, &value, &err)) {
        must(value == NULL && err.code == ERR_REFUSED);
        return 0;
    }
    must(json_is_object(value));
    read_members(value);
    write_again(value, json_write);
    write_again(value, json_write_sorted);
    if (size < 1000)
        write_again(value, json_write_pretty);
    json_decref(value);
    return 0;
}

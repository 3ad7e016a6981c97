#include <acmec/io/store_json.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/timefmt.h>
#include <arpa/inet.h>
#include <stdio.h>

/* ---- documents ---- */

/* 0: none that anybody wrote. */
static int64_t format_of(const json_t *document)
{
    int64_t format = json_opt_int(document, "format", 0);
    return format < 1 ? 0 : format;
}

bool store_json_read(const char *path, json_t **out, struct error *err)
{
    AUTO(buf) text = BUF(STORE_JSON_MAX);
    json_t *document = NULL;
    struct error damage = {0};
    bool found;
    if (!file_read_trusted(path, &text, &found, err))
        return false;
    if (found &&
        !json_parse_object(buf_span(&text), STORE_JSON_MAX, ERR_CONFIG, &document, &damage))
        log_info("'%s' is damaged and will be written anew: %s", path, damage.text);
    int64_t format = format_of(document);
    if (format > STORE_FORMAT) {
        json_decref(document);
        (void)fail(err, ERR_CONFIG, "'%s' has format %lld, this acmec knows formats up to %d", path,
                   (long long)format, STORE_FORMAT);
        return with_hint(err, "a later version of acmec wrote it: use that one");
    }
    if (document != NULL && format == 0) {
        log_info("'%s' is damaged and will be written anew: it has no format", path);
        json_decref(document);
        document = NULL;
    }
    *out = document;
    return true;
}

json_t *store_json_new(void)
{
    json_t *document = json_object();
    store_json_put(document, "format", json_integer(STORE_FORMAT));
    return document;
}

bool store_json_read_or_new(const char *path, json_t **out, struct error *err)
{
    json_t *old;
    if (!store_json_read(path, &old, err))
        return false;
    json_t *document = store_json_new();
    if (old != NULL && json_object_update(document, old) != 0)
        mem_exhausted();
    json_decref(old);
    *out = document;
    return true;
}

bool store_json_write(const char *path, json_t *document, struct error *err)
{
    AUTO(buf) text = BUF(STORE_JSON_MAX);
    json_write_pretty(document, &text);
    json_decref(document);
    if (!buf_ok(&text))
        return fail(err, ERR_FILES, "cannot write '%s': it would be over %d bytes", path,
                    STORE_JSON_MAX);
    return file_replace(path, 0600, buf_span(&text), err);
}

/* ---- reading members ---- */

/* The member if it is there; bad is set where it is of another type. */
static const json_t *member_of(const json_t *object, const char *member, json_type type, bool *bad)
{
    const json_t *value = json_object_get(object, member);
    if (value == NULL || json_is_null(value))
        return NULL;
    if (json_typeof(value) == type)
        return value;
    *bad = true;
    return NULL;
}

const char *store_json_text(const json_t *object, const char *member, bool *bad)
{
    return json_string_value(member_of(object, member, JSON_STRING, bad));
}

const json_t *store_json_object(const json_t *object, const char *member, bool *bad)
{
    return member_of(object, member, JSON_OBJECT, bad);
}

bool store_json_flag(const json_t *object, const char *member, bool *bad)
{
    const json_t *value = json_object_get(object, member);
    *bad = *bad || (value != NULL && !json_is_null(value) && !json_is_boolean(value));
    return json_is_true(value);
}

int64_t store_json_number(const json_t *object, const char *member, int64_t max, bool *bad)
{
    int64_t value = json_integer_value(member_of(object, member, JSON_INTEGER, bad));
    if (value >= 0 && value <= max)
        return value;
    *bad = true;
    return 0;
}

int64_t store_json_time(const json_t *object, const char *member, bool *bad)
{
    const char *text = store_json_text(object, member, bad);
    int64_t when = 0;
    if (text != NULL && !timefmt_parse_rfc3339(span_str(text), &when))
        *bad = true;
    return when;
}

/* The form that identifier_parse gives; it was parsed before it was stored. */
static bool read_name(const char *text, struct identifier *out)
{
    unsigned char address[sizeof(struct in6_addr)];
    size_t len = text == NULL ? 0 : strlen(text);
    if (len == 0 || len > IDENTIFIER_MAX ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-_:*") != len)
        return false;
    bool is_ip = inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
    out->type = is_ip ? IDENTIFIER_IP : IDENTIFIER_DNS;
    memcpy(out->value, text, len + 1);
    return true;
}

void store_json_names(const json_t *object, const char *member, struct identifier_list *out,
                      bool *bad)
{
    const json_t *array = member_of(object, member, JSON_ARRAY, bad);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct identifier name = {0};
        if (i < IDENTIFIERS_MAX && read_name(json_string_value(json_array_get(array, i)), &name))
            (void)identifier_list_add(out, &name);
        else
            *bad = true;
    }
}

struct file_stamp store_json_stamp(const json_t *object, const char *member, bool *bad)
{
    const json_t *stamp = store_json_object(object, member, bad);
    return (struct file_stamp){
        .mtime_ns = json_opt_int(stamp, "mtime_ns", 0),
        .size = json_opt_int(stamp, "size", 0),
        .inode = (uint64_t)json_opt_int(stamp, "inode", 0),
    };
}

static void copy_text(const json_t *object, const char *member, char *out, size_t size, bool *bad)
{
    const char *text = store_json_text(object, member, bad);
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
}

void store_json_error(const json_t *object, const char *member, struct error *out, bool *bad)
{
    const json_t *error = store_json_object(object, member, bad);
    *out = (struct error){0};
    if (error == NULL)
        return;
    const char *word = store_json_text(error, "class", bad);
    if (word == NULL || !err_from_word(word, &out->code))
        *bad = true;
    copy_text(error, "message", out->text, sizeof out->text, bad);
    copy_text(error, "hint", out->hint, sizeof out->hint, bad);
    copy_text(error, "acme_type", out->acme_type, sizeof out->acme_type, bad);
    out->retry_at = store_json_time(error, "retry_at", bad);
}

/* ---- writing members ---- */

void store_json_put(json_t *object, const char *member, json_t *value)
{
    if (json_object_set_new(object, member, value) != 0)
        mem_exhausted();
}

void store_json_put_number(json_t *object, const char *member, int64_t value)
{
    store_json_put(object, member, json_integer(value));
}

void store_json_put_time(json_t *object, const char *member, int64_t when)
{
    char text[TIMEFMT_MAX];
    timefmt_rfc3339(when, text);
    json_put_str(object, member, when <= 0 ? NULL : text);
}

void store_json_put_names(json_t *object, const char *member, const struct identifier_list *names)
{
    json_t *array = json_array();
    for (size_t i = 0; i < names->count; i++)
        if (json_array_append_new(array, json_string(names->items[i].value)) != 0)
            mem_exhausted();
    store_json_put(object, member, array);
}

void store_json_put_stamp(json_t *object, const char *member, const struct file_stamp *stamp)
{
    json_t *value = store_json_section(object, member);
    store_json_put_number(value, "mtime_ns", stamp->mtime_ns);
    store_json_put_number(value, "size", stamp->size);
    store_json_put_number(value, "inode", (int64_t)stamp->inode);
}

static void put_unless_empty(json_t *object, const char *member, const char *text)
{
    json_put_str(object, member, text[0] == '\0' ? NULL : text);
}

void store_json_put_error(json_t *object, const char *member, const struct error *error)
{
    if (error->code == ERR_NONE) {
        store_json_put(object, member, json_null());
        return;
    }
    json_t *value = store_json_section(object, member);
    json_put_str(value, "class", err_word(error->code));
    put_unless_empty(value, "message", error->text);
    put_unless_empty(value, "hint", error->hint);
    put_unless_empty(value, "acme_type", error->acme_type);
    store_json_put_time(value, "retry_at", error->retry_at);
}

json_t *store_json_section(json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    if (json_is_object(value))
        return value;
    value = json_object();
    store_json_put(object, member, value);
    return value;
}

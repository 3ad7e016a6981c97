#include <acmec/data/ini.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>

#define BLANKS " \t"

/* ---- reading ---- */

struct raw_line {
    struct span all;  /* with its line end */
    struct span text; /* without */
};

/* The line at *at, which moves behind it; false at the end. */
static bool next_line(struct span text, size_t *at, struct raw_line *out)
{
    if (*at >= text.len)
        return false;
    const char *start = text.ptr + *at;
    size_t left = text.len - *at;
    const char *newline = memchr(start, '\n', left);
    size_t len = newline == NULL ? left : (size_t)(newline - start);
    out->all = span_of(start, newline == NULL ? left : len + 1);
    if (newline != NULL && len > 0 && start[len - 1] == '\r')
        len--;
    out->text = span_of(start, len);
    *at += out->all.len;
    return true;
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && memchr(BLANKS, text.ptr[0], 2) != NULL) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && memchr(BLANKS, text.ptr[text.len - 1], 2) != NULL)
        text.len--;
    return text;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return true;
    }
    return false;
}

enum line_kind { LINE_PAIR, LINE_OTHER, LINE_LONG, LINE_CONTROL, LINE_NO_EQUALS, LINE_NO_KEY };

/* Sets key and value for LINE_PAIR only; LINE_OTHER is a comment or blank. */
static enum line_kind read_line(struct span line, struct span *key, struct span *value)
{
    if (line.len > INI_LINE_MAX)
        return LINE_LONG;
    if (has_control(line))
        return LINE_CONTROL;
    struct span body = trimmed(line);
    if (body.len == 0 || body.ptr[0] == '#')
        return LINE_OTHER;
    const char *equals = memchr(body.ptr, '=', body.len);
    if (equals == NULL)
        return LINE_NO_EQUALS;
    size_t before = (size_t)(equals - body.ptr);
    *key = trimmed(span_of(body.ptr, before));
    *value = trimmed(span_of(equals + 1, body.len - before - 1));
    return key->len == 0 ? LINE_NO_KEY : LINE_PAIR;
}

static const char *const complaints[] = {
    [LINE_PAIR] = "",
    [LINE_OTHER] = "",
    [LINE_LONG] = "the line is over 4096 bytes",
    [LINE_CONTROL] = "a control character in this line",
    [LINE_NO_EQUALS] = "no '=' in this line",
    [LINE_NO_KEY] = "no key before '='",
};

void ini_release(struct ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        free(ini->lines[i].key);
        free(ini->lines[i].value);
    }
    free(ini->lines);
    *ini = (struct ini){0};
}

static void add_line(struct ini *ini, size_t *capacity, struct ini_line line)
{
    if (ini->count == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        ini->lines = mem_resize(ini->lines, *capacity, sizeof(*ini->lines));
    }
    ini->lines[ini->count++] = line;
}

bool ini_parse(struct span text, const char *file, struct ini *out, struct error *err)
{
    if (text.len > INI_FILE_MAX)
        return fail(err, ERR_CONFIG, "%s: the file is over %d bytes", escaped_str(file).text,
                    INI_FILE_MAX);
    AUTO(ini) found = {0};
    size_t capacity = 0;
    struct raw_line line;
    unsigned number = 0;
    for (size_t at = 0; next_line(text, &at, &line);) {
        struct span key;
        struct span value;
        enum line_kind kind = read_line(line.text, &key, &value);
        number++;
        if (kind == LINE_OTHER)
            continue;
        if (kind != LINE_PAIR)
            return fail(err, ERR_CONFIG, "%s:%u: %s", escaped_str(file).text, number,
                        complaints[kind]);
        add_line(&found, &capacity,
                 (struct ini_line){.key = mem_strndup(key.ptr, key.len),
                                   .value = mem_strndup(value.ptr, value.len),
                                   .line = number});
    }
    *out = found;
    found = (struct ini){0};
    return true;
}

/* ---- editing ---- */

struct edit {
    struct span old_text;
    const struct ini_change *changes;
    size_t count;
    size_t *written; /* for each change: how many of its values stand in out */
    const char *line_end;
    struct buf *out;
};

static bool is_settable(const struct ini_change *change, const char *value, struct error *err)
{
    struct span text = span_str(value);
    bool trim = !span_equals(trimmed(text), text);
    if (has_control(text) || trim)
        return fail(err, ERR_CONFIG, "the value of '%s' cannot be stored: %s", change->key,
                    trim ? "it begins or ends in a blank" : "it has a control character");
    if (strlen(change->key) + strlen(" = ") + text.len > INI_LINE_MAX)
        return fail(err, ERR_CONFIG, "the value of '%s' cannot be stored: it is too long",
                    change->key);
    return true;
}

static bool check_changes(const struct ini_change *changes, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < changes[i].count; k++) {
            if (!is_settable(&changes[i], changes[i].values[k], err))
                return false;
        }
    }
    return true;
}

static const struct ini_change *change_of(const struct edit *edit, struct span key, size_t *index)
{
    for (size_t i = 0; i < edit->count; i++) {
        if (span_is(key, edit->changes[i].key)) {
            *index = i;
            return &edit->changes[i];
        }
    }
    return NULL;
}

/* Whether a line at or after `at` has this key and value, and whether one has the key at all. */
static bool comes_later(struct span text, size_t at, struct span wanted_key, const char *wanted,
                        bool *has_key)
{
    struct raw_line line;
    *has_key = false;
    while (next_line(text, &at, &line)) {
        struct span key;
        struct span value;
        if (read_line(line.text, &key, &value) != LINE_PAIR || !span_equals(key, wanted_key))
            continue;
        *has_key = true;
        if (wanted != NULL && span_is(value, wanted))
            return true;
    }
    return false;
}

static void write_values(const struct edit *edit, size_t index, size_t until)
{
    const struct ini_change *change = &edit->changes[index];
    if (edit->out->len > 0 && edit->out->data[edit->out->len - 1] != '\n')
        buf_add_str(edit->out, edit->line_end);
    for (; edit->written[index] < until; edit->written[index]++)
        buf_addf(edit->out, "%s = %s%s", change->key, change->values[edit->written[index]],
                 edit->line_end);
}

/* A line whose key is to change: kept where its value is still wanted, else replaced by the next
 * value, unless that one follows further down. */
static void edit_pair(const struct edit *edit, size_t index, const struct raw_line *line,
                      struct span key, struct span value, size_t after)
{
    const struct ini_change *change = &edit->changes[index];
    size_t next = edit->written[index];
    size_t match = next;
    while (match < change->count && !span_is(value, change->values[match]))
        match++;
    bool has_key = false;
    const char *wanted = next < change->count ? change->values[next] : NULL;
    bool later = comes_later(edit->old_text, after, key, wanted, &has_key);
    if (match < change->count) {
        write_values(edit, index, match);
        buf_add_span(edit->out, line->all);
        edit->written[index]++;
    } else if (next < change->count && !later) {
        write_values(edit, index, next + 1);
    }
    if (!has_key && edit->written[index] < change->count)
        write_values(edit, index, change->count);
}

static void apply(const struct edit *edit)
{
    struct raw_line line;
    for (size_t at = 0; next_line(edit->old_text, &at, &line);) {
        struct span key;
        struct span value;
        size_t index = 0;
        if (read_line(line.text, &key, &value) == LINE_PAIR && change_of(edit, key, &index) != NULL)
            edit_pair(edit, index, &line, key, value, at);
        else
            buf_add_span(edit->out, line.all);
    }
    for (size_t i = 0; i < edit->count; i++) {
        if (edit->written[i] < edit->changes[i].count)
            write_values(edit, i, edit->changes[i].count);
    }
}

/* The next line from *at on whose key no change names; NULL at the end. */
static const struct ini_line *next_other(const struct edit *edit, const struct ini *ini, size_t *at)
{
    size_t index;
    while (*at < ini->count && change_of(edit, span_str(ini->lines[*at].key), &index) != NULL)
        (*at)++;
    return *at < ini->count ? &ini->lines[(*at)++] : NULL;
}

static bool others_same(const struct edit *edit, const struct ini *before, const struct ini *after)
{
    size_t i = 0;
    size_t k = 0;
    for (;;) {
        const struct ini_line *a = next_other(edit, before, &i);
        const struct ini_line *b = next_other(edit, after, &k);
        if (a == NULL || b == NULL)
            return a == b;
        if (strcmp(a->key, b->key) != 0 || strcmp(a->value, b->value) != 0)
            return false;
    }
}

static bool change_stands(const struct ini_change *change, const struct ini *after)
{
    size_t seen = 0;
    for (size_t i = 0; i < after->count; i++) {
        if (strcmp(after->lines[i].key, change->key) != 0)
            continue;
        if (seen == change->count || strcmp(after->lines[i].value, change->values[seen]) != 0)
            return false;
        seen++;
    }
    return seen == change->count;
}

static bool verify(const struct edit *edit, const struct ini *before, struct error *err)
{
    AUTO(ini) after = {0};
    if (!buf_ok(edit->out))
        return fail(err, ERR_CONFIG, "the changed text is over %d bytes", INI_FILE_MAX);
    if (!ini_parse(buf_span(edit->out), "the changed text", &after, err))
        return false;
    bool same = others_same(edit, before, &after);
    for (size_t i = 0; same && i < edit->count; i++)
        same = change_stands(&edit->changes[i], &after);
    return same || fail(err, ERR_CONFIG, "the changed text would not read back the same");
}

bool ini_edit(struct span old_text, const struct ini_change *changes, size_t count, struct buf *out,
              struct error *err)
{
    AUTO(ini) before = {0};
    if (!ini_parse(old_text, "the old text", &before, err) || !check_changes(changes, count, err))
        return false;
    const char *newline = old_text.len == 0 ? NULL : memchr(old_text.ptr, '\n', old_text.len);
    bool crlf = newline != NULL && newline > old_text.ptr && newline[-1] == '\r';
    AUTO(buf) text = BUF(INI_FILE_MAX);
    size_t *written = mem_new(count, sizeof(*written));
    struct edit edit = {.old_text = old_text,
                        .changes = changes,
                        .count = count,
                        .written = written,
                        .line_end = crlf ? "\r\n" : "\n",
                        .out = &text};
    apply(&edit);
    free(written);
    if (!verify(&edit, &before, err))
        return false;
    buf_add_span(out, buf_span(&text));
    return true;
}

#include <acmec/cli/option.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/path.h>
#include <acmec/data/timefmt.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AS_ROW(id, name, letter, kind, argument, group, files, minimum, maximum, words, fallback,  \
               help)                                                                               \
    [OPT_##id] = {name,    letter,  OPTION_##kind, argument, GROUP_##group, FILES_##files,         \
                  minimum, maximum, words,         fallback, help},
static const struct option_row rows[OPTION_COUNT] = {OPTIONS(AS_ROW)};

#define AS_HEADING(id, heading) [GROUP_##id] = heading,
static const char *const headings[GROUP_COUNT] = {OPTION_GROUPS(AS_HEADING)};

const struct option_row *option_row(enum option_id id)
{
    return &rows[id];
}

const char *option_group_heading(enum option_group group)
{
    return headings[group];
}

bool option_by_name(const char *name, enum option_id *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *out = (enum option_id)i;
            return true;
        }
    }
    return false;
}

bool option_by_letter(char letter, enum option_id *out)
{
    for (size_t i = 0; letter != 0 && i < OPTION_COUNT; i++) {
        if (rows[i].letter == letter) {
            *out = (enum option_id)i;
            return true;
        }
    }
    return false;
}

bool option_word_in(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; len > 0 && *at != 0;) {
        size_t part = strcspn(at, ",");
        if (part == len && memcmp(at, word, len) == 0)
            return true;
        at += part + (at[part] == ',' ? 1 : 0);
    }
    return false;
}

/* ---- values given ---- */

void option_set_drop(struct option_set *set, enum option_id id)
{
    struct option_values *values = &set->values[id];
    for (size_t i = 0; i < values->count; i++)
        free(values->items[i].text);
    free(values->items);
    *values = (struct option_values){0};
}

void option_set_release(struct option_set *set)
{
    for (size_t id = 0; id < OPTION_COUNT; id++)
        option_set_drop(set, (enum option_id)id);
    free(set->file);
    *set = (struct option_set){0};
}

static bool fail_at(const struct option_set *set, enum option_id id, unsigned line,
                    struct error *err, const char *text)
{
    if (set->file == NULL)
        return fail(err, ERR_USAGE, "--%s: %s", rows[id].name, text);
    return fail(err, ERR_CONFIG, "%s:%u: %s: %s", escaped_str(set->file).text, line, rows[id].name,
                text);
}

bool option_fail(const struct option_set *set, enum option_id id, size_t nth, struct error *err,
                 const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail_at(set, id, set->values[id].items[nth].line, err, text);
}

static bool all_digits(const char *text)
{
    return text[0] != 0 && strspn(text, "0123456789") == strlen(text);
}

/* The value of a NUMBER or DURATION; false when it is none. */
static bool read_number(const struct option_row *row, const char *text, int64_t *out)
{
    if (row->kind == OPTION_DURATION)
        return timefmt_parse_duration(span_str(text), out);
    if (!all_digits(text) || strlen(text) > 18)
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

/* What is wrong with a value, into why; false: nothing. */
static bool is_wrong(const struct option_set *set, enum option_id id, const char *text,
                     struct error *why)
{
    const struct option_row *row = &rows[id];
    for (const char *at = text; *at != 0; at++) {
        if (iscntrl((unsigned char)*at))
            return !fail(why, ERR_USAGE, "control characters are not allowed");
    }
    if (strlen(text) > OPTION_VALUE_MAX)
        return !fail(why, ERR_USAGE, "longer than %d bytes", OPTION_VALUE_MAX);
    if (row->kind != OPTION_FLAG && text[0] == 0)
        return !fail(why, ERR_USAGE, "a value is missing");
    if (text[0] == ' ' || (text[0] != 0 && text[strlen(text) - 1] == ' '))
        return !fail(why, ERR_USAGE, "begins or ends with a blank");
    if (row->kind == OPTION_PATH && set->file != NULL && text[0] != '/' &&
        !option_word_in(row->words, text))
        return !fail(why, ERR_USAGE, "'%s' must begin with '/'", escaped_str(text).text);
    if ((row->kind == OPTION_STRING || row->kind == OPTION_LIST) && row->words[0] != 0 &&
        !option_word_in(row->words, text))
        return !fail(why, ERR_USAGE, "'%s' is none of %s", escaped_str(text).text, row->words);
    if (row->kind != OPTION_NUMBER && row->kind != OPTION_DURATION)
        return false;
    int64_t value;
    if (!read_number(row, text, &value))
        return !fail(why, ERR_USAGE, "'%s' is not %s", escaped_str(text).text,
                     row->kind == OPTION_NUMBER ? "a number"
                                                : "a time such as 45, 10m, 12h or 30d");
    if (value < row->minimum || value > row->maximum)
        return !fail(why, ERR_USAGE, "'%s' is not between %lld and %lld", escaped_str(text).text,
                     (long long)row->minimum, (long long)row->maximum);
    return false;
}

static void append(struct option_set *set, enum option_id id, char *taken, unsigned line)
{
    struct option_values *values = &set->values[id];
    values->items = mem_resize(values->items, values->count + 1, sizeof *values->items);
    values->items[values->count++] = (struct option_value){taken, line};
}

/* Owned; one of words stays as it is. */
static char *absolute(const char *path, const char *words)
{
    AUTO_FREE folder = getcwd(NULL, 0);
    char *out = option_word_in(words, path) ? NULL : path_absolute(path, folder);
    return out == NULL ? mem_strdup(path) : out;
}

static bool add_one(struct option_set *set, enum option_id id, const char *text, unsigned line,
                    struct error *err)
{
    struct error why;
    if (set->values[id].count >= OPTION_VALUES_MAX)
        return fail_at(set, id, line, err, "given too often");
    if (is_wrong(set, id, text, &why))
        return fail_at(set, id, line, err, why.text);
    if (rows[id].kind != OPTION_PATH) {
        append(set, id, mem_strdup(text), line);
        return true;
    }
    append(set, id, absolute(text, rows[id].words), line);
    return true;
}

static bool add_list(struct option_set *set, enum option_id id, const char *text, unsigned line,
                     struct error *err)
{
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        size_t blanks = strspn(at, " \t");
        const char *begin = at + blanks;
        size_t part_len = len - blanks;
        while (part_len > 0 && (begin[part_len - 1] == ' ' || begin[part_len - 1] == '\t'))
            part_len--;
        AUTO_FREE part = mem_strndup(begin, part_len);
        if (!add_one(set, id, part, line, err))
            return false;
        at += len;
        if (*at == 0)
            return true;
    }
}

static bool add_flag(struct option_set *set, enum option_id id, const char *text, unsigned line,
                     struct error *err)
{
    if (text == NULL || strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
        return add_one(set, id, text == NULL ? "yes" : text, line, err);
    return fail_at(set, id, line, err, "must be 'yes' or 'no'");
}

bool option_set_add(struct option_set *set, enum option_id id, const char *text, unsigned line,
                    struct error *err)
{
    enum option_kind kind = rows[id].kind;
    if (kind != OPTION_LIST && set->file != NULL && set->values[id].count > 0)
        return fail_at(set, id, line, err, "given a second time");
    if (kind == OPTION_FLAG)
        return add_flag(set, id, text, line, err);
    if (kind == OPTION_LIST)
        return add_list(set, id, text, line, err);
    return add_one(set, id, text, line, err);
}

void option_set_move(struct option_set *from, struct option_set *to, enum option_id id)
{
    to->values[id] = from->values[id];
    from->values[id] = (struct option_values){0};
}

const char *option_set_text(const struct option_set *set, enum option_id id)
{
    const struct option_values *values = &set->values[id];
    if (values->count == 0)
        return NULL;
    return values->items[values->count - 1].text;
}

/* ---- layers ---- */

const struct option_set *option_layers_find(const struct option_layers *layers, enum option_id id)
{
    for (size_t i = 0; i < layers->count; i++) {
        if (layers->sets[i]->values[id].count > 0)
            return layers->sets[i];
    }
    return NULL;
}

const char *option_layers_text(const struct option_layers *layers, enum option_id id)
{
    const struct option_set *set = option_layers_find(layers, id);
    return set == NULL ? NULL : option_set_text(set, id);
}

bool option_layers_flag(const struct option_layers *layers, enum option_id id)
{
    const char *text = option_layers_text(layers, id);
    return text != NULL && strcmp(text, "yes") == 0;
}

int64_t option_layers_number(const struct option_layers *layers, enum option_id id,
                             int64_t fallback)
{
    const char *text = option_layers_text(layers, id);
    int64_t value;
    return text != NULL && read_number(&rows[id], text, &value) ? value : fallback;
}

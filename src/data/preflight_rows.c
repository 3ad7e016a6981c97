#include <acmec/data/preflight_rows.h>

#include <acmec/base/mem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PREFLIGHT_AS_WORD(id, word) [PREFLIGHT_##id] = (word),

const char *preflight_word(enum preflight_kind kind)
{
    static const char *const words[PREFLIGHT_KIND_COUNT] = {PREFLIGHT_KINDS(PREFLIGHT_AS_WORD)};
    return words[kind];
}

struct preflight_row *preflight_add(struct preflight_rows *rows, const char *name,
                                    enum preflight_kind kind, bool ok, const char *fmt, ...)
{
    va_list args;
    rows->items = mem_resize(rows->items, rows->count + 1, sizeof *rows->items);
    struct preflight_row *row = &rows->items[rows->count++];
    *row = (struct preflight_row){.kind = kind, .ok = ok};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    va_start(args, fmt);
    (void)vsnprintf(row->detail, sizeof row->detail, fmt, args);
    va_end(args);
    return row;
}

void preflight_hint(struct preflight_row *row, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(row->hint, sizeof row->hint, fmt, args);
    va_end(args);
}

void preflight_rows_release(struct preflight_rows *rows)
{
    free(rows->items);
    *rows = (struct preflight_rows){0};
}

bool preflight_error(const struct preflight_rows *rows, struct error *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct preflight_row *row = &rows->items[i];
        if (row->ok)
            continue;
        (void)fail(err, ERR_REFUSED, "%s: %s", row->name, row->detail);
        if (row->hint[0] != '\0')
            (void)with_hint(err, "%s", row->hint);
        return true;
    }
    return false;
}

#include <acmec/data/edit.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>

static struct span copy(struct span bytes)
{
    char *copied = mem_new(1, bytes.len + 1);
    if (bytes.len > 0)
        memcpy(copied, bytes.ptr, bytes.len);
    return (struct span){copied, bytes.len};
}

static void drop(struct span owned)
{
    free((char *)(uintptr_t)owned.ptr);
}

void edit_plan_release(struct edit_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct edit_file *file = &plan->files[i];
        for (size_t k = 0; k < file->count; k++) {
            drop(file->items[k].was);
            drop(file->items[k].now);
        }
        free(file->items);
        free(file->path);
    }
    free(plan->files);
    *plan = (struct edit_plan){0};
}

const struct edit_file *edit_plan_find(const struct edit_plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->files[i].path, path) == 0)
            return &plan->files[i];
    return NULL;
}

static struct edit_file *file_of(struct edit_plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->files[i].path, path) == 0)
            return &plan->files[i];
    return NULL;
}

static struct edit_file *file_for(struct edit_plan *plan, const char *path)
{
    struct edit_file *known = file_of(plan, path);
    if (known != NULL)
        return known;
    plan->files = mem_resize(plan->files, plan->count + 1, sizeof *plan->files);
    plan->files[plan->count] = (struct edit_file){.path = mem_strdup(path)};
    return &plan->files[plan->count++];
}

void edit_plan_add(struct edit_plan *plan, const char *path, size_t offset, struct span was,
                   struct span now)
{
    struct edit_file *file = file_for(plan, path);
    file->items = mem_resize(file->items, file->count + 1, sizeof *file->items);
    size_t at = file->count++;
    for (; at > 0 && file->items[at - 1].offset > offset; at--)
        file->items[at] = file->items[at - 1];
    file->items[at] = (struct edit){offset, copy(was), copy(now)};
}

/* ---- what differs ---- */

/* How many bytes both begin with, up to the end of a line. */
static size_t same_lines_before(struct span a, struct span b)
{
    size_t same = 0, lines = 0;
    while (same < a.len && same < b.len && a.ptr[same] == b.ptr[same])
        if (a.ptr[same++] == '\n')
            lines = same;
    return lines;
}

static bool starts_line(struct span bytes, size_t offset)
{
    return offset == 0 || bytes.ptr[offset - 1] == '\n';
}

/* How many bytes both end with, from the start of a line. */
static size_t same_lines_after(struct span a, struct span b)
{
    size_t same = 0, lines = 0;
    while (same < a.len && same < b.len && a.ptr[a.len - same - 1] == b.ptr[b.len - same - 1]) {
        same++;
        if (starts_line(a, a.len - same) && starts_line(b, b.len - same))
            lines = same;
    }
    return lines;
}

void edit_plan_add_change(struct edit_plan *plan, const char *path, struct span before,
                          struct span after)
{
    if (span_equals(before, after) || after.len == 0)
        return;
    size_t head = same_lines_before(before, after);
    struct span was = {before.ptr + head, before.len - head};
    struct span now = {after.ptr + head, after.len - head};
    size_t tail = same_lines_after(was, now);
    /* A mere deletion could not be found again: the line before it goes along, or all after it. */
    if (now.len == tail && head > 0) {
        size_t line = 1;
        while (line < head && before.ptr[head - line - 1] != '\n')
            line++;
        head -= line;
    } else if (now.len == tail) {
        tail = 0;
    }
    edit_plan_add(plan, path, head, (struct span){before.ptr + head, before.len - head - tail},
                  (struct span){after.ptr + head, after.len - head - tail});
}

/* ---- one edit a line ---- */

static struct span concat(struct span a, struct span b, struct span c)
{
    char *joined = mem_new(1, a.len + b.len + c.len + 1);
    memcpy(joined, a.ptr, a.len);
    memcpy(joined + a.len, b.ptr, b.len);
    memcpy(joined + a.len + b.len, c.ptr, c.len);
    return (struct span){joined, a.len + b.len + c.len};
}

static void join(struct edit *first, const struct edit *second, struct span between)
{
    struct edit joined = {
        .offset = first->offset,
        .was = concat(first->was, between, second->was),
        .now = concat(first->now, between, second->now),
    };
    drop(first->was);
    drop(first->now);
    drop(second->was);
    drop(second->now);
    *first = joined;
}

void edit_plan_join_lines(struct edit_plan *plan, const char *path, struct span before)
{
    struct edit_file *file = file_of(plan, path);
    size_t kept = 0;
    for (size_t i = 1; file != NULL && i < file->count; i++) {
        struct edit *last = &file->items[kept];
        size_t end = last->offset + last->was.len, next = file->items[i].offset;
        bool same_line =
            end <= next && next <= before.len && memchr(before.ptr + end, '\n', next - end) == NULL;
        if (same_line)
            join(last, &file->items[i], (struct span){before.ptr + end, next - end});
        else
            file->items[++kept] = file->items[i];
    }
    if (file != NULL)
        file->count = kept + 1;
}

/* ---- doing and undoing ---- */

static struct span part(struct span bytes, size_t from, size_t to)
{
    return (struct span){bytes.ptr + from, to - from};
}

static bool stands_at(struct span bytes, size_t offset, struct span what)
{
    return offset <= bytes.len && what.len <= bytes.len - offset &&
           span_equals(part(bytes, offset, offset + what.len), what);
}

static unsigned line_of(struct span bytes, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < bytes.len; i++)
        line += bytes.ptr[i] == '\n';
    return line;
}

bool edit_apply(const struct edit_file *file, struct span before, struct buf *after,
                struct error *err)
{
    AUTO(buf) out = BUF(EDIT_FILE_MAX);
    size_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct edit *edit = &file->items[i];
        if (edit->offset < at || !stands_at(before, edit->offset, edit->was))
            return fail(err, ERR_WEB_SERVER, "%s:%u: the file is not as it was read",
                        escaped_str(file->path).text, line_of(before, edit->offset));
        buf_add_span(&out, part(before, at, edit->offset));
        buf_add_span(&out, edit->now);
        at = edit->offset + edit->was.len;
    }
    buf_add_span(&out, part(before, at, before.len));
    if (!buf_ok(&out))
        return fail(err, ERR_WEB_SERVER, "%s: the file is too large to be edited",
                    escaped_str(file->path).text);
    buf_add_span(after, buf_span(&out));
    return true;
}

/* The offsets at which edit_apply has left each edit's bytes; false: they do not stand there. */
static bool locate_exactly(const struct edit_file *file, struct span now, size_t *offsets)
{
    size_t shift = 0; /* modulo SIZE_MAX + 1: it may be negative */
    for (size_t i = 0; i < file->count; i++) {
        const struct edit *edit = &file->items[i];
        offsets[i] = edit->offset + shift;
        if (!stands_at(now, offsets[i], edit->now))
            return false;
        shift += edit->now.len - edit->was.len;
    }
    return true;
}

static bool find(struct span bytes, size_t from, struct span what, size_t *at)
{
    const char *hit =
        from > bytes.len ? NULL : memmem(bytes.ptr + from, bytes.len - from, what.ptr, what.len);
    if (hit != NULL)
        *at = (size_t)(hit - bytes.ptr);
    return hit != NULL;
}

static size_t occurrences(struct span bytes, struct span what)
{
    size_t count = 0;
    for (size_t at = 0; find(bytes, at, what, &at); at += what.len)
        count++;
    return count;
}

/* How often the edits have put a text there, also as a part of a longer one. */
static size_t put_there(const struct edit_file *file, struct span now)
{
    size_t count = 0;
    for (size_t i = 0; i < file->count; i++)
        count += occurrences(file->items[i].now, now);
    return count;
}

/* In order, and each text exactly as often as the edits have put it there. */
static bool locate_anywhere(const struct edit_file *file, struct span now, size_t *offsets,
                            struct error *err)
{
    size_t from = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct edit *edit = &file->items[i];
        if (!find(now, from, edit->now, &offsets[i]))
            return fail(err, ERR_WEB_SERVER, "%s:%u: what was put here has been changed since",
                        escaped_str(file->path).text, line_of(now, from));
        if (occurrences(now, edit->now) != put_there(file, edit->now))
            return fail(err, ERR_WEB_SERVER, "%s:%u: what was put here now stands here twice",
                        escaped_str(file->path).text, line_of(now, offsets[i]));
        from = offsets[i] + edit->now.len;
    }
    return true;
}

bool edit_undo(const struct edit_file *file, struct span now, struct buf *before, struct error *err)
{
    size_t *offsets = mem_new(file->count + 1, sizeof *offsets);
    bool found = locate_exactly(file, now, offsets) || locate_anywhere(file, now, offsets, err);
    size_t at = 0;
    for (size_t i = 0; found && i < file->count; i++) {
        buf_add_span(before, part(now, at, offsets[i]));
        buf_add_span(before, file->items[i].was);
        at = offsets[i] + file->items[i].now.len;
    }
    if (found)
        buf_add_span(before, part(now, at, now.len));
    free(offsets);
    return found;
}

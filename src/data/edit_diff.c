/* The unified diff of a file's edits. It need not search: the edits say where the files differ. */
#include <acmec/data/edit.h>

#include <acmec/base/cleanup.h>
#include <acmec/data/escape.h>

#define CONTEXT 3

/* Edits whose lines touch: one run of - and + lines. */
struct group {
    size_t first, last; /* edits */
    size_t from, to;    /* offsets in the file before: whole lines */
};

static size_t line_start(struct span bytes, size_t offset)
{
    while (offset > 0 && bytes.ptr[offset - 1] != '\n')
        offset--;
    return offset;
}

/* Past the newline; the end of the bytes where there is none. */
static size_t line_end(struct span bytes, size_t offset)
{
    while (offset < bytes.len && bytes.ptr[offset] != '\n')
        offset++;
    return offset < bytes.len ? offset + 1 : offset;
}

static size_t lines_back(struct span bytes, size_t start, unsigned lines)
{
    while (lines-- > 0 && start > 0)
        start = line_start(bytes, start - 1);
    return start;
}

static size_t lines_on(struct span bytes, size_t end, unsigned lines)
{
    while (lines-- > 0)
        end = line_end(bytes, end);
    return end;
}

/* The whole lines that an edit touches. One that inserts whole lines between two touches none. */
static void touched(struct span before, const struct edit *edit, size_t *from, size_t *to)
{
    *from = line_start(before, edit->offset);
    size_t end = edit->offset + edit->was.len;
    bool whole = *from == edit->offset && edit->now.ptr[edit->now.len - 1] == '\n' &&
                 (edit->was.len == 0 || before.ptr[end - 1] == '\n');
    *to = whole ? end : line_end(before, end);
}

static size_t count_lines(struct span bytes)
{
    size_t count = 0;
    for (size_t at = 0; at < bytes.len; at = line_end(bytes, at))
        count++;
    return count;
}

static void add_lines(char mark, struct span bytes, struct buf *out)
{
    for (size_t at = 0, end; at < bytes.len; at = end) {
        end = line_end(bytes, at);
        buf_add_byte(out, mark);
        buf_add(out, bytes.ptr + at, end - at);
        if (bytes.ptr[end - 1] != '\n')
            buf_add_str(out, "\n\\ No newline at end of file\n");
    }
}

static struct span part(struct span bytes, size_t from, size_t to)
{
    return (struct span){bytes.ptr + from, to - from};
}

/* What a group makes of its lines. */
static void edited(const struct edit_file *file, const struct group *group, struct span before,
                   struct buf *out)
{
    size_t at = group->from;
    for (size_t i = group->first; i <= group->last; i++) {
        buf_add_span(out, part(before, at, file->items[i].offset));
        buf_add_span(out, file->items[i].now);
        at = file->items[i].offset + file->items[i].was.len;
    }
    buf_add_span(out, part(before, at, group->to));
}

static struct group next_group(const struct edit_file *file, struct span before, size_t first)
{
    struct group group = {.first = first, .last = first};
    touched(before, &file->items[first], &group.from, &group.to);
    for (size_t i = first + 1; i < file->count; i++) {
        size_t from, to;
        touched(before, &file->items[i], &from, &to);
        if (from >= group.to && !(from == group.to && to == from))
            break;
        group.last = i;
        if (to > group.to)
            group.to = to;
    }
    return group;
}

/* A hunk while it is written. */
struct hunk {
    struct span before;
    struct buf body;
    size_t at; /* written up to here */
    size_t old_lines, new_lines;
};

static void add_context(struct hunk *hunk, size_t to)
{
    struct span kept = part(hunk->before, hunk->at, to);
    add_lines(' ', kept, &hunk->body);
    hunk->old_lines += count_lines(kept);
    hunk->new_lines += count_lines(kept);
    hunk->at = to;
}

/* How many bytes of whole lines both begin with. */
static size_t same_head(struct span a, struct span b)
{
    size_t at = 0;
    for (size_t end; at < a.len; at = end) {
        end = line_end(a, at);
        if (end > b.len || memcmp(a.ptr + at, b.ptr + at, end - at) != 0 || a.ptr[end - 1] != '\n')
            break;
    }
    return at;
}

/* How many bytes of whole lines both end with. */
static size_t same_tail(struct span a, struct span b)
{
    size_t len = 0;
    while (len < a.len) {
        size_t from = line_start(a, a.len - len - 1);
        size_t more = a.len - from;
        if (more > b.len || memcmp(a.ptr + from, b.ptr + b.len - more, more) != 0 ||
            (more < b.len && b.ptr[b.len - more - 1] != '\n'))
            break;
        len = more;
    }
    return len;
}

/* An edit may touch a line only to put others beside it: that one is context. */
static void add_group(struct hunk *hunk, const struct edit_file *file, const struct group *group)
{
    AUTO(buf) text = BUF(EDIT_FILE_MAX);
    struct span was = part(hunk->before, group->from, group->to);
    edited(file, group, hunk->before, &text);
    struct span now = buf_span(&text);
    size_t head = same_head(was, now);
    was = part(was, head, was.len);
    now = part(now, head, now.len);
    size_t tail = same_tail(was, now);
    was.len -= tail;
    now.len -= tail;
    add_context(hunk, group->from + head);
    add_lines('-', was, &hunk->body);
    add_lines('+', now, &hunk->body);
    hunk->old_lines += count_lines(was);
    hunk->new_lines += count_lines(now);
    hunk->at = group->to - tail;
}

/* Groups that are not further apart than their contexts are one hunk. Returns the first edit after
 * it. shift: how many lines the hunks before have added. */
static size_t add_hunk(const struct edit_file *file, struct span before, size_t first,
                       ptrdiff_t *shift, struct buf *out)
{
    struct hunk hunk = {.before = before, .body = BUF(2 * (size_t)EDIT_FILE_MAX)};
    struct group group = next_group(file, before, first);
    size_t start = lines_back(before, group.from, CONTEXT);
    hunk.at = start;
    do {
        add_context(&hunk, group.from);
        add_group(&hunk, file, &group);
        first = group.last + 1;
        if (first < file->count)
            group = next_group(file, before, first);
    } while (first < file->count && group.from <= lines_on(before, hunk.at, 2 * CONTEXT));
    add_context(&hunk, lines_on(before, hunk.at, CONTEXT));
    /* An empty side is named by the line before it. */
    size_t line = count_lines(part(before, 0, start));
    buf_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", line + (hunk.old_lines > 0), hunk.old_lines,
             (size_t)((ptrdiff_t)line + *shift) + (hunk.new_lines > 0), hunk.new_lines);
    buf_add_span(out, buf_span(&hunk.body));
    *shift += (ptrdiff_t)hunk.new_lines - (ptrdiff_t)hunk.old_lines;
    buf_release(&hunk.body);
    return first;
}

void edit_diff(const struct edit_file *file, struct span before, struct buf *out)
{
    if (file->count == 0)
        return;
    buf_addf(out, "--- %s\n", escaped_str(file->path).text);
    buf_addf(out, "+++ %s\n", escaped_str(file->path).text);
    ptrdiff_t shift = 0;
    for (size_t i = 0; i < file->count;)
        i = add_hunk(file, before, i, &shift, out);
}

#include <acmec/nginx/layout.h>

#include <acmec/base/cleanup.h>
#include <acmec/data/escape.h>
#include <stdarg.h>
#include <stdio.h>

#define MARK "# managed by acmec: "
#define COMMENT_MAX 4095

void layout_lines_release(struct layout_lines *lines)
{
    buf_release(&lines->text);
}

void layout_line(struct layout_lines *lines, unsigned depth, const char *fmt, ...)
{
    char text[LEXER_BUFFER * 2];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text) {
        lines->text.failed = true;
        return;
    }
    for (unsigned i = 0; i < depth; i++)
        buf_add_str(&lines->text, "    ");
    buf_addf(&lines->text, "%s\n", text);
}

struct escaped layout_place(const struct conf *conf, uint32_t item)
{
    AUTO(buf) place = BUF(ESCAPE_MAX);
    buf_addf(&place, "%s:%u", conf_path(conf, item), conf_line(conf, item));
    return escaped(buf_span(&place));
}

bool layout_quote(const char *value, struct buf *out)
{
    bool plain = value[0] != '\0' && value[0] != '#' && value[0] != '}';
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '$' || (unsigned char)*at < ' ' || *at == 127)
            return false;
        if (strchr(" \"';{}\\", *at) != NULL)
            plain = false;
    }
    if (strlen(value) > LEXER_BUFFER / 2 - 8)
        return false;
    if (plain) {
        buf_add_str(out, value);
        return true;
    }
    buf_add_byte(out, '"');
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, *at);
    }
    buf_add_byte(out, '"');
    return true;
}

/* ---- lines of a file ---- */

static struct span text_of(const struct conf *conf, uint32_t item)
{
    return conf_tree(conf, item)->text;
}

static size_t line_begin(struct span text, size_t offset)
{
    while (offset > 0 && text.ptr[offset - 1] != '\n')
        offset--;
    return offset;
}

/* Before the line's LF or CR LF. */
static size_t line_end(struct span text, size_t offset)
{
    while (offset < text.len && text.ptr[offset] != '\n')
        offset++;
    if (offset < text.len && offset > 0 && text.ptr[offset - 1] == '\r')
        offset--;
    return offset;
}

static struct span newline_of(struct span text)
{
    const char *lf = memchr(text.ptr, '\n', text.len);
    bool crlf = lf != NULL && lf > text.ptr && lf[-1] == '\r';
    return crlf ? SPAN_LIT("\r\n") : SPAN_LIT("\n");
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool is_first_on_line(struct span text, size_t offset)
{
    while (offset > 0 && is_blank(text.ptr[offset - 1]))
        offset--;
    return offset == 0 || text.ptr[offset - 1] == '\n';
}

/* Nothing but a comment follows on the line. */
static bool is_last_on_line(struct span text, size_t offset)
{
    while (offset < text.len && is_blank(text.ptr[offset]))
        offset++;
    return offset == text.len || text.ptr[offset] == '\n' || text.ptr[offset] == '#';
}

static struct span indent_of(struct span text, size_t offset)
{
    size_t begin = line_begin(text, offset), end = begin;
    while (end < offset && (text.ptr[end] == ' ' || text.ptr[end] == '\t'))
        end++;
    return (struct span){text.ptr + begin, end - begin};
}

/* ---- marks ---- */

/* Whether the line ends within a word or Lua, where a comment would be none. Words and statements
 * stand in the order of the file, and neither overlap, but for a block and what it holds. */
static bool ends_within(const struct tree *tree, size_t end)
{
    uint32_t low = 0, high = tree->word_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tree->words[middle].start < end)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && end < tree->words[low - 1].start + (size_t)tree->words[low - 1].raw_len)
        return true;
    low = 1;
    high = tree->statement_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tree->statements[middle].start < end)
            low = middle + 1;
        else
            high = middle;
    }
    const struct tree_statement *last = &tree->statements[low - 1];
    return last->kind == TREE_LUA && last->open < end && end <= last->close;
}

/* The comment that ends the line, without trailing blanks; {NULL, 0}: none. */
static struct span comment_at_end(const struct tree *tree, size_t end)
{
    uint32_t i = tree_comment_from(tree, (uint32_t)line_begin(tree->text, end));
    if (i == tree->comment_count || tree->comments[i].start >= end)
        return (struct span){NULL, 0};
    const char *from = tree->text.ptr + tree->comments[i].start;
    size_t len = end - tree->comments[i].start;
    while (len > 0 && is_blank(from[len - 1]))
        len--;
    return (struct span){from, len};
}

/* The certificate's name in a mark at the comment's end; {NULL, 0}: no mark. */
static struct span marked_name(struct span comment)
{
    size_t len = strlen(MARK);
    for (size_t at = comment.len; at-- > 0;)
        if (comment.len - at > len && memcmp(comment.ptr + at, MARK, len) == 0)
            return (struct span){comment.ptr + at + len, comment.len - at - len};
    return (struct span){NULL, 0};
}

bool layout_is_marked(const struct conf *conf, uint32_t item, const char *cert)
{
    const struct tree *tree = conf_tree(conf, item);
    size_t end = line_end(tree->text, conf_statement(conf, item)->close);
    struct span name = marked_name(comment_at_end(tree, end));
    return name.ptr != NULL && (cert == NULL || span_is(name, cert));
}

static const char *path_of(const struct conf *conf, uint32_t item)
{
    return conf->instances[conf_file(conf, item)->instance].path;
}

static void add(struct layout *layout, uint32_t item, size_t offset, struct span was,
                struct span now)
{
    edit_plan_add(layout->plan, path_of(layout->conf, item), offset, was, now);
}

static bool is_planned(const struct layout *layout, uint32_t item, size_t offset, struct span now)
{
    const struct edit_file *file = edit_plan_find(layout->plan, path_of(layout->conf, item));
    for (size_t i = 0; file != NULL && i < file->count; i++)
        if (file->items[i].offset == offset && span_equals(file->items[i].now, now))
            return true;
    return false;
}

static bool refuse(const struct layout *layout, uint32_t item, struct error *err, const char *why)
{
    return fail(err, ERR_WEB_SERVER, "%s: cannot be edited with certainty: %s",
                layout_place(layout->conf, item).text, why);
}

/* Marks the line that offset, in the file of item, is on. */
static bool mark(struct layout *layout, uint32_t item, size_t offset, struct error *err)
{
    const struct tree *tree = conf_tree(layout->conf, item);
    size_t end = line_end(tree->text, offset);
    if (ends_within(tree, end))
        return refuse(layout, item, err, "the line ends within a value");
    AUTO(buf) text = BUF(512);
    struct span comment = comment_at_end(tree, end), old = marked_name(comment);
    if (old.ptr != NULL && span_is(old, layout->cert))
        return true;
    if (comment.len + strlen(MARK) + strlen(layout->cert) + 1 > COMMENT_MAX)
        return refuse(layout, item, err, "the comment on this line is too long");
    if (old.ptr == NULL)
        buf_addf(&text, " %s%s", MARK, layout->cert);
    else
        buf_add_str(&text, layout->cert);
    size_t at = old.ptr == NULL ? end : (size_t)(old.ptr - tree->text.ptr);
    if (!is_planned(layout, item, at, buf_span(&text)))
        add(layout, item, at, old, buf_span(&text));
    return true;
}

bool layout_replace(struct layout *layout, uint32_t item, uint32_t first, uint32_t last,
                    struct span text, struct error *err)
{
    const struct tree *tree = conf_tree(layout->conf, item);
    uint32_t statement = layout->conf->items[item].statement;
    const struct tree_word *from = tree_word(tree, statement, first);
    const struct tree_word *to = tree_word(tree, statement, last);
    struct span was = {tree->text.ptr + from->start, to->start + to->raw_len - from->start};
    if (!mark(layout, item, tree->statements[statement].close, err))
        return false;
    add(layout, item, from->start, was, text);
    return true;
}

/* ---- adding lines ---- */

/* Where lines go: as lines of their own before or behind a line, or within one. */
struct spot {
    uint32_t item; /* whose file it is */
    size_t offset;
    bool before; /* what stands at the offset */
    bool inside; /* a line */
    struct span indent;
    struct span unit; /* one level more */
};

/* One level of indentation, as the block's members show it. */
static struct span unit_of(const struct conf *conf, uint32_t block, struct span member_indent)
{
    struct span own = indent_of(text_of(conf, block), conf_statement(conf, block)->start);
    if (member_indent.len > own.len)
        return (struct span){member_indent.ptr + own.len, member_indent.len - own.len};
    return own.len > 0 && own.ptr[0] == '\t' ? SPAN_LIT("\t") : SPAN_LIT("    ");
}

/* How members of a block are indented: as the first that begins a line. owned: buffer for the case
 * that none does. */
static struct span member_indent(const struct conf *conf, uint32_t block, struct buf *owned)
{
    struct span text = text_of(conf, block);
    for (uint32_t i = block + 1; i < conf->items[block].after; i = conf->items[i].after) {
        size_t start = conf_statement(conf, i)->start;
        if (conf->items[i].instance == conf->items[block].instance && is_first_on_line(text, start))
            return indent_of(text, start);
    }
    struct span own = indent_of(text, conf_statement(conf, block)->start);
    buf_add_span(owned, own);
    buf_add_span(owned, unit_of(conf, block, SPAN_LIT("")));
    return buf_span(owned);
}

static void add_own_line(const struct layout *layout, const struct spot *spot, struct span line,
                         struct buf *out)
{
    buf_add_span(out, spot->indent);
    while (line.len > 4 && memcmp(line.ptr, "    ", 4) == 0) {
        buf_add_span(out, spot->unit);
        line.ptr += 4;
        line.len -= 4;
    }
    buf_add_span(out, line);
    if (!span_is(line, "}") && !span_is(line, "{"))
        buf_addf(out, " %s%s", MARK, layout->cert);
}

static void add_words(struct span line, bool first, struct buf *out)
{
    while (line.len > 0 && line.ptr[0] == ' ') {
        line.ptr++;
        line.len--;
    }
    if (!first)
        buf_add_byte(out, ' ');
    buf_add_span(out, line);
}

static bool put(struct layout *layout, const struct spot *spot, const struct layout_lines *lines,
                struct error *err)
{
    struct span all = buf_span(&lines->text), text = text_of(layout->conf, spot->item);
    AUTO(buf) now = BUF(2 * LAYOUT_TEXT_MAX);
    if (spot->inside && !mark(layout, spot->item, spot->offset, err))
        return false;
    for (size_t at = 0, next; at < all.len; at = next) {
        const char *end = memchr(all.ptr + at, '\n', all.len - at);
        struct span line = {all.ptr + at, (size_t)(end - (all.ptr + at))};
        next = at + line.len + 1;
        if (spot->inside) {
            add_words(line, at == 0 && spot->before, &now);
            continue;
        }
        if (!spot->before)
            buf_add_span(&now, newline_of(text));
        add_own_line(layout, spot, line, &now);
        if (spot->before)
            buf_add_span(&now, newline_of(text));
    }
    if (spot->inside && spot->before)
        buf_add_byte(&now, ' ');
    if (!buf_ok(&now) || !buf_ok(&lines->text))
        return refuse(layout, spot->item, err, "too much would have to be added");
    add(layout, spot->item, spot->offset, SPAN_LIT(""), buf_span(&now));
    return true;
}

static struct spot behind_offset(const struct conf *conf, uint32_t item, size_t offset)
{
    struct span text = text_of(conf, item);
    bool own_line = is_last_on_line(text, offset);
    return (struct spot){
        .item = item, .offset = own_line ? line_end(text, offset) : offset, .inside = !own_line};
}

static struct spot before_item(const struct conf *conf, uint32_t item)
{
    struct span text = text_of(conf, item);
    size_t start = conf_statement(conf, item)->start;
    bool own_line = is_first_on_line(text, start);
    return (struct spot){.item = item,
                         .offset = own_line ? line_begin(text, start) : start,
                         .before = true,
                         .inside = !own_line};
}

bool layout_can_end_early(const struct conf *conf, uint32_t item)
{
    return conf_is_simple(conf, item, "return") || conf_is_simple(conf, item, "rewrite") ||
           conf_is_simple(conf, item, "break") || conf_is_block(conf, item, "if") ||
           span_is(conf_name(conf, item), "server_rewrite_by_lua_block") ||
           span_is(conf_name(conf, item), "server_rewrite_by_lua_file");
}

/* The member of the server, in its own file, in which item stands: itself or an include. */
static uint32_t own_member(const struct conf *conf, uint32_t server, uint32_t item)
{
    while (conf->items[item].instance != conf->items[server].instance)
        item = conf->instances[conf->items[item].instance].included_by;
    return item;
}

static struct spot spot_in(const struct conf *conf, uint32_t server)
{
    uint32_t anchor = CONF_NONE, early = CONF_NONE;
    for (uint32_t i = server + 1; i < conf->items[server].after; i = conf->items[i].after) {
        bool own = conf->items[i].instance == conf->items[server].instance;
        if (own && (conf_is_simple(conf, i, "listen") || conf_is_simple(conf, i, "server_name")))
            anchor = i;
        if (early == CONF_NONE && layout_can_end_early(conf, i))
            early = own_member(conf, server, i);
    }
    if (early != CONF_NONE && (anchor == CONF_NONE || early < anchor))
        return before_item(conf, early);
    if (anchor == CONF_NONE)
        return behind_offset(conf, server, conf_statement(conf, server)->open + 1u);
    return behind_offset(conf, anchor, conf_statement(conf, anchor)->close + 1u);
}

bool layout_into(struct layout *layout, uint32_t server, const struct layout_lines *lines,
                 struct error *err)
{
    AUTO(buf) indent = BUF(4096);
    struct spot spot = spot_in(layout->conf, server);
    spot.indent = member_indent(layout->conf, server, &indent);
    spot.unit = unit_of(layout->conf, server, spot.indent);
    return put(layout, &spot, lines, err);
}

bool layout_behind(struct layout *layout, uint32_t item, const struct layout_lines *lines,
                   struct error *err)
{
    const struct conf *conf = layout->conf;
    AUTO(buf) indent = BUF(4096);
    struct spot spot = behind_offset(conf, item, conf_statement(conf, item)->close + 1u);
    spot.indent = indent_of(text_of(conf, item), conf_statement(conf, item)->start);
    struct span inner = conf_statement(conf, item)->kind == TREE_BLOCK
                            ? member_indent(conf, item, &indent)
                            : SPAN_LIT("");
    spot.unit = unit_of(conf, item, inner);
    return put(layout, &spot, lines, err);
}

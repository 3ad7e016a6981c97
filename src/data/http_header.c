#include <acmec/data/http_header.h>

#include <acmec/base/cleanup.h>
#include <acmec/data/timefmt.h>
#include <strings.h>

/* A longer wait says no more than this one: every caller clamps far below. */
#define WAIT_MAX ((int64_t)36525 * 86400)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = span_of(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static bool same_word(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

bool http_header_get(const struct http_response *response, const char *name, size_t nth,
                     struct span *out)
{
    struct span rest = buf_span(&response->headers);
    while (rest.len > 0) {
        const char *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline == NULL ? rest.len : (size_t)(newline - rest.ptr);
        const char *colon = memchr(rest.ptr, ':', len);
        if (colon != NULL && same_word(span_of(rest.ptr, (size_t)(colon - rest.ptr)), name) &&
            nth-- == 0) {
            size_t before = (size_t)(colon + 1 - rest.ptr);
            *out = trimmed(span_of(rest.ptr + before, len - before));
            return true;
        }
        size_t taken = newline == NULL ? len : len + 1;
        rest = span_of(rest.ptr + taken, rest.len - taken);
    }
    return false;
}

bool http_header_date(const struct http_response *response, int64_t *out)
{
    struct span value;
    return http_header_get(response, "Date", 0, &value) && timefmt_parse_http_date(value, out);
}

/* Digits, with a sign that no standard knows but servers send. */
static bool read_seconds(struct span text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t start = negative ? 1 : 0;
    int64_t value = 0;
    if (text.len == start)
        return false;
    for (size_t i = start; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        if (value < WAIT_MAX)
            value = value * 10 + (text.ptr[i] - '0');
    }
    *out = negative ? 0 : value;
    return true;
}

bool http_header_retry_after(const struct http_response *response, int64_t now, int64_t *seconds)
{
    struct span value;
    int64_t wait = 0;
    int64_t date = 0;
    if (!http_header_get(response, "Retry-After", 0, &value))
        return false;
    if (!read_seconds(value, &wait)) {
        if (!timefmt_parse_http_date(value, &date))
            return false;
        int64_t from = now;
        (void)http_header_date(response, &from);
        wait = date - from;
    }
    *seconds = wait < 0 ? 0 : wait > WAIT_MAX ? WAIT_MAX : wait;
    return true;
}

bool http_header_is_type(const struct http_response *response, const char *media_type)
{
    struct span value;
    if (!http_header_get(response, "Content-Type", 0, &value))
        return false;
    const char *semicolon = value.len == 0 ? NULL : memchr(value.ptr, ';', value.len);
    if (semicolon != NULL)
        value.len = (size_t)(semicolon - value.ptr);
    return same_word(trimmed(value), media_type);
}

/* ---- RFC 3986 section 5: a reference against its base ---- */

struct uri {
    struct span origin; /* "https://host:port" */
    struct span path;
    struct span query; /* with its '?', or empty */
};

static size_t find_any(struct span text, size_t from, const char *set)
{
    size_t set_len = strlen(set);
    while (from < text.len && memchr(set, text.ptr[from], set_len) == NULL)
        from++;
    return from;
}

/* Length of "https:" at the start, or 0. */
static size_t scheme_len(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (c == ':' && i > 0)
            return i + 1;
        if (!letter && (!later || i == 0))
            return 0;
    }
    return 0;
}

static struct uri split(struct span base)
{
    size_t origin = scheme_len(base);
    if (base.len >= origin + 2 && memcmp(base.ptr + origin, "//", 2) == 0)
        origin = find_any(base, origin + 2, "/?#");
    size_t path = find_any(base, origin, "?#");
    size_t query = find_any(base, path, "#");
    return (struct uri){.origin = span_of(base.ptr, origin),
                        .path = span_of(base.ptr + origin, path - origin),
                        .query = span_of(base.ptr + path, query - path)};
}

/* Section 5.2.4 over an absolute path: leaves "." out and resolves "..". */
static void add_normal_path(struct span path, struct buf *out)
{
    size_t start = out->len;
    for (size_t at = 0; at < path.len;) {
        size_t end = find_any(path, at + 1, "/");
        struct span segment = span_of(path.ptr + at, end - at); /* with its leading '/' */
        bool up = span_is(segment, "/..");
        bool dots = up || span_is(segment, "/.");
        size_t parent = out->len;
        while (up && parent > start && out->data[--parent] != '/')
            ;
        buf_truncate(out, parent);
        if (!dots)
            buf_add_span(out, segment);
        else if (end == path.len)
            buf_add_byte(out, '/');
        at = end;
    }
}

static void resolve(struct span ref, const char *base_text, struct buf *out)
{
    struct uri base = split(span_str(base_text));
    if (scheme_len(ref) > 0) {
        buf_add_span(out, ref);
        return;
    }
    if (ref.len >= 2 && memcmp(ref.ptr, "//", 2) == 0) {
        buf_add(out, base_text, scheme_len(base.origin));
        buf_add_span(out, ref);
        return;
    }
    size_t path_end = find_any(ref, 0, "?#");
    struct span ref_path = span_of(ref.ptr, path_end);
    struct span ref_rest = span_of(ref.ptr + path_end, ref.len - path_end);
    buf_add_span(out, base.origin);
    if (ref_path.len == 0) {
        buf_add_span(out, base.path);
        if (ref_rest.len == 0 || ref_rest.ptr[0] == '#')
            buf_add_span(out, base.query);
    } else {
        AUTO(buf) merged = BUF(2 * HTTP_URL_MAX);
        size_t keep = ref_path.ptr[0] == '/' ? 0 : base.path.len;
        while (keep > 0 && base.path.ptr[keep - 1] != '/')
            keep--;
        buf_add(&merged, base.path.ptr, keep);
        if (keep == 0 && ref_path.ptr[0] != '/')
            buf_add_byte(&merged, '/');
        buf_add_span(&merged, ref_path);
        out->failed = out->failed || !buf_ok(&merged);
        add_normal_path(buf_span(&merged), out);
    }
    buf_add_span(out, ref_rest);
}

/* ---- Link, RFC 8288 section 3 ---- */

struct link {
    struct span target;
    struct span rel; /* unquoted, one or more words */
    bool has_rel;
    bool has_anchor; /* it is about another resource */
};

static void skip_blanks(struct span *text)
{
    while (text->len > 0 && is_blank(text->ptr[0]))
        *text = span_of(text->ptr + 1, text->len - 1);
}

static bool take_byte(struct span *text, char byte)
{
    if (text->len == 0 || text->ptr[0] != byte)
        return false;
    *text = span_of(text->ptr + 1, text->len - 1);
    return true;
}

static struct span take_until(struct span *text, const char *set)
{
    size_t len = find_any(*text, 0, set);
    struct span taken = span_of(text->ptr, len);
    *text = span_of(text->ptr + len, text->len - len);
    return taken;
}

/* What follows '=': a token, or a quoted string, whose backslashes stay. */
static struct span take_value(struct span *text)
{
    if (!take_byte(text, '"'))
        return trimmed(take_until(text, ";,"));
    size_t len = 0;
    while (len < text->len && text->ptr[len] != '"')
        len += text->ptr[len] == '\\' && len + 1 < text->len ? 2 : 1;
    struct span taken = span_of(text->ptr, len);
    *text = span_of(text->ptr + len, text->len - len);
    (void)take_byte(text, '"');
    return taken;
}

static void take_params(struct span *text, struct link *link)
{
    skip_blanks(text);
    while (take_byte(text, ';')) {
        skip_blanks(text);
        struct span name = trimmed(take_until(text, "=;,"));
        struct span value = {"", 0};
        if (take_byte(text, '=')) {
            skip_blanks(text);
            value = take_value(text);
        }
        if (same_word(name, "rel") && !link->has_rel) {
            link->rel = value;
            link->has_rel = true;
        }
        link->has_anchor = link->has_anchor || same_word(name, "anchor");
        skip_blanks(text);
    }
}

/* The next link of a list; false at its end, and at the first thing that is no link. */
static bool take_link(struct span *text, struct link *out)
{
    struct link link = {0};
    do
        skip_blanks(text);
    while (take_byte(text, ','));
    if (!take_byte(text, '<'))
        return false;
    link.target = trimmed(take_until(text, ">"));
    if (!take_byte(text, '>'))
        return false;
    take_params(text, &link);
    *out = link;
    return text->len == 0 || text->ptr[0] == ',';
}

static bool has_rel(const struct link *link, const char *wanted)
{
    struct span rest = link->rel;
    while (link->has_rel && rest.len > 0) {
        skip_blanks(&rest);
        if (same_word(take_until(&rest, " \t"), wanted))
            return true;
    }
    return false;
}

/* A target that could be sent: printable ASCII, as RFC 3986 wants it. */
static bool is_usable(struct span target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= ' ' || target.ptr[i] >= 0x7F)
            return false;
    }
    return target.len <= HTTP_URL_MAX;
}

bool http_header_link(const struct http_response *response, const char *rel, size_t nth,
                      const char *base, struct buf *out)
{
    struct span value;
    for (size_t i = 0; http_header_get(response, "Link", i, &value); i++) {
        struct link link;
        while (take_link(&value, &link)) {
            if (link.has_anchor || !has_rel(&link, rel) || !is_usable(link.target) || nth-- > 0)
                continue;
            AUTO(buf) url = BUF(HTTP_URL_MAX);
            resolve(link.target, base, &url);
            if (!buf_ok(&url))
                return false;
            buf_add_span(out, buf_span(&url));
            return true;
        }
    }
    return false;
}

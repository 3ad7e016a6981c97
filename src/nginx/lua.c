#include <acmec/nginx/lua.h>

#include <acmec/data/escape.h>

#define SUFFIX "_by_lua_block"

bool lua_is_block(struct span directive)
{
    size_t len = sizeof SUFFIX - 1;
    return directive.len > len && memcmp(directive.ptr + directive.len - len, SUFFIX, len) == 0;
}

static bool starts_with(struct span text, size_t at, const char *word)
{
    size_t len = strlen(word);
    return text.len - at >= len && memcmp(text.ptr + at, word, len) == 0;
}

/* Past the string that the quote at `at` opens; at + 1 where it does not end on its line. */
static size_t skip_string(struct span text, size_t at)
{
    char quote = text.ptr[at];
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.ptr[i] == quote)
            return i + 1;
        if (text.ptr[i] == '\\')
            i++;
        if (i < text.len && text.ptr[i] == '\n')
            break; /* the scanner lets no backslash continue a line */
    }
    return at + 1;
}

/* The length of a long bracket's opening ([[, [=[, [==[ ...) at `at`, or 0. */
static size_t long_bracket(struct span text, size_t at)
{
    if (at >= text.len || text.ptr[at] != '[')
        return 0;
    size_t i = at + 1;
    while (i < text.len && text.ptr[i] == '=')
        i++;
    return i < text.len && text.ptr[i] == '[' ? i + 1 - at : 0;
}

/* Past the closing bracket of the level of the opening one, `len` bytes at `at`. */
static bool skip_long_bracket(struct span text, size_t at, size_t len, size_t *after,
                              struct error *err)
{
    for (size_t i = at + len; i + len <= text.len; i++) {
        if (text.ptr[i] != ']' || text.ptr[i + len - 1] != ']' ||
            memcmp(text.ptr + i + 1, text.ptr + at + 1, len - 2) != 0)
            continue;
        *after = i + len;
        return true;
    }
    struct escaped shown = escaped(span_of(text.ptr + at + 1, len - 2));
    return fail(
        err, ERR_WEB_SERVER,
        "Lua code block missing the closing long bracket \"]%s]\", the inlined Lua code may "
        "be too long",
        shown.text);
}

/* Past the comment whose "--" stands at `at`. */
static bool skip_comment(struct span text, size_t at, size_t *after, struct error *err)
{
    size_t len = long_bracket(text, at + 2);
    if (len > 0)
        return skip_long_bracket(text, at + 2, len, after, err);
    const char *newline = memchr(text.ptr + at, '\n', text.len - at);
    *after = newline == NULL ? text.len : (size_t)(newline - text.ptr) + 1;
    return true;
}

/* Past what begins at `at` and is neither brace. */
static bool skip_one(struct span text, size_t at, size_t *after, struct error *err)
{
    char byte = text.ptr[at];
    *after = at + 1;
    if (byte == '"' || byte == '\'')
        *after = skip_string(text, at);
    else if (starts_with(text, at, "--"))
        return skip_comment(text, at, after, err);
    else if (long_bracket(text, at) > 0)
        return skip_long_bracket(text, at, long_bracket(text, at), after, err);
    return true;
}

bool lua_find_end(struct span text, size_t from, size_t *close, size_t *bad_at, struct error *err)
{
    size_t depth = 1;
    size_t opened = from; /* the last brace: a block that never ends is named by its line */
    for (size_t at = from; at < text.len;) {
        if (text.ptr[at] == '}' && --depth == 0) {
            *close = at;
            return true;
        }
        if (text.ptr[at] == '{') {
            depth++;
            opened = at;
        }
        size_t after;
        if (!skip_one(text, at, &after, err)) {
            *bad_at = at;
            return false;
        }
        at = after;
    }
    *bad_at = opened;
    return fail(err, ERR_WEB_SERVER,
                "unexpected end of file, expecting terminating characters for lua code block");
}

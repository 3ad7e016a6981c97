#include <acmec/data/escape.h>

#include <acmec/data/utf8.h>
#include <stdio.h>

#define CUT_MARK "..."
#define CUT_MAX (ESCAPE_MAX - (sizeof(CUT_MARK) - 1))

/* Characters that a terminal obeys, or that a reader cannot see. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001F},   /* C0 */
    {0x007F, 0x009F},   /* DEL, C1 */
    {0x00AD, 0x00AD},   /* soft hyphen */
    {0x061C, 0x061C},   /* Arabic letter mark */
    {0x180E, 0x180E},   /* Mongolian vowel separator */
    {0x200B, 0x200F},   /* zero width, left-to-right and right-to-left marks */
    {0x2028, 0x202E},   /* line and paragraph separators, embeddings, overrides */
    {0x2060, 0x206F},   /* word joiner, invisible operators, isolates */
    {0xFEFF, 0xFEFF},   /* byte order mark */
    {0xFFF9, 0xFFFB},   /* interlinear annotation */
    {0xE0000, 0xE0FFF}, /* tags */
};

static bool is_hidden(uint32_t code)
{
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (code >= hidden[i].first && code <= hidden[i].last)
            return true;
    }
    return false;
}

/* What the first character of text becomes; returns how many bytes of text it took. */
static size_t next_piece(struct span text, char piece[static 16], size_t *piece_len)
{
    uint32_t code = 0;
    size_t taken = utf8_read(text, &code);
    int len = 0;
    if (taken == 0) {
        len = snprintf(piece, 16, "\\x%02X", (unsigned)(unsigned char)text.ptr[0]);
        taken = 1;
    } else if (code == '\n' || code == '\t') {
        len = snprintf(piece, 16, " ");
    } else if (is_hidden(code)) {
        len = snprintf(piece, 16, "\\u{%04X}", (unsigned)code);
    } else {
        memcpy(piece, text.ptr, taken);
        len = (int)taken;
    }
    *piece_len = (size_t)len;
    return taken;
}

struct escaped escaped(struct span text)
{
    struct escaped result = {0};
    size_t len = 0;
    size_t cut = 0; /* where the mark goes if the rest does not fit */
    for (size_t at = 0; at < text.len;) {
        char piece[16];
        size_t piece_len = 0;
        at += next_piece(span_of(text.ptr + at, text.len - at), piece, &piece_len);
        if (len + piece_len > ESCAPE_MAX) {
            memcpy(result.text + cut, CUT_MARK, sizeof(CUT_MARK));
            return result;
        }
        memcpy(result.text + len, piece, piece_len);
        len += piece_len;
        if (len <= CUT_MAX)
            cut = len;
    }
    result.text[len] = '\0';
    return result;
}

struct escaped escaped_str(const char *text)
{
    return escaped(span_str(text));
}

void escape_text(struct span text, struct buf *out)
{
    struct escaped result = escaped(text);
    buf_add_str(out, result.text);
}

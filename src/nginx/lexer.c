#include <acmec/nginx/lexer.h>

#include <acmec/data/escape.h>

/* How much of a parameter that is too long nginx shows. */
#define SHOWN 10

struct lexer lexer_begin(struct span text)
{
    return (struct lexer){.text = text, .line = 1};
}

void lexer_skip(struct lexer *lexer, size_t at, unsigned line)
{
    lexer->at = lexer->start = at;
    lexer->line = line;
    lexer->words = 0;
}

unsigned lexer_bad_line(const struct lexer *lexer)
{
    return lexer->bad_line;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool refuse_byte(struct lexer *lexer, char byte, struct error *err)
{
    lexer->bad_line = lexer->line;
    return fail(err, ERR_WEB_SERVER, "unexpected \"%s\"", escaped(span_of(&byte, 1)).text);
}

/* The line is that on which the text began that does not fit. */
static bool refuse_length(struct lexer *lexer, char quote, struct error *err)
{
    lexer->bad_line = lexer->start_line;
    if (quote != 0)
        return fail(err, ERR_WEB_SERVER,
                    "too long parameter, probably missing terminating \"%c\" character", quote);
    return fail(err, ERR_WEB_SERVER, "too long parameter \"%s...\" started",
                escaped(span_of(lexer->text.ptr + lexer->start, SHOWN)).text);
}

static bool refuse_eof(struct lexer *lexer, struct error *err)
{
    lexer->bad_line = lexer->line;
    return fail(err, ERR_WEB_SERVER, "unexpected end of file, expecting \";\" or \"}\"");
}

/* Where reading must stop for nginx's buffer: the end of the text, or LEXER_BUFFER after start. */
static size_t reach(const struct lexer *lexer)
{
    size_t left = lexer->text.len - lexer->start;
    return lexer->start + (left < LEXER_BUFFER ? left : LEXER_BUFFER);
}

/* Nothing is left between words: of the buffer, or of the text. */
static bool end_between_words(struct lexer *lexer, struct lexer_token *out, struct error *err)
{
    if (lexer->at < lexer->text.len)
        return refuse_length(lexer, 0, err);
    if (lexer->words > 0)
        return refuse_eof(lexer, err);
    *out = (struct lexer_token){LEXER_EOF, lexer->at, lexer->at, lexer->line, 0, false};
    return true;
}

/* What may follow a closing quote. */
static bool check_after_quote(struct lexer *lexer, struct error *err)
{
    char byte = lexer->text.ptr[lexer->at];
    lexer->after_quote = false;
    if (is_space(byte)) {
        lexer->line += byte == '\n' ? 1 : 0;
        lexer->at++;
        return true;
    }
    if (byte == ';' || byte == '{' || byte == ')')
        return true;
    return refuse_byte(lexer, byte, err);
}

/* The comment at lexer->at, up to its LF. */
static bool read_comment(struct lexer *lexer, struct lexer_token *out, struct error *err)
{
    size_t end = reach(lexer);
    const char *begin = lexer->text.ptr + lexer->at;
    const char *newline = memchr(begin, '\n', end - lexer->at);
    if (newline != NULL)
        end = lexer->at + (size_t)(newline - begin);
    else if (end < lexer->text.len)
        return refuse_length(lexer, 0, err);
    *out = (struct lexer_token){LEXER_COMMENT, lexer->at, end, lexer->line, 0, false};
    lexer->at = end;
    return true;
}

/* Whether the byte ends the word that it stands in. */
static bool ends_word(char byte, char quote)
{
    return quote != 0 ? byte == quote : is_space(byte) || byte == ';' || byte == '{';
}

/* The word at lexer->at. */
static bool read_word(struct lexer *lexer, struct lexer_token *out, struct error *err)
{
    const char *text = lexer->text.ptr;
    struct lexer_token word = {LEXER_WORD, lexer->at, 0, lexer->line, 0, false};
    if (text[lexer->at] == '"' || text[lexer->at] == '\'')
        word.quote = text[lexer->at++];
    lexer->start = lexer->at;
    size_t limit = reach(lexer);
    size_t at = lexer->at;
    bool variable = false;
    for (; at < limit; at++) {
        char byte = text[at];
        lexer->line += byte == '\n' ? 1 : 0;
        if (byte == '{' && variable)
            continue;
        variable = byte == '$';
        if (byte == '\\') {
            word.escaped = true;
            if (++at < limit)
                lexer->line += text[at] == '\n' ? 1 : 0;
        } else if (ends_word(byte, word.quote)) {
            break;
        }
    }
    if (at >= limit)
        return limit < lexer->text.len ? refuse_length(lexer, word.quote, err)
                                       : refuse_eof(lexer, err);
    word.end = at + (word.quote != 0 ? 1 : 0);
    lexer->after_quote = word.quote != 0;
    /* White space is read with the word that it ends; ';' and '{' are tokens of their own. */
    lexer->at = word.quote != 0 || is_space(text[at]) ? at + 1 : at;
    lexer->words++;
    *out = word;
    return true;
}

/* ';', '{' or '}' where a word could begin. */
static bool read_mark(struct lexer *lexer, struct lexer_token *out, struct error *err)
{
    char byte = lexer->text.ptr[lexer->at];
    enum lexer_kind kind = byte == ';' ? LEXER_END : byte == '{' ? LEXER_OPEN : LEXER_CLOSE;
    if ((lexer->words == 0) != (kind == LEXER_CLOSE))
        return refuse_byte(lexer, byte, err);
    *out = (struct lexer_token){kind, lexer->at, lexer->at + 1, lexer->line, 0, false};
    lexer->at++;
    lexer->start = lexer->at;
    lexer->words = 0;
    return true;
}

bool lexer_next(struct lexer *lexer, struct lexer_token *out, struct error *err)
{
    /* The buffer begins at the last word until one more byte has been read. */
    while (lexer->at < reach(lexer)) {
        if (lexer->after_quote) {
            if (!check_after_quote(lexer, err))
                return false;
            continue;
        }
        char byte = lexer->text.ptr[lexer->at];
        lexer->start = lexer->at;
        lexer->start_line = lexer->line;
        if (byte == '#')
            return read_comment(lexer, out, err);
        if (byte == ';' || byte == '{' || byte == '}')
            return read_mark(lexer, out, err);
        if (!is_space(byte))
            return read_word(lexer, out, err);
        lexer->line += byte == '\n' ? 1 : 0;
        lexer->at++;
    }
    return end_between_words(lexer, out, err);
}

void lexer_decode(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        char next = byte == '\\' && i + 1 < text.len ? text.ptr[i + 1] : 0;
        switch (next) {
        case '"':
        case '\'':
        case '\\':
            byte = next;
            break;
        case 't':
            byte = '\t';
            break;
        case 'r':
            byte = '\r';
            break;
        case 'n':
            byte = '\n';
            break;
        default:
            buf_add_byte(out, byte);
            continue;
        }
        buf_add_byte(out, byte);
        i++;
    }
}

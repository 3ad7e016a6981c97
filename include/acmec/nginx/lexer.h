/* lexer: the bytes of an nginx configuration file as words, by nginx's own rules. Pure.
 *
 * It accepts what nginx's ngx_conf_read_token accepts, refuses what that refuses, in the same words
 * and on the same line, and splits words at the same bytes: escapes and `${` hide a byte from it, a
 * quote opens only where a word begins, `}` closes only there, a byte order mark is a word's first
 * bytes, and a word, quoted text or comment must fit nginx's buffer of 4096 bytes. It knows no
 * directive: whether a word has a place is for nginx/tree.
 */
#ifndef ACMEC_NGINX_LEXER_H
#define ACMEC_NGINX_LEXER_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <stdint.h>

/* NGX_CONF_BUFFER: what of a word, quoted text or comment must fit, and what follows it. */
#define LEXER_BUFFER 4096

enum lexer_kind {
    LEXER_WORD,
    LEXER_COMMENT, /* from '#' to before the LF */
    LEXER_END,     /* ';' */
    LEXER_OPEN,    /* '{' after words */
    LEXER_CLOSE,   /* '}' where a word could begin */
    LEXER_EOF
};

struct lexer_token {
    enum lexer_kind kind;
    size_t start, end; /* bytes start..end-1, quotes included */
    unsigned line;     /* where it starts, from 1 */
    char quote;        /* LEXER_WORD: '"', '\'' or 0 */
    bool escaped;      /* LEXER_WORD: has a backslash: see lexer_decode */
};

struct lexer {
    struct span text; /* borrowed */
    size_t at;
    unsigned line;
    /* private */
    size_t start; /* where nginx's buffer begins at the latest */
    unsigned start_line;
    size_t words;      /* of the statement under way */
    bool after_quote;  /* only white space, ';', '{' or ')' may follow */
    unsigned bad_line; /* of a failure */
};

struct lexer lexer_begin(struct span text);

/* The next token. ERR_WEB_SERVER in nginx's words without the place: the line is lexer_bad_line. */
bool lexer_next(struct lexer *lexer, struct lexer_token *out, struct error *err) MUST_USE;
unsigned lexer_bad_line(const struct lexer *lexer);

/* Goes on behind a block that somebody else has read (Lua): at the byte past its '}', on the line
 * given. */
void lexer_skip(struct lexer *lexer, size_t at, unsigned line);

/* Appends the value of a word's text (without its quotes): \" \' \\ \t \r \n are decoded, every
 * other backslash stays. */
void lexer_decode(struct span text, struct buf *out);

#endif

/* tree: one configuration file as statements, each a range of the untouched bytes. Pure.
 *
 * Statements stand in one array in the order of the file; a block is followed by what it holds.
 * Statement 0 is the file itself. To visit what block b holds:
 *
 *     for (uint32_t i = b + 1; i < tree->statements[b].after; i = tree->statements[i].after)
 *
 * Nothing is resolved here: no include is followed, no directive is known but by the ending
 * `_by_lua_block`, whose block is Lua source and has no statements. Offsets are into the bytes that
 * tree_parse was given, which must outlive the tree: writing them back changes nothing.
 */
#ifndef ACMEC_NGINX_TREE_H
#define ACMEC_NGINX_TREE_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <stdint.h>

#define TREE_BYTES_MAX (16 * 1024 * 1024)
/* Words and statements of one file: more would be an attack on our memory. */
#define TREE_WORDS_MAX (4 * 1000 * 1000)
#define TREE_DEPTH_MAX 1000

enum tree_kind {
    TREE_FILE,   /* statement 0 */
    TREE_SIMPLE, /* words; */
    TREE_BLOCK,  /* words { statements } */
    TREE_LUA     /* words { Lua source } */
};

struct tree_word {
    uint32_t start;   /* of the raw bytes, quotes included */
    uint16_t raw_len; /* of the raw bytes */
    uint16_t len;     /* of the value */
    uint32_t decoded; /* where the value stands in tree->decoded; TREE_RAW: in the raw bytes */
    char quote;       /* '"', '\'' or 0 */
};
#define TREE_RAW UINT32_MAX

struct tree_statement {
    enum tree_kind kind;
    unsigned line;       /* where its name starts, from 1 */
    uint32_t start;      /* offset of its first byte, that of the name or its quote */
    uint32_t open;       /* offset of its ';', or of its '{' */
    uint32_t close;      /* offset of its last byte, ';' or '}'; of the file: its length */
    uint32_t first_word; /* the name, in tree->words; the arguments follow */
    uint32_t word_count; /* name and arguments; 0 for the file */
    uint32_t parent;     /* index of the block that holds it; its own for the file */
    uint32_t after;      /* index after it and all that it holds */
};

struct tree_comment {
    uint32_t start, end; /* from '#' to before the LF (a CR before it included) */
    unsigned line;
};

struct tree {
    struct span text; /* borrowed */
    struct tree_statement *statements;
    uint32_t statement_count;
    struct tree_word *words;
    uint32_t word_count;
    struct tree_comment *comments; /* by offset, those inside of statements too */
    uint32_t comment_count;
    struct buf decoded;
};

void tree_release(struct tree *tree);

/* Reads text. False: ERR_WEB_SERVER in nginx's words without the place, and *bad_line; out then
 * holds what was read before, blocks that are still open closed where reading ended, so that
 * errors come in nginx's order. Release it in either case. */
bool tree_parse(struct span text, struct tree *out, unsigned *bad_line, struct error *err) MUST_USE;

/* The value of word n of a statement (0: its name), as nginx sees it; borrowed from the tree. n
 * must be less than word_count. */
struct span tree_value(const struct tree *tree, uint32_t statement, uint32_t n);
/* The word itself, for its offsets. */
const struct tree_word *tree_word(const struct tree *tree, uint32_t statement, uint32_t n);
/* The bytes of the statement, from its name to its ';' or '}'. */
struct span tree_bytes(const struct tree *tree, uint32_t statement);
/* The source of a TREE_LUA, between its braces. */
struct span tree_lua(const struct tree *tree, uint32_t statement);
/* Whether the statement has this name. */
bool tree_is(const struct tree *tree, uint32_t statement, const char *name);

/* The first comment at or after offset, or comment_count. */
uint32_t tree_comment_from(const struct tree *tree, uint32_t offset);

#endif

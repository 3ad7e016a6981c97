#include <acmec/nginx/tree.h>

#include <acmec/base/mem.h>
#include <acmec/nginx/lexer.h>
#include <acmec/nginx/lua.h>
#include <stdlib.h>

void tree_release(struct tree *tree)
{
    free(tree->statements);
    free(tree->words);
    free(tree->comments);
    buf_release(&tree->decoded);
    *tree = (struct tree){0};
}

/* A tree under way. */
struct builder {
    struct tree *tree;
    struct lexer lexer;
    uint32_t block; /* the innermost one that is open */
    uint32_t depth; /* of it */
    bool in_words;  /* the last statement has no end yet */
    unsigned bad_line;
    size_t statements_room, words_room, comments_room;
};

/* ---- arrays ---- */

static void *make_room(void *items, size_t size, uint32_t count, size_t *room)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 16 : *room * 2;
    return mem_resize(items, *room, size);
}

static struct tree_statement *add_statement(struct builder *builder)
{
    struct tree *tree = builder->tree;
    tree->statements = make_room(tree->statements, sizeof *tree->statements, tree->statement_count,
                                 &builder->statements_room);
    return &tree->statements[tree->statement_count++];
}

static struct tree_word *add_word(struct builder *builder)
{
    struct tree *tree = builder->tree;
    tree->words =
        make_room(tree->words, sizeof *tree->words, tree->word_count, &builder->words_room);
    return &tree->words[tree->word_count++];
}

static void add_comment(struct builder *builder, const struct lexer_token *token)
{
    struct tree *tree = builder->tree;
    tree->comments = make_room(tree->comments, sizeof *tree->comments, tree->comment_count,
                               &builder->comments_room);
    tree->comments[tree->comment_count++] = (struct tree_comment){
        .start = (uint32_t)token->start,
        .end = (uint32_t)token->end,
        .line = token->line,
    };
}

/* Gives back what the arrays do not need. */
static void shrink(struct tree *tree)
{
    tree->statements =
        mem_resize(tree->statements, tree->statement_count, sizeof *tree->statements);
    if (tree->word_count > 0)
        tree->words = mem_resize(tree->words, tree->word_count, sizeof *tree->words);
    if (tree->comment_count > 0)
        tree->comments = mem_resize(tree->comments, tree->comment_count, sizeof *tree->comments);
}

/* ---- what the tokens do ---- */

static bool refuse(struct builder *builder, unsigned line, struct error *err, const char *text)
{
    builder->bad_line = line;
    return fail(err, ERR_WEB_SERVER, "%s", text);
}

static struct tree_statement *last_statement(struct builder *builder)
{
    return &builder->tree->statements[builder->tree->statement_count - 1];
}

static void take_word(struct builder *builder, const struct lexer_token *token)
{
    struct tree *tree = builder->tree;
    if (!builder->in_words) {
        *add_statement(builder) = (struct tree_statement){
            .kind = TREE_SIMPLE,
            .line = token->line,
            .start = (uint32_t)token->start,
            .first_word = tree->word_count,
            .parent = builder->block,
        };
        builder->in_words = true;
    }
    size_t quotes = token->quote != 0 ? 1 : 0;
    struct span content =
        span_of(tree->text.ptr + token->start + quotes, token->end - token->start - 2 * quotes);
    struct tree_word word = {
        .start = (uint32_t)token->start,
        .raw_len = (uint16_t)(token->end - token->start),
        .len = (uint16_t)content.len,
        .decoded = TREE_RAW,
        .quote = token->quote,
    };
    if (token->escaped) {
        word.decoded = (uint32_t)tree->decoded.len;
        lexer_decode(content, &tree->decoded);
        word.len = (uint16_t)(tree->decoded.len - word.decoded);
    }
    *add_word(builder) = word;
    last_statement(builder)->word_count++;
}

/* The words are complete: ';' or '{' stands at token. */
static struct tree_statement *end_words(struct builder *builder, const struct lexer_token *token)
{
    struct tree_statement *statement = last_statement(builder);
    statement->open = statement->close = (uint32_t)token->start;
    statement->after = builder->tree->statement_count;
    builder->in_words = false;
    return statement;
}

/* The lines of text[from..to-1] on top of `line`. */
static unsigned count_lines(struct span text, size_t from, size_t to, unsigned line)
{
    for (size_t i = from; i < to; i++)
        line += text.ptr[i] == '\n' ? 1 : 0;
    return line;
}

static bool take_lua(struct builder *builder, const struct lexer_token *token, struct error *err)
{
    struct span text = builder->tree->text;
    struct tree_statement *statement = end_words(builder, token);
    size_t close, bad_at;
    statement->kind = TREE_LUA;
    if (!lua_find_end(text, token->end, &close, &bad_at, err)) {
        statement->close = (uint32_t)text.len - 1;
        builder->bad_line = count_lines(text, token->end, bad_at, token->line);
        return false;
    }
    statement->close = (uint32_t)close;
    lexer_skip(&builder->lexer, close + 1, count_lines(text, token->end, close, token->line));
    return true;
}

static bool take_open(struct builder *builder, const struct lexer_token *token, struct error *err)
{
    uint32_t index = builder->tree->statement_count - 1;
    if (lua_is_block(tree_value(builder->tree, index, 0)))
        return take_lua(builder, token, err);
    if (builder->depth == TREE_DEPTH_MAX)
        return refuse(builder, token->line, err, "blocks are nested too deep");
    end_words(builder, token)->kind = TREE_BLOCK;
    builder->block = index;
    builder->depth++;
    return true;
}

static bool take_close(struct builder *builder, const struct lexer_token *token, struct error *err)
{
    if (builder->block == 0)
        return refuse(builder, token->line, err, "unexpected \"}\"");
    struct tree_statement *block = &builder->tree->statements[builder->block];
    block->close = (uint32_t)token->start;
    block->after = builder->tree->statement_count;
    builder->block = block->parent;
    builder->depth--;
    return true;
}

static bool take_eof(struct builder *builder, const struct lexer_token *token, struct error *err)
{
    return builder->block == 0 ||
           refuse(builder, token->line, err, "unexpected end of file, expecting \"}\"");
}

static bool take(struct builder *builder, const struct lexer_token *token, struct error *err)
{
    switch (token->kind) {
    case LEXER_WORD:
        if (builder->tree->word_count == TREE_WORDS_MAX)
            return refuse(builder, token->line, err, "too many words");
        take_word(builder, token);
        return true;
    case LEXER_COMMENT:
        if (builder->tree->comment_count == TREE_WORDS_MAX)
            return refuse(builder, token->line, err, "too many comments");
        add_comment(builder, token);
        return true;
    case LEXER_END:
        end_words(builder, token);
        return true;
    case LEXER_OPEN:
        return take_open(builder, token, err);
    case LEXER_CLOSE:
        return take_close(builder, token, err);
    case LEXER_EOF:
        return take_eof(builder, token, err);
    }
    return false;
}

static bool read_tokens(struct builder *builder, struct error *err)
{
    struct lexer_token token;
    do {
        if (!lexer_next(&builder->lexer, &token, err)) {
            builder->bad_line = lexer_bad_line(&builder->lexer);
            return false;
        }
        if (!take(builder, &token, err))
            return false;
    } while (token.kind != LEXER_EOF);
    return true;
}

/* Forgets a statement without an end, and ends what is still open. */
static void close_all(struct builder *builder)
{
    struct tree *tree = builder->tree;
    if (builder->in_words) {
        tree->word_count = last_statement(builder)->first_word;
        tree->statement_count--;
    }
    for (uint32_t block = builder->block; block != 0; block = tree->statements[block].parent) {
        tree->statements[block].close = (uint32_t)tree->text.len - 1;
        tree->statements[block].after = tree->statement_count;
    }
    tree->statements[0].close = (uint32_t)tree->text.len;
    tree->statements[0].after = tree->statement_count;
}

bool tree_parse(struct span text, struct tree *out, unsigned *bad_line, struct error *err)
{
    *out = (struct tree){.text = text, .decoded = BUF(TREE_BYTES_MAX)};
    struct builder builder = {.tree = out, .lexer = lexer_begin(text)};
    *add_statement(&builder) = (struct tree_statement){.kind = TREE_FILE, .line = 1, .after = 1};
    bool read;
    if (text.len > TREE_BYTES_MAX)
        read = refuse(&builder, 1, err, "the file is too large");
    else
        read = read_tokens(&builder, err);
    close_all(&builder);
    shrink(out);
    if (!read)
        *bad_line = builder.bad_line;
    return read;
}

/* ---- looking at it ---- */

const struct tree_word *tree_word(const struct tree *tree, uint32_t statement, uint32_t n)
{
    return &tree->words[tree->statements[statement].first_word + n];
}

struct span tree_value(const struct tree *tree, uint32_t statement, uint32_t n)
{
    const struct tree_word *word = tree_word(tree, statement, n);
    if (word->decoded != TREE_RAW)
        return span_of(buf_str(&tree->decoded) + word->decoded, word->len);
    return span_of(tree->text.ptr + word->start + (word->quote != 0 ? 1 : 0), word->len);
}

struct span tree_bytes(const struct tree *tree, uint32_t statement)
{
    const struct tree_statement *it = &tree->statements[statement];
    size_t end = it->kind == TREE_FILE ? it->close : it->close + 1;
    return span_of(tree->text.ptr + it->start, end - it->start);
}

struct span tree_lua(const struct tree *tree, uint32_t statement)
{
    const struct tree_statement *it = &tree->statements[statement];
    return span_of(tree->text.ptr + it->open + 1, it->close - it->open - 1);
}

bool tree_is(const struct tree *tree, uint32_t statement, const char *name)
{
    return tree->statements[statement].word_count > 0 &&
           span_is(tree_value(tree, statement, 0), name);
}

uint32_t tree_comment_from(const struct tree *tree, uint32_t offset)
{
    uint32_t low = 0, high = tree->comment_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tree->comments[middle].start < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Any bytes as a configuration file. Ranges nest and lie inside of the bytes; of what is read whole
 * every byte that is no word, mark, comment or Lua is white space. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/nginx/tree.h>

static void check_nesting(const struct tree *tree, uint32_t i)
{
    const struct tree_statement *it = &tree->statements[i];
    const struct tree_statement *parent = &tree->statements[it->parent];
    must(it->parent < i && it->after > i && it->after <= parent->after);
    must(it->start < it->open && it->open <= it->close && it->close < tree->text.len);
    must(it->parent == 0 || (parent->open < it->start && it->close <= parent->close));
    must(it->word_count > 0 && it->first_word + it->word_count <= tree->word_count);
    must(it->kind == TREE_SIMPLE ? it->after == i + 1 && it->open == it->close
                                 : it->kind != TREE_FILE);
    must(tree->text.ptr[it->open] == (it->kind == TREE_SIMPLE ? ';' : '{'));
}

static void mark(char *covered, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        must(!covered[i]);
        covered[i] = 1;
    }
}

static void mark_statement(const struct tree *tree, uint32_t i, char *covered)
{
    const struct tree_statement *it = &tree->statements[i];
    for (uint32_t n = 0; n < it->word_count; n++) {
        const struct tree_word *word = tree_word(tree, i, n);
        must(tree_value(tree, i, n).len <= word->raw_len);
        must(word->start >= it->start && word->start + word->raw_len <= it->open);
        mark(covered, word->start, word->start + word->raw_len);
    }
    if (it->kind == TREE_LUA) {
        mark(covered, it->open, it->close + 1);
        return;
    }
    mark(covered, it->open, it->open + 1);
    if (it->kind == TREE_BLOCK)
        mark(covered, it->close, it->close + 1);
}

static void check_cover(const struct tree *tree)
{
    AUTO_FREE covered = mem_new(tree->text.len + 1, 1);
    for (uint32_t i = 1; i < tree->statement_count; i++)
        mark_statement(tree, i, covered);
    for (uint32_t i = 0; i < tree->comment_count; i++)
        mark(covered, tree->comments[i].start, tree->comments[i].end);
    for (size_t i = 0; i < tree->text.len; i++)
        must(covered[i] || memchr(" \t\r\n", tree->text.ptr[i], 4) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(tree) tree;
    struct error err = {0};
    unsigned bad_line = 0;
    bool whole = tree_parse(span_of(data, size), &tree, &bad_line, &err);
    must(whole ? err.code == ERR_NONE : err.code == ERR_WEB_SERVER && bad_line > 0);
    must(tree.statement_count > 0 && tree.statements[0].after == tree.statement_count);
    for (uint32_t i = 1; i < tree.statement_count; i++)
        check_nesting(&tree, i);
    if (whole)
        check_cover(&tree);
    return 0;
}

#include <acmec/cli/crossplane.h>

#include <acmec/base/mem.h>
#include <acmec/data/json.h>
#include <stdlib.h>

struct crossplane {
    json_t *errors, *config;
    json_t *file; /* the last one of config; borrowed */
    json_t *
        *blocks; /* lists that are open, the innermost last, NULL for what is no block; borrowed */
    size_t depth, room;
};

struct crossplane *crossplane_new(void)
{
    struct crossplane *crossplane = mem_new(1, sizeof *crossplane);
    crossplane->errors = json_array();
    crossplane->config = json_array();
    return crossplane;
}

void crossplane_free(struct crossplane *crossplane)
{
    if (crossplane == NULL)
        return;
    json_decref(crossplane->errors);
    json_decref(crossplane->config);
    free(crossplane->blocks);
    free(crossplane);
}

/* ---- building ---- */

static void put(json_t *object, const char *member, json_t *taken)
{
    if (json_object_set_new(object, member, taken) != 0)
        mem_exhausted();
}

static void append(json_t *array, json_t *taken)
{
    if (json_array_append_new(array, taken) != 0)
        mem_exhausted();
}

static void push(struct crossplane *crossplane, json_t *block)
{
    if (crossplane->depth == crossplane->room) {
        crossplane->room = crossplane->room == 0 ? 16 : 2 * crossplane->room;
        crossplane->blocks = mem_resize(crossplane->blocks, crossplane->room, sizeof(json_t *));
    }
    crossplane->blocks[crossplane->depth++] = block;
}

static void add_file(void *ctx, const char *path)
{
    struct crossplane *crossplane = ctx;
    json_t *file = json_object();
    json_t *parsed = json_array();
    json_put_str(file, "file", path);
    put(file, "status", json_string("ok"));
    put(file, "errors", json_array());
    put(file, "parsed", parsed);
    append(crossplane->config, file);
    crossplane->file = file;
    crossplane->depth = 0;
    push(crossplane, parsed);
}

static void add_fault(void *ctx, const char *text, unsigned line)
{
    struct crossplane *crossplane = ctx;
    json_t *in_file = json_object();
    json_put_str(in_file, "error", text);
    put(in_file, "line", json_integer(line));
    json_t *in_all = json_object();
    put(in_all, "file", json_incref(json_object_get(crossplane->file, "file")));
    if (json_object_update(in_all, in_file) != 0)
        mem_exhausted();
    append(json_object_get(crossplane->file, "errors"), in_file);
    append(crossplane->errors, in_all);
    put(crossplane->file, "status", json_string("failed"));
}

/* ---- statements ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static struct span trim(struct span text)
{
    for (; text.len > 0 && is_blank(text.ptr[0]); text.len--)
        text.ptr++;
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Argument n without the parentheses around all of them. */
static struct span inside(const struct nginx_statement *statement, size_t n)
{
    struct span text = statement->args[n];
    if (n == 0)
        text = span_of(text.ptr + 1, text.len - 1);
    if (n == statement->arg_count - 1 && text.len > 0)
        text.len--;
    return n == 0 || n == statement->arg_count - 1 ? trim(text) : text;
}

static bool has_parentheses(const struct nginx_statement *statement)
{
    if (!span_is(statement->directive, "if") || statement->arg_count == 0)
        return false;
    struct span first = statement->args[0];
    struct span last = statement->args[statement->arg_count - 1];
    return first.len > 0 && first.ptr[0] == '(' && last.len > 0 && last.ptr[last.len - 1] == ')';
}

static json_t *args_json(const struct nginx_statement *statement)
{
    json_t *args = json_array();
    bool stripped = has_parentheses(statement);
    for (size_t i = 0; i < statement->arg_count; i++) {
        struct span text = stripped ? inside(statement, i) : statement->args[i];
        bool at_end = i == 0 || i == statement->arg_count - 1;
        if (!stripped || text.len > 0 || !at_end)
            append(args, json_text(text));
    }
    return args;
}

static void begin_statement(void *ctx, const struct nginx_statement *statement)
{
    struct crossplane *crossplane = ctx;
    json_t *object = json_object();
    json_t *block = statement->is_block ? json_array() : NULL;
    put(object, "directive", json_text(statement->directive));
    put(object, "line", json_integer(statement->line));
    put(object, "args", args_json(statement));
    if (statement->is_include) {
        json_t *includes = json_array();
        for (size_t i = 0; i < statement->include_count; i++)
            append(includes, json_integer((json_int_t)statement->includes[i]));
        put(object, "includes", includes);
    }
    if (block != NULL)
        put(object, "block", block);
    append(crossplane->blocks[crossplane->depth - 1], object);
    push(crossplane, block);
}

static void end_statement(void *ctx)
{
    struct crossplane *crossplane = ctx;
    crossplane->depth--;
}

struct nginx_visitor crossplane_visitor(struct crossplane *crossplane)
{
    return (struct nginx_visitor){
        .file = add_file,
        .fault = add_fault,
        .begin = begin_statement,
        .end = end_statement,
        .ctx = crossplane,
    };
}

void crossplane_put(const struct crossplane *crossplane, json_t *document)
{
    bool ok = crossplane != NULL && json_array_size(crossplane->config) > 0 &&
              json_array_size(crossplane->errors) == 0;
    put(document, "status", json_string(ok ? "ok" : "failed"));
    put(document, "errors", crossplane == NULL ? json_array() : json_incref(crossplane->errors));
    put(document, "config", crossplane == NULL ? json_array() : json_incref(crossplane->config));
}

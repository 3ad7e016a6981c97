#include <acmec/nginx/conf.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

void conf_release(struct conf *conf)
{
    for (uint32_t i = 0; i < conf->file_count; i++) {
        tree_release(&conf->files[i].tree);
        buf_release(&conf->files[i].bytes);
    }
    for (uint32_t i = 0; i < conf->instance_count; i++)
        free(conf->instances[i].path);
    for (uint32_t i = 0; i < conf->fault_count; i++)
        free(conf->faults[i].text);
    free(conf->files);
    free(conf->instances);
    free(conf->items);
    free(conf->faults);
    free(conf->main_path);
    *conf = (struct conf){0};
}

/* ---- reading ---- */

/* Which file was found under a path, and which one is a device's inode. */
struct known {
    char *path; /* key of by_path; owned */
    struct inode {
        uint64_t device, number;
    } inode; /* key of by_inode */
    uint32_t file;
    UT_hash_handle by_path, by_inode;
};

struct reader {
    struct source_port *source;
    struct conf *conf;
    bool goes_on; /* after a fault */
    size_t bytes; /* of all instances */
    struct known *paths, *inodes;
    size_t files_room, instances_room, items_room;
};

static void reader_release(struct reader *reader)
{
    struct known *known, *next;
    HASH_CLEAR(by_inode, reader->inodes);
    HASH_ITER(by_path, reader->paths, known, next)
    {
        HASH_DELETE(by_path, reader->paths, known);
        free(known->path);
        free(known);
    }
}

static void *make_room(void *items, size_t size, uint32_t count, size_t *room)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 16 : *room * 2;
    return mem_resize(items, *room, size);
}

/* Keeps what is wrong at a line of an instance (0: nowhere). False: reading ends here. */
static bool fault(struct reader *reader, uint32_t instance, unsigned line,
                  const struct error *cause)
{
    struct conf *conf = reader->conf;
    struct conf_fault it = {.instance = instance, .line = line, .code = cause->code};
    if (instance == CONF_NONE)
        it.text = mem_strdup(cause->text);
    else
        it.text = mem_printf("%s in %s:%u", cause->text,
                             escaped_str(conf->instances[instance].path).text, line);
    conf->faults = mem_resize(conf->faults, conf->fault_count + 1u, sizeof *conf->faults);
    conf->faults[conf->fault_count++] = it;
    return reader->goes_on;
}

/* The line on which nginx is when it acts on a statement: that of its ';' or '{'. */
static unsigned acting_line(const struct tree *tree, const struct tree_statement *statement)
{
    unsigned line = statement->line;
    for (uint32_t i = statement->start; i < statement->open; i++)
        line += tree->text.ptr[i] == '\n' ? 1 : 0;
    return line;
}

static bool fault_at(struct reader *reader, uint32_t item, enum err_code code, const char *text)
{
    struct error cause;
    fail(&cause, code, "%s", text);
    return fault(reader, reader->conf->items[item].instance,
                 acting_line(conf_tree(reader->conf, item), conf_statement(reader->conf, item)),
                 &cause);
}

/* ---- files ---- */

static void remember(struct reader *reader, const char *path, uint32_t file)
{
    const struct source_facts *facts = &reader->conf->files[file].facts;
    struct known *known = mem_new(1, sizeof *known);
    struct known *same;
    known->path = mem_strdup(path);
    known->inode = (struct inode){facts->device, facts->inode};
    known->file = file;
    HASH_ADD_KEYPTR(by_path, reader->paths, known->path, strlen(known->path), known);
    HASH_FIND(by_inode, reader->inodes, &known->inode, sizeof known->inode, same);
    if (same == NULL)
        HASH_ADD(by_inode, reader->inodes, inode, sizeof known->inode, known);
}

static void add_file(struct reader *reader, struct buf *taken, const struct source_facts *facts)
{
    struct conf *conf = reader->conf;
    conf->files =
        make_room(conf->files, sizeof *conf->files, conf->file_count, &reader->files_room);
    conf->files[conf->file_count++] = (struct conf_file){
        .facts = *facts,
        .bytes = *taken,
        .instance = conf->instance_count,
    };
    *taken = (struct buf){0};
}

/* The file at a path, read if neither it nor another name of it was read before. */
static bool find_file(struct reader *reader, const char *path, uint32_t *out, bool *is_new,
                      struct error *err)
{
    struct known *known;
    *is_new = false;
    HASH_FIND(by_path, reader->paths, path, strlen(path), known);
    if (known != NULL) {
        *out = known->file;
        return true;
    }
    AUTO(buf) bytes = BUF(TREE_BYTES_MAX);
    struct source_facts facts;
    if (!reader->source->ops->read(reader->source, path, &bytes, &facts, err))
        return false;
    struct inode inode = {facts.device, facts.inode};
    HASH_FIND(by_inode, reader->inodes, &inode, sizeof inode, known);
    *is_new = known == NULL;
    if (*is_new)
        add_file(reader, &bytes, &facts);
    *out = *is_new ? reader->conf->file_count - 1 : known->file;
    remember(reader, path, *out);
    return true;
}

/* Whether the file is being read further up: the instances above item (CONF_NONE: none). */
static bool is_open(const struct conf *conf, uint32_t item, uint32_t file)
{
    while (item != CONF_NONE) {
        const struct conf_instance *instance = &conf->instances[conf->items[item].instance];
        if (instance->file == file)
            return true;
        item = instance->included_by;
    }
    return false;
}

/* ---- instances ---- */

static bool check_limits(struct reader *reader, const char *path, uint32_t file, uint32_t item,
                         struct error *err)
{
    const struct conf *conf = reader->conf;
    if (is_open(conf, item, file))
        return fail(err, ERR_WEB_SERVER, "\"%s\" includes itself", escaped_str(path).text);
    if (conf->instance_count == CONF_INSTANCES_MAX)
        return fail(err, ERR_FILES, "more than %u files are included", CONF_INSTANCES_MAX);
    if (conf->files[file].bytes.len > CONF_BYTES_MAX - reader->bytes)
        return fail(err, ERR_FILES, "the included files are larger than %u bytes together",
                    CONF_BYTES_MAX);
    return true;
}

static uint32_t add_instance(struct reader *reader, const char *path, uint32_t file, uint32_t item)
{
    struct conf *conf = reader->conf;
    uint32_t depth = 0;
    if (item != CONF_NONE)
        depth = conf->instances[conf->items[item].instance].depth + 1;
    conf->instances = make_room(conf->instances, sizeof *conf->instances, conf->instance_count,
                                &reader->instances_room);
    conf->instances[conf->instance_count] = (struct conf_instance){
        .path = mem_strdup(path),
        .file = file,
        .included_by = item,
        .depth = depth,
    };
    reader->bytes += conf->files[file].bytes.len;
    return conf->instance_count++;
}

/* ---- items ---- */

static uint32_t add_item(struct reader *reader, uint32_t instance, uint32_t statement,
                         uint32_t parent)
{
    struct conf *conf = reader->conf;
    conf->items =
        make_room(conf->items, sizeof *conf->items, conf->item_count, &reader->items_room);
    conf->items[conf->item_count] = (struct conf_item){
        .instance = instance,
        .statement = statement,
        .parent = parent,
        .after = conf->item_count + 1,
    };
    return conf->item_count++;
}

static bool follow(struct reader *reader, uint32_t item);

/* Ends the blocks of the instance that do not hold statement, and gives the innermost that does. */
static uint32_t close_blocks(struct conf *conf, const struct tree *tree, uint32_t block,
                             uint32_t base, uint32_t statement)
{
    while (block != base && statement >= tree->statements[conf->items[block].statement].after) {
        conf->items[block].after = conf->item_count;
        block = conf->items[block].parent;
    }
    return block;
}

/* Blocks with a handler of their own, which takes words and no blocks. */
static bool holds_words_only(const struct conf *conf, uint32_t block)
{
    static const char *const names[] = {"map", "geo", "types", "split_clients", "charset_map"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (conf_is_block(conf, block, names[i]))
            return true;
    }
    return false;
}

/* What nginx does at a statement, as far as it decides what is read next. False: a fault ended it.
 */
static bool act_on(struct reader *reader, uint32_t item)
{
    const struct conf *conf = reader->conf;
    if (conf->item_count >= CONF_ITEMS_MAX) {
        (void)fault_at(reader, item, ERR_FILES, "too many statements");
        return false;
    }
    if (conf_statement(conf, item)->kind != TREE_SIMPLE &&
        holds_words_only(conf, conf->items[item].parent))
        return fault_at(reader, item, ERR_WEB_SERVER, "unexpected \"{\"");
    return !span_is(conf_name(conf, item), "include") || follow(reader, item);
}

/* Adds the statements of an instance to the block `base`, following includes. False: a fault ended
 * it. */
static bool add_statements(struct reader *reader, uint32_t instance, uint32_t base)
{
    struct conf *conf = reader->conf;
    uint32_t file = conf->instances[instance].file;
    uint32_t count = conf->files[file].tree.statement_count;
    uint32_t block = base;
    bool goes_on = true;
    for (uint32_t i = 1; goes_on && i < count; i++) {
        block = close_blocks(conf, &conf->files[file].tree, block, base, i);
        uint32_t item = add_item(reader, instance, i, block);
        goes_on = act_on(reader, item);
        if (conf_statement(conf, item)->kind == TREE_BLOCK)
            block = item;
    }
    (void)close_blocks(conf, &conf->files[file].tree, block, base, count);
    return goes_on;
}

/* Reads one file for the include at item, or the main file for CONF_NONE. False: a fault ended it.
 */
static bool read_file(struct reader *reader, const char *path, uint32_t item)
{
    struct conf *conf = reader->conf;
    struct error cause;
    uint32_t file;
    bool is_new;
    if (!find_file(reader, path, &file, &is_new, &cause) ||
        !check_limits(reader, path, file, item, &cause)) {
        if (item == CONF_NONE)
            return fault(reader, CONF_NONE, 0, &cause);
        return fault_at(reader, item, cause.code, cause.text);
    }
    uint32_t instance = add_instance(reader, path, file, item);
    uint32_t base = item == CONF_NONE ? add_item(reader, instance, 0, 0) : conf->items[item].parent;
    unsigned bad_line = 0;
    struct conf_file *it = &conf->files[file];
    if (is_new)
        it->broken = !tree_parse(buf_span(&it->bytes), &it->tree, &bad_line, &cause);
    bool broken = it->broken && is_new; /* said once */
    bool goes_on = add_statements(reader, instance, base);
    if (goes_on && broken)
        goes_on = fault(reader, instance, bad_line, &cause);
    return goes_on;
}

/* ---- includes ---- */

/* Blocks with a handler of their own that knows no include. */
static bool is_data(const struct conf *conf, uint32_t item)
{
    uint32_t parent = conf->items[item].parent;
    return conf_is_block(conf, parent, "split_clients") ||
           conf_is_block(conf, parent, "charset_map");
}

/* The value of an include as a full name, owned. */
static char *full_name(const struct conf *conf, struct span value)
{
    const char *slash = strrchr(conf->main_path, '/');
    if (slash == NULL || (value.len > 0 && value.ptr[0] == '/'))
        return mem_strndup(value.ptr, value.len);
    return mem_printf("%.*s%.*s", (int)(slash + 1 - conf->main_path), conf->main_path,
                      (int)value.len, value.ptr);
}

static bool read_matches(struct reader *reader, const char *pattern, uint32_t item)
{
    AUTO(source_names) names = {0};
    struct error cause;
    if (!reader->source->ops->match(reader->source, pattern, &names, &cause))
        return fault_at(reader, item, cause.code, cause.text);
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < names.count; i++)
        goes_on = read_file(reader, names.items[i], item);
    return goes_on;
}

static const char *wrong_with_include(const struct conf *conf, uint32_t item)
{
    if (conf_statement(conf, item)->kind != TREE_SIMPLE)
        return "directive \"include\" is not terminated by \";\"";
    if (conf_arg_count(conf, item) != 1)
        return "invalid number of arguments in \"include\" directive";
    struct span value = conf_arg(conf, item, 0);
    if (memchr(value.ptr, 0, value.len) != NULL)
        return "NUL in the path of an include";
    if (conf->instances[conf->items[item].instance].depth >= CONF_DEPTH_MAX)
        return "includes are nested too deep";
    return NULL;
}

/* Reads what an include names. False: a fault ended it. */
static bool follow(struct reader *reader, uint32_t item)
{
    const struct conf *conf = reader->conf;
    if (is_data(conf, item))
        return true;
    const char *wrong = wrong_with_include(conf, item);
    if (wrong != NULL)
        return fault_at(reader, item, ERR_WEB_SERVER, wrong);
    AUTO_FREE path = full_name(conf, conf_arg(conf, item, 0));
    if (strpbrk(path, "*?[") != NULL)
        return read_matches(reader, path, item);
    return read_file(reader, path, item);
}

/* ---- the doors ---- */

static void read_all(struct source_port *source, const char *main_path, bool goes_on,
                     struct conf *out)
{
    *out = (struct conf){.main_path = mem_strdup(main_path)};
    AUTO(reader) reader = {.source = source, .conf = out, .goes_on = goes_on};
    (void)read_file(&reader, main_path, CONF_NONE);
    if (out->item_count > 0)
        out->items[0].after = out->item_count;
}

bool conf_read(struct source_port *source, const char *main_path, struct conf *out,
               struct error *err)
{
    AUTO(conf) conf;
    read_all(source, main_path, false, &conf);
    if (conf.fault_count > 0)
        return fail(err, conf.faults[0].code, "%s", conf.faults[0].text);
    *out = conf;
    conf = (struct conf){0};
    return true;
}

void conf_survey(struct source_port *source, const char *main_path, struct conf *out)
{
    read_all(source, main_path, true, out);
}

/* ---- one item ---- */

const struct conf_file *conf_file(const struct conf *conf, uint32_t item)
{
    return &conf->files[conf->instances[conf->items[item].instance].file];
}

const struct tree *conf_tree(const struct conf *conf, uint32_t item)
{
    return &conf_file(conf, item)->tree;
}

const struct tree_statement *conf_statement(const struct conf *conf, uint32_t item)
{
    return &conf_tree(conf, item)->statements[conf->items[item].statement];
}

bool conf_refuse(const struct conf *conf, uint32_t item, struct error *err, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail(err, ERR_WEB_SERVER, "%s in %s:%u", text, escaped_str(conf_path(conf, item)).text,
                acting_line(conf_tree(conf, item), conf_statement(conf, item)));
}

const char *conf_path(const struct conf *conf, uint32_t item)
{
    return conf->instances[conf->items[item].instance].path;
}

unsigned conf_line(const struct conf *conf, uint32_t item)
{
    return conf_statement(conf, item)->line;
}

struct span conf_name(const struct conf *conf, uint32_t item)
{
    if (conf_statement(conf, item)->word_count == 0)
        return span_of("", 0);
    return tree_value(conf_tree(conf, item), conf->items[item].statement, 0);
}

uint32_t conf_arg_count(const struct conf *conf, uint32_t item)
{
    uint32_t words = conf_statement(conf, item)->word_count;
    return words == 0 ? 0 : words - 1;
}

struct span conf_arg(const struct conf *conf, uint32_t item, uint32_t n)
{
    if (n >= conf_arg_count(conf, item))
        return span_of(NULL, 0);
    return tree_value(conf_tree(conf, item), conf->items[item].statement, n + 1);
}

bool conf_is_block(const struct conf *conf, uint32_t item, const char *name)
{
    return conf_statement(conf, item)->kind == TREE_BLOCK && span_is(conf_name(conf, item), name);
}

bool conf_is_simple(const struct conf *conf, uint32_t item, const char *name)
{
    return conf_statement(conf, item)->kind == TREE_SIMPLE && span_is(conf_name(conf, item), name);
}

/* conf: a whole configuration as nginx reads it: the main file and, through the port, everything
 * that it includes. Never opens a file itself, never changes one.
 *
 * Three levels:
 *   file      what was read, once per device and inode: bytes, facts, tree
 *   instance  one reading of a file, as nginx does one per `include` that reaches it, with the path
 *             under which nginx opens it
 *   item      one statement of one instance; items stand in the order in which nginx reads them,
 *             includes expanded: what an included file holds stands beside its `include`, as
 *             members of the same block
 *
 * Item 0 is the main file. To visit what block b holds, whatever files it stands in:
 *
 *     for (uint32_t i = b + 1; i < conf->items[b].after; i = conf->items[i].after)
 *
 * Relative includes start at the main file's folder. A value with any of `*?[` is a pattern,
 * matched in byte order. A file that is being read cannot be included again (nginx would do so
 * until it has no descriptors left). `include` is data in split_clients, charset_map and Lua.
 */
#ifndef ACMEC_NGINX_CONF_H
#define ACMEC_NGINX_CONF_H

#include <acmec/data/ports.h>
#include <acmec/nginx/tree.h>

#define CONF_BYTES_MAX (512u * 1024 * 1024) /* over all instances */
#define CONF_INSTANCES_MAX 200000
#define CONF_ITEMS_MAX (4 * 1000 * 1000)
#define CONF_DEPTH_MAX 64
#define CONF_NONE UINT32_MAX

struct conf_file {
    struct source_facts facts;
    struct buf bytes;
    struct tree tree;
    uint32_t instance; /* the first one */
    bool broken;       /* the tree holds what stands before a fault */
};

struct conf_instance {
    char *path;           /* owned; as nginx opens it: its pattern's match, or the full name */
    uint32_t file;        /* in conf->files */
    uint32_t included_by; /* the item of its `include`; CONF_NONE for the main file */
    uint32_t depth;       /* 0 for the main file */
};

struct conf_item {
    uint32_t instance;
    uint32_t statement; /* in the tree of the instance's file */
    uint32_t parent;    /* item of the block that holds it, through includes; its own for item 0 */
    uint32_t after;     /* index after it and all that it holds */
};

/* What nginx would refuse, in its words where it has them. */
struct conf_fault {
    char *text;        /* owned; with " in FILE:LINE" where there is a place; escaped */
    uint32_t instance; /* where; CONF_NONE: the main file could not be read */
    unsigned line;     /* 0: none */
    enum err_code code;
};

struct conf_index; /* private: what was read already */

struct conf {
    struct conf_file *files;
    uint32_t file_count;
    struct conf_instance *instances;
    uint32_t instance_count;
    struct conf_item *items;
    uint32_t item_count;
    struct conf_fault *faults;
    uint32_t fault_count;
    char *main_path; /* owned */
};

void conf_release(struct conf *conf);

/* Reads it all; the first thing that nginx would refuse fails, with file:line. ERR_WEB_SERVER for
 * what stands in a file, ERR_FILES for one that cannot be read or is over a limit. */
bool conf_read(struct source_port *source, const char *main_path, struct conf *out,
               struct error *err) MUST_USE;

/* The same, but goes on after each fault and keeps them all: a file that cannot be read is left
 * out, one that is broken is kept up to there. */
void conf_survey(struct source_port *source, const char *main_path, struct conf *out);

/* ---- one item ---- */

const struct tree *conf_tree(const struct conf *conf, uint32_t item);
const struct tree_statement *conf_statement(const struct conf *conf, uint32_t item);
const struct conf_file *conf_file(const struct conf *conf, uint32_t item);
/* The path of its instance, and its line there. */
const char *conf_path(const struct conf *conf, uint32_t item);
unsigned conf_line(const struct conf *conf, uint32_t item);

/* Its name, its nth argument (0: the first; {NULL, 0} past the last), their number. */
struct span conf_name(const struct conf *conf, uint32_t item);
struct span conf_arg(const struct conf *conf, uint32_t item, uint32_t n);
uint32_t conf_arg_count(const struct conf *conf, uint32_t item);
/* A block (not Lua) of this name; a `words;` of this name. */
bool conf_is_block(const struct conf *conf, uint32_t item, const char *name);
bool conf_is_simple(const struct conf *conf, uint32_t item, const char *name);

/* ERR_WEB_SERVER with " in FILE:LINE" after the text: the line on which nginx is when it acts on
 * the item, that of its ';' or '{'. Arguments may point into err. Returns false. */
bool conf_refuse(const struct conf *conf, uint32_t item, struct error *err, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif

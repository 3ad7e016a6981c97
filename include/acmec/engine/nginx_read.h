/* nginx_read: what the command line shows of nginx's configuration: who answers for a name, and the
 * files as statements. Reads files, changes none, runs nothing, takes no lock. */
#ifndef ACMEC_ENGINE_NGINX_READ_H
#define ACMEC_ENGINE_NGINX_READ_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>
#include <stddef.h>

struct source_port;

/* ---- which ---- */

/* Who answers on one address. */
struct nginx_answer {
    char *address; /* owned: "*:443", "[::]:80", "unix:/run/x" */
    bool tls, quic;
    char *file; /* owned: of the server block, as nginx includes it */
    unsigned line;
    const char *by;    /* "exact", "wildcard", "regex", "default", "undecided" */
    char *server_name; /* owned: the name that fits, as it is written; NULL: none does */
};

struct nginx_answers {
    char *name; /* owned: what was asked for, as a client sends it */
    struct nginx_answer *items;
    size_t count;
};
void nginx_answers_release(struct nginx_answers *answers);

/* Who answers for name in the configuration whose main file is conf_path (absolute). source NULL:
 * the real files. ERR_USAGE for what no client can ask for; else as conf_read. out->name is set as
 * soon as it is known, also on failure. */
bool nginx_which(struct source_port *source, const char *conf_path, const char *name,
                 struct nginx_answers *out, struct error *err) MUST_USE;

/* ---- parse ---- */

struct nginx_statement {
    struct span directive;
    const struct span *args; /* Lua source is the last one */
    size_t arg_count;
    unsigned line;
    bool is_block, is_include;
    const size_t *includes; /* is_include: which files, by number */
    size_t include_count;
};

/* Files come in the order of crossplane: the main file, then those that it includes, then theirs;
 * each path once. All text is borrowed and as it stands in the files: foreign. */
struct nginx_visitor {
    void (*file)(void *ctx, const char *path);
    /* Of the last file: in nginx's words, with file:line, escaped. A file that could not be read to
     * its end has no statements. */
    void (*fault)(void *ctx, const char *text, unsigned line);
    /* Of the last file; the statements of a block follow until its end. */
    void (*begin)(void *ctx, const struct nginx_statement *statement);
    void (*end)(void *ctx);
    void *ctx;
};

/* Shows all of the file at path and of what it includes. Faults are the visitor's and then make it
 * fail with the first one; a main file that cannot be read is ERR_FILES. */
bool nginx_parse(struct source_port *source, const char *path, const struct nginx_visitor *visitor,
                 struct error *err) MUST_USE;

#endif

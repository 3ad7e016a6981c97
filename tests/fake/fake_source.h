/* fake_source: files of a web server's configuration that exist in a test only. */
#ifndef TESTS_FAKE_FAKE_SOURCE_H
#define TESTS_FAKE_FAKE_SOURCE_H

#include <acmec/base/mem.h>
#include <acmec/data/ports.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct fake_source_file {
    const char *path;
    const char *text;
    uint64_t inode; /* 0: its own; the same number: another name of the same file */
    bool open;      /* others may change it */
};

/* files ends with a NULL path; by name, for matches come in this order. */
struct fake_source {
    struct source_port port;
    const struct fake_source_file *files;
    unsigned reads;
};

static bool fake_source_read(struct source_port *port, const char *path, struct buf *out,
                             struct source_facts *facts, struct error *err)
{
    struct fake_source *fake = (struct fake_source *)port;
    fake->reads++;
    for (size_t i = 0; fake->files[i].path != NULL; i++) {
        const struct fake_source_file *file = &fake->files[i];
        if (strcmp(file->path, path) != 0)
            continue;
        buf_add_str(out, file->text);
        *facts = (struct source_facts){
            .device = 1,
            .inode = file->inode != 0 ? file->inode : 1000 + i,
            .mtime_ns = 1,
            .size = (int64_t)strlen(file->text),
            .guarded = !file->open,
        };
        return true;
    }
    return fail(err, ERR_FILES, "open() \"%s\" failed (2: No such file or directory)", path);
}

static bool fake_source_match(struct source_port *port, const char *pattern,
                              struct source_names *out, struct error *err)
{
    const struct fake_source *fake = (struct fake_source *)port;
    (void)err;
    *out = (struct source_names){0};
    for (size_t i = 0; fake->files[i].path != NULL; i++) {
        if (fnmatch(pattern, fake->files[i].path, FNM_PATHNAME | FNM_PERIOD) != 0)
            continue;
        out->items = mem_resize(out->items, out->count + 1, sizeof *out->items);
        out->items[out->count++] = mem_strdup(fake->files[i].path);
    }
    return true;
}

static const struct source_ops fake_source_ops = {fake_source_read, fake_source_match};

static inline struct fake_source fake_source(const struct fake_source_file *files)
{
    return (struct fake_source){.port = {&fake_source_ops}, .files = files};
}

#endif

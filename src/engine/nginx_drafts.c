#include <acmec/engine/nginx_drafts.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>

void nginx_drafts_release(struct nginx_drafts *drafts)
{
    for (size_t i = 0; i < drafts->count; i++) {
        free((char *)(uintptr_t)drafts->items[i].path);
        free((char *)(uintptr_t)drafts->items[i].bytes.ptr);
    }
    free(drafts->items);
    *drafts = (struct nginx_drafts){0};
}

static void put(struct nginx_drafts *drafts, const char *path, struct buf *bytes)
{
    size_t len = bytes->len, i = 0;
    struct span taken = {buf_take(bytes), len};
    while (i < drafts->count && strcmp(drafts->items[i].path, path) != 0)
        i++;
    if (i < drafts->count) {
        free((char *)(uintptr_t)drafts->items[i].bytes.ptr);
        drafts->items[i].bytes = taken;
        return;
    }
    drafts->items = mem_resize(drafts->items, drafts->count + 1, sizeof *drafts->items);
    drafts->items[drafts->count++] = (struct nginx_overlay){mem_strdup(path), taken};
}

void nginx_drafts_copy(const struct nginx_drafts *from, struct nginx_drafts *out)
{
    for (size_t i = 0; i < from->count; i++) {
        AUTO(buf) bytes = BUF(EDIT_FILE_MAX);
        buf_add_span(&bytes, from->items[i].bytes);
        put(out, from->items[i].path, &bytes);
    }
}

void nginx_drafts_move(struct nginx_drafts *from, struct nginx_drafts *to)
{
    nginx_drafts_release(to);
    *to = *from;
    *from = (struct nginx_drafts){0};
}

static const struct conf_file *file_at(const struct nginx_view *view, const char *path)
{
    const struct conf *conf = &view->conf;
    for (uint32_t i = 0; i < conf->file_count; i++)
        if (strcmp(conf->instances[conf->files[i].instance].path, path) == 0)
            return &conf->files[i];
    return NULL;
}

bool nginx_drafts_apply(struct nginx_drafts *drafts, const struct nginx_view *view,
                        const struct edit_plan *edits, struct error *err)
{
    for (size_t i = 0; i < edits->count; i++) {
        AUTO(buf) after = BUF(EDIT_FILE_MAX);
        const struct edit_file *file = &edits->files[i];
        const struct conf_file *read = file_at(view, file->path);
        if (read == NULL)
            return fail(err, ERR_WEB_SERVER, "'%s' is no longer part of nginx's configuration",
                        escaped_str(file->path).text);
        if (!edit_apply(file, read->tree.text, &after, err))
            return false;
        put(drafts, file->path, &after);
    }
    return true;
}

/* A file's bytes as they are now: its draft, else as it was read. */
static bool bytes_of(const struct nginx_drafts *drafts, const struct nginx_view *view,
                     const char *path, struct span *out)
{
    for (size_t i = 0; i < drafts->count; i++)
        if (strcmp(drafts->items[i].path, path) == 0) {
            *out = drafts->items[i].bytes;
            return true;
        }
    const struct conf_file *file = file_at(view, path);
    if (file != NULL)
        *out = file->tree.text;
    return file != NULL;
}

bool nginx_drafts_undo(struct nginx_drafts *drafts, const struct nginx_view *view,
                       const struct installed *installed, struct error *err)
{
    for (size_t n = installed->count; n-- > 0;)
        for (size_t i = 0; i < installed->layers[n].count; i++) {
            AUTO(buf) before = BUF(EDIT_FILE_MAX);
            const struct edit_file *file = &installed->layers[n].files[i];
            struct span now = {NULL, 0};
            if (!bytes_of(drafts, view, file->path, &now))
                return fail(err, ERR_WEB_SERVER, "'%s' is no longer part of nginx's configuration",
                            escaped_str(file->path).text);
            if (!edit_undo(file, now, &before, err))
                return false;
            put(drafts, file->path, &before);
        }
    return true;
}

size_t nginx_drafts_rewrites(const struct nginx_drafts *drafts, const struct nginx_view *real,
                             struct nginx_rewrite *out)
{
    size_t count = 0;
    for (size_t i = 0; i < drafts->count; i++) {
        const struct conf_file *file = file_at(real, drafts->items[i].path);
        if (file == NULL || span_equals(file->tree.text, drafts->items[i].bytes))
            continue;
        out[count++] = (struct nginx_rewrite){
            .path = drafts->items[i].path,
            .facts = &file->facts,
            .before = file->tree.text,
            .after = drafts->items[i].bytes,
        };
    }
    return count;
}

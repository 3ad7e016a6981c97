#include <acmec/io/store_installed.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/b64url.h>
#include <acmec/data/utf8.h>
#include <acmec/io/store.h>
#include <acmec/io/store_json.h>
#include <errno.h>

void installed_release(struct installed *installed)
{
    for (size_t i = 0; i < installed->count; i++)
        edit_plan_release(&installed->layers[i]);
    free(installed->layers);
    *installed = (struct installed){0};
}

static struct edit_plan *add_layer(struct installed *installed)
{
    installed->layers =
        mem_resize(installed->layers, installed->count + 1, sizeof *installed->layers);
    installed->layers[installed->count] = (struct edit_plan){0};
    return &installed->layers[installed->count++];
}

void installed_add(struct installed *installed, const struct edit_plan *plan)
{
    if (plan->count == 0)
        return;
    struct edit_plan *layer = add_layer(installed);
    for (size_t i = 0; i < plan->count; i++)
        for (size_t k = 0; k < plan->files[i].count; k++) {
            const struct edit *edit = &plan->files[i].items[k];
            edit_plan_add(layer, plan->files[i].path, edit->offset, edit->was, edit->now);
        }
}

static char *path_of(const struct store *store, const char *name)
{
    return mem_printf("%s/nginx/installed/%s.json", store->config_dir, name);
}

/* ---- bytes: text where they are text, so that a person can read it; else base64url ---- */

static bool get_bytes(const json_t *object, const char *member, struct buf *out)
{
    struct error err = {0};
    bool bad = false;
    AUTO_FREE encoded = mem_printf("%s-base64url", member);
    const char *text = store_json_text(object, member, &bad);
    const char *coded = store_json_text(object, encoded, &bad);
    if (bad || (text == NULL) == (coded == NULL))
        return false;
    if (text != NULL)
        buf_add_str(out, text);
    return text != NULL || b64url_decode(span_str(coded), out, &err);
}

static bool is_text(struct span bytes)
{
    uint32_t code;
    for (size_t len; bytes.len > 0; bytes.ptr += len, bytes.len -= len) {
        len = utf8_read(bytes, &code);
        if (len == 0 || code == 0)
            return false;
    }
    return true;
}

static void put_bytes(json_t *object, const char *member, struct span bytes)
{
    AUTO(buf) text = BUF(2 * (size_t)EDIT_FILE_MAX);
    if (is_text(bytes)) {
        buf_add_span(&text, bytes);
        json_put_str(object, member, buf_str(&text));
        return;
    }
    AUTO_FREE encoded = mem_printf("%s-base64url", member);
    b64url_encode(bytes, &text);
    json_put_str(object, encoded, buf_str(&text));
}

/* ---- documents ---- */

static bool read_edit(const json_t *row, const char *path, struct edit_plan *out)
{
    AUTO(buf) was = BUF(EDIT_FILE_MAX);
    AUTO(buf) now = BUF(EDIT_FILE_MAX);
    bool bad = false;
    int64_t offset = store_json_number(row, "offset", EDIT_FILE_MAX, &bad);
    if (bad || !get_bytes(row, "was", &was) || !get_bytes(row, "now", &now) || now.len == 0)
        return false;
    edit_plan_add(out, path, (size_t)offset, buf_span(&was), buf_span(&now));
    return true;
}

static bool read_file(const json_t *row, struct edit_plan *out)
{
    bool bad = false;
    const char *path = store_json_text(row, "path", &bad);
    const json_t *edits = json_opt_array(row, "edits");
    if (bad || path == NULL || path[0] != '/' || edits == NULL)
        return false;
    for (size_t i = 0; i < json_array_size(edits); i++)
        if (!read_edit(json_array_get(edits, i), path, out))
            return false;
    return true;
}

static bool read_layers(const json_t *root, struct installed *out)
{
    const json_t *layers = json_object_get(root, "installs");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        struct edit_plan *layer = add_layer(out);
        const json_t *files = json_opt_array(json_array_get(layers, i), "files");
        for (size_t k = 0; k < json_array_size(files); k++)
            if (!read_file(json_array_get(files, k), layer))
                return false;
        if (layer->count == 0)
            return false;
    }
    bool bad = false;
    out->loops = store_json_flag(root, "loops", &bad);
    return json_is_array(layers) && !bad;
}

bool store_read_installed(const struct store *store, const char *name, struct installed *out,
                          struct error *err)
{
    if (!cert_name_check(name, err))
        return false;
    AUTO_FREE path = path_of(store, name);
    AUTO(installed) read = {0};
    struct file_stamp stamp;
    json_t *root;
    if (!file_stamp_read(path, &stamp, err) || !store_json_read(path, &root, err))
        return false;
    bool missing = stamp.inode == 0;
    bool good = missing || (root != NULL && read_layers(root, &read));
    json_decref(root);
    if (!good) {
        (void)fail(err, ERR_CONFIG, "'%s' is damaged", path);
        return with_hint(err, "it says what acmec has put into nginx's files: restore it from a "
                              "backup, or remove it and acmec's lines by hand");
    }
    *out = read;
    read = (struct installed){0};
    return true;
}

bool store_has_installed(const struct store *store, const char *name)
{
    AUTO(installed) installed = {0};
    struct error ignored = {0};
    return !store_read_installed(store, name, &installed, &ignored) || installed.count > 0;
}

static json_t *as_file(const struct edit_file *file)
{
    json_t *row = json_object(), *edits = json_array();
    json_put_str(row, "path", file->path);
    for (size_t i = 0; i < file->count; i++) {
        json_t *edit = json_object();
        store_json_put_number(edit, "offset", (int64_t)file->items[i].offset);
        put_bytes(edit, "was", file->items[i].was);
        put_bytes(edit, "now", file->items[i].now);
        if (json_array_append_new(edits, edit) != 0)
            mem_exhausted();
    }
    store_json_put(row, "edits", edits);
    return row;
}

static json_t *as_layers(const struct installed *installed)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < installed->count; i++) {
        json_t *layer = json_object(), *files = json_array();
        for (size_t k = 0; k < installed->layers[i].count; k++)
            if (json_array_append_new(files, as_file(&installed->layers[i].files[k])) != 0)
                mem_exhausted();
        store_json_put(layer, "files", files);
        if (json_array_append_new(layers, layer) != 0)
            mem_exhausted();
    }
    return layers;
}

static bool make_folder(const struct store *store, struct error *err)
{
    AUTO_FREE outer = mem_printf("%s/nginx", store->config_dir);
    AUTO_FREE dir = mem_printf("%s/nginx/installed", store->config_dir);
    return file_make_dir(outer, 0755, err) && file_make_dir(dir, 0700, err);
}

/* The document with these layers, owned. */
static bool compose(const char *path, const struct installed *installed, json_t **out,
                    struct error *err)
{
    json_t *root;
    if (!store_json_read_or_new(path, &root, err))
        return false;
    store_json_put(root, "installs", as_layers(installed));
    store_json_put(root, "loops", json_boolean(installed->loops));
    *out = root;
    return true;
}

bool store_draft_installed(struct store *store, const char *name, const struct installed *installed,
                           char **path, struct buf *before, struct buf *after, struct error *err)
{
    static const struct installed nothing = {0};
    AUTO_FREE at = path_of(store, name);
    struct file_stamp stamp = {0};
    json_t *root;
    if (!cert_name_check(name, err) || !make_folder(store, err) ||
        !file_stamp_read(at, &stamp, err) ||
        (stamp.inode == 0 &&
         (!compose(at, &nothing, &root, err) || !store_json_write(at, root, err))) ||
        !file_read_trusted(at, before, NULL, err) || !compose(at, installed, &root, err))
        return false;
    json_write_pretty(root, after);
    json_decref(root);
    if (!buf_ok(after))
        return fail(err, ERR_FILES, "cannot write '%s': it would be too large", at);
    *path = at;
    at = NULL;
    return true;
}

bool store_write_installed(struct store *store, const char *name, const struct installed *installed,
                           struct error *err)
{
    AUTO_FREE path = path_of(store, name);
    json_t *root;
    if (!cert_name_check(name, err))
        return false;
    if (installed->count == 0)
        return unlink(path) == 0 || errno == ENOENT ||
               fail_errno(err, ERR_FILES, errno, "cannot remove '%s'", path);
    return make_folder(store, err) && compose(path, installed, &root, err) &&
           store_json_write(path, root, err);
}

#include <acmec/io/store_records.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/io/store.h>
#include <acmec/io/store_json.h>
#include <dirent.h>
#include <errno.h>

#define SUFFIX ".proofs.json"
#define NUMBER_MAX 1000

/* X(member): the strings of a record, as in the file. */
#define STRINGS(X) X(script) X(name) X(value) X(domain) X(domains) X(token) X(output)

void stored_record_release(struct stored_record *record)
{
#define FREE(member) free(record->member);
    STRINGS(FREE)
#undef FREE
    *record = (struct stored_record){0};
}

void stored_record_copy(const struct stored_record *from, struct stored_record *out)
{
#define COPY(member) out->member = mem_strdup(from->member);
    STRINGS(COPY)
#undef COPY
    out->remaining = from->remaining;
    out->tries = from->tries;
}

void record_list_release(struct record_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        stored_record_release(&list->items[i]);
    free(list->items);
    *list = (struct record_list){0};
}

static char *journal_path(const struct store *store)
{
    return mem_printf("%s/journal", store->state_dir);
}

static char *records_path(const struct store *store, const char *cert)
{
    return mem_printf("%s/journal/%s" SUFFIX, store->state_dir, cert);
}

/* False: a row that nobody can use. */
static bool read_record(const json_t *row, struct stored_record *out)
{
    bool bad = false;
#define READ(member) out->member = mem_strdup(store_json_text(row, #member, &bad));
    STRINGS(READ)
#undef READ
    out->remaining = (unsigned)store_json_number(row, "remaining", NUMBER_MAX, &bad);
    out->tries = (unsigned)store_json_number(row, "tries", NUMBER_MAX, &bad);
    if (!bad && out->script != NULL && out->name != NULL && out->value != NULL &&
        out->domain != NULL && out->domains != NULL && out->token != NULL)
        return true;
    stored_record_release(out);
    return false;
}

bool store_read_records(const struct store *store, const char *cert, struct record_list *out,
                        struct error *err)
{
    json_t *root;
    AUTO_FREE path = records_path(store, cert);
    if (!cert_name_check(cert, err) || !store_json_read(path, &root, err))
        return false;
    const json_t *rows = json_opt_array(root, "records");
    struct record_list list = {0};
    list.items = mem_new(json_array_size(rows) + 1, sizeof *list.items);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (read_record(json_array_get(rows, i), &list.items[list.count]))
            list.count++;
        else
            log_info("'%s': entry %zu is damaged and not used", path, i + 1);
    }
    json_decref(root);
    *out = list;
    return true;
}

static json_t *as_row(const struct stored_record *record)
{
    json_t *row = json_object();
#define WRITE(member) json_put_str(row, #member, record->member);
    STRINGS(WRITE)
#undef WRITE
    store_json_put_number(row, "remaining", record->remaining);
    store_json_put_number(row, "tries", record->tries);
    return row;
}

static bool remove_file(const char *path, const char *folder, struct error *err)
{
    if (unlink(path) == 0)
        return file_sync_dir(folder, err);
    return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot remove '%s'", path);
}

bool store_write_records(struct store *store, const char *cert,
                         const struct stored_record *const *records, size_t count,
                         struct error *err)
{
    AUTO_FREE path = records_path(store, cert);
    AUTO_FREE folder = journal_path(store);
    if (!cert_name_check(cert, err))
        return false;
    if (count == 0)
        return remove_file(path, folder, err);
    if (!file_make_dir(folder, 0700, err))
        return false;
    json_t *root = store_json_new();
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(rows, as_row(records[i])) != 0)
            mem_exhausted();
    store_json_put(root, "records", rows);
    return store_json_write(path, root, err);
}

static void add_name(struct name_list *list, const char *file)
{
    size_t len = strlen(file), cut = sizeof SUFFIX - 1;
    struct error ignored;
    if (len <= cut || strcmp(file + len - cut, SUFFIX) != 0)
        return;
    AUTO_FREE name = mem_strndup(file, len - cut);
    if (!cert_name_check(name, &ignored))
        return;
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = name;
    name = NULL;
}

bool store_list_records(const struct store *store, struct name_list *out, struct error *err)
{
    AUTO(name_list) list = {0};
    AUTO_FREE path = journal_path(store);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot read '%s'", path);
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL)
        add_name(&list, entry->d_name);
    int errnum = errno;
    (void)closedir(dir);
    if (errnum != 0)
        return fail_errno(err, ERR_FILES, errnum, "cannot read '%s'", path);
    *out = list;
    list = (struct name_list){0};
    return true;
}

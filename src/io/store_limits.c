#include <acmec/io/store_limits.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/io/store.h>
#include <acmec/io/store_json.h>

static void limit_clear(struct stored_limit *limit)
{
    free(limit->directory_url);
    free(limit->account_url);
    free(limit->account);
    identifier_list_release(&limit->names);
    *limit = (struct stored_limit){0};
}

void limit_list_release(struct limit_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        limit_clear(&list->items[i]);
    free(list->items);
    *list = (struct limit_list){0};
}

static char *limits_path(const struct store *store)
{
    return mem_printf("%s/limits.json", store->state_dir);
}

/* False: a row that nobody can use. */
static bool read_limit(const json_t *row, struct stored_limit *out)
{
    bool bad = false;
    out->directory_url = mem_strdup(store_json_text(row, "ca", &bad));
    out->account_url = mem_strdup(store_json_text(row, "account", &bad));
    out->account = mem_strdup(store_json_text(row, "account_name", &bad));
    store_json_names(row, "names", &out->names, &bad);
    out->until = store_json_time(row, "until", &bad);
    store_json_error(row, "error", &out->error, &bad);
    if (!bad && out->directory_url != NULL && out->account_url != NULL)
        return true;
    limit_clear(out);
    return false;
}

bool store_read_limits(const struct store *store, struct limit_list *out, struct error *err)
{
    json_t *root;
    AUTO_FREE path = limits_path(store);
    if (!store_json_read(path, &root, err))
        return false;
    const json_t *rows = json_opt_array(root, "limits");
    struct limit_list list = {0};
    list.items = mem_new(json_array_size(rows) + 1, sizeof *list.items);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (read_limit(json_array_get(rows, i), &list.items[list.count]))
            list.count++;
        else
            log_info("'%s': entry %zu is damaged and not used", path, i + 1);
    }
    json_decref(root);
    *out = list;
    return true;
}

/* Whether the row is for what limit is for, or is over, or nobody can use it. */
static bool is_gone(const json_t *row, const struct stored_limit *limit, int64_t now)
{
    struct stored_limit old = {0};
    if (!read_limit(row, &old))
        return true;
    bool gone = old.until <= now || (strcmp(old.directory_url, limit->directory_url) == 0 &&
                                     strcmp(old.account_url, limit->account_url) == 0 &&
                                     identifier_list_same_set(&old.names, &limit->names));
    limit_clear(&old);
    return gone;
}

static json_t *as_row(const struct stored_limit *limit)
{
    json_t *row = json_object();
    json_put_str(row, "ca", limit->directory_url);
    json_put_str(row, "account", limit->account_url);
    json_put_str(row, "account_name", limit->account);
    store_json_put_names(row, "names", &limit->names);
    store_json_put_time(row, "until", limit->until);
    store_json_put_error(row, "error", &limit->error);
    return row;
}

bool store_add_limit(struct store *store, const struct stored_limit *limit, int64_t now,
                     struct error *err)
{
    AUTO(lock) lock = {.fd = -1};
    json_t *root;
    AUTO_FREE path = limits_path(store);
    if (!store_lock_accounts(store, &lock, err) || !store_json_read_or_new(path, &root, err))
        return false;
    json_t *rows = json_array();
    const json_t *old = json_opt_array(root, "limits");
    for (size_t i = 0; i < json_array_size(old); i++) {
        json_t *row = json_array_get(old, i);
        if (!is_gone(row, limit, now) && json_array_append(rows, row) != 0)
            mem_exhausted();
    }
    if (json_array_append_new(rows, as_row(limit)) != 0)
        mem_exhausted();
    store_json_put(root, "limits", rows);
    return store_json_write(path, root, err);
}

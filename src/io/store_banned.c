#include <acmec/io/store_banned.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/io/store.h>
#include <acmec/io/store_json.h>
#include <errno.h>

static char *banned_path(const struct store *store)
{
    return mem_printf("%s/compromised-keys.json", store->config_dir);
}

/* *out: owned; NULL where there is no such file. */
static bool read_banned(const char *path, json_t **out, struct error *err)
{
    if (!store_json_read(path, out, err))
        return false;
    if (*out == NULL && access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    if (*out != NULL && json_opt_object(*out, "keys") != NULL)
        return true;
    json_decref(*out);
    (void)fail(err, ERR_CONFIG, "'%s' is damaged", path);
    return with_hint(err, "it lists keys that must not be used again: restore it from a backup, or "
                          "remove it if no key of yours was ever compromised");
}

bool store_ban_key(struct store *store, const char *fingerprint, int64_t now, struct error *err)
{
    AUTO(lock) lock = {.fd = -1};
    AUTO_FREE path = banned_path(store);
    json_t *root;
    if (!store_lock_accounts(store, &lock, err) || !read_banned(path, &root, err))
        return false;
    if (root == NULL)
        root = store_json_new();
    json_t *keys = store_json_section(root, "keys");
    if (json_object_get(keys, fingerprint) != NULL) {
        json_decref(root);
        return true;
    }
    store_json_put_time(keys, fingerprint, now);
    return store_json_write(path, root, err);
}

bool store_key_is_banned(const struct store *store, const char *fingerprint, bool *out,
                         struct error *err)
{
    AUTO_FREE path = banned_path(store);
    json_t *root;
    if (!read_banned(path, &root, err))
        return false;
    *out = root != NULL && json_object_get(json_object_get(root, "keys"), fingerprint) != NULL;
    json_decref(root);
    return true;
}

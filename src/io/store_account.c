#include <acmec/io/store_account.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/identifier.h>
#include <acmec/io/store.h>
#include <acmec/io/store_json.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#define FOLDER_NAME_MAX 200
#define KEY_FILE "key.pem"
#define NEXT_KEY_FILE "key.next.pem"
#define UNUSED_KEY_FILE "key.unused.pem"
#define ACCOUNT_FILE "account.json"

void stored_account_release(struct stored_account *account)
{
    free(account->directory_url);
    free(account->url);
    free(account->contact);
    free(account->terms_url);
    free(account->status);
    free(account->caa);
    *account = (struct stored_account){0};
}

static void entry_clear(struct account_entry *entry)
{
    free(entry->ca);
    free(entry->account);
    free(entry->thumbprint);
    stored_account_release(&entry->stored);
}

void account_list_release(struct account_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        entry_clear(&list->items[i]);
    free(list->items);
    *list = (struct account_list){0};
}

/* ---- paths ---- */

static char *accounts_dir(const struct store *store, bool dry_run)
{
    return dry_run ? mem_printf("%s/dry-run/accounts", store->state_dir)
                   : mem_printf("%s/accounts", store->config_dir);
}

/* The folder's name for a CA, owned; NULL where there is none. */
static char *ca_folder(const char *directory_url)
{
    const char *scheme = strstr(directory_url, "://");
    char *folder = mem_strdup(scheme == NULL ? directory_url : scheme + 3);
    for (char *byte = folder; *byte != '\0'; byte++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *byte) == NULL)
            *byte = '_';
    if (folder[0] == '.')
        folder[0] = '_';
    if (folder[0] != '\0' && strlen(folder) <= FOLDER_NAME_MAX)
        return folder;
    free(folder);
    return NULL;
}

/* ACCOUNT's folder, owned in *out. */
static bool account_dir(const struct store *store, const char *directory_url, const char *account,
                        bool dry_run, char **out, struct error *err)
{
    struct error why;
    if (!cert_name_check(account, &why))
        return fail(err, ERR_USAGE,
                    "'%s' is no name for an account: it takes 1 to %d of a-z, 0-9, '.', '_', '-'",
                    escaped_str(account).text, CERT_NAME_MAX);
    AUTO_FREE folder = ca_folder(directory_url);
    if (folder == NULL)
        return fail(err, ERR_CONFIG, "the CA's address '%s' is empty or too long",
                    escaped_str(directory_url).text);
    AUTO_FREE accounts = accounts_dir(store, dry_run);
    *out = mem_printf("%s/%s/%s", accounts, folder, account);
    return true;
}

/* ---- reading ---- */

static void read_members(const json_t *root, struct stored_account *out)
{
    bool bad = false;
    *out = (struct stored_account){
        .directory_url = mem_strdup(store_json_text(root, "ca", &bad)),
        .url = mem_strdup(store_json_text(root, "url", &bad)),
        .contact = mem_strdup(store_json_text(root, "contact", &bad)),
        .terms_url = mem_strdup(store_json_text(root, "terms", &bad)),
        .status = mem_strdup(store_json_text(root, "status", &bad)),
        .caa = mem_strdup(store_json_text(root, "caa", &bad)),
    };
    if (bad)
        stored_account_release(out);
}

/* Missing or damaged: nothing but what the caller knows, directory_url (NULL: not even that). */
static bool read_stored(const char *dir, const char *directory_url, struct stored_account *out,
                        struct error *err)
{
    json_t *root;
    AUTO(stored_account) stored = {0};
    AUTO_FREE path = mem_printf("%s/" ACCOUNT_FILE, dir);
    if (!store_json_read(path, &root, err))
        return false;
    read_members(root, &stored);
    json_decref(root);
    if (stored.directory_url == NULL)
        stored.directory_url = mem_strdup(directory_url);
    else if (directory_url != NULL && strcmp(stored.directory_url, directory_url) != 0)
        return fail(err, ERR_CONFIG, "'%s' is for another CA than '%s'", path, directory_url);
    *out = stored;
    stored = (struct stored_account){0};
    return true;
}

/* *out NULL: there is none. */
static bool read_key(const char *dir, const char *file, struct key **out, struct error *err)
{
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    AUTO_FREE path = mem_printf("%s/%s", dir, file);
    struct key *key = NULL;
    bool found;
    if (!file_read_trusted(path, &pem, &found, err) || (found && !file_check_trusted(path, err)))
        return false;
    if (found && !key_read_pem(buf_span(&pem), ERR_CONFIG, &key, err))
        return while_doing(err, "'%s'", path);
    *out = key;
    return true;
}

bool store_read_account(const struct store *store, const char *directory_url, const char *account,
                        bool dry_run, struct key **key, struct stored_account *out, bool *found,
                        struct error *err)
{
    AUTO_FREE dir = NULL;
    struct key *loaded = NULL;
    if (!account_dir(store, directory_url, account, dry_run, &dir, err) ||
        !read_key(dir, KEY_FILE, &loaded, err))
        return false;
    if (loaded != NULL && !read_stored(dir, directory_url, out, err)) {
        key_free(loaded);
        return false;
    }
    *found = loaded != NULL;
    if (*found)
        *key = loaded;
    return true;
}

/* ---- writing ---- */

bool store_write_account_key(struct store *store, const char *directory_url, const char *account,
                             bool dry_run, const struct key *key, struct error *err)
{
    AUTO_FREE dir = NULL;
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    if (!account_dir(store, directory_url, account, dry_run, &dir, err) ||
        !key_write_pem(key, &pem, err) || !file_make_dir(dir, 0700, err))
        return false;
    AUTO_FREE path = mem_printf("%s/" KEY_FILE, dir);
    return file_create(path, 0600, buf_span(&pem), err);
}

bool store_write_account(struct store *store, const char *account, bool dry_run,
                         const struct stored_account *stored, struct error *err)
{
    json_t *root;
    AUTO_FREE dir = NULL;
    if (!account_dir(store, stored->directory_url, account, dry_run, &dir, err))
        return false;
    AUTO_FREE path = mem_printf("%s/" ACCOUNT_FILE, dir);
    if (!store_json_read_or_new(path, &root, err))
        return false;
    json_put_str(root, "ca", stored->directory_url);
    json_put_str(root, "url", stored->url);
    json_put_str(root, "contact", stored->contact);
    json_put_str(root, "terms", stored->terms_url);
    json_put_str(root, "status", stored->status);
    json_put_str(root, "caa", stored->caa);
    return store_json_write(path, root, err);
}

/* ---- a rollover ---- */

bool store_lock_account_change(struct store *store, struct lock *out, struct error *err)
{
    AUTO_FREE path = mem_printf("%s/locks/account-change", store->state_dir);
    return lock_take(path, store->command, out, err) ||
           while_doing(err, "an account's key is being changed");
}

bool store_read_next_key(const struct store *store, const char *directory_url, const char *account,
                         bool dry_run, struct key **key, struct error *err)
{
    AUTO_FREE dir = NULL;
    return account_dir(store, directory_url, account, dry_run, &dir, err) &&
           read_key(dir, NEXT_KEY_FILE, key, err);
}

bool store_write_next_key(struct store *store, const char *directory_url, const char *account,
                          const struct key *key, struct error *err)
{
    AUTO_FREE dir = NULL;
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    if (!account_dir(store, directory_url, account, false, &dir, err) ||
        !key_write_pem(key, &pem, err))
        return false;
    AUTO_FREE path = mem_printf("%s/" NEXT_KEY_FILE, dir);
    return file_create(path, 0600, buf_span(&pem), err);
}

static bool move_next_key(struct store *store, const char *directory_url, const char *account,
                          const char *file, struct error *err)
{
    AUTO_FREE dir = NULL;
    if (!account_dir(store, directory_url, account, false, &dir, err))
        return false;
    AUTO_FREE next = mem_printf("%s/" NEXT_KEY_FILE, dir);
    AUTO_FREE path = mem_printf("%s/%s", dir, file);
    if (rename(next, path) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot rename '%s' to '%s'", next, file);
    return file_sync_dir(dir, err);
}

bool store_promote_next_key(struct store *store, const char *directory_url, const char *account,
                            struct error *err)
{
    return move_next_key(store, directory_url, account, KEY_FILE, err);
}

bool store_set_next_key_aside(struct store *store, const char *directory_url, const char *account,
                              struct error *err)
{
    return move_next_key(store, directory_url, account, UNUSED_KEY_FILE, err);
}

/* ---- listing ---- */

/* The entries of a folder, owned, in byte order; hidden ones are left out, a missing folder has
 * none. */
static bool list_folder(const char *path, struct name_list *out, struct error *err)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return errno == ENOENT || errno == ENOTDIR ||
               fail_errno(err, ERR_FILES, errno, "cannot read '%s'", path);
    out->items = mem_new((size_t)count + 1, sizeof *out->items);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            out->items[out->count++] = mem_strdup(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return true;
}

/* Adds the account in this folder, if it has a key. */
static bool add_entry(struct account_list *list, const char *dir, const char *ca,
                      const char *account, struct error *err)
{
    AUTO(buf) thumbprint = BUF(256);
    struct account_entry entry = {0};
    struct key *key = NULL;
    if (!read_key(dir, KEY_FILE, &key, err))
        return false;
    if (key == NULL)
        return true;
    bool good = key_thumbprint(key, &thumbprint, err) && read_stored(dir, NULL, &entry.stored, err);
    key_free(key);
    if (!good)
        return false;
    entry.ca = mem_strdup(ca);
    entry.account = mem_strdup(account);
    entry.thumbprint = buf_take(&thumbprint);
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = entry;
    return true;
}

static bool add_ca(struct account_list *list, const char *accounts, const char *ca,
                   struct error *err)
{
    AUTO(name_list) names = {0};
    AUTO_FREE folder = mem_printf("%s/%s", accounts, ca);
    if (!list_folder(folder, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE dir = mem_printf("%s/%s", folder, names.items[i]);
        if (!add_entry(list, dir, ca, names.items[i], err))
            return false;
    }
    return true;
}

bool store_list_accounts(const struct store *store, struct account_list *out, struct error *err)
{
    AUTO(account_list) list = {0};
    AUTO(name_list) cas = {0};
    AUTO_FREE accounts = accounts_dir(store, false);
    if (!list_folder(accounts, &cas, err))
        return false;
    for (size_t i = 0; i < cas.count; i++)
        if (!add_ca(&list, accounts, cas.items[i], err))
            return false;
    *out = list;
    list = (struct account_list){0};
    return true;
}

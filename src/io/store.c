#include <acmec/io/store.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/clock.h>
#include <acmec/base/mem.h>
#include <acmec/data/identifier.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>

#define CONF_SUFFIX ".conf"
#define SHARED_LOCK_WAIT_MS 10000
#define SHARED_LOCK_POLL_MS 20

/* ---- folders ---- */

/* Modes of design section 4; the first of each tree is the tree itself. Those that are not prepared
 * come with their first file. */
static const struct {
    bool in_state;
    bool prepared;
    mode_t mode;
    const char *path;
} folders[] = {
    {false, true, 0755, ""},          {false, true, 0755, "/certs"},
    {false, true, 0700, "/accounts"}, {false, true, 0755, "/archive"},
    {false, true, 0755, "/live"},     {true, true, 0711, ""},
    {true, true, 0700, "/certs"},     {true, true, 0700, "/locks"},
    {true, false, 0700, "/dry-run"},  {true, false, 0700, "/journal"},
};
#define FOLDERS (sizeof folders / sizeof folders[0])

static char *folder_path(const struct store *store, size_t i)
{
    return mem_printf("%s%s", folders[i].in_state ? store->state_dir : store->config_dir,
                      folders[i].path);
}

/* What is not there yet is judged by the folder that it would be made in. */
static bool check_folder(const char *path, struct error *err)
{
    struct stat status;
    AUTO_FREE there = mem_strdup(path);
    while (lstat(there, &status) != 0) {
        if (errno != ENOENT)
            return fail_errno(err, ERR_FILES, errno, "cannot look at '%s'", there);
        char *slash = strrchr(there, '/');
        if (slash == there)
            slash++;
        *slash = '\0';
    }
    return file_check_trusted(there, err);
}

static bool check_folders(const struct store *store, struct error *err)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        AUTO_FREE path = folder_path(store, i);
        if (!check_folder(path, err))
            return false;
    }
    return true;
}

bool store_prepare(struct store *store, struct error *err)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        AUTO_FREE path = folder_path(store, i);
        if (folders[i].prepared && !file_make_dir(path, folders[i].mode, err))
            return false;
    }
    /* Whoever may write to a sticky folder above could have been faster. */
    return check_folders(store, err);
}

/* ---- open, close ---- */

static char *without_final_slash(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return mem_strndup(path, len);
}

bool store_open(const char *config_dir, const char *state_dir, struct store **out,
                struct error *err)
{
    if (config_dir[0] != '/' || state_dir[0] != '/')
        return fail(err, ERR_USAGE, "'%s' is not an absolute path",
                    config_dir[0] != '/' ? config_dir : state_dir);
    struct store *store = mem_new(1, sizeof *store);
    store->config_dir = without_final_slash(config_dir);
    store->state_dir = without_final_slash(state_dir);
    store->command = mem_strdup("acmec");
    if (!check_folders(store, err)) {
        store_close(store);
        return false;
    }
    *out = store;
    return true;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    free(store->config_dir);
    free(store->state_dir);
    free(store->command);
    free(store);
}

void store_set_command(struct store *store, const char *command)
{
    free(store->command);
    store->command = mem_strdup(command);
}

const char *store_config_dir(const struct store *store)
{
    return store->config_dir;
}

const char *store_state_dir(const struct store *store)
{
    return store->state_dir;
}

char *store_conf_path(const struct store *store, const char *name)
{
    if (name == NULL)
        return mem_printf("%s/acmec.conf", store->config_dir);
    return mem_printf("%s/certs/%s" CONF_SUFFIX, store->config_dir, name);
}

char *store_live_path(const struct store *store, const char *name)
{
    return mem_printf("%s/live/%s", store->config_dir, name);
}

char *store_hooks_dir(const struct store *store, const char *kind)
{
    return mem_printf("%s/hooks/%s", store->config_dir, kind);
}

/* ---- names ---- */

void name_list_release(struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct name_list){0};
}

struct name_vector {
    struct name_list list;
    size_t capacity;
};

static void add_name(struct name_vector *names, const char *text, size_t len)
{
    struct name_list *list = &names->list;
    struct error ignored;
    if (len == 0 || len > CERT_NAME_MAX)
        return;
    AUTO_FREE name = mem_strndup(text, len);
    if (!cert_name_check(name, &ignored))
        return;
    if (list->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 64 : names->capacity * 2;
        list->items = mem_resize(list->items, names->capacity, sizeof *list->items);
    }
    list->items[list->count++] = name;
    name = NULL;
}

/* Adds every entry of the folder that ends in suffix (cut off); links: that is a link, or may be
 * one. What is no file where one should be is for its reader to complain about. */
static bool add_folder(const char *path, const char *suffix, bool links, struct name_vector *names,
                       struct error *err)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot read '%s'", path);
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name), cut = strlen(suffix);
        bool fits = !links || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
        if (fits && len > cut && strcmp(entry->d_name + len - cut, suffix) == 0)
            add_name(names, entry->d_name, len - cut);
    }
    int errnum = errno;
    (void)closedir(dir);
    return errnum == 0 || fail_errno(err, ERR_FILES, errnum, "cannot read '%s'", path);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_once(struct name_list *list)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, by_bytes);
    for (size_t i = 0; i < list->count; i++) {
        if (kept > 0 && strcmp(list->items[kept - 1], list->items[i]) == 0)
            free(list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

bool store_list(const struct store *store, struct name_list *out, struct error *err)
{
    struct name_vector names = {0};
    AUTO_FREE certs = mem_printf("%s/certs", store->config_dir);
    AUTO_FREE live = mem_printf("%s/live", store->config_dir);
    if (!add_folder(certs, CONF_SUFFIX, false, &names, err) ||
        !add_folder(live, "", true, &names, err)) {
        name_list_release(&names.list);
        return false;
    }
    sort_once(&names.list);
    *out = names.list;
    return true;
}

/* ---- configuration files ---- */

bool store_read_conf(const struct store *store, const char *name, struct buf *out, bool *found,
                     struct error *err)
{
    if (name != NULL && !cert_name_check(name, err))
        return false;
    AUTO_FREE path = store_conf_path(store, name);
    return file_read_trusted(path, out, found, err);
}

bool store_conf_stamp(const struct store *store, const char *name, struct file_stamp *out,
                      struct error *err)
{
    if (name != NULL && !cert_name_check(name, err))
        return false;
    AUTO_FREE path = store_conf_path(store, name);
    return file_stamp_read(path, out, err);
}

bool store_write_conf(struct store *store, const char *name, struct span text, struct error *err)
{
    if (!cert_name_check(name, err))
        return false;
    AUTO_FREE path = store_conf_path(store, name);
    return file_replace(path, 0644, text, err);
}

/* ---- locks ---- */

bool store_lock_cert(struct store *store, const char *name, struct lock *out, struct error *err)
{
    if (!cert_name_check(name, err))
        return false;
    AUTO_FREE path = mem_printf("%s/locks/%s.lock", store->state_dir, name);
    return lock_take(path, store->command, out, err) || while_doing(err, "certificate '%s'", name);
}

bool store_lock_nginx(struct store *store, const char *conf, struct lock *out, struct error *err)
{
    char id[JOURNAL_ID_SIZE];
    if (!journal_id(conf, id, err))
        return false;
    AUTO_FREE path = mem_printf("%s/locks/nginx-%s", store->state_dir, id);
    return lock_take(path, store->command, out, err) || while_doing(err, "nginx '%s'", conf);
}

/* The one wait outside the loop: its holder needs it for a few file operations. */
bool store_lock_accounts(struct store *store, struct lock *out, struct error *err)
{
    AUTO_FREE path = mem_printf("%s/locks/accounts", store->state_dir);
    struct clock clock = clock_system();
    int64_t until = clock_mono_ms(&clock) + SHARED_LOCK_WAIT_MS;
    struct error held;
    while (!lock_take(path, store->command, out, &held)) {
        if (held.code != ERR_LOCKED || clock_mono_ms(&clock) >= until) {
            *err = held;
            return while_doing(err, "accounts");
        }
        (void)poll(NULL, 0, SHARED_LOCK_POLL_MS);
    }
    return true;
}

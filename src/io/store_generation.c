#include <acmec/io/store_generation.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/io/store.h>
#include <acmec/io/store_json.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>

#define PARTIAL ".partial"
#define GENERATION_MAX 999999999
#define GROUP_LINE_MAX (1024 * 1024)

/* ---- paths and numbers ---- */

static char *archive_path(const struct store *store, const char *name)
{
    return mem_printf("%s/archive/%s", store->config_dir, name);
}

static char *generation_path(const struct store *store, const char *name, unsigned generation,
                             const char *suffix)
{
    return mem_printf("%s/archive/%s/%u%s", store->config_dir, name, generation, suffix);
}

/* The number that text begins with, as we write it (no sign, no leading zero); 0: none. */
static unsigned parse_number(const char *text, const char **rest)
{
    char *end;
    if (text[0] < '1' || text[0] > '9')
        return 0;
    unsigned long number = strtoul(text, &end, 10);
    *rest = end;
    return number > GENERATION_MAX ? 0 : (unsigned)number;
}

struct generation {
    unsigned number;
    bool partial;
};
struct generation_list {
    struct generation *items; /* newest first */
    size_t count;
};

static void generation_list_release(struct generation_list *list)
{
    free(list->items);
}

static int newest_first(const void *a, const void *b)
{
    const struct generation *left = a, *right = b;
    return (left->number < right->number) - (left->number > right->number);
}

static bool list_generations(const struct store *store, const char *name,
                             struct generation_list *out, struct error *err)
{
    AUTO_FREE path = archive_path(store, name);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot read '%s'", path);
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        const char *rest = "";
        unsigned number = parse_number(entry->d_name, &rest);
        bool partial = strcmp(rest, PARTIAL) == 0;
        if (number == 0 || (!partial && rest[0] != '\0'))
            continue;
        out->items = mem_resize(out->items, out->count + 1, sizeof *out->items);
        out->items[out->count++] = (struct generation){number, partial};
    }
    int errnum = errno;
    (void)closedir(dir);
    if (errnum != 0)
        return fail_errno(err, ERR_FILES, errnum, "cannot read '%s'", path);
    if (out->count > 0)
        qsort(out->items, out->count, sizeof *out->items, newest_first);
    return true;
}

bool store_next_generation(const struct store *store, const char *name, unsigned *out,
                           struct error *err)
{
    AUTO(generation_list) list = {0};
    if (!cert_name_check(name, err) || !list_generations(store, name, &list, err))
        return false;
    unsigned newest = list.count == 0 ? 0 : list.items[0].number;
    if (newest == GENERATION_MAX)
        return fail(err, ERR_FILES, "certificate '%s' has no generation number left", name);
    *out = newest + 1;
    return true;
}

/* ---- keys ---- */

bool store_write_pending_key(struct store *store, const char *name, unsigned generation,
                             const struct key *key, struct error *err)
{
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    if (!cert_name_check(name, err) || !key_write_pem(key, &pem, err))
        return false;
    AUTO_FREE dir = generation_path(store, name, generation, PARTIAL);
    AUTO_FREE path = mem_printf("%s/privkey.pem", dir);
    return file_make_dir(dir, 0755, err) && file_check_trusted(dir, err) &&
           file_create(path, 0600, buf_span(&pem), err);
}

/* *out NULL: missing or broken. */
static bool read_key(const char *dir, struct key **out, struct error *err)
{
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    AUTO_FREE path = mem_printf("%s/privkey.pem", dir);
    struct key *key = NULL;
    struct error why;
    bool found;
    if (!file_read_trusted(path, &pem, &found, err) || (found && !file_check_trusted(path, err)))
        return false;
    if (found && !key_read_pem(buf_span(&pem), ERR_FILES, &key, &why))
        log_info("'%s' is damaged: %s", path, why.text);
    *out = key;
    return true;
}

bool store_read_pending_key(const struct store *store, const char *name, unsigned generation,
                            struct key **out, bool *found, struct error *err)
{
    struct key *key;
    AUTO_FREE dir = generation_path(store, name, generation, PARTIAL);
    if (!cert_name_check(name, err) || !read_key(dir, &key, err))
        return false;
    *found = key != NULL;
    if (*found)
        *out = key;
    return true;
}

void store_drop_partials(struct store *store, const char *name, unsigned keep)
{
    AUTO(generation_list) list = {0};
    struct error why;
    if (!cert_name_check(name, &why) || !list_generations(store, name, &list, &why)) {
        log_info("%s", why.text);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!list.items[i].partial || list.items[i].number == keep)
            continue;
        AUTO_FREE path = generation_path(store, name, list.items[i].number, PARTIAL);
        if (!file_remove_dir(path, &why))
            log_info("%s", why.text);
    }
}

/* ---- who may read a key ---- */

static bool find_group(const char *name, gid_t *out, struct error *err)
{
    struct group group, *found = NULL;
    int errnum = ERANGE;
    for (size_t size = 4096; errnum == ERANGE && size <= GROUP_LINE_MAX; size *= 4) {
        AUTO_FREE line = mem_new(1, size);
        errnum = getgrnam_r(name, &group, line, size, &found);
    }
    if (found != NULL) {
        *out = group.gr_gid;
        return true;
    }
    if (errnum != 0)
        (void)fail_errno(err, ERR_FILES, errnum, "cannot look up the group '%s'", name);
    else
        (void)fail(err, ERR_FILES, "there is no group '%s'", name);
    return with_hint(err, "make it with groupadd, or name another with --key-group");
}

bool store_check_key_group(const char *key_group, struct error *err)
{
    gid_t gid;
    return key_group == NULL || find_group(key_group, &gid, err);
}

/* The group first, so that nobody else's group ever reads it. */
static bool give_to_group(const char *path, gid_t gid, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return (fd >= 0 && fchown(fd, (uid_t)-1, gid) == 0 && fchmod(fd, 0640) == 0 &&
            fsync(fd) == 0) ||
           fail_errno(err, ERR_FILES, errno, "cannot give '%s' to its group", path);
}

/* ---- commit ---- */

static bool write_part(const char *dir, const char *file, const struct buf *bytes,
                       struct error *err)
{
    AUTO_FREE path = mem_printf("%s/%s", dir, file);
    return file_put(path, 0644, buf_span(bytes), err);
}

static bool write_chain(const char *dir, struct span chain_pem, struct error *err)
{
    AUTO(buf) leaf = BUF(PEM_CHAIN_MAX * 2);
    AUTO(buf) rest = BUF(PEM_CHAIN_MAX * 2);
    AUTO(buf) whole = BUF(PEM_CHAIN_MAX * 2);
    return cert_split_chain(chain_pem, &leaf, &rest, &whole, err) &&
           write_part(dir, "cert.pem", &leaf, err) && write_part(dir, "chain.pem", &rest, err) &&
           write_part(dir, "fullchain.pem", &whole, err);
}

/* Written last: it makes the whole folder durable. */
static bool write_meta(const char *dir, const struct generation_meta *meta, struct error *err)
{
    AUTO_FREE path = mem_printf("%s/meta.json", dir);
    json_t *root = store_json_new();
    json_put_str(root, "ca", meta->directory_url);
    json_put_str(root, "account", meta->account_url);
    json_put_str(root, "key_type", key_type_word(meta->key_type));
    store_json_put_names(root, "names", meta->names);
    store_json_put_time(root, "issued_at", meta->issued_at);
    return store_json_write(path, root, err);
}

/* Everything into N.partial, then its name. */
static bool complete(const struct store *store, const char *name, unsigned generation,
                     struct span chain_pem, const struct generation_meta *meta,
                     const char *key_group, struct error *err)
{
    gid_t gid = 0;
    if (key_group != NULL && !find_group(key_group, &gid, err))
        return false;
    AUTO_FREE archive = archive_path(store, name);
    AUTO_FREE partial = generation_path(store, name, generation, PARTIAL);
    AUTO_FREE whole = generation_path(store, name, generation, "");
    AUTO_FREE key = mem_printf("%s/privkey.pem", partial);
    if (!file_check_trusted(key, err) || !write_chain(partial, chain_pem, err) ||
        (key_group != NULL && !give_to_group(key, gid, err)) || !write_meta(partial, meta, err))
        return false;
    if (rename(partial, whole) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot name '%s' '%s'", partial, whole);
    return file_sync_dir(archive, err);
}

static char *live_temp(const struct store *store, const char *name)
{
    return mem_printf("%s/live/.%s.tmp", store->config_dir, name);
}

/* The caller holds the certificate's lock, so a temporary link is a killed run's. */
static bool switch_live(const struct store *store, const char *name, unsigned generation,
                        struct error *err)
{
    AUTO_FREE folder = mem_printf("%s/live", store->config_dir);
    AUTO_FREE temp = live_temp(store, name);
    AUTO_FREE live = store_live_path(store, name);
    AUTO_FREE target = mem_printf("../archive/%s/%u", name, generation);
    if (unlink(temp) != 0 && errno != ENOENT)
        return fail_errno(err, ERR_FILES, errno, "cannot remove '%s'", temp);
    if (symlink(target, temp) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot make the link '%s'", temp);
    if (rename(temp, live) != 0) {
        (void)fail_errno(err, ERR_FILES, errno, "cannot switch '%s'", live);
        (void)unlink(temp);
        return false;
    }
    return file_sync_dir(folder, err);
}

/* The new one is live: what cannot be removed now is removed after the next. */
static void drop_old(const struct store *store, const char *name, unsigned live)
{
    AUTO(generation_list) list = {0};
    struct error why;
    unsigned kept = 0;
    if (!list_generations(store, name, &list, &why)) {
        log_info("%s", why.text);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct generation *one = &list.items[i];
        if (one->partial || ++kept <= STORE_GENERATIONS_KEPT || one->number == live)
            continue;
        AUTO_FREE path = generation_path(store, name, one->number, "");
        if (!file_remove_dir(path, &why))
            log_info("%s", why.text);
    }
}

bool store_commit(struct store *store, const char *name, unsigned generation, struct span chain_pem,
                  const struct generation_meta *meta, const char *key_group, struct error *err)
{
    if (!cert_name_check(name, err) ||
        !complete(store, name, generation, chain_pem, meta, key_group, err) ||
        !switch_live(store, name, generation, err))
        return false;
    drop_old(store, name, generation);
    return true;
}

/* ---- live ---- */

bool store_live_generation(const struct store *store, const char *name, unsigned *out,
                           struct error *err)
{
    char target[STORE_PATH_MAX];
    const char *rest = "";
    if (!cert_name_check(name, err))
        return false;
    AUTO_FREE live = store_live_path(store, name);
    AUTO_FREE prefix = mem_printf("../archive/%s/", name);
    ssize_t len = readlink(live, target, sizeof target - 1);
    if (len < 0 && errno != ENOENT && errno != EINVAL)
        return fail_errno(err, ERR_FILES, errno, "cannot read the link '%s'", live);
    target[len < 0 ? 0 : len] = '\0';
    bool ours = strncmp(target, prefix, strlen(prefix)) == 0;
    unsigned number = ours ? parse_number(target + strlen(prefix), &rest) : 0;
    *out = rest[0] == '\0' ? number : 0;
    return true;
}

/* Appends fullchain.pem of the folder. */
static bool read_chain(const char *dir, struct buf *out, bool *found, struct error *err)
{
    AUTO_FREE path = mem_printf("%s/fullchain.pem", dir);
    bool there;
    if (!file_read_trusted(path, out, &there, err) || (there && !file_check_trusted(path, err)))
        return false;
    *found = there;
    return true;
}

bool store_read_live_chain(const struct store *store, const char *name, struct buf *out,
                           bool *found, struct error *err)
{
    AUTO_FREE live = store_live_path(store, name);
    return cert_name_check(name, err) && read_chain(live, out, found, err);
}

static bool is_whole(const char *dir)
{
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    struct key *key = NULL;
    struct error why;
    bool found = false;
    bool readable = read_chain(dir, &chain, &found, &why) && read_key(dir, &key, &why);
    bool whole = readable && found && key != NULL && cert_fits_key(buf_span(&chain), key);
    key_free(key);
    if (!readable)
        log_info("%s", why.text);
    return whole;
}

static bool has_files(const char *dir)
{
    AUTO_FREE chain = mem_printf("%s/fullchain.pem", dir);
    AUTO_FREE key = mem_printf("%s/privkey.pem", dir);
    return access(chain, F_OK) == 0 && access(key, F_OK) == 0;
}

static void drop_leftovers(const struct store *store, const char *name)
{
    AUTO_FREE conf = store_conf_path(store, name);
    AUTO_FREE state = mem_printf("%s/certs/%s.json", store->state_dir, name);
    AUTO_FREE temp = live_temp(store, name);
    file_drop_leftover(conf);
    file_drop_leftover(state);
    (void)unlink(temp);
}

bool store_repair_live(struct store *store, const char *name, struct error *err)
{
    AUTO(generation_list) list = {0};
    AUTO_FREE live = store_live_path(store, name);
    if (!cert_name_check(name, err))
        return false;
    drop_leftovers(store, name);
    if (has_files(live))
        return true;
    if (!crypto_start(err) || !list_generations(store, name, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        AUTO_FREE dir = generation_path(store, name, list.items[i].number, "");
        if (list.items[i].partial || !is_whole(dir))
            continue;
        log_info("'%s' was lost and leads to generation %u again", live, list.items[i].number);
        return switch_live(store, name, list.items[i].number, err);
    }
    return true;
}

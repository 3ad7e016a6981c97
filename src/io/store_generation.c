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
                             const char *suffix, const struct key *key, struct error *err)
{
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    if (!cert_name_check(name, err) || !key_write_pem(key, &pem, err))
        return false;
    AUTO_FREE dir = generation_path(store, name, generation, PARTIAL);
    AUTO_FREE path = mem_printf("%s/privkey%s.pem", dir, suffix);
    return file_make_dir(dir, 0755, err) && file_check_trusted(dir, err) &&
           file_create(path, 0600, buf_span(&pem), err);
}

/* *out NULL: missing or broken. */
static bool read_key(const char *dir, const char *suffix, struct key **out, struct error *err)
{
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    AUTO_FREE path = mem_printf("%s/privkey%s.pem", dir, suffix);
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

static bool find_key(const char *dir, const char *suffix, struct key **out, bool *found,
                     struct error *err)
{
    struct key *key;
    if (!read_key(dir, suffix, &key, err))
        return false;
    *found = key != NULL;
    if (*found)
        *out = key;
    return true;
}

bool store_read_pending_key(const struct store *store, const char *name, unsigned generation,
                            const char *suffix, struct key **out, bool *found, struct error *err)
{
    AUTO_FREE dir = generation_path(store, name, generation, PARTIAL);
    return cert_name_check(name, err) && find_key(dir, suffix, out, found, err);
}

bool store_read_live_key(const struct store *store, const char *name, const char *suffix,
                         struct key **out, bool *found, struct error *err)
{
    AUTO_FREE dir = store_live_path(store, name);
    return cert_name_check(name, err) && find_key(dir, suffix, out, found, err);
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

static bool write_part(const char *dir, const char *file, const char *suffix,
                       const struct buf *bytes, struct error *err)
{
    AUTO_FREE path = mem_printf("%s/%s%s.pem", dir, file, suffix);
    return file_put(path, 0644, buf_span(bytes), err);
}

static bool write_chain(const char *dir, const char *suffix, struct span chain_pem,
                        struct error *err)
{
    AUTO(buf) leaf = BUF(PEM_CHAIN_MAX * 2);
    AUTO(buf) rest = BUF(PEM_CHAIN_MAX * 2);
    AUTO(buf) whole = BUF(PEM_CHAIN_MAX * 2);
    return cert_split_chain(chain_pem, &leaf, &rest, &whole, err) &&
           write_part(dir, "cert", suffix, &leaf, err) &&
           write_part(dir, "chain", suffix, &rest, err) &&
           write_part(dir, "fullchain", suffix, &whole, err);
}

/* Written last: it makes the whole folder durable. */
static bool write_meta(const char *dir, const struct generation_parts *parts, struct error *err)
{
    AUTO_FREE path = mem_printf("%s/meta.json", dir);
    json_t *root = store_json_new();
    json_put_str(root, "ca", parts->directory_url);
    json_put_str(root, "account", parts->account_url);
    json_put_str(root, "request", parts->request);
    json_put_str(root, "profile", parts->profile);
    store_json_put(root, "no_key", json_boolean(parts->no_key));
    store_json_put_names(root, "names", parts->names);
    if (parts->dropped != NULL && parts->dropped->count > 0)
        store_json_put_names(root, "dropped", parts->dropped);
    store_json_put_time(root, "issued_at", parts->issued_at);
    return store_json_write(path, root, err);
}

/* One pair into N.partial, where its key already is. */
static bool complete_pair(const char *dir, const struct generation_parts *parts, size_t pair,
                          const gid_t *group, struct error *err)
{
    AUTO_FREE key = mem_printf("%s/privkey%s.pem", dir, parts->suffixes[pair]);
    return (parts->no_key || file_check_trusted(key, err)) &&
           write_chain(dir, parts->suffixes[pair], parts->chains[pair], err) &&
           (parts->no_key || group == NULL || give_to_group(key, *group, err));
}

/* Everything into N.partial, then its name. */
static bool complete(const struct store *store, const char *name, unsigned generation,
                     const struct generation_parts *parts, const char *key_group, struct error *err)
{
    gid_t gid = 0;
    if (key_group != NULL && !find_group(key_group, &gid, err))
        return false;
    AUTO_FREE archive = archive_path(store, name);
    AUTO_FREE partial = generation_path(store, name, generation, PARTIAL);
    AUTO_FREE whole = generation_path(store, name, generation, "");
    /* Without a key of ours nothing has made it yet. */
    if (parts->no_key && !file_make_dir(partial, 0755, err))
        return false;
    for (size_t i = 0; i < parts->pairs; i++)
        if (!complete_pair(partial, parts, i, key_group == NULL ? NULL : &gid, err))
            return false;
    if (!write_meta(partial, parts, err))
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

static bool has_files(const char *dir);

bool store_commit(struct store *store, const char *name, unsigned generation,
                  const struct generation_parts *parts, const char *key_group, struct error *err)
{
    if (!cert_name_check(name, err) || !complete(store, name, generation, parts, key_group, err) ||
        (!parts->staged && !switch_live(store, name, generation, err)))
        return false;
    if (!parts->staged)
        drop_old(store, name, generation);
    return true;
}

bool store_switch_live(struct store *store, const char *name, unsigned generation,
                       struct error *err)
{
    AUTO_FREE dir = generation_path(store, name, generation, "");
    if (!cert_name_check(name, err))
        return false;
    if (!has_files(dir))
        return fail(err, ERR_FILES, "there is no whole generation '%s'", dir);
    return switch_live(store, name, generation, err);
}

void store_drop_old(struct store *store, const char *name, unsigned generation)
{
    drop_old(store, name, generation);
}

bool store_mark_revoked(struct store *store, const char *name, struct error *err)
{
    json_t *root;
    unsigned generation;
    if (!store_live_generation(store, name, &generation, err))
        return false;
    AUTO_FREE dir = generation_path(store, name, generation, "");
    AUTO_FREE path = mem_printf("%s/meta.json", dir);
    if (!store_json_read_or_new(path, &root, err))
        return false;
    store_json_put(root, "revoked", json_true());
    return store_json_write(path, root, err);
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

/* Appends fullchainSUFFIX.pem of the folder. */
static bool read_chain(const char *dir, const char *suffix, struct buf *out, bool *found,
                       struct error *err)
{
    AUTO_FREE path = mem_printf("%s/fullchain%s.pem", dir, suffix);
    bool there;
    if (!file_read_trusted(path, out, &there, err) || (there && !file_check_trusted(path, err)))
        return false;
    *found = there;
    return true;
}

bool store_read_live_pair(const struct store *store, const char *name, const char *suffix,
                          struct buf *out, bool *found, struct error *err)
{
    AUTO_FREE live = store_live_path(store, name);
    return cert_name_check(name, err) && read_chain(live, suffix, out, found, err);
}

bool store_read_live_chain(const struct store *store, const char *name, struct buf *out,
                           bool *found, struct error *err)
{
    return store_read_live_pair(store, name, "", out, found, err);
}

/* Whether the generation is of a person's own request. */
static bool is_without_key(const char *dir)
{
    json_t *meta = NULL;
    struct error why;
    bool bad = false;
    AUTO_FREE path = mem_printf("%s/meta.json", dir);
    if (!store_json_read(path, &meta, &why))
        log_info("%s", why.text);
    bool without = store_json_flag(meta, "no_key", &bad);
    json_decref(meta);
    return without;
}

/* *there: the pair's chain is. */
static bool is_whole_pair(const char *dir, const char *suffix, bool *there)
{
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    AUTO(cert_info) info = {0};
    struct key *key = NULL;
    struct error why;
    if (!read_chain(dir, suffix, &chain, there, &why) || !read_key(dir, suffix, &key, &why)) {
        log_info("%s", why.text);
        return false;
    }
    bool whole = !*there || (key != NULL ? cert_fits_key(buf_span(&chain), key)
                                         : is_without_key(dir) &&
                                               cert_read(buf_span(&chain), ERR_FILES, &info, &why));
    key_free(key);
    return whole;
}

static bool is_whole(const char *dir)
{
    bool there = false, more = false;
    return is_whole_pair(dir, "", &there) && there && is_whole_pair(dir, ".rsa", &more) &&
           is_whole_pair(dir, ".ecdsa", &more);
}

static bool has_files(const char *dir)
{
    AUTO_FREE chain = mem_printf("%s/fullchain.pem", dir);
    AUTO_FREE key = mem_printf("%s/privkey.pem", dir);
    return access(chain, F_OK) == 0 && (access(key, F_OK) == 0 || is_without_key(dir));
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

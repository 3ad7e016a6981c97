#include <acmec/io/store_remove.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/io/store.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

static bool remove_file(const char *folder, const char *file, struct error *err)
{
    AUTO_FREE path = mem_printf("%s/%s", folder, file);
    if (unlink(path) == 0)
        return file_sync_dir(folder, err);
    return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot remove '%s'", path);
}

/* The generations, whole or partial; what else a person put there stays, and the folder with it. */
static bool remove_generations(const char *archive, struct error *err)
{
    DIR *dir = opendir(archive);
    const struct dirent *entry;
    bool good = true;
    if (dir == NULL)
        return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot read '%s'", archive);
    while (good && (entry = readdir(dir)) != NULL) {
        AUTO_FREE path = mem_printf("%s/%s", archive, entry->d_name);
        bool is_ours = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        good = !is_ours || file_remove_dir(path, err);
    }
    (void)closedir(dir);
    return good;
}

bool store_remains(const struct store *store, const char *name)
{
    static const char *const folders[] = {"certs", "live", "archive"};
    static const char *const endings[] = {".conf", "", ""};
    bool found = false;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && !found; i++) {
        AUTO_FREE path = mem_printf("%s/%s/%s%s", store->config_dir, folders[i], name, endings[i]);
        struct stat is;
        found = lstat(path, &is) == 0;
    }
    return found;
}

bool store_remove(struct store *store, const char *name, struct error *err)
{
    if (!cert_name_check(name, err))
        return false;
    AUTO_FREE conf = mem_printf("%s.conf", name);
    AUTO_FREE state = mem_printf("%s.json", name);
    AUTO_FREE certs = mem_printf("%s/certs", store->config_dir);
    AUTO_FREE states = mem_printf("%s/certs", store->state_dir);
    AUTO_FREE live = mem_printf("%s/live", store->config_dir);
    AUTO_FREE archives = mem_printf("%s/archive", store->config_dir);
    AUTO_FREE archive = mem_printf("%s/%s", archives, name);
    if (!remove_file(certs, conf, err) || !remove_file(live, name, err) ||
        !remove_file(states, state, err) || !remove_generations(archive, err))
        return false;
    if (rmdir(archive) == 0)
        return file_sync_dir(archives, err);
    return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot remove '%s'", archive);
}

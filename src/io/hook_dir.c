#include <acmec/io/hook_dir.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <dirent.h>
#include <errno.h>

static bool is_wanted(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && entry->d_name[len - 1] != '~';
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add(struct name_list *list, char *taken, struct error *err)
{
    AUTO_FREE path = taken;
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0)
        return true;
    if (!file_check_trusted(path, err))
        return false;
    if (list->count == HOOKS_MAX)
        return fail(err, ERR_FILES, "more than %d hooks beside '%s'", HOOKS_MAX, path);
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = mem_strdup(path);
    return true;
}

bool hook_dir_list(const char *dir, struct name_list *out, struct error *err)
{
    AUTO(name_list) list = {0};
    DIR *folder = opendir(dir);
    if (folder == NULL)
        return errno == ENOENT || fail_errno(err, ERR_FILES, errno, "cannot read '%s'", dir);
    bool good = true;
    const struct dirent *entry;
    while (good && (entry = readdir(folder)) != NULL)
        if (is_wanted(entry))
            good = add(&list, mem_printf("%s/%s", dir, entry->d_name), err);
    (void)closedir(folder);
    if (!good)
        return false;
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_name);
    *out = list;
    list = (struct name_list){0};
    return true;
}

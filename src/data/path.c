#include <acmec/data/path.h>

#include <acmec/base/mem.h>
#include <string.h>

char *path_absolute(const char *path, const char *folder)
{
    if (path[0] != '/' && folder == NULL)
        return NULL;
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    char *out;
    if (path[0] == '/' || strcmp(path, ".") == 0)
        out = mem_strdup(path[0] == '/' ? path : folder);
    else
        out = mem_printf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
    for (size_t len = strlen(out); len > 1 && out[len - 1] == '/'; len--)
        out[len - 1] = '\0';
    return out;
}

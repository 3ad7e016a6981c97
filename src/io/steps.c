#include <acmec/io/steps.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 16

/* Where a walk has come to, what is left of it, and who owns the symlinks passed. */
struct walk {
    int dir; /* O_PATH */
    char *rest;
    uid_t link_owners[LINKS_MAX];
    unsigned links;
};

static void walk_release(struct walk *walk)
{
    cleanup_fd(&walk->dir);
    free(walk->rest);
}

/* Goes to dir, which is taken. */
static void walk_to(struct walk *walk, int dir)
{
    cleanup_fd(&walk->dir);
    walk->dir = dir;
}

/* The link's text is read from its descriptor and walked in turn: the kernel follows nothing, so
 * there is no magic link either (what openat2 with RESOLVE_NO_MAGICLINKS would refuse). */
static bool walk_link(struct walk *walk, int link, uid_t owner, const char *rest)
{
    char target[4096];
    ssize_t len = readlinkat(link, "", target, sizeof target - 1);
    if (len <= 0 || walk->links == LINKS_MAX) {
        errno = len < 0 ? errno : ELOOP;
        return false;
    }
    target[len] = '\0';
    walk->link_owners[walk->links++] = owner;
    char *longer = mem_printf("%s/%s", target, rest);
    free(walk->rest);
    walk->rest = longer;
    if (target[0] != '/')
        return true;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0)
        walk_to(walk, root);
    return root >= 0;
}

/* One component; name is not empty. */
static bool walk_into(struct walk *walk, const char *name, const char *rest)
{
    struct stat status;
    AUTO_FD fd = openat(walk->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        return false;
    if (S_ISLNK(status.st_mode))
        return walk_link(walk, fd, status.st_uid, rest);
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    char *left = mem_strdup(rest);
    free(walk->rest);
    walk->rest = left;
    walk_to(walk, fd);
    fd = -1;
    return true;
}

int steps_walk(int from, const char *path, const uid_t *owner)
{
    AUTO(walk) walk = {.dir = openat(from, ".", O_PATH | O_CLOEXEC), .rest = mem_strdup(path)};
    bool good = walk.dir >= 0;
    for (size_t skip = 0; good && walk.rest[skip = strspn(walk.rest, "/")] != '\0';) {
        size_t len = strcspn(walk.rest + skip, "/");
        AUTO_FREE name = mem_strndup(walk.rest + skip, len);
        AUTO_FREE rest = mem_strdup(walk.rest + skip + len);
        good = walk_into(&walk, name, rest);
    }
    struct stat status;
    if (!good || fstat(walk.dir, &status) != 0)
        return -1;
    uid_t other = owner == NULL ? status.st_uid : *owner;
    for (unsigned i = 0; i < walk.links; i++) {
        if (walk.link_owners[i] != 0 && walk.link_owners[i] != other) {
            errno = ELOOP;
            return -1;
        }
    }
    int dir = walk.dir;
    walk.dir = -1;
    return dir;
}

/* test_place.h: a folder of a test's own, and short words for files below it. Paths are relative to
 * it; those returned are owned. */
#ifndef ACMEC_TESTS_TEST_PLACE_H
#define ACMEC_TESTS_TEST_PLACE_H

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char dir[256];
};

static inline void place_make(struct place *place)
{
    const char *top = getenv("TMPDIR");
    (void)snprintf(place->dir, sizeof place->dir, "%s/acmec-test-XXXXXX",
                   top == NULL ? "/tmp" : top);
    if (mkdtemp(place->dir) == NULL || chmod(place->dir, 0755) != 0) {
        perror(place->dir);
        abort();
    }
}

static inline int place_remove_one(const char *path, const struct stat *status, int type,
                                   struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void place_remove(const struct place *place)
{
    (void)nftw(place->dir, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline char *place_path(const struct place *place, const char *below)
{
    return mem_printf("%s/%s", place->dir, below);
}

static inline void place_write(const struct place *place, const char *below, const char *text)
{
    AUTO_FREE path = place_path(place, below);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        abort();
    }
}

/* NULL: it cannot be read. */
static inline char *place_read(const struct place *place, const char *below)
{
    AUTO_FREE path = place_path(place, below);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = mem_new(1, 65536);
    text[fread(text, 1, 65535, file)] = '\0';
    (void)fclose(file);
    return text;
}

static inline bool place_holds(const struct place *place, const char *below, const char *text)
{
    AUTO_FREE have = place_read(place, below);
    return have != NULL && strcmp(have, text) == 0;
}

static inline void place_mkdir(const struct place *place, const char *below, mode_t mode)
{
    AUTO_FREE path = place_path(place, below);
    if (mkdir(path, 0700) != 0 || chmod(path, mode) != 0) {
        perror(path);
        abort();
    }
}

static inline void place_link(const struct place *place, const char *target, const char *below)
{
    AUTO_FREE path = place_path(place, below);
    if (symlink(target, path) != 0) {
        perror(path);
        abort();
    }
}

/* Of the entry itself, not of what a symlink leads to; st_mode 0: there is none. */
static inline struct stat place_status(const struct place *place, const char *below)
{
    struct stat status = {0};
    AUTO_FREE path = place_path(place, below);
    if (lstat(path, &status) != 0)
        return (struct stat){0};
    return status;
}

/* Permission bits; 0: there is none. */
static inline mode_t place_mode(const struct place *place, const char *below)
{
    return place_status(place, below).st_mode & 07777;
}

static inline bool place_has(const struct place *place, const char *below)
{
    return place_status(place, below).st_mode != 0;
}

/* How many entries a folder has. */
static inline size_t place_count(const struct place *place, const char *below)
{
    AUTO_FREE path = place_path(place, below);
    DIR *dir = opendir(path);
    size_t count = 0;
    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 2;
}

#endif

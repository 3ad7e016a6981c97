#include <acmec/io/conf_files.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/io/file.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

#define MATCHES_MAX 200000

/* nginx's way to say which call failed. */
static bool refuse(const char *call, const char *path, int errnum, struct error *err)
{
    char room[128];
    return fail(err, ERR_FILES, "%s() \"%s\" failed (%d: %s)", call, escaped_str(path).text, errnum,
                strerror_r(errnum, room, sizeof room));
}

/* The file has `size` bytes as far as anybody knows: one read for all of them and one for the end.
 */
static bool read_bytes(int fd, const char *path, size_t size, struct buf *out, struct error *err)
{
    size_t room = size + 1;
    AUTO_FREE chunk = mem_new(room, 1);
    for (;;) {
        ssize_t got = read(fd, chunk, room);
        if (got < 0)
            return refuse("read", path, errno, err);
        if (got == 0)
            return true;
        buf_add(out, chunk, (size_t)got);
        if (!buf_ok(out))
            return fail(err, ERR_FILES, "\"%s\" is larger than %zu bytes", escaped_str(path).text,
                        out->max);
    }
}

static bool read_source(struct source_port *port, const char *path, struct buf *out,
                        struct source_facts *facts, struct error *err)
{
    (void)port;
    struct stat status;
    struct error ignored;
    AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse("open", path, errno, err);
    if (fstat(fd, &status) != 0)
        return refuse("fstat", path, errno, err);
    if (S_ISDIR(status.st_mode))
        return refuse("pread", path, EISDIR, err);
    if (!S_ISREG(status.st_mode))
        return fail(err, ERR_FILES, "\"%s\" is not a plain file", escaped_str(path).text);
    if ((uint64_t)status.st_size > out->max)
        return fail(err, ERR_FILES, "\"%s\" is larger than %zu bytes", escaped_str(path).text,
                    out->max);
    if (!read_bytes(fd, path, (size_t)status.st_size, out, err))
        return false;
    *facts = (struct source_facts){
        .device = status.st_dev,
        .inode = status.st_ino,
        .mtime_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec,
        .size = status.st_size,
        .guarded = file_check_trusted(path, &ignored),
    };
    return true;
}

/* glob(3) sorts by strcoll, which is byte order here: acmec never calls setlocale, like nginx. */
static bool match_sources(struct source_port *port, const char *pattern, struct source_names *out,
                          struct error *err)
{
    (void)port;
    glob_t found;
    int code = glob(pattern, 0, NULL, &found);
    if (code == GLOB_NOMATCH) {
        *out = (struct source_names){0};
        return true;
    }
    if (code != 0)
        return fail(err, ERR_FILES, "glob() \"%s\" failed", escaped_str(pattern).text);
    if (found.gl_pathc > MATCHES_MAX) {
        globfree(&found);
        return fail(err, ERR_FILES, "\"%s\" matches more than %d files", escaped_str(pattern).text,
                    MATCHES_MAX);
    }
    struct source_names names = {.count = found.gl_pathc};
    names.items = mem_new(names.count, sizeof *names.items);
    for (size_t i = 0; i < names.count; i++)
        names.items[i] = mem_strdup(found.gl_pathv[i]);
    globfree(&found);
    *out = names;
    return true;
}

static const struct source_ops ops = {.read = read_source, .match = match_sources};

struct source_port conf_files(void)
{
    return (struct source_port){.ops = &ops};
}

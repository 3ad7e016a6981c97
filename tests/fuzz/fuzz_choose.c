/* Input: texts divided by NUL: the main file, then the files /c/a, /c/b, ... , then a host. What is
 * read whole is a tree of items, reads the same in a survey, and where it has servers each address
 * has an answer for the host. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/nginx/choose.h>
#include <fnmatch.h>

#define FILES_MAX 5

struct files {
    struct source_port port;
    struct span texts[FILES_MAX];
    size_t count;
};

/* "/c/" and one letter; the main file is m. */
static size_t number_of(const struct files *files, const char *path)
{
    if (strncmp(path, "/c/", 3) != 0 || path[3] == 0 || path[4] != 0)
        return files->count;
    return path[3] == 'm' ? 0 : (size_t)(path[3] - 'a') + 1;
}

static bool read_one(struct source_port *port, const char *path, struct buf *out,
                     struct source_facts *facts, struct error *err)
{
    const struct files *files = (const struct files *)port;
    size_t number = number_of(files, path);
    if (number >= files->count)
        return fail(err, ERR_FILES, "none");
    buf_add_span(out, files->texts[number]);
    *facts = (struct source_facts){.device = 1, .inode = number + 1};
    return true;
}

static bool match(struct source_port *port, const char *pattern, struct source_names *out,
                  struct error *err)
{
    const struct files *files = (const struct files *)port;
    (void)err;
    *out = (struct source_names){.items = mem_new(FILES_MAX, sizeof *out->items)};
    for (size_t i = 1; i < files->count; i++) {
        char path[] = {'/', 'c', '/', (char)('a' + i - 1), 0};
        if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0)
            out->items[out->count++] = mem_strdup(path);
    }
    return true;
}

static const struct source_ops ops = {read_one, match};

static void check_items(const struct conf *conf)
{
    must(conf->item_count > 0 && conf->items[0].after == conf->item_count);
    for (uint32_t i = 1; i < conf->item_count; i++) {
        const struct conf_item *it = &conf->items[i];
        must(it->parent < i && it->after > i && it->after <= conf->items[it->parent].after);
        must(conf_statement(conf, i)->kind != TREE_FILE && conf_line(conf, i) > 0);
        must(it->parent == 0 || conf_statement(conf, it->parent)->kind == TREE_BLOCK);
    }
}

static void check_answers(const struct conf *conf, struct span host)
{
    struct choose_host facts = {.hostname = "me.example", .as_root = true};
    struct error err = {0};
    AUTO(choose) choose = {0};
    if (!choose_build(conf, &facts, &choose, &err)) {
        must(err.code == ERR_WEB_SERVER);
        return;
    }
    for (uint32_t i = 0; i < choose.address_count; i++) {
        struct choose_answer answer = choose_find(&choose, i, host);
        must(answer.server < choose.server_count && answer.name < choose.name_count);
        must(choose.names[answer.name].server == answer.server);
        must(choose_listen_of(&choose, i, answer.server) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct files files = {.port = {&ops}};
    struct span rest = span_of(data, size);
    while (files.count < FILES_MAX) {
        const char *end = rest.len == 0 ? NULL : memchr(rest.ptr, 0, rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);
        files.texts[files.count++] = span_of(rest.ptr, len);
        rest = span_of(rest.ptr + len, rest.len - len);
        if (end == NULL)
            break;
        rest = span_of(rest.ptr + 1, rest.len - 1);
    }
    struct span host = files.texts[files.count - 1];
    struct error err = {0};
    AUTO(conf) conf = {0};
    AUTO(conf) all = {0};
    conf_survey(&files.port, "/c/m", &all);
    check_items(&all);
    if (!conf_read(&files.port, "/c/m", &conf, &err)) {
        must(all.fault_count > 0 && strcmp(all.faults[0].text, err.text) == 0);
        return 0;
    }
    must(all.fault_count == 0 && all.item_count == conf.item_count);
    check_items(&conf);
    check_answers(&conf, host);
    return 0;
}

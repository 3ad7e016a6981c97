/* Input: old text, NUL, then words: KEY VALUE... each ended by NUL. What parses can be edited; the
 * edit reads back as asked, a second one changes nothing, and other lines keep their bytes. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/ini.h>

#define VALUES_MAX 4

static size_t count_key(const struct ini *ini, const struct ini_change *change)
{
    size_t seen = 0;
    for (size_t i = 0; i < ini->count; i++) {
        if (strcmp(ini->lines[i].key, change->key) != 0)
            continue;
        must(seen < change->count);
        must(strcmp(ini->lines[i].value, change->values[seen]) == 0);
        seen++;
    }
    return seen;
}

static void check_edit(struct span text, const struct ini_change *change)
{
    AUTO(buf) out = BUF(INI_FILE_MAX);
    AUTO(buf) twice = BUF(INI_FILE_MAX);
    AUTO(ini) before = {0};
    AUTO(ini) after = {0};
    struct error err = {0};
    must(ini_parse(text, "x", &before, &err));
    if (!ini_edit(text, change, 1, &out, &err)) {
        must(out.len == 0 && err.code == ERR_CONFIG);
        return;
    }
    must(ini_parse(buf_span(&out), "x", &after, &err));
    must(count_key(&after, change) == change->count);
    must(ini_edit(buf_span(&out), change, 1, &twice, &err));
    must(span_equals(buf_span(&out), buf_span(&twice)));
    bool same = false;
    if (before.count == after.count) {
        same = true;
        for (size_t i = 0; i < before.count; i++)
            same = same && strcmp(before.lines[i].key, after.lines[i].key) == 0 &&
                   strcmp(before.lines[i].value, after.lines[i].value) == 0;
    }
    must(!same || span_equals(text, buf_span(&out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size);
    const char *end = size == 0 ? NULL : memchr(all.ptr, '\0', all.len);
    struct span text = span_of(all.ptr, end == NULL ? size : (size_t)(end - all.ptr));
    AUTO(ini) ini = {0};
    struct error err = {0};
    if (!ini_parse(text, "x", &ini, &err)) {
        must(ini.count == 0 && err.code == ERR_CONFIG);
        return 0;
    }
    if (end == NULL)
        return 0;
    AUTO_FREE words = mem_strndup("", 0);
    size_t left = size - text.len - 1;
    words = mem_resize(words, left + 1, 1);
    memcpy(words, end + 1, left);
    words[left] = '\0';
    const char *values[VALUES_MAX];
    struct ini_change change = {.key = words, .values = values};
    for (size_t at = strlen(words) + 1; at <= left && change.count < VALUES_MAX;
         at += strlen(words + at) + 1)
        values[change.count++] = words + at;
    check_edit(text, &change);
    return 0;
}

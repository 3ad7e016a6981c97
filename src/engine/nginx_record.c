#include <acmec/engine/nginx_record.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <stdio.h>
#include <string.h>

static void tidy(struct run *run, const char *name)
{
    AUTO(installed) installed = {0};
    struct error err = {0};
    if (!store_read_installed(run->store, name, &installed, &err) ||
        (installed.count == 0 && !store_write_installed(run->store, name, &installed, &err)))
        log_warn("%s", err.text);
}

void nginx_records_close(struct run *run, struct nginx_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        struct nginx_record *record = &records->items[i];
        tidy(run, record->name);
        free(record->path);
        buf_release(&record->before);
        buf_release(&record->after);
    }
    free(records->items);
    *records = (struct nginx_records){0};
}

bool nginx_records_add(struct run *run, struct nginx_records *records, const char *name,
                       const struct installed *layers, struct error *err)
{
    struct nginx_record record = {.before = BUF(FOREIGN_MAX), .after = BUF(FOREIGN_MAX)};
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    bool good = store_draft_installed(run->store, name, layers, &record.path, &record.before,
                                      &record.after, err);
    if (!good || span_equals(buf_span(&record.before), buf_span(&record.after))) {
        free(record.path);
        buf_release(&record.before);
        buf_release(&record.after);
        return good;
    }
    records->items = mem_resize(records->items, records->count + 1, sizeof *records->items);
    records->items[records->count++] = record;
    return true;
}

size_t nginx_records_put(const struct nginx_records *records, struct nginx_rewrite *rewrites,
                         size_t count)
{
    memmove(rewrites + records->count, rewrites, count * sizeof *rewrites);
    for (size_t i = 0; i < records->count; i++)
        rewrites[i] = (struct nginx_rewrite){
            .path = records->items[i].path,
            .before = buf_span(&records->items[i].before),
            .after = buf_span(&records->items[i].after),
        };
    return records->count + count;
}

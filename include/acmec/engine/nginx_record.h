/* nginx_record: what is edited for a certificate, as one of the files of the change that edits: the
 * record (io/store_installed) and nginx's files are of one mind, whenever a run is killed. */
#ifndef ACMEC_ENGINE_NGINX_RECORD_H
#define ACMEC_ENGINE_NGINX_RECORD_H

#include <acmec/engine/nginx_change.h>
#include <acmec/io/store_installed.h>

struct nginx_records {
    struct nginx_record *items;
    size_t count;
};
struct nginx_record {
    char name[CERT_NAME_MAX + 1];
    char *path;
    struct buf before, after;
};
/* Also removes those of them that are left without layers, whatever became of the change. */
void nginx_records_close(struct run *run, struct nginx_records *records);

/* layers: what is installed for the certificate from then on. */
bool nginx_records_add(struct run *run, struct nginx_records *records, const char *name,
                       const struct installed *layers, struct error *err) MUST_USE;
/* Puts them before the count rewrites, which have room for them; returns how many there are then.
 */
size_t nginx_records_put(const struct nginx_records *records, struct nginx_rewrite *rewrites,
                         size_t count);

#endif

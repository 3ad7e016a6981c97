/* store_installed: CONFIG_DIR/nginx/installed/NAME.json: every edit that was made in the web
 * server's files for a certificate, in the order of making, so that it can be taken out again. It
 * cannot be derived from anything else: a damaged file is an error, never an empty one. */
#ifndef ACMEC_IO_STORE_INSTALLED_H
#define ACMEC_IO_STORE_INSTALLED_H

#include <acmec/data/edit.h>

struct store;

/* One plan for each time that something was installed, the oldest first. */
struct installed {
    struct edit_plan *layers;
    size_t count;
    bool loops; /* the application led back to http: it went without the redirect to https */
};
void installed_release(struct installed *installed);
/* Adds a copy of the plan; one without edits adds nothing. */
void installed_add(struct installed *installed, const struct edit_plan *plan);

/* A missing file: none. ERR_CONFIG for a damaged one. */
bool store_read_installed(const struct store *store, const char *name, struct installed *out,
                          struct error *err) MUST_USE;
/* Whether there are layers, or the file is damaged. */
bool store_has_installed(const struct store *store, const char *name);
/* The file as it is and with these layers instead, for a change that writes it together with the
 * web server's files: so both are of one mind, whenever a run is killed. Where there is no file one
 * without layers is made. path is owned; the bytes are appended. */
bool store_draft_installed(struct store *store, const char *name, const struct installed *installed,
                           char **path, struct buf *before, struct buf *after, struct error *err)
    MUST_USE;
/* 0600; without layers the file is removed. */
bool store_write_installed(struct store *store, const char *name, const struct installed *installed,
                           struct error *err) MUST_USE;

#endif

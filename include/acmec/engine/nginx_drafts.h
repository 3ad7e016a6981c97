/* nginx_drafts: nginx's files as they would be, on their way from plans to one change: what several
 * certificates want of the same files, one after the other. It reads and writes no file. */
#ifndef ACMEC_ENGINE_NGINX_DRAFTS_H
#define ACMEC_ENGINE_NGINX_DRAFTS_H

#include <acmec/data/edit.h>
#include <acmec/engine/nginx_change.h>
#include <acmec/io/store_installed.h>

struct nginx_drafts {
    struct nginx_overlay *items; /* bytes and paths are owned */
    size_t count;
};
void nginx_drafts_release(struct nginx_drafts *drafts);
void nginx_drafts_copy(const struct nginx_drafts *from, struct nginx_drafts *out);
/* to is released, from is empty afterwards. */
void nginx_drafts_move(struct nginx_drafts *from, struct nginx_drafts *to);
/* Applies a plan that was made for view. */
bool nginx_drafts_apply(struct nginx_drafts *drafts, const struct nginx_view *view,
                        const struct edit_plan *edits, struct error *err) MUST_USE;

/* Takes out what was installed, the last layer first. view gives the files that have no draft yet.
 */
bool nginx_drafts_undo(struct nginx_drafts *drafts, const struct nginx_view *view,
                       const struct installed *installed, struct error *err) MUST_USE;
/* What really changes against the files as they were read: out has room for drafts->count. Borrows
 * from both. */
size_t nginx_drafts_rewrites(const struct nginx_drafts *drafts, const struct nginx_view *real,
                             struct nginx_rewrite *out);

#endif

/* edit: a plan of byte edits on files that stay as they are until somebody writes the result. Pure.
 *
 * An edit puts bytes in the place of those that stand at an offset; all else of the file stays. It
 * is never a mere deletion, so that it can be found again in a file that a person has changed
 * elsewhere since. */
#ifndef ACMEC_DATA_EDIT_H
#define ACMEC_DATA_EDIT_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

/* The largest file that is edited. */
#define EDIT_FILE_MAX (16 * 1024 * 1024)

struct edit {
    size_t offset;   /* in the file before any edit */
    struct span was; /* owned; may be empty: an insertion */
    struct span now; /* owned; not empty */
};

/* All edits of one file, by offset; those at one offset stay in the order in which they came. */
struct edit_file {
    char *path; /* owned */
    struct edit *items;
    size_t count;
};

struct edit_plan {
    struct edit_file *files;
    size_t count;
};

void edit_plan_release(struct edit_plan *plan);

/* Adds one edit; all bytes are copied. */
void edit_plan_add(struct edit_plan *plan, const char *path, size_t offset, struct span was,
                   struct span now);
/* Adds what makes after of before as one edit of whole lines, from the first that differs to the
 * last. Nothing where they are equal, or after is empty. */
void edit_plan_add_change(struct edit_plan *plan, const char *path, struct span before,
                          struct span after);
/* The edits of a file, borrowed; NULL: none. */
const struct edit_file *edit_plan_find(const struct edit_plan *plan, const char *path);

/* Makes one edit of those that touch one line of before: found again as a whole, they are found
 * with certainty. */
void edit_plan_join_lines(struct edit_plan *plan, const char *path, struct span before);

/* Appends the edited bytes. ERR_WEB_SERVER: before does not hold what the edits expect, two edits
 * overlap, or the result is too large. */
bool edit_apply(const struct edit_file *file, struct span before, struct buf *after,
                struct error *err) MUST_USE;

/* Takes the edits out of now again: exactly where edit_apply left them; else, in a file that was
 * changed since, wherever what each put there stands, in the same order and as often. Appends the
 * bytes; ERR_WEB_SERVER with PATH:LINE of the first that cannot be found with certainty. */
bool edit_undo(const struct edit_file *file, struct span now, struct buf *before, struct error *err)
    MUST_USE;

/* Appends a unified diff (three lines of context) of what the edits make of before, which they must
 * fit; the path is escaped, the bytes are shown as they are. Nothing where nothing changes. */
void edit_diff(const struct edit_file *file, struct span before, struct buf *out);

#endif

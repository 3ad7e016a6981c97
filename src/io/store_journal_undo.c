/* Taking an unfinished change back, whoever else has been at the files since. */
#include <acmec/io/store_journal.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/edit.h>
#include <acmec/io/file.h>
#include <acmec/io/foreign.h>
#include <errno.h>

/* ---- taking back ---- */

struct contents {
    struct buf old_bytes, new_bytes;
};

static void contents_release(struct contents *contents)
{
    buf_release(&contents->old_bytes);
    buf_release(&contents->new_bytes);
}

static bool has_hash(struct span bytes, const unsigned char *sha256)
{
    unsigned char its[SHA256_SIZE];
    struct error ignored;
    return digest_sha256(bytes, its, &ignored) && memcmp(its, sha256, SHA256_SIZE) == 0;
}

static bool read_contents(const struct store *store, const struct journal *journal, size_t n,
                          struct contents *out, struct error *err)
{
    const struct journal_file *file = &journal->files[n];
    AUTO_FREE old_path = journal_bytes_path(store, journal->id, n, "old");
    AUTO_FREE new_path = journal_bytes_path(store, journal->id, n, "new");
    if (!file_read_trusted(old_path, &out->old_bytes, NULL, err) ||
        !file_read_trusted(new_path, &out->new_bytes, NULL, err))
        return false;
    return (has_hash(buf_span(&out->old_bytes), file->old_sha256) &&
            has_hash(buf_span(&out->new_bytes), file->new_sha256)) ||
           fail(err, ERR_FILES, "'%s' is damaged", old_path);
}

/* The byte of a version at its place; behind its end stands what io/foreign fills up with. */
static bool has_byte(struct span version, size_t at, char byte)
{
    return byte == (at < version.len ? version.ptr[at] : '\n');
}

/* What a write in place that was cut off leaves: each byte is an old or a new one. */
static bool is_mixture(struct span now, struct span old_bytes, struct span new_bytes)
{
    if (now.len > old_bytes.len && now.len > new_bytes.len)
        return false;
    for (size_t i = 0; i < now.len; i++)
        if (!has_byte(old_bytes, i, now.ptr[i]) && !has_byte(new_bytes, i, now.ptr[i]))
            return false;
    return true;
}

static bool has_line(struct span text, struct span line)
{
    for (const char *at = text.ptr, *end = text.ptr + text.len; at < end; at++) {
        at = memmem(at, (size_t)(end - at), line.ptr, line.len);
        if (at == NULL)
            return false;
        if (at == text.ptr || at[-1] == '\n')
            return true;
    }
    return false;
}

/* Whether the change brings lines, and text has none of them: it was not written yet, or somebody
 * has taken it out. */
static bool is_without(struct span text, struct span old_bytes, struct span brought)
{
    bool any = false;
    for (struct span rest = brought; rest.len > 0;) {
        const char *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline == NULL ? rest.len : (size_t)(newline - rest.ptr) + 1;
        struct span line = {rest.ptr, len};
        rest = (struct span){rest.ptr + len, rest.len - len};
        if (has_line(old_bytes, line))
            continue;
        if (has_line(text, line))
            return false;
        any = true;
    }
    return any;
}

/* Somebody has changed the file since: what acmec put there is taken out of it where it stands as
 * it was written, and the other's change stays. */
static enum journal_fate take_out(struct foreign *held, const struct contents *contents,
                                  struct error *err)
{
    AUTO(edit_plan) plan = {0};
    AUTO(buf) without = BUF(FOREIGN_MAX);
    struct error why = {0};
    struct span now = buf_span(&held->bytes), old_bytes = buf_span(&contents->old_bytes);
    edit_plan_add_change(&plan, held->path, old_bytes, buf_span(&contents->new_bytes));
    if (plan.count == 0)
        return JOURNAL_CHANGED;
    if (!edit_undo(&plan.files[0], now, &without, &why))
        return is_without(now, old_bytes, plan.files[0].items[0].now) ? JOURNAL_OLD
                                                                      : JOURNAL_CHANGED;
    return foreign_replace(held, buf_span(&without), err) ? JOURNAL_RESTORED : JOURNAL_FAILED;
}

/* restore: also put the old bytes back; else only tell. */
static enum journal_fate undo_file(const struct journal_file *file, const struct contents *contents,
                                   bool restore, struct error *err)
{
    struct span old_bytes = buf_span(&contents->old_bytes);
    struct span new_bytes = buf_span(&contents->new_bytes);
    AUTO(foreign) held = {.dir = -1};
    if (access(file->path, F_OK) != 0 && errno == ENOENT)
        return JOURNAL_CHANGED;
    if (!foreign_settle(file->path, old_bytes, new_bytes, err) ||
        !foreign_open(file->path, file->in_place, &held, err))
        return JOURNAL_FAILED;
    struct span now = buf_span(&held.bytes);
    if (span_equals(now, old_bytes))
        return JOURNAL_OLD;
    if (!span_equals(now, new_bytes) && !(file->in_place && is_mixture(now, old_bytes, new_bytes)))
        return restore ? take_out(&held, contents, err) : JOURNAL_CHANGED;
    if (!restore)
        return JOURNAL_STAYS;
    return foreign_replace(&held, old_bytes, err) ? JOURNAL_RESTORED : JOURNAL_FAILED;
}

static enum journal_fate undo_one(const struct store *store, const struct journal *journal,
                                  size_t n, bool restore, struct error *err)
{
    AUTO(contents)
    contents = {.old_bytes = BUF(FOREIGN_MAX), .new_bytes = BUF(FOREIGN_MAX)};
    if (!read_contents(store, journal, n, &contents, err))
        return JOURNAL_FAILED;
    return undo_file(&journal->files[n], &contents, restore, err);
}

static void note_fate(struct journal_undo *out, const struct journal_file *file,
                      enum journal_fate fate, const struct error *why)
{
    out->restored += fate == JOURNAL_RESTORED;
    out->left += fate == JOURNAL_CHANGED || fate == JOURNAL_STAYS;
    if (fate == JOURNAL_FAILED && !out->failed) {
        out->failed = true;
        out->error = *why;
    }
    if (fate != JOURNAL_CHANGED || out->error.code != ERR_NONE)
        return;
    (void)fail(&out->error, ERR_FILES, "'%s' was changed since by somebody else, and is left alone",
               file->path);
    (void)with_hint(&out->error, "acmec's lines in it end in '# managed by acmec'");
}

void journal_undo(const struct store *store, const struct journal *journal,
                  struct journal_undo *out)
{
    bool restore = true;
    *out = (struct journal_undo){0};
    for (size_t n = journal->written; n-- > 0;) {
        struct error why = {0};
        enum journal_fate fate = undo_one(store, journal, n, restore, &why);
        out->fates[n] = fate;
        note_fate(out, &journal->files[n], fate, &why);
        restore = restore && (fate == JOURNAL_OLD || fate == JOURNAL_RESTORED);
    }
}

/* ---- recovery ---- */

void journal_recovery_release(struct journal_recovery *recovery)
{
    free(recovery->note);
    recovery->note = NULL;
}

bool journal_recover(struct store *store, const char *conf, struct journal_recovery *out,
                     struct error *err)
{
    AUTO(journal) journal = {0};
    *out = (struct journal_recovery){0};
    if (!journal_load(store, conf, &journal, &out->found, err))
        return false;
    if (!out->found)
        return true;
    out->note = mem_strdup(journal.note);
    out->kept = journal.phase == JOURNAL_KEPT;
    if (!out->kept)
        journal_undo(store, &journal, &out->undo);
    if (!out->undo.failed)
        return journal_end(store, &journal, err);
    *err = out->undo.error;
    return while_doing(err, "taking back what a killed run has left");
}

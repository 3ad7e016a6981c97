#include <acmec/engine/nginx_change.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/world.h>

void nginx_change_release(struct nginx_change *change)
{
    for (size_t i = 0; i < change->count; i++)
        foreign_release(&change->files[i]);
    free(change->files);
    journal_release(&change->journal);
    *change = (struct nginx_change){0};
}

/* ---- judging ---- */

static bool judge_candidates(struct run *run, struct nginx_site *site,
                             const struct nginx_change *change, struct error *err)
{
    struct nginx_judge judge;
    struct nginx_candidate *candidates = mem_new(change->count, sizeof *candidates);
    char **paths = mem_new(change->count, sizeof *paths);
    size_t count = 0;
    for (size_t i = 0; i < change->count; i++) {
        if (change->rewrites[i].facts == NULL)
            continue;
        paths[count] = journal_new_path(run->store, &change->journal, i);
        candidates[count] = (struct nginx_candidate){change->files[i].path, paths[count]};
        count++;
    }
    nginx_site_judge(run, site, candidates, count, &judge);
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    free(candidates);
    if (judge.verdict == NGINX_BAD)
        *err = judge.error;
    else if (judge.verdict == NGINX_UNJUDGED)
        log_info("not judged before it is written: %s", judge.error.text);
    return judge.verdict != NGINX_BAD;
}

/* The next file: opened, as it was read, and its bytes beside the journal. */
static bool hold_one(struct run *run, bool in_place, struct nginx_change *change, struct error *err)
{
    size_t n = change->count;
    const struct nginx_rewrite *rewrite = &change->rewrites[n];
    struct foreign *file = &change->files[n];
    if (!foreign_open(rewrite->path, in_place, file, err))
        return false;
    change->count++;
    const struct source_facts *facts = rewrite->facts == NULL ? &file->facts : rewrite->facts;
    if (!foreign_is_still(file, facts, rewrite->before, err) ||
        !journal_stage(run->store, &change->journal, file->path, file->in_place, rewrite->before,
                       rewrite->after, err))
        return false;
    AUTO_FREE staged = journal_new_path(run->store, &change->journal, n);
    return rewrite->facts == NULL || foreign_copy_label(file, staged, err);
}

static bool hold(struct run *run, struct nginx_site *site, bool in_place,
                 struct nginx_change *change, size_t count, struct error *err)
{
    if (!journal_new(run->store, site->instance.conf, NULL, &change->journal, err))
        return false;
    while (change->count < count)
        if (!hold_one(run, in_place, change, err))
            return false;
    return true;
}

bool nginx_change_judge(struct run *run, struct nginx_site *site,
                        const struct nginx_rewrite *rewrites, size_t count, bool in_place,
                        struct nginx_change *out, struct error *err)
{
    struct nginx_change change = {.rewrites = rewrites,
                                  .files = mem_new(count, sizeof *change.files)};
    struct error ignored = {0};
    if (!hold(run, site, in_place, &change, count, err) ||
        !judge_candidates(run, site, &change, err)) {
        if (!journal_end(run->store, &change.journal, &ignored))
            log_debug("%s", ignored.text);
        nginx_change_release(&change);
        return false;
    }
    *out = change;
    return true;
}

/* ---- making ---- */

static bool write_files(struct run *run, struct nginx_change *change, struct error *err)
{
    change->begun = true;
    if (!journal_begin(run->store, &change->journal, err))
        return false;
    for (size_t i = 0; i < change->count; i++)
        if (!journal_will_write(run->store, &change->journal, i, err) ||
            !foreign_replace(&change->files[i], change->rewrites[i].after, err))
            return false;
    return true;
}

static void end_journal(struct run *run, struct nginx_change *change)
{
    struct error err = {0};
    if (!journal_end(run->store, &change->journal, &err))
        log_warn("%s", err.text);
    change->begun = false;
}

void nginx_change_drop(struct run *run, struct nginx_change *change)
{
    end_journal(run, change);
    nginx_change_release(change);
}

/* A file that nginx reads was written and has its old bytes again. */
static bool was_seen(const struct nginx_change *change, const struct journal_undo *undo)
{
    for (size_t i = 0; i < change->count; i++)
        if (change->rewrites[i].facts != NULL && undo->fates[i] == JOURNAL_RESTORED)
            return true;
    return false;
}

void nginx_change_take_back(struct run *run, struct nginx_site *site, struct nginx_change *change)
{
    struct journal_undo undo = {0};
    struct error err = {0};
    if (!change->begun)
        return;
    journal_undo(run->store, &change->journal, &undo);
    if (undo.left > 0 || undo.failed)
        run_progress(run, PROGRESS_NOTICE, "", "%s", undo.error.text);
    if (!undo.failed)
        end_journal(run, change);
    if (was_seen(change, &undo) &&
        !(nginx_site_test(run, site, &err) && nginx_site_reload(run, site, &err)))
        run_progress(run, PROGRESS_NOTICE, "", "nginx's files are as they were, but: %s", err.text);
}

bool nginx_change_make(struct run *run, struct nginx_site *site, struct nginx_change *change,
                       struct error *err)
{
    if (write_files(run, change, err) && nginx_site_test(run, site, err) &&
        nginx_site_reload(run, site, err))
        return true;
    nginx_change_take_back(run, site, change);
    return false;
}

bool nginx_change_keep(struct run *run, struct nginx_change *change, struct error *err)
{
    if (!journal_keep(run->store, &change->journal, err))
        return false;
    end_journal(run, change);
    return true;
}

/* nginx_change: one transaction on nginx's files (design section 5, "nginx: applying"): judged in a
 * private namespace before a live byte changes, written in an order of which every prefix is valid,
 * journalled, tested and reloaded; then kept or taken back by whoever has looked at what is served.
 * A killed run's change is settled by the next one's nginx_site_lock. It never decides what to
 * change. */
#ifndef ACMEC_ENGINE_NGINX_CHANGE_H
#define ACMEC_ENGINE_NGINX_CHANGE_H

#include <acmec/engine/nginx_site.h>
#include <acmec/io/foreign.h>
#include <acmec/io/store_journal.h>

/* A file as it was read, and as it shall be. Borrowed. */
struct nginx_rewrite {
    const char *path;
    const struct source_facts *facts; /* NULL: a record of acmec's, which nginx does not read */
    struct span before, after;
};

struct nginx_change {
    struct foreign *files;                /* held */
    const struct nginx_rewrite *rewrites; /* borrowed until the change is over */
    size_t count;
    struct journal journal;
    bool begun; /* files may have changed */
};
/* What is held; an unfinished change stays in the journal. */
void nginx_change_release(struct nginx_change *change);

/* Opens the files, keeps both sides of each in STATE_DIR, and has nginx judge the result. Nothing
 * of nginx's has changed. The site is locked. */
bool nginx_change_judge(struct run *run, struct nginx_site *site,
                        const struct nginx_rewrite *rewrites, size_t count, bool in_place,
                        struct nginx_change *out, struct error *err) MUST_USE;
/* It was only to be judged: forgets it. */
void nginx_change_drop(struct run *run, struct nginx_change *change);
/* Writes the files, tests, reloads. A failure takes all of it back. */
bool nginx_change_make(struct run *run, struct nginx_site *site, struct nginx_change *change,
                       struct error *err) MUST_USE;
/* What is served is right: the change stays. */
bool nginx_change_keep(struct run *run, struct nginx_change *change, struct error *err) MUST_USE;
/* It is not: everything is as it was before, and nginx takes that up. What a person has changed
 * meanwhile is left, and said. */
void nginx_change_take_back(struct run *run, struct nginx_site *site, struct nginx_change *change);

#endif

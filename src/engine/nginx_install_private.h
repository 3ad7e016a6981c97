/* What the two sources of nginx_install share: certificates worked on as one. */
#ifndef ACMEC_ENGINE_NGINX_INSTALL_PRIVATE_H
#define ACMEC_ENGINE_NGINX_INSTALL_PRIVATE_H

#include <acmec/engine/nginx_drafts.h>
#include <acmec/engine/nginx_install.h>
#include <acmec/engine/nginx_wish.h>

/* More files than a journal holds would be several changes: fewer certificates at once then. */
#define FILES_MAX JOURNAL_FILES_MAX

/* One certificate of a group. */
struct install_part {
    struct nginx_install_item *item; /* borrowed */
    struct nginx_paths paths;
    struct installed layers; /* what is to be kept of it; count 0: as it is */
    unsigned before;         /* the generation that was live; 0: nothing was switched */
    bool redirects;          /* the plan has it redirected */
};

struct install_group {
    struct run *run;
    struct nginx_site *site;
    struct install_part *parts;
    size_t count;
    struct nginx_view real; /* as it was read */
    struct nginx_drafts drafts;
};

void install_group_open(struct run *run, struct nginx_site *site, struct nginx_install_item **items,
                        size_t count, struct install_group *out);
void install_group_close(struct install_group *group);

/* Plans one certificate on top of the drafts; they are untouched on failure. */
bool install_plan_one(struct install_group *group, struct install_part *part, struct plan *plan,
                      struct error *err) MUST_USE;
/* Judged, written, tested, reloaded. Without rewrites: tested and reloaded. */
bool install_take_up(struct install_group *group, const struct nginx_rewrite *rewrites,
                     size_t count, struct nginx_change *change, struct error *err) MUST_USE;
/* Says what of a plan a person should know. */
void install_tell_notes(struct run *run, const char *name, const struct plan *plan);
/* Says that nginx serves nothing of it yet, where that is so. */
void install_tell_no_reload(struct run *run, const struct nginx_site *site);

#endif

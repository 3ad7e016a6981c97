/* What the sources of plan have in common. */
#ifndef ACMEC_NGINX_PLAN_PRIVATE_H
#define ACMEC_NGINX_PLAN_PRIVATE_H

#include <acmec/nginx/layout.h>
#include <acmec/nginx/plan.h>
#include <acmec/nginx/server.h>

/* One plan under way. */
struct planning {
    const struct choose *choose;
    const struct conf *conf;
    const struct plan_wish *wish;
    struct layout layout;
    struct plan *plan;
};

struct planning plan_begin(const struct choose *choose, const struct plan_wish *wish,
                           struct plan *plan);
/* Makes each line's edits one, and hands the plan over. */
void plan_end(struct planning *planning, struct plan *out);

void plan_note(struct plan *plan, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Whether the file that the item stands in may be edited: nobody else can change it, nginx reads it
 * once, no other tool writes it. */
bool plan_may_edit(const struct planning *planning, uint32_t item, struct error *err) MUST_USE;

/* Appends the lines of the challenge location. */
bool plan_add_location(const struct planning *planning, unsigned depth, struct layout_lines *lines,
                       struct error *err) MUST_USE;
/* What a plain server still needs to answer challenges; notes where the answers are found. */
bool plan_add_challenge(const struct planning *planning, const struct server *server,
                        struct layout_lines *lines, struct error *err) MUST_USE;

/* How a target's plain requests are led to https. */
enum plan_redirect {
    PLAN_REDIRECT_NONE,
    PLAN_REDIRECT_IF,    /* by an `if` of its own */
    PLAN_REDIRECT_SERVER /* by a second server that takes its plain listens */
};
enum plan_redirect plan_choose_redirect(const struct planning *planning,
                                        const struct target *target, const struct server *server);
/* Says so where a server that is given TLS leads all of it to itself. */
void plan_note_circle(struct planning *planning, const struct target *target,
                      const struct server *server);
void plan_add_if(const struct planning *planning, const struct target *target,
                 struct layout_lines *lines);
/* The header of HSTS, behind plan_add_if's lines. */
void plan_add_hsts(const struct target *target, enum plan_redirect redirect,
                   struct layout_lines *lines);
/* The second server, behind the target. */
bool plan_add_server(struct planning *planning, const struct target *target, struct error *err)
    MUST_USE;

/* TLS listens for a server that has none: in the place of its plain ones where a second server
 * takes those, else as lines. */
bool plan_add_listens(struct planning *planning, const struct target *target,
                      enum plan_redirect redirect, struct layout_lines *lines, struct error *err)
    MUST_USE;

#endif

/* nginx_ways: the ways to HTTP-01 answers of certificates that one nginx serves. What stays is put
 * in first, by as many changes as it takes; then, by one change that is taken back after the
 * proofs, what is for them alone. It neither finds nor locks the nginx. */
#ifndef ACMEC_ENGINE_NGINX_WAYS_H
#define ACMEC_ENGINE_NGINX_WAYS_H

#include <acmec/engine/nginx_drafts.h>
#include <acmec/engine/nginx_record.h>

/* Of one certificate. */
struct nginx_way {
    const struct cert_spec *spec; /* borrowed */
    struct error error;           /* ERR_NONE: there is one, or none is asked for */
    char **roots;                 /* owned; folders below which nginx finds the answers */
    size_t root_count;
    bool is_edited;         /* something was, or would be, put in for it */
    struct installed layer; /* what is being put in for it, and stays */
};
void nginx_way_release(struct nginx_way *way);

struct nginx_ways {
    struct nginx_site *site;  /* borrowed */
    struct nginx_way **items; /* owned array of borrowed ones */
    size_t count;
    bool open; /* something is in for the time of the proofs alone */
    /* its own */
    struct nginx_view view;
    struct nginx_drafts drafts;
    struct nginx_rewrite *rewrites;
    struct nginx_records records;
    struct nginx_change change;
};
void nginx_ways_release(struct run *run, struct nginx_ways *ways);

/* Puts in what is missing. The site is locked, and is to stay so while something is open. Where
 * nginx refuses a change, it is halved until the culprits are found. A configuration that is broken
 * before is not touched: what nginx has taken up of it still answers. In a dry run nothing stays.
 * Waits; each item has its result. */
void nginx_ways_put(struct run *run, struct nginx_ways *ways);
/* Says what would be put in, and changes nothing. */
void nginx_ways_look(struct run *run, struct nginx_ways *ways);
/* What is open goes out. */
void nginx_ways_take_back(struct run *run, struct nginx_ways *ways);

#endif

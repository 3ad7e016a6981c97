/* preflight_private.h: what the sources of engine/preflight share. */
#ifndef ACMEC_ENGINE_PREFLIGHT_PRIVATE_H
#define ACMEC_ENGINE_PREFLIGHT_PRIVATE_H

#include <acmec/engine/preflight.h>
#include <acmec/engine/question.h>

#define PREFLIGHT_LEVELS_MAX 16 /* a name and its parents */
#define PREFLIGHT_VISITS_MAX 8  /* addresses of a name */
#define PREFLIGHT_REDIRECTS_MAX 3

/* One address of a name, visited as the CA will. */
struct preflight_visit {
    char address[64];
    bool own;                        /* of this machine */
    uint16_t port;                   /* of the present question */
    const struct question *question; /* the last one asked */
    unsigned redirects;
    char elsewhere[256]; /* where a redirect leads that was not followed, escaped, or "" */
};

/* One name of the certificate. */
struct preflight_name {
    const struct identifier *name;
    const char *base;                                 /* of name->value, without "*." */
    const char *method;                               /* "http-01" */
    const struct question *a, *aaaa, *txt;            /* NULL: not asked */
    const struct question *caa[PREFLIGHT_LEVELS_MAX]; /* of the name, then of its parents */
    size_t levels;
    char *token, *key_authorization; /* owned */
    bool is_ready, has_failed;       /* its self-made proof */
    bool by_hook;                    /* which may publish it on another machine */
    bool untried; /* it is not put in place, since that would leave traces: any answer will do */
    struct error error;
    struct preflight_visit visits[PREFLIGHT_VISITS_MAX];
    size_t visit_count;
};

/* ---- judging: pure, each adds rows ---- */
void preflight_judge_address(const struct preflight_name *name, struct preflight_rows *out);
/* identities, account_url: as struct caa_wish's. */
void preflight_judge_caa(const struct preflight_name *name, const char *identities,
                         const char *account_url, struct preflight_rows *out);
void preflight_judge_dns(const struct preflight_name *name, struct preflight_rows *out);
void preflight_judge_visit(const struct preflight_name *name, const struct preflight_visit *visit,
                           struct preflight_rows *out);

/* ---- asking ---- */
/* Whether it is proved by a connection to it, rather than by the DNS; by a standing record there.
 */
bool preflight_is_visited(const struct preflight_name *name);
bool preflight_is_standing(const struct preflight_name *name);
/* Adds the questions to the DNS, each once for all names. server: NULL: the system's. */
void preflight_ask_name(struct preflight_name *name, const char *server,
                        struct questions *questions);
/* Fills name's visits from its address or its answers. */
void preflight_find_visits(struct preflight_name *name);
/* Adds the next question of a visit, if there is one: the first, another port, a redirect's. */
bool preflight_visit_on(const struct cert_spec *spec, const struct preflight_name *name,
                        struct preflight_visit *visit, struct questions *questions);

#endif

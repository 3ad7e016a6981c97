/* plan: what an installation changes in nginx's configuration, as byte edits, or why it changes
 * nothing (design section 5, "nginx: choosing" and "nginx: editing"). Pure: a configuration that
 * was read comes in, edits go out.
 *
 * It plans for the configuration without what was installed for this certificate before: the
 * caller takes that out first, so that installing twice gives what installing once gives. */
#ifndef ACMEC_NGINX_PLAN_H
#define ACMEC_NGINX_PLAN_H

#include <acmec/data/edit.h>
#include <acmec/nginx/target.h>

#define PLAN_PAIRS_MAX 2

struct plan_pair {
    bool rsa;
    const char *chain, *key; /* paths as they go into the configuration */
};

struct plan_wish {
    const char *cert; /* the certificate's name, for the marks */
    struct target_wish target;
    struct plan_pair pairs[PLAN_PAIRS_MAX];
    size_t pair_count;
    const char *policy;  /* path of the policy file */
    const char *webroot; /* the root of HTTP-01 answers; NULL: nginx need not answer any */
    unsigned version;    /* of the nginx that runs: 1.25.1 is 1025001 */
    bool running;        /* it keeps its sockets over the change */
    bool redirect, hsts, edit_managed;
    bool own_servers; /* a name without a server of its own gets one for the time of its proof */
    /* Whether the certificate in a file, as the configuration names it, has an RSA key; false: it
     * cannot be read. */
    bool (*is_rsa)(void *ctx, struct span path, bool *rsa);
    void *ctx;
};

struct plan {
    struct edit_plan edits;
    char **notes; /* owned; what a person should know, escaped */
    size_t note_count;
    bool redirects; /* plain http is led to https by these edits */
    char **roots;   /* owned; folders below which HTTP-01 answers are found */
    size_t root_count;
    bool stands; /* there is a way to the answers already, for some name on some address */
};
void plan_release(struct plan *plan);

/* Certificates, TLS listens, redirect and (with webroot) the challenge location. All refusals are
 * ERR_WEB_SERVER with file:line where there is one, and a hint. */
bool plan_install(const struct choose *choose, const struct plan_wish *wish, struct plan *out,
                  struct error *err) MUST_USE;

/* Only what a proof needs: a way to the answers on every plain address where a name has a server of
 * its own, and with own_servers on the others, too. With webroot. */
bool plan_challenge(const struct choose *choose, const struct plan_wish *wish, struct plan *out,
                    struct error *err) MUST_USE;

/* Where a certificate is served from: what to look at after a reload. */
struct plan_look {
    struct listening_address address;
    bool proxy_protocol;
    char name[IDENTIFIER_MAX + 1]; /* for SNI */
};
struct plan_looks {
    struct plan_look *items;
    size_t count;
};
void plan_looks_release(struct plan_looks *looks);
/* Every TLS address and name on which a server that has this chain is chosen. */
void plan_find_looks(const struct choose *choose, const char *chain,
                     const struct identifier_list *names, struct plan_looks *out);
/* The first statement that refers to a path below folder (live/NAME); CONF_NONE: none does. */
uint32_t plan_find_reference(const struct conf *conf, const char *folder);

#endif

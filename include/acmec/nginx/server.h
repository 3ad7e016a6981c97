/* server: what one `server` block holds that somebody who edits it must know, its includes counted.
 * Pure; it changes and decides nothing. */
#ifndef ACMEC_NGINX_SERVER_H
#define ACMEC_NGINX_SERVER_H

#include <acmec/nginx/conf.h>

#define SERVER_PAIRS_MAX 8
#define SERVER_CHALLENGE_PATH "/.well-known/acme-challenge/"

/* Items; CONF_NONE: there is none. */
struct server_pair {
    uint32_t chain, key; /* ssl_certificate and ssl_certificate_key of one place in their order */
};

struct server {
    uint32_t item;
    struct server_pair pairs[SERVER_PAIRS_MAX];
    size_t pair_count;
    uint32_t foreign; /* what leaves its certificates to somebody else: Lua, a variable, a key in an
                         engine, more pairs than we count; here or in `http` */
    uint32_t reject;  /* ssl_reject_handshake on */
    uint32_t policy;  /* the first directive that the policy file would set as well */
    uint32_t include; /* an include of the policy file */
    uint32_t redirect;  /* what leads plain requests to https, but not by acmec's own `if` */
    uint32_t challenge; /* its location for exactly SERVER_CHALLENGE_PATH */
    uint32_t guard;     /* our `rewrite ... break` in front of what ends requests early */
    uint32_t early; /* the first statement but our own that may end a request before its location */
    uint32_t own_if; /* acmec's own redirect */
    uint32_t hsts;   /* an add_header of Strict-Transport-Security */
    uint32_t header; /* any other add_header of its own */
};

/* policy_path: the policy file as an include names it. */
void server_read(const struct conf *conf, uint32_t item, const char *policy_path,
                 struct server *out);

/* Where a server's redirect leads that asks for no condition, in its own words: "https://...".
 * False: it is an `if`. */
bool server_redirect_goal(const struct conf *conf, uint32_t redirect, struct span *goal);

/* The folder below which the challenge location finds its files: TOKEN is served from
 * ROOT/.well-known/acme-challenge/TOKEN. Borrowed from conf. False: it does something else. */
bool server_challenge_root(const struct conf *conf, uint32_t location, struct span *root);

/* The variable that acmec's own redirect asks about: "$scheme://$host$request_uri". */
#define SERVER_OWN_VARIABLE "acmec_plain"
/* Which argument of its `if` holds the pattern. */
#define SERVER_OWN_IF_PATTERN 3

#endif

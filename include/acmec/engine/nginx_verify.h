/* nginx_verify: looks whether certificates are served, at every address and name where the
 * configuration says so, by a handshake each, all at once. */
#ifndef ACMEC_ENGINE_NGINX_VERIFY_H
#define ACMEC_ENGINE_NGINX_VERIFY_H

#include <acmec/engine/nginx_site.h>

struct nginx_verify_item {
    const char *name;                    /* the certificate's; borrowed */
    const char *path;                    /* of its chain, as the configuration names it; borrowed */
    bool rsa;                            /* its key */
    const struct identifier_list *names; /* borrowed */
    /* Set by nginx_verify: */
    size_t seen, unverified; /* looks that met it; at addresses that are not this machine's */
    struct error error;      /* ERR_WEB_SERVER: something else is served; ERR_NONE: all is well */
};

/* Waits until each has been seen everywhere, or its time is over: five seconds, or 20 times what
 * nginx -t took if that is more. Errors of a look are its item's. False: a chain cannot be read. */
bool nginx_verify(struct run *run, const struct nginx_site *site, const struct nginx_view *view,
                  struct nginx_verify_item *items, size_t count, struct error *err) MUST_USE;

/* An address of this machine that leads to where nginx listens: loopback for "all addresses". */
bool nginx_verify_address(const struct listening_address *address, char out[static 64]);

#endif

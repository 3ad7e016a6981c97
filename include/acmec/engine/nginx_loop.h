/* nginx_loop: whether an application behind nginx answers a request over https by leading back to
 * http. With a redirect to https before it no page would be reached any more. It only asks; a
 * server that does not answer is no loop. */
#ifndef ACMEC_ENGINE_NGINX_LOOP_H
#define ACMEC_ENGINE_NGINX_LOOP_H

#include <acmec/engine/nginx_site.h>

struct nginx_loop_item {
    const char *chain;                   /* as the configuration names it; borrowed */
    const struct identifier_list *names; /* borrowed */
    /* Set by nginx_loop_find: the https URL that leads back, "" = none does. */
    char url[IDENTIFIER_MAX + 32];
};

/* Asks for "/" at every address and name where the configuration serves the certificates; waits
 * until all have answered, three seconds at most. */
void nginx_loop_find(struct run *run, const struct nginx_view *view, struct nginx_loop_item *items,
                     size_t count);

/* Whether a reply leads to plain http on one of the names. */
bool nginx_loop_is_one(const struct http_response *response, const struct identifier_list *names);

#endif

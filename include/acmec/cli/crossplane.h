/* crossplane: an nginx configuration as JSON in the form that the tool crossplane prints, so that
 * what reads that can read this. Statements are read as nginx reads them: where crossplane differs
 * (escapes in words, `${`, Lua), nginx is right. As there, comments are left out, and an `if` has
 * its condition without the parentheses. Pure. */
#ifndef ACMEC_CLI_CROSSPLANE_H
#define ACMEC_CLI_CROSSPLANE_H

#include <acmec/engine/nginx_read.h>
#include <jansson.h>

struct crossplane;

struct crossplane *crossplane_new(void);
void crossplane_free(struct crossplane *crossplane);

/* What nginx_parse is to be called with; works on crossplane. */
struct nginx_visitor crossplane_visitor(struct crossplane *crossplane);

/* Adds the members status, errors and config to document. "failed" if there were faults or no file
 * at all. NULL: nothing was read. */
void crossplane_put(const struct crossplane *crossplane, json_t *document);

#endif

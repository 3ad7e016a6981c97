/* ca: the certificate authorities that --server knows by name. A table, nothing else: no address
 * is ever derived from another. Pure; all pointers are static. */
#ifndef ACMEC_DATA_CA_H
#define ACMEC_DATA_CA_H

#include <stddef.h>

struct ca {
    const char *name;          /* "letsencrypt" */
    const char *directory_url; /* https */
    const char *staging;       /* name of the partner for --staging and --dry-run, or NULL */
};

/* In the table's order, for lists and completion. */
size_t ca_count(void);
const struct ca *ca_at(size_t index); /* NULL past the end */

/* NULL: unknown. Names compare without case, URLs byte by byte. */
const struct ca *ca_by_name(const char *name);
const struct ca *ca_by_url(const char *directory_url);
/* The name that somebody who wrote this may have meant (at most two letters off, or the beginning
 * of a name), for a message; NULL when none is near. */
const struct ca *ca_nearest(const char *name);

#endif

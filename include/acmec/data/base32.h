/* base32: RFC 4648 section 6, in lower case and without padding, as DNS labels carry it. Pure. */
#ifndef ACMEC_DATA_BASE32_H
#define ACMEC_DATA_BASE32_H

#include <acmec/base/buf.h>

/* Appends. */
void base32_encode(struct span bytes, struct buf *out);

#endif

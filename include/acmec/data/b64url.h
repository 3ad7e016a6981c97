/* b64url: base64url without padding (RFC 7515 section 2). Pure. */
#ifndef ACMEC_DATA_B64URL_H
#define ACMEC_DATA_B64URL_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

/* Appends the encoding of bytes to out. */
void b64url_encode(struct span bytes, struct buf *out);

/* Appends the decoded bytes to out. Refuses '=', white space, the standard alphabet's '+' and '/',
 * a length of 1 mod 4, trailing bits that are not zero, and more bytes than out may take.
 * ERR_CONFIG. out is untouched on failure. */
bool b64url_decode(struct span text, struct buf *out, struct error *err) MUST_USE;

#endif

/* utf8: one character at a time, strictly (RFC 3629): no overlong form, no surrogate, nothing above
 * U+10FFFF. Pure. */
#ifndef ACMEC_DATA_UTF8_H
#define ACMEC_DATA_UTF8_H

#include <acmec/base/span.h>
#include <stdint.h>

/* Reads the character that text begins with into *out and returns its length in bytes; 0, with *out
 * untouched, when text is empty or its first byte begins no valid character. */
size_t utf8_read(struct span text, uint32_t *out);

#endif

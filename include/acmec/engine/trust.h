/* trust: the roots that this system's browsers and tools trust. It judges nothing. */
#ifndef ACMEC_ENGINE_TRUST_H
#define ACMEC_ENGINE_TRUST_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

/* Sets *out (released by the caller) to the system's store in PEM, and to the file ca_bundle where
 * one is given (not NULL), which must be readable. A system without a store trusts nothing: then
 * *out is empty. */
bool trust_read(const char *ca_bundle, struct buf *out, struct error *err) MUST_USE;

#endif

/* der_x509.h: the parts that a request and a certificate have in common (RFC 2986, RFC 5280),
 * written backwards as all of der.h. For crypto alone. */
#ifndef ACMEC_CRYPTO_DER_X509_H
#define ACMEC_CRYPTO_DER_X509_H

#include <acmec/data/identifier.h>

#include "der.h"
#include "key_private.h"

/* A GeneralName: dNSName, or iPAddress (4 or 16 bytes). False: the address is none. */
bool der_put_general_name(struct der_writer *writer, const struct identifier *name) MUST_USE;
/* AlgorithmIdentifier of the key's signatures. */
void der_put_algorithm(struct der_writer *writer, const struct key_kind *kind);
/* JWS's signature as X.509 has it: a BIT STRING, in which r||s is a SEQUENCE of two. */
void der_put_signature(struct der_writer *writer, const struct key_kind *kind,
                       struct span signature);

#endif

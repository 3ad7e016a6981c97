#include "der_x509.h"

#include <arpa/inet.h>

/* RFC 5280 section 4.2.1.6. */
bool der_put_general_name(struct der_writer *writer, const struct identifier *name)
{
    unsigned char address[16];
    bool is_v6 = strchr(name->value, ':') != NULL;
    if (name->type == IDENTIFIER_DNS) {
        der_put(writer, DER_SAN_DNS, span_str(name->value));
        return true;
    }
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, name->value, address) != 1)
        return false;
    der_put(writer, DER_SAN_IP, span_of(address, is_v6 ? 16 : 4));
    return true;
}

void der_put_algorithm(struct der_writer *writer, const struct key_kind *kind)
{
    const unsigned char *since = writer->at;
    if (kind->is_rsa)
        der_put(writer, DER_NULL, span_of("", 0));
    der_put(writer, DER_OID, kind->signature_oid);
    der_wrap(writer, DER_SEQUENCE, since);
}

void der_put_signature(struct der_writer *writer, const struct key_kind *kind,
                       struct span signature)
{
    const unsigned char *since = writer->at;
    size_t width = key_width(kind);
    if (kind->is_rsa) {
        der_put_bit_string(writer, signature);
        return;
    }
    der_put_unsigned(writer, span_of(signature.ptr + width, width));
    der_put_unsigned(writer, span_of(signature.ptr, width));
    der_wrap(writer, DER_SEQUENCE, since);
    der_put_raw(writer, span_of("", 1)); /* no unused bits */
    der_wrap(writer, DER_BIT_STRING, since);
}

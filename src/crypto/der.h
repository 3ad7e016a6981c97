/* der.h: DER read forwards and written backwards, over mbedTLS's primitives. For crypto alone. */
#ifndef ACMEC_CRYPTO_DER_H
#define ACMEC_CRYPTO_DER_H

#include <acmec/base/span.h>

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8_STRING = 0x0c,
    DER_PRINTABLE_STRING = 0x13,
    DER_UTC_TIME = 0x17,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT_0 = 0xa0, /* constructed */
    DER_CONTEXT_1 = 0xa1,
    DER_CONTEXT_3 = 0xa3,
    DER_KEY_IDENTIFIER = 0x80, /* AuthorityKeyIdentifier, RFC 5280 section 4.2.1.1 */
    DER_SAN_DNS = 0x82,        /* GeneralName, RFC 5280 section 4.2.1.6 */
    DER_SAN_IP = 0x87,
};

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"
#define OID_RSA_SHA256 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define OID_RSA_SHA384 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define OID_RSA_SHA512 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_ECDSA_SHA384 "\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define OID_ECDSA_SHA512 "\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define OID_EXTENSION_REQUEST "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define OID_COMMON_NAME "\x55\x04\x03"
#define OID_ORGANIZATION "\x55\x04\x0a"
#define OID_SUBJECT_ALT_NAME "\x55\x1d\x11"
#define OID_AUTHORITY_KEY_ID "\x55\x1d\x23"
#define OID_TLS_FEATURE "\x2b\x06\x01\x05\x05\x07\x01\x18"
#define OID_ACME_IDENTIFIER "\x2b\x06\x01\x05\x05\x07\x01\x1f"
#define OID_SERVER_AUTH "\x2b\x06\x01\x05\x05\x07\x03\x01"

/* Takes one element of that tag off the front of in; out borrows its content. On false in is
 * untouched. */
bool der_take(struct span *in, enum der_tag tag, struct span *out);
/* As der_take, for an INTEGER that is not negative: out without leading zero bytes. */
bool der_take_unsigned(struct span *in, struct span *out);

/* Written from the end of the memory to its front: the last element first. What does not fit makes
 * it failed for good. */
struct der_writer {
    unsigned char *start; /* of the memory, borrowed */
    unsigned char *at;    /* the first byte written */
    const unsigned char *end;
    bool failed;
};

struct der_writer der_writer(void *memory, size_t size);
void der_put(struct der_writer *writer, enum der_tag tag, struct span content);
void der_put_raw(struct der_writer *writer, struct span bytes);
/* An INTEGER from its big-endian bytes, which may begin with zeros; not 0 itself. */
void der_put_unsigned(struct der_writer *writer, struct span bytes);
/* A BIT STRING of whole bytes. */
void der_put_bit_string(struct der_writer *writer, struct span bytes);
/* Puts tag and length before all that was written since `since`, a former writer->at. */
void der_wrap(struct der_writer *writer, enum der_tag tag, const unsigned char *since);
struct span der_written(const struct der_writer *writer);

#endif

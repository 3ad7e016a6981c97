#include "der.h"

#include <mbedtls/asn1.h>
#include <mbedtls/asn1write.h>

bool der_take(struct span *in, enum der_tag tag, struct span *out)
{
    unsigned char *at = (unsigned char *)in->ptr; /* mbedTLS lacks the const, and only reads */
    size_t len = 0;
    if (in->len == 0 || mbedtls_asn1_get_tag(&at, at + in->len, &len, (int)tag) != 0)
        return false;
    const char *content = (const char *)at;
    in->len -= (size_t)(content - in->ptr) + len;
    in->ptr = content + len;
    *out = span_of(content, len);
    return true;
}

bool der_take_unsigned(struct span *in, struct span *out)
{
    struct span rest = *in, number;
    if (!der_take(&rest, DER_INTEGER, &number) || number.len == 0 || (number.ptr[0] & 0x80) != 0)
        return false;
    while (number.len > 0 && number.ptr[0] == 0) {
        number.ptr++;
        number.len--;
    }
    *in = rest;
    *out = number;
    return true;
}

struct der_writer der_writer(void *memory, size_t size)
{
    unsigned char *start = memory;
    return (struct der_writer){.start = start, .at = start + size, .end = start + size};
}

void der_put_raw(struct der_writer *writer, struct span bytes)
{
    writer->failed |=
        mbedtls_asn1_write_raw_buffer(&writer->at, writer->start, (const unsigned char *)bytes.ptr,
                                      bytes.len) < 0;
}

void der_wrap(struct der_writer *writer, enum der_tag tag, const unsigned char *since)
{
    size_t len = (size_t)(since - writer->at);
    writer->failed |= mbedtls_asn1_write_len(&writer->at, writer->start, len) < 0 ||
                      mbedtls_asn1_write_tag(&writer->at, writer->start, (unsigned char)tag) < 0;
}

void der_put(struct der_writer *writer, enum der_tag tag, struct span content)
{
    const unsigned char *since = writer->at;
    der_put_raw(writer, content);
    der_wrap(writer, tag, since);
}

void der_put_unsigned(struct der_writer *writer, struct span bytes)
{
    const unsigned char *since = writer->at;
    while (bytes.len > 0 && bytes.ptr[0] == 0)
        bytes = span_of(bytes.ptr + 1, bytes.len - 1);
    der_put_raw(writer, bytes);
    if (bytes.len > 0 && (bytes.ptr[0] & 0x80) != 0)
        der_put_raw(writer, span_of("", 1)); /* else it would be negative */
    der_wrap(writer, DER_INTEGER, since);
}

void der_put_bit_string(struct der_writer *writer, struct span bytes)
{
    const unsigned char *since = writer->at;
    der_put_raw(writer, bytes);
    der_put_raw(writer, span_of("", 1)); /* no unused bits */
    der_wrap(writer, DER_BIT_STRING, since);
}

struct span der_written(const struct der_writer *writer)
{
    return span_of(writer->at, (size_t)(writer->end - writer->at));
}

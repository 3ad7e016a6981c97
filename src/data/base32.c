#include <acmec/data/base32.h>

#include <stdint.h>

void base32_encode(struct span bytes, struct buf *out)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | (unsigned char)bytes.ptr[i];
        for (count += 8; count >= 5; count -= 5)
            buf_add_byte(out, alphabet[bits >> (count - 5) & 31]);
    }
    if (count > 0)
        buf_add_byte(out, alphabet[bits << (5 - count) & 31]);
}

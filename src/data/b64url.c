#include <acmec/data/b64url.h>

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void b64url_encode(struct span bytes, struct buf *out)
{
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = (uint32_t)in[i] << 16;
        if (left > 1)
            group |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            group |= in[i + 2];
        char text[4];
        for (int k = 0; k < 4; k++)
            text[k] = alphabet[group >> (18 - 6 * k) & 0x3F];
        buf_add(out, text, left + 1);
    }
}

/* The six bits that a character stands for, or -1. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool check(struct span text, struct error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        if (value_of(text.ptr[i]) < 0)
            return fail(err, ERR_CONFIG, "byte %zu is not in the base64url alphabet", i + 1);
    }
    size_t tail = text.len % 4;
    if (tail == 1)
        return fail(err, ERR_CONFIG, "base64url text cannot be %zu bytes long", text.len);
    if (tail == 0)
        return true;
    unsigned unused = (unsigned)value_of(text.ptr[text.len - 1]) & (tail == 2 ? 0xFU : 0x3U);
    if (unused != 0)
        return fail(err, ERR_CONFIG, "base64url text ends in bits that stand for nothing");
    return true;
}

bool b64url_decode(struct span text, struct buf *out, struct error *err)
{
    if (!check(text, err))
        return false;
    size_t decoded = text.len / 4 * 3 + (text.len % 4 == 0 ? 0 : text.len % 4 - 1);
    if (out->failed || decoded > out->max - out->len)
        return fail(err, ERR_CONFIG, "base64url text of %zu bytes is too long", text.len);
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        group = group << 6 | (uint32_t)value_of(text.ptr[i]);
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        buf_add_byte(out, (char)(group >> bits & 0xFF));
    }
    return true;
}

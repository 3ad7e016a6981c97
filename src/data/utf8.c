#include <acmec/data/utf8.h>

size_t utf8_read(struct span text, uint32_t *out)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t smallest;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    if (text.len == 0)
        return 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((bytes[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t code = bytes[0] & (uint32_t)(unsigned char)~forms[i].mask;
        if (text.len < i + 1)
            return 0;
        for (size_t k = 1; k <= i; k++) {
            if ((bytes[k] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (bytes[k] & 0x3F);
        }
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        if (code < forms[i].smallest || code > 0x10FFFF || surrogate)
            return 0;
        *out = code;
        return i + 1;
    }
    return 0;
}

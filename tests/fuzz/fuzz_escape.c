/* Any bytes made printable: valid UTF-8, one line, nothing that a terminal obeys, under the cap. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/data/escape.h>
#include <acmec/data/utf8.h>

static void check_printable(struct span text)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code = 0;
        size_t taken = utf8_read(span_of(text.ptr + at, text.len - at), &code);
        must(taken > 0);
        must(code >= ' ' && !(code >= 0x7F && code <= 0x9F));
        must(!(code >= 0x200B && code <= 0x200F) && !(code >= 0x2028 && code <= 0x202E));
        must(!(code >= 0x2066 && code <= 0x2069) && code != 0x61C && code != 0xFEFF);
        at += taken;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) out = BUF(ESCAPE_MAX);
    struct escaped once = escaped(span_of(data, size));
    must(strlen(once.text) <= ESCAPE_MAX);
    check_printable(span_str(once.text));
    must(strcmp(escaped_str(once.text).text, once.text) == 0);
    escape_text(span_of(data, size), &out);
    must(buf_ok(&out) && strcmp(buf_str(&out), once.text) == 0);
    return 0;
}

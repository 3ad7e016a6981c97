/* Any text decoded: what is taken encodes to the very same text; any bytes encode and come back. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/data/b64url.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span given = span_of(data, size);
    AUTO(buf) bytes = BUF(size);
    AUTO(buf) text = BUF(2 * size + 4);
    AUTO(buf) back = BUF(size);
    struct error err = {0};
    if (b64url_decode(given, &bytes, &err)) {
        b64url_encode(buf_span(&bytes), &text);
        must(buf_ok(&bytes) && span_equals(buf_span(&text), given));
    } else {
        must(bytes.len == 0 && err.code == ERR_CONFIG);
    }
    buf_clear(&text);
    b64url_encode(given, &text);
    must(buf_ok(&text) && b64url_decode(buf_span(&text), &back, &err));
    must(span_equals(buf_span(&back), given));
    return 0;
}

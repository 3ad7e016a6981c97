/* Any bytes as the headers of a reply: waits are in bounds, links are URLs that could be sent. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/data/http_header.h>

#define BASE "https://ca.example:14000/dir/order/7?x=1"

static void read_links(const struct http_response *reply, const char *rel)
{
    for (size_t nth = 0;; nth++) {
        AUTO(buf) url = BUF(HTTP_URL_MAX);
        if (!http_header_link(reply, rel, nth, BASE, &url)) {
            must(url.len == 0);
            return;
        }
        must(buf_ok(&url) && url.len > 0 && url.len <= HTTP_URL_MAX);
        for (size_t i = 0; i < url.len; i++)
            must(url.data[i] > ' ' && url.data[i] < 0x7F);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"Link", "Retry-After", "Date", "Content-Type", ""};
    AUTO(http_response) reply = {.headers = BUF(HTTP_HEADERS_MAX)};
    buf_add(&reply.headers, data, size);
    struct span headers = buf_span(&reply.headers);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span value;
        for (size_t nth = 0; nth < 20 && http_header_get(&reply, names[i], nth, &value); nth++) {
            must(value.ptr >= headers.ptr);
            must(value.ptr + value.len <= headers.ptr + headers.len);
            must(value.len == 0 || memchr(value.ptr, '\n', value.len) == NULL);
        }
    }
    int64_t seconds = -1;
    if (http_header_retry_after(&reply, 1795473600, &seconds))
        must(seconds >= 0 && seconds <= INT64_C(36525) * 86400);
    int64_t when = 0;
    (void)http_header_date(&reply, &when);
    (void)http_header_is_type(&reply, "application/json");
    read_links(&reply, "alternate");
    read_links(&reply, "up");
    return 0;
}

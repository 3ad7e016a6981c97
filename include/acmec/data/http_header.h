/* http_header: reads the headers ACME uses out of a reply. Names compare without case. Pure. */
#ifndef ACMEC_DATA_HTTP_HEADER_H
#define ACMEC_DATA_HTTP_HEADER_H

#include <acmec/data/http_msg.h>

/* The nth (from 0) value of a header, trimmed; false when there is none. Borrowed. */
bool http_header_get(const struct http_response *response, const char *name, size_t nth,
                     struct span *out);

/* Retry-After in either form (RFC 9110 section 10.2.3), as seconds from now; a date counts relative
 * to the reply's own Date where there is one, else to now. Negative gives 0. False: absent or
 * invalid. */
bool http_header_retry_after(const struct http_response *response, int64_t now, int64_t *seconds);

/* The reply's Date as Unix seconds; false when absent or invalid. */
bool http_header_date(const struct http_response *response, int64_t *out);

/* The nth link (RFC 8288) with this rel among all Link headers, several lines and comma lists
 * alike; a relative one is resolved against base. Appends the URL to out; false when there is no
 * such. */
bool http_header_link(const struct http_response *response, const char *rel, size_t nth,
                      const char *base, struct buf *out);

/* Media types compare without case and parameters. */
bool http_header_is_type(const struct http_response *response, const char *media_type);

#endif

/* buf: growable bytes with a mandatory maximum.
 *
 * Adding past `max` adds nothing, and makes the buffer failed for good (until buf_clear); the
 * caller looks once, at the end, with buf_ok. The bytes are always followed by a NUL that is not
 * counted. A buffer made with SECRET_BUF is wiped when it grows and when it is released.
 */
#ifndef ACMEC_BASE_BUF_H
#define ACMEC_BASE_BUF_H

#include <acmec/base/span.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* NULL while empty: read it through buf_str */
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
    bool secret;
};

#define BUF(max_bytes) ((struct buf){.max = (max_bytes)})
#define SECRET_BUF(max_bytes) ((struct buf){.max = (max_bytes), .secret = true})

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_str(struct buf *buf, const char *text);
void buf_add_span(struct buf *buf, struct span span);
void buf_add_byte(struct buf *buf, char byte);
void buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Removes the first len bytes. */
void buf_consume(struct buf *buf, size_t len);
/* Keeps the first len bytes at most. */
void buf_truncate(struct buf *buf, size_t len);
/* Empties it and forgets a failure; keeps the memory (wiped if secret). */
void buf_clear(struct buf *buf);
void buf_release(struct buf *buf);

static inline bool buf_ok(const struct buf *buf)
{
    return !buf->failed;
}

/* NUL-terminated, borrowed until the next change; "" when empty. */
static inline const char *buf_str(const struct buf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}

static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){buf_str(buf), buf->len};
}

/* The bytes as an owned string (free it); the buffer is empty afterwards. Never NULL. */
char *buf_take(struct buf *buf);

#endif

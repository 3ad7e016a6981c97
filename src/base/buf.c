#include <acmec/base/buf.h>

#include <acmec/base/mem.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 64

static void grow(struct buf *buf, size_t needed)
{
    size_t cap = buf->cap < FIRST_CAP ? FIRST_CAP : buf->cap;
    while (cap < needed)
        cap = cap > SIZE_MAX / 2 ? needed : cap * 2;
    if (!buf->secret) {
        buf->data = mem_resize(buf->data, cap, 1);
    } else {
        char *fresh = mem_new(cap, 1);
        if (buf->data != NULL) {
            memcpy(fresh, buf->data, buf->len + 1);
            mem_wipe(buf->data, buf->cap);
            free(buf->data);
        }
        buf->data = fresh;
    }
    buf->cap = cap;
}

/* Makes room for len more bytes and their NUL; false: the maximum would be passed. */
static bool reserve(struct buf *buf, size_t len)
{
    if (buf->failed || len > buf->max - buf->len || len + buf->len == SIZE_MAX) {
        buf->failed = true;
        return false;
    }
    if (buf->len + len + 1 > buf->cap)
        grow(buf, buf->len + len + 1);
    return true;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_span(struct buf *buf, struct span span)
{
    buf_add(buf, span.ptr, span.len);
}

void buf_add_byte(struct buf *buf, char byte)
{
    buf_add(buf, &byte, 1);
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        buf->failed = true;
    if (len < 0 || !reserve(buf, (size_t)len))
        return;
    va_start(args, fmt);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
}

void buf_consume(struct buf *buf, size_t len)
{
    if (len > buf->len)
        len = buf->len;
    if (len == 0)
        return;
    size_t left = buf->len - len;
    memmove(buf->data, buf->data + len, left + 1);
    if (buf->secret)
        mem_wipe(buf->data + left + 1, len);
    buf->len = left;
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    if (buf->secret)
        mem_wipe(buf->data + len, buf->len - len);
    buf->data[len] = '\0';
    buf->len = len;
}

void buf_clear(struct buf *buf)
{
    if (buf->secret && buf->data != NULL)
        mem_wipe(buf->data, buf->cap);
    if (buf->data != NULL)
        buf->data[0] = '\0';
    buf->len = 0;
    buf->failed = false;
}

void buf_release(struct buf *buf)
{
    if (buf->secret && buf->data != NULL)
        mem_wipe(buf->data, buf->cap);
    free(buf->data);
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
    buf->failed = false;
}

char *buf_take(struct buf *buf)
{
    char *text = buf->data == NULL ? mem_strdup("") : buf->data;
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
    return text;
}

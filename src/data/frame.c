#include <acmec/data/frame.h>

#include <acmec/base/mem.h>

#define LENGTH_SIZE 4

static uint64_t read_big_endian(const char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

static void put_big_endian(struct buf *out, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--)
        buf_add_byte(out, (char)(unsigned char)(value >> (8 * (i - 1))));
}

/* ---- writing ---- */

size_t frame_begin(struct buf *out, uint8_t type)
{
    size_t begin = out->len;
    put_big_endian(out, 0, LENGTH_SIZE);
    frame_put_u8(out, type);
    return begin;
}

void frame_end(struct buf *out, size_t begin)
{
    if (!buf_ok(out))
        return;
    size_t length = out->len - begin - LENGTH_SIZE;
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        out->data[begin + i] = (char)(unsigned char)(length >> (8 * (LENGTH_SIZE - 1 - i)));
}

void frame_put_u8(struct buf *out, uint8_t value)
{
    put_big_endian(out, value, 1);
}

void frame_put_u32(struct buf *out, uint32_t value)
{
    put_big_endian(out, value, 4);
}

void frame_put_u64(struct buf *out, uint64_t value)
{
    put_big_endian(out, value, 8);
}

void frame_put_bytes(struct buf *out, struct span bytes)
{
    frame_put_u32(out, (uint32_t)bytes.len);
    buf_add_span(out, bytes);
}

void frame_put_text(struct buf *out, const char *text)
{
    frame_put_u8(out, text != NULL);
    if (text != NULL)
        frame_put_bytes(out, span_str(text));
}

/* ---- reading ---- */

enum frame_result frame_next(struct span in, uint8_t *type, struct span *payload, size_t *used)
{
    if (in.len < LENGTH_SIZE)
        return FRAME_NONE;
    uint64_t length = read_big_endian(in.ptr, LENGTH_SIZE);
    if (length == 0 || length > FRAME_MAX)
        return FRAME_BROKEN;
    if (in.len - LENGTH_SIZE < length)
        return FRAME_NONE;
    *type = (unsigned char)in.ptr[LENGTH_SIZE];
    *payload = span_of(in.ptr + FRAME_HEAD, (size_t)length - 1);
    *used = LENGTH_SIZE + (size_t)length;
    return FRAME_READY;
}

static struct span take(struct frame_reader *reader, size_t len)
{
    if (reader->failed || len > reader->rest.len) {
        reader->failed = true;
        return span_of("", 0);
    }
    struct span taken = span_of(reader->rest.ptr, len);
    reader->rest = span_of(reader->rest.ptr + len, reader->rest.len - len);
    return taken;
}

static uint64_t take_number(struct frame_reader *reader, size_t size)
{
    struct span bytes = take(reader, size);
    return read_big_endian(bytes.ptr, bytes.len);
}

uint8_t frame_get_u8(struct frame_reader *reader)
{
    return (uint8_t)take_number(reader, 1);
}

uint32_t frame_get_u32(struct frame_reader *reader)
{
    return (uint32_t)take_number(reader, 4);
}

uint64_t frame_get_u64(struct frame_reader *reader)
{
    return take_number(reader, 8);
}

struct span frame_get_bytes(struct frame_reader *reader, size_t max)
{
    size_t len = frame_get_u32(reader);
    if (len > max)
        reader->failed = true;
    return take(reader, len);
}

char *frame_get_text(struct frame_reader *reader, size_t max)
{
    uint8_t is_there = frame_get_u8(reader);
    if (is_there > 1)
        reader->failed = true;
    if (is_there != 1)
        return NULL;
    struct span bytes = frame_get_bytes(reader, max);
    if (memchr(bytes.ptr, '\0', bytes.len) != NULL)
        reader->failed = true;
    return reader->failed ? NULL : mem_strndup(bytes.ptr, bytes.len);
}

bool frame_at_end(const struct frame_reader *reader)
{
    return !reader->failed && reader->rest.len == 0;
}

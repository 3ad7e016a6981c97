/* frame: messages on the socketpair between the keeper and a worker: four bytes of length (big
 * endian, of what follows), one byte of type, the payload. Pure, and written for hostile bytes at
 * either end. */
#ifndef ACMEC_DATA_FRAME_H
#define ACMEC_DATA_FRAME_H

#include <acmec/base/buf.h>
#include <stdint.h>

#define FRAME_MAX (2 * 1024 * 1024)
#define FRAME_HEAD 5

/* ---- writing ---- */

/* Appends the head of a frame; frame_end sets its length. Both return or take the head's offset. */
size_t frame_begin(struct buf *out, uint8_t type);
void frame_end(struct buf *out, size_t begin);

void frame_put_u8(struct buf *out, uint8_t value);
void frame_put_u32(struct buf *out, uint32_t value);
void frame_put_u64(struct buf *out, uint64_t value);
/* Length-prefixed bytes; NULL and empty text are told apart by frame_put_text. */
void frame_put_bytes(struct buf *out, struct span bytes);
void frame_put_text(struct buf *out, const char *text);

/* ---- reading ---- */

enum frame_result { FRAME_NONE, FRAME_READY, FRAME_BROKEN };

/* The first whole frame in `in`. READY: *type and *payload (borrowed from in) are set, and *used is
 * how many bytes to consume when it has been read. NONE: more bytes are needed. BROKEN: longer than
 * FRAME_MAX or empty; the stream cannot be used any more. */
enum frame_result frame_next(struct span in, uint8_t *type, struct span *payload, size_t *used);

/* Takes values off a payload in the order in which they were put. After the first that does not
 * fit, failed stays true and every value is zero. */
struct frame_reader {
    struct span rest;
    bool failed;
};

uint8_t frame_get_u8(struct frame_reader *reader);
uint32_t frame_get_u32(struct frame_reader *reader);
uint64_t frame_get_u64(struct frame_reader *reader);
/* Borrowed; at most max bytes. */
struct span frame_get_bytes(struct frame_reader *reader, size_t max);
/* Owned text without NUL and of at most max bytes, or NULL where NULL was put or the reader failed.
 */
char *frame_get_text(struct frame_reader *reader, size_t max);
/* All was read, nothing is left over. */
bool frame_at_end(const struct frame_reader *reader);

#endif

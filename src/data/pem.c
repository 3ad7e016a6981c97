#include <acmec/data/pem.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <stdint.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LINE_WIDTH 64

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void pem_list_release(struct pem_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        buf_release(&list->blocks[i].der);
    free(list->blocks);
    *list = (struct pem_list){0};
}

/* ---- reading ---- */

struct reader {
    struct span text;
    size_t at;
    unsigned line; /* from 1, of the line read last */
    enum err_code code;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line without its end and trailing white space; false at the end of the text. */
static bool next_line(struct reader *reader, struct span *out)
{
    size_t left = reader->text.len - reader->at;
    if (left == 0)
        return false;
    const char *start = reader->text.ptr + reader->at;
    const char *newline = memchr(start, '\n', left);
    size_t len = newline == NULL ? left : (size_t)(newline - start);
    reader->at += newline == NULL ? len : len + 1;
    reader->line++;
    while (len > 0 && is_space(start[len - 1]))
        len--;
    *out = span_of(start, len);
    return true;
}

static bool starts_with(struct span text, const char *start)
{
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.ptr, start, len) == 0;
}

/* LABEL of "-----BEGIN LABEL-----": capitals, digits, single blanks between them. */
static bool read_label(struct span line, const char *start, struct span *out)
{
    size_t head = strlen(start);
    size_t tail = strlen(DASHES);
    if (!starts_with(line, start) || line.len <= head + tail)
        return false;
    if (memcmp(line.ptr + line.len - tail, DASHES, tail) != 0)
        return false;
    struct span label = span_of(line.ptr + head, line.len - head - tail);
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        bool edge = i == 0 || i + 1 == label.len || label.ptr[i - 1] == ' ';
        bool word = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (c != ' ' || edge))
            return false;
    }
    *out = label;
    return true;
}

/* The base64 of one block, across lines. */
struct decoder {
    uint32_t group;
    unsigned chars;   /* of the alphabet, in the group of four */
    unsigned padding; /* '=' seen */
    struct buf *out;
};

static bool decode_char(struct decoder *decoder, char c)
{
    if (c == '=') {
        decoder->padding++;
        return decoder->chars + decoder->padding <= 4 && decoder->chars >= 2;
    }
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);
    if (found == NULL || decoder->padding > 0)
        return false;
    decoder->group = decoder->group << 6 | (uint32_t)(found - alphabet);
    if (++decoder->chars < 4)
        return true;
    for (int shift = 16; shift >= 0; shift -= 8)
        buf_add_byte(decoder->out, (char)(decoder->group >> shift & 0xFF));
    decoder->group = 0;
    decoder->chars = 0;
    return true;
}

/* Writes what a padded last group holds; false: cut short, or bits that stand for nothing. */
static bool decode_end(struct decoder *decoder)
{
    if (decoder->chars == 0)
        return decoder->padding == 0;
    if (decoder->chars + decoder->padding != 4)
        return false;
    uint32_t group = decoder->group;
    if ((group & (decoder->chars == 2 ? 0xFU : 0x3U)) != 0)
        return false;
    group <<= 6 * decoder->padding;
    buf_add_byte(decoder->out, (char)(group >> 16 & 0xFF));
    if (decoder->chars == 3)
        buf_add_byte(decoder->out, (char)(group >> 8 & 0xFF));
    return true;
}

static bool fail_at(const struct reader *reader, const char *what, struct error *err)
{
    return fail(err, reader->code, "bad PEM, line %u: %s", reader->line, what);
}

static bool read_body(struct reader *reader, struct span label, struct buf *der, struct error *err)
{
    struct decoder decoder = {.out = der};
    struct span line;
    while (next_line(reader, &line)) {
        struct span end;
        if (starts_with(line, DASHES)) {
            if (!read_label(line, END, &end) || !span_equals(end, label))
                return fail_at(reader, "not the END of the block that began", err);
            if (!decode_end(&decoder))
                return fail_at(reader, "the block's base64 is cut short", err);
            return der->len > 0 || fail_at(reader, "the block is empty", err);
        }
        if (line.len == 0)
            return fail_at(reader, "a blank line inside a block", err);
        if (memchr(line.ptr, ':', line.len) != NULL)
            return fail_at(reader, "a header inside a block (an encrypted key?)", err);
        for (size_t i = 0; i < line.len; i++) {
            if (!decode_char(&decoder, line.ptr[i]))
                return fail_at(reader, "not base64", err);
        }
    }
    return fail_at(reader, "a block without an END", err);
}

static bool ends_with(struct span text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

static bool read_block(struct reader *reader, struct span begin, struct pem_list *list,
                       struct error *err)
{
    struct span label;
    struct pem_block block = {0};
    if (!read_label(begin, BEGIN, &label))
        return fail_at(reader, "text outside a block", err);
    if (label.len >= sizeof(block.label))
        return fail_at(reader, "the block's label is too long", err);
    memcpy(block.label, label.ptr, label.len);
    size_t max = reader->text.len - reader->at;
    block.der = ends_with(label, "PRIVATE KEY") ? SECRET_BUF(max) : BUF(max);
    if (!read_body(reader, label, &block.der, err)) {
        buf_release(&block.der);
        return false;
    }
    list->blocks = mem_resize(list->blocks, list->count + 1, sizeof(*list->blocks));
    list->blocks[list->count++] = block;
    return true;
}

bool pem_parse(struct span text, enum err_code code, struct pem_list *out, struct error *err)
{
    if (text.len > PEM_TEXT_MAX)
        return fail(err, code, "PEM text of more than %d bytes", PEM_TEXT_MAX);
    AUTO(pem_list) found = {0};
    struct reader reader = {.text = text, .code = code};
    struct span line;
    while (next_line(&reader, &line)) {
        if (line.len > 0 && !read_block(&reader, line, &found, err))
            return false;
    }
    *out = found;
    found = (struct pem_list){0};
    return true;
}

bool pem_parse_chain(struct span text, enum err_code code, struct pem_list *out, struct error *err)
{
    if (text.len > PEM_CHAIN_MAX)
        return fail(err, code, "a certificate chain of more than %d bytes", PEM_CHAIN_MAX);
    AUTO(pem_list) found = {0};
    if (!pem_parse(text, code, &found, err))
        return false;
    if (found.count == 0)
        return fail(err, code, "a certificate chain without a certificate");
    if (found.count > PEM_CHAIN_CERTS_MAX)
        return fail(err, code, "a certificate chain of more than %d certificates",
                    PEM_CHAIN_CERTS_MAX);
    for (size_t i = 0; i < found.count; i++) {
        if (strcmp(found.blocks[i].label, "CERTIFICATE") != 0)
            return fail(err, code, "a certificate chain with a block '%s'", found.blocks[i].label);
    }
    *out = found;
    found = (struct pem_list){0};
    return true;
}

/* ---- writing ---- */

static void write_base64(struct span der, struct buf *out)
{
    const unsigned char *in = (const unsigned char *)der.ptr;
    size_t column = 0;
    for (size_t i = 0; i < der.len; i += 3) {
        size_t left = der.len - i;
        uint32_t group = (uint32_t)in[i] << 16;
        if (left > 1)
            group |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            group |= in[i + 2];
        for (unsigned k = 0; k < 4; k++)
            buf_add_byte(out, k > left ? '=' : alphabet[group >> (18 - 6 * k) & 0x3F]);
        column += 4;
        if (column == LINE_WIDTH) {
            buf_add_byte(out, '\n');
            column = 0;
        }
    }
    if (column > 0)
        buf_add_byte(out, '\n');
}

void pem_write(const char *label, struct span der, struct buf *out)
{
    buf_addf(out, BEGIN "%s" DASHES "\n", label);
    write_base64(der, out);
    buf_addf(out, END "%s" DASHES "\n", label);
}

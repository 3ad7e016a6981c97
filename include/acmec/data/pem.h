/* pem: strict PEM (RFC 7468) in and out; it splits, it does not judge certificates. Pure.
 *
 * mbedTLS only ever sees what this room has split (its own PEM reader has a history). Input may
 * have CR LF, blank lines between or before blocks, trailing white space, a missing last newline.
 */
#ifndef ACMEC_DATA_PEM_H
#define ACMEC_DATA_PEM_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

#define PEM_TEXT_MAX (1024 * 1024) /* any PEM text; a bundle of trusted roots is the largest */
#define PEM_CHAIN_MAX (256 * 1024)
#define PEM_CHAIN_CERTS_MAX 16

struct pem_block {
    char label[64]; /* "CERTIFICATE" */
    struct buf der; /* owned; secret where the label ends in PRIVATE KEY */
};

struct pem_list {
    struct pem_block *blocks;
    size_t count;
};

void pem_list_release(struct pem_list *list);

/* Every block of text, in order; text between blocks other than white space is refused, so are
 * headers or blank lines inside a block, an empty block, a missing END, and base64 that is not
 * exactly the standard one. code is the class of the error, which names the line, never its text:
 * that may be a key. */
bool pem_parse(struct span text, enum err_code code, struct pem_list *out, struct error *err)
    MUST_USE;

/* As pem_parse, and every label must be CERTIFICATE, at least one block, at most
 * PEM_CHAIN_CERTS_MAX (RFC 8555 section 9.1). */
bool pem_parse_chain(struct span text, enum err_code code, struct pem_list *out, struct error *err)
    MUST_USE;

/* Appends one block: LF line ends, 64 characters a line. */
void pem_write(const char *label, struct span der, struct buf *out);

#endif

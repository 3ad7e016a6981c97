/* ini: `key = value` lines, as acmec.conf(5) describes them. Pure.
 *
 * No sections. A line whose first non-blank byte is '#' is a comment; a value is taken whole,
 * trimmed of blanks, and a '#' inside it is part of it. Lines end in LF or CR LF; a missing last
 * newline is fine; a NUL or another control byte (but TAB) is an error. At most 4096 bytes a line,
 * 64 KiB a file. */
#ifndef ACMEC_DATA_INI_H
#define ACMEC_DATA_INI_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

#define INI_FILE_MAX (64 * 1024)
#define INI_LINE_MAX 4096

struct ini_line {
    char *key;     /* owned */
    char *value;   /* owned; "" when nothing follows '=' */
    unsigned line; /* from 1 */
};

struct ini {
    struct ini_line *lines;
    size_t count;
};

void ini_release(struct ini *ini);

/* file is used for the error only: "/etc/acmec/acmec.conf:7: no '=' in this line". ERR_CONFIG. */
bool ini_parse(struct span text, const char *file, struct ini *out, struct error *err) MUST_USE;

struct ini_change {
    const char *key;
    const char *const *values; /* count 0: the key's lines are removed */
    size_t count;
};

/* Writes to out the old text with every key of changes set to its values: lines whose values are
 * right keep every byte, comments and order stay, changed keys are rewritten where they first
 * stood, new ones are appended. A value that could not be read back the same (control characters,
 * leading or trailing white space) is ERR_CONFIG; the result is parsed again and compared before
 * returning. */
bool ini_edit(struct span old_text, const struct ini_change *changes, size_t count, struct buf *out,
              struct error *err) MUST_USE;

#endif

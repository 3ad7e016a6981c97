/* escape: foreign text made printable. Everything a CA, server, certificate, file name or hook said
 * passes here before a terminal, log, environment or JSON message sees it. Pure. */
#ifndef ACMEC_DATA_ESCAPE_H
#define ACMEC_DATA_ESCAPE_H

#include <acmec/base/buf.h>

#define ESCAPE_MAX 1024

/* Appends text on one line, cut at ESCAPE_MAX bytes of output ("..." marks the cut, never inside a
 * character): invalid UTF-8 as \xNN; C0, DEL, C1, U+2028/2029, bidi controls and zero-width
 * characters as \u{XXXX}; LF and TAB as a space; backslash stays. */
void escape_text(struct span text, struct buf *out);

/* The same into a fixed array, for use inside fail(). */
struct escaped {
    char text[ESCAPE_MAX + 8];
};
struct escaped escaped(struct span text);
struct escaped escaped_str(const char *text);

#endif

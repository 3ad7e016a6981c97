/* preflight_rows: what was found about whether issuance would work, as plain data: one row a
 * question, filled by the engine and shown by the command line. Foreign text has passed
 * data/escape. */
#ifndef ACMEC_DATA_PREFLIGHT_ROWS_H
#define ACMEC_DATA_PREFLIGHT_ROWS_H

#include <acmec/data/identifier.h>

/* X(id, word): the questions. */
#define PREFLIGHT_KINDS(X)                                                                         \
    X(CA, "ca")                                                                                    \
    X(RATE_LIMIT, "rate-limit")                                                                    \
    X(ADDRESS, "address")                                                                          \
    X(CAA, "caa")                                                                                  \
    X(PROOF, "proof")                                                                              \
    X(PORT_80, "port-80")                                                                          \
    X(PORT_443, "port-443")                                                                        \
    X(DNS, "dns")                                                                                  \
    X(WEB_SERVER, "web-server")

#define PREFLIGHT_AS_ENUM(id, word) PREFLIGHT_##id,
enum preflight_kind { PREFLIGHT_KINDS(PREFLIGHT_AS_ENUM) PREFLIGHT_KIND_COUNT };
#undef PREFLIGHT_AS_ENUM

const char *preflight_word(enum preflight_kind kind);

struct preflight_row {
    char name[IDENTIFIER_MAX + 1];
    enum preflight_kind kind;
    bool ok;
    char detail[ERROR_TEXT_MAX]; /* a sentence without full stop */
    char hint[ERROR_HINT_MAX];   /* what to do, or "" */
};

struct preflight_rows {
    struct preflight_row *items;
    size_t count;
};

/* Adds one; printf-like detail. Borrowed until the next one. */
struct preflight_row *preflight_add(struct preflight_rows *rows, const char *name,
                                    enum preflight_kind kind, bool ok, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
void preflight_hint(struct preflight_row *row, const char *fmt, ...) PRINTF_LIKE(2, 3);
void preflight_rows_release(struct preflight_rows *rows);

/* The first red one as an error (ERR_REFUSED); false: all is green, and err is untouched. */
bool preflight_error(const struct preflight_rows *rows, struct error *err);

#endif

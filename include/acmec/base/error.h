/* error: what went wrong, owned by the caller, filled by the innermost function that knows.
 *
 * A function that can fail returns bool, takes `struct error *err` last, and leaves its outputs
 * untouched on failure. `err` is untouched on success. The innermost sets it with fail(); a layer
 * that adds meaning prefixes it with while_doing(); the engine or the command line prints it once.
 * This room never prints and never allocates.
 */
#ifndef ACMEC_BASE_ERROR_H
#define ACMEC_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* X(id, exit code, word in JSON): the classes of design section 4. */
#define ERR_CODES(X)                                                                               \
    X(NONE, 0, "none")                                                                             \
    X(USAGE, 2, "usage")                                                                           \
    X(CONFIG, 3, "config")                                                                         \
    X(NETWORK, 4, "network")                                                                       \
    X(REFUSED, 5, "refused")                                                                       \
    X(RATE_LIMITED, 6, "rate-limited")                                                             \
    X(FILES, 7, "files")                                                                           \
    X(WEB_SERVER, 8, "web-server")                                                                 \
    X(HOOK, 9, "hook")                                                                             \
    X(LOCKED, 75, "locked")                                                                        \
    X(INTERRUPTED, 130, "interrupted")                                                             \
    X(TERMINATED, 143, "interrupted")

#define ERR_AS_ENUM(id, exit_code, word) ERR_##id,
enum err_code { ERR_CODES(ERR_AS_ENUM) ERR_COUNT };
#undef ERR_AS_ENUM

#define ERROR_TEXT_MAX 1536
#define ERROR_HINT_MAX 512

struct error {
    enum err_code code;
    char text[ERROR_TEXT_MAX]; /* one line, no full stop: "cannot write '/x': No space left" */
    char hint[ERROR_HINT_MAX]; /* what to do about it, or "" */
    char acme_type[128];       /* the CA's problem type (a full urn), or "" */
    int64_t retry_at;          /* Unix seconds before which trying again is useless, or 0 */
};

/* Sets *err (text, code; hint, acme_type and retry_at are cleared). Always returns false, so that a
 * caller writes `return fail(err, ...)`. Text that comes from outside must have passed data/escape.
 */
bool fail(struct error *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As fail(), for a failed system call: appends ": " and strerror(errnum). */
bool fail_errno(struct error *err, enum err_code code, int errnum, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Prefixes the text: "issuing a.example" + "CA refused" = "issuing a.example: CA refused". Returns
 * false. */
bool while_doing(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sets the hint, replacing an older one. Returns false. */
bool with_hint(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The exit code and the JSON word of a class; words round-trip through err_from_word, which returns
 * false for an unknown word. */
int err_exit_code(enum err_code code);
const char *err_word(enum err_code code);
bool err_from_word(const char *word, enum err_code *out);

#endif

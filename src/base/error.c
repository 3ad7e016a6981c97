#include <acmec/base/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERR_AS_ROW(id, exit_code, word) [ERR_##id] = {exit_code, word},
static const struct {
    int exit_code;
    const char *word;
} rows[ERR_COUNT] = {ERR_CODES(ERR_AS_ROW)};

/* A text that was cut to fit must not end inside a UTF-8 character. */
static void drop_partial_character(char *text)
{
    size_t len = strlen(text);
    size_t start = len;
    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (len - (start - 1) < wanted)
        text[start - 1] = '\0';
}

/* Written beside first, so that an argument may point into the error itself. */
PRINTF_LIKE(3, 0)
static void set_text(char *text, size_t size, const char *fmt, va_list args)
{
    char fresh[ERROR_TEXT_MAX];
    int len = vsnprintf(fresh, size, fmt, args);
    if (len < 0)
        fresh[0] = '\0';
    if (len >= (int)size)
        drop_partial_character(fresh);
    memcpy(text, fresh, strlen(fresh) + 1);
}

static void append(char *text, size_t size, const char *more)
{
    size_t len = strlen(text);
    if (snprintf(text + len, size - len, "%s", more) >= (int)(size - len))
        drop_partial_character(text);
}

PRINTF_LIKE(3, 0)
static void set_error(struct error *err, enum err_code code, const char *fmt, va_list args)
{
    set_text(err->text, sizeof(err->text), fmt, args);
    err->code = code;
    err->hint[0] = '\0';
    err->acme_type[0] = '\0';
    err->retry_at = 0;
}

bool fail(struct error *err, enum err_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_error(err, code, fmt, args);
    va_end(args);
    return false;
}

bool fail_errno(struct error *err, enum err_code code, int errnum, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_error(err, code, fmt, args);
    va_end(args);
    char room[128];
    append(err->text, sizeof(err->text), ": ");
    append(err->text, sizeof(err->text), strerror_r(errnum, room, sizeof(room)));
    return false;
}

bool while_doing(struct error *err, const char *fmt, ...)
{
    char cause[ERROR_TEXT_MAX];
    memcpy(cause, err->text, sizeof(cause));
    va_list args;
    va_start(args, fmt);
    set_text(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    append(err->text, sizeof(err->text), ": ");
    append(err->text, sizeof(err->text), cause);
    return false;
}

bool with_hint(struct error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_text(err->hint, sizeof(err->hint), fmt, args);
    va_end(args);
    return false;
}

int err_exit_code(enum err_code code)
{
    return rows[code].exit_code;
}

const char *err_word(enum err_code code)
{
    return rows[code].word;
}

bool err_from_word(const char *word, enum err_code *out)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        if (strcmp(rows[i].word, word) == 0) {
            *out = (enum err_code)i;
            return true;
        }
    }
    return false;
}

#include <acmec/engine/verdict.h>

#include <acmec/base/log.h>
#include <acmec/data/escape.h>

#define LAST_WORDS_MAX 400

/* The end of what it printed, on one line. */
static struct escaped last_words(const struct buf *output)
{
    struct span text = buf_span(output);
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL)
        text.len--;
    if (text.len > LAST_WORDS_MAX) {
        text.ptr += text.len - LAST_WORDS_MAX;
        text.len = LAST_WORDS_MAX;
    }
    return escaped(text);
}

bool verdict(const char *what, const struct spawn_result *result, struct error *err)
{
    struct escaped words = last_words(result->errors.len > 0 ? &result->errors : &result->output);
    const char *colon = words.text[0] == '\0' ? "" : ": ";
    if (words.text[0] != '\0')
        log_info("%s: %s", what, words.text);
    if (result->timed_out)
        return fail(err, ERR_HOOK, "%s took too long and was ended%s%s", what, colon, words.text);
    if (result->exit_code < 0)
        return fail(err, ERR_HOOK, "%s was ended by signal %d%s%s", what, result->signal, colon,
                    words.text);
    if (result->exit_code != 0)
        return fail(err, ERR_HOOK, "%s failed with status %d%s%s", what, result->exit_code, colon,
                    words.text);
    return true;
}

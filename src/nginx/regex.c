#define PCRE2_CODE_UNIT_WIDTH 8

#include <acmec/nginx/regex.h>

#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <pcre2.h>
#include <stdlib.h>

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

/* nginx goes by the letters of the pattern's text, whatever they mean in it. */
static bool has_upper_case(struct span pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] >= 'A' && pattern.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

static bool refuse(struct span pattern, int code, size_t at, struct error *err)
{
    PCRE2_UCHAR why[256];
    if (pcre2_get_error_message(code, why, sizeof why) < 0)
        why[0] = 0;
    struct escaped whole = escaped(pattern);
    if (at >= pattern.len)
        return fail(err, ERR_WEB_SERVER, "pcre2_compile() failed: %s in \"%s\"", (const char *)why,
                    whole.text);
    struct escaped rest = escaped(span_of(pattern.ptr + at, pattern.len - at));
    return fail(err, ERR_WEB_SERVER, "pcre2_compile() failed: %s in \"%s\" at \"%s\"",
                (const char *)why, whole.text, rest.text);
}

bool regex_compile(struct span pattern, struct regex **out, struct error *err)
{
    int code;
    PCRE2_SIZE at;
    uint32_t options = has_upper_case(pattern) ? PCRE2_CASELESS : 0;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, options, &code, &at, NULL);
    if (compiled == NULL)
        return refuse(pattern, code, at, err);
    struct regex *regex = mem_new(1, sizeof *regex);
    regex->code = compiled;
    regex->match = pcre2_match_data_create(1, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    if (regex->match == NULL || regex->limits == NULL)
        mem_exhausted();
    (void)pcre2_set_match_limit(regex->limits, REGEX_MATCH_LIMIT);
    (void)pcre2_set_depth_limit(regex->limits, REGEX_DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(regex->limits, REGEX_HEAP_LIMIT_KIB);
    *out = regex;
    return true;
}

void regex_free(struct regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    free(regex);
}

enum regex_result regex_match(const struct regex *regex, struct span text)
{
    int code =
        pcre2_match(regex->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, regex->match, regex->limits);
    if (code >= 0)
        return REGEX_YES;
    return code == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_UNDECIDED;
}

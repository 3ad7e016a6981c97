/* report_private.h: what the sources of cli/report share: words for members of JSON, and what the
 * others put into the document. */
#ifndef ACMEC_CLI_REPORT_PRIVATE_H
#define ACMEC_CLI_REPORT_PRIVATE_H

#include <acmec/cli/report.h>
#include <acmec/data/json.h>
#include <acmec/data/timefmt.h>
#include <jansson.h>

static inline void put(json_t *object, const char *member, json_t *taken)
{
    if (json_object_set_new(object, member, taken) != 0)
        json_object_set_new(object, member, json_null());
}

/* "" is unknown. */
static inline void put_text(json_t *object, const char *member, const char *text)
{
    json_put_str(object, member, text == NULL || text[0] == 0 ? NULL : text);
}

static inline void put_time(json_t *object, const char *member, int64_t when)
{
    char text[TIMEFMT_MAX];
    if (when != 0)
        timefmt_rfc3339(when, text);
    json_put_str(object, member, when == 0 ? NULL : text);
}

static inline json_t *error_json(const struct error *error)
{
    if (error->code == ERR_NONE)
        return json_null();
    json_t *object = json_object();
    put_text(object, "class", err_word(error->code));
    put_text(object, "message", error->text);
    put_text(object, "hint", error->hint);
    put_text(object, "acme_type", error->acme_type);
    put_time(object, "retry_at", error->retry_at);
    return object;
}

/* The members of preflight and check. */
void report_put_checks(const struct preflight_rows *checks, json_t *document);
void report_put_targets(const struct check_targets *targets, json_t *document);

#endif

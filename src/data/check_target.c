#include <acmec/data/check_target.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- places ---- */

/* "localhost" is no name for a certificate, but there are servers on it. */
static bool read_label(const char *text, struct check_place *out)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len == 0 || len > 63 || text[len] != '\0' || text[0] == '-' ||
        strspn(text, "0123456789") == len)
        return false;
    memcpy(out->host, text, len + 1);
    return true;
}

static bool read_host(const char *text, struct check_place *out, struct error *err)
{
    struct identifier name;
    if (read_label(text, out))
        return true;
    if (!identifier_parse(text, &name, err))
        return false;
    if (identifier_is_wildcard(&name)) {
        (void)fail(err, ERR_USAGE, "'%s' is no server: nothing answers by a wildcard", name.value);
        return with_hint(err, "name one of the servers below it");
    }
    (void)snprintf(out->host, sizeof out->host, "%s", name.value);
    out->is_address = name.type == IDENTIFIER_IP;
    return true;
}

static bool read_port(const char *text, uint16_t *out, struct error *err)
{
    char *end;
    long port = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || port < 1 || port > UINT16_MAX)
        return fail(err, ERR_USAGE, "'%s' is no port: 1 to 65535", escaped_str(text).text);
    *out = (uint16_t)port;
    return true;
}

/* The colon before the port, or NULL. An IPv6 address without brackets is all address. */
static const char *find_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    if (colon == NULL || (bracket != NULL && colon < bracket))
        return NULL;
    return bracket == NULL && strchr(text, ':') != colon ? NULL : colon;
}

bool check_place_parse(const char *text, uint16_t port, struct check_place *out, struct error *err)
{
    struct check_place place = {.port = port};
    const char *colon = find_port(text);
    AUTO_FREE host = colon == NULL ? mem_strdup(text) : mem_strndup(text, (size_t)(colon - text));
    /* A URL has its colon elsewhere: identifier_parse says what is meant. */
    if (strstr(text, "://") != NULL)
        return identifier_parse(text, &(struct identifier){0}, err) ||
               fail(err, ERR_USAGE, "'%s' is a URL, not a name", escaped_str(text).text);
    if (!read_host(host, &place, err) || (colon != NULL && !read_port(colon + 1, &place.port, err)))
        return false;
    *out = place;
    return true;
}

/* ---- texts ---- */

PRINTF_LIKE(2, 0)
static void add_text(struct text_list *list, const char *fmt, va_list args)
{
    char text[ERROR_TEXT_MAX];
    (void)vsnprintf(text, sizeof text, fmt, args);
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = mem_strdup(text);
}

void text_list_add(struct text_list *list, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_text(list, fmt, args);
    va_end(args);
}

void text_list_release(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){0};
}

bool check_problem(struct check_target *target, enum err_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_text(&target->problems, fmt, args);
    va_end(args);
    if (target->error.code == ERR_NONE)
        (void)fail(&target->error, code, "%s", target->problems.items[0]);
    return false;
}

/* ---- lists ---- */

struct check_target *check_targets_add(struct check_targets *list)
{
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    struct check_target *target = &list->items[list->count++];
    *target = (struct check_target){0};
    return target;
}

static void release_target(struct check_target *target)
{
    for (size_t i = 0; i < target->chain_count; i++)
        identifier_list_release(&target->chain[i].names);
    if (target->second != NULL)
        identifier_list_release(&target->second->names);
    free(target->chain);
    free(target->second);
    free(target->live);
    free(target->redirect);
    free(target->hsts);
    text_list_release(&target->problems);
    text_list_release(&target->story);
}

void check_targets_release(struct check_targets *list)
{
    for (size_t i = 0; i < list->count; i++)
        release_target(&list->items[i]);
    free(list->items);
    *list = (struct check_targets){0};
}

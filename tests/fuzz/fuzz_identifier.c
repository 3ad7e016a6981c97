/* Any text as a name: what is taken is in the form that a CA wants, and is taken again as it is. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/identifier.h>
#include <string.h>

static void check_error(const struct error *err)
{
    must(err->code == ERR_USAGE && err->text[0] != '\0');
    for (const char *c = err->text; *c != '\0'; c++)
        must((unsigned char)*c >= ' ' && *c != 0x7F);
    for (const char *c = err->hint; *c != '\0'; c++)
        must((unsigned char)*c >= ' ' && *c != 0x7F);
}

static void check_name(const struct identifier *found)
{
    const char *allowed = found->type == IDENTIFIER_IP ? "0123456789abcdef:."
                                                       : "abcdefghijklmnopqrstuvwxyz0123456789.-";
    const char *value = found->value + (identifier_is_wildcard(found) ? 2 : 0);
    struct error err = {0};
    struct identifier again;
    char name[CERT_NAME_MAX + 1];
    must(strlen(found->value) <= 253 && value[0] != '\0');
    must(strspn(value, allowed) == strlen(value));
    must(value[strlen(value) - 1] != '.' && value[0] != '.' && strstr(value, "..") == NULL);
    must(identifier_parse(found->value, &again, &err));
    must(identifier_equals(found, &again));
    if (identifier_cert_name(found, name, &err))
        must(cert_name_check(name, &err));
    else
        must(strlen(value) > CERT_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE text = mem_new(size + 1, 1);
    if (size > 0)
        memcpy(text, data, size);
    struct identifier found;
    struct error err = {0};
    if (identifier_parse(text, &found, &err))
        check_name(&found);
    else
        check_error(&err);
    if (cert_name_check(text, &err))
        must(strlen(text) <= CERT_NAME_MAX && strchr(text, '/') == NULL && text[0] != '.');
    return 0;
}

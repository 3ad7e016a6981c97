#include <acmec/engine/environment.h>

#include <acmec/base/mem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

#define FIXED_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool is_inherited(const char *entry)
{
    static const char *const dropped[] = {
        "LD_",      "NGINX=",         "PATH=", "ACMEC_", "RENEWED_LINEAGE=", "RENEWED_DOMAINS=",
        "CERTBOT_", "FAILED_DOMAINS="};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        if (strncmp(entry, dropped[i], strlen(dropped[i])) == 0)
            return false;
    return true;
}

static void add(struct environment *environment, char *taken)
{
    environment->entries =
        mem_resize(environment->entries, environment->count + 2, sizeof *environment->entries);
    environment->entries[environment->count++] = taken;
    environment->entries[environment->count] = NULL;
}

struct environment environment_new(void)
{
    struct environment environment = {0};
    for (char **entry = environ; *entry != NULL; entry++)
        if (is_inherited(*entry))
            add(&environment, mem_strdup(*entry));
    add(&environment, mem_strdup(FIXED_PATH));
    return environment;
}

void environment_release(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->entries[i]);
    free(environment->entries);
    *environment = (struct environment){0};
}

void environment_set(struct environment *environment, const char *variable, const char *value)
{
    if (value != NULL)
        add(environment, mem_printf("%s=%s", variable, value));
}

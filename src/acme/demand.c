#include <acmec/acme/demand.h>

#include <acmec/base/mem.h>
#include <stdlib.h>
#include <string.h>

void demand_release(struct demand *demand)
{
    free(demand->profile);
    free(demand->replaces);
    *demand = (struct demand){0};
}

void demand_copy(const struct demand *from, struct demand *out)
{
    *out = *from;
    out->profile = mem_strdup(from->profile);
    out->replaces = mem_strdup(from->replaces);
}

/* What CAs have said to a `replaces` that they did not like: RFC 9773 section 5 knows the first
 * alone; the others stopped renewals for good where a client took them for the order's own fault.
 */
static bool is_about_replaces(const struct problem *problem)
{
    static const char *const suffixes[] = {"alreadyReplaced", "conflict", "unauthorized",
                                           "malformed", "notFound"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcmp(problem->suffix, suffixes[i]) == 0)
            return true;
    return problem->status == 404 || problem->status == 409;
}

static bool drop(char **member)
{
    free(*member);
    *member = NULL;
    return true;
}

bool demand_yield(struct demand *demand, const struct problem *problem)
{
    if (demand->profile != NULL && demand->profile_optional &&
        strcmp(problem->suffix, "invalidProfile") == 0)
        return drop(&demand->profile);
    if (demand->replaces != NULL && is_about_replaces(problem))
        return drop(&demand->replaces);
    return false;
}

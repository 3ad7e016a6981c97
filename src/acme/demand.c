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

/* RFC 9773 section 5 knows alreadyReplaced alone. CAs have said conflict, malformed, unauthorized,
 * notFound and even serverInternal, and each stopped renewals for good where a client took it for
 * the order's own fault. So anything may be about it but what is plainly about something else. */
static bool may_be_about_replaces(const struct problem *problem)
{
    static const char *const others[] = {"badNonce",           "caa",
                                         "invalidProfile",     "rateLimited",
                                         "rejectedIdentifier", "unsupportedIdentifier",
                                         "userActionRequired", "externalAccountRequired"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(problem->suffix, others[i]) == 0)
            return false;
    return problem->code != ERR_RATE_LIMITED;
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
    if (demand->replaces != NULL && may_be_about_replaces(problem))
        return drop(&demand->replaces);
    return false;
}

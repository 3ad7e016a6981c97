#include <acmec/acme/renewal.h>

#define MINUTE 60
#define DAY (24 * 3600)
#define SHORT_LIFETIME (10 * DAY)
#define LIFETIME_UNKNOWN (90 * DAY)
#define LIMIT_MAX (7 * DAY)

/* Lifetimes are differences of what a certificate says: kept where nothing below can overflow. */
#define LIFETIME_MAX ((int64_t)200 * 366 * DAY)

static int64_t lifetime_of(int64_t not_before, int64_t not_after)
{
    if (not_after <= not_before)
        return 0;
    uint64_t lifetime = (uint64_t)not_after - (uint64_t)not_before;
    return lifetime > (uint64_t)LIFETIME_MAX ? LIFETIME_MAX : (int64_t)lifetime;
}

/* Seconds before the end that a person wants; 0: none is given. */
static int64_t explicit_left(int64_t lifetime, const struct renew_before *before)
{
    switch (before->kind) {
    case RENEW_BEFORE_DEFAULT:
        return 0;
    case RENEW_BEFORE_SECONDS:
        return before->value;
    case RENEW_BEFORE_PERCENT:
        return lifetime * before->value / 100;
    }
    return 0;
}

int64_t renewal_due_at(int64_t not_before, int64_t not_after, const struct renew_before *before)
{
    int64_t lifetime = lifetime_of(not_before, not_after);
    int64_t left = lifetime < SHORT_LIFETIME ? lifetime / 2 : lifetime / 3;
    int64_t wanted = explicit_left(lifetime, before);
    if (wanted > left)
        left = wanted;
    return left > lifetime ? not_after - lifetime : not_after - left;
}

int64_t renewal_due_by_ari(int64_t not_before, int64_t not_after, const struct renew_before *before,
                           int64_t ari, int64_t not_before_ari)
{
    int64_t lifetime = lifetime_of(not_before, not_after);
    int64_t due = ari < not_before_ari ? not_before_ari : ari;
    int64_t wanted = explicit_left(lifetime, before);
    if (wanted > lifetime)
        wanted = lifetime;
    if (wanted < lifetime / 10)
        wanted = lifetime / 10;
    return due > not_after - wanted ? not_after - wanted : due;
}

int64_t renewal_ari_pause(int64_t not_before, int64_t not_after)
{
    return lifetime_of(not_before, not_after) / 20;
}

int64_t renewal_backoff(unsigned failures, int64_t lifetime)
{
    static const int64_t waits[] = {1 * MINUTE, 10 * MINUTE, 100 * MINUTE, DAY};
    const unsigned last = sizeof waits / sizeof waits[0] - 1;
    if (failures == 0)
        return 0;
    int64_t wait = waits[failures - 1 < last ? failures - 1 : last];
    int64_t most = (lifetime > 0 ? lifetime : LIFETIME_UNKNOWN) / 20;
    return wait < most ? wait : most;
}

int64_t renewal_limit_until(int64_t until, int64_t now, int64_t not_before, int64_t not_after)
{
    if (until > now + LIMIT_MAX)
        until = now + LIMIT_MAX;
    if (not_after == 0)
        return until;
    int64_t last_tenth = not_after - lifetime_of(not_before, not_after) / 10;
    return until < last_tenth ? until : last_tenth;
}

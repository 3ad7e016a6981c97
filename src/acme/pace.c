#include <acmec/acme/pace.h>

#define RETRY_AFTER_MIN_S 1
#define RETRY_AFTER_MAX_S 60

static const int64_t waits_ms[] = {PACE_FIRST_MS, 2000, 3000, 5000, 8000, 10000};

#define WAITS (sizeof waits_ms / sizeof waits_ms[0])

void pace_start(struct pace *pace, int64_t now_ms)
{
    if (pace->deadline_ms == 0)
        pace->deadline_ms = now_ms + pace->timeout_ms;
}

void pace_restart(struct pace *pace)
{
    pace->asked = 0;
    pace->not_before_ms = 0;
}

/* The reply's Retry-After in milliseconds, within bounds; -1 = none. */
static int64_t retry_after_ms(const struct http_response *response, int64_t now)
{
    int64_t seconds = 0;
    if (!http_header_retry_after(response, now, &seconds))
        return -1;
    if (seconds < RETRY_AFTER_MIN_S)
        seconds = RETRY_AFTER_MIN_S;
    return (seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds) * 1000;
}

bool pace_again(struct pace *pace, const struct http_response *response, int64_t now,
                int64_t now_ms)
{
    pace_start(pace, now_ms);
    if (now_ms >= pace->deadline_ms)
        return false;
    int64_t wait = retry_after_ms(response, now);
    if (wait < 0)
        wait = waits_ms[pace->asked < WAITS ? pace->asked : WAITS - 1];
    pace->asked++;
    pace->next_ms = now_ms + wait;
    return true;
}

void pace_postpone(struct pace *pace, const struct http_response *response, int64_t now,
                   int64_t now_ms)
{
    int64_t wait = retry_after_ms(response, now);
    if (wait >= 0 && now_ms + wait > pace->not_before_ms)
        pace->not_before_ms = now_ms + wait;
}

int64_t pace_bound(const struct pace *pace, int64_t due)
{
    if (due < pace->not_before_ms)
        due = pace->not_before_ms;
    return pace->deadline_ms != 0 && due > pace->deadline_ms ? pace->deadline_ms : due;
}

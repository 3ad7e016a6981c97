/* pace: when to ask a CA again, within one deadline. Pure arithmetic on monotonic milliseconds.
 *
 * A reply's Retry-After (clamped to 1..60 s) has precedence; without one the waits are 1, 2, 3, 5,
 * 8, and then always 10 s. The last question comes at the deadline, whatever was said. */
#ifndef ACMEC_ACME_PACE_H
#define ACMEC_ACME_PACE_H

#include <acmec/data/http_header.h>

#define PACE_FIRST_MS 1000

struct pace {
    int64_t timeout_ms;
    int64_t deadline_ms; /* 0: not running yet */
    int64_t next_ms;
    int64_t not_before_ms;
    size_t asked;
};

/* Starts the deadline, unless it runs already. */
void pace_start(struct pace *pace, int64_t now_ms);
/* Begins again with the shortest wait; the deadline stays. */
void pace_restart(struct pace *pace);
/* Sets the next moment after a reply that came at now_ms. False: the deadline has passed. now: wall
 * clock, for a Retry-After that is a date. */
bool pace_again(struct pace *pace, const struct http_response *response, int64_t now,
                int64_t now_ms) MUST_USE;
/* If the reply has a Retry-After, nothing is asked before it has passed. */
void pace_postpone(struct pace *pace, const struct http_response *response, int64_t now,
                   int64_t now_ms);
/* `due`, but not before a Retry-After has passed, and not after the deadline. */
int64_t pace_bound(const struct pace *pace, int64_t due);

#endif

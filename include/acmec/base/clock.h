/* clock: the only source of time, a port, so that a test can make a week pass.
 *
 * Wall time is Unix seconds and decides about certificates; monotonic milliseconds decide about
 * waiting and never go back. Nothing here sleeps. */
#ifndef ACMEC_BASE_CLOCK_H
#define ACMEC_BASE_CLOCK_H

#include <stdint.h>

struct clock;

struct clock_ops {
    int64_t (*wall)(struct clock *clock);    /* Unix seconds */
    int64_t (*mono_ms)(struct clock *clock); /* milliseconds since some fixed moment */
};

struct clock {
    const struct clock_ops *ops;
};

static inline int64_t clock_wall(struct clock *clock)
{
    return clock->ops->wall(clock);
}

static inline int64_t clock_mono_ms(struct clock *clock)
{
    return clock->ops->mono_ms(clock);
}

/* The system's clock. The value holds no state: copies are the same clock. */
struct clock clock_system(void);

#endif

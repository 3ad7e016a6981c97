#include <acmec/base/clock.h>

#include <time.h>

static int64_t system_wall(struct clock *clock)
{
    (void)clock;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for these two clocks */
    return now.tv_sec;
}

static int64_t system_mono_ms(struct clock *clock)
{
    (void)clock;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct clock clock_system(void)
{
    static const struct clock_ops ops = {.wall = system_wall, .mono_ms = system_mono_ms};
    return (struct clock){.ops = &ops};
}

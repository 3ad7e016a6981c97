#include "waits.h"

void waits_add(struct waits *waits, int fd, short events)
{
    if (waits->count < WAITS_MAX)
        waits->fds[waits->count++] = (struct pollfd){.fd = fd, .events = events};
}

void waits_until(struct waits *waits, int64_t left_ms)
{
    if (left_ms < waits->timeout_ms)
        waits->timeout_ms = left_ms < 0 ? 0 : (int)left_ms;
}

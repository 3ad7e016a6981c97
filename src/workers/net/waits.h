/* waits: what acmec-net waits for in one call: sockets, and the time until which at most. */
#ifndef ACMEC_NET_WAITS_H
#define ACMEC_NET_WAITS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#define WAITS_MAX 384

struct waits {
    struct pollfd fds[WAITS_MAX];
    size_t count;
    int timeout_ms;
};

/* One that finds no room is met at the end of timeout_ms, at most. */
static inline void waits_add(struct waits *waits, int fd, short events)
{
    if (waits->count < WAITS_MAX)
        waits->fds[waits->count++] = (struct pollfd){.fd = fd, .events = events};
}

/* Not beyond `left` milliseconds from now. */
static inline void waits_until(struct waits *waits, int64_t left)
{
    if (left < waits->timeout_ms)
        waits->timeout_ms = left < 0 ? 0 : (int)left;
}

#endif

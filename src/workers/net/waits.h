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

/* One that finds no room is met at the end of timeout_ms, at the latest. */
void waits_add(struct waits *waits, int fd, short events);
/* Not longer than so many milliseconds from now. */
void waits_until(struct waits *waits, int64_t left_ms);

#endif

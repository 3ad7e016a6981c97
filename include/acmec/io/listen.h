/* listen: binds the ports on which the responder will answer. It accepts nothing. */
#ifndef ACMEC_IO_LISTEN_H
#define ACMEC_IO_LISTEN_H

#include <acmec/base/error.h>
#include <stddef.h>

#define LISTENERS_MAX 2

struct listeners {
    int fds[LISTENERS_MAX];
    size_t count;
};

void listeners_release(struct listeners *listeners);

/* address NULL: IPv6 and IPv4 on all addresses, bound apart (V6ONLY); a family that the machine
 * lacks is skipped, but not both. Else that one address. A port that is taken is ERR_WEB_SERVER and
 * names the process that holds it, where /proc tells; a port that we may not bind is ERR_FILES. */
bool listen_open(const char *address, uint16_t port, struct listeners *out, struct error *err)
    MUST_USE;

#endif

/* cleanup: AUTO(buf) out = BUF(MAX); releases `out` on every way out of its block.
 *
 * Works for every `struct X` that has `void X_release(struct X *)`. Never mixed with goto in one
 * function. AUTO_FREE is for a char pointer, AUTO_FD for a descriptor (-1 = none). */
#ifndef ACMEC_BASE_CLEANUP_H
#define ACMEC_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define AUTO(type) __attribute__((cleanup(type##_release))) struct type

static inline void cleanup_free(char **ptr)
{
    free(*ptr);
}

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free))) char *
#define AUTO_FD __attribute__((cleanup(cleanup_fd))) int

#endif

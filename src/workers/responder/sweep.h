/* sweep: ends connections that last too long, whatever they do meanwhile. evhttp's own time limit
 * counts silence only, so that a client which sends a byte now and then could hold its place for
 * ever. */
#ifndef ACMEC_RESPONDER_SWEEP_H
#define ACMEC_RESPONDER_SWEEP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SWEEP_FILES_MAX 8192

struct sweep {
    struct {
        int64_t since_s;
        struct sockaddr_storage peer;
    } files[SWEEP_FILES_MAX];
};

/* Looks at all descriptors below files; shuts down TCP connections to the same peer that were there
 * max_age_s ago. evhttp then sees their end and closes them. */
void sweep_connections(struct sweep *sweep, int files, int64_t now_s, int64_t max_age_s);

#endif

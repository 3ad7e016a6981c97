#include "sweep.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

/* The far end of a TCP connection; false: it is none. */
static bool peer_of(int fd, struct sockaddr_storage *out)
{
    socklen_t len = sizeof *out;
    *out = (struct sockaddr_storage){0};
    return getpeername(fd, (struct sockaddr *)out, &len) == 0 &&
           (out->ss_family == AF_INET || out->ss_family == AF_INET6);
}

void sweep_connections(struct sweep *sweep, int files, int64_t now_s, int64_t max_age_s)
{
    for (int fd = 0; fd < files && fd < SWEEP_FILES_MAX; fd++) {
        struct sockaddr_storage peer;
        bool is_connection = peer_of(fd, &peer);
        bool is_known = is_connection && sweep->files[fd].since_s != 0 &&
                        memcmp(&peer, &sweep->files[fd].peer, sizeof peer) == 0;
        if (!is_known) {
            sweep->files[fd].since_s = is_connection ? now_s : 0;
            sweep->files[fd].peer = peer;
        } else if (now_s - sweep->files[fd].since_s >= max_age_s) {
            (void)shutdown(fd, SHUT_RDWR);
        }
    }
}

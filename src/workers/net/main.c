/* acmec-net: the only program of acmec that talks to CAs and other servers. Started by acmec with a
 * socket at descriptor 3 and nothing else. */
#include "serve.h"
#include <acmec/base/confine.h>
#include <signal.h>
#include <stddef.h>

#define KEEPER_FD 3
#define FILES_MAX 1024

/* What libcurl, OpenSSL and the resolver read. */
static const char *const readable[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/dev/null",
    "/dev/urandom",
    NULL,
};

int main(int argc, char **argv)
{
    struct error err = {0};
    if (argc != 4)
        return 2;
    struct confine_plan plan = {
        .uid = argv[1],
        .gid = argv[2],
        .parent = argv[3],
        .files_max = FILES_MAX,
        .readable = readable,
        .may_connect = true,
    };
    if (!confine_worker(&plan, &err))
        return 1;
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that may be gone */
    return serve(KEEPER_FD);
}

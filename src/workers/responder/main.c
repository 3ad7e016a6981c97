/* acmec-responder: the only program of acmec that answers strangers. Started by acmec with a socket
 * at descriptor 3, bound listeners after it, and nothing else. */
#include "serve.h"
#include "sweep.h"
#include <acmec/base/confine.h>
#include <signal.h>
#include <stddef.h>

#define KEEPER_FD 3

int main(int argc, char **argv)
{
    struct error err = {0};
    if (argc != 4)
        return 2;
    struct confine_plan plan = {
        .uid = argv[1],
        .gid = argv[2],
        .parent = argv[3],
        .files_max = SWEEP_FILES_MAX,
    };
    if (!confine_worker(&plan, &err) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return 1;
    return serve(KEEPER_FD);
}

/* nginx_recover: what killed runs left half done in nginx's files, in whichever nginx it was:
 * settled by the next run, also by one that has nothing else to do there. Whoever works on one
 * nginx settles it anyway (engine/nginx_site). */
#ifndef ACMEC_ENGINE_NGINX_RECOVER_H
#define ACMEC_ENGINE_NGINX_RECOVER_H

#include <acmec/engine/run.h>

/* A look at one folder. */
bool nginx_recover_is_left(const struct run *run);

/* Within world_open and world_close. Waits until all is settled, with nginx reloaded where its
 * files changed. One that another run works on is left to that run. What cannot be settled is said,
 * and stays for the next run. */
void nginx_recover_all(struct run *run);

#endif

/* remove: takes a certificate out for good, once nothing needs it any more. What nginx still names,
 * or what acmec has installed in it, is never pulled away from under it. */
#ifndef ACMEC_ENGINE_REMOVE_H
#define ACMEC_ENGINE_REMOVE_H

#include <acmec/engine/run.h>

/* Within world_open and world_close. nginx_conf: nginx's main configuration; NULL: that of each
 * nginx that is found here, which may be none. Asks a person, or wants settings.yes. ERR_WEB_SERVER
 * with each FILE:LINE that still refers to the certificate. */
bool remove_certificate(struct run *run, const char *name, const char *nginx_conf,
                        struct outcome_list *out, struct error *err) MUST_USE;

#endif

/* nginx_where: which nginx acmec works with, waited for: io/nginx_control's search within a run. */
#ifndef ACMEC_ENGINE_NGINX_WHERE_H
#define ACMEC_ENGINE_NGINX_WHERE_H

#include <acmec/engine/run.h>
#include <acmec/io/nginx_control.h>

/* Within world_open and world_close. out is owned by the caller. Errors are nginx_find_start's, or
 * that a signal came. */
bool nginx_where(struct run *run, const struct nginx_wish *wish, struct nginx_instance *out,
                 struct error *err) MUST_USE;

/* The main configuration of every nginx that could be meant: of one, or of all where several run.
 * None is no error: there is no nginx here that could be asked. */
bool nginx_where_all(struct run *run, struct name_list *confs, struct error *err) MUST_USE;

#endif

/* check: looks at servers as a browser does, at every address of each name, and judges what they
 * show: versions, certificate, trust, whether it is ours, redirect and HSTS (`acmec check`).
 *
 * It asks through run's world and changes nothing. What came of it is data/check_target. */
#ifndef ACMEC_ENGINE_CHECK_H
#define ACMEC_ENGINE_CHECK_H

#include <acmec/data/check_target.h>
#include <acmec/engine/engine.h>
#include <acmec/engine/run.h>

/* One target for each address of each place, in their order. False: a signal, or no worker; what is
 * wrong with a server is the target's. */
bool check_run(struct run *run, const struct check_request *request, struct check_targets *out,
               struct error *err) MUST_USE;

#endif

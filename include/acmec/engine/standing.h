/* standing: the records of dns-persist-01 that let an account order for names, and whether the DNS
 * has them: `acmec dns-persist show|check`. It puts nothing there. */
#ifndef ACMEC_ENGINE_STANDING_H
#define ACMEC_ENGINE_STANDING_H

#include <acmec/engine/run.h>

/* As engine_standing_records. */
bool standing_read(struct run *run, const struct cert_spec *spec,
                   const struct identifier_list *names, bool look, struct standing_records *out,
                   struct error *err) MUST_USE;

#endif

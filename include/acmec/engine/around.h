/* around: the pre and post hooks, which run once for a whole run: hooks/pre before the first order,
 * with each different --pre-hook of the certificates ordered; hooks/post and each --post-hook after
 * the last. */
#ifndef ACMEC_ENGINE_AROUND_H
#define ACMEC_ENGINE_AROUND_H

#include <acmec/engine/run.h>

struct around;

struct around *around_new(struct run *run);
void around_free(struct around *around);

enum around_answer { AROUND_WAIT, AROUND_GO, AROUND_FAILED };
/* Asked again until it is not WAIT; starts the pre hooks that spec's order needs and that have not
 * run yet. error is set for FAILED. Also takes note of spec's post hook. */
enum around_answer around_before(struct around *around, const struct cert_spec *spec,
                                 struct error *error);
/* After the last order: asked again until it is not WAIT. Runs what around_before took note of. */
enum around_answer around_after(struct around *around, struct error *error);

#endif

/* nginx_run: what a run's certificates want of nginx before the first order: where nobody said how
 * to prove, whether nginx is the way; what would be refused at the end; and the ways to HTTP-01
 * answers, put in for all at once. After the orders what was for the proof alone goes out again.
 * Installing is engine/nginx_install's. */
#ifndef ACMEC_ENGINE_NGINX_RUN_H
#define ACMEC_ENGINE_NGINX_RUN_H

#include <acmec/engine/nginx_site.h>

struct nginx_run;

/* Looks at all specs; those that are to be proved by PROOF_AUTO may become PROOF_NGINX, and what is
 * installed already is to stay so. Nothing is changed yet. Specs are borrowed until nginx_run_end.
 */
struct nginx_run *nginx_run_begin(struct run *run, struct cert_spec *const *specs, size_t count);
/* The same for one spec, but nothing is changed, made or locked: only what would be refused. */
struct nginx_run *nginx_run_look(struct run *run, struct cert_spec *spec);
/* Takes out what was put in for the proofs alone. Again: nothing. The next question puts it in
 * anew. */
void nginx_run_after(struct nginx_run *nginx);
void nginx_run_end(struct nginx_run *nginx); /* nginx_run_after, and frees; NULL is fine */

/* Why the certificate cannot be proved or installed through nginx; NULL: it can, or need not. Asked
 * before its order: the first question about an nginx puts in the ways to the answers for all
 * certificates of the run, and waits until that is done; a run without orders changes nothing. */
const struct error *nginx_run_refusal(struct nginx_run *nginx, const struct cert_spec *spec);
/* The folders below which nginx finds the certificate's answers; borrowed. */
char *const *nginx_run_roots(const struct nginx_run *nginx, const struct cert_spec *spec,
                             size_t *count);
/* After nginx_run_look: whether a way to the answers would have to be put in. */
bool nginx_run_lacks_way(const struct nginx_run *nginx, const struct cert_spec *spec);
/* Whether something that was put in for the time of the proofs is still there. */
bool nginx_run_is_open(const struct nginx_run *nginx);

#endif

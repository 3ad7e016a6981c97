/* due: whether a certificate is to be ordered now, and what holds it back (design section 5). It
 * reads what it is given and changes nothing. */
#ifndef ACMEC_ENGINE_DUE_H
#define ACMEC_ENGINE_DUE_H

#include <acmec/engine/run.h>

enum due_answer { DUE_NO, DUE_YES, DUE_HELD_BACK };

/* Nothing but the state file and two stamps: true when it is certainly not due. */
bool due_is_quiet(const struct run *run, const struct cert_state *state,
                  const struct file_stamp *conf, const struct file_stamp *defaults);

/* With the spec in hand. by_hand: `issue`, which failure memory does not hold back. held: why, for
 * HELD_BACK: the stored error, with retry_at. */
enum due_answer due_judge(const struct run *run, const struct cert_spec *spec,
                          const struct cert_state *state, bool by_hand, struct error *held);

/* Whether nothing but the CA's suggestion makes it due now. */
bool due_is_by_ari(const struct run *run, const struct cert_spec *spec,
                   const struct cert_state *state);

/* Whether the nth of spec's CAs has said to wait, and it still counts; held: what it said, with
 * retry_at. */
bool due_ca_is_limited(const struct run *run, const struct cert_spec *spec, size_t nth,
                       const struct cert_state *state, struct error *held);

/* The moment that counts for spec's certificate; 0: there is none yet, or it is revoked: at once.
 */
int64_t due_at(const struct cert_spec *spec, const struct cert_state *state);

/* Whether the stored order is for what spec wants now. */
bool due_order_fits(const struct cert_spec *spec, const struct stored_order *order,
                    const char *directory_url, const char *account_url);

/* Failure memory: whether this class counts (design section 5), and the entry after one more. */
bool due_remembers(enum err_code code);
void due_remember(const struct run *run, struct cert_state *state, const struct error *error);

#endif

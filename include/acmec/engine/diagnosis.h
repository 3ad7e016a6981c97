/* diagnosis: why a CA may not have seen a proof, looked for as preflight does while the proof is
 * still in place: where the name leads, who answers there, what CAA says. The likely cause becomes
 * the hint of the error. It changes nothing, and never takes long. */
#ifndef ACMEC_ENGINE_DIAGNOSIS_H
#define ACMEC_ENGINE_DIAGNOSIS_H

#include <acmec/engine/proof.h>

#define DIAGNOSIS_WITHIN_MS 12000

struct diagnosis;

/* Whose proof it is; borrowed until diagnosis_free. */
struct diagnosis_case {
    const struct cert_spec *spec;
    const struct proof_answer *const *answers; /* presented, and still in place */
    size_t answer_count;
    const char *identities; /* of the CA in CAA records, comma-separated; NULL: unknown */
    const char *account_url;
};

/* NULL: the error is of a kind that needs none, or nothing was presented that could be looked at.
 */
struct diagnosis *diagnosis_new(struct run *run, const struct diagnosis_case *of,
                                const struct error *error);
void diagnosis_free(struct diagnosis *diagnosis);

/* Goes on; returns when to be called again, 0: it is over. */
int64_t diagnosis_step(struct diagnosis *diagnosis);
/* After it is over: the error that it was asked about, with the cause, if one was found, as hint.
 */
const struct error *diagnosis_error(const struct diagnosis *diagnosis);

#endif

/* asking: what a job asks for, and of whom: of its certificate's CAs the one at hand, of its names
 * those that this CA has not refused. It decides which CA and which names come next; it sends
 * nothing. */
#ifndef ACMEC_ENGINE_ASKING_H
#define ACMEC_ENGINE_ASKING_H

#include <acmec/engine/run.h>

struct asking {
    const struct cert_spec *wanted;
    struct cert_spec asked; /* borrows all of wanted but its names: those that are ordered */
    struct identifier_list dropped; /* of wanted's: the CA would not */
    size_t ca;                      /* the number of the one at hand */
    bool is_chosen;                 /* it is */
};

/* wanted: borrowed. All its names, and no CA yet. */
void asking_start(struct asking *asking, const struct cert_spec *wanted);
void asking_release(struct asking *asking);

/* Takes the first CA that did not say to wait; what those before it said is added to outcome. */
void asking_choose_ca(struct asking *asking, const struct run *run, const struct cert_state *state,
                      struct outcome *outcome);
/* error is why the CA at hand gives no certificate, and is added to outcome. Whether another CA may
 * be asked instead: only where the failure is the CA's own (out of reach, a limit, a refusal that
 * is about no proof: the caller knows that), and one is left that did not say to wait. All names
 * are asked for again then. One CA alone: false, and nothing is added. */
bool asking_next_ca(struct asking *asking, const struct run *run, const struct cert_state *state,
                    const struct error *error, struct outcome *outcome);

/* The names in failed are to blame for error. Whether they are left out, so that the others can be
 * ordered anew: where spec allows it, never the last one, and never of a person's own request. */
bool asking_leave_out(struct asking *asking, const struct run *run,
                      const struct identifier_list *failed, const struct error *error);

#endif

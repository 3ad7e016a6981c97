/* batch: many certificates at once: one loop on one thread, `jobs` of them in flight. A slow or
 * failing one delays no other. */
#ifndef ACMEC_ENGINE_BATCH_H
#define ACMEC_ENGINE_BATCH_H

#include <acmec/engine/run.h>

/* One certificate to work on. */
struct batch_item {
    struct cert_spec spec; /* owned by the batch */
    int64_t need;          /* the smaller the sooner: when the live certificate ends, 0: none */
    bool check;            /* not due, unless its CA says so when it is asked (RFC 9773) */
};

struct batch {
    struct batch_item *items;
    size_t count;
    bool by_hand;
};

/* spec is taken (and emptied). */
void batch_add(struct batch *batch, struct cert_spec *spec, int64_t need);
void batch_add_check(struct batch *batch, struct cert_spec *spec, int64_t need);
void batch_release(struct batch *batch);

/* Works through the batch: adds one outcome for each. False: something that concerns no single
 * certificate failed (a CA, a post hook, a signal, a worker); the outcomes are there all the same.
 * Those to be checked are all asked about beside the orders, which wait for none of them.
 * Certificates with another CA bundle or proxy than others run after those, since the network
 * process serves one bundle and one proxy. */
bool batch_run(struct run *run, struct batch *batch, struct outcome_list *out, struct error *err)
    MUST_USE;

#endif

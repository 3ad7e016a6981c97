/* certkey: the key of one order: a new one, the live one again (--reuse-key), the one that an
 * interrupted run left, or none of ours, where a person's request (--csr) takes its place. It knows
 * where the key comes from, and gives the request that finalizes the order. */
#ifndef ACMEC_ENGINE_CERTKEY_H
#define ACMEC_ENGINE_CERTKEY_H

#include <acmec/crypto/csr.h>
#include <acmec/engine/keygen.h>
#include <acmec/engine/run.h>

struct certkey {
    struct run *run;
    const struct cert_spec *spec; /* borrowed */
    size_t pair;
    struct keygen keygen;
    bool is_saved; /* it is in N.partial already */
    bool has_csr;
    struct csr_info csr;
};

void certkey_release(struct certkey *certkey);

/* Begins to get the key for the nth pair of spec. account: no certificate may have this key. A key
 * that was revoked for keyCompromise is not kept (a new one is made), and not taken from a person
 * (ERR_REFUSED). */
bool certkey_start(struct certkey *certkey, struct run *run, const struct cert_spec *spec,
                   size_t pair, const struct key *account, struct error *err) MUST_USE;
/* The same for an order that an earlier run began: found false where its key is gone. */
bool certkey_resume(struct certkey *certkey, struct run *run, const struct cert_spec *spec,
                    size_t pair, const struct key *account, unsigned generation, bool *found,
                    struct error *err) MUST_USE;

/* Whether it is there, or failed. */
bool certkey_is_over(const struct certkey *certkey);
/* Takes an EVENT_CHILD; false: another's. */
bool certkey_take(struct certkey *certkey, const struct event *event);

/* Puts a key of ours into N.partial, once. Only when it is over. */
bool certkey_save(struct certkey *certkey, unsigned generation, struct error *err) MUST_USE;
/* Appends the DER of the request; here shows why there is no key. Only when it is over. */
bool certkey_request(const struct certkey *certkey, struct buf *out, struct error *err) MUST_USE;
/* cert_check_chain with this key. */
bool certkey_check_chain(const struct certkey *certkey, struct span chain, struct cert_info *out,
                         struct error *err) MUST_USE;

/* Fills names and csr_sha256 from the file at spec->csr. */
bool certkey_read_csr(struct cert_spec *spec, struct error *err) MUST_USE;

#endif

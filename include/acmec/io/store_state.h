/* store_state: STATE_DIR/certs/NAME.json, what is known of a certificate beside its configuration:
 * the live generation, the order in flight, failures, deploys. It may vanish: all but the waits is
 * derived again. */
#ifndef ACMEC_IO_STORE_STATE_H
#define ACMEC_IO_STORE_STATE_H

#include <acmec/data/spec.h>
#include <acmec/io/file.h>

struct store;

struct stored_order {
    char *url;           /* owned; NULL: no order in flight */
    char *directory_url; /* owned */
    char *account_url;   /* owned */
    unsigned generation; /* whose N.partial holds the key */
    enum key_type key_type;
    struct identifier_list names;
};
struct stored_failure {
    unsigned count; /* in a row; 0: none */
    int64_t at, next_attempt;
    struct error error;
};
struct stored_live { /* of the live generation; generation 0: there is none */
    unsigned generation;
    int64_t not_before, not_after;
    char serial[64];
    char issuer[256];
    struct identifier_list names;
    char *directory_url;              /* owned; the CA it came from; NULL unknown */
    int64_t due_at;                   /* as computed when the stamps were taken */
    struct file_stamp conf, defaults; /* certs/NAME.conf and acmec.conf then */
};
struct cert_state {
    struct stored_live live;
    struct stored_order order;
    struct stored_failure failure;
    bool deploy_pending;
    struct error deploy_error; /* of the deploy that failed */
};
void cert_state_release(struct cert_state *state);
void stored_order_clear(struct stored_order *order);
/* Fills it with copies. */
void stored_order_set(struct stored_order *order, const char *url, const char *directory_url,
                      const char *account_url, unsigned generation, enum key_type key_type,
                      const struct identifier_list *names);

/* Missing or damaged state is derived from live/NAME and its meta.json (and damaged says so in the
 * log); neither state nor live: a zeroed one. Reading a valid state touches that one file only.
 * Times are given as they are stored: what a wrong clock may have set is the engine's to judge. */
bool store_read_state(const struct store *store, const char *name, struct cert_state *out,
                      struct error *err) MUST_USE;
bool store_write_state(struct store *store, const char *name, const struct cert_state *state,
                       struct error *err) MUST_USE;

/* Sets state->live anew from live/NAME (stamps and due_at are 0 then; generation 0 where nothing is
 * live). A stored order that this generation has fulfilled is dropped, with the failures before. */
bool store_derive_live(const struct store *store, const char *name, struct cert_state *state,
                       struct error *err) MUST_USE;

#endif

/* store_state: STATE_DIR/certs/NAME.json, what is known of a certificate beside its configuration:
 * the live generation, the order in flight, failures, deploys. It may vanish: all but the waits is
 * derived again. */
#ifndef ACMEC_IO_STORE_STATE_H
#define ACMEC_IO_STORE_STATE_H

#include <acmec/crypto/cert.h>
#include <acmec/data/spec.h>
#include <acmec/io/file.h>

struct store;

struct stored_order {
    char *url;           /* owned; NULL: no order in flight */
    char *directory_url; /* owned */
    char *account_url;   /* owned */
    unsigned generation; /* whose N.partial holds the key */
    char *request;       /* owned; cert_spec_request */
    struct identifier_list names;
};
struct stored_failure {
    unsigned count; /* in a row; 0: none */
    int64_t at, next_attempt;
    struct error error;
};
struct stored_ari {                /* RFC 9773, of one certificate of the live generation */
    char cert_id[CERT_ARI_ID_MAX]; /* "": none, or its CA has no ARI */
    int64_t start, end, chosen;    /* the window and the moment in it; 0: none is known */
    int64_t next_check;
    unsigned failures;     /* of checks, in a row */
    char explanation[256]; /* escaped; "" = none */
};
struct stored_live { /* of the live generation; generation 0: there is none. Dates are
                         those in which all its certificates are valid; serial, issuer are the first
                         one's */
    unsigned generation;
    int64_t not_before, not_after;
    char serial[64];
    char issuer[256];
    struct identifier_list names;
    struct identifier_list dropped; /* asked for as well, but the CA left them out */
    char *directory_url;            /* owned; the CA it came from; NULL unknown */
    char *account_url;              /* owned; NULL unknown */
    char *request;                  /* owned; cert_spec_request when it was ordered; NULL unknown */
    char *profile;                  /* owned, escaped; what the CA says; NULL unknown */
    int64_t issued_at;              /* 0 unknown */
    bool by_ari;                    /* nothing but ARI asked for it */
    bool revoked;                   /* by us */
    struct stored_ari ari[KEY_TYPES_MAX]; /* one for each pair */
    size_t pairs;
    int64_t due_at;                   /* as computed when the stamps were taken */
    struct file_stamp conf, defaults; /* certs/NAME.conf and acmec.conf then */
};
struct cert_state {
    struct stored_live live;
    struct stored_order orders[KEY_TYPES_MAX]; /* one for each pair */
    struct stored_failure failure;
    bool deploy_pending;
    bool staged; /* live/NAME does not lead to live.generation yet: the deploy switches it */
    struct error deploy_error; /* of the deploy that failed */
};
void cert_state_release(struct cert_state *state);
void stored_order_clear(struct stored_order *order);
/* Fills it with copies. */
void stored_order_set(struct stored_order *order, const char *url, const char *directory_url,
                      const char *account_url, unsigned generation, const char *request,
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

/* store_generation: archive/NAME/N, the generations of a certificate with their keys, and
 * live/NAME, the one symlink that says which of them is served. At every instant live/NAME leads to
 * a whole generation, whenever a run is killed. It never judges a chain. */
#ifndef ACMEC_IO_STORE_GENERATION_H
#define ACMEC_IO_STORE_GENERATION_H

#include <acmec/base/buf.h>
#include <acmec/crypto/cert.h>
#include <acmec/data/spec.h>

#define STORE_GENERATIONS_KEPT 5

struct store;

/* The number of the next generation, one above all that archive/NAME holds (N.partial too). */
bool store_next_generation(const struct store *store, const char *name, unsigned *out,
                           struct error *err) MUST_USE;
/* archive/NAME/N.partial/privkeySUFFIX.pem, 0600, durable; a key that is there is never
 * overwritten. suffix, here and below: cert_spec_suffix. */
bool store_write_pending_key(struct store *store, const char *name, unsigned generation,
                             const char *suffix, const struct key *key, struct error *err) MUST_USE;
/* found false: the partial generation or its key is gone or broken. */
bool store_read_pending_key(const struct store *store, const char *name, unsigned generation,
                            const char *suffix, struct key **out, bool *found, struct error *err)
    MUST_USE;
/* Removes every N.partial but keep (0: all); errors are logged only. */
void store_drop_partials(struct store *store, const char *name, unsigned keep);

/* What a generation is made of, all borrowed. */
struct generation_parts {
    const char *suffixes[KEY_TYPES_MAX]; /* of the pairs, "" first */
    struct span chains[KEY_TYPES_MAX];   /* PEM; each has passed cert_check_chain */
    size_t pairs;
    bool no_key; /* its private key is elsewhere */
    bool staged; /* live/NAME is switched later, by store_switch_live */
    const char *directory_url, *account_url;
    const char *request; /* cert_spec_request */
    const char *profile; /* escaped; NULL unknown */
    const struct identifier_list *names;
    const struct identifier_list *dropped; /* NULL: none */
    int64_t issued_at;
};
/* Commits (design section 5): cert, chain, fullchain of each pair, meta.json into N.partial,
 * key_group applied (0640) where given, fsync, rename to N, live/NAME switched by one rename,
 * folders fsynced, older generations than the last five removed. */
bool store_commit(struct store *store, const char *name, unsigned generation,
                  const struct generation_parts *parts, const char *key_group, struct error *err)
    MUST_USE;
/* live/NAME leads to this whole generation. ERR_FILES: there is none. */
bool store_switch_live(struct store *store, const char *name, unsigned generation,
                       struct error *err) MUST_USE;
/* A staged generation is served for good: those older than the last five go. */
void store_drop_old(struct store *store, const char *name, unsigned generation);
/* Notes in the live generation's meta.json that its certificates are revoked. */
bool store_mark_revoked(struct store *store, const char *name, struct error *err) MUST_USE;
/* Whether key_group could be given to store_commit: ERR_FILES with a hint for an unknown group.
 * NULL is fine. */
bool store_check_key_group(const char *key_group, struct error *err) MUST_USE;
/* fullchain.pem of live/NAME; found false: none. */
bool store_read_live_chain(const struct store *store, const char *name, struct buf *out,
                           bool *found, struct error *err) MUST_USE;
/* fullchainSUFFIX.pem. */
bool store_read_live_pair(const struct store *store, const char *name, const char *suffix,
                          struct buf *out, bool *found, struct error *err) MUST_USE;
/* privkeySUFFIX.pem of live/NAME; found false: none, or broken. */
bool store_read_live_key(const struct store *store, const char *name, const char *suffix,
                         struct key **out, bool *found, struct error *err) MUST_USE;
/* The number that live/NAME leads to; 0: there is no such link, or it leads elsewhere. */
bool store_live_generation(const struct store *store, const char *name, unsigned *out,
                           struct error *err) MUST_USE;
/* The newest whole generation (each key fits its chain) becomes live again where live/NAME is
 * missing, dangling or leads to half of one; logs it. Also removes the temporary files that a
 * killed run left for this certificate. The caller holds the certificate's lock. */
bool store_repair_live(struct store *store, const char *name, struct error *err) MUST_USE;

#endif

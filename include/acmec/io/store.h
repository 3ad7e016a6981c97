/* store: CONFIG_DIR and STATE_DIR, as design section 4 lays them out. The one room that knows the
 * paths, modes and formats below them.
 *
 * It never decides when a certificate is due, and never writes but when asked. Every write is
 * atomic and durable. Modes whatever the umask. A file with a higher "format" is ERR_CONFIG and
 * nothing is written; unknown members of a JSON file are kept when it is rewritten. Errors:
 * ERR_FILES with the path, unless said otherwise. */
#ifndef ACMEC_IO_STORE_H
#define ACMEC_IO_STORE_H

#include <acmec/crypto/cert.h>
#include <acmec/io/file.h>
#include <acmec/io/lock.h>

#define STORE_GENERATIONS_KEPT 5
#define STORE_PATH_MAX 4096

struct store;

/* Both absolute. Creates nothing; folders that exist must be trusted (file_check_trusted). */
bool store_open(const char *config_dir, const char *state_dir, struct store **out,
                struct error *err) MUST_USE;
void store_close(struct store *store);

/* Owned absolute paths. name NULL: acmec.conf. */
const char *store_config_dir(const struct store *store);
const char *store_state_dir(const struct store *store);
char *store_conf_path(const struct store *store, const char *name);
char *store_live_path(const struct store *store, const char *name); /* CONFIG_DIR/live/NAME */
char *store_hooks_dir(const struct store *store, const char *kind); /* CONFIG_DIR/hooks/KIND */

/* Makes the folders that a first issue needs, with their modes. Again: nothing. */
bool store_prepare(struct store *store, struct error *err) MUST_USE;

/* ---- names ---- */
struct name_list {
    char **items;
    size_t count;
};
void name_list_release(struct name_list *list);
/* Every certificate: certs/NAME.conf or live/NAME, in byte order. Files with other names are
 * skipped. */
bool store_list(const struct store *store, struct name_list *out, struct error *err) MUST_USE;

/* ---- configuration files (INI text, untouched) ---- */
/* A missing file: found false, nothing appended. */
bool store_read_conf(const struct store *store, const char *name, struct buf *out, bool *found,
                     struct error *err) MUST_USE;
bool store_conf_stamp(const struct store *store, const char *name, struct file_stamp *out,
                      struct error *err) MUST_USE;
/* certs/NAME.conf, 0644. */
bool store_write_conf(struct store *store, const char *name, struct span text, struct error *err)
    MUST_USE;

/* ---- state of a certificate: STATE_DIR/certs/NAME.json ---- */
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
    void *kept;                /* the file's unknown members; the store's own */
};
void cert_state_release(struct cert_state *state);
/* Missing or damaged state is derived from live/NAME and its meta.json (and damaged says so in the
 * log); neither state nor live: a zeroed one. Reading a valid state touches that one file only. */
bool store_read_state(const struct store *store, const char *name, struct cert_state *out,
                      struct error *err) MUST_USE;
bool store_write_state(struct store *store, const char *name, const struct cert_state *state,
                       struct error *err) MUST_USE;

/* ---- rate limits: STATE_DIR/limits.json, shared ---- */
struct stored_limit {
    char *directory_url;          /* owned */
    char *account_url;            /* owned */
    struct identifier_list names; /* empty: the whole account */
    int64_t until;
    struct error error;
};
struct limit_list {
    struct stored_limit *items;
    size_t count;
};
void limit_list_release(struct limit_list *list);
/* Missing or damaged: an empty list. */
bool store_read_limits(const struct store *store, struct limit_list *out, struct error *err)
    MUST_USE;
/* Adds or replaces (same directory, account and set of names), drops what is over at now. Holds the
 * shared lock for the moment it takes (ERR_LOCKED after a second's tries is not possible: flock
 * waits at most 10 s by trying, then ERR_LOCKED). */
bool store_add_limit(struct store *store, const struct stored_limit *limit, int64_t now,
                     struct error *err) MUST_USE;

/* ---- accounts: CONFIG_DIR/accounts/CA/ACCOUNT, of dry runs STATE_DIR/dry-run/accounts/CA/ACCOUNT
 * ---- CA is the directory URL's host and path with anything but [a-z0-9.-] written '_'. */
struct stored_account {
    char *directory_url; /* owned */
    char *url;           /* owned; NULL while the registration has had no reply */
    char *contact;       /* owned; comma-separated e-mails or NULL */
    char *terms_url;     /* owned; agreed to; NULL */
    char *status;        /* owned; "valid" */
};
void stored_account_release(struct stored_account *account);
/* found false: there is no key. A key without account.json gives url NULL. */
bool store_read_account(const struct store *store, const char *directory_url, const char *account,
                        bool dry_run, struct key **key, struct stored_account *out, bool *found,
                        struct error *err) MUST_USE;
/* Puts a fresh key in place (O_EXCL: an existing key is never overwritten; ERR_FILES). */
bool store_write_account_key(struct store *store, const char *directory_url, const char *account,
                             bool dry_run, const struct key *key, struct error *err) MUST_USE;
bool store_write_account(struct store *store, const char *account, bool dry_run,
                         const struct stored_account *stored, struct error *err) MUST_USE;
/* Every account with a key: ca is the folder's name, account its own. */
struct account_entry {
    char *ca, *account; /* owned */
    struct stored_account stored;
    char *thumbprint; /* owned */
};
struct account_list {
    struct account_entry *items;
    size_t count;
};
void account_list_release(struct account_list *list);
bool store_list_accounts(const struct store *store, struct account_list *out, struct error *err)
    MUST_USE;

/* ---- keys and generations ---- */
/* The number of the next generation, one above all that archive/NAME holds (N.partial too). */
bool store_next_generation(const struct store *store, const char *name, unsigned *out,
                           struct error *err) MUST_USE;
/* archive/NAME/N.partial/privkey.pem, 0600, durable. */
bool store_write_pending_key(struct store *store, const char *name, unsigned generation,
                             const struct key *key, struct error *err) MUST_USE;
/* found false: the partial generation or its key is gone or broken. */
bool store_read_pending_key(const struct store *store, const char *name, unsigned generation,
                            struct key **out, bool *found, struct error *err) MUST_USE;
/* Removes every N.partial but keep (0: all) and what killed runs left; errors are logged only. */
void store_drop_partials(struct store *store, const char *name, unsigned keep);

struct generation_meta {
    const char *directory_url;
    const char *account_url;
    const struct identifier_list *names;
    enum key_type key_type;
    int64_t issued_at;
};
/* Commits (design section 5): cert, chain, fullchain, meta.json into N.partial, key_group applied
 * (0640) where given, fsync, rename to N, live/NAME switched by one rename, folders fsynced, older
 * generations than the last five removed. chain_pem has passed cert_check_chain. */
bool store_commit(struct store *store, const char *name, unsigned generation, struct span chain_pem,
                  const struct generation_meta *meta, const char *key_group, struct error *err)
    MUST_USE;
/* fullchain.pem of live/NAME; found false: none. */
bool store_read_live_chain(const struct store *store, const char *name, struct buf *out,
                           bool *found, struct error *err) MUST_USE;
/* The newest whole generation becomes live again when live/NAME is missing or dangling; logs it. */
bool store_repair_live(struct store *store, const char *name, struct error *err) MUST_USE;

/* ---- locks ---- */
/* One per certificate; "accounts" is the short one for accounts and shared state. */
bool store_lock_cert(struct store *store, const char *name, struct lock *out, struct error *err)
    MUST_USE;
bool store_lock_accounts(struct store *store, struct lock *out, struct error *err) MUST_USE;

#endif

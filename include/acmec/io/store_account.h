/* store_account: accounts and their keys: CONFIG_DIR/accounts/CA/ACCOUNT/{key.pem, account.json},
 * of dry runs STATE_DIR/dry-run/accounts/CA/ACCOUNT. CA is the directory URL's host and path with
 * anything but [a-z0-9.-] written '_'. An account's name is made of the same bytes as a
 * certificate's (ERR_USAGE). Writers hold store_lock_accounts. */
#ifndef ACMEC_IO_STORE_ACCOUNT_H
#define ACMEC_IO_STORE_ACCOUNT_H

#include <acmec/crypto/key.h>
#include <acmec/io/lock.h>

struct store;

struct stored_account {
    char *directory_url; /* owned */
    char *url;           /* owned; NULL while the registration has had no reply */
    char *contact;       /* owned; comma-separated e-mails or NULL */
    char *terms_url;     /* owned; agreed to; NULL */
    char *status;        /* owned; "valid" */
    char *caa;           /* owned; the CA's issuer domain names for CAA, comma-separated; NULL */
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

/* ---- a rollover: the next key is on disk, beside key.pem, before the CA hears of it ---- */
/* Held while an account's key is changed, or it is found out which key the CA knows; tried once. */
bool store_lock_account_change(struct store *store, struct lock *out, struct error *err) MUST_USE;
/* *key NULL: no rollover is under way. */
bool store_read_next_key(const struct store *store, const char *directory_url, const char *account,
                         bool dry_run, struct key **key, struct error *err) MUST_USE;
/* A next key that is there is never overwritten (ERR_FILES). */
bool store_write_next_key(struct store *store, const char *directory_url, const char *account,
                          const struct key *key, struct error *err) MUST_USE;
/* The next key becomes the account's key, by one rename. */
bool store_promote_next_key(struct store *store, const char *directory_url, const char *account,
                            struct error *err) MUST_USE;
/* The CA does not know it: it is renamed to key.unused.pem, and not deleted, since a request that
 * is slow enough could still make it the account's key. */
bool store_set_next_key_aside(struct store *store, const char *directory_url, const char *account,
                              struct error *err) MUST_USE;

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

#endif

/* store_account: accounts and their keys: CONFIG_DIR/accounts/CA/ACCOUNT/{key.pem, account.json},
 * of dry runs STATE_DIR/dry-run/accounts/CA/ACCOUNT. CA is the directory URL's host and path with
 * anything but [a-z0-9.-] written '_'. An account's name is made of the same bytes as a
 * certificate's (ERR_USAGE). Writers hold store_lock_accounts. */
#ifndef ACMEC_IO_STORE_ACCOUNT_H
#define ACMEC_IO_STORE_ACCOUNT_H

#include <acmec/crypto/key.h>

struct store;

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

#endif

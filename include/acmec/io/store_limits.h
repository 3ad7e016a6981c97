/* store_limits: STATE_DIR/limits.json, what CAs' rate limits told us to wait for; shared by all
 * certificates. It never judges whether a limit holds. */
#ifndef ACMEC_IO_STORE_LIMITS_H
#define ACMEC_IO_STORE_LIMITS_H

#include <acmec/data/identifier.h>

struct store;

struct stored_limit {
    char *directory_url;          /* owned */
    char *account_url;            /* owned */
    char *account;                /* owned; its name here; NULL: all of this CA's */
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
 * lock of store_lock_accounts for the moment it takes. */
bool store_add_limit(struct store *store, const struct stored_limit *limit, int64_t now,
                     struct error *err) MUST_USE;

#endif

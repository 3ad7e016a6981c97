/* store_banned: CONFIG_DIR/compromised-keys.json, the keys that are never used again, since a
 * certificate of theirs was revoked for keyCompromise. Kept for good: a certificate may be deleted,
 * its key may come back in a person's request. Fingerprints only, no keys. */
#ifndef ACMEC_IO_STORE_BANNED_H
#define ACMEC_IO_STORE_BANNED_H

#include <acmec/crypto/key.h>

struct store;

/* Adds the key with this fingerprint (key_fingerprint); again: nothing. Holds the lock of
 * store_lock_accounts for the moment it takes. */
bool store_ban_key(struct store *store, const char *fingerprint, int64_t now, struct error *err)
    MUST_USE;
/* A file that is there but damaged is ERR_CONFIG: whether the key is banned is not known. */
bool store_key_is_banned(const struct store *store, const char *fingerprint, bool *out,
                         struct error *err) MUST_USE;

#endif

/* What the rooms of the store know in common. */
#ifndef ACMEC_IO_STORE_PRIVATE_H
#define ACMEC_IO_STORE_PRIVATE_H

#include <stddef.h>

/* Owned, absolute, without a final slash. */
struct store {
    char *config_dir, *state_dir;
    char *command; /* for lock files */
};

/* store_journal's two sources: the file with the "old" or "new" bytes of file n. Owned. */
char *journal_bytes_path(const struct store *store, const char *id, size_t n, const char *which);

#endif

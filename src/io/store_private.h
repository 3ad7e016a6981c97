/* What the rooms of the store know in common. */
#ifndef ACMEC_IO_STORE_PRIVATE_H
#define ACMEC_IO_STORE_PRIVATE_H

/* Owned, absolute, without a final slash. */
struct store {
    char *config_dir, *state_dir;
    char *command; /* for lock files */
};

#endif

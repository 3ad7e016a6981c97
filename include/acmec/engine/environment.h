/* environment: what hooks and scripts get to see of ours: the caller's environment without what
 * would change a loader or nginx, a fixed PATH, and what they are told. */
#ifndef ACMEC_ENGINE_ENVIRONMENT_H
#define ACMEC_ENGINE_ENVIRONMENT_H

#include <stddef.h>

struct environment {
    char **entries; /* owned, NULL-terminated */
    size_t count;
};

/* Variables that acmec sets for others (ACMEC_..., CERTBOT_..., RENEWED_..., FAILED_DOMAINS) are
 * not inherited. */
struct environment environment_new(void);
void environment_release(struct environment *environment);
/* value NULL: nothing is set. */
void environment_set(struct environment *environment, const char *variable, const char *value);

#endif

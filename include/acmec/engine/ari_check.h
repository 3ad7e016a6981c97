/* ari_check: asks a CA when to renew one certificate (RFC 9773), all its pairs at once, and keeps
 * what it says in the certificate's state: the window, and the moment in it, which is drawn once
 * for each window. It never fails: what goes wrong is logged, and asked again later. */
#ifndef ACMEC_ENGINE_ARI_CHECK_H
#define ACMEC_ENGINE_ARI_CHECK_H

#include <acmec/engine/authority.h>
#include <acmec/engine/run.h>

struct ari_check {
    struct run *run;
    const char *name;              /* borrowed */
    const struct session *session; /* borrowed */
    struct stored_live *live;      /* borrowed, changed */
    size_t waiting;                /* questions without an answer yet */
    bool begun;
};

/* Whether it is time to ask: no earlier answer's Retry-After holds any more, and the certificate is
 * still in use. unasked: also where nothing was ever asked, and it is not time yet. */
bool ari_check_is_due(const struct run *run, const struct stored_live *live, bool unasked);

/* Asks; the authority's directory is known. A CA that does not offer it is not asked again. */
void ari_check_start(struct ari_check *check, struct run *run, const char *name,
                     struct authority *authority, struct stored_live *live);
bool ari_check_is_over(const struct ari_check *check);
/* The CA could not even be reached. */
void ari_check_fail(struct run *run, const char *name, struct stored_live *live,
                    const struct error *error);
/* Ends it before its time. */
void ari_check_release(struct ari_check *check);

#endif

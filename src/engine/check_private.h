/* check_private.h: what the sources of engine/check share. */
#ifndef ACMEC_ENGINE_CHECK_PRIVATE_H
#define ACMEC_ENGINE_CHECK_PRIVATE_H

#include <acmec/crypto/cert_view.h>
#include <acmec/engine/check.h>
#include <acmec/engine/question.h>

/* A certificate of ours. */
struct check_live {
    char *name;
    struct cert_view leaf;
};

/* What all targets are held against. */
struct check_world {
    struct buf trust; /* PEM */
    struct check_live *lives;
    size_t live_count;
    int64_t now;
    bool explain;
};

/* The looks at one address; NULL: not asked. */
struct check_looks {
    const struct question *browser, *tls12, *tls13, *old, *ecdsa, *rsa, *http, *https;
};

/* Fills the target, whose place and address are set. Pure. */
void check_judge(const struct check_world *world, const struct check_looks *looks,
                 struct check_target *target);

/* Tells in target->story how the browser's handshake went. Pure; target has been judged. */
void check_explain(const struct tls_report *report, struct check_target *target);

#endif

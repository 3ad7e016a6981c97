/* alternates: which of the chains that a CA offers for one certificate is taken (RFC 8555 section
 * 7.4.2): the first whose topmost certificate was issued by the wanted name, else the first with
 * any such issuer, else the one that came by itself. Part of the order's machine. Others are asked
 * for only when a chain is wanted and the one that came is not it. */
#ifndef ACMEC_ACME_ALTERNATES_H
#define ACMEC_ACME_ALTERNATES_H

#include <acmec/acme/session.h>
#include <acmec/data/pem.h>

/* More links than this are not followed. */
#define ALTERNATES_MAX 8

struct alternates {
    char *wanted; /* owned: the issuer's common name; NULL: the chain that came is taken */
    char *urls[ALTERNATES_MAX]; /* owned, bound */
    size_t count, next;
    struct buf chain; /* the best so far */
    bool has_issuer;  /* it has the wanted issuer somewhere */
    bool is_over;     /* nothing better can come */
};

void alternates_release(struct alternates *alternates);

/* Takes the chain that came (PEM, strict-checked) and the links beside it, which are relative to
 * url and no older certificate's. */
void alternates_begin(struct alternates *alternates, struct session *session, const char *url,
                      const struct http_response *response);
/* The next chain to ask for, or NULL: the choice is made. Borrowed. */
const char *alternates_url(const struct alternates *alternates);
/* What came of it; NULL: it could not be had. One that is no chain is passed over. */
void alternates_take(struct alternates *alternates, const struct http_response *response);
/* Whether the chain has the wanted issuer; true where none is wanted. */
bool alternates_satisfied(const struct alternates *alternates);

#endif

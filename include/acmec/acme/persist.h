/* persist: the standing TXT record of dns-persist-01, which lets one account order for a name again
 * and again. Pure. The drafts differ in what the CA says and in how the record names the account:
 *
 *   draft-ietf-acme-dns-persist-00   "issuer-domain-names"; the account's URL
 *   -01                              and "accounturi", which must be the account's URL
 *   -02                              "issuerDomainNames"; where the directory has
 *                                    meta.accountHashPrefix, a digest instead of the URL
 *
 * A record: ISSUER; accounturi=URI[; policy=wildcard][; persistUntil=SECONDS], in the syntax of RFC
 * 8659. Such records are put there by a person and are never taken away by acmec. */
#ifndef ACMEC_ACME_PERSIST_H
#define ACMEC_ACME_PERSIST_H

#include <acmec/crypto/key.h>
#include <acmec/data/identifier.h>
#include <acmec/data/json.h>

#define PERSIST_TYPE "dns-persist-01"
#define PERSIST_ISSUERS_MAX 10
#define PERSIST_RECORD_MAX 2048
#define PERSIST_LINE_MAX (2 * PERSIST_RECORD_MAX) /* of a zone file */

/* What a challenge offers. */
struct persist_offer {
    char *issuers[PERSIST_ISSUERS_MAX]; /* owned; any of them may stand in the record */
    size_t issuer_count;
    char *account_uri; /* owned; -01: for whom the CA thinks that we are; NULL: not said */
};

void persist_offer_release(struct persist_offer *offer);
void persist_offer_copy(const struct persist_offer *from, struct persist_offer *out);

/* An offer of what a directory says before there is a challenge: names joined by commas; those past
 * PERSIST_ISSUERS_MAX are left out. out is released first. */
void persist_offer_split(const char *issuers, struct persist_offer *out);

/* Reads a challenge. ERR_REFUSED: no issuer name, more than ten, or one that is no domain name. */
bool persist_read(const json_t *challenge, struct persist_offer *out, struct error *err) MUST_USE;

/* How the record names the account, appended: the account's URL, or with hash_prefix (NULL: none)
 * the digest that draft -02 makes of it for this domain. The record changes with the account's key
 * then. domain: without "*.". */
bool persist_account_uri(const char *hash_prefix, const char *domain, const struct key *account_key,
                         const char *account_url, struct buf *out, struct error *err) MUST_USE;

/* "_validation-persist.NAME", for a wildcard that of the base name; owned. */
char *persist_name(const struct identifier *identifier);

/* The record's text, appended. */
void persist_write(const char *issuer, const char *account_uri, bool wildcard, struct buf *out);

/* The same as a line of a zone file, appended: the text in strings of at most 255 bytes each. */
void persist_zone_line(const char *name, const char *text, struct buf *out);

struct persist_want {
    const char *const *issuers; /* any of them; compared without case and last dot */
    size_t issuer_count;
    const char *account_uri; /* compared as it is */
    bool wildcard;           /* policy=wildcard is needed */
    int64_t now;             /* wall clock, for persistUntil */
};

/* Whether a TXT record's text allows what is wanted; one with a mistake in it allows nothing. */
bool persist_allows(struct span text, const struct persist_want *want);

#endif

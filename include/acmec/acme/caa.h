/* caa: whether CAA records let a CA issue (RFC 8659), and for which account and way of proof (RFC
 * 8657), as that CA must judge them. Pure; it asks no DNS. */
#ifndef ACMEC_ACME_CAA_H
#define ACMEC_ACME_CAA_H

#include <acmec/data/dns_msg.h>

/* Who wants to issue what. */
struct caa_wish {
    const char *identities;  /* the CA's issuer domain names, comma-separated; NULL: it says none */
    const char *account_url; /* NULL: there is no account yet */
    const char *method;      /* "http-01" */
    bool wildcard;
};

enum caa_verdict {
    CAA_ALLOWED,
    CAA_FORBIDDEN,
    CAA_UNKNOWN /* there are records, but the CA does not say which names in them are its own */
};

#define CAA_REASON_MAX 512

/* Whether an answer holds a CAA record: then this name's records decide, and no parent's. */
bool caa_has_records(const struct dns_answer *answer);

/* Appends the value of the record that lets this account alone order (RFC 8657), for the nth (from
 * 0) of the identities. False: there is no such identity. */
bool caa_write_record(const char *identities, size_t nth, const char *account_url, struct buf *out);

/* answer: of the closest name, from the one wanted upwards, that has CAA records; NULL: none has.
 * reason: a part of a sentence, escaped: "only other.example may issue". */
enum caa_verdict caa_judge(const struct dns_answer *answer, const struct caa_wish *wish,
                           char reason[static CAA_REASON_MAX]);

#endif

/* problem: what a CA's refusal means (RFC 7807/9457, RFC 8555 section 6.7). Pure.
 *
 * Reads a reply whose status is not the wanted one. The body may be a problem document, HTML,
 * empty, a bare JSON string, or lie about its type: the status and the first bytes count then. One
 * table gives each problem type its error class and its retry rule; an unknown type falls back to
 * its status. */
#ifndef ACMEC_ACME_PROBLEM_H
#define ACMEC_ACME_PROBLEM_H

#include <acmec/data/http_header.h>
#include <acmec/data/identifier.h>

enum retry_rule {
    RETRY_NEVER,     /* final for this exchange */
    RETRY_NONCE,     /* sign again with the reply's nonce, up to 64 times in a row */
    RETRY_SOON,      /* 5xx: again within the exchange's 20 s, waiting retry_after if up to 10 s */
    RETRY_RATE_LIMIT /* retry_after up to 10 s: as RETRY_SOON; longer: ERR_RATE_LIMITED */
};

/* Whom a rate limit is about. */
enum limit_scope { LIMIT_NAMES, LIMIT_ACCOUNT };

struct problem {
    enum err_code code;
    enum retry_rule retry;
    char type[128];  /* the full urn as given (escaped), "" = none */
    char suffix[64]; /* after urn:ietf:params:acme:error:, "" = none or foreign */
    long status;
    int64_t retry_after;    /* seconds from now, clamped to 7 days; -1 = not said */
    enum limit_scope scope; /* of a rate limit */
    bool about_account;     /* no order would fare better: the account itself is refused */
    struct error error; /* ready to show: details of all subproblems with their identifiers, help
                           link, retry_at */
};

/* names: the order's, to tell what is about them from what is about the account; may be NULL.
 * Always fills out. */
void problem_read(const struct http_response *response, const struct identifier_list *names,
                  int64_t now, struct problem *out);

/* An "error" member inside an order or challenge, as text: appends "TYPE: detail (example.com:
 * ...)" escaped, and gives its class. object may be NULL or any JSON: if it is no object, nothing
 * is appended, type is "", and the class is ERR_NONE. */
struct json_t;
enum err_code problem_describe(const struct json_t *object, struct buf *text,
                               char type[static 128]);
/* Whether a problem of this type (a full urn) is about what this one CA may or will issue, so that
 * another CA may see it otherwise, though it came up while a name was proved. */
bool problem_is_policy(const char *type);
/* Adds those of names that the subproblems of a refusal are about. */
void problem_names(const struct http_response *response, const struct identifier_list *names,
                   struct identifier_list *out);
/* What to do about a problem of this type (a full urn), or "". Static. */
const char *problem_hint(const char *type);

#endif

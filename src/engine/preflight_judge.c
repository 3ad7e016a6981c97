/* What the answers say about whether issuance would work. */
#include "preflight_private.h"

#include <acmec/acme/caa.h>
#include <acmec/base/cleanup.h>
#include <acmec/data/escape.h>
#include <acmec/data/http_header.h>
#include <acmec/io/own_address.h>
#include <string.h>

#define TEXT_MAX 1024

/* ---- where the name leads ---- */

static void add_addresses(const struct question *question, enum dns_type type, struct buf *out)
{
    for (size_t i = 0; question->answered && i < question->records.count; i++) {
        const struct dns_record *record = &question->records.records[i];
        if (record->type != type || record->authority)
            continue;
        const char *address = buf_str(&record->data);
        buf_addf(out, "%s%s (%s machine)", out->len == 0 ? "" : ", ", address,
                 own_address_has(address) ? "this" : "another");
    }
}

/* A server's failure, or that none answers: "SERVFAIL", or a sentence; NULL: it answered. */
static const char *failure_of(const struct question *question)
{
    if (!question->answered)
        return question->error.text;
    unsigned rcode = question->records.rcode;
    return rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN ? NULL : dns_rcode_word(rcode);
}

void preflight_judge_address(const struct preflight_name *name, struct preflight_rows *out)
{
    AUTO(buf) addresses = BUF(TEXT_MAX);
    struct preflight_row *row;
    add_addresses(name->a, DNS_A, &addresses);
    add_addresses(name->aaaa, DNS_AAAA, &addresses);
    const char *failure =
        failure_of(name->a) != NULL ? failure_of(name->a) : failure_of(name->aaaa);
    if (addresses.len > 0) {
        (void)preflight_add(out, name->name->value, PREFLIGHT_ADDRESS, true, "leads to %s",
                            buf_ok(&addresses) ? buf_str(&addresses) : "many addresses");
    } else if (failure != NULL) {
        row = preflight_add(out, name->name->value, PREFLIGHT_ADDRESS, false,
                            "the DNS fails for it: %s", failure);
        preflight_hint(row, "check the zone's name servers, and DNSSEC where it is signed");
    } else {
        bool is_gone = name->a->records.rcode == DNS_NXDOMAIN;
        row = preflight_add(out, name->name->value, PREFLIGHT_ADDRESS, false,
                            is_gone ? "the DNS does not know it (NXDOMAIN)"
                                    : "it has no address, neither A nor AAAA");
        preflight_hint(row, "add an A or AAAA record that leads to this machine");
    }
}

/* ---- CAA ---- */

/* The answer that decides, from the name upwards; failed: one on the way could not be had. */
static const struct dns_answer *find_caa(const struct preflight_name *name, const char **failure,
                                         const char **failed_at)
{
    for (size_t i = 0; i < name->levels; i++) {
        const struct question *question = name->caa[i];
        *failure = failure_of(question);
        *failed_at = question->dns.name;
        if (*failure != NULL)
            return NULL;
        if (caa_has_records(&question->records))
            return &question->records;
    }
    return NULL;
}

/* The record that lets this account alone issue, to be added or only to be known. */
static void hint_at_record(const struct preflight_name *name, const struct caa_wish *wish,
                           bool is_allowed, bool there_are_some, struct preflight_row *row)
{
    AUTO(buf) record = BUF(TEXT_MAX);
    bool known = wish->account_url != NULL &&
                 caa_write_record(wish->identities, 0, wish->account_url, &record);
    if (known && !is_allowed)
        preflight_hint(row, "the record for this CA and account: %s. CAA %s", name->base,
                       escaped_str(buf_str(&record)).text);
    else if (!is_allowed)
        preflight_hint(row, "with an account ('acmec account register') preflight prints the "
                            "record for it");
    else if (known && !there_are_some)
        preflight_hint(row, "to let no other CA or account issue: %s. CAA %s", name->base,
                       escaped_str(buf_str(&record)).text);
}

void preflight_judge_caa(const struct preflight_name *name, const char *identities,
                         const char *account_url, struct preflight_rows *out)
{
    const char *failure = NULL, *failed_at = "";
    char reason[CAA_REASON_MAX];
    struct caa_wish wish = {
        .identities = identities,
        .account_url = account_url,
        .method = name->method,
        .wildcard = identifier_is_wildcard(name->name),
    };
    const struct dns_answer *answer = find_caa(name, &failure, &failed_at);
    struct preflight_row *row;
    if (failure != NULL) {
        row = preflight_add(out, name->name->value, PREFLIGHT_CAA, false,
                            "the DNS fails for CAA of %s: %s", failed_at, failure);
        preflight_hint(row, "no CA may issue until these servers answer, if only that there is no "
                            "such record");
        return;
    }
    bool is_allowed = caa_judge(answer, &wish, reason) != CAA_FORBIDDEN;
    row = preflight_add(out, name->name->value, PREFLIGHT_CAA, is_allowed, "%s%s",
                        is_allowed ? "" : "the CAA records forbid it: ", reason);
    hint_at_record(name, &wish, is_allowed, answer != NULL, row);
}

/* ---- the DNS as a way of proof ---- */

void preflight_judge_dns(const struct preflight_name *name, struct preflight_rows *out)
{
    const char *failure = failure_of(name->txt);
    struct preflight_row *row = preflight_add(
        out, name->name->value, PREFLIGHT_DNS, failure == NULL, "%s %s%s", name->txt->dns.name,
        failure == NULL ? "can be asked for" : "cannot be asked for: ",
        failure == NULL ? "" : failure);
    if (failure != NULL)
        preflight_hint(row, "the CA will look there for the record that proves the name");
}

/* ---- visits ---- */

static struct span body_of(const struct question *question)
{
    struct span body = buf_span(&question->response.body);
    while (body.len > 0 && strchr(" \t\r\n", body.ptr[body.len - 1]) != NULL)
        body.len--;
    return body;
}

static bool is_http(const struct preflight_name *name)
{
    return strcmp(name->method, "http-01") == 0;
}

static bool is_proved(const struct preflight_name *name, const struct preflight_visit *visit)
{
    const struct question *question = visit->question;
    if (!question->answered)
        return false;
    if (is_http(name))
        return question->response.status == 200 &&
               span_is(body_of(question), name->key_authorization);
    return strcmp(question->report.alpn, "acme-tls/1") == 0;
}

/* Nobody answers, or not in the language of the proof. */
static void add_silence(const struct preflight_name *name, const struct preflight_visit *visit,
                        enum preflight_kind kind, struct preflight_rows *out)
{
    const char *value = name->name->value;
    struct preflight_row *row = preflight_add(
        out, value, kind, false, "port %u of %s cannot be used at %s: %s",
        is_http(name) ? 80U : 443U, value, visit->address, visit->question->error.text);
    if (visit->question->failure != HTTP_FAIL_CONNECT)
        preflight_hint(row, "another server of this machine answers there");
    else if (visit->own)
        preflight_hint(row, "let a server listen there, in %s too, and check the firewall",
                       strchr(visit->address, ':') == NULL ? "IPv4" : "IPv6");
    else
        preflight_hint(row, "check that the address is right, and the firewall; behind NAT that "
                            "does not lead back this may say nothing");
}

static void add_stranger(const struct preflight_name *name, const struct preflight_visit *visit,
                         enum preflight_kind kind, struct preflight_rows *out)
{
    const char *value = name->name->value;
    struct preflight_row *row =
        preflight_add(out, value, kind, false, "port %u of %s answers from another server: %s",
                      is_http(name) ? 80U : 443U, value, visit->address);
    preflight_hint(row, "let the name lead to this machine%s",
                   is_http(name) ? ", or let that server pass on /.well-known/acme-challenge/"
                                 : "");
}

static void add_failure(const struct preflight_name *name, const struct preflight_visit *visit,
                        enum preflight_kind kind, struct preflight_rows *out)
{
    const char *value = name->name->value;
    const struct question *question = visit->question;
    struct preflight_row *row;
    if (!visit->own && !name->by_hook &&
        (question->answered || question->failure != HTTP_FAIL_CONNECT)) {
        add_stranger(name, visit, kind, out);
        return;
    }
    if (!question->answered) {
        add_silence(name, visit, kind, out);
        return;
    }
    if (is_http(name))
        row = preflight_add(out, value, kind, false,
                            "port 80 of %s at %s answers %ld%s where the proof should be", value,
                            visit->address, question->response.status,
                            question->response.status == 200 ? " with other content" : "");
    else
        row = preflight_add(out, value, kind, false,
                            "port 443 of %s at %s does not answer as acme-tls/1", value,
                            visit->address);
    preflight_hint(row, name->by_hook ? "look where --http-hook has put the proof"
                                      : "another server of this machine answers there");
}

/* Its answer says nothing about the proof yet, but it comes from where that will be. */
static bool is_reached(const struct preflight_name *name, const struct preflight_visit *visit)
{
    return name->untried && (visit->own || name->by_hook) && visit->question->answered;
}

void preflight_judge_visit(const struct preflight_name *name, const struct preflight_visit *visit,
                           struct preflight_rows *out)
{
    enum preflight_kind kind = is_http(name) ? PREFLIGHT_PORT_80 : PREFLIGHT_PORT_443;
    unsigned port = is_http(name) ? 80 : 443;
    const char *value = name->name->value;
    bool other_port = visit->redirects == 0 && visit->port != port;
    if (is_proved(name, visit) && other_port)
        (void)preflight_add(out, value, kind, true,
                            "a self-made proof is served at %s on port %u; nothing answers on port "
                            "%u, so something must lead the CA from there",
                            visit->address, (unsigned)visit->port, port);
    else if (is_proved(name, visit))
        (void)preflight_add(out, value, kind, true, "a self-made proof is served at %s",
                            visit->address);
    else if (is_reached(name, visit))
        (void)preflight_add(out, value, kind, true, "%s answers at %s; %s the proof there",
                            visit->own ? "this machine" : "another machine", visit->address,
                            name->by_hook ? "--http-hook is to publish" : "issue lets nginx serve");
    else if (visit->elsewhere[0] != '\0')
        (void)preflight_add(out, value, kind, true,
                            "%s redirects to %s, which the CA will follow and acmec has not",
                            visit->address, visit->elsewhere);
    else
        add_failure(name, visit, kind, out);
}

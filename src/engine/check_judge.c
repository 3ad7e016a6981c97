/* What the looks at one address say, and what is wrong with it. */
#include "check_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/cert.h>
#include <acmec/data/escape.h>
#include <acmec/data/http_header.h>
#include <acmec/data/timefmt.h>
#include <stdio.h>
#include <string.h>

/* With less than this part of its lifetime left a certificate should have been renewed. */
#define LATE_PART 10
#define STATUS_REDIRECT_FIRST 300
#define STATUS_REDIRECT_LAST 399

static bool is_answered(const struct question *question)
{
    return question != NULL && question->answered;
}

/* ---- certificates ---- */

static void copy_view(const struct cert_view *from, struct check_cert *out)
{
    (void)snprintf(out->subject, sizeof out->subject, "%s", from->subject);
    (void)snprintf(out->issuer, sizeof out->issuer, "%s", from->issuer);
    (void)snprintf(out->serial, sizeof out->serial, "%s", from->serial);
    (void)snprintf(out->key, sizeof out->key, "%s", from->key);
    (void)snprintf(out->sha256, sizeof out->sha256, "%s", from->sha256);
    out->not_before = from->not_before;
    out->not_after = from->not_after;
    identifier_list_copy(&from->names, &out->names);
}

static bool read_cert(const struct buf *der, struct cert_view *view, struct check_cert *out)
{
    struct error ignored;
    if (!cert_view_read(buf_span(der), view, &ignored))
        return false;
    copy_view(view, out);
    return true;
}

static void read_chain(const struct tls_report *report, struct check_target *target,
                       struct cert_view *leaf)
{
    target->chain = mem_new(report->chain_count, sizeof *target->chain);
    for (size_t i = 0; i < report->chain_count; i++) {
        AUTO(cert_view) view = {0};
        if (!read_cert(&report->chain[i], i == 0 ? leaf : &view, &target->chain[i]))
            return;
        target->chain_count++;
    }
}

/* A server may keep a certificate of each kind of key: the one that the browser was not shown. */
static void read_second(const struct question *look, struct check_target *target)
{
    AUTO(cert_view) view = {0};
    struct check_cert cert = {0};
    if (!is_answered(look) || target->second != NULL || target->chain_count == 0 ||
        !read_cert(&look->report.chain[0], &view, &cert))
        return;
    if (strcmp(cert.sha256, target->chain[0].sha256) == 0) {
        identifier_list_release(&cert.names);
        return;
    }
    target->second = mem_new(1, sizeof *target->second);
    *target->second = cert;
}

static void judge_time(const struct check_world *world, const char *which,
                       const struct check_cert *cert, struct check_target *target)
{
    char when[TIMEFMT_MAX], relative[TIMEFMT_MAX];
    int64_t lifetime = cert->not_after - cert->not_before;
    timefmt_rfc3339(cert->not_after, when);
    timefmt_relative(cert->not_after, world->now, relative);
    if (cert->not_after == 0)
        (void)check_problem(target, ERR_WEB_SERVER, "the %scertificate cannot be read", which);
    else if (world->now >= cert->not_after)
        (void)check_problem(target, ERR_WEB_SERVER, "the %scertificate expired %s (%s)", which,
                            relative, when);
    else if (world->now < cert->not_before)
        (void)check_problem(target, ERR_WEB_SERVER, "the %scertificate is not valid yet", which);
    else if (cert->not_after - world->now < lifetime / LATE_PART)
        (void)check_problem(target, ERR_WEB_SERVER,
                            "the %scertificate expires %s (%s): it should have been renewed", which,
                            relative, when);
}

static void judge_name(const struct cert_view *leaf, struct check_target *target)
{
    struct identifier name = {.type = target->place.is_address ? IDENTIFIER_IP : IDENTIFIER_DNS};
    (void)snprintf(name.value, sizeof name.value, "%s", target->place.host);
    if (cert_view_covers(&leaf->names, &name))
        return;
    if (leaf->names.count == 0)
        (void)check_problem(target, ERR_WEB_SERVER, "the certificate names no server at all");
    else
        (void)check_problem(target, ERR_WEB_SERVER, "the certificate is for %s%s, not for %s",
                            leaf->names.items[0].value, leaf->names.count > 1 ? " and others" : "",
                            target->place.host);
}

static void judge_staple(const struct cert_view *leaf, struct check_target *target)
{
    if (leaf->wants_staple && !target->stapled)
        (void)check_problem(target, ERR_WEB_SERVER,
                            "the certificate demands a stapled OCSP reply, and the server sends "
                            "none");
}

static void judge_trust(const struct check_world *world, const struct tls_report *report,
                        const struct cert_view *leaf, struct check_target *target)
{
    AUTO(buf) pem = BUF(2 * TLS_CHAIN_MAX);
    for (size_t i = 0; i < report->chain_count; i++)
        pem_write("CERTIFICATE", buf_span(&report->chain[i]), &pem);
    enum cert_trust trust =
        cert_judge_trust(buf_span(&pem), buf_span(&world->trust), world->now, target->anchor);
    target->trusted = trust == CERT_TRUSTED;
    if (trust == CERT_TRUSTED || trust == CERT_EXPIRED || trust == CERT_NOT_YET)
        return; /* the dates have their own words */
    if (trust == CERT_UNKNOWN && leaf->is_self_issued)
        (void)check_problem(target, ERR_WEB_SERVER,
                            "the certificate is not trusted: it is signed by nobody but itself");
    else if (trust == CERT_UNKNOWN && report->chain_count == 1)
        (void)check_problem(target, ERR_WEB_SERVER,
                            "the certificate is not trusted: the server sends it without that of "
                            "its CA, '%s'",
                            leaf->issuer);
    else
        (void)check_problem(target, ERR_WEB_SERVER, "the certificate is not trusted: %s",
                            cert_trust_sentence(trust));
}

/* Dates above the leaf that nobody would see otherwise. */
static void judge_upper(const struct check_world *world, struct check_target *target)
{
    for (size_t i = 1; i < target->chain_count && !target->trusted; i++) {
        const struct check_cert *cert = &target->chain[i];
        if (cert->not_after != 0 && world->now >= cert->not_after)
            (void)check_problem(target, ERR_WEB_SERVER, "the certificate of the CA '%s' expired",
                                cert->subject);
    }
}

static bool is_served(const struct check_live *live, const struct check_target *target)
{
    return strcmp(live->leaf.sha256, target->chain[0].sha256) == 0 ||
           (target->second != NULL && strcmp(live->leaf.sha256, target->second->sha256) == 0);
}

/* Which of ours it is; or which of ours it should be. */
static void judge_live(const struct check_world *world, struct check_target *target)
{
    struct identifier name = {.type = target->place.is_address ? IDENTIFIER_IP : IDENTIFIER_DNS};
    const struct check_live *fits = NULL;
    (void)snprintf(name.value, sizeof name.value, "%s", target->place.host);
    for (size_t i = 0; i < world->live_count && target->live == NULL; i++) {
        const struct check_live *live = &world->lives[i];
        if (is_served(live, target))
            target->live = mem_strdup(live->name);
        else if (cert_view_covers(&live->leaf.names, &name))
            fits = live;
    }
    if (target->live == NULL && fits != NULL)
        (void)check_problem(target, ERR_WEB_SERVER,
                            "another certificate is served than live/%s: the web server was not "
                            "reloaded, or does not use it",
                            fits->name);
}

/* ---- the handshake ---- */

static void note_versions(const struct check_looks *looks, struct check_target *target)
{
    const struct question *const all[] = {looks->browser, looks->old, looks->tls12, looks->tls13};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_answered(all[i]))
            target->offers[all[i]->report.version] = true;
}

/* A word that is not plain stays away: no suite, group or protocol has such a one. */
static void copy_word(const char *from, char out[static TLS_WORD_MAX + 1])
{
    bool plain = strlen(from) <= TLS_WORD_MAX && strcmp(escaped_str(from).text, from) == 0;
    memcpy(out, plain ? from : "?", plain ? strlen(from) + 1 : sizeof "?");
}

static void note_handshake(const struct tls_report *report, struct check_target *target)
{
    target->version = report->version;
    copy_word(report->cipher, target->cipher);
    copy_word(report->group, target->group);
    copy_word(report->alpn, target->alpn);
    target->stapled = report->stapled;
}

static void judge_failure(const struct check_looks *looks, struct check_target *target)
{
    const struct question *browser = looks->browser;
    bool connected = browser->failure != HTTP_FAIL_CONNECT && browser->failure != HTTP_FAIL_WORKER;
    (void)check_problem(target, connected ? ERR_WEB_SERVER : ERR_NETWORK, "%s",
                        browser->error.text);
    if (is_answered(looks->old))
        (void)check_problem(target, ERR_WEB_SERVER,
                            "it speaks nothing newer than %s, which browsers refuse",
                            tls_version_word(looks->old->report.version));
}

/* ---- the web ---- */

static char *header(const struct question *question, const char *name)
{
    struct span value;
    if (!is_answered(question) || !http_header_get(&question->response, name, 0, &value))
        return NULL;
    return mem_strdup(escaped(value).text);
}

static void note_web(const struct check_looks *looks, struct check_target *target)
{
    target->hsts = header(looks->https, "Strict-Transport-Security");
    if (!is_answered(looks->http))
        return;
    target->http_status = looks->http->response.status;
    if (target->http_status >= STATUS_REDIRECT_FIRST && target->http_status <= STATUS_REDIRECT_LAST)
        target->redirect = header(looks->http, "Location");
}

void check_judge(const struct check_world *world, const struct check_looks *looks,
                 struct check_target *target)
{
    AUTO(cert_view) leaf = {0};
    note_versions(looks, target);
    note_web(looks, target);
    if (!looks->browser->answered) {
        judge_failure(looks, target);
        return;
    }
    const struct tls_report *report = &looks->browser->report;
    note_handshake(report, target);
    read_chain(report, target, &leaf);
    read_second(looks->ecdsa, target);
    read_second(looks->rsa, target);
    if (target->chain_count == 0) {
        (void)check_problem(target, ERR_WEB_SERVER, "the certificate cannot be read");
        return;
    }
    judge_time(world, "", &target->chain[0], target);
    if (target->second != NULL)
        judge_time(world, "second ", target->second, target);
    judge_name(&leaf, target);
    judge_trust(world, report, &leaf, target);
    judge_staple(&leaf, target);
    judge_upper(world, target);
    judge_live(world, target);
    if (world->explain)
        check_explain(report, target);
}

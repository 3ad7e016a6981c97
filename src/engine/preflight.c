#include <acmec/engine/preflight.h>

#include "preflight_private.h"
#include <acmec/acme/session.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/b64url.h>
#include <acmec/data/escape.h>
#include <acmec/data/timefmt.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/due.h>
#include <acmec/engine/nginx_read.h>
#include <acmec/engine/nginx_run.h>
#include <acmec/engine/nginx_where.h>
#include <acmec/engine/proof.h>
#include <acmec/engine/world.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES 32
#define THUMBPRINT_MAX 64
#define PROOF_WITHIN_MS 30000
#define ANSWERS_MAX 1024

struct preflight {
    struct run *run;
    const struct preflight_request *request;
    struct cert_spec *spec;
    struct preflight_rows *out;
    struct questions questions;
    struct preflight_name *names; /* one for each of spec */
    struct proof *proof;
    bool is_checked;                /* the proof has been, with success */
    char *identities, *account_url; /* owned; NULL: unknown, none */
    struct persist_offer offer;     /* of dns-persist-01: the issuer names of the directory */
    char *thumbprint;               /* owned; of the account's key, or "" */
};

/* ---- the CA ---- */

static bool wait_event(struct preflight *preflight, int64_t until_ms, struct error *err)
{
    struct run *run = preflight->run;
    struct event event = {0};
    world_wait(run, until_ms, &event);
    if (event.kind == EVENT_SIGNAL)
        run->stop_signal = event.signal;
    if (event.kind == EVENT_PROOF_READY && preflight->proof != NULL)
        proof_take_ready(preflight->proof, event.token);
    event_release(&event);
    return world_goes_on(run, err);
}

/* What is stored of the account at one of the CAs. */
static bool read_account(struct preflight *preflight, size_t nth, struct error *err)
{
    const struct cert_spec *spec = preflight->spec;
    AUTO(stored_account) account = {0};
    AUTO(buf) thumbprint = BUF(THUMBPRINT_MAX);
    struct key *key = NULL;
    bool found = false;
    if (!store_read_account(preflight->run->store, spec->cas[nth].directory_url, spec->account,
                            false, &key, &account, &found, err))
        return false;
    bool good = key == NULL || key_thumbprint(key, &thumbprint, err);
    key_free(key);
    if (!good)
        return false;
    free(preflight->account_url);
    free(preflight->thumbprint);
    preflight->account_url = mem_strdup(account.url);
    preflight->thumbprint = buf_take(&thumbprint);
    return true;
}

/* Whether it would take an order. */
static bool judge_ca(struct preflight *preflight, struct authority *authority)
{
    const char *url = authority_directory_url(authority);
    const struct error *error = authority_error(authority);
    if (error != NULL) {
        struct preflight_row *row =
            preflight_add(preflight->out, url, PREFLIGHT_CA, false, "%s", error->text);
        preflight_hint(row, "%s", error->hint);
        return false;
    }
    if (preflight->account_url == NULL && session_needs_eab(authority_session(authority)) &&
        preflight->spec->eab_kid == NULL) {
        struct preflight_row *row = preflight_add(preflight->out, url, PREFLIGHT_CA, false,
                                                  "the CA wants an external account");
        preflight_hint(row, "give what it handed out with --eab-kid and --eab-hmac-key-file");
        return false;
    }
    (void)preflight_add(preflight->out, url, PREFLIGHT_CA, true, "%s",
                        preflight->account_url == NULL
                            ? "the CA answers; an account is yet to be registered"
                            : "the CA answers, and there is an account");
    return true;
}

/* What one of the CAs says; *good: it would take an order. */
static bool ask_ca(struct preflight *preflight, size_t nth, struct session **session, bool *good,
                   struct error *err)
{
    struct authority *authority =
        authority_get(preflight->run, preflight->spec, nth, AUTHORITY_FOR_DIRECTORY);
    while (!authority_has_directory(authority) && authority_error(authority) == NULL)
        if (!wait_event(preflight, INT64_MAX, err))
            return false;
    if (!read_account(preflight, nth, err))
        return false;
    *good = judge_ca(preflight, authority);
    *session = authority_session(authority);
    if (authority_error(authority) != NULL)
        return true;
    free(preflight->identities);
    preflight->identities = mem_strdup(session_caa_identities(*session));
    const char *issuers = session_persist_issuers(*session);
    persist_offer_split(issuers == NULL ? "" : issuers, &preflight->offer);
    return preflight->account_url == NULL ||
           session_set_account(*session, preflight->account_url, err);
}

/* The first of the CAs that would take an order is the one that counts. *session: of the last one
 * that was asked, NULL where it has none. */
static bool choose_ca(struct preflight *preflight, struct session **session, struct error *err)
{
    bool good = false;
    for (size_t i = 0; i < preflight->spec->ca_count && !good; i++)
        if (!ask_ca(preflight, i, session, &good, err))
            return false;
    for (size_t i = 0; i < preflight->out->count && good; i++) {
        struct preflight_row *row = &preflight->out->items[i];
        if (row->kind != PREFLIGHT_CA || row->ok)
            continue;
        row->ok = true;
        preflight_hint(row, "the next CA stands in for it");
    }
    return true;
}

/* ---- what is known at home ---- */

static bool read_home(struct preflight *preflight, struct error *err)
{
    const struct cert_spec *spec = preflight->spec;
    AUTO(cert_state) state = {0};
    struct error held = {0};
    if (!crypto_start(err) || !store_read_state(preflight->run->store, spec->name, &state, err))
        return false;
    bool is_held = due_judge(preflight->run, spec, &state, true, &held) == DUE_HELD_BACK;
    struct preflight_row *row =
        preflight_add(preflight->out, spec->names.items[0].value, PREFLIGHT_RATE_LIMIT, !is_held,
                      "%s", is_held ? held.text : "no rate limit is known to hold this back");
    char until[TIMEFMT_MAX];
    timefmt_rfc3339(held.retry_at, until);
    if (is_held)
        preflight_hint(row, "not before %s", until);
    return true;
}

/* ---- the proofs ---- */

static void on_ready(void *ctx, size_t index)
{
    ((struct preflight *)ctx)->names[index].is_ready = true;
}

static void on_failed(void *ctx, size_t index, const struct error *error)
{
    struct preflight_name *name = &((struct preflight *)ctx)->names[index];
    name->has_failed = true;
    name->error = *error;
}

static void prepare_names(struct preflight *preflight, struct session *session)
{
    const struct cert_spec *spec = preflight->spec;
    struct proof_listener listener = {on_ready, on_failed, preflight};
    struct error error = {0};
    preflight->proof = proof_new(preflight->run, spec, session, &listener);
    const struct error *refusal = nginx_run_refusal(preflight->run->nginx, spec);
    if (refusal != NULL)
        error = *refusal;
    preflight->is_checked = refusal == NULL && proof_check(preflight->proof, &error);
    const char *const *types = proof_challenge_types(preflight->proof);
    preflight->names = mem_new(spec->names.count, sizeof *preflight->names);
    for (size_t i = 0; i < spec->names.count; i++) {
        struct preflight_name *name = &preflight->names[i];
        name->name = &spec->names.items[i];
        name->base = name->name->value + (identifier_is_wildcard(name->name) ? 2 : 0);
        name->method = types[i] == NULL ? "http-01" : types[i];
        enum proof_kind way = cert_spec_proof(spec, name->name)->kind;
        name->by_hook = way == PROOF_HTTP_HOOK;
        name->untried = name->by_hook ||
                        (way == PROOF_NGINX && nginx_run_lacks_way(preflight->run->nginx, spec));
    }
    if (preflight->is_checked)
        return;
    enum preflight_kind kind = refusal != NULL ? PREFLIGHT_WEB_SERVER : PREFLIGHT_PROOF;
    struct preflight_row *row =
        preflight_add(preflight->out, spec->names.items[0].value, kind, false, "%s", error.text);
    preflight_hint(row, "%s", error.hint);
}

/* As the CA would make it: a stateless web server knows the thumbprint, and any other takes what it
 * is given. */
static bool make_token(const struct preflight *preflight, struct preflight_name *name,
                       struct error *err)
{
    unsigned char bytes[TOKEN_BYTES];
    AUTO(buf) token = BUF(TOKEN_MAX);
    if (!digest_random(bytes, sizeof bytes, err))
        return false;
    b64url_encode(span_of(bytes, sizeof bytes), &token);
    name->token = buf_take(&token);
    name->key_authorization =
        mem_printf("%s.%s", name->token,
                   preflight->thumbprint[0] == '\0' ? "preflight" : preflight->thumbprint);
    return true;
}

static bool any_open(const struct preflight *preflight)
{
    for (size_t i = 0; i < preflight->spec->names.count; i++) {
        const struct preflight_name *name = &preflight->names[i];
        if (name->token != NULL && !name->is_ready && !name->has_failed)
            return true;
    }
    return false;
}

/* A record that names an account cannot stand before there is one. */
static bool prepare_standing(const struct preflight *preflight, struct preflight_name *name)
{
    name->token = mem_strdup("");
    name->key_authorization = mem_strdup("");
    if (preflight->account_url != NULL)
        return true;
    (void)fail(&name->error, ERR_REFUSED, "no record can name the account before there is one");
    (void)with_hint(&name->error, "'acmec dns-persist show' registers it, and prints the record");
    name->has_failed = true;
    return false;
}

/* Whether there is something to put in place; *good false: no token could be made. */
static bool is_to_present(struct preflight *preflight, struct preflight_name *name, bool *good,
                          struct error *err)
{
    if (preflight_is_standing(name))
        return preflight->offer.issuer_count > 0 && prepare_standing(preflight, name);
    if (!preflight_is_visited(name))
        return false;
    *good = make_token(preflight, name, err);
    name->is_ready = *good && name->untried;
    return *good && !name->untried;
}

static bool present(struct preflight *preflight, struct error *err)
{
    int64_t until_ms = run_now_ms(preflight->run) + PROOF_WITHIN_MS;
    bool good = true;
    for (size_t i = 0; i < preflight->spec->names.count && preflight->is_checked && good; i++) {
        struct preflight_name *name = &preflight->names[i];
        if (!is_to_present(preflight, name, &good, err))
            continue;
        const struct order_action action = {
            .index = i,
            .identifier = name->name,
            .token = name->token,
            .key_authorization = name->key_authorization,
            .persist = &preflight->offer,
        };
        proof_present(preflight->proof, &action);
    }
    if (!good)
        return false;
    while (any_open(preflight) && run_now_ms(preflight->run) < until_ms)
        if (!wait_event(preflight, until_ms, err))
            return false;
    return true;
}

static bool visit_all(struct preflight *preflight, struct error *err)
{
    bool more = true;
    for (size_t i = 0; i < preflight->spec->names.count; i++)
        if (preflight->names[i].is_ready)
            preflight_find_visits(&preflight->names[i]);
    while (more) {
        more = false;
        for (size_t i = 0; i < preflight->spec->names.count; i++) {
            struct preflight_name *name = &preflight->names[i];
            for (size_t j = 0; j < name->visit_count; j++)
                more |= preflight_visit_on(preflight->spec, name, &name->visits[j],
                                           &preflight->questions);
        }
        if (more && !questions_ask(preflight->run, &preflight->questions, err))
            return false;
    }
    return true;
}

/* ---- nginx ---- */

static void tell_server(struct preflight *preflight, const char *conf,
                        const struct preflight_name *name)
{
    struct nginx_answers answers = {0};
    struct error error = {0};
    AUTO(buf) text = BUF(ANSWERS_MAX);
    bool good = nginx_which(NULL, conf, name->name->value, &answers, &error);
    for (size_t i = 0; good && i < answers.count; i++) {
        const struct nginx_answer *answer = &answers.items[i];
        buf_addf(&text, "%s%s %s:%u (%s)", i == 0 ? "" : ", ", escaped_str(answer->address).text,
                 escaped_str(answer->file).text, answer->line, answer->by);
    }
    (void)preflight_add(preflight->out, name->name->value, PREFLIGHT_WEB_SERVER, good, "%s%s",
                        good ? "nginx answers by " : "",
                        !good               ? error.text
                        : !buf_ok(&text)    ? "many servers"
                        : answers.count > 0 ? buf_str(&text)
                                            : "no server at all");
    nginx_answers_release(&answers);
}

/* Where nginx runs; that it does not is nobody's fault. */
static void judge_nginx(struct preflight *preflight)
{
    struct nginx_wish wish = {.conf = preflight->request->nginx_conf};
    struct nginx_instance instance = {0};
    struct error ignored = {0};
    bool found = nginx_where(preflight->run, &wish, &instance, &ignored);
    for (size_t i = 0; found && instance.master.pid != 0 && i < preflight->spec->names.count; i++)
        if (preflight_is_visited(&preflight->names[i]))
            tell_server(preflight, instance.conf, &preflight->names[i]);
    if (found)
        nginx_instance_release(&instance);
}

/* ---- all of it ---- */

static void judge_name(struct preflight *preflight, const struct preflight_name *name)
{
    struct preflight_rows *out = preflight->out;
    if (name->a != NULL)
        preflight_judge_address(name, out);
    if (name->levels > 0)
        preflight_judge_caa(name, preflight->identities, preflight->account_url, out);
    if (name->txt != NULL)
        preflight_judge_dns(name, out);
    if (name->has_failed) {
        struct preflight_row *row =
            preflight_add(out, name->name->value, PREFLIGHT_PROOF, false, "%s", name->error.text);
        preflight_hint(row, "%s", name->error.hint);
    } else if (name->token != NULL && !name->is_ready) {
        (void)preflight_add(out, name->name->value, PREFLIGHT_PROOF, false,
                            "the proof could not be put in place in time");
    } else if (name->token != NULL && preflight_is_standing(name)) {
        (void)preflight_add(out, name->name->value, PREFLIGHT_PROOF, true,
                            "no name server says that its record is missing");
    }
    for (size_t i = 0; i < name->visit_count; i++)
        preflight_judge_visit(name, &name->visits[i], out);
}

static bool look(struct preflight *preflight, struct error *err)
{
    struct session *session = NULL;
    if (!read_home(preflight, err) || !choose_ca(preflight, &session, err))
        return false;
    prepare_names(preflight, session);
    for (size_t i = 0; i < preflight->spec->names.count; i++)
        preflight_ask_name(&preflight->names[i], preflight->run->settings->dns_server,
                           &preflight->questions);
    if (!questions_ask(preflight->run, &preflight->questions, err) || !present(preflight, err) ||
        !visit_all(preflight, err))
        return false;
    for (size_t i = 0; i < preflight->spec->names.count; i++)
        judge_name(preflight, &preflight->names[i]);
    judge_nginx(preflight);
    return true;
}

static void release(struct preflight *preflight)
{
    for (size_t i = 0; preflight->names != NULL && i < preflight->spec->names.count; i++) {
        free(preflight->names[i].token);
        free(preflight->names[i].key_authorization);
    }
    free(preflight->names);
    free(preflight->identities);
    free(preflight->account_url);
    free(preflight->thumbprint);
    persist_offer_release(&preflight->offer);
    questions_release(&preflight->questions);
}

bool preflight_run(struct run *run, const struct preflight_request *request,
                   struct preflight_rows *out, struct error *err)
{
    struct cert_spec *spec = request->spec;
    struct preflight preflight = {.run = run, .request = request, .spec = spec, .out = out};
    if (!world_open(run, spec->ca_bundle, spec->proxy, err))
        return false;
    run->nginx = nginx_run_look(run, spec);
    bool good = look(&preflight, err);
    proof_free(preflight.proof);
    nginx_run_end(run->nginx);
    run->nginx = NULL;
    world_close(run);
    release(&preflight);
    return good;
}

#include <acmec/engine/revocation.h>

#include <acmec/acme/revoke.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/describe.h>
#include <acmec/engine/world.h>
#include <stdio.h>
#include <stdlib.h>

/* One certificate to be revoked. */
struct subject {
    struct buf der;               /* owned */
    char fingerprint[SHA256_HEX]; /* of its key */
    const char *suffix;           /* of the live pair that it is; NULL: of none */
    struct key *key;              /* owned; its own, which signs; NULL: the account does */
    struct session *session;      /* owned; of this key */
};

/* The talk with the CA. */
struct talk {
    struct run *run;
    const struct revocation *revocation;
    struct cert_spec spec;        /* borrowed members; its only CA is the one below */
    struct ca_choice ca;          /* borrowed, but for the directory */
    enum revoke_reason reason;    /* if the revocation gives one */
    struct cert_state state;      /* of name, if there is one */
    char name[CERT_NAME_MAX + 1]; /* of acmec's certificate, or "" */
    struct buf chain;             /* PEM of the first subject */
    struct subject subjects[KEY_TYPES_MAX];
    size_t count, index;
    struct session *session; /* of who signs for the present subject; borrowed, as is its lane */
    struct lane *lane;
    bool over, good, already;
    struct error error;
};

static void subject_release(struct subject *subject)
{
    buf_release(&subject->der);
    session_free(subject->session);
    key_free(subject->key);
    *subject = (struct subject){0};
}

static void talk_release(struct talk *talk)
{
    for (size_t i = 0; i < talk->count; i++)
        subject_release(&talk->subjects[i]);
    cert_state_release(&talk->state);
    buf_release(&talk->chain);
    free(talk->ca.directory_url);
}

/* ---- what is to be revoked ---- */

/* Of the pairs that a generation may have, the first one first. */
static const char *const suffixes[] = {"", ".rsa", ".ecdsa"};
#define SUFFIXES (sizeof suffixes / sizeof suffixes[0])

static bool add_subject(struct talk *talk, struct span chain, const char *suffix, struct error *err)
{
    struct subject *subject = &talk->subjects[talk->count++];
    subject->der = BUF(PEM_CHAIN_MAX);
    subject->suffix = suffix;
    return cert_read_leaf(chain, &subject->der, subject->fingerprint, err);
}

static bool read_pair(struct talk *talk, const char *suffix, struct error *err)
{
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    bool found = false;
    if (!store_read_live_pair(talk->run->store, talk->name, suffix, &chain, &found, err))
        return false;
    if (!found)
        return true;
    if (talk->count == 0)
        buf_add_span(&talk->chain, buf_span(&chain));
    return talk->count == KEY_TYPES_MAX || add_subject(talk, buf_span(&chain), suffix, err);
}

/* The live certificates of one of acmec's own. */
static bool read_own(struct talk *talk, struct error *err)
{
    struct store *store = talk->run->store;
    (void)snprintf(talk->name, sizeof talk->name, "%s", talk->revocation->name);
    if (!store_read_state(store, talk->name, &talk->state, err))
        return false;
    for (size_t i = 0; i < SUFFIXES; i++)
        if (!read_pair(talk, suffixes[i], err))
            return false;
    if (talk->count == 0)
        return fail(err, ERR_USAGE, "there is no certificate '%s' to revoke", talk->name);
    return true;
}

/* Whether one of the pairs of a live certificate is the subject. */
static bool is_live(const struct talk *talk, const char *name, struct subject *subject)
{
    for (size_t i = 0; i < SUFFIXES; i++) {
        AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
        AUTO(buf) der = BUF(PEM_CHAIN_MAX);
        char fingerprint[SHA256_HEX];
        struct error ignored = {0};
        bool found = false;
        if (store_read_live_pair(talk->run->store, name, suffixes[i], &chain, &found, &ignored) &&
            found && cert_read_leaf(buf_span(&chain), &der, fingerprint, &ignored) &&
            span_equals(buf_span(&der), buf_span(&subject->der))) {
            subject->suffix = suffixes[i];
            return true;
        }
    }
    return false;
}

/* Whether the file's certificate is a live one of acmec's: then it is to be replaced. */
static bool find_own(struct talk *talk, struct error *err)
{
    AUTO(name_list) names = {0};
    if (!store_list(talk->run->store, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        if (!is_live(talk, names.items[i], &talk->subjects[0]))
            continue;
        (void)snprintf(talk->name, sizeof talk->name, "%s", names.items[i]);
        return store_read_state(talk->run->store, talk->name, &talk->state, err);
    }
    return true;
}

static bool read_file(struct talk *talk, struct error *err)
{
    const char *path = talk->revocation->cert_file;
    AUTO(cert_info) info = {0};
    if (!file_read(path, &talk->chain, NULL, err))
        return while_doing(err, "--cert-file");
    if (!cert_read(buf_span(&talk->chain), ERR_USAGE, &info, err) ||
        !add_subject(talk, buf_span(&talk->chain), NULL, err))
        return while_doing(err, "'%s'", escaped_str(path).text);
    return find_own(talk, err);
}

/* ---- who signs, and who is told ---- */

/* The CA that the certificate is from, where that is known, whatever the configuration says by now;
 * else the first that is given. */
static void choose_ca(struct talk *talk)
{
    const char *from = talk->state.live.directory_url;
    talk->ca = talk->spec.cas[cert_spec_find_ca(&talk->spec, from)];
    talk->ca.directory_url = mem_strdup(from == NULL ? talk->ca.directory_url : from);
    talk->spec.cas = &talk->ca;
    talk->spec.ca_count = 1;
}

/* The key signs for its own certificate; a second pair has another. */
static bool keep_subject_of(struct talk *talk, struct key *taken, struct error *err)
{
    char fingerprint[SHA256_HEX];
    bool good = key_fingerprint(taken, fingerprint, err);
    for (size_t i = talk->count; good && i > 0; i--) {
        if (strcmp(talk->subjects[i - 1].fingerprint, fingerprint) == 0)
            continue;
        subject_release(&talk->subjects[i - 1]);
        talk->subjects[i - 1] = talk->subjects[--talk->count];
        talk->subjects[talk->count] = (struct subject){0};
    }
    if (!good || talk->count == 0) {
        key_free(taken);
        return good && fail(err, ERR_USAGE, "the key in '%s' is not that of the certificate",
                            escaped_str(talk->revocation->key_file).text);
    }
    talk->subjects[0].key = taken;
    return true;
}

static bool read_key_file(struct talk *talk, struct error *err)
{
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    struct key *key = NULL;
    if (!file_read(talk->revocation->key_file, &pem, NULL, err) ||
        !key_read_pem(buf_span(&pem), ERR_USAGE, &key, err))
        return while_doing(err, "--key-file");
    return keep_subject_of(talk, key, err);
}

/* *found: each certificate's own key is at hand. */
static bool read_own_keys(struct talk *talk, bool *found, struct error *err)
{
    *found = true;
    for (size_t i = 0; *found && i < talk->count; i++) {
        struct subject *subject = &talk->subjects[i];
        *found = subject->suffix != NULL;
        if (*found && !store_read_live_key(talk->run->store, talk->name, subject->suffix,
                                           &subject->key, found, err))
            return false;
    }
    return true;
}

/* Without an account at the CA the certificate's own key can do it, where it is at hand. */
static bool choose_signer(struct talk *talk, struct error *err)
{
    AUTO(stored_account) stored = {0};
    struct key *account = NULL;
    bool found = false;
    if (talk->revocation->key_file != NULL)
        return read_key_file(talk, err);
    if (!store_read_account(talk->run->store, talk->ca.directory_url, talk->spec.account, false,
                            &account, &stored, &found, err))
        return false;
    key_free(account);
    if (found && stored.url != NULL)
        return true;
    if (!read_own_keys(talk, &found, err))
        return false;
    if (found)
        return true;
    (void)fail(err, ERR_USAGE, "there is no account '%s' at %s that could revoke it",
               talk->spec.account, escaped_str(talk->ca.directory_url).text);
    return with_hint(err, "name the CA and account that it is from with --server and --account, or "
                          "its own key with --key-file");
}

static bool is_confirmed(const struct talk *talk, struct error *err)
{
    const struct engine_settings *settings = talk->run->settings;
    const struct engine_questions *ask = &settings->questions;
    const char *what =
        talk->revocation->cert_file == NULL ? talk->revocation->name : talk->revocation->cert_file;
    AUTO_FREE question =
        mem_printf("Revoke the certificate '%s' for ever%s%s?", escaped_str(what).text,
                   talk->revocation->reason == NULL ? "" : ", as ",
                   talk->revocation->reason == NULL ? "" : revoke_reason_word(talk->reason));
    if (settings->yes || (ask->confirm != NULL && ask->confirm(ask->ctx, question)))
        return true;
    (void)fail(err, ERR_USAGE, "the certificate '%s' would be revoked for ever",
               escaped_str(what).text);
    return with_hint(err, "say --yes if that is what you want");
}

/* ---- exchanges ---- */

enum { TAG_DIRECTORY, TAG_REVOKE };

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    struct talk *talk = owner;
    const struct revoke_wish wish = {
        .cert_der = buf_span(&talk->subjects[talk->index].der),
        .reason = talk->revocation->reason == NULL ? NULL : &talk->reason,
        .by_key = talk->subjects[talk->index].key != NULL,
    };
    if (tag == TAG_REVOKE)
        return revoke_request(talk->session, &wish, run_now_ms(talk->run), out, err);
    session_directory_request(talk->session, out);
    return true;
}

static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct talk *talk = owner;
    talk->over = true;
    if (tag == TAG_DIRECTORY)
        talk->good = session_read_directory(talk->session, response, &talk->error);
    else
        talk->good = revoke_read(response, run_now(talk->run), &talk->already, &talk->error);
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct talk *talk = owner;
    (void)tag;
    (void)unreachable;
    talk->over = true;
    talk->good = false;
    talk->error = *error;
}

static const struct exchange_ops ops = {build, reply, lost};

static bool say(struct talk *talk, size_t tag, struct error *err)
{
    struct exchange_request request = {
        .ops = &ops,
        .owner = talk,
        .tag = tag,
        .what = tag == TAG_REVOKE ? "revoking the certificate" : "asking for the directory",
        .is_signed = tag == TAG_REVOKE,
    };
    talk->over = talk->good = false;
    exchange_start(talk->lane, &request);
    while (!talk->over)
        if (!world_pass(talk->run, INT64_MAX, err)) {
            exchanges_cancel(talk->run->exchanges, talk);
            return false;
        }
    if (!talk->good)
        *err = talk->error;
    return talk->good;
}

/* A session of the present certificate's key, or the account's. */
static bool meet(struct talk *talk, struct error *err)
{
    struct subject *subject = &talk->subjects[talk->index];
    if (subject->key != NULL) {
        subject->session = session_new(talk->ca.directory_url, subject->key);
        if (subject->session == NULL)
            return fail(err, ERR_USAGE, "'%s' is not the URL of an ACME directory",
                        escaped_str(talk->ca.directory_url).text);
        talk->session = subject->session;
        talk->lane = lane_new(talk->run->exchanges, subject->session);
        return say(talk, TAG_DIRECTORY, err);
    }
    struct authority *authority = authority_get(talk->run, &talk->spec, 0, AUTHORITY_FOR_ORDERS);
    while (!authority_is_ready(authority) && authority_error(authority) == NULL)
        if (!world_pass(talk->run, INT64_MAX, err))
            return false;
    if (authority_error(authority) != NULL) {
        *err = *authority_error(authority);
        return false;
    }
    talk->session = authority_session(authority);
    talk->lane = authority_lane(authority);
    return true;
}

/* ---- the work ---- */

/* The next `renew` replaces it. */
static bool note(struct talk *talk, struct error *err)
{
    struct store *store = talk->run->store;
    if (talk->name[0] == '\0')
        return true;
    /* Read anew: now the lock is held. */
    cert_state_release(&talk->state);
    if (!store_read_state(store, talk->name, &talk->state, err))
        return false;
    talk->state.live.revoked = true;
    talk->state.live.due_at = 0;
    return store_mark_revoked(store, talk->name, err) &&
           store_write_state(store, talk->name, &talk->state, err);
}

static bool ban(const struct talk *talk, struct error *err)
{
    if (talk->revocation->reason == NULL || talk->reason != REASON_KEY_COMPROMISE)
        return true;
    return store_ban_key(talk->run->store, talk->subjects[talk->index].fingerprint,
                         run_now(talk->run), err);
}

static bool work(struct talk *talk, struct error *err)
{
    AUTO(lock) held = {.fd = -1};
    if (talk->name[0] != '\0' && !world_lock_cert(talk->run, talk->name, &held, err))
        return false;
    bool good = true;
    for (talk->index = 0; good && talk->index < talk->count; talk->index++) {
        good = meet(talk, err) && ban(talk, err) && say(talk, TAG_REVOKE, err);
        if (good && talk->already)
            run_progress(talk->run, PROGRESS_NOTICE, talk->name, "it was revoked before");
        if (good)
            good = note(talk, err);
    }
    return good;
}

static void report(struct talk *talk, bool good, const struct error *error,
                   struct outcome_list *out)
{
    AUTO(cert_info) info = {0};
    struct error ignored = {0};
    char name[CERT_NAME_MAX + 1] = "";
    if (!cert_read(buf_span(&talk->chain), ERR_USAGE, &info, &ignored))
        return;
    if (talk->name[0] != '\0')
        (void)snprintf(name, sizeof name, "%s", talk->name);
    else if (info.names.count > 0)
        (void)!identifier_cert_name(&info.names.items[0], name, &ignored);
    struct outcome *outcome = outcome_list_add(out, name);
    if (talk->name[0] != '\0') {
        outcome_from_state(talk->run, name, &talk->state, NULL, outcome);
    } else {
        identifier_list_copy(&info.names, &outcome->domains);
        outcome->not_before = info.not_before;
        outcome->not_after = info.not_after;
        (void)snprintf(outcome->serial, sizeof outcome->serial, "%s", info.serial);
        (void)snprintf(outcome->issuer, sizeof outcome->issuer, "%s", info.issuer);
    }
    outcome->action = good ? ACTION_REVOKED : ACTION_FAILED;
    outcome->revoked = outcome->revoked || good;
    if (!good)
        outcome->error = *error;
}

bool revocation_run(struct run *run, const struct revocation *revocation,
                    const struct cert_spec *spec, struct outcome_list *out, struct error *err)
{
    AUTO(talk)
    talk = {.run = run, .revocation = revocation, .spec = *spec, .chain = BUF(PEM_CHAIN_MAX)};
    if (revocation->reason != NULL && !revoke_reason_from_word(revocation->reason, &talk.reason))
        return fail(err, ERR_USAGE, "'%s' is no reason", escaped_str(revocation->reason).text);
    if (!crypto_start(err) ||
        !(revocation->cert_file == NULL ? read_own(&talk, err) : read_file(&talk, err)))
        return false;
    choose_ca(&talk);
    if (!choose_signer(&talk, err) || !is_confirmed(&talk, err) ||
        !store_prepare(run->store, err) ||
        !world_open(run, talk.spec.ca_bundle, talk.spec.proxy, err))
        return false;
    struct error error = {0};
    bool good = work(&talk, &error);
    world_close(run);
    bool interrupted = !world_goes_on(run, err);
    if (!interrupted)
        report(&talk, good, &error, out);
    return !interrupted;
}

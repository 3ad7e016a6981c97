#include <acmec/engine/authority.h>

#include <acmec/acme/account.h>
#include <acmec/acme/problem.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/timefmt.h>

/* An unreachable directory is said within 6 s: 5 s for one connection, and a little. */
#define DIRECTORY_CONNECT_WITHIN_MS 1000
/* acmec did not exist before (2026-01-01): a clock from then is wrong. */
#define CLOCK_EARLIEST 1767225600
/* Far enough from this release to doubt the clock when certificates look expired. */
#define CLOCK_DOUBTFUL (CLOCK_EARLIEST + 5LL * 365 * 86400)

enum authority_step { AUTHORITY_DIRECTORY, AUTHORITY_ACCOUNT, AUTHORITY_READY, AUTHORITY_FAILED };

struct authority {
    struct authority *next;
    struct run *run;
    enum authority_step step;
    char *directory_url, *account, *email;
    bool agree_tos, dry_run, staging, limited;
    struct key *key;
    struct stored_account stored;
    struct session *session;
    struct lane *lane;
    struct error error;
};

const char *authority_url_for(const struct run *run, const struct cert_spec *spec)
{
    return run->settings->dry_run && spec->staging_url != NULL ? spec->staging_url
                                                               : spec->directory_url;
}

bool authority_is_ready(const struct authority *authority)
{
    return authority->step == AUTHORITY_READY;
}

const struct error *authority_error(const struct authority *authority)
{
    return authority->step == AUTHORITY_FAILED ? &authority->error : NULL;
}

void authority_fail(struct authority *authority, const struct error *error)
{
    if (authority->step == AUTHORITY_FAILED)
        return;
    authority->step = AUTHORITY_FAILED;
    authority->error = *error;
}

void authority_limit(struct authority *authority, const struct error *error)
{
    if (authority->step != AUTHORITY_FAILED)
        authority->limited = true;
    authority_fail(authority, error);
}

const struct error *authorities_error(const struct run *run, size_t nth)
{
    for (const struct authority *a = run->authorities; a != NULL; a = a->next)
        if (a->step == AUTHORITY_FAILED && !a->limited && nth-- == 0)
            return &a->error;
    return NULL;
}

struct session *authority_session(struct authority *authority)
{
    return authority->session;
}

struct lane *authority_lane(struct authority *authority)
{
    return authority->lane;
}

const char *authority_directory_url(const struct authority *authority)
{
    return authority->directory_url;
}

const char *authority_account_url(const struct authority *authority)
{
    return authority->stored.url;
}

const char *authority_account_name(const struct authority *authority)
{
    return authority->account;
}

bool authority_is_staging(const struct authority *authority)
{
    return authority->staging;
}

/* ---- exchanges ---- */

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    struct authority *authority = owner;
    if (tag == AUTHORITY_DIRECTORY) {
        session_directory_request(authority->session, out);
        return true;
    }
    const struct account_wish wish = {.emails = authority->email, .agree_to_terms = true};
    return account_request(authority->session, ACCOUNT_REGISTER, &wish, run_now_ms(authority->run),
                           out, err);
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct authority *authority = owner;
    struct error err = *error;
    (void)unreachable;
    int64_t now = run_now(authority->run);
    if (tag == AUTHORITY_DIRECTORY) {
        (void)while_doing(&err, "the CA at '%s' cannot be used",
                          escaped_str(authority->directory_url).text);
        if (now > CLOCK_DOUBTFUL && strstr(err.hint, "--ca-bundle") != NULL) {
            err.code = ERR_CONFIG;
            (void)with_hint(&err, "this machine's clock may be wrong: check it with 'date'");
        }
    }
    authority_fail(authority, &err);
}

static void reply(void *owner, size_t tag, const struct http_response *response);
static const struct exchange_ops ops = {build, reply, lost};

static void start(struct authority *authority, enum authority_step step, const char *what)
{
    struct exchange_request request = {
        .ops = &ops,
        .owner = authority,
        .tag = step,
        .what = what,
        .is_signed = step == AUTHORITY_ACCOUNT,
        .connect_within_ms = step == AUTHORITY_DIRECTORY ? DIRECTORY_CONNECT_WITHIN_MS : 0,
    };
    authority->step = step;
    exchange_start(authority->lane, &request);
}

/* ---- the directory ---- */

static bool check_clock(const struct authority *authority, struct error *err)
{
    int64_t off;
    if (!lane_clock_offset(authority->lane, &off))
        return true;
    int64_t size = off < 0 ? -off : off;
    if (size > CLOCK_OFF_MAX_S) {
        char now[TIMEFMT_MAX];
        timefmt_rfc3339(run_now(authority->run), now);
        (void)fail(err, ERR_CONFIG, "this machine's clock says %s, more than a year off the CA's",
                   now);
        return with_hint(err, "set the clock, then run it again; nothing was ordered");
    }
    if (size > CLOCK_OFF_WARN_S)
        run_progress(authority->run, PROGRESS_NOTICE, "",
                     "this machine's clock is %lld minutes off the CA's", (long long)(off / 60));
    return true;
}

/* Whether the CA's terms may be agreed to: by option, by an earlier agreement, or by a person. */
static bool agree(struct authority *authority, struct error *err)
{
    const struct engine_questions *ask = &authority->run->settings->questions;
    const char *terms = session_terms_url(authority->session);
    if (terms == NULL || authority->agree_tos)
        return true;
    if (ask->confirm != NULL) {
        AUTO_FREE question = mem_printf("Do you agree to the CA's terms of service at %s?", terms);
        if (ask->confirm(ask->ctx, question))
            return true;
    }
    (void)fail(err, ERR_USAGE, "the CA's terms of service are not agreed to: %s", terms);
    return with_hint(err, "read them, then say --agree-tos (or agree-tos = yes in acmec.conf)");
}

/* The account's key is on disk before the CA hears of it: a lost reply, or a second acmec, finds
 * the same account again by the same key (RFC 8555 section 7.3.1). */
static bool make_key(struct authority *authority, struct error *err)
{
    struct run *run = authority->run;
    struct key *key = NULL;
    AUTO(lock) lock = {.fd = -1};
    AUTO(stored_account) stored = {0};
    bool found;
    if (!store_prepare(run->store, err) || !store_lock_accounts(run->store, &lock, err) ||
        !store_read_account(run->store, authority->directory_url, authority->account,
                            authority->dry_run, &key, &stored, &found, err))
        return false;
    if (!found && (!key_generate(KEY_ECDSA_P256, &key, err) ||
                   !store_write_account_key(run->store, authority->directory_url,
                                            authority->account, authority->dry_run, key, err))) {
        key_free(key);
        return false;
    }
    authority->key = key;
    return true;
}

static bool register_account(struct authority *authority, struct error *err)
{
    const struct engine_questions *ask = &authority->run->settings->questions;
    if (session_needs_eab(authority->session)) {
        (void)fail(err, ERR_USAGE, "this CA wants an external account binding");
        return with_hint(err, "this version of acmec cannot give one: use another CA");
    }
    if (!agree(authority, err))
        return false;
    if (authority->email == NULL && authority->key == NULL && ask->line != NULL)
        authority->email =
            ask->line(ask->ctx, "E-mail address for the CA's messages (empty for none)");
    if (authority->key == NULL && !make_key(authority, err))
        return false;
    session_set_key(authority->session, authority->key);
    start(authority, AUTHORITY_ACCOUNT, "registering the account");
    return true;
}

static bool take_directory(struct authority *authority, const struct http_response *response,
                           struct error *err)
{
    struct run *run = authority->run;
    if (!session_read_directory(authority->session, response, err) || !check_clock(authority, err))
        return false;
    lane_prefetch(authority->lane, run->orders_wanted < 1 ? 1 : run->orders_wanted);
    if (authority->stored.url == NULL)
        return register_account(authority, err);
    if (!session_set_account(authority->session, authority->stored.url, err))
        return false;
    authority->step = AUTHORITY_READY;
    return true;
}

/* ---- the account ---- */

static void copy_str(char **to, const char *from)
{
    char *copy = mem_strdup(from);
    free(*to);
    *to = copy;
}

static bool take_account(struct authority *authority, const struct http_response *response,
                         struct error *err)
{
    struct run *run = authority->run;
    AUTO(account_reply) account = {0};
    if (!account_read(authority->session, ACCOUNT_REGISTER, response, &account, err) ||
        !account_is_usable(account.status, err))
        return false;
    copy_str(&authority->stored.directory_url, authority->directory_url);
    copy_str(&authority->stored.url, account.url);
    copy_str(&authority->stored.status, account_status_word(account.status));
    copy_str(&authority->stored.contact, authority->email);
    copy_str(&authority->stored.terms_url, session_terms_url(authority->session));
    AUTO(lock) lock = {.fd = -1};
    if (!store_lock_accounts(run->store, &lock, err) ||
        !store_write_account(run->store, authority->account, authority->dry_run, &authority->stored,
                             err))
        return false;
    authority->step = AUTHORITY_READY;
    return true;
}

static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct authority *authority = owner;
    struct error err = {0};
    bool good = response->status >= 200 && response->status <= 299;
    if (!good) {
        struct problem problem;
        problem_read(response, NULL, run_now(authority->run), &problem);
        err = problem.error;
    } else {
        good = tag == AUTHORITY_DIRECTORY ? take_directory(authority, response, &err)
                                          : take_account(authority, response, &err);
    }
    if (good)
        return;
    if (err.code != ERR_USAGE && err.code != ERR_CONFIG && err.code != ERR_FILES)
        (void)while_doing(&err, "%s",
                          tag == AUTHORITY_DIRECTORY ? "the CA's directory cannot be used"
                                                     : "the account cannot be registered");
    authority_fail(authority, &err);
}

/* ---- making and finding ---- */

static bool is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A dry run keeps its own account (agreed terms at the CA itself cover it); only where the CA has
 * no staging service, an account that is there already is used as it is. */
static bool open_account(struct authority *authority, const char *production_url, struct error *err)
{
    struct store *store = authority->run->store;
    bool found = false;
    if (run_now(authority->run) < CLOCK_EARLIEST) {
        (void)fail(err, ERR_CONFIG, "this machine's clock is before 2026");
        return with_hint(err, "set the clock, then run it again; nothing was ordered");
    }
    if (!crypto_start(err) || !store_read_account(store, production_url, authority->account, false,
                                                  &authority->key, &authority->stored, &found, err))
        return false;
    if (!authority->run->settings->dry_run || (found && !authority->staging))
        return true;
    authority->dry_run = true;
    authority->agree_tos = authority->agree_tos || authority->stored.url != NULL;
    key_free(authority->key);
    authority->key = NULL;
    stored_account_release(&authority->stored);
    authority->stored = (struct stored_account){0};
    return store_read_account(store, authority->directory_url, authority->account, true,
                              &authority->key, &authority->stored, &found, err);
}

struct authority *authority_get(struct run *run, const struct cert_spec *spec)
{
    const char *url = authority_url_for(run, spec);
    const char *account = spec->account == NULL ? "default" : spec->account;
    for (struct authority *a = run->authorities; a != NULL; a = a->next)
        if (is_same(a->directory_url, url) && is_same(a->account, account))
            return a;
    struct authority *authority = mem_new(1, sizeof *authority);
    authority->run = run;
    authority->directory_url = mem_strdup(url);
    authority->account = mem_strdup(account);
    authority->email = mem_strdup(spec->email);
    authority->staging = run->settings->dry_run && spec->staging_url != NULL;
    authority->agree_tos = spec->agree_tos;
    authority->next = run->authorities;
    run->authorities = authority;

    struct error err = {0};
    if (!open_account(authority, spec->directory_url, &err)) {
        authority_fail(authority, &err);
        return authority;
    }
    authority->session = session_new(url, authority->key);
    if (authority->session == NULL) {
        (void)fail(&err, ERR_USAGE, "'%s' is not the URL of an ACME directory",
                   escaped_str(url).text);
        (void)with_hint(&err, "it begins with https://");
        authority_fail(authority, &err);
        return authority;
    }
    authority->lane = lane_new(run->exchanges, authority->session);
    start(authority, AUTHORITY_DIRECTORY, "asking for the directory");
    return authority;
}

void authorities_free(struct run *run)
{
    while (run->authorities != NULL) {
        struct authority *authority = run->authorities;
        run->authorities = authority->next;
        session_free(authority->session);
        key_free(authority->key);
        stored_account_release(&authority->stored);
        free(authority->directory_url);
        free(authority->account);
        free(authority->email);
        free(authority);
    }
}

#include <acmec/engine/authority.h>

#include <acmec/acme/problem.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/timefmt.h>
#include <acmec/engine/enrol.h>

/* An unreachable directory is said within 6 s: 5 s for one connection, and a little. */
#define DIRECTORY_CONNECT_WITHIN_MS 1000
/* acmec did not exist before (2026-01-01): a clock from then is wrong. */
#define CLOCK_EARLIEST 1767225600
/* Far enough from this release to doubt the clock when certificates look expired. */
#define CLOCK_DOUBTFUL (CLOCK_EARLIEST + 5LL * 365 * 86400)

enum authority_step {
    AUTHORITY_DIRECTORY,
    AUTHORITY_KNOWN, /* the directory is, and the account not asked for */
    AUTHORITY_ACCOUNT,
    AUTHORITY_READY,
    AUTHORITY_FAILED
};

struct authority {
    struct authority *next;
    struct run *run;
    enum authority_step step;
    char *directory_url, *account;
    bool staging, limited, blamed;
    bool wants_account;
    struct enrol *enrol;
    struct session *session;
    struct lane *lane;
    struct error error;
};

const char *authority_url_for(const struct run *run, const struct ca_choice *ca)
{
    return run->settings->dry_run && ca->staging_url != NULL ? ca->staging_url : ca->directory_url;
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

static void store_limit(const struct authority *authority, const struct identifier_list *names,
                        int64_t until, const struct error *error)
{
    struct run *run = authority->run;
    struct stored_limit limit = {
        .directory_url = mem_strdup(authority->directory_url),
        .account_url = mem_strdup(authority_account_url(authority)),
        .account = mem_strdup(authority->account),
        .until = until,
        .error = *error,
    };
    struct error err = {0};
    if (names != NULL)
        identifier_list_copy(names, &limit.names);
    if (!store_add_limit(run->store, &limit, run_now(run), &err))
        log_warn("%s", err.text);
    free(limit.directory_url);
    free(limit.account_url);
    free(limit.account);
    identifier_list_release(&limit.names);
}

void authority_limit(struct authority *authority, const struct identifier_list *names,
                     int64_t until, const struct error *error)
{
    if (error->retry_at != 0)
        store_limit(authority, names, until, error);
    if (names != NULL)
        return;
    if (authority->step != AUTHORITY_FAILED)
        authority->limited = true;
    authority_fail(authority, error);
}

const struct error *authorities_error(const struct run *run, size_t nth, bool *blamed)
{
    for (const struct authority *a = run->authorities; a != NULL; a = a->next) {
        if (a->step != AUTHORITY_FAILED || !a->wants_account || a->limited || nth-- > 0)
            continue;
        *blamed = a->blamed;
        return &a->error;
    }
    return NULL;
}

bool authority_has_directory(const struct authority *authority)
{
    return authority->step != AUTHORITY_FAILED && session_has_directory(authority->session);
}

struct session *authority_session(struct authority *authority)
{
    return authority->session;
}

bool authority_has_ari(const struct authority *authority)
{
    return session_endpoint(authority->session, ROLE_RENEWAL_INFO) != NULL;
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
    return enrol_stored(authority->enrol)->url;
}

struct enrol *authority_enrol(struct authority *authority)
{
    return authority->enrol;
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
    const struct authority *authority = owner;
    (void)tag;
    (void)err;
    session_directory_request(authority->session, out);
    return true;
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct authority *authority = owner;
    struct error err = *error;
    (void)tag;
    (void)unreachable;
    (void)while_doing(&err, "the CA at '%s' cannot be used",
                      escaped_str(authority->directory_url).text);
    if (run_now(authority->run) > CLOCK_DOUBTFUL && strstr(err.hint, "--ca-bundle") != NULL) {
        err.code = ERR_CONFIG;
        (void)with_hint(&err, "this machine's clock may be wrong: check it with 'date'");
    }
    authority_fail(authority, &err);
}

static void reply(void *owner, size_t tag, const struct http_response *response);
static const struct exchange_ops ops = {build, reply, lost};

static void start(struct authority *authority)
{
    struct exchange_request request = {
        .ops = &ops,
        .owner = authority,
        .what = "asking for the directory",
        .connect_within_ms = DIRECTORY_CONNECT_WITHIN_MS,
    };
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

static void enrolled(void *ctx, const struct error *error)
{
    struct authority *authority = ctx;
    if (error == NULL)
        authority->step = AUTHORITY_READY;
    else
        authority_fail(authority, error);
}

static void start_account(struct authority *authority)
{
    const struct run *run = authority->run;
    struct enrol_listener listener = {enrolled, authority};
    lane_prefetch(authority->lane, run->orders_wanted < 1 ? 1 : run->orders_wanted);
    authority->step = AUTHORITY_ACCOUNT;
    enrol_start(authority->enrol, authority->session, authority->lane, &listener);
}

static bool take_directory(struct authority *authority, const struct http_response *response,
                           struct error *err)
{
    if (!session_read_directory(authority->session, response, err) || !check_clock(authority, err))
        return false;
    authority->step = AUTHORITY_KNOWN;
    if (authority->wants_account)
        start_account(authority);
    return true;
}

static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct authority *authority = owner;
    struct error err = {0};
    (void)tag;
    if (response->status >= 200 && response->status <= 299) {
        if (take_directory(authority, response, &err))
            return;
    } else {
        struct problem problem;
        problem_read(response, NULL, run_now(authority->run), &problem);
        err = problem.error;
    }
    if (err.code != ERR_USAGE && err.code != ERR_CONFIG && err.code != ERR_FILES)
        (void)while_doing(&err, "the CA's directory cannot be used");
    authority_fail(authority, &err);
}

/* ---- making and finding ---- */

static bool is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool open_account(struct authority *authority, const struct cert_spec *spec, size_t nth,
                         enum authority_use use, struct error *err)
{
    const struct enrol_wish wish = {
        .directory_url = authority->directory_url,
        .production_url = spec->cas[nth].directory_url,
        .account = authority->account,
        .email = spec->email,
        .eab_kid = spec->eab_kid,
        .eab_hmac_key_file = spec->eab_hmac_key_file,
        .eab_unasked = nth == 0, /* one key id cannot be of several CAs */
        .agree_tos = spec->agree_tos,
        .check = use == AUTHORITY_FOR_ACCOUNT || use == AUTHORITY_FOR_CHANGE,
        .may_register = use != AUTHORITY_FOR_CHANGE,
    };
    if (run_now(authority->run) < CLOCK_EARLIEST) {
        (void)fail(err, ERR_CONFIG, "this machine's clock is before 2026");
        return with_hint(err, "set the clock, then run it again; nothing was ordered");
    }
    return enrol_new(authority->run, &wish, &authority->enrol, err);
}

static struct authority *find(struct run *run, const struct cert_spec *spec, size_t nth)
{
    const char *url = authority_url_for(run, &spec->cas[nth]);
    for (struct authority *a = run->authorities; a != NULL; a = a->next)
        if (is_same(a->directory_url, url) && is_same(a->account, spec->account))
            return a;
    return NULL;
}

void authorities_blame(struct run *run, const struct cert_spec *spec, size_t nth)
{
    for (size_t i = 0; i <= nth; i++) {
        struct authority *authority = find(run, spec, i);
        if (authority != NULL)
            authority->blamed = true;
    }
}

static void put_to_use(struct authority *authority, enum authority_use use)
{
    authority->wants_account |= use != AUTHORITY_FOR_DIRECTORY;
    if (authority->step == AUTHORITY_KNOWN && authority->wants_account)
        start_account(authority);
}

struct authority *authority_get(struct run *run, const struct cert_spec *spec, size_t nth,
                                enum authority_use use)
{
    const char *url = authority_url_for(run, &spec->cas[nth]);
    struct authority *authority = find(run, spec, nth);
    if (authority != NULL) {
        put_to_use(authority, use);
        return authority;
    }
    authority = mem_new(1, sizeof *authority);
    authority->run = run;
    authority->directory_url = mem_strdup(url);
    authority->account = mem_strdup(spec->account);
    authority->staging = run->settings->dry_run && spec->cas[nth].staging_url != NULL;
    authority->wants_account = use != AUTHORITY_FOR_DIRECTORY;
    struct authority **end = &run->authorities;
    while (*end != NULL)
        end = &(*end)->next;
    *end = authority;

    struct error err = {0};
    if (!open_account(authority, spec, nth, use, &err)) {
        authority_fail(authority, &err);
        return authority;
    }
    authority->session = session_new(url, enrol_key(authority->enrol));
    if (authority->session == NULL) {
        (void)fail(&err, ERR_USAGE, "'%s' is not the URL of an ACME directory",
                   escaped_str(url).text);
        (void)with_hint(&err, "it begins with https://");
        authority_fail(authority, &err);
        return authority;
    }
    authority->lane = lane_new(run->exchanges, authority->session);
    start(authority);
    return authority;
}

void authorities_free(struct run *run)
{
    while (run->authorities != NULL) {
        struct authority *authority = run->authorities;
        run->authorities = authority->next;
        session_free(authority->session);
        enrol_free(authority->enrol);
        free(authority->directory_url);
        free(authority->account);
        free(authority);
    }
}

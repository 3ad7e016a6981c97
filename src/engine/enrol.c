#include <acmec/engine/enrol.h>

#include <acmec/acme/problem.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>

struct enrol {
    struct run *run;
    char *directory_url, *account, *email, *eab_kid, *eab_hmac_key_file;
    bool eab_unasked, agree_tos, check, may_register;
    bool dry_run; /* the account lives in the folder of dry runs */
    bool keep;    /* a dry run at the CA itself: its account stays as it is stored */
    struct key *key, *next_key;
    struct stored_account stored;
    struct lock change;
    struct session *session;
    struct lane *lane;
    struct enrol_listener listener;
    struct eab eab;
    bool bound, finding_next;
    struct account_reply reply;
};

void enrol_free(struct enrol *enrol)
{
    if (enrol == NULL)
        return;
    key_free(enrol->key);
    key_free(enrol->next_key);
    lock_release(&enrol->change);
    stored_account_release(&enrol->stored);
    account_reply_release(&enrol->reply);
    eab_release(&enrol->eab);
    free(enrol->directory_url);
    free(enrol->account);
    free(enrol->email);
    free(enrol->eab_kid);
    free(enrol->eab_hmac_key_file);
    free(enrol);
}

const struct key *enrol_key(const struct enrol *enrol)
{
    return enrol->key;
}

const struct stored_account *enrol_stored(const struct enrol *enrol)
{
    return &enrol->stored;
}

const char *enrol_account(const struct enrol *enrol)
{
    return enrol->account;
}

const char *enrol_directory_url(const struct enrol *enrol)
{
    return enrol->directory_url;
}

const struct account_reply *enrol_reply(const struct enrol *enrol)
{
    return &enrol->reply;
}

const struct key *enrol_next_key(const struct enrol *enrol)
{
    return enrol->next_key;
}

/* ---- what is stored ---- */

static void forget(struct enrol *enrol)
{
    key_free(enrol->key);
    key_free(enrol->next_key);
    enrol->key = enrol->next_key = NULL;
    stored_account_release(&enrol->stored);
}

static bool load(struct enrol *enrol, struct error *err)
{
    struct store *store = enrol->run->store;
    bool found;
    forget(enrol);
    return store_read_account(store, enrol->directory_url, enrol->account, enrol->dry_run,
                              &enrol->key, &enrol->stored, &found, err) &&
           (!found || store_read_next_key(store, enrol->directory_url, enrol->account,
                                          enrol->dry_run, &enrol->next_key, err));
}

/* A dry run keeps its own account (agreed terms at the CA itself cover it); only where the CA has
 * no staging service, an account that is there already is used as it is. */
static bool load_for_dry_run(struct enrol *enrol, const char *production_url, struct error *err)
{
    struct stored_account *stored = &enrol->stored;
    bool staging = strcmp(enrol->directory_url, production_url) != 0;
    bool found;
    if (!store_read_account(enrol->run->store, production_url, enrol->account, false, &enrol->key,
                            stored, &found, err))
        return false;
    bool agreed = stored->url != NULL;
    enrol->keep = agreed && !staging;
    enrol->dry_run = !enrol->keep;
    enrol->agree_tos = enrol->agree_tos || agreed;
    return load(enrol, err);
}

static bool is_none(const struct enrol *enrol, struct error *err)
{
    (void)fail(err, ERR_USAGE, "there is no account '%s' at %s", enrol->account,
               escaped_str(enrol->directory_url).text);
    return with_hint(err, "'acmec account show' lists what there is, 'acmec account register' "
                          "makes one");
}

bool enrol_new(struct run *run, const struct enrol_wish *wish, struct enrol **out,
               struct error *err)
{
    struct enrol *enrol = mem_new(1, sizeof *enrol);
    *enrol = (struct enrol){
        .run = run,
        .directory_url = mem_strdup(wish->directory_url),
        .account = mem_strdup(wish->account),
        .email = mem_strdup(wish->email),
        .eab_kid = mem_strdup(wish->eab_kid),
        .eab_hmac_key_file = mem_strdup(wish->eab_hmac_key_file),
        .eab_unasked = wish->eab_unasked,
        .agree_tos = wish->agree_tos,
        .check = wish->check,
        .may_register = wish->may_register,
        .change = {.fd = -1},
    };
    bool good = crypto_start(err) &&
                (run->settings->dry_run ? load_for_dry_run(enrol, wish->production_url, err)
                                        : load(enrol, err)) &&
                (enrol->may_register || enrol->key != NULL || is_none(enrol, err));
    if (good)
        *out = enrol;
    else
        enrol_free(enrol);
    return good;
}

/* ---- writing ---- */

static void set_text(char **member, const char *text)
{
    char *copy = mem_strdup(text);
    free(*member);
    *member = copy;
}

static bool write_stored(struct enrol *enrol, struct error *err)
{
    AUTO(lock) lock = {.fd = -1};
    struct store *store = enrol->run->store;
    if (enrol->keep)
        return true;
    set_text(&enrol->stored.directory_url, enrol->directory_url);
    set_text(&enrol->stored.caa, session_caa_identities(enrol->session));
    return store_lock_accounts(store, &lock, err) &&
           store_write_account(store, enrol->account, enrol->dry_run, &enrol->stored, err);
}

bool enrol_note(struct enrol *enrol, const char *contact, enum account_status status,
                struct error *err)
{
    if (contact != NULL)
        set_text(&enrol->stored.contact, contact[0] == '\0' ? NULL : contact);
    set_text(&enrol->stored.status, account_status_word(status));
    return write_stored(enrol, err);
}

/* The account's key is on disk before the CA hears of it: a lost reply, or a second acmec, finds
 * the same account again by the same key (RFC 8555 section 7.3.1). */
static bool make_key(struct enrol *enrol, struct error *err)
{
    struct store *store = enrol->run->store;
    AUTO(lock) lock = {.fd = -1};
    struct key *key = NULL;
    if (!store_prepare(store, err) || !store_lock_accounts(store, &lock, err) || !load(enrol, err))
        return false;
    if (enrol->key != NULL)
        return true;
    if (!key_generate(KEY_ECDSA_P256, &key, err) ||
        !store_write_account_key(store, enrol->directory_url, enrol->account, enrol->dry_run, key,
                                 err)) {
        key_free(key);
        return false;
    }
    enrol->key = key;
    return true;
}

bool enrol_offer_key(struct enrol *enrol, struct key *next, struct error *err)
{
    if (!store_write_next_key(enrol->run->store, enrol->directory_url, enrol->account, next, err)) {
        key_free(next);
        return false;
    }
    enrol->next_key = next;
    return true;
}

bool enrol_take_next_key(struct enrol *enrol, struct error *err)
{
    if (!enrol->keep &&
        !store_promote_next_key(enrol->run->store, enrol->directory_url, enrol->account, err))
        return false;
    session_set_key(enrol->session, enrol->next_key);
    key_free(enrol->key);
    enrol->key = enrol->next_key;
    enrol->next_key = NULL;
    return true;
}

bool enrol_set_next_key_aside(struct enrol *enrol, struct error *err)
{
    if (!enrol->keep &&
        !store_set_next_key_aside(enrol->run->store, enrol->directory_url, enrol->account, err))
        return false;
    session_set_key(enrol->session, enrol->key);
    key_free(enrol->next_key);
    enrol->next_key = NULL;
    return true;
}

/* ---- asking the CA ---- */

static void go_on(struct enrol *enrol);
static bool build(void *owner, size_t tag, struct http_request *out, struct error *err);
static void reply(void *owner, size_t tag, const struct http_response *response);
static void lost(void *owner, size_t tag, const struct error *error, bool unreachable);
static const struct exchange_ops ops = {build, reply, lost};

static void end(struct enrol *enrol, const struct error *error)
{
    lock_release(&enrol->change);
    enrol->listener.done(enrol->listener.ctx, error);
}

static void ask(struct enrol *enrol, enum account_step step)
{
    struct exchange_request request = {.ops = &ops,
                                       .owner = enrol,
                                       .tag = step,
                                       .what = account_step_text(step),
                                       .is_signed = true};
    exchange_start(enrol->lane, &request);
}

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    const struct enrol *enrol = owner;
    const struct account_wish wish = {
        .emails = enrol->email,
        .agree_to_terms = true,
        .eab = enrol->bound ? &enrol->eab : NULL,
    };
    return account_request(enrol->session, (enum account_step)tag, &wish, run_now_ms(enrol->run),
                           out, err);
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    (void)tag;
    (void)unreachable;
    end(owner, error);
}

/* ---- registering ---- */

/* Whether the CA's terms may be agreed to: by option, by an earlier agreement, or by a person. */
static bool agree(const struct enrol *enrol, struct error *err)
{
    const struct engine_questions *questions = &enrol->run->settings->questions;
    const char *terms = session_terms_url(enrol->session);
    if (terms == NULL || enrol->agree_tos)
        return true;
    if (questions->confirm != NULL) {
        AUTO_FREE question = mem_printf("Do you agree to the CA's terms of service at %s?", terms);
        if (questions->confirm(questions->ctx, question))
            return true;
    }
    (void)fail(err, ERR_USAGE, "the CA's terms of service are not agreed to: %s", terms);
    return with_hint(err, "read them, then say --agree-tos (or agree-tos = yes in acmec.conf)");
}

static bool read_eab(struct enrol *enrol, struct error *err)
{
    AUTO(buf) text = SECRET_BUF(EAB_TEXT_MAX);
    const char *path = enrol->eab_hmac_key_file;
    if (enrol->eab_kid == NULL || path == NULL) {
        (void)fail(err, ERR_USAGE, "this CA wants an external account binding");
        return with_hint(err, "it gives a key id and an HMAC key to those who have an account "
                              "there: --eab-kid KID --eab-hmac-key-file FILE");
    }
    if (!file_read(path, &text, NULL, err))
        return while_doing(err, "--eab-hmac-key-file");
    if (!eab_read(enrol->eab_kid, buf_span(&text), &enrol->eab, err))
        return while_doing(err, "--eab-hmac-key-file: '%s'", path);
    enrol->bound = true;
    return true;
}

static bool begin_registration(struct enrol *enrol, struct error *err)
{
    const struct engine_questions *questions = &enrol->run->settings->questions;
    bool given = enrol->eab_kid != NULL && enrol->eab_unasked;
    if (!enrol->may_register && enrol->stored.url != NULL) {
        (void)fail(err, ERR_REFUSED, "the CA no longer knows the account '%s'", enrol->account);
        return with_hint(err, "'acmec account register' registers its key again");
    }
    if (!enrol->may_register)
        return is_none(enrol, err);
    if ((given || session_needs_eab(enrol->session)) && !read_eab(enrol, err))
        return false;
    if (!agree(enrol, err))
        return false;
    if (enrol->email == NULL && enrol->stored.contact != NULL)
        enrol->email = mem_strdup(enrol->stored.contact);
    if (enrol->email == NULL && enrol->key == NULL && questions->line != NULL)
        enrol->email = questions->line(questions->ctx,
                                       "E-mail address for the CA's messages (empty for none)");
    if (enrol->key == NULL && !make_key(enrol, err))
        return false;
    session_set_key(enrol->session, enrol->key);
    ask(enrol, ACCOUNT_REGISTER);
    return true;
}

/* ---- replies ---- */

static bool is_problem(const struct problem *problem, const char *suffix)
{
    return strcmp(problem->suffix, suffix) == 0;
}

/* Says whose refusal it is, unless a person has to do something anyway. */
static void end_refused(struct enrol *enrol, enum account_step step, struct error *err)
{
    if (err->code != ERR_USAGE && err->code != ERR_CONFIG && err->code != ERR_FILES)
        (void)while_doing(err, "%s", account_step_text(step));
    end(enrol, err);
}

static void refused(struct enrol *enrol, enum account_step step, struct problem *problem)
{
    struct error err = {0};
    bool unknown = step == ACCOUNT_FIND && is_problem(problem, "accountDoesNotExist");
    if (unknown && enrol->finding_next) {
        enrol->finding_next = false;
        log_info("the CA does not know the next key of account '%s': it stays with its old one",
                 enrol->account);
        if (enrol_set_next_key_aside(enrol, &err))
            go_on(enrol);
        else
            end(enrol, &err);
    } else if (unknown) {
        if (!begin_registration(enrol, &err))
            end(enrol, &err);
    } else if (step == ACCOUNT_REGISTER && !enrol->bound && enrol->eab_kid != NULL &&
               is_problem(problem, "externalAccountRequired")) {
        /* Some CAs want it, though their directory denies it. */
        if (read_eab(enrol, &err))
            ask(enrol, ACCOUNT_REGISTER);
        else
            end(enrol, &err);
    } else {
        if (step == ACCOUNT_FIND && is_problem(problem, "unauthorized"))
            (void)with_hint(&problem->error, "--account NAME registers another account");
        end_refused(enrol, step, &problem->error);
    }
}

/* The next key has an account: it is ours, and the key change is over. */
static bool settle_next_key(struct enrol *enrol, struct error *err)
{
    enrol->finding_next = false;
    if (enrol->stored.url != NULL && strcmp(enrol->stored.url, enrol->reply.url) != 0)
        return fail(err, ERR_CONFIG, "key.next.pem of account '%s' is the key of another account",
                    enrol->account);
    log_info("account '%s' has its next key: the key change is over", enrol->account);
    return enrol_take_next_key(enrol, err);
}

static bool take_account(struct enrol *enrol, enum account_step step,
                         const struct http_response *response, struct error *err)
{
    struct account_reply account = {0};
    if (!account_read(enrol->session, step, response, &account, err))
        return false;
    account_reply_release(&enrol->reply);
    enrol->reply = account;
    if (enrol->finding_next && !settle_next_key(enrol, err))
        return false;
    set_text(&enrol->stored.url, account.url);
    const char *contact = step == ACCOUNT_REGISTER ? enrol->email : account.contact;
    if (step == ACCOUNT_REGISTER)
        set_text(&enrol->stored.terms_url, session_terms_url(enrol->session));
    return enrol_note(enrol, contact, account.status, err) &&
           account_is_usable(account.status, err);
}

static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct enrol *enrol = owner;
    enum account_step step = (enum account_step)tag;
    struct error err = {0};
    if (response->status < 200 || response->status > 299) {
        struct problem problem;
        problem_read(response, NULL, run_now(enrol->run), &problem);
        refused(enrol, step, &problem);
    } else if (take_account(enrol, step, response, &err)) {
        end(enrol, NULL);
    } else {
        end_refused(enrol, step, &err);
    }
}

/* ---- the way ---- */

/* Which key the CA knows is found out by one acmec at a time; what is stored is read again, since
 * another may have found it out meanwhile. */
static bool begin_next_key(struct enrol *enrol, struct error *err)
{
    if (!enrol->keep && !store_lock_account_change(enrol->run->store, &enrol->change, err))
        return false;
    if (!load(enrol, err))
        return false;
    if (enrol->next_key == NULL) {
        session_set_key(enrol->session, enrol->key);
        go_on(enrol);
        return true;
    }
    enrol->finding_next = true;
    session_set_key(enrol->session, enrol->next_key);
    ask(enrol, ACCOUNT_FIND);
    return true;
}

static bool is_stored_usable(const struct enrol *enrol, struct error *err)
{
    for (enum account_status status = 0; status < ACCOUNT_STATUS_COUNT; status++)
        if (enrol->stored.status != NULL &&
            strcmp(enrol->stored.status, account_status_word(status)) == 0)
            return account_is_usable(status, err) ||
                   while_doing(err, "account '%s'", enrol->account);
    return true;
}

static bool step(struct enrol *enrol, struct error *err)
{
    if (enrol->next_key != NULL)
        return begin_next_key(enrol, err);
    if (enrol->stored.url != NULL && !enrol->check) {
        if (!is_stored_usable(enrol, err) ||
            !session_set_account(enrol->session, enrol->stored.url, err))
            return false;
        end(enrol, NULL);
        return true;
    }
    if (enrol->key == NULL)
        return begin_registration(enrol, err);
    ask(enrol, ACCOUNT_FIND);
    return true;
}

static void go_on(struct enrol *enrol)
{
    struct error err = {0};
    if (!step(enrol, &err))
        end(enrol, &err);
}

void enrol_start(struct enrol *enrol, struct session *session, struct lane *lane,
                 const struct enrol_listener *listener)
{
    enrol->session = session;
    enrol->lane = lane;
    enrol->listener = *listener;
    go_on(enrol);
}

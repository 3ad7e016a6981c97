#include <acmec/engine/account_act.h>

#include <acmec/acme/caa.h>
#include <acmec/acme/problem.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/enrol.h>
#include <acmec/engine/keygen.h>
#include <acmec/engine/world.h>

#define CAA_RECORD_MAX 4096

/* One exchange about the account, and what came of it. */
struct talk {
    struct run *run;
    struct authority *authority;
    struct account_wish wish;
    bool over, good, unknown; /* unknown: the CA knows no account of the key */
    struct error error;
    struct account_reply reply;
    struct account_orders *orders; /* where its reply goes; NULL: no page is asked for */
    char *next_page;
    struct keygen *keygen; /* waits for its child */
};

void account_view_release(struct account_view *view)
{
    free(view->ca);
    free(view->account);
    free(view->url);
    free(view->status);
    free(view->contact);
    free(view->thumbprint);
    for (size_t i = 0; i < view->caa_count; i++)
        free(view->caa[i]);
    free(view->caa);
    for (size_t i = 0; i < view->order_count; i++)
        free(view->orders[i]);
    free(view->orders);
    *view = (struct account_view){0};
}

void account_view_add_caa(struct account_view *view, const char *identities)
{
    AUTO(buf) record = BUF(CAA_RECORD_MAX);
    while (view->url != NULL && caa_write_record(identities, view->caa_count, view->url, &record) &&
           buf_ok(&record)) {
        view->caa = mem_resize(view->caa, view->caa_count + 1, sizeof *view->caa);
        view->caa[view->caa_count++] = mem_strdup(buf_str(&record));
        buf_clear(&record);
    }
}

/* ---- talking ---- */

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    struct talk *talk = owner;
    return account_request(authority_session(talk->authority), (enum account_step)tag, &talk->wish,
                           run_now_ms(talk->run), out, err);
}

static void reply(void *owner, size_t tag, const struct http_response *response)
{
    struct talk *talk = owner;
    struct session *session = authority_session(talk->authority);
    talk->over = true;
    if (response->status < 200 || response->status > 299) {
        struct problem problem;
        problem_read(response, NULL, run_now(talk->run), &problem);
        talk->error = problem.error;
        talk->unknown = strcmp(problem.suffix, "accountDoesNotExist") == 0;
        (void)while_doing(&talk->error, "%s", account_step_text((enum account_step)tag));
    } else if (talk->orders != NULL) {
        talk->good = account_read_orders(session, talk->wish.orders_url, response, talk->orders,
                                         &talk->next_page, &talk->error);
    } else {
        talk->good =
            account_read(session, (enum account_step)tag, response, &talk->reply, &talk->error);
    }
}

static void lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct talk *talk = owner;
    (void)tag;
    (void)unreachable;
    talk->over = true;
    talk->error = *error;
}

static void wait_once(struct talk *talk)
{
    struct event event = {0};
    world_wait(talk->run, INT64_MAX, &event);
    if (event.kind == EVENT_CHILD && talk->keygen != NULL)
        (void)keygen_take(talk->keygen, &event);
    else if (event.kind == EVENT_SIGNAL)
        talk->run->stop_signal = event.signal;
    event_release(&event);
}

/* One exchange to its end. False: talk->error, or a signal. */
static bool say(struct talk *talk, enum account_step step)
{
    static const struct exchange_ops ops = {build, reply, lost};
    struct exchange_request request = {.ops = &ops,
                                       .owner = talk,
                                       .tag = step,
                                       .what = account_step_text(step),
                                       .is_signed = true};
    talk->over = talk->good = talk->unknown = false;
    account_reply_release(&talk->reply);
    exchange_start(authority_lane(talk->authority), &request);
    while (!talk->over && world_goes_on(talk->run, &talk->error))
        wait_once(talk);
    exchanges_cancel(talk->run->exchanges, talk);
    return talk->good;
}

/* Brings the account up. */
static bool meet(struct talk *talk, struct error *err)
{
    while (!authority_is_ready(talk->authority) && authority_error(talk->authority) == NULL)
        if (world_goes_on(talk->run, err))
            wait_once(talk);
        else
            return false;
    const struct error *error = authority_error(talk->authority);
    if (error != NULL)
        *err = *error;
    return error == NULL;
}

/* ---- the acts ---- */

static bool ask_orders(struct talk *talk, struct account_view *view, struct error *err)
{
    struct account_orders orders = {0};
    AUTO_FREE url = mem_strdup(enrol_reply(authority_enrol(talk->authority))->orders_url);
    bool good = url != NULL;
    (void)err;
    talk->orders = &orders;
    while (good && url != NULL) {
        talk->wish.orders_url = url;
        good = say(talk, ACCOUNT_ORDERS);
        free(url);
        url = talk->next_page;
        talk->next_page = NULL;
    }
    talk->orders = NULL;
    view->orders = orders.urls;
    view->order_count = orders.count;
    view->has_orders = good;
    if (!good && talk->error.code != ERR_NONE)
        log_info("%s", talk->error.text);
    return true;
}

static bool be_registered(struct talk *talk, struct account_view *view, struct error *err)
{
    (void)talk;
    (void)view;
    (void)err;
    return true;
}

static bool update(struct talk *talk, struct account_view *view, struct error *err)
{
    (void)view;
    if (!say(talk, ACCOUNT_UPDATE)) {
        *err = talk->error;
        return false;
    }
    return enrol_note(authority_enrol(talk->authority), talk->wish.emails, talk->reply.status, err);
}

static bool deactivate(struct talk *talk, struct account_view *view, struct error *err)
{
    (void)view;
    if (!say(talk, ACCOUNT_DEACTIVATE)) {
        *err = talk->error;
        return false;
    }
    return enrol_note(authority_enrol(talk->authority), NULL, ACCOUNT_IS_DEACTIVATED, err);
}

/* ---- the key change ---- */

static bool make_next_key(struct talk *talk, struct error *err)
{
    struct enrol *enrol = authority_enrol(talk->authority);
    struct keygen keygen;
    keygen_start(&keygen, talk->run, key_get_type(enrol_key(enrol)));
    talk->keygen = &keygen;
    while (!keygen.over && world_goes_on(talk->run, &keygen.error))
        wait_once(talk);
    talk->keygen = NULL;
    struct key *key = keygen.key;
    keygen.key = NULL;
    keygen_release(&keygen);
    if (key != NULL)
        return enrol_offer_key(enrol, key, err);
    *err = keygen.error;
    return false;
}

/* The change was refused, or its reply was lost: which key does the CA know? */
static bool settle(struct talk *talk, struct error *err)
{
    struct enrol *enrol = authority_enrol(talk->authority);
    struct error ignored = {0};
    AUTO_FREE own = mem_strdup(authority_account_url(talk->authority));
    *err = talk->error;
    if (err->code == ERR_INTERRUPTED || err->code == ERR_TERMINATED)
        return false;
    session_set_key(authority_session(talk->authority), enrol_next_key(enrol));
    bool found = say(talk, ACCOUNT_FIND);
    if (found && strcmp(talk->reply.url, own) == 0)
        return enrol_take_next_key(enrol, err);
    if (found || talk->unknown) {
        if (!enrol_set_next_key_aside(enrol, &ignored))
            log_warn("%s", ignored.text);
        return false;
    }
    return with_hint(err, "whether the CA has changed the key is not known: the next run asks");
}

static bool roll_over(struct talk *talk, struct account_view *view, struct error *err)
{
    struct enrol *enrol = authority_enrol(talk->authority);
    struct session *session = authority_session(talk->authority);
    AUTO(lock) lock = {.fd = -1};
    (void)view;
    if (session_endpoint(session, ROLE_KEY_CHANGE) == NULL)
        return fail(err, ERR_REFUSED, "this CA does not offer to change an account's key");
    if (!store_lock_account_change(talk->run->store, &lock, err) || !make_next_key(talk, err))
        return false;
    talk->wish.new_key = enrol_next_key(enrol);
    bool good = say(talk, ACCOUNT_ROLLOVER) ? enrol_take_next_key(enrol, err) : settle(talk, err);
    if (good && session_account_hash_prefix(session) != NULL)
        run_progress(talk->run, PROGRESS_NOTICE, "",
                     "DNS records for dns-persist-01 name the account's key at this CA: "
                     "'acmec dns-persist show' has the new ones");
    return good;
}

/* ---- the table of acts ---- */

static const struct act {
    enum authority_use use;
    bool (*run)(struct talk *talk, struct account_view *view, struct error *err);
    bool confirmed; /* by a person, or --yes */
} acts[] = {
    [ACCOUNT_ACT_ASK] = {AUTHORITY_FOR_CHANGE, ask_orders, false},
    [ACCOUNT_ACT_REGISTER] = {AUTHORITY_FOR_ACCOUNT, be_registered, false},
    [ACCOUNT_ACT_UPDATE] = {AUTHORITY_FOR_CHANGE, update, false},
    [ACCOUNT_ACT_ROLLOVER] = {AUTHORITY_FOR_CHANGE, roll_over, false},
    [ACCOUNT_ACT_DEACTIVATE] = {AUTHORITY_FOR_CHANGE, deactivate, true},
};

static bool is_confirmed(const struct run *run, const struct cert_spec *spec, struct error *err)
{
    const struct engine_questions *questions = &run->settings->questions;
    AUTO_FREE question = mem_printf("Deactivate the account '%s' at %s for ever?", spec->account,
                                    spec->cas[0].directory_url);
    if (run->settings->yes ||
        (questions->confirm != NULL && questions->confirm(questions->ctx, question)))
        return true;
    (void)fail(err, ERR_USAGE, "the account '%s' at %s would be deactivated for ever",
               spec->account, spec->cas[0].directory_url);
    return with_hint(err, "say --yes if that is what you want; no certificate can be renewed or "
                          "ordered with it then");
}

static void fill(struct talk *talk, struct account_view *view)
{
    const struct enrol *enrol = authority_enrol(talk->authority);
    AUTO(buf) thumbprint = BUF(256);
    struct error ignored = {0};
    if (enrol == NULL)
        return;
    const struct stored_account *stored = enrol_stored(enrol);
    view->ca = mem_strdup(enrol_directory_url(enrol));
    view->account = mem_strdup(enrol_account(enrol));
    view->url = mem_strdup(stored->url);
    view->status = mem_strdup(stored->status);
    view->contact = mem_strdup(stored->contact);
    account_view_add_caa(view, stored->caa);
    if (enrol_key(enrol) != NULL && key_thumbprint(enrol_key(enrol), &thumbprint, &ignored))
        view->thumbprint = buf_take(&thumbprint);
}

/* What is stored is an answer, too, where the CA gives none, or no better one. */
static bool is_answered(const struct run *run, const struct account_view *view, struct error *err)
{
    bool silent = err->code == ERR_NETWORK || err->code == ERR_RATE_LIMITED;
    bool over =
        view->status != NULL && strcmp(view->status, account_status_word(ACCOUNT_IS_VALID)) != 0;
    if (view->url == NULL || run->stop_signal != 0 || !(silent || over))
        return false;
    run_progress(run, PROGRESS_NOTICE, "", "shown as stored: %s", err->text);
    return true;
}

bool account_act(struct run *run, enum account_act act, const struct cert_spec *spec,
                 struct account_view *view, struct error *err)
{
    if ((acts[act].confirmed && !is_confirmed(run, spec, err)) ||
        !world_open(run, spec->ca_bundle, spec->proxy, err))
        return false;
    run->orders_wanted = 1;
    struct talk talk = {
        .run = run,
        .authority = authority_get(run, spec, 0, acts[act].use),
        .wish = {.emails = spec->email},
    };
    bool good = meet(&talk, err) && acts[act].run(&talk, view, err);
    fill(&talk, view);
    if (!good && act == ACCOUNT_ACT_ASK)
        good = is_answered(run, view, err);
    account_reply_release(&talk.reply);
    world_close(run);
    return good;
}

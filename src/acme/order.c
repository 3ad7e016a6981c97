#include <acmec/acme/order.h>

#include <acmec/acme/alternates.h>
#include <acmec/acme/course.h>
#include <acmec/acme/payload.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/csr.h>
#include <acmec/data/pem.h>
#include <stdio.h>

#define TIMEOUT_DEFAULT_MS (5 * 60 * 1000)

#define STEP_AS_TEXT(id, text) text,
static const char *const step_texts[] = {ORDER_STEPS(STEP_AS_TEXT)};
#undef STEP_AS_TEXT

struct order {
    struct session *session;
    struct identifier_list names;
    const char **challenge_types; /* one for each name */
    struct proofs *proofs;
    struct course course;
    bool sent; /* a request for the order as a whole is under way */
    enum order_step sent_step;
    char *url;
    char *finalize;
    char *certificate;
    char *profile;
    struct demand demand;
    struct buf csr; /* DER */
    struct alternates alternates;
    bool limited;
    enum limit_scope scope;
    bool account_refused;
    struct identifier_list refused_names;
};

const char *order_step_text(enum order_step step)
{
    return step_texts[step];
}

/* ---- life ---- */

struct order *order_new(struct session *session, const struct order_wish *wish)
{
    struct order *order = mem_new(1, sizeof *order);
    order->session = session;
    identifier_list_copy(wish->names, &order->names);
    order->challenge_types = mem_new(order->names.count + 1, sizeof *order->challenge_types);
    for (size_t i = 0; i < order->names.count; i++)
        order->challenge_types[i] = wish->challenge_types[i];
    struct challenge_plan plan = {&order->names, order->challenge_types};
    order->proofs = proofs_new(session, &plan);
    order->course = (struct course){
        .phase = PHASE_CREATE,
        .proofs = order->proofs,
        .pace = {.timeout_ms = wish->timeout_ms > 0 ? wish->timeout_ms : TIMEOUT_DEFAULT_MS},
        .watched = wish->watched,
        .fresh = wish->fresh_proof,
    };
    if (wish->demand != NULL)
        demand_copy(wish->demand, &order->demand);
    order->alternates.wanted = mem_strdup(wish->preferred_chain);
    order->csr = BUF(CSR_DER_MAX);
    return order;
}

struct order *order_resume(struct session *session, const struct order_wish *wish, const char *url)
{
    struct order *order = order_new(session, wish);
    struct error error = {0};
    order->course.resumed = true;
    order->course.phase = PHASE_RESUME;
    order->url = mem_strdup(url);
    if (!session_bind(session, ROLE_ORDER, url, &error))
        course_give_up(&order->course, &error, true);
    return order;
}

void order_free(struct order *order)
{
    if (order == NULL)
        return;
    proofs_free(order->proofs);
    free(order->challenge_types);
    identifier_list_release(&order->names);
    identifier_list_release(&order->refused_names);
    demand_release(&order->demand);
    alternates_release(&order->alternates);
    buf_release(&order->csr);
    free(order->url);
    free(order->finalize);
    free(order->certificate);
    free(order->profile);
    free(order);
}

static void replace(char **member, const char *text)
{
    char *copy = mem_strdup(text);
    free(*member);
    *member = copy;
}

/* ---- replies: read_* takes a wanted one, refuse_* any other ---- */

/* RFC 8555 section 7.1.3: the list never changes; but it may be left out later. */
static bool take_authorizations(struct order *order, const struct order_object *object,
                                struct error *err)
{
    size_t count = object->authorization_count;
    if (proofs_count(order->proofs) == 0)
        proofs_begin(order->proofs, object->authorizations, count, order->course.fresh);
    bool same = count == 0 || count == proofs_count(order->proofs);
    for (size_t i = 0; i < count; i++)
        same = same && proofs_has(order->proofs, object->authorizations[i]);
    return same || fail(err, ERR_REFUSED, "the order's authorizations have changed");
}

static bool read_order(struct order *order, const struct incoming *in, struct error *err)
{
    AUTO(order_object) object = {0};
    if (!order_object_read(order->session, in->response, &order->names,
                           course_is_new(&order->course), &object, err) ||
        !take_authorizations(order, &object, err))
        return false;
    if (object.finalize != NULL)
        replace(&order->finalize, object.finalize);
    if (object.certificate != NULL)
        replace(&order->certificate, object.certificate);
    if (object.profile != NULL)
        replace(&order->profile, object.profile);
    return course_follow(&order->course, &object, in, err);
}

static bool read_new_order(struct order *order, const struct incoming *in, struct error *err)
{
    struct span location;
    if (!http_header_get(in->response, "Location", 0, &location) || location.len == 0)
        return fail(err, ERR_NETWORK, "the CA does not say where the order is");
    AUTO_FREE url = mem_strndup(location.ptr, location.len);
    if (!session_bind(order->session, ROLE_ORDER, url, err))
        return false;
    replace(&order->url, url);
    return read_order(order, in, err);
}

static bool read_authorization(struct order *order, const struct incoming *in, struct error *err)
{
    /* Before our answer a Retry-After cannot speak about the proof. */
    if (order->course.proving_ms != 0)
        pace_postpone(&order->course.pace, in->response, in->now, in->now_ms);
    return proofs_read(order->proofs, in->index, in->response, err);
}

/* Whatever the CA says: one that keeps its proof shows in order_reused_proof. */
static bool read_deactivated(struct order *order, const struct incoming *in, struct error *err)
{
    (void)err;
    proofs_deactivated(order->proofs, in->index);
    return true;
}

static bool read_answer(struct order *order, const struct incoming *in, struct error *err)
{
    (void)err;
    pace_postpone(&order->course.pace, in->response, in->now, in->now_ms);
    proofs_responded(order->proofs, in->index, in->response);
    return true;
}

static void refuse(struct order *order, const struct incoming *in, const struct problem *problem)
{
    if (problem->code != ERR_RATE_LIMITED)
        problem_names(in->response, &order->names, &order->refused_names);
    order->limited = problem->code == ERR_RATE_LIMITED;
    order->scope = problem->scope;
    course_give_up(&order->course, &problem->error, problem->code == ERR_REFUSED);
}

/* Whether a new order is made without what this refusal may have been about. */
static bool begin_anew(struct order *order, const struct problem *problem)
{
    if (!demand_yield(&order->demand, problem))
        return false;
    replace(&order->finalize, NULL);
    replace(&order->certificate, NULL);
    replace(&order->profile, NULL);
    course_restart(&order->course);
    return true;
}

static void refuse_new_order(struct order *order, const struct incoming *in,
                             const struct problem *problem)
{
    if (begin_anew(order, problem))
        return;
    order->account_refused = problem->about_account;
    refuse(order, in, problem);
}

static void refuse_answer(struct order *order, const struct incoming *in,
                          const struct problem *problem)
{
    if (strcmp(problem->suffix, "malformed") == 0)
        proofs_response_refused(order->proofs, in->index, &problem->error);
    else
        refuse(order, in, problem);
}

static bool read_examined(struct order *order, const struct incoming *in, struct error *err)
{
    (void)err;
    proofs_examined(order->proofs, in->index, in->response);
    return true;
}

/* The order lags behind its authorizations, or was finalized by a request whose reply was lost. */
static void refuse_finalize(struct order *order, const struct incoming *in,
                            const struct problem *problem)
{
    if (strcmp(problem->suffix, "orderNotReady") == 0)
        course_ask_later(&order->course, PHASE_PROVE, in);
    else if (strcmp(problem->suffix, "invalidProfile") != 0 || !begin_anew(order, problem))
        refuse(order, in, problem);
}

static bool read_certificate(struct order *order, const struct incoming *in, struct error *err)
{
    struct span body = buf_span(&in->response->body);
    AUTO(pem_list) list = {0};
    if (body.len > PEM_CHAIN_MAX)
        return fail(err, ERR_REFUSED, "the chain is larger than %d bytes", PEM_CHAIN_MAX);
    if (!pem_parse_chain(body, ERR_NETWORK, &list, err))
        return while_doing(err, "the chain that the CA sent");
    alternates_begin(&order->alternates, order->session, order->certificate, in->response);
    order->course.phase = alternates_url(&order->alternates) == NULL ? PHASE_DONE : PHASE_CHOOSE;
    return true;
}

static void take_alternate(struct order *order, const struct http_response *response)
{
    alternates_take(&order->alternates, response);
    if (alternates_url(&order->alternates) == NULL)
        order->course.phase = PHASE_DONE;
}

/* Whatever the CA says: without it there is the chain that came first. */
static bool read_alternate(struct order *order, const struct incoming *in, struct error *err)
{
    (void)err;
    take_alternate(order, in->response);
    return true;
}

static void refuse_certificate(struct order *order, const struct incoming *in,
                               const struct problem *problem)
{
    if (problem->status == 202 || problem->status == 404)
        course_ask_later(&order->course, PHASE_DOWNLOAD, in);
    else
        refuse(order, in, problem);
}

/* ---- the step table ---- */

static void put_new_order(const struct order *order, struct buf *out)
{
    payload_new_order(&order->names, &order->demand, out);
}

static void put_finalize(const struct order *order, struct buf *out)
{
    payload_finalize(buf_span(&order->csr), out);
}

static void put_deactivate(const struct order *order, struct buf *out)
{
    (void)order;
    payload_deactivate(out);
}

static void put_respond(const struct order *order, struct buf *out)
{
    (void)order;
    payload_respond(out);
}

#define ANY_STATUS (-1)

static const struct step {
    enum payload payload;
    void (*put)(const struct order *, struct buf *); /* NULL: POST-as-GET */
    long wanted[2];
    bool (*read)(struct order *, const struct incoming *, struct error *);
    void (*refuse)(struct order *, const struct incoming *, const struct problem *);
} steps[] = {
    [STEP_NEW_ORDER] =
        {PAYLOAD_NEW_ORDER, put_new_order, {201, 200}, read_new_order, refuse_new_order},
    [STEP_AUTHORIZATION] = {PAYLOAD_READ_AUTHORIZATION, NULL, {200}, read_authorization, refuse},
    [STEP_DEACTIVATE] =
        {PAYLOAD_DEACTIVATE, put_deactivate, {ANY_STATUS}, read_deactivated, refuse},
    [STEP_RESPOND] = {PAYLOAD_RESPOND, put_respond, {200, 202}, read_answer, refuse_answer},
    [STEP_POLL] = {PAYLOAD_READ_ORDER, NULL, {200}, read_order, refuse},
    [STEP_FAILED_AUTHORIZATION] =
        {PAYLOAD_READ_AUTHORIZATION, NULL, {ANY_STATUS}, read_examined, refuse},
    [STEP_FINALIZE] = {PAYLOAD_FINALIZE, put_finalize, {200, 201}, read_order, refuse_finalize},
    [STEP_CERTIFICATE] =
        {PAYLOAD_READ_CERTIFICATE, NULL, {200}, read_certificate, refuse_certificate},
    [STEP_ALTERNATE] = {PAYLOAD_READ_CERTIFICATE, NULL, {ANY_STATUS}, read_alternate, refuse},
};
_Static_assert(sizeof steps / sizeof steps[0] == STEP_COUNT, "a step without a row");

static const char *url_for(const struct order *order, enum order_step step, size_t index)
{
    switch (step) {
    case STEP_NEW_ORDER:
        return session_endpoint(order->session, ROLE_NEW_ORDER);
    case STEP_AUTHORIZATION:
    case STEP_DEACTIVATE:
    case STEP_FAILED_AUTHORIZATION:
        return proofs_url(order->proofs, index);
    case STEP_RESPOND:
        return proofs_challenge_url(order->proofs, index);
    case STEP_POLL:
        return order->url;
    case STEP_FINALIZE:
        return order->finalize;
    case STEP_CERTIFICATE:
        return order->certificate;
    case STEP_ALTERNATE:
        return alternates_url(&order->alternates);
    case STEP_COUNT:
        break;
    }
    return NULL;
}

bool order_request(struct order *order, const struct order_action *action, int64_t now_ms,
                   struct http_request *out, struct error *err)
{
    const struct step *step = &steps[action->step];
    const char *url = url_for(order, action->step, action->index);
    AUTO(buf) text = BUF(HTTP_BODY_MAX);
    if (url == NULL)
        return fail(err, ERR_NETWORK, "the CA gave no URL for %s", step_texts[action->step]);
    if (step->put != NULL)
        step->put(order, &text);
    return session_sign(order->session, step->payload, url, buf_span(&text), now_ms, out, err);
}

static bool is_wanted(const struct step *step, long status)
{
    return step->wanted[0] == ANY_STATUS || status == step->wanted[0] ||
           (status != 0 && status == step->wanted[1]);
}

static bool is_for_proof(enum order_step step)
{
    return step == STEP_AUTHORIZATION || step == STEP_DEACTIVATE || step == STEP_RESPOND ||
           step == STEP_FAILED_AUTHORIZATION;
}

/* Whether a reply is still waited for; then it no longer is. */
static bool is_expected(struct order *order, const struct order_action *action)
{
    if (order->course.phase == PHASE_DONE || order->course.phase == PHASE_FAILED)
        return false;
    if (is_for_proof(action->step))
        return proofs_awaits(order->proofs, action->step, action->index);
    if (!order->sent || order->sent_step != action->step)
        return false;
    order->sent = false;
    return true;
}

void order_reply(struct order *order, const struct order_action *action,
                 const struct http_response *response, int64_t now, int64_t now_ms)
{
    const struct step *step = &steps[action->step];
    const struct incoming in = {action->index, response, now, now_ms};
    struct error error = {0};
    if (!is_expected(order, action))
        return;
    if (is_wanted(step, response->status)) {
        if (!step->read(order, &in, &error)) {
            (void)while_doing(&error, "%s", step_texts[action->step]);
            course_give_up(&order->course, &error, true);
        }
        return;
    }
    struct problem problem;
    problem_read(response, &order->names, now, &problem);
    (void)while_doing(&problem.error, "%s", step_texts[action->step]);
    step->refuse(order, &in, &problem);
}

void order_lost(struct order *order, const struct order_action *action, const struct error *error)
{
    if (!is_expected(order, action))
        return;
    if (action->step == STEP_FAILED_AUTHORIZATION)
        proofs_examined(order->proofs, action->index, NULL);
    else if (action->step == STEP_ALTERNATE)
        take_alternate(order, NULL);
    else
        course_give_up(&order->course, error, false);
}

/* ---- what to do now ---- */

static void send_at(struct order *order, enum order_step step, int64_t due, int64_t now_ms,
                    struct order_action *out)
{
    if (order->sent) {
        out->what = ORDER_IDLE;
    } else if (now_ms < due) {
        *out = (struct order_action){.what = ORDER_WAIT, .until_ms = due};
    } else {
        *out = (struct order_action){.what = ORDER_SEND, .step = step};
        order->sent = true;
        order->sent_step = step;
    }
}

/* An errand of the proofs; false when they are settled. */
static bool next_errand(struct order *order, int64_t now_ms, struct order_action *out)
{
    switch (proofs_next(order->proofs, out)) {
    case PROOFS_ERRAND:
        if (out->what == ORDER_SEND && out->step == STEP_RESPOND) {
            order->course.committed = true;
            pace_start(&order->course.pace, now_ms);
        }
        return true;
    case PROOFS_BUSY:
        out->what = ORDER_IDLE;
        return true;
    case PROOFS_SETTLED:
        break;
    }
    course_settle(&order->course, now_ms);
    return false;
}

static void next_finalize(struct order *order, int64_t now_ms, struct order_action *out)
{
    if (order->csr.len == 0) {
        out->what = ORDER_NEED_CSR;
        return;
    }
    order->course.committed = true;
    send_at(order, STEP_FINALIZE, now_ms, now_ms, out);
}

void order_next(struct order *order, int64_t now_ms, struct order_action *out)
{
    *out = (struct order_action){.what = ORDER_IDLE};
    while (order->course.phase == PHASE_AUTHORIZE || order->course.phase == PHASE_DIAGNOSE)
        if (next_errand(order, now_ms, out))
            return;
    switch (order->course.phase) {
    case PHASE_CREATE:
        send_at(order, STEP_NEW_ORDER, now_ms, now_ms, out);
        break;
    case PHASE_RESUME:
        send_at(order, STEP_POLL, now_ms, now_ms, out);
        break;
    case PHASE_PROVE:
    case PHASE_ISSUE:
        send_at(order, STEP_POLL, course_due_ms(&order->course), now_ms, out);
        break;
    case PHASE_FINALIZE:
        next_finalize(order, now_ms, out);
        break;
    case PHASE_DOWNLOAD:
        send_at(order, STEP_CERTIFICATE, course_due_ms(&order->course), now_ms, out);
        break;
    case PHASE_CHOOSE:
        send_at(order, STEP_ALTERNATE, now_ms, now_ms, out);
        break;
    case PHASE_DONE:
        out->what = ORDER_DONE;
        break;
    case PHASE_AUTHORIZE:
    case PHASE_DIAGNOSE:
    case PHASE_FAILED:
        out->what = ORDER_FAILED;
        break;
    }
}

/* ---- news ---- */

void order_presented(struct order *order, size_t index)
{
    proofs_presented(order->proofs, index);
}

void order_not_presented(struct order *order, size_t index, const struct error *error)
{
    (void)index;
    if (order->course.phase != PHASE_AUTHORIZE)
        return;
    order->course.proof_failed = true;
    course_give_up(&order->course, error, false);
}

void order_visited(struct order *order, const char *token, int64_t now_ms)
{
    proofs_visited(order->proofs, token, now_ms);
}

void order_set_csr(struct order *order, struct span csr_der)
{
    buf_clear(&order->csr);
    buf_add_span(&order->csr, csr_der);
}

/* ---- what is known ---- */

const char *order_url(const struct order *order)
{
    return order->url;
}

struct span order_chain(const struct order *order)
{
    return buf_span(&order->alternates.chain);
}

bool order_chain_preferred(const struct order *order)
{
    return alternates_satisfied(&order->alternates);
}

const char *order_profile(const struct order *order)
{
    return order->profile;
}

const struct demand *order_demand(const struct order *order)
{
    return &order->demand;
}

const struct error *order_error(const struct order *order)
{
    return &order->course.error;
}

bool order_is_stale(const struct order *order)
{
    return order->course.stale;
}

bool order_reused_proof(const struct order *order)
{
    return order->course.reused;
}

void order_failed_names(const struct order *order, struct identifier_list *out)
{
    for (size_t i = 0; i < order->refused_names.count; i++)
        (void)identifier_list_add(out, &order->refused_names.items[i]);
    proofs_failed_names(order->proofs, out);
}

bool order_refused_by_ca(const struct order *order)
{
    return order->course.phase == PHASE_FAILED && !order->course.proof_failed;
}

bool order_account_refused(const struct order *order)
{
    return order->course.phase == PHASE_FAILED && order->account_refused;
}

bool order_rate_limit(const struct order *order, enum limit_scope *scope)
{
    if (order->limited)
        *scope = order->scope;
    return order->limited;
}

#include <acmec/acme/account.h>

#include <acmec/acme/jws.h>
#include <acmec/acme/payload.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/http_header.h>
#include <acmec/data/json.h>
#include <ctype.h>
#include <strings.h>

#define EMAILS_MAX 32
#define PAYLOAD_MAX (64 * 1024)
#define MAILTO "mailto:"

#define STEP_AS_TEXT(id, text) text,
static const char *const step_texts[] = {ACCOUNT_STEPS(STEP_AS_TEXT)};

#define STATUS_AS_WORD(id, word) word,
static const char *const status_words[] = {ACCOUNT_STATUSES(STATUS_AS_WORD)};

const char *account_step_text(enum account_step step)
{
    return step_texts[step];
}

const char *account_status_word(enum account_status status)
{
    return status_words[status];
}

/* ---- contacts ---- */

/* RFC 8555 section 7.3: one address in each mailto, without header fields. */
static bool email_ok(struct span email)
{
    const char *at = memchr(email.ptr, '@', email.len);
    if (at == NULL || at == email.ptr || at == email.ptr + email.len - 1 || email.len > 254)
        return false;
    for (size_t i = 0; i < email.len; i++) {
        unsigned char c = (unsigned char)email.ptr[i];
        if (c <= ' ' || c == 0x7f || strchr("?,;<>\"%&", c) != NULL)
            return false;
    }
    return true;
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && isspace((unsigned char)text.ptr[0]))
        text = span_of(text.ptr + 1, text.len - 1);
    while (text.len > 0 && isspace((unsigned char)text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* emails "" gives the empty list, which clears them. */
static bool put_contacts(json_t *object, const char *emails, struct error *err)
{
    json_t *list = json_array();
    (void)json_object_set_new(object, "contact", list);
    for (const char *at = emails[0] == '\0' ? NULL : emails; at != NULL;) {
        size_t len = strcspn(at, ",");
        struct span email = trimmed(span_of(at, len));
        if (!email_ok(email))
            return fail(err, ERR_USAGE, "'%s' is not an e-mail address", escaped(email).text);
        if (json_array_size(list) == EMAILS_MAX)
            return fail(err, ERR_USAGE, "more than %d e-mail addresses", EMAILS_MAX);
        AUTO_FREE mailto = mem_printf(MAILTO "%.*s", (int)email.len, email.ptr);
        json_t *item = json_string(mailto);
        if (item == NULL)
            return fail(err, ERR_USAGE, "'%s' is not UTF-8", escaped(email).text);
        (void)json_array_append_new(list, item);
        at = at[len] == ',' ? at + len + 1 : NULL;
    }
    return true;
}

/* ---- payloads ---- */

static bool put_json(json_t *object, const char *member, struct span text, struct error *err)
{
    json_t *value = NULL;
    if (!json_parse_object(text, PAYLOAD_MAX, ERR_CONFIG, &value, err))
        return false;
    (void)json_object_set_new(object, member, value);
    return true;
}

static bool put_register(struct session *session, const struct account_wish *wish, struct buf *out,
                         struct error *err)
{
    json_auto_t *object = json_object();
    AUTO(buf) binding = BUF(PAYLOAD_MAX);
    if (wish->agree_to_terms)
        (void)json_object_set_new(object, "termsOfServiceAgreed", json_true());
    if (wish->emails != NULL && wish->emails[0] != '\0' && !put_contacts(object, wish->emails, err))
        return false;
    if (wish->eab != NULL &&
        (!eab_bind(wish->eab, session_key(session), session_endpoint(session, ROLE_NEW_ACCOUNT),
                   &binding, err) ||
         !put_json(object, "externalAccountBinding", buf_span(&binding), err)))
        return false;
    json_write(object, out);
    return true;
}

static bool put_find(struct session *session, const struct account_wish *wish, struct buf *out,
                     struct error *err)
{
    (void)session;
    (void)wish;
    (void)err;
    json_auto_t *object = json_object();
    (void)json_object_set_new(object, "onlyReturnExisting", json_true());
    json_write(object, out);
    return true;
}

static bool put_update(struct session *session, const struct account_wish *wish, struct buf *out,
                       struct error *err)
{
    (void)session;
    json_auto_t *object = json_object();
    if (!put_contacts(object, wish->emails == NULL ? "" : wish->emails, err))
        return false;
    json_write(object, out);
    return true;
}

static bool put_deactivate(struct session *session, const struct account_wish *wish,
                           struct buf *out, struct error *err)
{
    (void)session;
    (void)wish;
    (void)err;
    payload_deactivate(out);
    return true;
}

/* Section 7.3.5: signed by the new key over the old one, for the same URL, without a nonce. */
static bool put_rollover(struct session *session, const struct account_wish *wish, struct buf *out,
                         struct error *err)
{
    json_auto_t *object = json_object();
    AUTO(buf) old_key = BUF(PAYLOAD_MAX);
    AUTO(buf) text = BUF(PAYLOAD_MAX);
    const struct jws_header header = {.url = session_endpoint(session, ROLE_KEY_CHANGE)};
    json_put_str(object, "account", session_account_url(session));
    if (!key_jwk(session_key(session), &old_key, err) ||
        !put_json(object, "oldKey", buf_span(&old_key), err))
        return false;
    json_write(object, &text);
    return jws_sign(wish->new_key, &header, buf_span(&text), out, err);
}

/* ---- the step table ---- */

static const struct step {
    enum payload payload;
    enum url_role role;
    /* NULL: POST-as-GET. */
    bool (*put)(struct session *, const struct account_wish *, struct buf *, struct error *);
} steps[] = {
    [ACCOUNT_REGISTER] = {PAYLOAD_NEW_ACCOUNT, ROLE_NEW_ACCOUNT, put_register},
    [ACCOUNT_FIND] = {PAYLOAD_NEW_ACCOUNT, ROLE_NEW_ACCOUNT, put_find},
    [ACCOUNT_UPDATE] = {PAYLOAD_ACCOUNT, ROLE_ACCOUNT, put_update},
    [ACCOUNT_DEACTIVATE] = {PAYLOAD_ACCOUNT, ROLE_ACCOUNT, put_deactivate},
    [ACCOUNT_ROLLOVER] = {PAYLOAD_KEY_CHANGE, ROLE_KEY_CHANGE, put_rollover},
    [ACCOUNT_ORDERS] = {PAYLOAD_READ_ORDERS, ROLE_ORDERS, NULL},
};
_Static_assert(sizeof steps / sizeof steps[0] == ACCOUNT_STEP_COUNT, "a step without a row");

static const char *url_for(const struct session *session, const struct step *step,
                           const struct account_wish *wish)
{
    if (step->role == ROLE_ACCOUNT)
        return session_account_url(session);
    return step->role == ROLE_ORDERS ? wish->orders_url : session_endpoint(session, step->role);
}

bool account_request(struct session *session, enum account_step step,
                     const struct account_wish *wish, int64_t now_ms, struct http_request *out,
                     struct error *err)
{
    const struct step *row = &steps[step];
    const char *url = url_for(session, row, wish);
    AUTO(buf) text = BUF(PAYLOAD_MAX);
    if (url == NULL)
        return fail(err, ERR_REFUSED, "%s: the CA does not offer that", step_texts[step]);
    if (row->put != NULL && !row->put(session, wish, &text, err))
        return false;
    return session_sign(session, row->payload, url, buf_span(&text), now_ms, out, err);
}

/* ---- replies ---- */

void account_reply_release(struct account_reply *reply)
{
    free(reply->url);
    free(reply->contact);
    free(reply->orders_url);
    *reply = (struct account_reply){0};
}

static bool read_status(const json_t *object, enum account_status *out, struct error *err)
{
    const char *word = json_opt_str(object, "status");
    *out = ACCOUNT_IS_VALID;
    for (enum account_status status = 0; word != NULL; status++) {
        if (status == ACCOUNT_STATUS_COUNT)
            return fail(err, ERR_REFUSED, "the CA calls the account '%s'", escaped_str(word).text);
        if (strcmp(word, status_words[status]) == 0) {
            *out = status;
            break;
        }
    }
    return true;
}

/* Owned; NULL where there is none. */
static char *read_contacts(const json_t *object)
{
    const json_t *list = json_opt_array(object, "contact");
    AUTO(buf) text = BUF(PAYLOAD_MAX);
    for (size_t i = 0; i < json_array_size(list) && i < EMAILS_MAX; i++) {
        const char *contact = json_string_value(json_array_get(list, i));
        if (contact == NULL)
            continue;
        if (strncasecmp(contact, MAILTO, strlen(MAILTO)) == 0)
            contact += strlen(MAILTO);
        buf_addf(&text, "%s%s", text.len == 0 ? "" : ",", escaped_str(contact).text);
    }
    return text.len == 0 ? NULL : buf_take(&text);
}

static bool read_body(struct session *session, const struct http_response *response,
                      struct account_reply *out, struct error *err)
{
    json_auto_t *object = NULL;
    if (trimmed(buf_span(&response->body)).len == 0)
        return true;
    if (!json_parse_object(buf_span(&response->body), HTTP_BODY_MAX, ERR_NETWORK, &object, err) ||
        !read_status(object, &out->status, err))
        return false;
    /* Nothing hangs on that list: one whose URL cannot be used is none. */
    struct error ignored = {0};
    const char *orders = json_opt_str(object, "orders");
    if (orders != NULL && session_bind(session, ROLE_ORDERS, orders, &ignored))
        out->orders_url = mem_strdup(orders);
    out->contact = read_contacts(object);
    return true;
}

static bool read_location(const struct http_response *response, char **out, struct error *err)
{
    struct span location;
    if (!http_header_get(response, "Location", 0, &location) || location.len == 0 ||
        location.len > HTTP_URL_MAX)
        return fail(err, ERR_NETWORK, "the CA does not say where the account is");
    *out = mem_strndup(location.ptr, location.len);
    return true;
}

bool account_read(struct session *session, enum account_step step,
                  const struct http_response *response, struct account_reply *out,
                  struct error *err)
{
    AUTO(account_reply) reply = {0};
    bool names = step == ACCOUNT_REGISTER || step == ACCOUNT_FIND;
    if (response->status < 200 || response->status > 299)
        return fail(err, ERR_NETWORK, "the CA answered with HTTP %ld", response->status);
    if ((names && !read_location(response, &reply.url, err)) ||
        !read_body(session, response, &reply, err) ||
        (names && !session_set_account(session, reply.url, err)))
        return false;
    *out = reply;
    reply = (struct account_reply){0};
    return true;
}

bool account_is_usable(enum account_status status, struct error *err)
{
    if (status == ACCOUNT_IS_VALID)
        return true;
    (void)fail(err, ERR_REFUSED, "the account at the CA is %s", status_words[status]);
    return with_hint(err, "nothing brings it back; --account NAME registers another one");
}

/* ---- the orders list ---- */

void account_orders_release(struct account_orders *orders)
{
    for (size_t i = 0; i < orders->count; i++)
        free(orders->urls[i]);
    free(orders->urls);
    *orders = (struct account_orders){0};
}

static void add_orders(const json_t *list, struct account_orders *orders)
{
    size_t count = json_array_size(list);
    orders->urls = mem_resize(orders->urls, orders->count + count, sizeof *orders->urls);
    for (size_t i = 0; i < count && orders->count < ACCOUNT_ORDERS_MAX; i++) {
        const char *url = json_string_value(json_array_get(list, i));
        if (url != NULL)
            orders->urls[orders->count++] = mem_strdup(escaped_str(url).text);
    }
}

/* {"orders":[..]}, or the array alone (step-ca). */
static bool parse_orders(struct span body, json_t **out, struct error *err)
{
    json_t *top = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    if (top == NULL)
        return fail(err, ERR_NETWORK, "the CA's list of orders is not JSON");
    *out = json_is_array(top) ? json_incref(top) : json_incref(json_opt_array(top, "orders"));
    json_decref(top);
    return true;
}

bool account_read_orders(struct session *session, const char *url,
                         const struct http_response *response, struct account_orders *orders,
                         char **next, struct error *err)
{
    AUTO(buf) link = BUF(HTTP_URL_MAX);
    json_auto_t *list = NULL;
    if (!parse_orders(buf_span(&response->body), &list, err))
        return false;
    bool more = http_header_link(response, "next", 0, url, &link) && buf_ok(&link);
    if (more && !session_bind(session, ROLE_ORDERS, buf_str(&link), err))
        return false;
    size_t before = orders->count;
    add_orders(list, orders);
    /* A page that brings nothing could lead to itself for ever. */
    more = more && orders->count > before && orders->count < ACCOUNT_ORDERS_MAX;
    *next = more ? mem_strdup(buf_str(&link)) : NULL;
    return true;
}

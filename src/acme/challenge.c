#include <acmec/acme/challenge.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/json.h>
#include <ctype.h>
#include <stdio.h>

#define TOKEN_MIN 22
#define CHALLENGES_MAX 64

#define STATUS_AS_WORD(id, word) word,
static const char *const status_words[] = {AUTHORIZATION_STATUSES(STATUS_AS_WORD)};
#undef STATUS_AS_WORD

#define CHALLENGE_AS_WORD(id, word) word,
static const char *const challenge_words[] = {CHALLENGE_STATUSES(CHALLENGE_AS_WORD)};
#undef CHALLENGE_AS_WORD

const char *authorization_status_word(enum authorization_status status)
{
    return status_words[status];
}

void authorization_release(struct authorization *authorization)
{
    free(authorization->challenge_url);
    authorization->challenge_url = NULL;
    persist_offer_release(&authorization->persist);
}

bool challenge_token_ok(const char *token)
{
    size_t len = strlen(token);
    if (len < TOKEN_MIN || len > TOKEN_MAX)
        return false;
    for (const char *c = token; *c != '\0'; c++)
        if (!isascii(*c) || (!isalnum((unsigned char)*c) && *c != '-' && *c != '_'))
            return false;
    return true;
}

bool challenge_key_authorization(const struct key *account_key, const char *token, struct buf *out,
                                 struct error *err)
{
    AUTO(buf) thumbprint = BUF(64);
    if (!key_thumbprint(account_key, &thumbprint, err))
        return false;
    buf_add_str(out, token);
    buf_add_byte(out, '.');
    buf_add_span(out, buf_span(&thumbprint));
    return true;
}

/* The index of object's "status" among words. */
static bool read_status(const json_t *object, const char *const *words, size_t count,
                        const char *what, size_t *out, struct error *err)
{
    const char *word = NULL;
    if (!json_get_str(object, "status", ERR_NETWORK, &word, err))
        return while_doing(err, "%s", what);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    return fail(err, ERR_NETWORK, "%s has the unknown status '%s'", what, escaped_str(word).text);
}

/* The identifier, with "*." where the authorization is for a wildcard; a CA that kept the "*." in
 * the value is understood. */
static bool read_identifier(const json_t *object, struct identifier *out, struct error *err)
{
    const json_t *given = json_opt_object(object, "identifier");
    const char *type = NULL;
    const char *value = NULL;
    if (given == NULL)
        return fail(err, ERR_NETWORK, "an authorization names no identifier");
    if (!json_get_str(given, "type", ERR_NETWORK, &type, err) ||
        !json_get_str(given, "value", ERR_NETWORK, &value, err))
        return while_doing(err, "an authorization's identifier");
    bool kept = strncmp(value, "*.", 2) == 0;
    bool wildcard = kept || json_opt_bool(object, "wildcard", false);
    AUTO_FREE full = mem_printf("%s%s", wildcard && !kept ? "*." : "", value);
    struct identifier identifier;
    struct error unused = {0};
    if (!identifier_parse(full, &identifier, &unused) ||
        strcmp(identifier_type_word(identifier.type), type) != 0)
        return fail(err, ERR_NETWORK, "an authorization is for '%s' of the type '%s', which is odd",
                    escaped_str(value).text, escaped_str(type).text);
    *out = identifier;
    return true;
}

/* Why a challenge failed, or is failing; false when it does not say. */
static bool reason_of(const json_t *challenge, const struct identifier *identifier,
                      struct error *out)
{
    AUTO(buf) text = BUF(64 * 1024);
    char type[128];
    enum err_code code = problem_describe(json_opt_object(challenge, "error"), &text, type);
    if (code == ERR_NONE)
        return false;
    /* A proof that failed is the CA's refusal, whatever went wrong on its way; a limit is not. */
    if (code != ERR_RATE_LIMITED)
        code = ERR_REFUSED;
    (void)fail(out, code, "%s: %s", identifier->value,
               text.len == 0 ? "the CA gives no reason" : buf_str(&text));
    (void)with_hint(out, "%s", problem_hint(type));
    (void)snprintf(out->acme_type, sizeof out->acme_type, "%s", type);
    return true;
}

/* Notes the reason of the first challenge that has one. */
static void note_error(const json_t *challenge, struct authorization *out)
{
    if (out->error.code == ERR_NONE)
        (void)reason_of(challenge, &out->identifier, &out->error);
}

static bool has_no_token(const char *type)
{
    return strcmp(type, PERSIST_TYPE) == 0;
}

/* The challenge to answer, or NULL. One without a token is none. Borrowed. */
static const json_t *find_challenge(const json_t *challenges, const char *wanted)
{
    for (size_t i = 0; i < json_array_size(challenges) && i < CHALLENGES_MAX; i++) {
        const json_t *challenge = json_array_get(challenges, i);
        const char *type = json_is_object(challenge) ? json_opt_str(challenge, "type") : NULL;
        bool complete = has_no_token(wanted) || json_opt_str(challenge, "token") != NULL;
        if (type != NULL && strcmp(type, wanted) == 0 && complete)
            return challenge;
    }
    return NULL;
}

static bool not_offered(const json_t *challenges, const char *wanted, const char *name,
                        struct error *err)
{
    AUTO(buf) offered = BUF(64 * 1024);
    for (size_t i = 0; i < json_array_size(challenges) && i < CHALLENGES_MAX; i++) {
        const json_t *challenge = json_array_get(challenges, i);
        const char *type = json_is_object(challenge) ? json_opt_str(challenge, "type") : NULL;
        if (type == NULL || offered.len > ERROR_HINT_MAX)
            continue;
        buf_add_str(&offered, offered.len == 0 ? "" : ", ");
        escape_text(span_str(type), &offered);
    }
    return fail(err, ERR_REFUSED, "the CA does not offer %s for %s, only: %s", wanted, name,
                offered.len == 0 ? "nothing" : buf_str(&offered));
}

static bool take_token(const json_t *challenge, struct authorization *out, struct error *err)
{
    const char *token = json_opt_str(challenge, "token");
    if (!challenge_token_ok(token))
        return fail(err, ERR_REFUSED, "the CA's token for %s is not one: '%s'",
                    out->identifier.value, escaped_str(token).text);
    (void)snprintf(out->token, sizeof out->token, "%s", token);
    return true;
}

static bool take_challenge(const json_t *challenge, const char *type, struct authorization *out,
                           struct error *err)
{
    const char *url = NULL;
    size_t status = 0;
    if (!json_get_str(challenge, "url", ERR_NETWORK, &url, err) ||
        !read_status(challenge, challenge_words, CHALLENGE_COUNT, "a challenge", &status, err))
        return false;
    if (has_no_token(type) ? !persist_read(challenge, &out->persist, err)
                           : !take_token(challenge, out, err))
        return false;
    out->challenge_url = mem_strdup(url);
    out->responded = status != CHALLENGE_PENDING;
    /* RFC 8555 section 7.1.6 makes the authorization invalid with it; some CAs lag behind. */
    if (status == CHALLENGE_INVALID)
        out->status = AUTHORIZATION_INVALID;
    return true;
}

const char *challenge_type_for(const struct challenge_plan *plan,
                               const struct identifier *identifier)
{
    for (size_t i = 0; i < plan->names->count; i++)
        if (identifier_equals(&plan->names->items[i], identifier))
            return plan->types[i];
    return NULL;
}

/* All of them, whether we answer them or not: what is known as a challenge's URL is not signed for
 * as anything else's. */
static bool bind_challenges(struct session *session, const json_t *challenges, struct error *err)
{
    for (size_t i = 0; i < json_array_size(challenges) && i < CHALLENGES_MAX; i++) {
        const json_t *challenge = json_array_get(challenges, i);
        const char *url = json_is_object(challenge) ? json_opt_str(challenge, "url") : NULL;
        if (url != NULL && !session_bind(session, ROLE_CHALLENGE, url, err))
            return false;
    }
    return true;
}

static bool read_object(struct session *session, const json_t *object,
                        const struct challenge_plan *plan, struct authorization *out,
                        struct error *err)
{
    size_t status = 0;
    if (!read_status(object, status_words, AUTHORIZATION_COUNT, "an authorization", &status, err) ||
        !read_identifier(object, &out->identifier, err))
        return false;
    out->status = (enum authorization_status)status;
    const json_t *challenges = json_opt_array(object, "challenges");
    if (!bind_challenges(session, challenges, err))
        return false;
    if (out->status == AUTHORIZATION_VALID)
        return true;
    const char *wanted = challenge_type_for(plan, &out->identifier);
    const json_t *challenge = wanted == NULL ? NULL : find_challenge(challenges, wanted);
    if (challenge != NULL)
        note_error(challenge, out);
    for (size_t i = 0; i < json_array_size(challenges) && i < CHALLENGES_MAX; i++)
        note_error(json_array_get(challenges, i), out);
    if (out->status != AUTHORIZATION_PENDING)
        return true;
    if (wanted == NULL)
        return fail(err, ERR_REFUSED, "the CA wants a proof for '%s', which was not asked for",
                    out->identifier.value);
    if (challenge == NULL)
        return not_offered(challenges, wanted, out->identifier.value, err);
    return take_challenge(challenge, wanted, out, err);
}

bool authorization_read(struct session *session, const struct http_response *response,
                        const struct challenge_plan *plan, struct authorization *out,
                        struct error *err)
{
    json_auto_t *object = NULL;
    struct authorization read = {0};
    if (!json_parse_object(buf_span(&response->body), HTTP_BODY_MAX, ERR_NETWORK, &object, err))
        return while_doing(err, "an authorization");
    if (!read_object(session, object, plan, &read, err)) {
        authorization_release(&read);
        return false;
    }
    *out = read;
    return true;
}

bool challenge_read(const struct http_response *response, const struct identifier *identifier,
                    enum challenge_status *status, struct error *reason, struct error *err)
{
    json_auto_t *object = NULL;
    size_t read = CHALLENGE_PROCESSING;
    if (response->body.len > 0 &&
        (!json_parse_object(buf_span(&response->body), HTTP_BODY_MAX, ERR_NETWORK, &object, err) ||
         !read_status(object, challenge_words, CHALLENGE_COUNT, "a challenge", &read, err)))
        return while_doing(err, "%s", identifier->value);
    if (read == CHALLENGE_INVALID && !reason_of(object, identifier, reason))
        (void)fail(reason, ERR_REFUSED, "%s: the CA gives no reason", identifier->value);
    *status = (enum challenge_status)read;
    return true;
}

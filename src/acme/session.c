#include <acmec/acme/session.h>

#include <acmec/acme/jws.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/http_header.h>
#include <acmec/data/identifier.h>
#include <acmec/data/json.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#define uthash_malloc(size) mem_new(1, size)
#include <uthash.h>

#define ENDPOINTS ROLE_ACCOUNT /* the roles before it */
#define NONCES_MAX 256
#define NONCE_LEN_MAX 256

#define ROLE_AS_WORD(id, word) word,
static const char *const role_words[] = {URL_ROLES(ROLE_AS_WORD)};
#undef ROLE_AS_WORD

#define PAYLOAD_AS_ROLE(id, role) role,
static const enum url_role payload_roles[] = {PAYLOADS(PAYLOAD_AS_ROLE)};
#undef PAYLOAD_AS_ROLE

/* Members of the set of URLs, by text. */
struct bound {
    char *url;
    enum url_role role;
    UT_hash_handle hh;
};

struct nonce {
    char *value;
    int64_t taken_ms;
};

struct session {
    const struct key *key;
    char *directory_url;
    char *endpoints[ENDPOINTS]; /* NULL: not in the directory */
    bool has_directory;
    char *terms_url; /* escaped */
    bool needs_eab;
    char *caa_identities, *persist_issuers;
    char *account_hash_prefix; /* escaped */
    struct session_profile profiles[SESSION_PROFILES_MAX];
    size_t profile_count;
    char *account_url;
    struct nonce nonces[NONCES_MAX]; /* the newest last */
    size_t nonce_count;
    struct bound *bound;
};

static bool url_ok(const char *url)
{
    size_t len = strlen(url);
    if (len > HTTP_URL_MAX || strncasecmp(url, "https://", 8) != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] >= 0x7f)
            return false;
    return isalnum((unsigned char)url[8]) || url[8] == '[';
}

struct session *session_new(const char *directory_url, const struct key *account_key)
{
    if (!url_ok(directory_url))
        return NULL;
    struct session *session = mem_new(1, sizeof *session);
    session->directory_url = mem_strdup(directory_url);
    session->key = account_key;
    return session;
}

static void forget_nonces(struct session *session)
{
    while (session->nonce_count > 0)
        free(session->nonces[--session->nonce_count].value);
}

static void forget_profiles(struct session *session)
{
    while (session->profile_count > 0) {
        struct session_profile *profile = &session->profiles[--session->profile_count];
        free(profile->name);
        free(profile->description);
    }
}

void session_free(struct session *session)
{
    if (session == NULL)
        return;
    struct bound *item = NULL;
    struct bound *next = NULL;
    HASH_ITER(hh, session->bound, item, next)
    {
        HASH_DEL(session->bound, item);
        free(item->url);
        free(item);
    }
    forget_nonces(session);
    forget_profiles(session);
    for (size_t i = 0; i < ENDPOINTS; i++)
        free(session->endpoints[i]);
    free(session->directory_url);
    free(session->terms_url);
    free(session->caa_identities);
    free(session->persist_issuers);
    free(session->account_hash_prefix);
    free(session->account_url);
    free(session);
}

const char *session_directory_url(const struct session *session)
{
    return session->directory_url;
}

bool session_has_directory(const struct session *session)
{
    return session->has_directory;
}

const char *session_terms_url(const struct session *session)
{
    return session->terms_url;
}

const char *session_caa_identities(const struct session *session)
{
    return session->caa_identities;
}

const char *session_persist_issuers(const struct session *session)
{
    return session->persist_issuers != NULL ? session->persist_issuers : session->caa_identities;
}

const char *session_account_hash_prefix(const struct session *session)
{
    return session->account_hash_prefix;
}

bool session_needs_eab(const struct session *session)
{
    return session->needs_eab;
}

const struct session_profile *session_profile(const struct session *session, size_t nth)
{
    return nth < session->profile_count ? &session->profiles[nth] : NULL;
}

bool session_offers_profile(const struct session *session, const char *name)
{
    for (size_t i = 0; i < session->profile_count; i++)
        if (strcmp(session->profiles[i].name, name) == 0)
            return true;
    return false;
}

const char *session_account_url(const struct session *session)
{
    return session->account_url;
}

void session_set_key(struct session *session, const struct key *account_key)
{
    session->key = account_key;
}

const struct key *session_key(const struct session *session)
{
    return session->key;
}

const char *session_endpoint(const struct session *session, enum url_role role)
{
    return role < ENDPOINTS ? session->endpoints[role] : NULL;
}

/* ---- the guard ---- */

static const struct bound *find_bound(const struct session *session, const char *url)
{
    const struct bound *found = NULL;
    HASH_FIND_STR(session->bound, url, found);
    return found;
}

bool session_bind(struct session *session, enum url_role role, const char *url, struct error *err)
{
    if (!url_ok(url))
        return fail(err, ERR_REFUSED, "the CA gives '%s' as the URL of %s, which is not usable",
                    escaped_str(url).text, role_words[role]);
    if (strcmp(url, session->directory_url) == 0)
        return fail(err, ERR_REFUSED, "the CA gives its directory's URL as the one of %s",
                    role_words[role]);
    const struct bound *found = find_bound(session, url);
    if (found != NULL && found->role != role)
        return fail(err, ERR_REFUSED, "the CA gives '%s' as the URL of %s, but it is that of %s",
                    escaped_str(url).text, role_words[role], role_words[found->role]);
    if (found != NULL)
        return true;
    struct bound *item = mem_new(1, sizeof *item);
    item->url = mem_strdup(url);
    item->role = role;
    HASH_ADD_KEYPTR(hh, session->bound, item->url, strlen(item->url), item);
    return true;
}

/* ---- directory ---- */

void session_directory_request(const struct session *session, struct http_request *out)
{
    *out = (struct http_request){.method = HTTP_GET,
                                 .url = mem_strdup(session->directory_url),
                                 .follow_https_redirects = true};
}

static bool role_is_required(enum url_role role)
{
    return role == ROLE_NEW_NONCE || role == ROLE_NEW_ACCOUNT || role == ROLE_NEW_ORDER;
}

static bool bind_endpoints(struct session *session, const json_t *object, struct error *err)
{
    for (enum url_role role = 0; role < ENDPOINTS; role++) {
        const char *url = json_opt_str(object, role_words[role]);
        if (url == NULL && role_is_required(role))
            return fail(err, ERR_NETWORK, "'%s' is not an ACME directory: it names no %s",
                        escaped_str(session->directory_url).text, role_words[role]);
        if (url != NULL && !session_bind(session, role, url, err))
            return while_doing(err, "reading the CA's directory");
    }
    return true;
}

/* Issuer domain names (RFC 8659 section 4.2) of a member, joined by commas; NULL: none. */
static char *join_names(const json_t *meta, const char *member)
{
    const json_t *list = json_opt_array(meta, member);
    AUTO(buf) text = BUF(1024);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        struct identifier identifier;
        struct error ignored = {0};
        if (name != NULL && identifier_parse(name, &identifier, &ignored) &&
            identifier.type == IDENTIFIER_DNS && !identifier_is_wildcard(&identifier))
            buf_addf(&text, "%s%s", text.len == 0 ? "" : ",", identifier.value);
    }
    return text.len == 0 || !buf_ok(&text) ? NULL : buf_take(&text);
}

static void keep_text(char **member, char *taken)
{
    free(*member);
    *member = taken;
}

static void keep_profiles(struct session *session, const json_t *meta)
{
    json_t *profiles = json_opt_object(meta, "profiles");
    const char *name;
    json_t *value;
    forget_profiles(session);
    json_object_foreach(profiles, name, value)
    {
        const char *description = json_string_value(value);
        if (session->profile_count < SESSION_PROFILES_MAX && name[0] != '\0')
            session->profiles[session->profile_count++] = (struct session_profile){
                mem_strdup(name), mem_strdup(description == NULL ? "" : description)};
    }
}

static void keep_directory(struct session *session, const json_t *object)
{
    for (enum url_role role = 0; role < ENDPOINTS; role++) {
        free(session->endpoints[role]);
        session->endpoints[role] = mem_strdup(json_opt_str(object, role_words[role]));
    }
    const json_t *meta = json_opt_object(object, "meta");
    const char *terms = json_opt_str(meta, "termsOfService");
    const char *prefix = json_opt_str(meta, "accountHashPrefix");
    keep_text(&session->terms_url, terms == NULL ? NULL : mem_strdup(escaped_str(terms).text));
    keep_text(&session->account_hash_prefix,
              prefix == NULL ? NULL : mem_strdup(escaped_str(prefix).text));
    keep_text(&session->caa_identities, join_names(meta, "caaIdentities"));
    keep_text(&session->persist_issuers, join_names(meta, "issuerDomainNames"));
    session->needs_eab = json_opt_bool(meta, "externalAccountRequired", false);
    keep_profiles(session, meta);
    session->has_directory = true;
}

bool session_read_directory(struct session *session, const struct http_response *response,
                            struct error *err)
{
    json_auto_t *object = NULL;
    struct error cause = {0};
    if (response->status != 200) {
        (void)fail(err, ERR_NETWORK, "'%s' is not an ACME directory: HTTP %ld",
                   escaped_str(session->directory_url).text, response->status);
        return with_hint(err, "check --server");
    }
    if (!json_parse_object(buf_span(&response->body), HTTP_BODY_MAX, ERR_NETWORK, &object,
                           &cause)) {
        (void)fail(err, ERR_NETWORK, "'%s' is not an ACME directory: %s",
                   escaped_str(session->directory_url).text, cause.text);
        return with_hint(err, "check --server");
    }
    if (!bind_endpoints(session, object, err))
        return false;
    keep_directory(session, object);
    return true;
}

/* ---- nonces ---- */

void session_nonce_request(const struct session *session, struct http_request *out)
{
    *out = (struct http_request){.method = HTTP_HEAD,
                                 .url = mem_strdup(session->endpoints[ROLE_NEW_NONCE])};
}

static bool nonce_ok(struct span nonce)
{
    if (nonce.len == 0 || nonce.len > NONCE_LEN_MAX)
        return false;
    for (size_t i = 0; i < nonce.len; i++) {
        unsigned char c = (unsigned char)nonce.ptr[i];
        if (c >= 0x80 || (!isalnum(c) && c != '-' && c != '_'))
            return false;
    }
    return true;
}

void session_take_nonce(struct session *session, const struct http_response *response,
                        int64_t now_ms)
{
    struct span value;
    if (!http_header_get(response, "Replay-Nonce", 0, &value) || !nonce_ok(value))
        return;
    for (size_t i = 0; i < session->nonce_count; i++)
        if (span_is(value, session->nonces[i].value))
            return;
    if (session->nonce_count == NONCES_MAX) {
        free(session->nonces[0].value);
        memmove(&session->nonces[0], &session->nonces[1],
                (NONCES_MAX - 1) * sizeof session->nonces[0]);
        session->nonce_count--;
    }
    session->nonces[session->nonce_count++] =
        (struct nonce){mem_strndup(value.ptr, value.len), now_ms};
}

size_t session_nonce_count(const struct session *session, int64_t now_ms)
{
    size_t fresh = 0;
    while (fresh < session->nonce_count &&
           now_ms - session->nonces[session->nonce_count - 1 - fresh].taken_ms <= NONCE_AGE_MAX_MS)
        fresh++;
    return fresh;
}

/* The newest nonce, owned, or NULL: when the newest is too old, all are. */
static char *pop_nonce(struct session *session, int64_t now_ms)
{
    if (session_nonce_count(session, now_ms) == 0) {
        forget_nonces(session);
        return NULL;
    }
    return session->nonces[--session->nonce_count].value;
}

/* ---- signing ---- */

static bool payload_is_read(enum payload payload)
{
    return payload == PAYLOAD_READ_ORDER || payload == PAYLOAD_READ_AUTHORIZATION ||
           payload == PAYLOAD_READ_CERTIFICATE || payload == PAYLOAD_READ_ORDERS;
}

/* Whether the key itself signs, not the account (RFC 8555 section 6.2). */
static bool payload_is_by_key(enum payload payload)
{
    return payload == PAYLOAD_NEW_ACCOUNT || payload == PAYLOAD_REVOKE_BY_KEY;
}

/* Whether this may be signed at all; nothing is spent before. */
static bool may_sign(const struct session *session, enum payload payload, const char *url,
                     struct span json, struct error *err)
{
    enum url_role role = payload_roles[payload];
    const struct bound *found = find_bound(session, url);
    if (found == NULL || found->role != role)
        return fail(err, ERR_REFUSED, "'%s' is not the URL of %s: nothing was signed for it",
                    escaped_str(url).text, role_words[role]);
    if (payload_is_read(payload) != (json.len == 0))
        return fail(err, ERR_REFUSED, "a request for %s has the wrong payload", role_words[role]);
    if (session->account_url == NULL && !payload_is_by_key(payload))
        return fail(err, ERR_REFUSED, "there is no account at this CA yet");
    return true;
}

bool session_sign(struct session *session, enum payload payload, const char *url, struct span json,
                  int64_t now_ms, struct http_request *out, struct error *err)
{
    if (!may_sign(session, payload, url, json, err))
        return false;
    AUTO_FREE nonce = pop_nonce(session, now_ms);
    if (nonce == NULL)
        return fail(err, ERR_NETWORK, "the CA gave no nonce");
    const struct jws_header header = {
        .nonce = nonce,
        .url = url,
        .kid = payload_is_by_key(payload) ? NULL : session->account_url,
    };
    struct buf body = BUF(HTTP_BODY_MAX);
    if (!jws_sign(session->key, &header, json, &body, err)) {
        buf_release(&body);
        return false;
    }
    *out = (struct http_request){
        .method = HTTP_POST,
        .url = mem_strdup(url),
        .accept = payload == PAYLOAD_READ_CERTIFICATE ? "application/pem-certificate-chain" : NULL,
        .content_type = "application/jose+json",
        .body = body,
    };
    return true;
}

/* ---- account ---- */

bool session_set_account(struct session *session, const char *account_url, struct error *err)
{
    if (!session_bind(session, ROLE_ACCOUNT, account_url, err))
        return false;
    char *copy = mem_strdup(account_url);
    free(session->account_url);
    session->account_url = copy;
    return true;
}

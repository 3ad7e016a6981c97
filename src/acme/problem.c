#include <acmec/acme/problem.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/json.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#define URN "urn:ietf:params:acme:error:"
#define RETRY_AFTER_MAX (7 * 24 * 3600)
/* A wait that an exchange may sit out (design section 5); a longer one is a limit. */
#define RETRY_AFTER_SOON 10
#define SUBPROBLEMS_MAX 100
/* What is shown of a body that is no problem document. */
#define EXCERPT_MAX 200

struct row {
    const char *suffix;
    enum err_code code;
    enum retry_rule retry;
    const char *hint; /* "" = none */
};

#define REACH "see that the name leads to this machine, and that port 80 is open to the Internet"

static const struct row rows[] = {
    {"accountDoesNotExist", ERR_REFUSED, RETRY_NEVER,
     "the CA no longer knows this account: register again with 'acmec account register'"},
    {"agreementRequired", ERR_USAGE, RETRY_NEVER, "agree to the CA's terms with --agree-tos"},
    {"alreadyReplaced", ERR_REFUSED, RETRY_NEVER, ""},
    {"alreadyRevoked", ERR_REFUSED, RETRY_NEVER, ""},
    {"autoRenewalCanceled", ERR_REFUSED, RETRY_NEVER, ""},
    {"autoRenewalCancellationInvalid", ERR_REFUSED, RETRY_NEVER, ""},
    {"autoRenewalExpired", ERR_REFUSED, RETRY_NEVER, ""},
    {"autoRenewalRevocationNotSupported", ERR_REFUSED, RETRY_NEVER, ""},
    {"badCSR", ERR_REFUSED, RETRY_NEVER,
     "the CA does not take this certificate request: try another --key-type"},
    {"badNonce", ERR_NETWORK, RETRY_NONCE, ""},
    {"badPublicKey", ERR_REFUSED, RETRY_NEVER, "the CA does not take this kind of key"},
    {"badRevocationReason", ERR_REFUSED, RETRY_NEVER, "give another --reason"},
    {"badSignatureAlgorithm", ERR_REFUSED, RETRY_NEVER,
     "the CA does not take the account key's algorithm"},
    {"caa", ERR_REFUSED, RETRY_NEVER,
     "a CAA record of the name, or of a domain above it, forbids this CA"},
    {"compound", ERR_REFUSED, RETRY_NEVER, ""},
    {"conflict", ERR_REFUSED, RETRY_NEVER, ""},
    {"connection", ERR_REFUSED, RETRY_NEVER, REACH},
    {"dns", ERR_REFUSED, RETRY_NEVER,
     "see that the name has an A or AAAA record, and DNSSEC holds"},
    {"externalAccountRequired", ERR_USAGE, RETRY_NEVER,
     "this CA wants an account of its own first: give --eab-kid and --eab-hmac-key-file"},
    {"incorrectResponse", ERR_REFUSED, RETRY_NEVER,
     "another server answered for this name: " REACH},
    {"invalidContact", ERR_USAGE, RETRY_NEVER, "give another --email"},
    {"invalidProfile", ERR_REFUSED, RETRY_NEVER, "'acmec profiles' lists what the CA offers"},
    {"malformed", ERR_REFUSED, RETRY_NEVER, ""},
    {"onionCAARequired", ERR_REFUSED, RETRY_NEVER, ""},
    {"orderNotReady", ERR_REFUSED, RETRY_NEVER, ""},
    {"rateLimited", ERR_RATE_LIMITED, RETRY_RATE_LIMIT, ""},
    {"rejectedIdentifier", ERR_REFUSED, RETRY_NEVER,
     "the CA does not issue for this name by its policy"},
    {"serverInternal", ERR_NETWORK, RETRY_SOON, "the CA is in trouble: try again later"},
    {"tls", ERR_REFUSED, RETRY_NEVER, "the CA was redirected to a TLS server that does not work"},
    {"unauthorized", ERR_REFUSED, RETRY_NEVER, ""},
    {"unsupportedContact", ERR_USAGE, RETRY_NEVER, "give another --email"},
    {"unsupportedIdentifier", ERR_REFUSED, RETRY_NEVER,
     "the CA does not issue for this kind of name"},
    {"userActionRequired", ERR_USAGE, RETRY_NEVER, "agree to the CA's terms with --agree-tos"},
};

/* The part of a type after the ACME urn, or NULL for a foreign type. */
static const char *suffix_of(const char *type)
{
    size_t len = strlen(URN);
    return strncasecmp(type, URN, len) == 0 ? type + len : NULL;
}

static const struct row *row_of(const char *type)
{
    const char *suffix = suffix_of(type);
    for (size_t i = 0; suffix != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].suffix, suffix) == 0)
            return &rows[i];
    return NULL;
}

bool problem_is_policy(const char *type)
{
    static const char *const suffixes[] = {"caa", "rejectedIdentifier", "unsupportedIdentifier"};
    const char *suffix = suffix_of(type);
    for (size_t i = 0; suffix != NULL && i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcmp(suffix, suffixes[i]) == 0)
            return true;
    return false;
}

const char *problem_hint(const char *type)
{
    const struct row *row = row_of(type);
    return row == NULL ? "" : row->hint;
}

/* ---- as text ---- */

/* The type as a person wants it: short where it is ACME's. */
static void add_type_and_detail(const json_t *object, struct buf *text)
{
    const char *type = json_opt_str(object, "type");
    const char *detail = json_opt_str(object, "detail");
    if (detail == NULL)
        detail = json_opt_str(object, "title");
    if (type != NULL && strcmp(type, "about:blank") != 0) {
        const char *suffix = suffix_of(type);
        escape_text(span_str(suffix != NULL ? suffix : type), text);
        if (detail != NULL)
            buf_add_str(text, ": ");
    }
    if (detail != NULL)
        escape_text(span_str(detail), text);
}

static void add_subproblems(const json_t *object, struct buf *text)
{
    const json_t *list = json_opt_array(object, "subproblems");
    const char *glue = " (";
    for (size_t i = 0; i < json_array_size(list) && i < SUBPROBLEMS_MAX; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_object(item) || text->len > ERROR_TEXT_MAX)
            continue;
        buf_add_str(text, glue);
        glue = "; ";
        const json_t *identifier = json_opt_object(item, "identifier");
        const char *value = identifier == NULL ? NULL : json_opt_str(identifier, "value");
        if (value != NULL) {
            escape_text(span_str(value), text);
            buf_add_str(text, ": ");
        }
        add_type_and_detail(item, text);
    }
    if (*glue == ';')
        buf_add_byte(text, ')');
}

enum err_code problem_describe(const struct json_t *object, struct buf *text, char type[static 128])
{
    type[0] = '\0';
    if (!json_is_object(object))
        return ERR_NONE;
    const char *given = json_opt_str(object, "type");
    if (given != NULL)
        (void)snprintf(type, 128, "%.127s", escaped_str(given).text);
    add_type_and_detail(object, text);
    add_subproblems(object, text);
    const struct row *row = row_of(type);
    return row == NULL ? ERR_REFUSED : row->code;
}

/* A body that is no problem document: a bare JSON string, HTML, a line of text. */
static void add_excerpt(struct span body, struct buf *text)
{
    AUTO_FREE decoded = NULL;
    json_t *value = json_loadb(body.ptr, body.len, JSON_DECODE_ANY, NULL);
    if (json_is_string(value))
        decoded = mem_strdup(json_string_value(value));
    json_decref(value);
    if (decoded != NULL)
        body = span_str(decoded);
    while (body.len > 0 && isspace((unsigned char)*body.ptr))
        body = span_of(body.ptr + 1, body.len - 1);
    if (body.len > EXCERPT_MAX)
        body.len = EXCERPT_MAX;
    escape_text(body, text);
}

/* ---- whom a limit is about ---- */

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Whether text mentions name as a whole name, not as a part of a longer one. */
static bool mentions(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strcasestr(text, name); at != NULL; at = strcasestr(at + 1, name)) {
        bool wildcard = at >= text + 2 && at[-1] == '.' && at[-2] == '*';
        bool starts = at == text || wildcard || (!is_name_byte(at[-1]) && at[-1] != '.');
        bool ends = !is_name_byte(at[len]) && (at[len] != '.' || !is_name_byte(at[len + 1]));
        if (starts && ends)
            return true;
    }
    return false;
}

/* The name itself, and every domain above it that has two labels at least: one of them is the
 * registered domain that CAs count by. */
static bool mentions_domain(const char *text, const struct identifier *identifier)
{
    const char *name = identifier->value;
    if (identifier_is_wildcard(identifier))
        name += 2;
    if (identifier->type != IDENTIFIER_DNS)
        return mentions(text, name);
    for (; name != NULL && strchr(name, '.') != NULL; name = strchr(name, '.') + 1)
        if (mentions(text, name))
            return true;
    return false;
}

static enum limit_scope scope_of(const char *text, const struct identifier_list *names)
{
    if (strcasestr(text, "exact set") != NULL)
        return LIMIT_NAMES;
    for (size_t i = 0; names != NULL && i < names->count; i++)
        if (mentions_domain(text, &names->items[i]))
            return LIMIT_NAMES;
    return LIMIT_ACCOUNT;
}

/* ---- the verdict ---- */

static void judge_status(struct problem *out)
{
    /* 501 and 505: the CA cannot do it, and will not learn it soon. */
    bool is_passing = out->status >= 500 && out->status != 501 && out->status != 505;
    out->code = ERR_NETWORK;
    out->retry = RETRY_NEVER;
    if (out->status == 503 && out->retry_after > RETRY_AFTER_SOON) {
        out->code = ERR_RATE_LIMITED;
        out->retry = RETRY_RATE_LIMIT;
    } else if (is_passing) {
        out->retry = RETRY_SOON;
    } else if (out->status >= 400) {
        out->code = ERR_REFUSED;
    }
}

static void judge(struct problem *out)
{
    const struct row *row = row_of(out->type);
    if (out->status == 429) {
        out->code = ERR_RATE_LIMITED;
        out->retry = RETRY_RATE_LIMIT;
    } else if (row != NULL && row->retry != RETRY_SOON) {
        out->code = row->code;
        out->retry = row->retry;
    } else {
        judge_status(out);
    }
}

/* What is unauthorized is the account, unless names are spoken of. */
static bool is_about_account(const struct problem *problem, const json_t *document,
                             const char *text, const struct identifier_list *names)
{
    static const char *const types[] = {"accountDoesNotExist", "agreementRequired",
                                        "externalAccountRequired", "userActionRequired"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(problem->suffix, types[i]) == 0)
            return true;
    return strcmp(problem->suffix, "unauthorized") == 0 &&
           json_opt_array(document, "subproblems") == NULL &&
           scope_of(text, names) == LIMIT_ACCOUNT;
}

/* Adds "see URL" for a link of the reply to the hint. */
static void hint_link(const struct http_response *response, const char *rel, const char *words,
                      struct error *error)
{
    AUTO(buf) url = BUF(HTTP_URL_MAX);
    if (!http_header_link(response, rel, 0, "", &url) || !buf_ok(&url) || url.len == 0)
        return;
    const char *glue = error->hint[0] == '\0' ? "" : "; ";
    char before[ERROR_HINT_MAX];
    (void)snprintf(before, sizeof before, "%s", error->hint);
    (void)with_hint(error, "%s%s%s %s", before, glue, words, escaped(buf_span(&url)).text);
}

static void add_hints(const struct http_response *response, const json_t *document,
                      struct problem *out)
{
    const char *hint = problem_hint(out->type);
    if (out->status >= 300 && out->status < 400)
        hint = "the CA's address may have moved: see --server";
    if (hint[0] != '\0')
        (void)with_hint(&out->error, "%s", hint);
    const char *instance = document == NULL ? NULL : json_opt_str(document, "instance");
    if (strcmp(out->suffix, "userActionRequired") == 0 && instance != NULL)
        (void)with_hint(&out->error,
                        "agree to the CA's terms at %s, or with --agree-tos for a "
                        "new account",
                        escaped_str(instance).text);
    hint_link(response, "terms-of-service", "the terms are at", &out->error);
    hint_link(response, "help", "see", &out->error);
}

/* The problem document of an error reply, or NULL. Owned. */
static json_t *parse_document(const struct http_response *response)
{
    json_t *document = NULL;
    struct error ignored = {0};
    if (response->status < 400 || response->body.len == 0)
        return NULL;
    if (!json_parse_object(buf_span(&response->body), HTTP_BODY_MAX, ERR_NETWORK, &document,
                           &ignored))
        return NULL;
    return document;
}

static void describe_reply(const struct http_response *response, const json_t *document,
                           struct problem *out, struct buf *text)
{
    buf_addf(text, "the CA answered %s HTTP %ld",
             response->status < 400 ? "unexpectedly with" : "with", response->status);
    size_t bare = text->len;
    buf_add_str(text, ": ");
    if (document != NULL)
        (void)problem_describe(document, text, out->type);
    else if (response->status >= 400)
        add_excerpt(buf_span(&response->body), text);
    if (text->len == bare + 2)
        text->data[text->len = bare] = '\0';
}

void problem_read(const struct http_response *response, const struct identifier_list *names,
                  int64_t now, struct problem *out)
{
    *out = (struct problem){.status = response->status, .retry_after = -1, .scope = LIMIT_ACCOUNT};
    int64_t seconds = 0;
    if (http_header_retry_after(response, now, &seconds))
        out->retry_after = seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds;
    AUTO(buf) text = BUF(64 * 1024);
    json_t *document = parse_document(response);
    describe_reply(response, document, out, &text);
    const char *suffix = suffix_of(out->type);
    if (suffix != NULL)
        (void)snprintf(out->suffix, sizeof out->suffix, "%.*s", (int)sizeof out->suffix - 1,
                       suffix);
    judge(out);
    (void)fail(&out->error, out->code, "%s", buf_str(&text));
    (void)snprintf(out->error.acme_type, sizeof out->error.acme_type, "%s", out->type);
    add_hints(response, document, out);
    if (out->code == ERR_RATE_LIMITED) {
        out->scope = scope_of(buf_str(&text), names);
        if (out->retry_after >= 0)
            out->error.retry_at = now + out->retry_after;
    }
    out->about_account = is_about_account(out, document, buf_str(&text), names);
    json_decref(document);
}

void problem_names(const struct http_response *response, const struct identifier_list *names,
                   struct identifier_list *out)
{
    json_t *document = parse_document(response);
    const json_t *list = json_opt_array(document, "subproblems");
    for (size_t i = 0; i < json_array_size(list) && i < SUBPROBLEMS_MAX; i++) {
        const json_t *object = json_opt_object(json_array_get(list, i), "identifier");
        const char *value = json_opt_str(object, "value");
        struct identifier identifier;
        struct error ignored = {0};
        if (value != NULL && identifier_parse(value, &identifier, &ignored) &&
            identifier_list_has(names, &identifier))
            (void)identifier_list_add(out, &identifier);
    }
    json_decref(document);
}

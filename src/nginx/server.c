#include <acmec/nginx/server.h>

#include <acmec/nginx/layout.h>
#include <acmec/nginx/tls_policy.h>
#include <strings.h>

static bool begins(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && strncasecmp(text.ptr, prefix, len) == 0;
}

static bool ends(struct span text, const char *suffix)
{
    size_t len = strlen(suffix);
    return text.len >= len && memcmp(text.ptr + text.len - len, suffix, len) == 0;
}

static void note(uint32_t *slot, uint32_t item)
{
    if (*slot == CONF_NONE)
        *slot = item;
}

/* ---- certificates ---- */

/* Values that name no file of their own. */
static bool is_no_file(struct span value)
{
    return memchr(value.ptr, '$', value.len) != NULL || begins(value, "data:") ||
           begins(value, "engine:") || begins(value, "store:");
}

static bool is_certificate_by_lua(const struct conf *conf, uint32_t item)
{
    return begins(conf_name(conf, item), "ssl_certificate_by_lua") ||
           begins(conf_name(conf, item), "ssl_client_hello_by_lua");
}

static void note_certificate(const struct conf *conf, uint32_t item, size_t *chains, size_t *keys,
                             struct server *out)
{
    bool is_chain = conf_is_simple(conf, item, "ssl_certificate");
    size_t *count = is_chain ? chains : keys;
    if (is_no_file(conf_arg(conf, item, 0)) || *count == SERVER_PAIRS_MAX) {
        note(&out->foreign, item);
        return;
    }
    struct server_pair *pair = &out->pairs[(*count)++];
    *(is_chain ? &pair->chain : &pair->key) = item;
    if (*count > out->pair_count)
        out->pair_count = *count;
}

/* ---- redirects ---- */

static bool leads_to_https(const struct conf *conf, uint32_t item)
{
    if (conf_is_simple(conf, item, "return")) {
        uint32_t count = conf_arg_count(conf, item);
        struct span code = conf_arg(conf, item, 0);
        return begins(conf_arg(conf, item, count - 1), "https://") &&
               (count == 1 || (code.len == 3 && code.ptr[0] == '3'));
    }
    return conf_is_simple(conf, item, "rewrite") && begins(conf_arg(conf, item, 1), "https://");
}

static bool holds_redirect(const struct conf *conf, uint32_t block)
{
    for (uint32_t i = block + 1; i < conf->items[block].after; i = conf->items[i].after)
        if (leads_to_https(conf, i))
            return true;
    return false;
}

bool server_redirect_goal(const struct conf *conf, uint32_t redirect, struct span *goal)
{
    uint32_t item = redirect;
    if (conf_is_block(conf, redirect, "if"))
        return false;
    if (conf_is_block(conf, redirect, "location"))
        for (item++; !leads_to_https(conf, item);)
            item = conf->items[item].after;
    bool rewrites = conf_is_simple(conf, item, "rewrite");
    *goal = conf_arg(conf, item, rewrites ? 1 : conf_arg_count(conf, item) - 1);
    return true;
}

static bool is_own_if(const struct conf *conf, uint32_t item)
{
    return conf_is_block(conf, item, "if") &&
           span_is(conf_arg(conf, item, 0), "($" SERVER_OWN_VARIABLE);
}

/* It knows the names for HSTS, and leads nowhere. */
static bool is_of_hsts(const struct conf *conf, uint32_t own_if)
{
    return conf_arg_count(conf, own_if) > 2 && begins(conf_arg(conf, own_if, 2), "^https:");
}

/* The location for everything. */
static bool is_root_location(const struct conf *conf, uint32_t item)
{
    uint32_t count = conf_arg_count(conf, item);
    return conf_is_block(conf, item, "location") && span_is(conf_arg(conf, item, count - 1), "/") &&
           (count == 1 || span_is(conf_arg(conf, item, 0), "^~"));
}

/* ---- the challenge location ---- */

static bool is_challenge(const struct conf *conf, uint32_t item)
{
    uint32_t count = conf_arg_count(conf, item);
    if (!conf_is_block(conf, item, "location") || count > 2 ||
        (count == 2 && !span_is(conf_arg(conf, item, 0), "^~")))
        return false;
    struct span path = conf_arg(conf, item, count - 1);
    return span_is(path, SERVER_CHALLENGE_PATH) || span_is(path, "^~" SERVER_CHALLENGE_PATH);
}

static bool is_guard(const struct conf *conf, uint32_t item)
{
    return conf_is_simple(conf, item, "rewrite") && span_is(conf_arg(conf, item, 2), "break") &&
           span_is(conf_arg(conf, item, 1), "$1") &&
           memmem(conf_arg(conf, item, 0).ptr, conf_arg(conf, item, 0).len, "acme-challenge", 14) !=
               NULL;
}

/* Statements that serve a request otherwise than from a file of its own path. */
static bool serves_otherwise(const struct conf *conf, uint32_t item)
{
    static const char *const names[] = {"return", "rewrite",      "if",     "internal",
                                        "deny",   "auth_request", "mirror", "limit_except"};
    struct span name = conf_name(conf, item);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_is(name, names[i]))
            return true;
    return ends(name, "_pass") || memmem(name.ptr, name.len, "_by_lua", 7) != NULL;
}

bool server_challenge_root(const struct conf *conf, uint32_t location, struct span *root)
{
    struct span own = {NULL, 0};
    for (uint32_t i = location + 1; i < conf->items[location].after; i = conf->items[i].after) {
        if (serves_otherwise(conf, i))
            return false;
        if (conf_is_simple(conf, i, "root"))
            own = conf_arg(conf, i, 0);
        if (conf_is_simple(conf, i, "alias")) {
            own = conf_arg(conf, i, 0);
            if (!ends(own, SERVER_CHALLENGE_PATH))
                return false;
            own.len -= strlen(SERVER_CHALLENGE_PATH);
        }
    }
    if (own.ptr == NULL || own.len == 0 || own.ptr[0] != '/' ||
        memchr(own.ptr, '$', own.len) != NULL)
        return false;
    *root = own;
    return true;
}

/* ---- all of it ---- */

static void note_early(const struct conf *conf, uint32_t item, struct server *out)
{
    if (is_guard(conf, item))
        note(&out->guard, item);
    else if (is_own_if(conf, item) && is_of_hsts(conf, item))
        return;
    else if (is_own_if(conf, item))
        note(&out->own_if, item);
    else if (layout_can_end_early(conf, item))
        note(&out->early, item);
}

static void note_item(const struct conf *conf, uint32_t item, const char *policy_path,
                      struct server *out)
{
    struct span name = conf_name(conf, item);
    note_early(conf, item, out);
    if (is_certificate_by_lua(conf, item))
        note(&out->foreign, item);
    if (conf_is_simple(conf, item, "ssl_reject_handshake") &&
        span_is(conf_arg(conf, item, 0), "on"))
        note(&out->reject, item);
    if (conf_is_simple(conf, item, "include") && span_is(conf_arg(conf, item, 0), policy_path))
        note(&out->include, item);
    if (tls_policy_sets(name))
        note(&out->policy, item);
    if (!is_own_if(conf, item) &&
        (leads_to_https(conf, item) ||
         (conf_is_block(conf, item, "if") && holds_redirect(conf, item)) ||
         (is_root_location(conf, item) && holds_redirect(conf, item))))
        note(&out->redirect, item);
    if (is_challenge(conf, item))
        note(&out->challenge, item);
    if (conf_is_simple(conf, item, "add_header"))
        note(begins(conf_arg(conf, item, 0), "Strict-Transport-Security") ? &out->hsts
                                                                          : &out->header,
             item);
}

void server_read(const struct conf *conf, uint32_t item, const char *policy_path,
                 struct server *out)
{
    *out = (struct server){item,      {{0}},     0,         CONF_NONE, CONF_NONE,
                           CONF_NONE, CONF_NONE, CONF_NONE, CONF_NONE, CONF_NONE,
                           CONF_NONE, CONF_NONE, CONF_NONE, CONF_NONE};
    size_t chains = 0, keys = 0;
    for (size_t i = 0; i < SERVER_PAIRS_MAX; i++)
        out->pairs[i] = (struct server_pair){CONF_NONE, CONF_NONE};
    for (uint32_t i = item + 1; i < conf->items[item].after; i = conf->items[i].after) {
        if (conf_is_simple(conf, i, "ssl_certificate") ||
            conf_is_simple(conf, i, "ssl_certificate_key"))
            note_certificate(conf, i, &chains, &keys, out);
        note_item(conf, i, policy_path, out);
    }
    uint32_t http = conf->items[item].parent;
    for (uint32_t i = http + 1; i < conf->items[http].after; i = conf->items[i].after)
        if (is_certificate_by_lua(conf, i))
            note(&out->foreign, i);
}

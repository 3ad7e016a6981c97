#include <acmec/acme/persist.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/digest.h>
#include <acmec/data/b64url.h>
#include <acmec/data/escape.h>
#include <strings.h>

#define DOMAIN_MAX 253
#define TXT_STRING_MAX 255
#define DIGEST_INPUT_MAX 4096

/* ---- what a challenge offers ---- */

void persist_offer_release(struct persist_offer *offer)
{
    for (size_t i = 0; i < offer->issuer_count; i++)
        free(offer->issuers[i]);
    free(offer->account_uri);
    *offer = (struct persist_offer){0};
}

void persist_offer_split(const char *issuers, struct persist_offer *out)
{
    persist_offer_release(out);
    while (*issuers != '\0' && out->issuer_count < PERSIST_ISSUERS_MAX) {
        size_t len = strcspn(issuers, ",");
        out->issuers[out->issuer_count++] = mem_strndup(issuers, len);
        issuers += len + (issuers[len] == ',' ? 1 : 0);
    }
}

void persist_offer_copy(const struct persist_offer *from, struct persist_offer *out)
{
    struct persist_offer copy = {.issuer_count = from->issuer_count,
                                 .account_uri = mem_strdup(from->account_uri)};
    for (size_t i = 0; i < from->issuer_count; i++)
        copy.issuers[i] = mem_strdup(from->issuers[i]);
    *out = copy;
}

static bool is_domain(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
    return len > 0 && len <= DOMAIN_MAX && text[len] == '\0';
}

bool persist_read(const json_t *challenge, struct persist_offer *out, struct error *err)
{
    AUTO(persist_offer) read = {0};
    const json_t *names = json_opt_array(challenge, "issuerDomainNames");
    if (names == NULL)
        names = json_opt_array(challenge, "issuer-domain-names");
    size_t count = json_array_size(names);
    if (count == 0 || count > PERSIST_ISSUERS_MAX)
        return fail(err, ERR_REFUSED, "the CA offers " PERSIST_TYPE " with %zu issuer names",
                    count);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name == NULL || !is_domain(name))
            return fail(err, ERR_REFUSED, "the CA offers " PERSIST_TYPE " with '%s' as issuer name",
                        escaped_str(name == NULL ? "" : name).text);
        read.issuers[read.issuer_count++] = mem_strdup(name);
    }
    read.account_uri = mem_strdup(json_opt_str(challenge, "accounturi"));
    *out = read;
    read = (struct persist_offer){0};
    return true;
}

/* ---- the record ---- */

/* Draft -02: SHA-256 over the domain's length as one byte, the domain, the thumbprint of the
 * account's key, and the account's URL. */
bool persist_account_uri(const char *hash_prefix, const char *domain, const struct key *account_key,
                         const char *account_url, struct buf *out, struct error *err)
{
    AUTO(buf) input = BUF(DIGEST_INPUT_MAX);
    unsigned char digest[SHA256_SIZE];
    if (hash_prefix == NULL) {
        buf_add_str(out, account_url);
        return true;
    }
    buf_add_byte(&input, (char)strnlen(domain, DOMAIN_MAX));
    buf_add_str(&input, domain);
    if (!key_thumbprint(account_key, &input, err))
        return false;
    buf_add_str(&input, account_url);
    if (!digest_sha256(buf_span(&input), digest, err))
        return false;
    buf_addf(out, "%ssha-256/", hash_prefix);
    b64url_encode(span_of(digest, sizeof digest), out);
    return true;
}

char *persist_name(const struct identifier *identifier)
{
    bool wildcard = identifier_is_wildcard(identifier);
    return mem_printf("_validation-persist.%s", identifier->value + (wildcard ? 2 : 0));
}

void persist_write(const char *issuer, const char *account_uri, bool wildcard, struct buf *out)
{
    buf_addf(out, "%s; accounturi=%s%s", issuer, account_uri, wildcard ? "; policy=wildcard" : "");
}

void persist_zone_line(const char *name, const char *text, struct buf *out)
{
    size_t len = strlen(text);
    buf_addf(out, "%s. IN TXT", name);
    for (size_t at = 0; at < len; at += TXT_STRING_MAX) {
        size_t end = len - at > TXT_STRING_MAX ? at + TXT_STRING_MAX : len;
        buf_add_str(out, " \"");
        for (size_t i = at; i < end; i++) {
            if (text[i] == '"' || text[i] == '\\')
                buf_add_byte(out, '\\');
            buf_add_byte(out, text[i]);
        }
        buf_add_byte(out, '"');
    }
}

/* ---- reading one ---- */

static struct span trim(struct span text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Takes what is before the next ';' off text; false: nothing is left. */
static bool take_part(struct span *text, bool *more, struct span *part)
{
    if (!*more)
        return false;
    const char *end = text->len == 0 ? NULL : memchr(text->ptr, ';', text->len);
    size_t len = end == NULL ? text->len : (size_t)(end - text->ptr);
    *part = trim(span_of(text->ptr, len));
    *more = end != NULL;
    text->ptr += len + (end != NULL ? 1 : 0);
    text->len -= len + (end != NULL ? 1 : 0);
    return true;
}

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

static bool is_issuer(struct span text, const struct persist_want *want)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    for (size_t i = 0; i < want->issuer_count; i++)
        if (is_word(text, want->issuers[i]))
            return true;
    return false;
}

/* Seconds since 1970; false: it is no such number. */
static bool read_seconds(struct span text, int64_t *out)
{
    int64_t value = 0;
    if (text.len == 0 || text.len > 17)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *out = value;
    return true;
}

struct terms {
    bool has_account, has_policy, has_until;
    bool account, wildcard, current;
};

/* One "tag=value"; false: it is none, or given a second time. Unknown tags are let pass. */
static bool read_term(struct span part, const struct persist_want *want, struct terms *terms)
{
    const char *sign = part.len == 0 ? NULL : memchr(part.ptr, '=', part.len);
    if (sign == NULL)
        return false;
    struct span tag = trim(span_of(part.ptr, (size_t)(sign - part.ptr)));
    struct span value = trim(span_of(sign + 1, part.len - (size_t)(sign + 1 - part.ptr)));
    if (tag.len == 0 || (value.len > 0 && memchr(value.ptr, ' ', value.len) != NULL))
        return false;
    bool *seen = is_word(tag, "accounturi")     ? &terms->has_account
                 : is_word(tag, "policy")       ? &terms->has_policy
                 : is_word(tag, "persistUntil") ? &terms->has_until
                                                : NULL;
    if (seen == NULL)
        return true;
    if (*seen)
        return false;
    *seen = true;
    int64_t until = 0;
    if (seen == &terms->has_account)
        terms->account = span_is(value, want->account_uri);
    else if (seen == &terms->has_policy)
        terms->wildcard = is_word(value, "wildcard");
    else if (!read_seconds(value, &until))
        return false;
    else
        terms->current = want->now <= until;
    return true;
}

bool persist_allows(struct span text, const struct persist_want *want)
{
    struct terms terms = {.current = true};
    struct span part;
    bool more = true;
    if (text.len > PERSIST_RECORD_MAX || !take_part(&text, &more, &part) || !is_issuer(part, want))
        return false;
    while (take_part(&text, &more, &part))
        if (!read_term(part, want, &terms))
            return false;
    return terms.account && terms.current && (terms.wildcard || !want->wildcard);
}

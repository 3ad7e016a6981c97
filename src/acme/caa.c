#include <acmec/acme/caa.h>

#include <acmec/data/escape.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FLAG_CRITICAL 0x80

static const char *const known_tags[] = {"issue", "issuewild",    "issuemail",   "issuevmc",
                                         "iodef", "contactemail", "contactphone"};

static bool is_known(const char *tag)
{
    for (size_t i = 0; i < sizeof known_tags / sizeof *known_tags; i++)
        if (strcmp(tag, known_tags[i]) == 0)
            return true;
    return false;
}

static bool is_caa(const struct dns_record *record)
{
    return record->type == DNS_CAA && !record->authority;
}

bool caa_has_records(const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        if (is_caa(&answer->records[i]))
            return true;
    return false;
}

/* ---- text ---- */

static struct span trim(struct span text)
{
    while (text.len > 0 && strchr(" \t", text.ptr[0]) != NULL)
        text = span_of(text.ptr + 1, text.len - 1);
    while (text.len > 0 && strchr(" \t", text.ptr[text.len - 1]) != NULL)
        text.len--;
    return text;
}

/* Takes the part before the mark off the front of rest. */
static struct span take_until(struct span *rest, char mark)
{
    const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, mark, rest->len);
    size_t len = at == NULL ? rest->len : (size_t)(at - rest->ptr);
    struct span part = span_of(rest->ptr, len);
    size_t used = at == NULL ? len : len + 1;
    *rest = span_of(rest->ptr + used, rest->len - used);
    return trim(part);
}

static bool same_word(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether word is in a comma-separated list. */
static bool is_in(struct span list, struct span word)
{
    while (list.len > 0)
        if (same_word(take_until(&list, ','), word))
            return true;
    return false;
}

/* ---- one record ---- */

/* "issuer.example; accounturi=...; validationmethods=..." */
struct property {
    struct span issuer, account, methods;
    bool has_account, has_methods, broken;
};

static void read_parameter(struct span parameter, struct property *out)
{
    struct span name = take_until(&parameter, '=');
    if (same_word(name, SPAN_LIT("accounturi"))) {
        out->broken |= out->has_account;
        out->has_account = true;
        out->account = trim(parameter);
    } else if (same_word(name, SPAN_LIT("validationmethods"))) {
        out->broken |= out->has_methods;
        out->has_methods = true;
        out->methods = trim(parameter);
    }
}

static struct property read_property(const struct dns_record *record)
{
    struct span rest = buf_span(&record->data);
    struct property property = {.issuer = take_until(&rest, ';')};
    while (rest.len > 0)
        read_parameter(take_until(&rest, ';'), &property);
    return property;
}

/* Why a record does not let us issue. */
enum lack { LACK_NONE, LACK_ISSUER, LACK_SENSE, LACK_NO_ACCOUNT, LACK_ACCOUNT, LACK_METHOD };

static enum lack lack_of(const struct property *property, const struct caa_wish *wish)
{
    if (property->issuer.len == 0 ||
        !is_in(span_str(wish->identities == NULL ? "" : wish->identities), property->issuer))
        return LACK_ISSUER;
    if (property->broken)
        return LACK_SENSE;
    if (property->has_account && wish->account_url == NULL)
        return LACK_NO_ACCOUNT;
    if (property->has_account && !span_is(property->account, wish->account_url))
        return LACK_ACCOUNT;
    if (property->has_methods && !is_in(property->methods, span_str(wish->method)))
        return LACK_METHOD;
    return LACK_NONE;
}

/* ---- the set ---- */

static size_t count_tag(const struct dns_answer *answer, const char *tag)
{
    size_t count = 0;
    for (size_t i = 0; i < answer->count; i++)
        count += is_caa(&answer->records[i]) && strcmp(answer->records[i].tag, tag) == 0 ? 1 : 0;
    return count;
}

static const struct dns_record *find_unknown_critical(const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        if (is_caa(record) && (record->flags & FLAG_CRITICAL) != 0 && !is_known(record->tag))
            return record;
    }
    return NULL;
}

static void give_reason(const struct property *property, const struct caa_wish *wish,
                        enum lack lack, char reason[static CAA_REASON_MAX])
{
    struct escaped issuer = escaped(property->issuer);
    switch (lack) {
    case LACK_NONE:
        break;
    case LACK_ISSUER:
        if (property->issuer.len == 0)
            (void)snprintf(reason, CAA_REASON_MAX, "no CA may issue");
        else
            (void)snprintf(reason, CAA_REASON_MAX, "only '%.255s' may issue, not '%.120s'",
                           issuer.text, wish->identities);
        break;
    case LACK_SENSE:
        (void)snprintf(reason, CAA_REASON_MAX, "a parameter is given twice");
        break;
    case LACK_NO_ACCOUNT:
        (void)snprintf(reason, CAA_REASON_MAX,
                       "only one account may issue (accounturi), and there is none here yet");
        break;
    case LACK_ACCOUNT:
        (void)snprintf(reason, CAA_REASON_MAX, "only the account %.400s may issue",
                       escaped(property->account).text);
        break;
    case LACK_METHOD:
        (void)snprintf(reason, CAA_REASON_MAX, "names may be proved only by %.200s, not by %.60s",
                       escaped(property->methods).text, wish->method);
        break;
    }
}

/* One record that lets us issue is enough; else the last objection, one about our own CA first. */
static bool any_allows(const struct dns_answer *answer, const char *tag,
                       const struct caa_wish *wish, char reason[static CAA_REASON_MAX])
{
    bool ours = false;
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        if (!is_caa(record) || strcmp(record->tag, tag) != 0)
            continue;
        struct property property = read_property(record);
        enum lack lack = lack_of(&property, wish);
        if (lack == LACK_NONE)
            return true;
        if (!ours)
            give_reason(&property, wish, lack, reason);
        ours |= lack != LACK_ISSUER;
    }
    return false;
}

bool caa_write_record(const char *identities, size_t nth, const char *account_url, struct buf *out)
{
    const char *at = identities;
    for (; at != NULL && nth > 0; nth--) {
        at = strchr(at, ',');
        at = at == NULL ? NULL : at + 1;
    }
    if (at == NULL)
        return false;
    buf_addf(out, "0 issue \"%.*s; accounturi=%s\"", (int)strcspn(at, ","), at, account_url);
    return true;
}

enum caa_verdict caa_judge(const struct dns_answer *answer, const struct caa_wish *wish,
                           char reason[static CAA_REASON_MAX])
{
    (void)snprintf(reason, CAA_REASON_MAX, "no CAA record stands against it");
    if (answer == NULL)
        return CAA_ALLOWED;
    const struct dns_record *unknown = find_unknown_critical(answer);
    if (unknown != NULL) {
        (void)snprintf(reason, CAA_REASON_MAX, "a critical record '%s' that no CA may overlook",
                       unknown->tag);
        return CAA_FORBIDDEN;
    }
    const char *tag = wish->wildcard && count_tag(answer, "issuewild") > 0 ? "issuewild" : "issue";
    if (count_tag(answer, tag) == 0)
        return CAA_ALLOWED;
    if (wish->identities == NULL) {
        (void)snprintf(reason, CAA_REASON_MAX,
                       "there are CAA records, and the CA does not say by which name it is meant "
                       "in them");
        return CAA_UNKNOWN;
    }
    if (!any_allows(answer, tag, wish, reason))
        return CAA_FORBIDDEN;
    (void)snprintf(reason, CAA_REASON_MAX, "the CAA records name this CA");
    return CAA_ALLOWED;
}

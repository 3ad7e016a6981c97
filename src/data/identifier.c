#include <acmec/data/identifier.h>

#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NAME_MAX_OCTETS 253
#define LABEL_MAX_OCTETS 63
/* 253 characters of four bytes, and something to spare: what is worth giving to libidn2. */
#define INPUT_MAX 1024
#define IDNA_FLAGS (IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            return false;
    }
    return len > 0;
}

/* ---- IP addresses ---- */

/* RFC 5952: inet_ntop writes the deprecated ::/96 with dots, which CAs refuse. */
static bool format_ipv6(const struct in6_addr *address, char out[static IDENTIFIER_MAX + 1],
                        struct error *err)
{
    const uint8_t *b = address->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        fail(err, ERR_USAGE, "'::ffff:%d.%d.%d.%d' is an IPv4 address in IPv6 form", b[12], b[13],
             b[14], b[15]);
        return with_hint(err, "give '%d.%d.%d.%d'", b[12], b[13], b[14], b[15]);
    }
    if (IN6_IS_ADDR_V4COMPAT(address) && (b[12] != 0 || b[13] != 0))
        (void)snprintf(out, IDENTIFIER_MAX + 1, "::%x:%x", (unsigned)(b[12] << 8 | b[13]),
                       (unsigned)(b[14] << 8 | b[15]));
    else
        (void)inet_ntop(AF_INET6, address, out, IDENTIFIER_MAX + 1);
    return true;
}

static bool fail_port(const char *text, size_t host_len, struct error *err)
{
    fail(err, ERR_USAGE, "'%s' has a port: a certificate is for a name alone",
         escaped_str(text).text);
    return with_hint(err, "give '%s'", escaped(span_of(text, host_len)).text);
}

/* text has a colon: an IPv6 address, or a name with a port. */
static bool parse_colons(const char *text, struct identifier *out, struct error *err)
{
    char inner[INET6_ADDRSTRLEN] = "";
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    size_t len = strlen(text);
    if (text[0] == '[' && bracket != NULL && colon == bracket + 1)
        return fail_port(text, (size_t)(colon - text), err);
    if (text[0] != '[' && strchr(text, ':') == colon && colon > text &&
        (colon[1] == '\0' || all_digits(colon + 1, strlen(colon + 1))))
        return fail_port(text, (size_t)(colon - text), err);
    bool bracketed = text[0] == '[' && text[len - 1] == ']';
    if (bracketed && len - 2 < sizeof(inner))
        memcpy(inner, text + 1, len - 2);
    struct in6_addr address;
    if (inet_pton(AF_INET6, bracketed ? inner : text, &address) != 1)
        return fail(err, ERR_USAGE, "'%s' is no IPv6 address and no name", escaped_str(text).text);
    struct identifier found = {.type = IDENTIFIER_IP};
    if (!format_ipv6(&address, found.value, err))
        return false;
    *out = found;
    return true;
}

/* ---- DNS names ---- */

static bool check_label(const char *label, size_t len, const char *shown, struct error *err)
{
    if (len == 0)
        return fail(err, ERR_USAGE, "'%s' has an empty label", shown);
    if (len > LABEL_MAX_OCTETS)
        return fail(err, ERR_USAGE, "'%s' has a label of more than 63 octets", shown);
    for (size_t i = 0; i < len; i++) {
        bool ok = (label[i] >= 'a' && label[i] <= 'z') || is_digit(label[i]) || label[i] == '-';
        if (!ok && label[i] == '*')
            return fail(err, ERR_USAGE, "'%s' has a '*' that is not its whole first label", shown);
        if (!ok)
            return fail(err, ERR_USAGE, "'%s' has '%s', which no host name may have", shown,
                        escaped(span_of(label + i, 1)).text);
    }
    if (label[0] == '-' || label[len - 1] == '-')
        return fail(err, ERR_USAGE, "'%s' has a label that begins or ends in '-'", shown);
    return true;
}

/* host: lower-case, without "*." and final dot. */
static bool check_host(const char *host, const char *shown, struct error *err)
{
    size_t labels = 0;
    const char *label = host;
    for (;;) {
        size_t len = strcspn(label, ".");
        if (!check_label(label, len, shown, err))
            return false;
        labels++;
        if (label[len] == '\0')
            break;
        label += len + 1;
    }
    if (labels == 1) {
        fail(err, ERR_USAGE, "'%s' is a single label", shown);
        return with_hint(err, "give the whole name, as in '%s.example.com'", shown);
    }
    if (all_digits(label, strlen(label)))
        return fail(err, ERR_USAGE, "'%s' is no IPv4 address, and no name ends in a number", shown);
    return true;
}

static bool needs_idna(const char *host)
{
    for (const char *c = host; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            return true;
        if ((c == host || c[-1] == '.') && strncasecmp(c, "xn--", 4) == 0)
            return true;
    }
    return false;
}

/* Writes the A-label form of host; what is ASCII is only lower-cased, so that names which IDNA does
 * not care for stay possible. */
static bool to_ascii(const char *host, const char *shown, char out[static INPUT_MAX + 1],
                     struct error *err)
{
    if (!needs_idna(host)) {
        size_t len = strlen(host);
        for (size_t i = 0; i <= len; i++)
            out[i] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] - 'A' + 'a') : host[i];
        return true;
    }
    uint8_t *converted = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)host, &converted, IDNA_FLAGS);
    if (rc == IDN2_MALLOC)
        mem_exhausted();
    if (rc != IDN2_OK)
        return fail(err, ERR_USAGE, "'%s' is no internationalised name: %s", shown,
                    idn2_strerror(rc));
    (void)snprintf(out, INPUT_MAX + 1, "%s", (const char *)converted);
    idn2_free(converted);
    return true;
}

static bool parse_dns(const char *text, struct identifier *out, struct error *err)
{
    char host[INPUT_MAX + 1];
    const char *shown = text;
    struct escaped safe = escaped_str(shown);
    bool wildcard = strncmp(text, "*.", 2) == 0;
    if (!to_ascii(wildcard ? text + 2 : text, safe.text, host, err))
        return false;
    size_t len = strlen(host);
    if (len > 1 && host[len - 1] == '.')
        host[--len] = '\0';
    if (len + (wildcard ? 2 : 0) > NAME_MAX_OCTETS)
        return fail(err, ERR_USAGE, "'%s' is longer than 253 octets", safe.text);
    if (!check_host(host, safe.text, err))
        return false;
    struct identifier found = {.type = IDENTIFIER_DNS};
    memcpy(found.value, "*.", 2);
    memcpy(found.value + (wildcard ? 2 : 0), host, len + 1); /* at most 253 by now */
    *out = found;
    return true;
}

bool identifier_parse(const char *text, struct identifier *out, struct error *err)
{
    if (text[0] == '\0')
        return fail(err, ERR_USAGE, "a name is empty");
    if (strlen(text) > INPUT_MAX)
        return fail(err, ERR_USAGE, "'%s' is longer than 253 octets", escaped_str(text).text);
    const char *scheme = strstr(text, "://");
    if (scheme != NULL) {
        const char *host = scheme + 3;
        fail(err, ERR_USAGE, "'%s' is a URL, not a name", escaped_str(text).text);
        return with_hint(err, "give the name alone: '%s'",
                         escaped(span_of(host, strcspn(host, "/?#"))).text);
    }
    struct in_addr ipv4;
    if (inet_pton(AF_INET, text, &ipv4) == 1) {
        struct identifier found = {.type = IDENTIFIER_IP};
        (void)inet_ntop(AF_INET, &ipv4, found.value, sizeof(found.value));
        *out = found;
        return true;
    }
    if (strchr(text, ':') != NULL)
        return parse_colons(text, out, err);
    return parse_dns(text, out, err);
}

/* ---- the rest ---- */

const char *identifier_type_word(enum identifier_type type)
{
    return type == IDENTIFIER_IP ? "ip" : "dns";
}

bool identifier_is_wildcard(const struct identifier *identifier)
{
    return strncmp(identifier->value, "*.", 2) == 0;
}

bool identifier_equals(const struct identifier *a, const struct identifier *b)
{
    return a->type == b->type && strcmp(a->value, b->value) == 0;
}

/* RFC 1035 section 3.5, RFC 3596 section 2.5: the bytes, or nibbles, backwards. */
void identifier_server_name(const struct identifier *identifier,
                            char out[static IDENTIFIER_MAX + 1])
{
    uint8_t address[16] = {0};
    if (identifier->type == IDENTIFIER_DNS) {
        (void)snprintf(out, IDENTIFIER_MAX + 1, "%s", identifier->value);
        return;
    }
    if (inet_pton(AF_INET, identifier->value, address) == 1) {
        (void)snprintf(out, IDENTIFIER_MAX + 1, "%d.%d.%d.%d.in-addr.arpa", address[3], address[2],
                       address[1], address[0]);
        return;
    }
    (void)inet_pton(AF_INET6, identifier->value, address);
    char *at = out;
    for (size_t i = sizeof address; i-- > 0; at += 4)
        (void)snprintf(at, 5, "%x.%x.", address[i] & 0xf, address[i] >> 4);
    (void)snprintf(at, 9, "ip6.arpa");
}

void identifier_list_release(struct identifier_list *list)
{
    free(list->items);
    *list = (struct identifier_list){0};
}

bool identifier_list_has(const struct identifier_list *list, const struct identifier *identifier)
{
    for (size_t i = 0; i < list->count; i++) {
        if (identifier_equals(&list->items[i], identifier))
            return true;
    }
    return false;
}

bool identifier_list_add(struct identifier_list *list, const struct identifier *identifier)
{
    if (identifier_list_has(list, identifier))
        return false;
    struct identifier copy = *identifier; /* it may live in the list that moves */
    list->items = mem_resize(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = copy;
    return true;
}

bool identifier_list_same_set(const struct identifier_list *a, const struct identifier_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!identifier_list_has(b, &a->items[i]))
            return false;
    }
    return true;
}

void identifier_list_copy(const struct identifier_list *from, struct identifier_list *out)
{
    struct identifier_list copy = {0};
    if (from->count > 0) {
        copy.items = mem_new(from->count, sizeof(*copy.items));
        memcpy(copy.items, from->items, from->count * sizeof(*copy.items));
        copy.count = from->count;
    }
    *out = copy;
}

bool identifier_cert_name(const struct identifier *identifier, char out[static CERT_NAME_MAX + 1],
                          struct error *err)
{
    const char *value = identifier->value + (identifier_is_wildcard(identifier) ? 2 : 0);
    size_t len = strlen(value);
    if (len > CERT_NAME_MAX) {
        fail(err, ERR_USAGE, "'%s' is too long to name a certificate after", value);
        return with_hint(err, "choose the certificate's name with --name");
    }
    for (size_t i = 0; i <= len; i++)
        out[i] = value[i] == ':' ? '-' : value[i];
    return true;
}

bool cert_name_check(const char *name, struct error *err)
{
    size_t len = strlen(name);
    bool ok = len >= 1 && len <= CERT_NAME_MAX && name[0] != '.' && strstr(name, "..") == NULL &&
              strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
    if (ok)
        return true;
    fail(err, ERR_USAGE, "'%s' cannot be a certificate's name", escaped_str(name).text);
    return with_hint(err, "a name is 1 to 200 of a-z, 0-9, '.', '_' and '-', "
                          "without a leading '.' and without '..'");
}

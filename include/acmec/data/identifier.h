/* identifier: what a certificate is for: a DNS name, a wildcard, or an IP address, in the one form
 * that is sent to a CA. Includes <idn2.h> in its source alone. Pure. */
#ifndef ACMEC_DATA_IDENTIFIER_H
#define ACMEC_DATA_IDENTIFIER_H

#include <acmec/base/error.h>
#include <stddef.h>

#define IDENTIFIER_MAX 255
#define IDENTIFIERS_MAX 100
#define CERT_NAME_MAX 200

enum identifier_type { IDENTIFIER_DNS, IDENTIFIER_IP };

struct identifier {
    enum identifier_type type;
    char value[IDENTIFIER_MAX + 1]; /* lower-case A-labels, no final dot, "*." kept; RFC 5952 */
};

struct identifier_list {
    struct identifier *items;
    size_t count;
};

void identifier_list_release(struct identifier_list *list);

/* Normalises one name as a person writes it: case, final dot, IDNA (UTS 46, as libidn2 does it), IP
 * addresses (brackets around IPv6 allowed). ERR_USAGE with a sentence for: empty, a label over 63
 * octets, over 253 in all, a single label, bad characters, a '*' anywhere but as the whole first
 * label, an all-numeric last label, an IPv4-mapped IPv6 address, a port, a URL scheme (the last
 * three with a hint that gives the name alone). text is UTF-8 whatever the locale. */
bool identifier_parse(const char *text, struct identifier *out, struct error *err) MUST_USE;

/* "dns" or "ip", RFC 8555 section 9.7.7, RFC 8738. */
const char *identifier_type_word(enum identifier_type type);
bool identifier_is_wildcard(const struct identifier *identifier);
bool identifier_equals(const struct identifier *a, const struct identifier *b);

/* What a client of the CA writes into SNI for it (RFC 8738 section 6): a DNS name as it is, an
 * address as its name below in-addr.arpa or ip6.arpa. */
void identifier_server_name(const struct identifier *identifier,
                            char out[static IDENTIFIER_MAX + 1]);

/* Adds a copy unless it is there already. Returns whether it was added. */
bool identifier_list_add(struct identifier_list *list, const struct identifier *identifier);
bool identifier_list_has(const struct identifier_list *list, const struct identifier *identifier);
/* The same members, in any order. */
bool identifier_list_same_set(const struct identifier_list *a, const struct identifier_list *b);
void identifier_list_copy(const struct identifier_list *from, struct identifier_list *out);

/* A certificate's name (design section 4): the identifier with "*." dropped and ':' written '-'.
 * ERR_USAGE, with the hint to use --name, for a DNS name of more than CERT_NAME_MAX octets: cut
 * off, two certificates could get one name. */
bool identifier_cert_name(const struct identifier *identifier, char out[static CERT_NAME_MAX + 1],
                          struct error *err) MUST_USE;
/* 1-200 bytes of [a-z0-9._-], no leading dot, no "..". ERR_USAGE. */
bool cert_name_check(const char *name, struct error *err) MUST_USE;

#endif

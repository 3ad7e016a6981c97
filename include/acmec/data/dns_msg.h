/* dns_msg: one question to the DNS and its answer as plain data; no resolver here. An answer is the
 * word of a stranger. */
#ifndef ACMEC_DATA_DNS_MSG_H
#define ACMEC_DATA_DNS_MSG_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <stdint.h>

#define DNS_NAME_MAX 1008 /* in text, where a byte may become \DDD */
#define DNS_DATA_MAX (64 * 1024)
#define DNS_RECORDS_MAX 512
#define DNS_TAG_MAX 63
#define DNS_MESSAGE_MAX 65535

/* X(id, word, number in RFC 1035, 3596, 8659) */
#define DNS_TYPES(X)                                                                               \
    X(A, "A", 1)                                                                                   \
    X(NS, "NS", 2)                                                                                 \
    X(CNAME, "CNAME", 5)                                                                           \
    X(SOA, "SOA", 6)                                                                               \
    X(MX, "MX", 15)                                                                                \
    X(TXT, "TXT", 16)                                                                              \
    X(AAAA, "AAAA", 28)                                                                            \
    X(CAA, "CAA", 257)

/* HOST is no record: A and AAAA as this machine resolves names, its hosts file first. */
#define DNS_TYPE_AS_ENUM(id, word, number) DNS_##id,
enum dns_type { DNS_HOST, DNS_TYPES(DNS_TYPE_AS_ENUM) DNS_TYPE_COUNT };
#undef DNS_TYPE_AS_ENUM

const char *dns_type_word(enum dns_type type);
uint16_t dns_type_number(enum dns_type type); /* 0 for HOST */
/* False: a type that is none of ours. */
bool dns_type_from_number(uint16_t number, enum dns_type *out);

/* The rcodes that mean something to us (RFC 1035, 2136); others keep their number. */
enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5
};
/* "NXDOMAIN", "SERVFAIL", ...; "an error" for others. */
const char *dns_rcode_word(unsigned rcode);

struct dns_query {
    char *name; /* owned; absolute, the last dot may be left out */
    enum dns_type type;
    char *server;        /* owned; ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; NULL: the system's */
    bool tcp;            /* TCP from the first; else UDP, and TCP where an answer is cut */
    unsigned timeout_ms; /* 0: 5 s */
};
void dns_query_release(struct dns_query *query);

struct dns_record {
    enum dns_type type;
    bool authority; /* from the authority section, not the answer */
    char *owner;    /* owned; without the last dot, "" for the root */
    uint32_t ttl;
    uint8_t flags;             /* CAA */
    uint16_t preference;       /* MX */
    char tag[DNS_TAG_MAX + 1]; /* CAA, lower case; "?" for what is no tag */
    /* A, AAAA: the address; NS, CNAME, MX: the name; SOA: the zone's first server; TXT: all strings
     * one after the other; CAA: the value. TXT and CAA: any bytes. */
    struct buf data;
};

struct dns_answer {
    unsigned rcode;
    bool authoritative;
    struct dns_record *records; /* owned, in the order of the message; types not asked for too */
    size_t count;
};
void dns_answer_release(struct dns_answer *answer);
/* A new record, zeroed, borrowed until the next one. */
struct dns_record *dns_answer_add(struct dns_answer *answer);

/* Whether text is a name as an answer holds them: printable, no space, at most DNS_NAME_MAX. */
bool dns_name_is_printable(const char *text);

#endif

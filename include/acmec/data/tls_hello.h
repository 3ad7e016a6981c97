/* tls_hello: reads the two messages that open a TLS handshake, so that a person can be told what
 * was offered and what was chosen; and the words for their numbers. Pure, for hostile bytes. */
#ifndef ACMEC_DATA_TLS_HELLO_H
#define ACMEC_DATA_TLS_HELLO_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <stdint.h>

#define TLS_OFFERS_MAX 128

struct tls_numbers {
    uint16_t items[TLS_OFFERS_MAX];
    size_t count; /* further ones are left out */
};

/* RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2. */
struct tls_client_hello {
    struct tls_numbers versions; /* 0x0303 is TLS 1.2 */
    struct tls_numbers suites, groups, signatures;
    struct tls_numbers key_shares; /* groups for which a public key goes along */
    char server_name[256];         /* asked for, escaped, or "" */
    char protocols[256];           /* ALPN, "h2, http/1.1", escaped, or "" */
    bool asks_for_staple;
};

struct tls_server_hello {
    uint16_t version, suite;
    uint16_t key_share; /* the group of the server's public key; 0: in a later message */
    bool is_retry;      /* a HelloRetryRequest: key_share is the group asked for */
};

/* message: with its four bytes of head. False: it is not one, and out is untouched. */
bool tls_client_hello_read(struct span message, struct tls_client_hello *out) MUST_USE;
bool tls_server_hello_read(struct span message, struct tls_server_hello *out) MUST_USE;

enum tls_number_kind {
    TLS_NUMBER_VERSION,
    TLS_NUMBER_SUITE,
    TLS_NUMBER_GROUP,
    TLS_NUMBER_SIGNATURE
};
/* IANA's word, "TLS 1.3" for versions, or NULL. Static. */
const char *tls_number_word(enum tls_number_kind kind, uint16_t number);
/* "x25519, secp256r1, 0x1234", the first `most` of them, then "and 3 more". Appends. */
void tls_numbers_write(enum tls_number_kind kind, const struct tls_numbers *numbers, size_t most,
                       struct buf *out);

/* The words for a handshake message and an alert: "ServerHello", "handshake_failure"; or NULL. */
const char *tls_message_word(uint8_t type);
const char *tls_alert_word(uint8_t description);

#endif

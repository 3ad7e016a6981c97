/* tls_msg: one TLS handshake with a server as plain data: what to offer, and what was seen. No
 * OpenSSL here. Nothing in a report is verified: it is the word of a stranger, told by a worker. */
#ifndef ACMEC_DATA_TLS_MSG_H
#define ACMEC_DATA_TLS_MSG_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <stdint.h>

#define TLS_CHAIN_MAX (256 * 1024)
#define TLS_CHAIN_CERTS_MAX 16
#define TLS_HELLO_MAX (16 * 1024)
#define TLS_STEPS_MAX 48
#define TLS_WORD_MAX 63

/* X(id, word): OpenSSL's spelling, which nginx shows too. */
#define TLS_VERSIONS(X)                                                                            \
    X(1_0, "TLSv1")                                                                                \
    X(1_1, "TLSv1.1")                                                                              \
    X(1_2, "TLSv1.2")                                                                              \
    X(1_3, "TLSv1.3")

#define TLS_VERSION_AS_ENUM(id, word) TLS_##id,
enum tls_version { TLS_VERSION_ANY, TLS_VERSIONS(TLS_VERSION_AS_ENUM) TLS_VERSION_COUNT };
#undef TLS_VERSION_AS_ENUM

const char *tls_version_word(enum tls_version version);

/* Which kind of certificate the offered signature algorithms let the server choose. */
enum tls_key { TLS_ANY_KEY, TLS_ECDSA, TLS_RSA, TLS_KEY_COUNT };

struct tls_request {
    char *address; /* owned; numeric, IPv6 without brackets */
    uint16_t port;
    char *server_name; /* owned; the name to ask for, or NULL: none is sent */
    char *alpn;        /* owned; "h2,http/1.1", or NULL */
    enum tls_key key;
    enum tls_version min, max; /* ANY: 1.2 and 1.3 */
    bool proxy_protocol;       /* begin with a PROXY line, version 1 */
    unsigned timeout_ms;       /* connection and handshake; 0: 10 s */
};

void tls_request_release(struct tls_request *request);
void tls_request_copy(const struct tls_request *from, struct tls_request *out);

/* One message of the handshake, or an alert, in the order in which they went. */
struct tls_step {
    bool sent;       /* by us */
    bool is_alert;   /* type is the alert's description then */
    uint8_t type;    /* HandshakeType of RFC 8446 */
    uint32_t length; /* bytes */
};

struct tls_report {
    enum tls_version version;
    char cipher[TLS_WORD_MAX + 1];         /* "TLS_AES_256_GCM_SHA384" */
    char group[TLS_WORD_MAX + 1];          /* of the key exchange, "x25519", or "" */
    char signature[TLS_WORD_MAX + 1];      /* by the certificate's key, over the handshake, or "" */
    char alpn[TLS_WORD_MAX + 1];           /* chosen, or "" */
    bool stapled;                          /* an OCSP response came with the certificate */
    struct buf chain[TLS_CHAIN_CERTS_MAX]; /* DER, as sent: the leaf first */
    size_t chain_count;                    /* at least 1 */
    struct buf client_hello, server_hello; /* whole messages as they went; the last ones sent */
    struct tls_step steps[TLS_STEPS_MAX];
    size_t step_count;
    uint32_t connect_ms, handshake_ms;
};

void tls_report_release(struct tls_report *report);

#endif

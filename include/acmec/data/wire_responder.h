/* wire_responder: the messages between the keeper and acmec-responder, as data/frame carries them.
 * Pure, and checked at both ends as if the other were hostile. */
#ifndef ACMEC_DATA_WIRE_RESPONDER_H
#define ACMEC_DATA_WIRE_RESPONDER_H

#include <acmec/base/error.h>
#include <acmec/data/frame.h>

#define WIRE_LISTENERS_MAX 16
#define WIRE_TOKEN_MAX 255
#define WIRE_AUTHORIZATION_MAX 320 /* token "." thumbprint */
#define WIRE_VISITOR_MAX 63
#define WIRE_SERVER_NAME_MAX 255
#define WIRE_CERT_MAX 2048
#define WIRE_KEY_MAX 512
#define WIRE_LINE_MAX 1024

enum wire_responder_type {
    WIRE_RESPONDER_HELLO = 1, /* keeper: version, numbers of listeners; worker: version, 0, 0 */
    WIRE_RESPONDER_ADD = 2,   /* HTTP-01 */
    WIRE_RESPONDER_REMOVE = 3,
    WIRE_RESPONDER_ADD_TLS = 4, /* TLS-ALPN-01 */
    WIRE_RESPONDER_ACK = 64,    /* this token is served now */
    WIRE_RESPONDER_HIT = 65,
    WIRE_RESPONDER_LOG = 66
};

struct wire_hello {
    char version[64];
    uint32_t listeners;     /* HTTP: the first descriptors */
    uint32_t tls_listeners; /* the next ones; WIRE_LISTENERS_MAX in all */
};
struct wire_answer {
    char token[WIRE_TOKEN_MAX + 1]; /* [A-Za-z0-9_-]+ */
    char key_authorization[WIRE_AUTHORIZATION_MAX + 1];
};
/* token only names it; a visit to server_name is answered with the certificate. */
struct wire_tls_answer {
    char token[WIRE_TOKEN_MAX + 1];
    char server_name[WIRE_SERVER_NAME_MAX + 1]; /* lower-case [a-z0-9.-]+ */
    struct span cert, key;                      /* DER, both borrowed and not empty */
};
struct wire_hit {
    char token[WIRE_TOKEN_MAX + 1];
    char visitor[WIRE_VISITOR_MAX + 1]; /* address, not escaped yet */
};

void wire_responder_put_hello(struct buf *out, const char *version, uint32_t listeners,
                              uint32_t tls_listeners);
void wire_responder_put_add(struct buf *out, const char *token, const char *key_authorization);
void wire_responder_put_add_tls(struct buf *out, const struct wire_tls_answer *answer);
/* REMOVE and ACK carry a token alone. */
void wire_responder_put_token(struct buf *out, enum wire_responder_type type, const char *token);
void wire_responder_put_hit(struct buf *out, const char *token, const char *visitor);
void wire_responder_put_log(struct buf *out, const char *text);

/* False: it is not one, and out is untouched. */
bool wire_responder_get_hello(struct span payload, struct wire_hello *out) MUST_USE;
bool wire_responder_get_add(struct span payload, struct wire_answer *out) MUST_USE;
bool wire_responder_get_add_tls(struct span payload, struct wire_tls_answer *out) MUST_USE;
bool wire_responder_get_token(struct span payload, char token[static WIRE_TOKEN_MAX + 1]) MUST_USE;
bool wire_responder_get_hit(struct span payload, struct wire_hit *out) MUST_USE;
bool wire_responder_get_log(struct span payload, char text[static WIRE_LINE_MAX + 1]) MUST_USE;

bool wire_token_ok(const char *token);
bool wire_server_name_ok(const char *name);

#endif

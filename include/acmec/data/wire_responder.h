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
#define WIRE_LINE_MAX 1024

enum wire_responder_type {
    WIRE_RESPONDER_HELLO = 1, /* keeper: version, number of listeners; worker: version, 0 */
    WIRE_RESPONDER_ADD = 2,
    WIRE_RESPONDER_REMOVE = 3,
    WIRE_RESPONDER_ACK = 64, /* this token is served now */
    WIRE_RESPONDER_HIT = 65,
    WIRE_RESPONDER_LOG = 66
};

struct wire_hello {
    char version[64];
    uint32_t listeners;
};
struct wire_answer {
    char token[WIRE_TOKEN_MAX + 1]; /* [A-Za-z0-9_-]+ */
    char key_authorization[WIRE_AUTHORIZATION_MAX + 1];
};
struct wire_hit {
    char token[WIRE_TOKEN_MAX + 1];
    char visitor[WIRE_VISITOR_MAX + 1]; /* address, not escaped yet */
};

void wire_responder_put_hello(struct buf *out, const char *version, uint32_t listeners);
void wire_responder_put_add(struct buf *out, const char *token, const char *key_authorization);
/* REMOVE and ACK carry a token alone. */
void wire_responder_put_token(struct buf *out, enum wire_responder_type type, const char *token);
void wire_responder_put_hit(struct buf *out, const char *token, const char *visitor);
void wire_responder_put_log(struct buf *out, const char *text);

/* False: it is not one, and out is untouched. */
bool wire_responder_get_hello(struct span payload, struct wire_hello *out) MUST_USE;
bool wire_responder_get_add(struct span payload, struct wire_answer *out) MUST_USE;
bool wire_responder_get_token(struct span payload, char token[static WIRE_TOKEN_MAX + 1]) MUST_USE;
bool wire_responder_get_hit(struct span payload, struct wire_hit *out) MUST_USE;
bool wire_responder_get_log(struct span payload, char text[static WIRE_LINE_MAX + 1]) MUST_USE;

bool wire_token_ok(const char *token);

#endif

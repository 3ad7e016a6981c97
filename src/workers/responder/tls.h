/* tls: TLS-ALPN-01 (RFC 8737, RFC 8738): answers a handshake that asks for a server name which it
 * was handed, and for the protocol "acme-tls/1", with that name's certificate. Everybody else gets
 * an alert or the end of the connection; nobody can send or get data. It opens no port. */
#ifndef ACMEC_RESPONDER_TLS_H
#define ACMEC_RESPONDER_TLS_H

#include <acmec/data/wire_responder.h>
#include <event2/event.h>

struct tls_server;

/* A handshake was done; token and the visitor's address are borrowed. */
typedef void (*tls_visited)(void *ctx, const char *token, const char *visitor);

/* base is borrowed. NULL: the crypto library does not start. */
struct tls_server *tls_server_new(struct event_base *base, tls_visited visited, void *ctx);
void tls_server_free(struct tls_server *server);

/* Adds or replaces what belongs to answer->token. False: certificate or key cannot be read. */
bool tls_server_add(struct tls_server *server, const struct wire_tls_answer *answer) MUST_USE;
/* Again: nothing. */
void tls_server_remove(struct tls_server *server, const char *token);

/* Takes a connection that was accepted, non-blocking. */
void tls_server_accept(struct tls_server *server, int fd, const char *visitor);

#endif

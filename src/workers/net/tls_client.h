/* tls_client: one OpenSSL connection that offers what a request says and takes note of each message
 * that goes by. */
#ifndef ACMEC_NET_TLS_CLIENT_H
#define ACMEC_NET_TLS_CLIENT_H

#include <acmec/data/tls_msg.h>
#include <openssl/ssl.h>

/* A connection over the socket fd (borrowed), or NULL: OpenSSL cannot offer that. report (borrowed
 * while the connection lives) gets steps and hellos as they come. */
SSL *tls_client_new(const struct tls_request *request, int fd, struct tls_report *report);
void tls_client_free(SSL *ssl);

/* After the handshake: adds the rest. False: the chain is larger than a report may hold, or there
 * is none. */
bool tls_client_report(SSL *ssl, struct tls_report *report);

/* Why it failed, for people; static or OpenSSL's. */
const char *tls_client_failure(const struct tls_report *report);

#endif

/* http_msg: one HTTP request and one reply as plain data; no curl here. */
#ifndef ACMEC_DATA_HTTP_MSG_H
#define ACMEC_DATA_HTTP_MSG_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <stdint.h>

/* The caps of design section 2, kept in this one place. */
#define HTTP_BODY_MAX (1024 * 1024)
#define HTTP_HEADERS_MAX (64 * 1024)
#define HTTP_URL_MAX 2048

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST };

struct http_request {
    enum http_method method;
    char *url;                   /* owned */
    const char *accept;          /* static or NULL */
    const char *content_type;    /* static or NULL */
    struct buf body;             /* owned */
    bool follow_https_redirects; /* only for the directory's GET */
    char *connect_to;            /* owned or NULL: "127.0.0.1:80", a look at a server of our own:
                                    plain http is allowed then, and no proxy is used */
    bool insecure;               /* with connect_to alone: any certificate will do */
    bool proxy_protocol;         /* with connect_to alone: begin with a PROXY line, version 1 */
    unsigned timeout_ms;         /* whole exchange; 0 = the default of 30 s */
};

void http_request_release(struct http_request *request);

struct http_response {
    long status;
    struct buf headers; /* "name: value\n" lines as received, of the last reply only */
    struct buf body;
};

void http_response_release(struct http_response *response);

/* X(id, word): why there was no reply. */
#define HTTP_FAILURES(X)                                                                           \
    X(NONE, "none")                                                                                \
    X(RESOLVE, "cannot resolve the host name")                                                     \
    X(CONNECT, "cannot connect")                                                                   \
    X(TLS_UNTRUSTED, "the server's certificate is not trusted")                                    \
    X(TLS, "the TLS handshake failed")                                                             \
    X(TIMEOUT, "timed out")                                                                        \
    X(LOST, "the connection was lost")                                                             \
    X(TOO_LARGE, "the reply is too large")                                                         \
    X(REDIRECT, "redirected where that is not allowed")                                            \
    X(URL, "the URL is not usable")                                                                \
    X(PROXY, "the proxy refused")                                                                  \
    X(WORKER, "the network process ended")

#define HTTP_AS_ENUM(id, word) HTTP_FAIL_##id,
enum http_failure { HTTP_FAILURES(HTTP_AS_ENUM) HTTP_FAIL_COUNT };
#undef HTTP_AS_ENUM

const char *http_failure_word(enum http_failure failure);

#endif

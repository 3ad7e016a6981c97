/* listening: the arguments of an http server's `listen`, as nginx's ngx_http_core_listen and
 * ngx_parse_url read them. Pure: a host name is not resolved, it is an address of its own. */
#ifndef ACMEC_NGINX_LISTENING_H
#define ACMEC_NGINX_LISTENING_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>
#include <stdint.h>

#define LISTENING_HOST_MAX 255
/* "unix:" and a host or path, or "[IPv6]:port". */
#define LISTENING_TEXT_MAX (LISTENING_HOST_MAX + 16)

enum listening_family { LISTENING_IPV4, LISTENING_IPV6, LISTENING_UNIX, LISTENING_HOST };

struct listening_address {
    enum listening_family family;
    uint8_t bytes[16];                 /* IPV4: the first four; IPV6 */
    char host[LISTENING_HOST_MAX + 1]; /* HOST: lower-cased; UNIX: the path */
    uint16_t port;                     /* 0 for UNIX */
    bool udp;                          /* quic */
};

struct listening {
    struct listening_address address;
    uint16_t last_port; /* of a range; else address.port */
    bool default_server;
    bool ssl, http2, quic, proxy_protocol;
    bool dual_stack;     /* ipv6only=off: an IPv6 socket that takes IPv4 as well */
    bool socket_options; /* backlog, reuseport, ipv6only, ...: allowed once an address */
};

/* args: the words after `listen`, at least one. Options that nginx does not know are for `nginx -t`
 * to refuse. ERR_WEB_SERVER in nginx's words, without the place. */
bool listening_parse(const struct span *args, size_t count, struct listening *out,
                     struct error *err) MUST_USE;

/* Where nginx listens for a server without any `listen`: *:80, or *:8000 when it is not root. */
struct listening listening_implied(bool as_root);

bool listening_address_equals(const struct listening_address *a, const struct listening_address *b);
/* Every address of the machine: *, [::]. */
bool listening_address_is_wildcard(const struct listening_address *address);

/* "*:80", "127.0.0.1:80", "[::]:443", "unix:/run/x", "name:80". */
void listening_address_text(const struct listening_address *address,
                            char out[static LISTENING_TEXT_MAX]);
/* The same as nginx writes it in messages: "0.0.0.0:80" for "*:80". */
void listening_address_nginx_text(const struct listening_address *address,
                                  char out[static LISTENING_TEXT_MAX]);

#endif

/* target: the servers that nginx chooses for a certificate's names, as far as they may be edited
 * for it. Pure.
 *
 * An exact winner may be. A wildcard winner may be if the certificate covers all its names; one
 * chosen by a regular expression, or because no name fits, never: others would be served by what
 * was meant for this certificate. */
#ifndef ACMEC_NGINX_TARGET_H
#define ACMEC_NGINX_TARGET_H

#include <acmec/data/identifier.h>
#include <acmec/nginx/choose.h>

struct target_wish {
    const struct identifier_list *names;
    const char *server_block; /* --server-block: a server's name, "all", or NULL */
    uint16_t http_port, tls_port;
};

/* Each server once. */
struct target {
    uint32_t server; /* in choose->servers */
    bool plain;      /* it is chosen on an address without TLS */
    bool tls;        /* it is chosen on an address with TLS */
    bool gets_tls;   /* it is to be given TLS: where it is chosen for a name, clients find none */
    bool elsewhere;  /* a TLS server is chosen for such a name on some other address */
    bool covered;    /* the certificate covers all its names */
    struct identifier_list names; /* those of the certificate's for which it is chosen */
};
struct targets {
    struct target *items; /* in the order of the configuration */
    size_t count;
    struct identifier_list missing; /* names for which nothing may be edited */
};
void targets_release(struct targets *targets);

/* ERR_WEB_SERVER: a regular expression could not be decided, or no server has the name of
 * --server-block. */
bool targets_find(const struct choose *choose, const struct target_wish *wish, struct targets *out,
                  struct error *err) MUST_USE;

/* Whether a certificate for names is good for a server's name. */
bool target_covers(const struct identifier_list *names, const char *server_name);

/* Whether the clients of a plain address of the server's find no TLS server, at the TLS port of the
 * same host, for one of its names that the certificate covers. */
bool target_lacks_tls(const struct choose *choose, const struct target_wish *wish, uint32_t server,
                      uint32_t address);

/* An address of the kind that is asked for, on this port: no socket file, no UDP. */
bool target_is_plain(const struct choose_address *address, uint16_t port);
bool target_is_tls(const struct choose_address *address, uint16_t port);

/* Whether an answer may be edited for this certificate. */
bool target_may_edit(const struct choose *choose, const struct choose_answer *answer,
                     const struct identifier_list *names);

#endif

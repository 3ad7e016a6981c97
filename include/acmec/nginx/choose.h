/* choose: which server of `http` nginx picks for a name, address by address. Pure.
 *
 * It builds nginx's own tables from a configuration that was read: servers in order, the addresses
 * on which they listen, each with the servers and names on it. Names are known per address: a
 * server on 192.0.2.1:443 is not seen through *:443. `stream`, `mail`, `upstream` and `map` have no
 * servers here.
 */
#ifndef ACMEC_NGINX_CHOOSE_H
#define ACMEC_NGINX_CHOOSE_H

#include <acmec/nginx/conf.h>
#include <acmec/nginx/listening.h>
#include <acmec/nginx/names.h>

/* Servers on addresses: a range of ports is many. */
#define CHOOSE_LISTENS_MAX 1000000

struct choose_name {
    uint32_t server;     /* in choose->servers */
    uint32_t item;       /* its server_name; CONF_NONE: the "" of a server without one */
    uint32_t arg;        /* which argument of it */
    char *text;          /* owned: lower-cased, $hostname replaced; a regex as it is, with '~' */
    struct regex *regex; /* owned; NULL: a plain name or wildcard */
};

struct choose_server {
    uint32_t item;       /* its block */
    uint32_t first_name; /* in choose->names */
    uint32_t name_count; /* at least 1 */
    bool ssl_on;         /* `ssl on` holds in it: gone since nginx 1.25.1 */
};

/* One server on one address. A range of ports is one per port. */
struct choose_listen {
    uint32_t server;
    uint32_t address; /* in choose->addresses */
    uint32_t item;    /* its `listen`; CONF_NONE: nginx adds it to a server without one */
    struct listening listen;
};

struct choose_address {
    struct listening_address address;
    uint32_t *listens; /* owned; in choose->listens, in nginx's order of the servers */
    uint32_t listen_count;
    uint32_t default_server;
    bool default_explicit; /* by default_server; else it is the first */
    /* of the socket: one listen that says so makes them hold for all servers on it */
    bool tls, http2, proxy_protocol, dual_stack;
    struct names *names; /* owned; of all servers on it: values are in choose->names */
};

struct choose {
    const struct conf *conf; /* borrowed */
    struct choose_server *servers;
    uint32_t server_count;
    struct choose_name *names;
    uint32_t name_count;
    struct choose_listen *listens;
    uint32_t listen_count;
    struct choose_address *addresses; /* in the order in which the configuration names them */
    uint32_t address_count;
};

/* What decides besides the configuration. */
struct choose_host {
    const char *hostname; /* what $hostname is: gethostname */
    bool as_root;         /* whether nginx's master is root: a server without `listen` is on *:80 */
};

void choose_release(struct choose *choose);

/* conf must outlive out. What nginx would refuse about servers, listens and names is ERR_WEB_SERVER
 * with file:line. */
bool choose_build(const struct conf *conf, const struct choose_host *host, struct choose *out,
                  struct error *err) MUST_USE;

enum choose_by {
    CHOOSE_EXACT,
    CHOOSE_WILDCARD,
    CHOOSE_REGEX,
    CHOOSE_DEFAULT,  /* no name fits */
    CHOOSE_UNDECIDED /* a regular expression ran into a limit */
};

struct choose_answer {
    enum choose_by by;
    uint32_t server; /* in choose->servers; UNDECIDED: that of the expression */
    uint32_t name;   /* in choose->names; DEFAULT: the server's first */
};

/* Who answers for host on an address. host is a host name or address as a client writes it in
 * `Host` without the port, lower-cased and without a final dot. */
struct choose_answer choose_find(const struct choose *choose, uint32_t address, struct span host);

/* "exact", "wildcard", "regex", "default", "undecided". */
const char *choose_by_word(enum choose_by by);

/* Whether a server has a listen on the address. */
const struct choose_listen *choose_listen_of(const struct choose *choose, uint32_t address,
                                             uint32_t server);

#endif

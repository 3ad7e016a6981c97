/* ports: what the engine needs from the world, as small structs of functions, so that a test can
 * put a fake behind each. The real ones are made by io/reactor, which waits for all of them in one
 * poll(2). No function here blocks but event_wait. The clock is in base/clock. */
#ifndef ACMEC_DATA_PORTS_H
#define ACMEC_DATA_PORTS_H

#include <acmec/base/clock.h>
#include <acmec/data/dns_msg.h>
#include <acmec/data/http_msg.h>
#include <acmec/data/tls_msg.h>

struct http_port;
struct probe_port;
struct dns_port;
struct proof_port;
struct spawn_port;
struct event_port;
struct source_port;

/* ---- http: exchanges, by id ---- */
struct http_ops {
    /* Starts an exchange; the reply comes as EVENT_HTTP with this id, once. id is never 0 and never
     * used twice. request is copied. Starting the worker may fail: then nothing was started. */
    bool (*submit)(struct http_port *port, uint64_t id, const struct http_request *request,
                   struct error *err);
    /* Forgets an exchange: no event will come for it. */
    void (*cancel)(struct http_port *port, uint64_t id);
};
struct http_port {
    const struct http_ops *ops;
};

/* ---- probe: looks at TLS servers, by id ---- */
struct probe_ops {
    /* As those of http, with EVENT_PROBE; each port counts its ids by itself. */
    bool (*submit)(struct probe_port *port, uint64_t id, const struct tls_request *request,
                   struct error *err);
    void (*cancel)(struct probe_port *port, uint64_t id);
};
struct probe_port {
    const struct probe_ops *ops;
};

/* ---- dns: questions to the DNS, by id ---- */
struct dns_ops {
    /* As those of http, with EVENT_DNS. */
    bool (*submit)(struct dns_port *port, uint64_t id, const struct dns_query *query,
                   struct error *err);
    void (*cancel)(struct dns_port *port, uint64_t id);
};
struct dns_port {
    const struct dns_ops *ops;
};

/* How the network process is to behave for the whole run; set before the first submit. */
struct http_settings {
    const char *user_agent;
    struct span ca_bundle; /* PEM; empty: the system's store */
    const char *proxy;     /* NULL: https_proxy, all_proxy, no_proxy, read by the keeper */
    const char *no_proxy;
};

/* ---- proof: our own responder for HTTP-01 and TLS-ALPN-01 ---- */
/* What is served to visitors by TLS: DER, borrowed. */
struct tls_answer {
    const char *server_name;
    struct span cert, key;
};
struct proof_ops {
    /* Binds the port on every address given (NULL: IPv6 and IPv4 wildcard, bound apart; a family
     * that the machine lacks is skipped) before any order. Called again with the same arguments it
     * does nothing. A port that is taken is ERR_WEB_SERVER and names the process that holds it
     * where /proc tells. */
    bool (*listen)(struct proof_port *port, const char *address, uint16_t number, bool tls,
                   struct error *err);
    /* Serves key_authorization at /.well-known/acme-challenge/TOKEN on all listeners.
     * EVENT_PROOF_READY with the token follows once it does; EVENT_PROOF_HIT follows each visit. */
    bool (*add)(struct proof_port *port, const char *token, const char *key_authorization,
                struct error *err);
    /* Serves a certificate to visitors who ask for server_name with ALPN "acme-tls/1", on the TLS
     * listeners; events as for add, with the token that names it. */
    bool (*add_tls)(struct proof_port *port, const char *token, const struct tls_answer *answer,
                    struct error *err);
    void (*remove)(struct proof_port *port, const char *token);
};
struct proof_port {
    const struct proof_ops *ops;
};

/* ---- spawn: one child process ---- */
struct spawn_request {
    const char *path;        /* absolute; never looked up in PATH */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated, complete */
    unsigned timeout_ms;     /* then TERM, five seconds later KILL, to the process group */
    size_t output_max;       /* bytes of stdout and stderr kept (the last ones for a hook) */
    bool secret_output; /* stdout is a key: all of it is kept in a secret buffer, stderr nowhere */
    bool errors_apart;  /* stdout is a result: stderr is kept in errors, not in output */
    struct span input;  /* its stdin; empty: /dev/null */
};
struct spawn_result {
    int exit_code; /* -1: ended by a signal */
    int signal;    /* or 0 */
    bool timed_out;
    struct buf output, errors; /* owned by the event's receiver */
};
struct spawn_ops {
    /* EVENT_CHILD with this id follows when the child has ended and its output is closed. */
    bool (*start)(struct spawn_port *port, uint64_t id, const struct spawn_request *request,
                  struct error *err);
};
struct spawn_port {
    const struct spawn_ops *ops;
};

/* ---- events ---- */
enum event_kind {
    EVENT_TIMEOUT, /* the deadline came */
    EVENT_HTTP,
    EVENT_PROBE,
    EVENT_DNS,
    EVENT_PROOF_READY,
    EVENT_PROOF_HIT,
    EVENT_PROOF_LOST, /* the responder could not be kept alive; error says why */
    EVENT_CHILD,
    EVENT_SIGNAL /* INT, TERM or HUP */
};

struct event {
    enum event_kind kind;
    uint64_t id;                   /* EVENT_HTTP, EVENT_PROBE, EVENT_DNS, EVENT_CHILD */
    enum http_failure failure;     /* of the first three: NONE = what was asked for is set */
    char failure_text[256];        /* escaped detail */
    struct http_response response; /* EVENT_HTTP: owned */
    struct tls_report tls;         /* EVENT_PROBE: owned; nothing in it is escaped */
    struct dns_answer dns;         /* EVENT_DNS: owned; TXT and CAA are not escaped */
    char token[256];               /* EVENT_PROOF_* */
    char visitor[64];              /* EVENT_PROOF_HIT: address */
    struct spawn_result child;     /* EVENT_CHILD: owned */
    int signal;                    /* EVENT_SIGNAL */
    struct error error;            /* EVENT_PROOF_LOST */
};

void event_release(struct event *event);

struct event_ops {
    /* Waits until something happened or clock_mono_ms reaches deadline_ms (INT64_MAX: no deadline);
     * out is always set. A deadline in the past still collects what has already happened. */
    void (*wait)(struct event_port *port, int64_t deadline_ms, struct event *out);
};
struct event_port {
    const struct event_ops *ops;
};

/* ---- source: the files of a web server's configuration, read only ---- */
struct source_facts {
    uint64_t device, inode;
    int64_t mtime_ns, size;
    bool guarded; /* nobody but root (or we) can change the file or any folder on the way to it */
};
struct source_names {
    char **items; /* owned */
    size_t count;
};
void source_names_release(struct source_names *names);

struct source_ops {
    /* Appends the bytes of a regular file, at most what still fits into out, and tells what it is.
     * Symlinks are followed. ERR_FILES, in nginx's words where it has them: `open() "PATH" failed
     * (2: No such file or directory)`. */
    bool (*read)(struct source_port *port, const char *path, struct buf *out,
                 struct source_facts *facts, struct error *err);
    /* The paths that match a glob(3) pattern, in byte order; none is no error. Released by the
     * caller. */
    bool (*match)(struct source_port *port, const char *pattern, struct source_names *out,
                  struct error *err);
};
struct source_port {
    const struct source_ops *ops;
};

/* All of them, borrowed. */
struct ports {
    struct clock *clock;
    struct http_port *http;
    struct probe_port *probe;
    struct dns_port *dns;
    struct proof_port *proof;
    struct spawn_port *spawn;
    struct event_port *events;
};

#endif

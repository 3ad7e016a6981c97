/* wire_net: the messages between the keeper and acmec-net, as data/frame carries them. Pure. Every
 * message is checked as if the other end were hostile: known type, known words, caps, exact end. */
#ifndef ACMEC_DATA_WIRE_NET_H
#define ACMEC_DATA_WIRE_NET_H

#include <acmec/data/dns_msg.h>
#include <acmec/data/frame.h>
#include <acmec/data/http_msg.h>
#include <acmec/data/tls_msg.h>

#define WIRE_TEXT_MAX 1024
#define WIRE_BUNDLE_MAX (1024 * 1024)
#define WIRE_TIMEOUT_MAX_MS (10 * 60 * 1000)

/* Types of frames: keeper to worker below 64, worker to keeper from 64 on. */
enum wire_net_type {
    WIRE_NET_HELLO = 1, /* both ways, first */
    WIRE_NET_CONFIG = 2,
    WIRE_NET_REQUEST = 3,
    WIRE_NET_CANCEL = 4, /* of whatever has this id */
    WIRE_NET_PROBE = 5,
    WIRE_NET_QUERY = 6,
    WIRE_NET_REPLY = 64,
    WIRE_NET_FAILED = 65,
    WIRE_NET_LOG = 66,
    WIRE_NET_SEEN = 67,
    WIRE_NET_ANSWER = 68
};

struct wire_net_config {
    char *user_agent;     /* owned */
    struct buf ca_bundle; /* PEM; empty: the system's store */
    char *proxy;          /* owned; NULL: none */
    char *no_proxy;       /* owned; NULL */
};
void wire_net_config_release(struct wire_net_config *config);

struct wire_net_failed {
    uint64_t id;
    enum http_failure failure; /* never NONE */
    char *text;                /* owned; not escaped yet */
};
void wire_net_failed_release(struct wire_net_failed *failed);

/* Each appends one frame. */
void wire_net_put_hello(struct buf *out, const char *version);
void wire_net_put_config(struct buf *out, const struct wire_net_config *config);
void wire_net_put_request(struct buf *out, uint64_t id, const struct http_request *request);
void wire_net_put_cancel(struct buf *out, uint64_t id);
void wire_net_put_probe(struct buf *out, uint64_t id, const struct tls_request *request);
void wire_net_put_query(struct buf *out, uint64_t id, const struct dns_query *query);
void wire_net_put_reply(struct buf *out, uint64_t id, const struct http_response *response);
void wire_net_put_failed(struct buf *out, uint64_t id, enum http_failure failure, const char *text);
void wire_net_put_log(struct buf *out, const char *text);
void wire_net_put_seen(struct buf *out, uint64_t id, const struct tls_report *report);
void wire_net_put_answer(struct buf *out, uint64_t id, const struct dns_answer *answer);

/* Each reads the payload of one frame; false: it is not one, and out is untouched. */
bool wire_net_get_hello(struct span payload, char version[static 64]) MUST_USE;
bool wire_net_get_config(struct span payload, struct wire_net_config *out) MUST_USE;
bool wire_net_get_request(struct span payload, uint64_t *id, struct http_request *out) MUST_USE;
bool wire_net_get_cancel(struct span payload, uint64_t *id) MUST_USE;
bool wire_net_get_probe(struct span payload, uint64_t *id, struct tls_request *out) MUST_USE;
bool wire_net_get_query(struct span payload, uint64_t *id, struct dns_query *out) MUST_USE;
bool wire_net_get_reply(struct span payload, uint64_t *id, struct http_response *out) MUST_USE;
bool wire_net_get_failed(struct span payload, struct wire_net_failed *out) MUST_USE;
bool wire_net_get_log(struct span payload, char text[static WIRE_TEXT_MAX + 1]) MUST_USE;
bool wire_net_get_seen(struct span payload, uint64_t *id, struct tls_report *out) MUST_USE;
bool wire_net_get_answer(struct span payload, uint64_t *id, struct dns_answer *out) MUST_USE;

#endif

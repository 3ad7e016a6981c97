/* probe: looks at a TLS server until it serves what it should, or its time is over. The way to know
 * that a reload has worked; a single look is the same with no time to wait.
 *
 * It trusts nothing that it sees, and judges one thing: whether the leaf is the one that is waited
 * for. What else a report says is for the caller to judge. */
#ifndef ACMEC_ENGINE_PROBE_H
#define ACMEC_ENGINE_PROBE_H

#include <acmec/crypto/digest.h>
#include <acmec/data/ports.h>

#define PROBE_AGAIN_MS 200

struct probes;

struct probe_request {
    struct tls_request tls;                 /* copied */
    bool any_leaf;                          /* the first handshake that succeeds ends it */
    unsigned char leaf_sha256[SHA256_SIZE]; /* else: this certificate (DER) must come first */
    int64_t within_ms;                      /* tried again until then; 0: one try */
};

/* One of them is called, once, from probes_take or probes_step, and may start further probes. */
struct probe_listener {
    /* report is borrowed; what the listener takes out of it, it leaves empty. */
    void (*seen)(void *owner, size_t tag, struct tls_report *report);
    /* What the last try met, without the address: ERR_NETWORK: no handshake; ERR_WEB_SERVER:
     * another certificate. failure says how the connection failed, NONE for the latter. */
    void (*failed)(void *owner, size_t tag, enum http_failure failure, const struct error *error);
};

struct probes *probes_new(const struct ports *ports);
void probes_free(struct probes *probes);

/* owner and tag are handed to listener (borrowed, static). */
void probe_start(struct probes *probes, const struct probe_request *request,
                 const struct probe_listener *listener, void *owner, size_t tag);
/* Forgets all probes of an owner: no callback comes any more. */
void probes_cancel(struct probes *probes, const void *owner);

/* Starts what is to be started now; returns when to be called again (INT64_MAX: after an event). */
int64_t probes_step(struct probes *probes);
/* An EVENT_PROBE; others are not ours. */
void probes_take(struct probes *probes, struct event *event);

/* The SHA-256 of a chain's first certificate. False: there is none. */
bool probe_leaf_sha256(const struct tls_report *report, unsigned char out[static SHA256_SIZE]);

#endif

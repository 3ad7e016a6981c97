/* ari: when a CA suggests to renew a certificate (RFC 9773). Pure: it builds the question and reads
 * the answer; what follows is acme/renewal's and the engine's. Asked without signature and nonce,
 * and nothing about it ever stops a renewal. Times are Unix seconds. */
#ifndef ACMEC_ACME_ARI_H
#define ACMEC_ACME_ARI_H

#include <acmec/acme/session.h>

#define ARI_RETRY_MIN_S 60
#define ARI_RETRY_MAX_S (24 * 3600)
#define ARI_RETRY_DEFAULT_S (6 * 3600)

struct ari_window {
    int64_t start, end;
    char explanation[256]; /* escaped URL; "" = none */
};

/* GET renewalInfo/CERT_ID. False: the CA does not offer it. cert_id: cert_info's ari_id. */
bool ari_request(const struct session *session, const char *cert_id, struct http_request *out);

/* Reads a reply: 200 with a window that ends after it begins; anything else is ERR_NETWORK. */
bool ari_read(const struct http_response *response, struct ari_window *out, struct error *err)
    MUST_USE;

/* A moment in the window, the same for the same random bits; each as likely as another. */
int64_t ari_choose(const struct ari_window *window, uint64_t random);

/* When to ask again after a good reply: its Retry-After, clamped; without one the default. */
int64_t ari_next_check(const struct http_response *response, int64_t now, int64_t lifetime);
/* The same after the failures-th failure in a row (1..). transient: the CA is in trouble (5xx, no
 * reply), and asked again sooner, with doubling waits. */
int64_t ari_next_try(unsigned failures, bool transient, int64_t now, int64_t lifetime);
/* Seconds from issuance to the first check: six hours, or less where certificates live shortly. */
int64_t ari_interval(int64_t lifetime);

#endif

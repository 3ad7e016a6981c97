/* dns_provider: who changes a DNS zone for us, as people write it: "exec:/etc/hook",
 * "rfc2136:/etc/acmec/tsig.conf", "certbot:AUTH,CLEANUP", "dehydrated:/etc/hook", "acme.sh:cf".
 * Pure; how they are called is the engine's (engine/proof_script). */
#ifndef ACMEC_DATA_DNS_PROVIDER_H
#define ACMEC_DATA_DNS_PROVIDER_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

/* X(id, word, what follows the word) */
#define DNS_PROVIDERS(X)                                                                           \
    X(EXEC, "exec", "PATH")                                                                        \
    X(RFC2136, "rfc2136", "FILE")                                                                  \
    X(CERTBOT, "certbot", "AUTH[,CLEANUP]")                                                        \
    X(DEHYDRATED, "dehydrated", "PATH")                                                            \
    X(ACME_SH, "acme.sh", "NAME")

#define DNS_PROVIDER_AS_ENUM(id, word, argument) DNS_PROVIDER_##id,
enum dns_provider_kind { DNS_PROVIDERS(DNS_PROVIDER_AS_ENUM) DNS_PROVIDER_COUNT };
#undef DNS_PROVIDER_AS_ENUM

struct dns_provider {
    enum dns_provider_kind kind;
    char *argument; /* owned: an absolute path; certbot: a command that begins with one; acme.sh:
                       "dns_cf", of [A-Za-z0-9_] */
    char *cleanup;  /* owned: certbot's second command, or NULL */
};

void dns_provider_release(struct dns_provider *provider);

/* folder: where relative paths begin; NULL: they must be absolute. ERR_USAGE. */
bool dns_provider_parse(const char *text, const char *folder, struct dns_provider *out,
                        struct error *err) MUST_USE;
/* What dns_provider_parse reads, appended. */
void dns_provider_write(const struct dns_provider *provider, struct buf *out);

#endif

/* spec: what one certificate should be: the sum of command line, certs/NAME.conf, acmec.conf and
 * defaults, typed and checked. Plain data, filled by cli/config, read by the engine. */
#ifndef ACMEC_DATA_SPEC_H
#define ACMEC_DATA_SPEC_H

#include <acmec/base/buf.h>
#include <acmec/data/identifier.h>
#include <acmec/data/proving.h>
#include <stdint.h>

/* X(id, word): words of --key-type. */
#define KEY_TYPES(X)                                                                               \
    X(ECDSA_P256, "ecdsa-p256")                                                                    \
    X(ECDSA_P384, "ecdsa-p384")                                                                    \
    X(RSA_2048, "rsa-2048")                                                                        \
    X(RSA_3072, "rsa-3072")                                                                        \
    X(RSA_4096, "rsa-4096")

#define KEY_TYPE_AS_ENUM(id, word) KEY_##id,
enum key_type { KEY_TYPES(KEY_TYPE_AS_ENUM) KEY_TYPE_COUNT };
#undef KEY_TYPE_AS_ENUM

/* A second type gives a second pair of key and chain: one ECDSA, one RSA. */
#define KEY_TYPES_MAX 2

const char *key_type_word(enum key_type type);
bool key_type_is_rsa(enum key_type type);
bool key_type_from_word(const char *word, enum key_type *out);

/* X(id, word): the challenges of --dns-type. */
#define DNS_PROOFS(X)                                                                              \
    X(DNS_01, "dns-01")                                                                            \
    X(DNS_ACCOUNT_01, "dns-account-01")

#define DNS_PROOF_AS_ENUM(id, word) PROOF_BY_##id,
enum dns_proof { DNS_PROOFS(DNS_PROOF_AS_ENUM) DNS_PROOF_COUNT };
#undef DNS_PROOF_AS_ENUM

const char *dns_proof_word(enum dns_proof proof);
bool dns_proof_from_word(const char *word, enum dns_proof *out);

enum renew_before_kind { RENEW_BEFORE_DEFAULT, RENEW_BEFORE_SECONDS, RENEW_BEFORE_PERCENT };

struct renew_before {
    enum renew_before_kind kind;
    int64_t value; /* seconds, or 1..99 per cent of the lifetime */
};

/* A date that is asked for. */
enum moment_kind { MOMENT_NONE, MOMENT_AT, MOMENT_IN };
struct moment {
    enum moment_kind kind;
    int64_t value; /* Unix seconds, or seconds from the order on */
};
/* Unix seconds for an order made at now; 0: none. */
int64_t moment_at(const struct moment *moment, int64_t now);

/* What concerns nginx. Strings are owned; NULL: not given. */
struct spec_nginx {
    bool install;    /* put the certificate into its configuration */
    bool no_install; /* not even where it is proved through nginx */
    bool reload;     /* default true */
    bool redirect;   /* default true */
    bool hsts, in_place, edit_managed;
    char *server_block;      /* --server-block */
    char *binary, *conf;     /* absolute */
    char *reload_command;    /* run by /bin/sh -c instead of the signal */
    int64_t reload_interval; /* seconds; default 60 */
    unsigned max_draining;   /* 0: any number */
};

/* A name that is proved in a way of its own. */
struct name_proof {
    struct identifier name;
    struct proving proof;
};

/* A CA that may be asked. Strings are owned by the spec. */
struct ca_choice {
    char *server;        /* as given, or the default */
    char *directory_url; /* what server stands for */
    char *staging_url;   /* the dry run's directory, or NULL: directory_url itself is used */
};

/* All strings are owned; NULL means not given unless a default is named. */
struct cert_spec {
    char name[CERT_NAME_MAX + 1]; /* "" until known */
    bool name_given;              /* by --name */
    struct identifier_list names;
    struct proving proof;           /* of all names but those in name_proofs */
    struct name_proof *name_proofs; /* owned */
    size_t name_proof_count;
    uint16_t http_port;       /* default 80 */
    uint16_t tls_port;        /* default 443 */
    enum dns_proof dns_proof; /* default dns-01 */
    int64_t dns_timeout;      /* seconds that a TXT record may take to be seen; default 120 */
    char *http_address;       /* NULL: all addresses of both families */
    enum key_type key_types[KEY_TYPES_MAX]; /* the first is privkey.pem; default ecdsa-p256 */
    size_t key_type_count;                  /* 0: with csr */
    bool reuse_key, must_staple;
    char *csr;           /* absolute path; names and key are those of this request */
    char csr_sha256[65]; /* of what csr held when it was read, "" before */
    char *profile;
    bool profile_optional; /* preferred, not required */
    char *preferred_chain; /* an issuer's common name */
    struct moment not_before, not_after;
    struct renew_before renew_before;
    bool allow_subset;
    struct ca_choice *cas; /* owned; the first is the one that is wanted, the others are tried in
                              this order when it cannot or will not */
    size_t ca_count;
    char *ca_bundle; /* absolute path */
    char *account;   /* default "default" */
    char *email;     /* comma-separated list */
    bool agree_tos;
    char *eab_kid, *eab_hmac_key_file; /* both or neither; the file's path is absolute */
    char *proxy;
    char *key_group;
    char *pre_hook, *deploy_hook, *post_hook; /* run by /bin/sh -c */
    int64_t hook_timeout;                     /* seconds; default 600 */
    struct spec_nginx nginx;
};

void cert_spec_release(struct cert_spec *spec);

/* How many pairs of key and chain it asks for, each with an order of its own: 1 or 2. */
size_t cert_spec_pairs(const struct cert_spec *spec);
/* What the files of the nth pair have before ".pem": "", ".rsa", ".ecdsa". Static. */
const char *cert_spec_suffix(const struct cert_spec *spec, size_t pair);
/* Appends what is asked of the CA beside names and dates, as text that is kept with what came of
 * it: when it differs, the certificate is another. Never to be changed: every certificate would be
 * renewed at once. */
void cert_spec_request(const struct cert_spec *spec, struct buf *out);
/* Adds a CA, unless there is one with this directory. All copied; staging_url may be NULL. */
void cert_spec_add_ca(struct cert_spec *spec, const char *server, const char *directory_url,
                      const char *staging_url);
/* Whether it is one of the CAs that may be asked. */
bool cert_spec_has_ca(const struct cert_spec *spec, const char *directory_url);
/* Its number; 0 where it is none of them, or NULL. */
size_t cert_spec_find_ca(const struct cert_spec *spec, const char *directory_url);

/* How this name of the certificate is proved; borrowed. */
const struct proving *cert_spec_proof(const struct cert_spec *spec, const struct identifier *name);
/* Whether some name is proved in this way. */
bool cert_spec_uses(const struct cert_spec *spec, enum proof_kind kind);
/* Whether both are for one nginx, as far as their options say. */
bool cert_spec_share_nginx(const struct cert_spec *a, const struct cert_spec *b);
/* Gives a name its own way (taken). */
void cert_spec_prove(struct cert_spec *spec, const struct identifier *name, struct proving *taken);

#endif

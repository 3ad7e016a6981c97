/* proving: how a name is to be proved to the CA: a way and its argument, as people write it:
 * "standalone", "webroot:/srv/www" (in -d NAME=PROOF[:ARG], in the files, and in the options, which
 * have the word as their name). Pure; what a way does is the engine's (engine/proof). */
#ifndef ACMEC_DATA_PROVING_H
#define ACMEC_DATA_PROVING_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

enum proof_argument {
    PROOF_ARGUMENT_NONE,
    PROOF_ARGUMENT_PATH,    /* absolute */
    PROOF_ARGUMENT_PROVIDER /* of data/dns_provider */
};

/* X(id, word, argument): the ways of proof. AUTO: the engine chooses. */
#define PROOF_KINDS(X)                                                                             \
    X(AUTO, "auto", NONE)                                                                          \
    X(STANDALONE, "standalone", NONE)                                                              \
    X(WEBROOT, "webroot", PATH)                                                                    \
    X(TLS_ALPN, "tls-alpn", NONE)                                                                  \
    X(DNS, "dns", PROVIDER)                                                                        \
    X(STATELESS, "stateless", NONE)                                                                \
    X(HTTP_HOOK, "http-hook", PATH)                                                                \
    X(NGINX, "nginx", NONE)                                                                        \
    X(DNS_PERSIST, "dns-persist", NONE)

#define PROOF_AS_ENUM(id, word, argument) PROOF_##id,
enum proof_kind { PROOF_KINDS(PROOF_AS_ENUM) PROOF_KIND_COUNT };
#undef PROOF_AS_ENUM

struct proving {
    enum proof_kind kind;
    char *argument; /* owned; NULL where the way has none */
};

void proving_release(struct proving *proving);
void proving_copy(const struct proving *from, struct proving *out);
bool proving_equals(const struct proving *a, const struct proving *b);

const char *proof_kind_word(enum proof_kind kind);
enum proof_argument proof_kind_argument(enum proof_kind kind);

/* Reads "PROOF[:ARG]". folder: where a relative path begins; NULL: paths must be absolute.
 * ERR_USAGE: an unknown way (the known ones in the hint), an argument too many, missing or bad. */
bool proving_parse(const char *text, const char *folder, struct proving *out, struct error *err)
    MUST_USE;
/* The same from the way and its argument apart; argument NULL: none. */
bool proving_make(enum proof_kind kind, const char *argument, const char *folder,
                  struct proving *out, struct error *err) MUST_USE;

/* What proving_parse reads, appended. */
void proving_write(const struct proving *proving, struct buf *out);
/* The same, owned. */
char *proving_text(const struct proving *proving);

#endif

/* check_target: what was found at one address of a server that was checked, as plain data, filled
 * by the engine and shown by the command line. Foreign text in it has passed data/escape. */
#ifndef ACMEC_DATA_CHECK_TARGET_H
#define ACMEC_DATA_CHECK_TARGET_H

#include <acmec/data/identifier.h>
#include <acmec/data/tls_msg.h>

#define CHECK_PORT_DEFAULT 443

/* Where to look: NAME[:PORT]. */
struct check_place {
    char host[IDENTIFIER_MAX + 1]; /* normalised name, or address without brackets */
    bool is_address;
    uint16_t port;
};

/* "example.com", "example.com:8443", "192.0.2.1:443", "[2001:db8::1]:443", "2001:db8::1"; a single
 * label ("localhost") too. port: where none is named. ERR_USAGE. */
bool check_place_parse(const char *text, uint16_t port, struct check_place *out, struct error *err)
    MUST_USE;

struct check_cert {
    char subject[256], issuer[256], serial[64], key[48], sha256[65]; /* "" unknown */
    struct identifier_list names;
    int64_t not_before, not_after; /* 0 unknown */
};

struct text_list {
    char **items; /* owned */
    size_t count;
};
/* Appends one; printf-like. */
void text_list_add(struct text_list *list, const char *fmt, ...) PRINTF_LIKE(2, 3);
void text_list_release(struct text_list *list);

struct check_target {
    struct check_place place;
    char address[80];   /* "192.0.2.1:443", "[::1]:443"; "" where the name leads nowhere */
    struct error error; /* the first problem, with its class; ERR_NONE: all is well */
    struct text_list problems;
    /* without a handshake all that follows is empty */
    enum tls_version version;
    char cipher[TLS_WORD_MAX + 1], group[TLS_WORD_MAX + 1], alpn[TLS_WORD_MAX + 1];
    bool offers[TLS_VERSION_COUNT]; /* versions that the server agrees to */
    struct check_cert *chain;       /* owned; as sent, the leaf first */
    size_t chain_count;
    struct check_cert *second; /* owned; the leaf for clients of the other kind of key, or NULL */
    bool trusted;
    char anchor[256]; /* the CA that it is trusted by, or "" */
    char *live;       /* owned; the certificate of ours that is served, or NULL */
    bool stapled;
    char *redirect;         /* owned; where http://NAME/ leads, or NULL */
    long http_status;       /* 0: nobody answers there, or it was not asked */
    char *hsts;             /* owned; the header's value, or NULL */
    struct text_list story; /* the handshake step by step, for --explain */
};

struct check_targets {
    struct check_target *items;
    size_t count;
};

/* A new one, zeroed, borrowed until the next call. */
struct check_target *check_targets_add(struct check_targets *list);
void check_targets_release(struct check_targets *list);

/* Adds a problem, and makes it the error if it is the first. Returns false. */
bool check_problem(struct check_target *target, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif

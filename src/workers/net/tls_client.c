#include "tls_client.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdio.h>

#define CERT_LIST_MAX TLS_CHAIN_MAX
#define HANDSHAKE_HEAD 4
#define ALERT_SIZE 2
#define CLIENT_HELLO 1
#define SERVER_HELLO 2

/* ---- what is offered ---- */

/* TLS 1.2 chooses the kind of certificate by the suite, TLS 1.3 by the signature. */
struct key_row {
    const char *ciphers, *signatures;
};

static const struct key_row key_rows[TLS_KEY_COUNT] = {
    [TLS_ANY_KEY] = {"DEFAULT", NULL},
    [TLS_ECDSA] = {"aECDSA",
                   "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512"},
    [TLS_RSA] = {"aRSA", "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
                         "RSA+SHA256:RSA+SHA384:RSA+SHA512"},
};

static const int version_numbers[TLS_VERSION_COUNT] = {
    [TLS_1_0] = TLS1_VERSION,
    [TLS_1_1] = TLS1_1_VERSION,
    [TLS_1_2] = TLS1_2_VERSION,
    [TLS_1_3] = TLS1_3_VERSION,
};

static bool is_old(enum tls_version version)
{
    return version == TLS_1_0 || version == TLS_1_1;
}

/* Old versions are looked for, not used: they need signatures that OpenSSL refuses otherwise. */
static bool offer_versions(SSL_CTX *ctx, const struct tls_request *request)
{
    enum tls_version min = request->min == TLS_VERSION_ANY ? TLS_1_2 : request->min;
    enum tls_version max = request->max == TLS_VERSION_ANY ? TLS_1_3 : request->max;
    if (is_old(min))
        SSL_CTX_set_security_level(ctx, 0);
    return SSL_CTX_set_min_proto_version(ctx, version_numbers[min]) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, version_numbers[max]) == 1;
}

static bool offer_key(SSL_CTX *ctx, enum tls_key key)
{
    const struct key_row *row = &key_rows[key];
    return SSL_CTX_set_cipher_list(ctx, row->ciphers) == 1 &&
           (row->signatures == NULL || SSL_CTX_set1_sigalgs_list(ctx, row->signatures) == 1);
}

/* "h2,http/1.1" as length-prefixed names; false: a name is empty or too long. */
static bool offer_alpn(SSL *ssl, const char *names)
{
    unsigned char wire[512];
    size_t len = 0;
    while (names != NULL && *names != '\0') {
        size_t name = strcspn(names, ",");
        if (name == 0 || len + 1 + name > sizeof wire)
            return false;
        wire[len] = (unsigned char)name;
        memcpy(wire + len + 1, names, name);
        len += 1 + name;
        names += name + (names[name] == ',' ? 1 : 0);
    }
    return len == 0 || SSL_set_alpn_protos(ssl, wire, (unsigned)len) == 0;
}

/* The keeper judges chains. */
static int accept_any(X509_STORE_CTX *store, void *ctx)
{
    (void)store;
    (void)ctx;
    return 1;
}

/* ---- what goes by ---- */

static void keep_hello(struct buf *out, const void *bytes, size_t len)
{
    buf_release(out);
    *out = BUF(TLS_HELLO_MAX);
    if (len <= TLS_HELLO_MAX)
        buf_add(out, bytes, len);
}

static void take_note(int sent, int version, int content_type, const void *bytes, size_t len,
                      SSL *ssl, void *ctx)
{
    struct tls_report *report = ctx;
    const unsigned char *message = bytes;
    (void)version;
    (void)ssl;
    bool is_alert = content_type == SSL3_RT_ALERT && len >= ALERT_SIZE;
    if (!is_alert && (content_type != SSL3_RT_HANDSHAKE || len < HANDSHAKE_HEAD))
        return;
    uint8_t type = message[is_alert ? 1 : 0];
    if (report->step_count < TLS_STEPS_MAX)
        report->steps[report->step_count++] = (struct tls_step){
            .sent = sent == 1, .is_alert = is_alert, .type = type, .length = (uint32_t)len};
    if (!is_alert && sent == 1 && type == CLIENT_HELLO)
        keep_hello(&report->client_hello, bytes, len);
    if (!is_alert && sent == 0 && type == SERVER_HELLO)
        keep_hello(&report->server_hello, bytes, len);
}

/* ---- a connection ---- */

static SSL_CTX *context_new(const struct tls_request *request)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
    (void)SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
    if (offer_versions(ctx, request) && offer_key(ctx, request->key))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

SSL *tls_client_new(const struct tls_request *request, int fd, struct tls_report *report)
{
    SSL_CTX *ctx = context_new(request);
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
    SSL_CTX_free(ctx); /* ssl keeps its own reference */
    if (ssl == NULL)
        return NULL;
    SSL_set_msg_callback(ssl, take_note);
    SSL_set_msg_callback_arg(ssl, report);
    const char *name = request->server_name;
    if (SSL_set_fd(ssl, fd) == 1 && offer_alpn(ssl, request->alpn) &&
        (name == NULL || SSL_set_tlsext_host_name(ssl, name) == 1))
        return ssl;
    SSL_free(ssl);
    return NULL;
}

void tls_client_free(SSL *ssl)
{
    if (ssl != NULL && SSL_is_init_finished(ssl))
        (void)SSL_shutdown(ssl); /* so that no server takes it for an attack */
    SSL_free(ssl);
}

/* ---- what was seen ---- */

static void put_word(char word[static TLS_WORD_MAX + 1], const char *text)
{
    (void)snprintf(word, TLS_WORD_MAX + 1, "%s", text == NULL ? "" : text);
}

static void report_version(SSL *ssl, struct tls_report *report)
{
    for (enum tls_version version = TLS_1_0; version < TLS_VERSION_COUNT; version++)
        if (version_numbers[version] == SSL_version(ssl))
            report->version = version;
}

static void report_group(SSL *ssl, struct tls_report *report)
{
    EVP_PKEY *key = NULL;
    if (SSL_get_peer_tmp_key(ssl, &key) != 1)
        return; /* the key came encrypted to the certificate's, without an exchange */
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_DH)
        (void)snprintf(report->group, sizeof report->group, "dh-%d", EVP_PKEY_get_bits(key));
    else
        put_word(report->group, SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl)));
    EVP_PKEY_free(key);
}

static void report_signature(SSL *ssl, struct tls_report *report)
{
    int kind = NID_undef, hash = NID_undef;
    if (SSL_get_peer_signature_type_nid(ssl, &kind) != 1)
        return;
    const char *word = kind == NID_X9_62_id_ecPublicKey ? "ECDSA"
                       : kind == NID_rsaEncryption      ? "RSA"
                       : kind == NID_rsassaPss          ? "RSA-PSS"
                                                        : OBJ_nid2sn(kind);
    bool hashed = SSL_get_peer_signature_nid(ssl, &hash) == 1 && hash != NID_undef;
    (void)snprintf(report->signature, sizeof report->signature, "%s%s%s", word, hashed ? "-" : "",
                   hashed ? OBJ_nid2sn(hash) : "");
}

static void report_alpn(SSL *ssl, struct tls_report *report)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(ssl, &name, &len);
    if (name != NULL && len <= TLS_WORD_MAX && memchr(name, '\0', len) == NULL)
        (void)snprintf(report->alpn, sizeof report->alpn, "%.*s", (int)len, (const char *)name);
}

static bool report_chain(SSL *ssl, struct tls_report *report)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int count = sk_X509_num(chain);
    size_t left = TLS_CHAIN_MAX;
    if (count < 1 || count > TLS_CHAIN_CERTS_MAX)
        return false;
    for (int i = 0; i < count; i++) {
        unsigned char *der = NULL;
        int len = i2d_X509(sk_X509_value(chain, i), &der);
        if (len < 1 || (size_t)len > left)
            return false;
        struct buf *out = &report->chain[report->chain_count++];
        *out = BUF((size_t)len);
        buf_add(out, der, (size_t)len);
        OPENSSL_free(der);
        left -= (size_t)len;
    }
    return true;
}

bool tls_client_report(SSL *ssl, struct tls_report *report)
{
    const unsigned char *staple = NULL;
    report_version(ssl, report);
    put_word(report->cipher, SSL_get_cipher_name(ssl));
    report_group(ssl, report);
    report_signature(ssl, report);
    report_alpn(ssl, report);
    report->stapled = SSL_get_tlsext_status_ocsp_resp(ssl, &staple) > 0;
    return report_chain(ssl, report);
}

const char *tls_client_failure(const struct tls_report *report)
{
    unsigned long code = ERR_peek_error();
    const struct tls_step *last =
        report->step_count == 0 ? NULL : &report->steps[report->step_count - 1];
    if (last != NULL && last->is_alert && !last->sent)
        return SSL_alert_desc_string_long(last->type);
    int of_tls = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    if (code == 0 || of_tls == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return "the server hung up during the handshake";
    if (of_tls == SSL_R_WRONG_VERSION_NUMBER)
        return "what answers does not speak TLS";
    const char *reason = ERR_reason_error_string(code);
    return reason == NULL ? "OpenSSL gives no reason" : reason;
}

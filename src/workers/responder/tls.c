#include "tls.h"

#include <acmec/base/mem.h>
#include <errno.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each costs some 40 KiB during its handshake; when there are so many, the oldest makes room. A CA
 * comes from several places at once for each of a hundred names. */
#define CONNECTIONS_MAX 1024
#define SILENCE_MAX_S 5
/* So long a visitor may take to end the connection after the handshake. */
#define GOODBYE_MAX_S 2

struct entry {
    struct entry *next;
    char token[WIRE_TOKEN_MAX + 1];
    char server_name[WIRE_SERVER_NAME_MAX + 1];
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
};

struct connection {
    struct connection *next; /* the one that came before */
    struct tls_server *server;
    int fd;
    struct event *event;
    mbedtls_ssl_context ssl;
    struct entry *entry; /* what it asked for; NULL: nothing yet */
    bool is_done;
    char visitor[WIRE_VISITOR_MAX + 1];
};

struct tls_server {
    struct event_base *base;
    tls_visited visited;
    void *ctx;
    mbedtls_ssl_config config;
    const char *protocols[2]; /* mbedTLS keeps the pointer */
    struct entry *entries;
    struct connection *connections; /* the latest first */
    size_t count;
};

#define PROTOCOL "acme-tls/1"

/* ---- connections ---- */

static void end_connection(struct connection *connection)
{
    struct connection **at = &connection->server->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    connection->server->count--;
    event_free(connection->event);
    mbedtls_ssl_free(&connection->ssl);
    (void)close(connection->fd);
    free(connection);
}

static void wait_for(struct connection *connection, short what, int seconds)
{
    const struct timeval limit = {seconds, 0};
    (void)event_assign(connection->event, connection->server->base, connection->fd, what,
                       event_get_callback(connection->event), connection);
    if (event_add(connection->event, &limit) != 0)
        end_connection(connection);
}

/* A client that offers no protocol at all gets through the handshake: it is none that we know. */
static bool has_our_protocol(const mbedtls_ssl_context *ssl)
{
    const char *chosen = mbedtls_ssl_get_alpn_protocol(ssl);
    return chosen != NULL && strcmp(chosen, PROTOCOL) == 0;
}

static void finish_handshake(struct connection *connection)
{
    struct tls_server *server = connection->server;
    if (!has_our_protocol(&connection->ssl) || connection->entry == NULL) {
        end_connection(connection);
        return;
    }
    server->visited(server->ctx, connection->entry->token, connection->visitor);
    (void)mbedtls_ssl_close_notify(&connection->ssl);
    (void)shutdown(connection->fd, SHUT_WR);
    mbedtls_ssl_free(&connection->ssl);
    connection->entry = NULL;
    connection->is_done = true;
    wait_for(connection, EV_READ, GOODBYE_MAX_S);
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *connection = ctx;
    (void)fd;
    if (connection->is_done || (what & EV_TIMEOUT) != 0) {
        end_connection(connection);
        return;
    }
    int result = mbedtls_ssl_handshake(&connection->ssl);
    if (result == MBEDTLS_ERR_SSL_WANT_READ)
        wait_for(connection, EV_READ, SILENCE_MAX_S);
    else if (result == MBEDTLS_ERR_SSL_WANT_WRITE)
        wait_for(connection, EV_WRITE, SILENCE_MAX_S);
    else if (result == 0)
        finish_handshake(connection);
    else
        end_connection(connection); /* an alert has gone out */
}

static int translate(ssize_t len, int again)
{
    if (len >= 0)
        return (int)len;
    return errno == EAGAIN || errno == EINTR ? again : -1;
}

static int send_bytes(void *ctx, const unsigned char *bytes, size_t len)
{
    const struct connection *connection = ctx;
    return translate(send(connection->fd, bytes, len, MSG_NOSIGNAL), MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int receive_bytes(void *ctx, unsigned char *bytes, size_t len)
{
    const struct connection *connection = ctx;
    return translate(recv(connection->fd, bytes, len, 0), MBEDTLS_ERR_SSL_WANT_READ);
}

void tls_server_accept(struct tls_server *server, int fd, const char *visitor)
{
    if (server->count == CONNECTIONS_MAX) {
        struct connection *oldest = server->connections;
        while (oldest->next != NULL)
            oldest = oldest->next;
        end_connection(oldest);
    }
    struct connection *connection = mem_new(1, sizeof *connection);
    connection->server = server;
    connection->fd = fd;
    (void)memcpy(connection->visitor, visitor, strnlen(visitor, WIRE_VISITOR_MAX));
    mbedtls_ssl_init(&connection->ssl);
    connection->event = event_new(server->base, fd, EV_READ, on_event, connection);
    if (connection->event == NULL)
        mem_exhausted();
    connection->next = server->connections;
    server->connections = connection;
    server->count++;
    if (mbedtls_ssl_setup(&connection->ssl, &server->config) != 0) {
        end_connection(connection);
        return;
    }
    mbedtls_ssl_set_bio(&connection->ssl, connection, send_bytes, receive_bytes, NULL);
    wait_for(connection, EV_READ, SILENCE_MAX_S);
}

/* ---- what is served ---- */

static int choose(void *ctx, mbedtls_ssl_context *ssl, const unsigned char *name, size_t len)
{
    struct tls_server *server = ctx;
    struct connection *connection =
        (struct connection *)((char *)ssl - offsetof(struct connection, ssl));
    for (struct entry *entry = server->entries; entry != NULL; entry = entry->next) {
        if (strlen(entry->server_name) != len ||
            strncasecmp(entry->server_name, (const char *)name, len) != 0)
            continue;
        connection->entry = entry;
        return mbedtls_ssl_set_hs_own_cert(ssl, &entry->certificate, &entry->key);
    }
    return -1; /* unrecognized_name */
}

/* mbedTLS knows no acmeIdentifier, which is critical; what we were handed is let pass. */
static int accept_extension(void *ctx, const mbedtls_x509_crt *crt, const mbedtls_x509_buf *oid,
                            int critical, const unsigned char *at, const unsigned char *end)
{
    (void)ctx;
    (void)crt;
    (void)oid;
    (void)critical;
    (void)at;
    (void)end;
    return 0;
}

#if MBEDTLS_VERSION_NUMBER < 0x04000000
static int random_bytes(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}
#endif

static int parse_key(mbedtls_pk_context *key, struct span der)
{
    const unsigned char *bytes = (const unsigned char *)der.ptr;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
    return mbedtls_pk_parse_key(key, bytes, der.len, NULL, 0, random_bytes, NULL);
#else
    return mbedtls_pk_parse_key(key, bytes, der.len, NULL, 0);
#endif
}

static void free_entry(struct entry *entry)
{
    mbedtls_x509_crt_free(&entry->certificate);
    mbedtls_pk_free(&entry->key);
    free(entry);
}

bool tls_server_add(struct tls_server *server, const struct wire_tls_answer *answer)
{
    struct entry *entry = mem_new(1, sizeof *entry);
    const unsigned char *der = (const unsigned char *)answer->cert.ptr;
    mbedtls_x509_crt_init(&entry->certificate);
    mbedtls_pk_init(&entry->key);
    (void)memcpy(entry->token, answer->token, sizeof entry->token);
    (void)memcpy(entry->server_name, answer->server_name, sizeof entry->server_name);
    if (mbedtls_x509_crt_parse_der_with_ext_cb(&entry->certificate, der, answer->cert.len, 1,
                                               accept_extension, NULL) != 0 ||
        parse_key(&entry->key, answer->key) != 0) {
        free_entry(entry);
        return false;
    }
    tls_server_remove(server, answer->token);
    entry->next = server->entries;
    server->entries = entry;
    return true;
}

void tls_server_remove(struct tls_server *server, const char *token)
{
    struct entry **at = &server->entries;
    while (*at != NULL && strcmp((*at)->token, token) != 0)
        at = &(*at)->next;
    struct entry *entry = *at;
    if (entry == NULL)
        return;
    struct connection *next;
    for (struct connection *one = server->connections; one != NULL; one = next) {
        next = one->next;
        if (one->entry == entry)
            end_connection(one);
    }
    *at = entry->next;
    free_entry(entry);
}

/* ---- start and end ---- */

static bool configure(mbedtls_ssl_config *config, struct tls_server *server)
{
    if (mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0 ||
        mbedtls_ssl_conf_alpn_protocols(config, server->protocols) != 0)
        return false;
#if MBEDTLS_VERSION_NUMBER < 0x04000000
    mbedtls_ssl_conf_rng(config, random_bytes, NULL);
#endif
    /* The cheapest come first: mbedTLS 2.28 would take secp521r1 from whoever knows it, and
     * hundreds of handshakes at once would then outlast a CA's patience. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    static const uint16_t groups[] = {
        MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    mbedtls_ssl_conf_groups(config, groups);
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_CURVE25519,
                                                  MBEDTLS_ECP_DP_SECP256R1,
                                                  MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
    mbedtls_ssl_conf_curves(config, groups);
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_sni(config, choose, server);
    return true;
}

struct tls_server *tls_server_new(struct event_base *base, tls_visited visited, void *ctx)
{
    struct tls_server *server = mem_new(1, sizeof *server);
    server->base = base;
    server->visited = visited;
    server->ctx = ctx;
    server->protocols[0] = PROTOCOL;
    mbedtls_ssl_config_init(&server->config);
    if (psa_crypto_init() == PSA_SUCCESS && configure(&server->config, server))
        return server;
    tls_server_free(server);
    return NULL;
}

void tls_server_free(struct tls_server *server)
{
    if (server == NULL)
        return;
    while (server->connections != NULL)
        end_connection(server->connections);
    while (server->entries != NULL)
        tls_server_remove(server, server->entries->token);
    mbedtls_ssl_config_free(&server->config);
    mbedtls_psa_crypto_free();
    free(server);
}

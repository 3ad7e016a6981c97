#include <acmec/data/tls_hello.h>

#include <acmec/base/cleanup.h>
#include <acmec/data/escape.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_HELLO 1
#define SERVER_HELLO 2
#define RANDOM_SIZE 32
#define STATUS_TYPE_OCSP 1
#define NAME_TYPE_HOST 0

enum extension {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_STATUS_REQUEST = 5,
    EXTENSION_GROUPS = 10,
    EXTENSION_SIGNATURES = 13,
    EXTENSION_ALPN = 16,
    EXTENSION_VERSIONS = 43,
    EXTENSION_KEY_SHARE = 51
};

/* The random bytes of a HelloRetryRequest (RFC 8446 section 4.1.3). */
static const unsigned char retry_random[RANDOM_SIZE] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* ---- bytes ---- */

struct reader {
    struct span rest;
    bool failed;
};

static struct span take(struct reader *reader, size_t len)
{
    if (reader->failed || len > reader->rest.len) {
        reader->failed = true;
        return span_of("", 0);
    }
    struct span taken = span_of(reader->rest.ptr, len);
    reader->rest = span_of(reader->rest.ptr + len, reader->rest.len - len);
    return taken;
}

static size_t number(struct reader *reader, size_t size)
{
    struct span bytes = take(reader, size);
    size_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    return value;
}

/* What follows its own length of so many bytes. */
static struct reader vector(struct reader *reader, size_t size)
{
    size_t len = number(reader, size);
    return (struct reader){.rest = take(reader, len), .failed = reader->failed};
}

static void add_number(struct tls_numbers *numbers, uint16_t value)
{
    /* RFC 8701: numbers of this form are offered to be ignored. */
    bool is_grease = (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
    if (!is_grease && numbers->count < TLS_OFFERS_MAX)
        numbers->items[numbers->count++] = value;
}

static void read_numbers(struct reader list, struct tls_numbers *out)
{
    while (!list.failed && list.rest.len > 0)
        add_number(out, (uint16_t)number(&list, 2));
}

/* ---- ClientHello ---- */

/* Cut off where there is no more room. */
static void put_text(char out[static 256], const char *before, struct span text)
{
    AUTO(buf) joined = BUF(4096);
    if (out[0] != '\0')
        buf_addf(&joined, "%s%s", out, before);
    buf_add_str(&joined, escaped(text).text);
    (void)snprintf(out, 256, "%.255s", buf_str(&joined));
}

static void read_server_name(struct reader data, struct tls_client_hello *out)
{
    struct reader list = vector(&data, 2);
    size_t type = number(&list, 1);
    struct reader name = vector(&list, 2);
    if (!name.failed && type == NAME_TYPE_HOST)
        put_text(out->server_name, "", name.rest);
}

static void read_protocols(struct reader data, struct tls_client_hello *out)
{
    struct reader list = vector(&data, 2);
    while (!list.failed && list.rest.len > 0) {
        struct reader name = vector(&list, 1);
        put_text(out->protocols, ", ", name.rest);
    }
}

static void read_key_shares(struct reader data, struct tls_client_hello *out)
{
    struct reader list = vector(&data, 2);
    while (!list.failed && list.rest.len > 0) {
        size_t group = number(&list, 2);
        (void)vector(&list, 2);
        if (!list.failed)
            add_number(&out->key_shares, (uint16_t)group);
    }
}

static void read_client_extension(size_t type, struct reader data, struct tls_client_hello *out)
{
    if (type == EXTENSION_SERVER_NAME)
        read_server_name(data, out);
    else if (type == EXTENSION_STATUS_REQUEST)
        out->asks_for_staple = number(&data, 1) == STATUS_TYPE_OCSP;
    else if (type == EXTENSION_GROUPS)
        read_numbers(vector(&data, 2), &out->groups);
    else if (type == EXTENSION_SIGNATURES)
        read_numbers(vector(&data, 2), &out->signatures);
    else if (type == EXTENSION_ALPN)
        read_protocols(data, out);
    else if (type == EXTENSION_VERSIONS)
        read_numbers(vector(&data, 1), &out->versions);
    else if (type == EXTENSION_KEY_SHARE)
        read_key_shares(data, out);
}

/* A message's body; failed: it is of another type, or has another length. */
static struct reader body_of(struct span message, size_t type)
{
    struct reader reader = {.rest = message};
    bool is_it = number(&reader, 1) == type;
    struct reader body = vector(&reader, 3);
    body.failed |= !is_it || reader.rest.len != 0;
    return body;
}

bool tls_client_hello_read(struct span message, struct tls_client_hello *out)
{
    struct reader reader = body_of(message, CLIENT_HELLO);
    struct tls_client_hello hello = {0};
    uint16_t version = (uint16_t)number(&reader, 2);
    (void)take(&reader, RANDOM_SIZE);
    (void)vector(&reader, 1); /* session id */
    read_numbers(vector(&reader, 2), &hello.suites);
    (void)vector(&reader, 1); /* compression */
    struct reader extensions = {0};
    if (!reader.failed && reader.rest.len > 0)
        extensions = vector(&reader, 2);
    while (!extensions.failed && extensions.rest.len > 0) {
        size_t type = number(&extensions, 2);
        struct reader data = vector(&extensions, 2);
        if (!data.failed)
            read_client_extension(type, data, &hello);
    }
    if (reader.failed || extensions.failed || reader.rest.len != 0)
        return false;
    if (hello.versions.count == 0)
        add_number(&hello.versions, version);
    *out = hello;
    return true;
}

/* ---- ServerHello ---- */

bool tls_server_hello_read(struct span message, struct tls_server_hello *out)
{
    struct reader reader = body_of(message, SERVER_HELLO);
    struct tls_server_hello hello = {.version = (uint16_t)number(&reader, 2)};
    struct span random = take(&reader, RANDOM_SIZE);
    hello.is_retry = span_equals(random, span_of(retry_random, sizeof retry_random));
    (void)vector(&reader, 1);
    hello.suite = (uint16_t)number(&reader, 2);
    (void)number(&reader, 1);
    struct reader extensions = {0};
    if (!reader.failed && reader.rest.len > 0)
        extensions = vector(&reader, 2);
    while (!extensions.failed && extensions.rest.len > 0) {
        size_t type = number(&extensions, 2);
        struct reader data = vector(&extensions, 2);
        if (type == EXTENSION_VERSIONS)
            hello.version = (uint16_t)number(&data, 2);
        else if (type == EXTENSION_KEY_SHARE)
            hello.key_share = (uint16_t)number(&data, 2);
        extensions.failed |= data.failed;
    }
    if (reader.failed || extensions.failed || reader.rest.len != 0)
        return false;
    *out = hello;
    return true;
}

/* ---- words ---- */

struct word {
    uint16_t number;
    const char *word;
};

static const struct word versions[] = {
    {0x0301, "TLS 1.0"}, {0x0302, "TLS 1.1"}, {0x0303, "TLS 1.2"}, {0x0304, "TLS 1.3"}, {0, NULL}};

static const struct word suites[] = {{0x1301, "TLS_AES_128_GCM_SHA256"},
                                     {0x1302, "TLS_AES_256_GCM_SHA384"},
                                     {0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
                                     {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
                                     {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
                                     {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
                                     {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
                                     {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
                                     {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
                                     {0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
                                     {0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
                                     {0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
                                     {0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
                                     {0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"},
                                     {0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
                                     {0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
                                     {0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"},
                                     {0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
                                     {0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"},
                                     {0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
                                     {0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"},
                                     {0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"},
                                     {0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"},
                                     {0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"},
                                     {0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"},
                                     {0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"},
                                     {0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"},
                                     {0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"},
                                     {0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"},
                                     {0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"},
                                     {0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"},
                                     {0, NULL}};

static const struct word groups[] = {{23, "secp256r1"},
                                     {24, "secp384r1"},
                                     {25, "secp521r1"},
                                     {29, "x25519"},
                                     {30, "x448"},
                                     {256, "ffdhe2048"},
                                     {257, "ffdhe3072"},
                                     {258, "ffdhe4096"},
                                     {259, "ffdhe6144"},
                                     {260, "ffdhe8192"},
                                     {0x11eb, "SecP256r1MLKEM768"},
                                     {0x11ec, "X25519MLKEM768"},
                                     {0x11ed, "SecP384r1MLKEM1024"},
                                     {0, NULL}};

static const struct word signatures[] = {{0x0403, "ecdsa_secp256r1_sha256"},
                                         {0x0503, "ecdsa_secp384r1_sha384"},
                                         {0x0603, "ecdsa_secp521r1_sha512"},
                                         {0x0807, "ed25519"},
                                         {0x0808, "ed448"},
                                         {0x0804, "rsa_pss_rsae_sha256"},
                                         {0x0805, "rsa_pss_rsae_sha384"},
                                         {0x0806, "rsa_pss_rsae_sha512"},
                                         {0x0809, "rsa_pss_pss_sha256"},
                                         {0x080a, "rsa_pss_pss_sha384"},
                                         {0x080b, "rsa_pss_pss_sha512"},
                                         {0x0401, "rsa_pkcs1_sha256"},
                                         {0x0501, "rsa_pkcs1_sha384"},
                                         {0x0601, "rsa_pkcs1_sha512"},
                                         {0x0303, "ecdsa_sha224"},
                                         {0x0301, "rsa_pkcs1_sha224"},
                                         {0x0203, "ecdsa_sha1"},
                                         {0x0201, "rsa_pkcs1_sha1"},
                                         {0, NULL}};

static const struct word messages[] = {{1, "ClientHello"},
                                       {2, "ServerHello"},
                                       {4, "NewSessionTicket"},
                                       {8, "EncryptedExtensions"},
                                       {11, "Certificate"},
                                       {12, "ServerKeyExchange"},
                                       {13, "CertificateRequest"},
                                       {14, "ServerHelloDone"},
                                       {15, "CertificateVerify"},
                                       {16, "ClientKeyExchange"},
                                       {20, "Finished"},
                                       {22, "CertificateStatus"},
                                       {24, "KeyUpdate"},
                                       {25, "CompressedCertificate"},
                                       {0, NULL}};

static const struct word alerts[] = {{0, "close_notify"},
                                     {10, "unexpected_message"},
                                     {20, "bad_record_mac"},
                                     {22, "record_overflow"},
                                     {40, "handshake_failure"},
                                     {42, "bad_certificate"},
                                     {43, "unsupported_certificate"},
                                     {44, "certificate_revoked"},
                                     {45, "certificate_expired"},
                                     {46, "certificate_unknown"},
                                     {47, "illegal_parameter"},
                                     {48, "unknown_ca"},
                                     {49, "access_denied"},
                                     {50, "decode_error"},
                                     {51, "decrypt_error"},
                                     {70, "protocol_version"},
                                     {71, "insufficient_security"},
                                     {80, "internal_error"},
                                     {86, "inappropriate_fallback"},
                                     {90, "user_canceled"},
                                     {109, "missing_extension"},
                                     {110, "unsupported_extension"},
                                     {112, "unrecognized_name"},
                                     {113, "bad_certificate_status_response"},
                                     {116, "certificate_required"},
                                     {120, "no_application_protocol"},
                                     {0, NULL}};

static const char *find(const struct word *rows, unsigned value)
{
    for (; rows->word != NULL; rows++)
        if (rows->number == value)
            return rows->word;
    return NULL;
}

const char *tls_number_word(enum tls_number_kind kind, uint16_t value)
{
    static const struct word *const tables[] = {
        [TLS_NUMBER_VERSION] = versions,
        [TLS_NUMBER_SUITE] = suites,
        [TLS_NUMBER_GROUP] = groups,
        [TLS_NUMBER_SIGNATURE] = signatures,
    };
    return find(tables[kind], value);
}

void tls_numbers_write(enum tls_number_kind kind, const struct tls_numbers *numbers, size_t most,
                       struct buf *out)
{
    size_t shown = numbers->count < most ? numbers->count : most;
    for (size_t i = 0; i < shown; i++) {
        const char *word = tls_number_word(kind, numbers->items[i]);
        buf_add_str(out, i == 0 ? "" : ", ");
        if (word != NULL)
            buf_add_str(out, word);
        else
            buf_addf(out, "0x%04x", (unsigned)numbers->items[i]);
    }
    if (shown < numbers->count)
        buf_addf(out, " and %zu more", numbers->count - shown);
}

const char *tls_message_word(uint8_t type)
{
    return find(messages, type);
}

const char *tls_alert_word(uint8_t description)
{
    return find(alerts, description);
}

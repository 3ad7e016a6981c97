#include <acmec/data/tls_hello.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <acmec/base/cleanup.h>
#include <cmocka.h>

#define ROOM (64 * 1024)

static void put(struct buf *out, unsigned value, size_t size)
{
    for (size_t i = size; i > 0; i--)
        buf_add_byte(out, (char)(value >> (8 * (i - 1))));
}

static void put_extension(struct buf *out, unsigned type, const char *data, size_t len)
{
    put(out, type, 2);
    put(out, (unsigned)len, 2);
    buf_add(out, data, len);
}
#define EXTENSION(out, type, literal) put_extension((out), (type), (literal), sizeof(literal) - 1)

/* A message around a body. */
static void wrap(unsigned type, const struct buf *body, struct buf *out)
{
    *out = BUF(ROOM);
    put(out, type, 1);
    put(out, (unsigned)body->len, 3);
    buf_add_span(out, buf_span(body));
}

static void client_hello(const struct buf *extensions, struct buf *out)
{
    AUTO(buf) body = BUF(ROOM);
    put(&body, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        put(&body, 7, 1);
    put(&body, 0, 1);
    put(&body, 6, 2);
    put(&body, 0x1a1a, 2); /* to be ignored */
    put(&body, 0x1301, 2);
    put(&body, 0xc02b, 2);
    put(&body, 1, 1);
    put(&body, 0, 1);
    if (extensions != NULL) {
        put(&body, (unsigned)extensions->len, 2);
        buf_add_span(&body, buf_span(extensions));
    }
    wrap(1, &body, out);
}

static void test_client_hello(void **state)
{
    (void)state;
    AUTO(buf) extensions = BUF(ROOM);
    AUTO(buf) message;
    EXTENSION(&extensions, 0,
              "\0\x0c\0\0\x09"
              "a.example");
    EXTENSION(&extensions, 5, "\x01\0\0\0\0");
    EXTENSION(&extensions, 10, "\0\x04\0\x1d\0\x17");
    EXTENSION(&extensions, 13, "\0\x02\x04\x03");
    EXTENSION(&extensions, 16, "\0\x0c\x02h2\x08http/1.1");
    EXTENSION(&extensions, 43, "\x04\x03\x04\x03\x03");
    EXTENSION(&extensions, 51, "\0\x05\0\x1d\0\x01k");
    EXTENSION(&extensions, 9999, "whatever");
    client_hello(&extensions, &message);
    struct tls_client_hello hello;
    assert_true(tls_client_hello_read(buf_span(&message), &hello));
    assert_int_equal(hello.suites.count, 2);
    assert_int_equal(hello.versions.count, 2);
    assert_int_equal(hello.versions.items[0], 0x0304);
    assert_int_equal(hello.groups.items[1], 23);
    assert_int_equal(hello.signatures.items[0], 0x0403);
    assert_int_equal(hello.key_shares.count, 1);
    assert_int_equal(hello.key_shares.items[0], 29);
    assert_string_equal(hello.server_name, "a.example");
    assert_string_equal(hello.protocols, "h2, http/1.1");
    assert_true(hello.asks_for_staple);
}

static void test_an_old_client_hello(void **state)
{
    (void)state;
    AUTO(buf) message;
    struct tls_client_hello hello;
    client_hello(NULL, &message);
    assert_true(tls_client_hello_read(buf_span(&message), &hello));
    assert_int_equal(hello.versions.count, 1);
    assert_int_equal(hello.versions.items[0], 0x0303);
    assert_false(hello.asks_for_staple);
    assert_string_equal(hello.server_name, "");
}

static void server_hello(bool retry, const struct buf *extensions, struct buf *out)
{
    static const unsigned char retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                                   0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                                   0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                                   0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    AUTO(buf) body = BUF(ROOM);
    put(&body, 0x0303, 2);
    for (size_t i = 0; i < 32; i++)
        put(&body, retry ? retry_random[i] : 7, 1);
    put(&body, 0, 1);
    put(&body, 0x1302, 2);
    put(&body, 0, 1);
    put(&body, (unsigned)extensions->len, 2);
    buf_add_span(&body, buf_span(extensions));
    wrap(2, &body, out);
}

static void test_server_hello(void **state)
{
    (void)state;
    for (int retry = 0; retry < 2; retry++) {
        AUTO(buf) extensions = BUF(ROOM);
        AUTO(buf) message;
        struct tls_server_hello hello;
        EXTENSION(&extensions, 43, "\x03\x04");
        EXTENSION(&extensions, 51, "\0\x17");
        server_hello(retry == 1, &extensions, &message);
        assert_true(tls_server_hello_read(buf_span(&message), &hello));
        assert_int_equal(hello.version, 0x0304);
        assert_int_equal(hello.suite, 0x1302);
        assert_int_equal(hello.key_share, 23);
        assert_int_equal(hello.is_retry, retry);
    }
}

/* A length that leads too far, anywhere, is never read as a hello; nothing after it, either. */
static void test_cut_and_longer_messages(void **state)
{
    (void)state;
    AUTO(buf) extensions = BUF(ROOM);
    AUTO(buf) client;
    AUTO(buf) server;
    struct tls_client_hello hello;
    struct tls_server_hello other;
    EXTENSION(&extensions, 43, "\x02\x03\x04");
    client_hello(&extensions, &client);
    server_hello(false, &extensions, &server);
    buf_add_byte(&client, '\0');
    buf_add_byte(&server, '\0');
    for (size_t len = 0; len <= client.len; len++)
        assert_int_equal(tls_client_hello_read(span_of(client.data, len), &hello),
                         len == client.len - 1);
    for (size_t len = 0; len <= server.len; len++)
        assert_int_equal(tls_server_hello_read(span_of(server.data, len), &other),
                         len == server.len - 1);
    assert_false(tls_server_hello_read(span_of(client.data, client.len - 1), &other));
}

static void test_words(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(ROOM);
    struct tls_numbers numbers = {.items = {29, 4711, 23, 24}, .count = 4};
    tls_numbers_write(TLS_NUMBER_GROUP, &numbers, 3, &out);
    assert_string_equal(buf_str(&out), "x25519, 0x1267, secp256r1 and 1 more");
    assert_string_equal(tls_number_word(TLS_NUMBER_VERSION, 0x0304), "TLS 1.3");
    assert_string_equal(tls_number_word(TLS_NUMBER_SUITE, 0xc02f),
                        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    assert_string_equal(tls_number_word(TLS_NUMBER_SIGNATURE, 0x0804), "rsa_pss_rsae_sha256");
    assert_null(tls_number_word(TLS_NUMBER_SUITE, 1));
    assert_string_equal(tls_message_word(15), "CertificateVerify");
    assert_null(tls_message_word(99));
    assert_string_equal(tls_alert_word(112), "unrecognized_name");
    assert_string_equal(tls_alert_word(0), "close_notify");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_hello), cmocka_unit_test(test_an_old_client_hello),
        cmocka_unit_test(test_server_hello), cmocka_unit_test(test_cut_and_longer_messages),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

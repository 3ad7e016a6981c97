/* Hellos of servers, and of a worker that says that we sent them. */
#include "must.h"
#include <acmec/base/cleanup.h>
#include <acmec/data/tls_hello.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_client_hello client;
    struct tls_server_hello server;
    AUTO(buf) text = BUF(64 * 1024);
    if (tls_client_hello_read(span_of(data, size), &client)) {
        must(client.versions.count > 0 && client.suites.count <= TLS_OFFERS_MAX);
        must(strlen(client.server_name) < sizeof client.server_name);
        tls_numbers_write(TLS_NUMBER_SUITE, &client.suites, TLS_OFFERS_MAX, &text);
        tls_numbers_write(TLS_NUMBER_SIGNATURE, &client.signatures, 3, &text);
        must(buf_ok(&text));
    }
    if (tls_server_hello_read(span_of(data, size), &server))
        must(!tls_client_hello_read(span_of(data, size), &client));
    return 0;
}

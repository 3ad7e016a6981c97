#include <acmec/data/tls_msg.h>

#include <acmec/base/mem.h>
#include <stdlib.h>

#define TLS_VERSION_AS_WORD(id, word) [TLS_##id] = (word),

const char *tls_version_word(enum tls_version version)
{
    static const char *const words[TLS_VERSION_COUNT] = {[TLS_VERSION_ANY] = "any",
                                                         TLS_VERSIONS(TLS_VERSION_AS_WORD)};
    return words[version];
}

void tls_request_release(struct tls_request *request)
{
    free(request->address);
    free(request->server_name);
    free(request->alpn);
    *request = (struct tls_request){0};
}

void tls_request_copy(const struct tls_request *from, struct tls_request *out)
{
    *out = *from;
    out->address = mem_strdup(from->address);
    out->server_name = mem_strdup(from->server_name);
    out->alpn = mem_strdup(from->alpn);
}

void tls_report_release(struct tls_report *report)
{
    for (size_t i = 0; i < report->chain_count; i++)
        buf_release(&report->chain[i]);
    buf_release(&report->client_hello);
    buf_release(&report->server_hello);
    *report = (struct tls_report){0};
}

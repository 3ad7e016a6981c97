/* Whether a chain leads to a trusted certificate: path building is mbedTLS's, time is ours. */
#include "cert_private.h"

#include <acmec/base/cleanup.h>

#include "der.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

struct crt_list {
    mbedtls_x509_crt first;
};

static void crt_list_release(struct crt_list *list)
{
    mbedtls_x509_crt_free(&list->first);
}

static size_t find(struct span in, const char *mark)
{
    const char *found = in.len == 0 ? NULL : memmem(in.ptr, in.len, mark, strlen(mark));
    return found == NULL ? in.len : (size_t)(found - in.ptr);
}

static struct span skip(struct span in, size_t len)
{
    return span_of(in.ptr + len, in.len - len);
}

/* From the next BEGIN to the first END after it; there may be comments in between. in goes on
 * behind the BEGIN, so that a block without END costs only itself. */
static bool next_block(struct span *in, struct span *out)
{
    struct span from = skip(*in, find(*in, BEGIN));
    size_t len = find(from, END);
    if (len == from.len)
        return false;
    *out = span_of(from.ptr, len + strlen(END));
    *in = skip(from, strlen(BEGIN));
    return true;
}

static bool load_trust(struct span trust_pem, struct crt_list *out)
{
    struct span block;
    size_t count = 0;
    while (next_block(&trust_pem, &block)) {
        AUTO(pem_list) list = {0};
        struct error ignored;
        if (pem_parse_chain(block, ERR_CONFIG, &list, &ignored) &&
            cert_parse_der(&out->first, buf_span(&list.blocks[0].der)))
            count++;
    }
    return count > 0;
}

static bool load_chain(struct span chain_pem, struct crt_list *out)
{
    AUTO(pem_list) list = {0};
    struct error ignored;
    if (!pem_parse_chain(chain_pem, ERR_CONFIG, &list, &ignored))
        return false;
    for (size_t i = 0; i < list.count; i++)
        if (!cert_parse_der(&out->first, buf_span(&list.blocks[i].der)))
            return false;
    return true;
}

/* Called for each certificate of the path that mbedTLS found: its clock is replaced by `now`. */
static int judge_time(void *now_ptr, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    const int64_t *now = now_ptr;
    int64_t from, to;
    (void)depth;
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (!cert_read_time(&crt->valid_from, &from) || !cert_read_time(&crt->valid_to, &to) ||
        *now > to)
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    else if (*now < from)
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
    return 0;
}

bool cert_is_trusted(struct span chain_pem, struct span trust_pem, int64_t now)
{
    AUTO(crt_list) chain, trust;
    uint32_t flags = 0;
    mbedtls_x509_crt_init(&chain.first);
    mbedtls_x509_crt_init(&trust.first);
    return load_chain(chain_pem, &chain) && load_trust(trust_pem, &trust) &&
           mbedtls_x509_crt_check_extended_key_usage(&chain.first, OID_SERVER_AUTH,
                                                     sizeof(OID_SERVER_AUTH) - 1) == 0 &&
           mbedtls_x509_crt_verify_with_profile(&chain.first, &trust.first, NULL, &CERT_PROFILE,
                                                NULL, &flags, judge_time, &now) == 0;
}

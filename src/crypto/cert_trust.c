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

struct path {
    int64_t now;
    bool has_top;
    char *anchor; /* 256 bytes */
};

static void note_top(struct path *path, const mbedtls_x509_crt *top)
{
    path->has_top = true;
    if (!cert_read_attribute(&top->subject, CERT_COMMON_NAME, path->anchor) &&
        !cert_read_attribute(&top->subject, CERT_ORGANIZATION, path->anchor))
        path->anchor[0] = '\0';
}

/* Called for each certificate of the path that mbedTLS found, from its top down: its clock is
 * replaced by `now`. */
static int judge_link(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct path *path = ctx;
    int64_t from, to;
    (void)depth;
    if (!path->has_top)
        note_top(path, crt);
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (!cert_read_time(&crt->valid_from, &from) || !cert_read_time(&crt->valid_to, &to) ||
        path->now > to)
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    else if (path->now < from)
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
    return 0;
}

#define CERT_TRUST_AS_WORD(id, sentence) [CERT_##id] = (sentence),

const char *cert_trust_sentence(enum cert_trust trust)
{
    static const char *const sentences[CERT_TRUST_COUNT] = {CERT_TRUSTS(CERT_TRUST_AS_WORD)};
    return sentences[trust];
}

/* What a person wants to hear first: a CA that nobody knows makes all else moot. */
static enum cert_trust trust_of(uint32_t flags)
{
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
        return CERT_UNKNOWN;
    if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0)
        return CERT_EXPIRED;
    if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0)
        return CERT_NOT_YET;
    if ((flags & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_KEY |
                  MBEDTLS_X509_BADCERT_BAD_PK)) != 0)
        return CERT_WEAK;
    return CERT_UNKNOWN;
}

enum cert_trust cert_judge_trust(struct span chain_pem, struct span trust_pem, int64_t now,
                                 char anchor[static 256])
{
    AUTO(crt_list) chain, trust;
    uint32_t flags = 0;
    char top[256] = "";
    struct path path = {.now = now, .anchor = top};
    anchor[0] = '\0';
    mbedtls_x509_crt_init(&chain.first);
    mbedtls_x509_crt_init(&trust.first);
    if (!load_chain(chain_pem, &chain))
        return CERT_UNREADABLE;
    if (!load_trust(trust_pem, &trust))
        return CERT_UNKNOWN;
    if (mbedtls_x509_crt_check_extended_key_usage(&chain.first, OID_SERVER_AUTH,
                                                  sizeof(OID_SERVER_AUTH) - 1) != 0)
        return CERT_OTHER_USE;
    if (mbedtls_x509_crt_verify_with_profile(&chain.first, &trust.first, NULL, &CERT_PROFILE, NULL,
                                             &flags, judge_link, &path) != 0)
        return trust_of(flags);
    memcpy(anchor, top, sizeof top);
    return CERT_TRUSTED;
}

bool cert_is_trusted(struct span chain_pem, struct span trust_pem, int64_t now)
{
    char anchor[256];
    return cert_judge_trust(chain_pem, trust_pem, now, anchor) == CERT_TRUSTED;
}

#include <acmec/acme/alternates.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/cert.h>
#include <acmec/data/http_header.h>

void alternates_release(struct alternates *alternates)
{
    free(alternates->wanted);
    for (size_t i = 0; i < alternates->count; i++)
        free(alternates->urls[i]);
    buf_release(&alternates->chain);
    *alternates = (struct alternates){0};
}

/* Keeps the chain if it is better than what there is. */
static void judge(struct alternates *alternates, struct span chain)
{
    bool is_top = cert_has_issuer(chain, alternates->wanted, true);
    bool is_any = is_top || cert_has_issuer(chain, alternates->wanted, false);
    bool is_first = alternates->chain.len == 0;
    if (!is_first && !is_top && (!is_any || alternates->has_issuer))
        return;
    buf_clear(&alternates->chain);
    buf_add_span(&alternates->chain, chain);
    alternates->has_issuer = is_any;
    alternates->is_over = is_top;
}

static void add_links(struct alternates *alternates, struct session *session, const char *url,
                      const struct http_response *response)
{
    for (size_t nth = 0; alternates->count < ALTERNATES_MAX; nth++) {
        AUTO(buf) link = BUF(HTTP_URL_MAX);
        struct error ignored = {0};
        if (!http_header_link(response, "alternate", nth, url, &link))
            return;
        if (buf_ok(&link) && strcmp(buf_str(&link), url) != 0 &&
            session_bind(session, ROLE_CERTIFICATE, buf_str(&link), &ignored))
            alternates->urls[alternates->count++] = buf_take(&link);
    }
}

void alternates_begin(struct alternates *alternates, struct session *session, const char *url,
                      const struct http_response *response)
{
    alternates->chain = BUF(PEM_CHAIN_MAX);
    if (alternates->wanted == NULL) {
        buf_add_span(&alternates->chain, buf_span(&response->body));
        alternates->is_over = true;
        return;
    }
    judge(alternates, buf_span(&response->body));
    if (!alternates->is_over)
        add_links(alternates, session, url, response);
}

const char *alternates_url(const struct alternates *alternates)
{
    if (alternates->is_over || alternates->next == alternates->count)
        return NULL;
    return alternates->urls[alternates->next];
}

void alternates_take(struct alternates *alternates, const struct http_response *response)
{
    AUTO(pem_list) list = {0};
    struct error ignored = {0};
    alternates->next++;
    if (response != NULL && response->status == 200 && response->body.len <= PEM_CHAIN_MAX &&
        pem_parse_chain(buf_span(&response->body), ERR_REFUSED, &list, &ignored))
        judge(alternates, buf_span(&response->body));
}

bool alternates_satisfied(const struct alternates *alternates)
{
    return alternates->wanted == NULL || alternates->has_issuer;
}

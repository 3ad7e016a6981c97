#include "transfer.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>

#define CONNECT_TIMEOUT_MS 5000L
#define SILENCE_TIMEOUT_S 15L
#define DEFAULT_TIMEOUT_MS 30000L
#define REDIRECTS_MAX 5L
/* Over HTTP/2 one connection serves all; these are for servers that speak only HTTP/1.1. */
#define HOST_CONNECTIONS_MAX 6L
#define STREAMS_MAX 1000L

struct transfer {
    struct transfer *next;
    struct transfers *all;
    uint64_t id;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    struct http_request request;
    struct http_response response;
    bool too_large;
    char error[CURL_ERROR_SIZE];
};

struct transfers {
    const struct wire_net_config *config;
    struct transfer_sink sink;
    char *user_agent;
    CURLM *multi;
    struct transfer *first;
};

struct transfers *transfers_new(const struct wire_net_config *config,
                                const struct transfer_sink *sink)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return NULL;
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS_MAX);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    struct transfers *all = mem_new(1, sizeof *all);
    all->config = config;
    all->sink = *sink;
    all->multi = multi;
    all->user_agent = mem_printf("%s libcurl/%s", config->user_agent,
                                 curl_version_info(CURLVERSION_NOW)->version);
    return all;
}

static void transfer_free(struct transfer *transfer)
{
    curl_multi_remove_handle(transfer->all->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    http_request_release(&transfer->request);
    http_response_release(&transfer->response);
    free(transfer);
}

static void drop(struct transfer *transfer)
{
    struct transfer **link = &transfer->all->first;
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    transfer_free(transfer);
}

void transfers_free(struct transfers *all)
{
    if (all == NULL)
        return;
    while (all->first != NULL)
        drop(all->first);
    curl_multi_cleanup(all->multi);
    curl_global_cleanup();
    free(all->user_agent);
    free(all);
}

/* ---- what arrives ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    buf_add(&transfer->response.body, bytes, size * count);
    if (buf_ok(&transfer->response.body))
        return size * count;
    transfer->too_large = true;
    return 0;
}

/* Lines as the keeper wants them: without status line and CR. A status line begins another reply
 * (after a 100, or a redirect): the headers before it are forgotten. */
static size_t take_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    struct buf *headers = &transfer->response.headers;
    struct span line = span_of(bytes, size * count);
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (line.len >= 5 && memcmp(line.ptr, "HTTP/", 5) == 0) {
        buf_clear(headers);
    } else if (line.len > 0) {
        buf_add_span(headers, line);
        buf_add_byte(headers, '\n');
    }
    if (buf_ok(headers))
        return size * count;
    transfer->too_large = true;
    return 0;
}

/* ---- setting up ---- */

static void add_header(struct transfer *transfer, const char *name, const char *value)
{
    AUTO_FREE line = value == NULL ? mem_printf("%s:", name) : mem_printf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (longer != NULL)
        transfer->headers = longer;
}

static void set_method(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const struct http_request *request = &transfer->request;
    switch (request->method) {
    case HTTP_GET:
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        break;
    case HTTP_HEAD:
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        break;
    case HTTP_POST:
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_str(&request->body));
        break;
    }
    /* "Expect:" without a value keeps libcurl from asking for a 100 first. */
    add_header(transfer, "Expect", NULL);
    if (request->accept != NULL)
        add_header(transfer, "Accept", request->accept);
    if (request->content_type != NULL)
        add_header(transfer, "Content-Type", request->content_type);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_limits(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    unsigned wanted = transfer->request.timeout_ms;
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                           wanted == 0 ? DEFAULT_TIMEOUT_MS : (long)wanted);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_TIMEOUT_S);
    (void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_BODY_MAX);
    (void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION,
                           (long)transfer->request.follow_https_redirects);
    (void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
}

/* A look at a server of our own: to the address that the keeper names, past any proxy, by plain
 * http too, and on a connection of its own, since an earlier one may lead to what was there before.
 */
static void set_way_home(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const struct http_request *request = &transfer->request;
    AUTO_FREE target = mem_printf("::%s", request->connect_to);
    transfer->connect_to = curl_slist_append(NULL, target);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HAPROXYPROTOCOL, (long)request->proxy_protocol);
    if (!request->insecure)
        return;
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

/* The CA is reached by https alone. */
static void set_way(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const struct wire_net_config *config = transfer->all->config;
    if (transfer->request.connect_to != NULL) {
        set_way_home(transfer);
        return;
    }
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy == NULL ? "" : config->proxy);
    if (config->no_proxy != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, config->no_proxy);
    if (config->ca_bundle.len == 0)
        return;
    struct curl_blob blob = {config->ca_bundle.data, config->ca_bundle.len, CURL_BLOB_NOCOPY};
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

void transfers_start(struct transfers *all, uint64_t id, struct http_request *request)
{
    struct transfer *transfer = mem_new(1, sizeof *transfer);
    transfer->all = all;
    transfer->id = id;
    transfer->request = *request;
    *request = (struct http_request){0};
    transfer->response.headers = BUF(HTTP_HEADERS_MAX);
    transfer->response.body = BUF(HTTP_BODY_MAX);
    transfer->easy = curl_easy_init();
    transfer->next = all->first;
    all->first = transfer;
    CURL *easy = transfer->easy;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, all->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set_method(transfer);
    set_limits(transfer);
    set_way(transfer);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, transfer->request.url);
    if (code != CURLE_OK || curl_multi_add_handle(all->multi, easy) != CURLM_OK) {
        all->sink.failed(all->sink.ctx, id, HTTP_FAIL_URL, curl_easy_strerror(code));
        drop(transfer);
    }
}

void transfers_cancel(struct transfers *all, uint64_t id)
{
    for (struct transfer *transfer = all->first; transfer != NULL; transfer = transfer->next) {
        if (transfer->id != id)
            continue;
        drop(transfer);
        return;
    }
}

/* ---- ends ---- */

struct failure_row {
    CURLcode code;
    enum http_failure failure;
};

static const struct failure_row failure_rows[] = {
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_FAIL_RESOLVE},
    {CURLE_COULDNT_RESOLVE_PROXY, HTTP_FAIL_PROXY},
    {CURLE_PROXY, HTTP_FAIL_PROXY},
    {CURLE_COULDNT_CONNECT, HTTP_FAIL_CONNECT},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_FAIL_TLS_UNTRUSTED},
    {CURLE_SSL_CACERT_BADFILE, HTTP_FAIL_TLS_UNTRUSTED},
    {CURLE_SSL_ISSUER_ERROR, HTTP_FAIL_TLS_UNTRUSTED},
    {CURLE_SSL_CONNECT_ERROR, HTTP_FAIL_TLS},
    {CURLE_SSL_CIPHER, HTTP_FAIL_TLS},
    {CURLE_OPERATION_TIMEDOUT, HTTP_FAIL_TIMEOUT},
    {CURLE_FILESIZE_EXCEEDED, HTTP_FAIL_TOO_LARGE},
    {CURLE_TOO_MANY_REDIRECTS, HTTP_FAIL_REDIRECT},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_FAIL_URL},
    {CURLE_URL_MALFORMAT, HTTP_FAIL_URL},
};

static enum http_failure failure_of(const struct transfer *transfer, CURLcode code)
{
    curl_off_t connected = 0;
    long redirects = 0;
    if (transfer->too_large)
        return HTTP_FAIL_TOO_LARGE;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connected);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    if (code == CURLE_OPERATION_TIMEDOUT && connected == 0)
        return HTTP_FAIL_CONNECT;
    if (code == CURLE_UNSUPPORTED_PROTOCOL && redirects > 0)
        return HTTP_FAIL_REDIRECT;
    for (size_t i = 0; i < sizeof failure_rows / sizeof *failure_rows; i++)
        if (failure_rows[i].code == code)
            return failure_rows[i].failure;
    return HTTP_FAIL_LOST;
}

static void finish(struct transfer *transfer, CURLcode code)
{
    const struct transfer_sink *sink = &transfer->all->sink;
    const char *text = transfer->error[0] == '\0' ? curl_easy_strerror(code) : transfer->error;
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->response.status);
        sink->reply(sink->ctx, transfer->id, &transfer->response);
    } else {
        sink->failed(sink->ctx, transfer->id, failure_of(transfer, code), text);
    }
    drop(transfer);
}

void transfers_step(struct transfers *all)
{
    int running, queued;
    CURLMsg *message;
    (void)curl_multi_perform(all->multi, &running);
    while ((message = curl_multi_info_read(all->multi, &queued)) != NULL) {
        char *private = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        finish((struct transfer *)(void *)private, code);
    }
}

void transfers_wait(struct transfers *all, const struct waits *waits)
{
    struct curl_waitfd extra[WAITS_MAX] = {0};
    for (size_t i = 0; i < waits->count; i++) {
        extra[i].fd = waits->fds[i].fd;
        if ((waits->fds[i].events & POLLIN) != 0)
            extra[i].events |= CURL_WAIT_POLLIN;
        if ((waits->fds[i].events & POLLOUT) != 0)
            extra[i].events |= CURL_WAIT_POLLOUT;
    }
    (void)curl_multi_poll(all->multi, extra, (unsigned)waits->count, waits->timeout_ms, NULL);
}

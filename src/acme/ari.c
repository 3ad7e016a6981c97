#include <acmec/acme/ari.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/http_header.h>
#include <acmec/data/json.h>
#include <acmec/data/timefmt.h>
#include <stdio.h>

#define TRY_FIRST_S (10 * 60)
#define DOUBLINGS_MAX 8

bool ari_request(const struct session *session, const char *cert_id, struct http_request *out)
{
    const char *base = session_endpoint(session, ROLE_RENEWAL_INFO);
    if (base == NULL)
        return false;
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    *out = (struct http_request){.method = HTTP_GET,
                                 .url = mem_printf("%.*s/%s", (int)len, base, cert_id)};
    return true;
}

static bool get_time(const json_t *window, const char *member, int64_t *out, struct error *err)
{
    const char *text = NULL;
    if (!json_get_str(window, member, ERR_NETWORK, &text, err))
        return false;
    return timefmt_parse_rfc3339(span_str(text), out) ||
           fail(err, ERR_NETWORK, "'%s' is no time", escaped_str(text).text);
}

static bool read_object(const json_t *object, struct ari_window *out, struct error *err)
{
    const json_t *window = json_opt_object(object, "suggestedWindow");
    const char *explanation = json_opt_str(object, "explanationURL");
    if (window == NULL)
        return fail(err, ERR_NETWORK, "there is no 'suggestedWindow'");
    if (!get_time(window, "start", &out->start, err) || !get_time(window, "end", &out->end, err))
        return false;
    if (out->end <= out->start)
        return fail(err, ERR_NETWORK, "the window ends before it begins");
    (void)snprintf(out->explanation, sizeof out->explanation, "%.255s",
                   explanation == NULL ? "" : escaped_str(explanation).text);
    return true;
}

bool ari_read(const struct http_response *response, struct ari_window *out, struct error *err)
{
    json_auto_t *object = NULL;
    struct ari_window window = {0};
    if (response->status != 200)
        return fail(err, ERR_NETWORK, "the CA answered with HTTP %ld", response->status);
    if (!json_parse_object(buf_span(&response->body), HTTP_BODY_MAX, ERR_NETWORK, &object, err) ||
        !read_object(object, &window, err))
        return false;
    *out = window;
    return true;
}

int64_t ari_choose(const struct ari_window *window, uint64_t random)
{
    uint64_t width = (uint64_t)(window->end - window->start);
    return window->start + (int64_t)(random % (width + 1));
}

static int64_t clamp(int64_t seconds, int64_t least, int64_t most)
{
    if (seconds < least)
        return least;
    return seconds > most ? most : seconds;
}

int64_t ari_interval(int64_t lifetime)
{
    return clamp(lifetime / 20, ARI_RETRY_MIN_S, ARI_RETRY_DEFAULT_S);
}

int64_t ari_next_check(const struct http_response *response, int64_t now, int64_t lifetime)
{
    int64_t seconds;
    if (!http_header_retry_after(response, now, &seconds))
        return now + ari_interval(lifetime);
    return now + clamp(seconds, ARI_RETRY_MIN_S, ARI_RETRY_MAX_S);
}

int64_t ari_next_try(unsigned failures, bool transient, int64_t now, int64_t lifetime)
{
    int64_t interval = ari_interval(lifetime);
    unsigned doublings = failures < 1 ? 0 : failures - 1;
    if (!transient || doublings > DOUBLINGS_MAX)
        return now + interval;
    return now + clamp((int64_t)TRY_FIRST_S << doublings, ARI_RETRY_MIN_S, interval);
}

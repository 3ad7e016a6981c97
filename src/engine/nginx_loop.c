#include <acmec/engine/nginx_loop.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/http_header.h>
#include <acmec/engine/nginx_verify.h>
#include <acmec/engine/question.h>
#include <acmec/engine/world.h>
#include <acmec/io/own_address.h>
#include <acmec/nginx/plan.h>
#include <stdio.h>
#include <strings.h>

#define VISIT_TIMEOUT_MS 3000
#define SCHEME "http://"

struct visit {
    struct nginx_loop_item *item;
    const struct question *question; /* of the questions */
    char url[IDENTIFIER_MAX + 32];
};

struct visits {
    struct visit *items;
    size_t count;
    struct questions questions;
};

/* ---- judging ---- */

/* The host of an URL that begins with http://, as an identifier. */
static bool host_of(struct span location, struct identifier *out)
{
    struct error not_a_name;
    char host[IDENTIFIER_MAX + 1];
    size_t start = sizeof SCHEME - 1, end = start;
    if (location.len <= start || strncasecmp(location.ptr, SCHEME, start) != 0)
        return false;
    bool bracketed = location.ptr[start] == '[';
    while (end < location.len && strchr(bracketed ? "/?#" : ":/?#", location.ptr[end]) == NULL)
        if (location.ptr[end++] == ']')
            break;
    if (end - start > IDENTIFIER_MAX)
        return false;
    (void)snprintf(host, sizeof host, "%.*s", (int)(end - start), location.ptr + start);
    return identifier_parse(host, out, &not_a_name);
}

/* Also one that a wildcard covers. */
static bool is_among(const struct identifier_list *names, const struct identifier *host)
{
    struct identifier above = {.type = IDENTIFIER_DNS};
    const char *dot = strchr(host->value, '.');
    if (host->type == IDENTIFIER_DNS && dot != NULL)
        (void)snprintf(above.value, sizeof above.value, "*%.*s", IDENTIFIER_MAX - 1, dot);
    return identifier_list_has(names, host) || identifier_list_has(names, &above);
}

bool nginx_loop_is_one(const struct http_response *response, const struct identifier_list *names)
{
    struct span location;
    struct identifier host;
    return response->status >= 300 && response->status <= 399 &&
           http_header_get(response, "Location", 0, &location) && host_of(location, &host) &&
           is_among(names, &host);
}

/* ---- asking ---- */

static void ask(struct visits *visits, struct nginx_loop_item *item, const struct plan_look *look)
{
    char address[64], url[IDENTIFIER_MAX + 32];
    /* A client that asks by address sends no name, and has no certificate to meet. */
    if (look->name[0] == '\0' || !nginx_verify_address(&look->address, address) ||
        !own_address_has(address))
        return;
    bool v6 = strchr(address, ':') != NULL;
    if (look->address.port == 443)
        (void)snprintf(url, sizeof url, "https://%s/", look->name);
    else
        (void)snprintf(url, sizeof url, "https://%s:%u/", look->name, look->address.port);
    struct question *question = questions_add(&visits->questions, QUESTION_HTTP);
    question->http = (struct http_request){
        .method = HTTP_GET,
        .url = mem_strdup(url),
        .connect_to =
            mem_printf("%s%s%s:%u", v6 ? "[" : "", address, v6 ? "]" : "", look->address.port),
        .insecure = true, /* a handshake has shown the certificate before */
        .proxy_protocol = look->proxy_protocol,
        .timeout_ms = VISIT_TIMEOUT_MS,
    };
    visits->items = mem_resize(visits->items, visits->count + 1, sizeof *visits->items);
    visits->items[visits->count] = (struct visit){item, question, ""};
    memcpy(visits->items[visits->count++].url, url, sizeof url);
}

static void ask_all(struct visits *visits, const struct nginx_view *view,
                    struct nginx_loop_item *item)
{
    AUTO(plan_looks) looks = {0};
    plan_find_looks(&view->choose, item->chain, item->names, &looks);
    for (size_t i = 0; i < looks.count; i++)
        ask(visits, item, &looks.items[i]);
}

void nginx_loop_find(struct run *run, const struct nginx_view *view, struct nginx_loop_item *items,
                     size_t count)
{
    struct visits visits = {0};
    for (size_t i = 0; i < count; i++)
        ask_all(&visits, view, &items[i]);
    questions_send(run, &visits.questions);
    while (questions_are_open(&visits.questions) && run->stop_signal == 0)
        world_wait_for(run, INT64_MAX, NULL, NULL);
    questions_forget(run, &visits.questions);
    for (size_t i = 0; i < visits.count; i++) {
        const struct visit *visit = &visits.items[i];
        if (visit->question->answered &&
            nginx_loop_is_one(&visit->question->response, visit->item->names))
            memcpy(visit->item->url, visit->url, sizeof visit->url);
    }
    questions_release(&visits.questions);
    free(visits.items);
}

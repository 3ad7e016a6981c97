/* Visits to the addresses of a name, as the CA will make them: by port 80, redirects followed, or
 * by TLS on port 443. */
#include "preflight_private.h"

#include <acmec/acme/persist.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/http_header.h>
#include <acmec/io/own_address.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define VISIT_TIMEOUT_MS 8000
#define PORT_HTTP 80
#define PORT_TLS 443
#define CHALLENGE_PATH "/.well-known/acme-challenge/"

/* ---- the DNS ---- */

static const struct question *ask_dns(struct questions *questions, const char *server,
                                      const char *name, enum dns_type type)
{
    for (size_t i = 0; i < questions->count; i++) {
        const struct question *asked = questions->items[i];
        if (asked->kind == QUESTION_DNS && asked->dns.type == type &&
            strcmp(asked->dns.name, name) == 0)
            return asked;
    }
    struct question *question = questions_add(questions, QUESTION_DNS);
    question->dns =
        (struct dns_query){.name = mem_strdup(name), .type = type, .server = mem_strdup(server)};
    return question;
}

bool preflight_is_visited(const struct preflight_name *name)
{
    return strcmp(name->method, "http-01") == 0 || strcmp(name->method, "tls-alpn-01") == 0;
}

bool preflight_is_standing(const struct preflight_name *name)
{
    return strcmp(name->method, PERSIST_TYPE) == 0;
}

void preflight_ask_name(struct preflight_name *name, const char *server,
                        struct questions *questions)
{
    if (name->name->type == IDENTIFIER_IP)
        return;
    /* The name and its parents, the last with one label (RFC 8659 section 3). */
    for (const char *at = name->base; at != NULL && name->levels < PREFLIGHT_LEVELS_MAX;) {
        name->caa[name->levels++] = ask_dns(questions, server, at, DNS_CAA);
        at = strchr(at, '.');
        at = at == NULL ? NULL : at + 1;
    }
    if (preflight_is_visited(name)) {
        name->a = ask_dns(questions, server, name->base, DNS_A);
        name->aaaa = ask_dns(questions, server, name->base, DNS_AAAA);
    } else {
        AUTO_FREE record = preflight_is_standing(name)
                               ? persist_name(name->name)
                               : mem_printf("_acme-challenge.%s", name->base);
        name->txt = ask_dns(questions, server, record, DNS_TXT);
    }
}

/* ---- visits ---- */

static void add_visit(struct preflight_name *name, const char *address)
{
    if (name->visit_count == PREFLIGHT_VISITS_MAX)
        return;
    struct preflight_visit *visit = &name->visits[name->visit_count++];
    (void)snprintf(visit->address, sizeof visit->address, "%s", address);
    visit->own = own_address_has(address);
}

static void add_visits(struct preflight_name *name, const struct question *question,
                       enum dns_type type)
{
    for (size_t i = 0; question != NULL && i < question->records.count; i++) {
        const struct dns_record *record = &question->records.records[i];
        if (record->type == type && !record->authority)
            add_visit(name, buf_str(&record->data));
    }
}

void preflight_find_visits(struct preflight_name *name)
{
    if (name->name->type == IDENTIFIER_IP)
        add_visit(name, name->base);
    add_visits(name, name->aaaa, DNS_AAAA);
    add_visits(name, name->a, DNS_A);
}

static char *in_url(const char *host)
{
    bool is_v6 = strchr(host, ':') != NULL;
    return mem_printf("%s%s%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "");
}

/* url: taken. */
static void ask_web(struct preflight_visit *visit, uint16_t port, char *url,
                    struct questions *questions)
{
    struct question *question = questions_add(questions, QUESTION_HTTP);
    AUTO_FREE home = in_url(visit->address);
    question->http = (struct http_request){
        .method = HTTP_GET,
        .url = url,
        .connect_to = mem_printf("%s:%u", home, (unsigned)port),
        .insecure = true, /* a CA follows redirects to https the same way */
        .timeout_ms = VISIT_TIMEOUT_MS,
    };
    visit->port = port;
    visit->question = question;
}

static void ask_tls(const struct preflight_name *name, struct preflight_visit *visit, uint16_t port,
                    struct questions *questions)
{
    struct question *question = questions_add(questions, QUESTION_TLS);
    char server_name[IDENTIFIER_MAX + 1];
    identifier_server_name(name->name, server_name);
    question->tls = (struct tls_request){
        .address = mem_strdup(visit->address),
        .port = port,
        .server_name = mem_strdup(server_name),
        .alpn = mem_strdup("acme-tls/1"),
        .timeout_ms = VISIT_TIMEOUT_MS,
    };
    visit->port = port;
    visit->question = question;
}

static void ask(const struct preflight_name *name, struct preflight_visit *visit, uint16_t port,
                struct questions *questions)
{
    AUTO_FREE host = in_url(name->base);
    if (strcmp(name->method, "http-01") == 0)
        ask_web(visit, port, mem_printf("http://%s" CHALLENGE_PATH "%s", host, name->token),
                questions);
    else
        ask_tls(name, visit, port, questions);
}

/* ---- redirects ---- */

/* Whether url is on the same host, and on which port. */
static bool same_host(const char *url, const char *host, uint16_t *port)
{
    bool secure = strncasecmp(url, "https://", 8) == 0;
    if (!secure && strncasecmp(url, "http://", 7) != 0)
        return false;
    const char *at = url + (secure ? 8 : 7);
    size_t len = strlen(host);
    if (strncasecmp(at, host, len) != 0)
        return false;
    at += len;
    *port = secure ? PORT_TLS : PORT_HTTP;
    if (*at == ':') {
        char *end;
        unsigned long number = strtoul(at + 1, &end, 10);
        *port = (uint16_t)number;
        at = end;
        if (number == 0 || number > UINT16_MAX)
            return false;
    }
    return *at == '/' || *at == '\0' || *at == '?';
}

/* Follows on the same host; one that leads to another host is only noted. */
static bool follow(const struct preflight_name *name, struct preflight_visit *visit,
                   struct questions *questions)
{
    const struct http_response *response = &visit->question->response;
    struct span location;
    uint16_t port;
    if (response->status < 300 || response->status > 399 ||
        visit->redirects == PREFLIGHT_REDIRECTS_MAX ||
        !http_header_get(response, "Location", 0, &location) || location.len > HTTP_URL_MAX - 1 ||
        memchr(location.ptr, '\0', location.len) != NULL)
        return false;
    AUTO_FREE url = mem_strndup(location.ptr, location.len);
    AUTO_FREE host = in_url(name->base);
    if (!same_host(url, host, &port)) {
        (void)snprintf(visit->elsewhere, sizeof visit->elsewhere, "%.250s", escaped(location).text);
        return false;
    }
    visit->redirects++;
    ask_web(visit, port, mem_strdup(url), questions);
    return true;
}

bool preflight_visit_on(const struct cert_spec *spec, const struct preflight_name *name,
                        struct preflight_visit *visit, struct questions *questions)
{
    bool by_web = strcmp(name->method, "http-01") == 0;
    uint16_t real = by_web ? PORT_HTTP : PORT_TLS;
    uint16_t given = by_web ? spec->http_port : spec->tls_port;
    const struct question *last = visit->question;
    if (last == NULL) {
        ask(name, visit, real, questions);
        return true;
    }
    /* A firewall of this machine may lead the CA from port 80 to ours, and not us. */
    if (!last->answered && last->failure == HTTP_FAIL_CONNECT && visit->own &&
        visit->port == real && given != real && visit->redirects == 0) {
        ask(name, visit, given, questions);
        return true;
    }
    return by_web && last->answered && !name->untried && follow(name, visit, questions);
}

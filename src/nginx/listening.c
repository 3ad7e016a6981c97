#include <acmec/nginx/listening.h>

#include <acmec/data/escape.h>
#include <arpa/inet.h>
#include <stdio.h>

#define DEFAULT_PORT 80
#define DEFAULT_PORT_NOT_ROOT 8000
#define UNIX_PATH_MAX 107

/* ---- addresses ---- */

bool listening_address_equals(const struct listening_address *a, const struct listening_address *b)
{
    return a->family == b->family && a->port == b->port && a->udp == b->udp &&
           memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0 && strcmp(a->host, b->host) == 0;
}

bool listening_address_is_wildcard(const struct listening_address *address)
{
    static const uint8_t zero[sizeof address->bytes];
    return (address->family == LISTENING_IPV4 || address->family == LISTENING_IPV6) &&
           memcmp(address->bytes, zero, sizeof zero) == 0;
}

static void write_address(const struct listening_address *address, const char *wildcard, char *out)
{
    char numeric[INET6_ADDRSTRLEN];
    unsigned port = address->port;
    switch (address->family) {
    case LISTENING_IPV4:
        (void)inet_ntop(AF_INET, address->bytes, numeric, sizeof numeric);
        if (listening_address_is_wildcard(address))
            (void)snprintf(out, LISTENING_TEXT_MAX, "%s:%u", wildcard, port);
        else
            (void)snprintf(out, LISTENING_TEXT_MAX, "%s:%u", numeric, port);
        return;
    case LISTENING_IPV6:
        (void)inet_ntop(AF_INET6, address->bytes, numeric, sizeof numeric);
        (void)snprintf(out, LISTENING_TEXT_MAX, "[%s]:%u", numeric, port);
        return;
    case LISTENING_UNIX:
        (void)snprintf(out, LISTENING_TEXT_MAX, "unix:%s", address->host);
        return;
    case LISTENING_HOST:
        (void)snprintf(out, LISTENING_TEXT_MAX, "%s:%u", address->host, port);
        return;
    }
}

void listening_address_text(const struct listening_address *address,
                            char out[static LISTENING_TEXT_MAX])
{
    write_address(address, "*", out);
}

void listening_address_nginx_text(const struct listening_address *address,
                                  char out[static LISTENING_TEXT_MAX])
{
    write_address(address, "0.0.0.0", out);
}

/* ---- reading them ---- */

/* As nginx's ngx_atoi: digits only; -1 for anything else, the empty text, and what is too large for
 * any port. */
static long read_number(struct span text)
{
    long value = 0;
    if (text.len == 0)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        if (value < 1000000)
            value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

static bool find_byte(struct span text, char byte, size_t *at)
{
    const char *found = text.len == 0 ? NULL : memchr(text.ptr, byte, text.len);
    if (found != NULL)
        *at = (size_t)(found - text.ptr);
    return found != NULL;
}

static struct span from(struct span text, size_t at)
{
    return span_of(text.ptr + at, text.len - at);
}

/* "80" or "80-90". NULL, or what nginx calls wrong; "" where it is no number at all. */
static const char *read_ports(struct span text, struct listening *out)
{
    size_t dash;
    long first, last = 0;
    if (find_byte(text, '-', &dash)) {
        last = read_number(from(text, dash + 1));
        if (last == -1)
            return "";
        if (last < 1 || last > UINT16_MAX)
            return "invalid port";
        text.len = dash;
    }
    first = read_number(text);
    if (first == -1)
        return "";
    if (first < 1 || first > UINT16_MAX)
        return "invalid port";
    if (last != 0 && first > last)
        return "invalid port range";
    out->address.port = (uint16_t)first;
    out->last_port = (uint16_t)(last != 0 ? last : first);
    return NULL;
}

/* After a ':', where something that is no number is no port. */
static const char *read_ports_only(struct span text, struct listening *out)
{
    const char *wrong = read_ports(text, out);
    return wrong != NULL && wrong[0] == 0 ? "invalid port" : wrong;
}

/* As nginx's ngx_inet_addr: four numbers, an empty one is 0. */
static bool read_ipv4(struct span text, uint8_t bytes[static 4])
{
    unsigned octets[4] = {0};
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (byte == '.' && n < 3) {
            n++;
            continue;
        }
        if (byte < '0' || byte > '9')
            return false;
        octets[n] = octets[n] * 10 + (unsigned)(byte - '0');
        if (octets[n] > UINT8_MAX)
            return false;
    }
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)octets[i];
    return n == 3;
}

static const char *read_unix(struct span path, struct listening *out)
{
    if (path.len == 0)
        return "no path in the unix domain socket";
    if (path.len > UNIX_PATH_MAX)
        return "too long path in the unix domain socket";
    out->address.family = LISTENING_UNIX;
    memcpy(out->address.host, path.ptr, path.len);
    return NULL;
}

/* "[IPv6]" or "[IPv6]:port". */
static const char *read_ipv6(struct span text, struct listening *out)
{
    size_t close;
    char numeric[INET6_ADDRSTRLEN] = "";
    if (!find_byte(text, ']', &close))
        return "invalid host";
    struct span port = from(text, close + 1);
    if (port.len > 0 && port.ptr[0] != ':')
        return "invalid host";
    const char *wrong = port.len == 0 ? NULL : read_ports_only(from(port, 1), out);
    if (wrong != NULL)
        return wrong;
    if (close == 1)
        return "no host";
    if (close - 1 < sizeof numeric)
        memcpy(numeric, text.ptr + 1, close - 1);
    out->address.family = LISTENING_IPV6;
    if (inet_pton(AF_INET6, numeric, out->address.bytes) != 1)
        return "invalid IPv6 address";
    return NULL;
}

static const char *read_host(struct span host, struct listening *out)
{
    if (host.len == 0)
        return "no host";
    if (span_is(host, "*") || read_ipv4(host, out->address.bytes))
        return NULL;
    if (host.len > LISTENING_HOST_MAX)
        return "host not found";
    out->address.family = LISTENING_HOST;
    for (size_t i = 0; i < host.len; i++) {
        char byte = host.ptr[i];
        out->address.host[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
    }
    return NULL;
}

/* "host:port", "host" or "port". */
static const char *read_inet(struct span text, struct listening *out)
{
    size_t at;
    if (find_byte(text, '/', &at) || find_byte(text, '?', &at))
        return "invalid host";
    const char *wrong = "";
    if (find_byte(text, ':', &at)) {
        wrong = read_ports_only(from(text, at + 1), out);
        text.len = at;
    } else {
        wrong = read_ports(text, out);
        if (wrong == NULL)
            return NULL; /* a port alone: every IPv4 address */
        if (wrong[0] == 0)
            wrong = NULL;
    }
    return wrong != NULL ? wrong : read_host(text, out);
}

static const char *read_address(struct span text, struct listening *out)
{
    if (text.len >= 5 && strncasecmp(text.ptr, "unix:", 5) == 0)
        return read_unix(from(text, 5), out);
    if (text.len > 0 && text.ptr[0] == '[')
        return read_ipv6(text, out);
    return read_inet(text, out);
}

/* ---- options ---- */

static bool starts_with(struct span text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.ptr, word, len) == 0;
}

static bool is_socket_option(struct span option)
{
    static const char *const words[] = {"bind", "deferred", "reuseport", "multipath"};
    static const char *const beginnings[] = {
        "setfib=", "fastopen=", "backlog=",       "rcvbuf=",
        "sndbuf=", "ipv6only=", "accept_filter=", "so_keepalive="};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_is(option, words[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (starts_with(option, beginnings[i]))
            return true;
    }
    return false;
}

static void take_option(struct span option, struct listening *out)
{
    if (span_is(option, "default_server") || span_is(option, "default"))
        out->default_server = true;
    else if (span_is(option, "ssl"))
        out->ssl = true;
    else if (span_is(option, "http2") || span_is(option, "spdy"))
        out->http2 = out->http2 || span_is(option, "http2");
    else if (span_is(option, "quic"))
        out->quic = out->address.udp = true;
    else if (span_is(option, "proxy_protocol"))
        out->proxy_protocol = true;
    else if (is_socket_option(option)) {
        out->socket_options = true;
        out->dual_stack |= span_is(option, "ipv6only=off");
    }
}

bool listening_parse(const struct span *args, size_t count, struct listening *out,
                     struct error *err)
{
    struct listening listen = {.address.port = DEFAULT_PORT, .last_port = DEFAULT_PORT};
    const char *wrong = read_address(args[0], &listen);
    if (wrong != NULL)
        return fail(err, ERR_WEB_SERVER, "%s in \"%s\" of the \"listen\" directive", wrong,
                    escaped(args[0]).text);
    if (listen.address.family == LISTENING_UNIX)
        listen.address.port = listen.last_port = 0;
    for (size_t i = 1; i < count; i++)
        take_option(args[i], &listen);
    *out = listen;
    return true;
}

struct listening listening_implied(bool as_root)
{
    uint16_t port = as_root ? DEFAULT_PORT : DEFAULT_PORT_NOT_ROOT;
    return (struct listening){.address.port = port, .last_port = port};
}

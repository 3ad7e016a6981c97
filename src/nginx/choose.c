#include <acmec/nginx/choose.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <stdlib.h>
#include <uthash.h>

static void free_address(struct choose_address *address)
{
    free(address->listens);
    names_free(address->names);
}

void choose_release(struct choose *choose)
{
    for (uint32_t i = 0; i < choose->address_count; i++)
        free_address(&choose->addresses[i]);
    for (uint32_t i = 0; i < choose->name_count; i++) {
        free(choose->names[i].text);
        regex_free(choose->names[i].regex);
    }
    free(choose->servers);
    free(choose->names);
    free(choose->listens);
    free(choose->addresses);
    *choose = (struct choose){0};
}

/* ---- building ---- */

struct place { /* an address that is known, by its text */
    char text[LISTENING_TEXT_MAX + 1];
    uint32_t address;
    UT_hash_handle hh;
};

struct builder {
    struct choose *choose;
    const struct choose_host *host;
    bool ssl_on; /* in http itself */
    struct place *places;
    size_t servers_room, names_room, listens_room, addresses_room;
};

static void builder_release(struct builder *builder)
{
    struct place *place, *next;
    HASH_ITER(hh, builder->places, place, next)
    {
        HASH_DEL(builder->places, place);
        free(place);
    }
}

static void *make_room(void *items, size_t size, uint32_t count, size_t *room)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 16 : *room * 2;
    return mem_resize(items, *room, size);
}

static char *lower_case(struct span text)
{
    char *lower = mem_strndup(text.ptr, text.len);
    for (char *at = lower; *at != 0; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
    return lower;
}

/* ---- addresses ---- */

static uint32_t find_address(struct builder *builder, const struct listening_address *address)
{
    struct choose *choose = builder->choose;
    struct place *place;
    char text[LISTENING_TEXT_MAX + 1];
    listening_address_text(address, text);
    size_t len = strlen(text);
    if (address->udp) {
        text[len] = 'u';
        text[len + 1] = 0;
    }
    HASH_FIND_STR(builder->places, text, place);
    if (place != NULL)
        return place->address;
    choose->addresses = make_room(choose->addresses, sizeof *choose->addresses,
                                  choose->address_count, &builder->addresses_room);
    choose->addresses[choose->address_count] =
        (struct choose_address){.address = *address, .names = names_new()};
    place = mem_new(1, sizeof *place);
    memcpy(place->text, text, sizeof text);
    place->address = choose->address_count++;
    HASH_ADD_STR(builder->places, text, place);
    return place->address;
}

/* Puts a server on an address, as nginx's ngx_http_add_addresses does. */
static bool join_address(struct builder *builder, const struct choose_listen *listen,
                         struct error *err)
{
    struct choose *choose = builder->choose;
    struct choose_address *address = &choose->addresses[listen->address];
    uint32_t count = address->listen_count;
    char text[LISTENING_TEXT_MAX];
    listening_address_nginx_text(&address->address, text);
    /* those of one server come one after another */
    if (count > 0 && choose->listens[address->listens[count - 1]].server == listen->server)
        return conf_refuse(choose->conf, listen->item, err, "a duplicate listen %s", text);
    if (listen->listen.default_server && address->default_explicit)
        return conf_refuse(choose->conf, listen->item, err, "a duplicate default server for %s",
                           text);
    if (count == 0 || listen->listen.default_server)
        address->default_server = listen->server;
    address->default_explicit |= listen->listen.default_server;
    address->tls |= listen->listen.ssl || listen->listen.quic;
    address->http2 |= listen->listen.http2;
    address->proxy_protocol |= listen->listen.proxy_protocol;
    address->dual_stack |= listen->listen.dual_stack;
    if ((count & (count - 1)) == 0)
        address->listens =
            mem_resize(address->listens, count == 0 ? 1 : 2 * count, sizeof *address->listens);
    address->listens[address->listen_count++] = choose->listen_count;
    choose->listens = make_room(choose->listens, sizeof *choose->listens, choose->listen_count,
                                &builder->listens_room);
    choose->listens[choose->listen_count++] = *listen;
    return true;
}

/* The last server listens there, on each port of the range. */
static bool add_listen(struct builder *builder, uint32_t item, const struct listening *listen,
                       struct error *err)
{
    struct choose *choose = builder->choose;
    for (unsigned port = listen->address.port; port <= listen->last_port; port++) {
        struct choose_listen one = {
            .server = choose->server_count - 1,
            .item = item,
            .listen = *listen,
        };
        if (choose->listen_count == CHOOSE_LISTENS_MAX)
            return conf_refuse(choose->conf, choose->servers[one.server].item, err,
                               "too many listening addresses");
        one.listen.address.port = (uint16_t)port;
        one.address = find_address(builder, &one.listen.address);
        if (!join_address(builder, &one, err))
            return false;
    }
    return true;
}

/* ---- the directives of a server ---- */

static bool check_simple(const struct conf *conf, uint32_t item, struct error *err)
{
    if (conf_statement(conf, item)->kind != TREE_SIMPLE)
        return conf_refuse(conf, item, err, "directive \"%s\" is not terminated by \";\"",
                           escaped(conf_name(conf, item)).text);
    if (conf_arg_count(conf, item) == 0)
        return conf_refuse(conf, item, err, "invalid number of arguments in \"%s\" directive",
                           escaped(conf_name(conf, item)).text);
    return true;
}

/* More would be an attack: nginx takes the options it knows once. */
#define LISTEN_ARGS_MAX 64

static bool take_listen(struct builder *builder, uint32_t item, struct error *err)
{
    const struct conf *conf = builder->choose->conf;
    struct span args[LISTEN_ARGS_MAX];
    struct listening listen;
    uint32_t count = conf_arg_count(conf, item);
    if (!check_simple(conf, item, err))
        return false;
    if (count > LISTEN_ARGS_MAX)
        return conf_refuse(conf, item, err, "too many arguments in \"listen\" directive");
    for (uint32_t i = 0; i < count; i++)
        args[i] = conf_arg(conf, item, i);
    if (!listening_parse(args, count, &listen, err))
        return conf_refuse(conf, item, err, "%s", err->text);
    return add_listen(builder, item, &listen, err);
}

static void add_name(struct builder *builder, const struct choose_name *taken)
{
    struct choose *choose = builder->choose;
    choose->names =
        make_room(choose->names, sizeof *choose->names, choose->name_count, &builder->names_room);
    choose->names[choose->name_count++] = *taken;
    choose->servers[choose->server_count - 1].name_count++;
}

/* nginx takes any other text for a name and asks later whether it is one. */
static bool is_name(struct span value)
{
    if (value.len > 0 && value.ptr[0] == '*')
        return value.len > 2 && value.ptr[1] == '.';
    return !(value.len == 1 && value.ptr[0] == '.') &&
           (value.len == 0 || memchr(value.ptr, 0, value.len) == NULL);
}

static bool take_name(struct builder *builder, uint32_t item, uint32_t arg, struct error *err)
{
    const struct conf *conf = builder->choose->conf;
    struct span value = conf_arg(conf, item, arg);
    struct choose_name name = {
        .server = builder->choose->server_count - 1, .item = item, .arg = arg};
    if (!is_name(value))
        return conf_refuse(conf, item, err, "server name \"%s\" is invalid", escaped(value).text);
    if (span_is(value, "~"))
        return conf_refuse(conf, item, err, "empty regex in server name \"~\"");
    bool is_hostname = value.len == 9 && strncasecmp(value.ptr, "$hostname", 9) == 0;
    bool is_regex = value.len > 0 && value.ptr[0] == '~';
    if (is_regex && !regex_compile(span_of(value.ptr + 1, value.len - 1), &name.regex, err))
        return conf_refuse(conf, item, err, "%s", err->text);
    if (is_regex)
        name.text = mem_strndup(value.ptr, value.len);
    else
        name.text = lower_case(is_hostname ? span_str(builder->host->hostname) : value);
    add_name(builder, &name);
    return true;
}

static bool take_names(struct builder *builder, uint32_t item, struct error *err)
{
    const struct conf *conf = builder->choose->conf;
    if (!check_simple(conf, item, err))
        return false;
    for (uint32_t i = 0; i < conf_arg_count(conf, item); i++) {
        if (!take_name(builder, item, i, err))
            return false;
    }
    return true;
}

static bool is_ssl_on(const struct conf *conf, uint32_t item)
{
    struct span value = conf_arg(conf, item, 0);
    return value.len == 2 && strncasecmp(value.ptr, "on", 2) == 0;
}

static bool take_directive(struct builder *builder, uint32_t item, struct error *err)
{
    struct choose *choose = builder->choose;
    struct span name = conf_name(choose->conf, item);
    if (span_is(name, "listen"))
        return take_listen(builder, item, err);
    if (span_is(name, "server_name"))
        return take_names(builder, item, err);
    if (span_is(name, "ssl"))
        choose->servers[choose->server_count - 1].ssl_on = is_ssl_on(choose->conf, item);
    return true;
}

/* ---- servers ---- */

static bool take_server(struct builder *builder, uint32_t block, struct error *err)
{
    struct choose *choose = builder->choose;
    const struct conf *conf = choose->conf;
    uint32_t listens_before = choose->listen_count;
    choose->servers = make_room(choose->servers, sizeof *choose->servers, choose->server_count,
                                &builder->servers_room);
    uint32_t index = choose->server_count++;
    choose->servers[index] = (struct choose_server){
        .item = block, .first_name = choose->name_count, .ssl_on = builder->ssl_on};
    for (uint32_t i = block + 1; i < conf->items[block].after; i = conf->items[i].after) {
        if (!take_directive(builder, i, err))
            return false;
    }
    if (choose->servers[index].name_count == 0)
        add_name(builder,
                 &(struct choose_name){.server = index, .item = CONF_NONE, .text = mem_strdup("")});
    struct listening implied = listening_implied(builder->host->as_root);
    return choose->listen_count > listens_before || add_listen(builder, CONF_NONE, &implied, err);
}

static bool take_http(struct builder *builder, uint32_t http, struct error *err)
{
    const struct conf *conf = builder->choose->conf;
    if (conf_statement(conf, http)->kind != TREE_BLOCK)
        return conf_refuse(conf, http, err, "directive \"http\" has no opening \"{\"");
    for (uint32_t i = http + 1; i < conf->items[http].after; i = conf->items[i].after) {
        if (conf_is_simple(conf, i, "ssl"))
            builder->ssl_on = is_ssl_on(conf, i);
    }
    for (uint32_t i = http + 1; i < conf->items[http].after; i = conf->items[i].after) {
        if (!span_is(conf_name(conf, i), "server"))
            continue;
        if (conf_statement(conf, i)->kind != TREE_BLOCK)
            return conf_refuse(conf, i, err, "directive \"server\" has no opening \"{\"");
        if (!take_server(builder, i, err))
            return false;
    }
    return true;
}

/* ---- names by address ---- */

static bool list_name(struct choose *choose, struct choose_address *address, uint32_t index,
                      struct error *err)
{
    const struct choose_name *name = &choose->names[index];
    if (name->regex != NULL) {
        names_add_regex(address->names, name->regex, index);
        return true;
    }
    /* nginx looks at the names of a server that is alone on its address only to serve them. */
    if (names_add(address->names, span_str(name->text), index) != NAMES_INVALID ||
        address->listen_count == 1)
        return true;
    char text[LISTENING_TEXT_MAX];
    listening_address_nginx_text(&address->address, text);
    return conf_refuse(choose->conf, name->item, err,
                       "invalid server name or wildcard \"%s\" on %s", escaped_str(name->text).text,
                       text);
}

static bool list_names(struct choose *choose, struct choose_address *address, struct error *err)
{
    for (uint32_t i = 0; i < address->listen_count; i++) {
        uint32_t index = choose->listens[address->listens[i]].server;
        const struct choose_server *server = &choose->servers[index];
        for (uint32_t n = 0; n < server->name_count; n++) {
            if (!list_name(choose, address, server->first_name + n, err))
                return false;
        }
    }
    address->tls |= choose->servers[address->default_server].ssl_on;
    return true;
}

static bool build(struct builder *builder, struct error *err)
{
    struct choose *choose = builder->choose;
    const struct conf *conf = choose->conf;
    bool seen = false;
    for (uint32_t i = 1; i < conf->item_count; i = conf->items[i].after) {
        if (!span_is(conf_name(conf, i), "http"))
            continue;
        if (seen)
            return conf_refuse(conf, i, err, "\"http\" directive is duplicate");
        seen = true;
        if (!take_http(builder, i, err))
            return false;
    }
    for (uint32_t i = 0; i < choose->address_count; i++) {
        if (!list_names(choose, &choose->addresses[i], err))
            return false;
    }
    return true;
}

bool choose_build(const struct conf *conf, const struct choose_host *host, struct choose *out,
                  struct error *err)
{
    AUTO(choose) choose = {.conf = conf};
    AUTO(builder) builder = {.choose = &choose, .host = host};
    if (!build(&builder, err))
        return false;
    *out = choose;
    choose = (struct choose){0};
    return true;
}

/* ---- asking ---- */

struct choose_answer choose_find(const struct choose *choose, uint32_t address, struct span host)
{
    const struct choose_address *at = &choose->addresses[address];
    struct choose_answer answer = {.by = CHOOSE_DEFAULT, .server = at->default_server};
    uint32_t name;
    switch (names_find(at->names, host, &name)) {
    case NAMES_NONE:
        answer.name = choose->servers[answer.server].first_name;
        return answer;
    case NAMES_EXACT:
        answer.by = CHOOSE_EXACT;
        break;
    case NAMES_WILDCARD:
        answer.by = CHOOSE_WILDCARD;
        break;
    case NAMES_REGEX:
        answer.by = CHOOSE_REGEX;
        break;
    case NAMES_UNDECIDED:
        answer.by = CHOOSE_UNDECIDED;
        break;
    }
    answer.name = name;
    answer.server = choose->names[name].server;
    return answer;
}

const char *choose_by_word(enum choose_by by)
{
    static const char *const words[] = {
        [CHOOSE_EXACT] = "exact",     [CHOOSE_WILDCARD] = "wildcard",   [CHOOSE_REGEX] = "regex",
        [CHOOSE_DEFAULT] = "default", [CHOOSE_UNDECIDED] = "undecided",
    };
    return words[by];
}

const struct choose_listen *choose_listen_of(const struct choose *choose, uint32_t address,
                                             uint32_t server)
{
    const struct choose_address *at = &choose->addresses[address];
    for (uint32_t i = 0; i < at->listen_count; i++) {
        const struct choose_listen *listen = &choose->listens[at->listens[i]];
        if (listen->server == server)
            return listen;
    }
    return NULL;
}

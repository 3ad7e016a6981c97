#include <acmec/nginx/target.h>

#include <acmec/base/mem.h>
#include <acmec/nginx/layout.h>
#include <stdio.h>
#include <stdlib.h>

void targets_release(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        identifier_list_release(&targets->items[i].names);
    free(targets->items);
    identifier_list_release(&targets->missing);
    *targets = (struct targets){0};
}

/* ---- names ---- */

static bool has(const struct identifier_list *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].value, text) == 0)
            return true;
    return false;
}

static bool has_wildcard(const struct identifier_list *names, const char *base)
{
    char text[IDENTIFIER_MAX + 3];
    if (strlen(base) > IDENTIFIER_MAX)
        return false;
    (void)snprintf(text, sizeof text, "*.%s", base);
    return has(names, text);
}

bool target_covers(const struct identifier_list *names, const char *server_name)
{
    if (server_name[0] == '.')
        return has(names, server_name + 1) && has_wildcard(names, server_name + 1);
    if (has(names, server_name))
        return true;
    const char *dot = strchr(server_name, '.');
    return dot != NULL && dot != server_name && server_name[0] != '*' &&
           has_wildcard(names, dot + 1);
}

/* `_` is a name that nobody has. */
static bool all_covered(const struct choose *choose, uint32_t server,
                        const struct identifier_list *names)
{
    const struct choose_server *block = &choose->servers[server];
    for (uint32_t i = 0; i < block->name_count; i++) {
        const struct choose_name *name = &choose->names[block->first_name + i];
        if (name->regex != NULL ||
            (strcmp(name->text, "_") != 0 && !target_covers(names, name->text)))
            return false;
    }
    return true;
}

bool target_may_edit(const struct choose *choose, const struct choose_answer *answer,
                     const struct identifier_list *names)
{
    switch (answer->by) {
    case CHOOSE_EXACT:
        return true;
    case CHOOSE_WILDCARD:
        return all_covered(choose, answer->server, names);
    case CHOOSE_REGEX:
    case CHOOSE_DEFAULT:
    case CHOOSE_UNDECIDED:
        return false;
    }
    return false;
}

/* ---- addresses ---- */

static bool is_public(const struct choose_address *address, uint16_t port)
{
    return address->address.family != LISTENING_UNIX && !address->address.udp &&
           address->address.port == port;
}

bool target_is_plain(const struct choose_address *address, uint16_t port)
{
    return is_public(address, port) && !address->tls;
}

bool target_is_tls(const struct choose_address *address, uint16_t port)
{
    return is_public(address, port) && address->tls;
}

/* Whether clients of the plain address, of one family, get to the TLS address as well. A host's
 * name could be any address. */
static bool meets(const struct listening_address *plain, const struct choose_address *tls,
                  enum listening_family family)
{
    if (plain->family == LISTENING_HOST || tls->address.family == LISTENING_HOST)
        return true;
    if (tls->address.family != family)
        return family == LISTENING_IPV4 && tls->dual_stack;
    if (plain->family != family || listening_address_is_wildcard(plain) ||
        listening_address_is_wildcard(&tls->address))
        return true;
    return memcmp(plain->bytes, tls->address.bytes, sizeof plain->bytes) == 0;
}

/* The server has "*.x" or ".x"; dotted: ".x". */
static bool has_below(const struct choose *choose, uint32_t server, const char *dotted)
{
    const struct choose_server *block = &choose->servers[server];
    for (uint32_t i = 0; i < block->name_count; i++) {
        const char *text = choose->names[block->first_name + i].text;
        if (strcmp(text + (text[0] == '*'), dotted) == 0)
            return true;
    }
    return false;
}

/* Whether somebody on the address serves a server's name: who is chosen for it; for a wildcard, who
 * has the same. */
static bool is_served(const struct choose *choose, const struct target_wish *wish, uint32_t address,
                      const char *name)
{
    const struct choose_address *at = &choose->addresses[address];
    if (name[0] != '*' && name[0] != '.') {
        struct choose_answer answer = choose_find(choose, address, span_str(name));
        return target_may_edit(choose, &answer, wish->names);
    }
    for (uint32_t i = 0; i < at->listen_count; i++)
        if (has_below(choose, choose->listens[at->listens[i]].server, name + (name[0] == '*')))
            return true;
    return false;
}

static bool finds_tls(const struct choose *choose, const struct target_wish *wish, const char *name,
                      uint32_t plain, enum listening_family family)
{
    for (uint32_t i = 0; i < choose->address_count; i++)
        if (target_is_tls(&choose->addresses[i], wish->tls_port) &&
            meets(&choose->addresses[plain].address, &choose->addresses[i], family) &&
            is_served(choose, wish, i, name))
            return true;
    return false;
}

bool target_lacks_tls(const struct choose *choose, const struct target_wish *wish, uint32_t server,
                      uint32_t address)
{
    const struct choose_server *block = &choose->servers[server];
    const struct choose_address *at = &choose->addresses[address];
    for (uint32_t i = 0; i < block->name_count; i++) {
        const struct choose_name *name = &choose->names[block->first_name + i];
        if (name->regex != NULL || !target_covers(wish->names, name->text))
            continue;
        if (!finds_tls(choose, wish, name->text, address, at->address.family) ||
            (at->dual_stack && !finds_tls(choose, wish, name->text, address, LISTENING_IPV4)))
            return true;
    }
    return false;
}

/* Whether some TLS address serves a name of the server's that the certificate covers. */
static bool is_elsewhere(const struct choose *choose, const struct target_wish *wish,
                         uint32_t server)
{
    const struct choose_server *block = &choose->servers[server];
    for (uint32_t i = 0; i < choose->address_count; i++) {
        if (!target_is_tls(&choose->addresses[i], wish->tls_port))
            continue;
        for (uint32_t n = 0; n < block->name_count; n++) {
            const struct choose_name *name = &choose->names[block->first_name + n];
            if (name->regex == NULL && target_covers(wish->names, name->text) &&
                is_served(choose, wish, i, name->text))
                return true;
        }
    }
    return false;
}

/* ---- servers ---- */

static struct target *target_for(struct targets *targets, const struct choose *choose,
                                 const struct target_wish *wish, uint32_t server)
{
    size_t at = 0;
    while (at < targets->count && targets->items[at].server < server)
        at++;
    if (at < targets->count && targets->items[at].server == server)
        return &targets->items[at];
    targets->items = mem_resize(targets->items, targets->count + 1, sizeof *targets->items);
    memmove(&targets->items[at + 1], &targets->items[at],
            (targets->count++ - at) * sizeof *targets->items);
    targets->items[at] =
        (struct target){.server = server, .covered = all_covered(choose, server, wish->names)};
    return &targets->items[at];
}

/* A server that was named, not chosen: all addresses that it listens on count. */
static void take_server(const struct choose *choose, const struct target_wish *wish,
                        uint32_t server, const struct identifier *name, struct targets *out)
{
    struct target *target = target_for(out, choose, wish, server);
    for (uint32_t i = 0; i < choose->address_count; i++) {
        if (choose_listen_of(choose, i, server) == NULL)
            continue;
        bool plain = target_is_plain(&choose->addresses[i], wish->http_port);
        target->plain |= plain;
        target->tls |= target_is_tls(&choose->addresses[i], wish->tls_port);
        target->gets_tls |= plain && target_lacks_tls(choose, wish, server, i);
    }
    target->elsewhere |= target->plain && is_elsewhere(choose, wish, server);
    (void)identifier_list_add(&target->names, name);
}

static bool has_name(const struct choose *choose, uint32_t server, const char *text)
{
    const struct choose_server *block = &choose->servers[server];
    for (uint32_t i = 0; i < block->name_count; i++)
        if (strcmp(choose->names[block->first_name + i].text, text) == 0)
            return true;
    return false;
}

/* A wildcard of the certificate goes where the same wildcard is a server's name. */
static bool take_wildcard(const struct choose *choose, const struct target_wish *wish,
                          const struct identifier *name, struct targets *out)
{
    bool found = false;
    for (uint32_t i = 0; i < choose->server_count; i++) {
        bool dotted = has_name(choose, i, name->value + 1) && all_covered(choose, i, wish->names);
        if (!dotted && !has_name(choose, i, name->value))
            continue;
        take_server(choose, wish, i, name, out);
        found = true;
    }
    return found;
}

static bool fail_undecided(const struct choose *choose, const struct choose_answer *answer,
                           struct error *err)
{
    uint32_t item = choose->names[answer->name].item;
    return fail(err, ERR_WEB_SERVER,
                "%s: whether this regular expression fits cannot be told in reasonable time",
                layout_place(choose->conf, item).text);
}

/* Whoever is chosen for one name. A plain one gets TLS where its clients find none. */
static bool take_name(const struct choose *choose, const struct target_wish *wish,
                      const struct identifier *name, struct targets *out, struct error *err)
{
    bool any_tls = false, any = false;
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < choose->address_count; i++) {
            const struct choose_address *address = &choose->addresses[i];
            bool tls = target_is_tls(address, wish->tls_port);
            if (tls != (pass == 0) || (!tls && !target_is_plain(address, wish->http_port)))
                continue;
            struct choose_answer answer = choose_find(choose, i, span_str(name->value));
            if (answer.by == CHOOSE_UNDECIDED)
                return fail_undecided(choose, &answer, err);
            if (!target_may_edit(choose, &answer, wish->names))
                continue;
            struct target *target = target_for(out, choose, wish, answer.server);
            any = true;
            any_tls |= tls;
            target->tls |= tls;
            target->plain |= !tls;
            target->gets_tls |= !tls && target_lacks_tls(choose, wish, answer.server, i);
            target->elsewhere |= !tls && any_tls;
            (void)identifier_list_add(&target->names, name);
        }
    if (!any)
        (void)identifier_list_add(&out->missing, name);
    return true;
}

static bool take_block(const struct choose *choose, const struct target_wish *wish,
                       struct targets *out, struct error *err)
{
    bool all = strcmp(wish->server_block, "all") == 0, found = false;
    for (uint32_t i = 0; i < choose->server_count; i++) {
        if (!all_covered(choose, i, wish->names) ||
            !(all || has_name(choose, i, wish->server_block)))
            continue;
        for (uint32_t k = 0; k < wish->names->count; k++)
            take_server(choose, wish, i, &wish->names->items[k], out);
        found = true;
    }
    if (found)
        return true;
    (void)fail(err, ERR_WEB_SERVER,
               "no server has the name '%s', or the certificate does not cover "
               "all its names",
               escaped_str(wish->server_block).text);
    return with_hint(err, "--server-block takes one of a server's own names, or 'all'");
}

bool targets_find(const struct choose *choose, const struct target_wish *wish, struct targets *out,
                  struct error *err)
{
    struct targets found = {0};
    bool good = wish->server_block == NULL || take_block(choose, wish, &found, err);
    for (size_t i = 0; good && i < wish->names->count; i++) {
        const struct identifier *name = &wish->names->items[i];
        if (!identifier_is_wildcard(name))
            good = take_name(choose, wish, name, &found, err);
        else if (!take_wildcard(choose, wish, name, &found) && wish->server_block == NULL)
            (void)identifier_list_add(&found.missing, name);
    }
    if (!good) {
        targets_release(&found);
        return false;
    }
    *out = found;
    return true;
}

/* Where a certificate is served from. */
#include "plan_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <stdio.h>

void plan_looks_release(struct plan_looks *looks)
{
    free(looks->items);
    *looks = (struct plan_looks){0};
}

static bool has_chain(const struct conf *conf, uint32_t server, const char *chain)
{
    for (uint32_t i = server + 1; i < conf->items[server].after; i = conf->items[i].after)
        if (conf_is_simple(conf, i, "ssl_certificate") && span_is(conf_arg(conf, i, 0), chain))
            return true;
    return false;
}

static void add_look(struct plan_looks *looks, const struct choose_address *address,
                     const char *name)
{
    looks->items = mem_resize(looks->items, looks->count + 1, sizeof *looks->items);
    struct plan_look *look = &looks->items[looks->count++];
    *look =
        (struct plan_look){.address = address->address, .proxy_protocol = address->proxy_protocol};
    (void)snprintf(look->name, sizeof look->name, "%s", name);
}

/* A name that a client could ask for: some name below a wildcard; none for an address. */
static void sample(const struct identifier *name, char out[static IDENTIFIER_MAX + 1])
{
    if (name->type == IDENTIFIER_IP)
        out[0] = '\0';
    else if (identifier_is_wildcard(name))
        (void)snprintf(out, IDENTIFIER_MAX + 1, "w%.*s", IDENTIFIER_MAX - 1, name->value + 1);
    else
        (void)snprintf(out, IDENTIFIER_MAX + 1, "%s", name->value);
}

static void look_on(const struct choose *choose, uint32_t address, uint32_t server,
                    const struct identifier_list *names, struct plan_looks *looks)
{
    const struct choose_address *at = &choose->addresses[address];
    for (size_t i = 0; i < names->count; i++) {
        char name[IDENTIFIER_MAX + 1];
        sample(&names->items[i], name);
        uint32_t chosen = name[0] == '\0' ? at->default_server
                                          : choose_find(choose, address, span_str(name)).server;
        if (chosen == server)
            add_look(looks, at, name);
    }
}

void plan_find_looks(const struct choose *choose, const char *chain,
                     const struct identifier_list *names, struct plan_looks *out)
{
    for (uint32_t i = 0; i < choose->server_count; i++) {
        if (!has_chain(choose->conf, choose->servers[i].item, chain))
            continue;
        for (uint32_t k = 0; k < choose->address_count; k++) {
            const struct choose_address *address = &choose->addresses[k];
            if (address->tls && !address->address.udp &&
                address->address.family != LISTENING_UNIX && choose_listen_of(choose, k, i) != NULL)
                look_on(choose, k, i, names, out);
        }
    }
}

static bool refers_below(struct span value, const char *folder)
{
    size_t len = strlen(folder);
    return value.len > len && memcmp(value.ptr, folder, len) == 0 && value.ptr[len] == '/';
}

uint32_t plan_find_reference(const struct conf *conf, const char *folder)
{
    for (uint32_t i = 1; i < conf->item_count; i++)
        for (uint32_t n = 0; n < conf_arg_count(conf, i); n++)
            if (refers_below(conf_arg(conf, i, n), folder))
                return i;
    return CONF_NONE;
}

/* TLS listens that mirror a server's plain ones. */
#include "plan_private.h"

#include <acmec/base/cleanup.h>

/* From this version on http2 is a directive, and on a listen deprecated. */
#define HTTP2_DIRECTIVE 1025001

/* The address in choose, or NULL. */
static const struct choose_address *
find_address(const struct choose *choose, const struct listening_address *wanted, uint32_t *index)
{
    for (uint32_t i = 0; i < choose->address_count; i++) {
        if (!listening_address_equals(&choose->addresses[i].address, wanted))
            continue;
        *index = i;
        return &choose->addresses[i];
    }
    return NULL;
}

/* A running nginx cannot bind *:443 while it holds 192.0.2.1:443 alone: the reload would fail. */
static bool can_bind(const struct planning *planning, const struct listening_address *wanted,
                     uint32_t item, struct error *err)
{
    char text[LISTENING_TEXT_MAX], other[LISTENING_TEXT_MAX];
    const struct choose *choose = planning->choose;
    if (!planning->wish->running || !listening_address_is_wildcard(wanted))
        return true;
    for (uint32_t i = 0; i < choose->address_count; i++) {
        const struct listening_address *address = &choose->addresses[i].address;
        if (address->family != wanted->family || address->port != wanted->port || address->udp)
            continue;
        listening_address_text(wanted, text);
        listening_address_text(address, other);
        (void)fail(err, ERR_WEB_SERVER, "%s: needs %s, which a running nginx cannot bind beside %s",
                   layout_place(planning->conf, item).text, text, other);
        return with_hint(err, "add a listen on %s to some server and restart nginx once", text);
    }
    return true;
}

/* "443 ssl": the shortest form of the address, and what its socket is. */
static void write_args(const struct planning *planning, const struct choose_listen *plain,
                       const struct listening_address *mirror, const struct choose_address *there,
                       struct buf *out)
{
    char text[LISTENING_TEXT_MAX];
    listening_address_text(mirror, text);
    buf_addf(out, "%s ssl", text[0] == '*' ? text + 2 : text);
    if (there != NULL && there->http2 && planning->wish->version < HTTP2_DIRECTIVE)
        buf_add_str(out, " http2");
    if (there != NULL ? there->proxy_protocol
                      : planning->choose->addresses[plain->address].proxy_protocol)
        buf_add_str(out, " proxy_protocol");
}

static bool refuse_plain(const struct planning *planning, uint32_t item,
                         const struct listening_address *mirror, struct error *err)
{
    char text[LISTENING_TEXT_MAX];
    listening_address_text(mirror, text);
    return fail(
        err, ERR_WEB_SERVER,
        "%s: needs TLS on %s, where other servers speak plain HTTP: it would become TLS for "
        "all of them",
        layout_place(planning->conf, item).text, text);
}

/* Of two servers of one name on an address the first is chosen: a listen there must not take a
 * name that is none of the certificate's from a server that comes later. */
static bool takes_nothing(struct planning *planning, uint32_t server, uint32_t address,
                          struct error *err)
{
    char text[LISTENING_TEXT_MAX];
    const struct choose *choose = planning->choose;
    const struct choose_server *block = &choose->servers[server];
    listening_address_text(&choose->addresses[address].address, text);
    for (uint32_t i = 0; i < block->name_count; i++) {
        const struct choose_name *name = &choose->names[block->first_name + i];
        struct choose_answer answer = choose_find(choose, address, span_str(name->text));
        if (name->regex != NULL || strcmp(name->text, "_") == 0 || answer.by != CHOOSE_EXACT ||
            answer.server <= server)
            continue;
        (void)fail(err, ERR_WEB_SERVER, "%s: on %s this server takes '%s' from the one at %s",
                   layout_place(planning->conf, block->item).text, text,
                   escaped_str(name->text).text,
                   layout_place(planning->conf, choose->servers[answer.server].item).text);
        if (!target_covers(planning->wish->target.names, name->text))
            return with_hint(err, "give the name a server of its own on that port, too");
        plan_note(planning->plan, "%s", err->text);
        *err = (struct error){0};
    }
    return true;
}

/* Where the name is served elsewhere already, an address that cannot be had is only said. */
static bool leave_out(struct planning *planning, const struct target *target, struct error *err)
{
    if (!target->elsewhere)
        return false;
    plan_note(planning->plan, "%s", err->text);
    *err = (struct error){0};
    return true;
}

/* In the place of the plain listen, or as a line. */
static bool add_mirror(struct planning *planning, const struct target *target,
                       const struct choose_listen *plain, const struct listening_address *mirror,
                       bool in_place, struct layout_lines *lines, struct error *err)
{
    AUTO(buf) args = BUF(512);
    uint32_t index = 0, server_item = planning->choose->servers[plain->server].item;
    uint32_t item = plain->item == CONF_NONE ? server_item : plain->item;
    const struct choose_address *there = find_address(planning->choose, mirror, &index);
    if (there != NULL && !there->tls)
        return refuse_plain(planning, item, mirror, err) || leave_out(planning, target, err);
    if (there != NULL && choose_listen_of(planning->choose, index, plain->server) != NULL)
        return true;
    if (there == NULL && !can_bind(planning, mirror, item, err))
        return leave_out(planning, target, err);
    if (there != NULL && !takes_nothing(planning, plain->server, index, err))
        return false;
    write_args(planning, plain, mirror, there, &args);
    if (there == NULL) {
        char text[LISTENING_TEXT_MAX];
        listening_address_text(mirror, text);
        plan_note(planning->plan,
                  "%s: the first server on %s: it answers there for every other name, too",
                  layout_place(planning->conf, server_item).text, text);
    }
    if (in_place)
        return plan_may_edit(planning, plain->item, err) &&
               layout_replace(&planning->layout, plain->item, 1,
                              conf_arg_count(planning->conf, plain->item), buf_span(&args), err);
    layout_line(lines, 0, "listen %s;", buf_str(&args));
    return true;
}

/* IPv4 that a plain socket takes along gets a TLS listen of its own: what is one socket then
 * depends on no other line. */
static bool mirror_one(struct planning *planning, const struct target *target,
                       const struct choose_listen *plain, enum plan_redirect redirect,
                       struct layout_lines *lines, struct error *err)
{
    uint32_t index;
    bool in_place = redirect == PLAN_REDIRECT_SERVER && plain->item != CONF_NONE;
    struct listening_address mirror = plain->listen.address;
    struct listening_address ipv4 = {.family = LISTENING_IPV4,
                                     .port = planning->wish->target.tls_port};
    mirror.port = planning->wish->target.tls_port;
    if (redirect != PLAN_REDIRECT_SERVER && plain->item == CONF_NONE)
        layout_line(lines, 0, "listen %u;", plain->listen.address.port);
    if (!add_mirror(planning, target, plain, &mirror, in_place, lines, err))
        return false;
    const struct choose_address *there = find_address(planning->choose, &mirror, &index);
    if (!planning->choose->addresses[plain->address].dual_stack ||
        (there != NULL && there->dual_stack))
        return true;
    return add_mirror(planning, target, plain, &ipv4, false, lines, err);
}

/* Whether a TLS server somewhere says `http2 on`: then ours does, too. */
static bool others_speak_http2(const struct choose *choose)
{
    for (uint32_t i = 0; i < choose->server_count; i++) {
        uint32_t server = choose->servers[i].item;
        const struct conf *conf = choose->conf;
        for (uint32_t k = server + 1; k < conf->items[server].after; k = conf->items[k].after)
            if (conf_is_simple(conf, k, "http2") && span_is(conf_arg(conf, k, 0), "on"))
                return true;
    }
    return false;
}

bool plan_add_listens(struct planning *planning, const struct target *target,
                      enum plan_redirect redirect, struct layout_lines *lines, struct error *err)
{
    const struct choose *choose = planning->choose;
    for (uint32_t i = 0; i < choose->listen_count; i++) {
        const struct choose_listen *listen = &choose->listens[i];
        if (listen->server == target->server &&
            target_is_plain(&choose->addresses[listen->address],
                            planning->wish->target.http_port) &&
            target_lacks_tls(choose, &planning->wish->target, target->server, listen->address) &&
            !mirror_one(planning, target, listen, redirect, lines, err))
            return false;
    }
    if (!target->tls && planning->wish->version >= HTTP2_DIRECTIVE && others_speak_http2(choose))
        layout_line(lines, 0, "http2 on;");
    return true;
}

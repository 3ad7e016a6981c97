/* The way to HTTP-01 answers. */
#include "plan_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>

static void add_root(struct plan *plan, struct span root)
{
    for (size_t i = 0; i < plan->root_count; i++)
        if (span_is(root, plan->roots[i]))
            return;
    plan->roots = mem_resize(plan->roots, plan->root_count + 1, sizeof *plan->roots);
    plan->roots[plan->root_count++] = mem_strndup(root.ptr, root.len);
}

/* Whether requests to the block may be asked of another server first: only then `auth_request` is a
 * directive that this nginx knows. */
static bool knows_auth_request(const struct conf *conf)
{
    for (uint32_t i = 1; i < conf->item_count; i++)
        if (conf_is_simple(conf, i, "auth_request"))
            return true;
    return false;
}

bool plan_add_location(const struct planning *planning, unsigned depth, struct layout_lines *lines,
                       struct error *err)
{
    AUTO(buf) root = BUF(LEXER_BUFFER);
    if (!layout_quote(planning->wish->webroot, &root))
        return fail(err, ERR_WEB_SERVER, "the path '%s' cannot be written in nginx's configuration",
                    escaped_str(planning->wish->webroot).text);
    layout_line(lines, depth, "location ^~ " SERVER_CHALLENGE_PATH " {");
    layout_line(lines, depth + 1, "default_type text/plain;");
    layout_line(lines, depth + 1, "root %s;", buf_str(&root));
    layout_line(lines, depth + 1, "auth_basic off;");
    layout_line(lines, depth + 1, "allow all;");
    if (knows_auth_request(planning->conf))
        layout_line(lines, depth + 1, "auth_request off;");
    layout_line(lines, depth, "}");
    add_root(planning->plan, span_str(planning->wish->webroot));
    return true;
}

bool plan_add_challenge(const struct planning *planning, const struct server *server,
                        struct layout_lines *lines, struct error *err)
{
    struct span root;
    if (server->early != CONF_NONE && server->guard == CONF_NONE)
        layout_line(lines, 0, "rewrite ^(/\\.well-known/acme-challenge/.*) $1 break;");
    if (server->challenge == CONF_NONE)
        return plan_add_location(planning, 0, lines, err);
    if (server_challenge_root(planning->conf, server->challenge, &root)) {
        add_root(planning->plan, root);
        planning->plan->stands = true;
        return true;
    }
    (void)fail(err, ERR_WEB_SERVER, "%s: challenges are answered here already, not from files",
               layout_place(planning->conf, server->challenge).text);
    return with_hint(err, "prove in another way (--webroot, --http-hook, --dns), or remove this "
                          "location");
}

/* ---- the plan of a proof alone ---- */

static bool plan_server(struct planning *planning, uint32_t item, struct error *err)
{
    AUTO(layout_lines) lines = LAYOUT_LINES;
    struct server server;
    server_read(planning->conf, item, planning->wish->policy, &server);
    if (!plan_add_challenge(planning, &server, &lines, err))
        return false;
    return lines.text.len == 0 || (plan_may_edit(planning, item, err) &&
                                   layout_into(&planning->layout, item, &lines, err));
}

/* Who answers on one plain address: the names that its server may be edited for, and those that
 * need a server of their own there. */
static bool wants_own(const struct planning *planning, uint32_t address, uint32_t server,
                      struct identifier_list *own, bool *edits)
{
    const struct identifier_list *names = planning->wish->target.names;
    for (size_t i = 0; i < names->count; i++) {
        struct choose_answer answer =
            choose_find(planning->choose, address, span_str(names->items[i].value));
        if (identifier_is_wildcard(&names->items[i]) || answer.server != server)
            continue;
        if (target_may_edit(planning->choose, &answer, names))
            *edits = true;
        else if (planning->wish->own_servers)
            (void)identifier_list_add(own, &names->items[i]);
    }
    return own->count > 0;
}

/* A server for the time of the proof, behind the one that would have answered. */
static bool plan_own_server(struct planning *planning, uint32_t address, uint32_t item,
                            const struct identifier_list *names, struct error *err)
{
    char text[LISTENING_TEXT_MAX];
    AUTO(layout_lines) lines = LAYOUT_LINES;
    const struct choose_address *at = &planning->choose->addresses[address];
    listening_address_text(&at->address, text);
    layout_line(&lines, 0, "server {");
    layout_line(&lines, 1, "listen %s%s;", text, at->proxy_protocol ? " proxy_protocol" : "");
    for (size_t i = 0; i < names->count; i++)
        layout_line(&lines, 1,
                    strchr(names->items[i].value, ':') != NULL ? "server_name [%s];"
                                                               : "server_name %s;",
                    names->items[i].value);
    if (!plan_add_location(planning, 1, &lines, err))
        return false;
    layout_line(&lines, 1, "location / {");
    layout_line(&lines, 2, "return 404;");
    layout_line(&lines, 1, "}");
    layout_line(&lines, 0, "}");
    return plan_may_edit(planning, item, err) &&
           layout_behind(&planning->layout, item, &lines, err);
}

static bool plan_address(struct planning *planning, uint32_t address, bool *edited,
                         struct error *err)
{
    const struct choose_address *at = &planning->choose->addresses[address];
    for (uint32_t i = 0; i < at->listen_count; i++) {
        AUTO(identifier_list) own = {0};
        bool edits = false;
        uint32_t server = planning->choose->listens[at->listens[i]].server;
        uint32_t item = planning->choose->servers[server].item;
        if (wants_own(planning, address, server, &own, &edits) &&
            !plan_own_server(planning, address, item, &own, err))
            return false;
        if (edits && !edited[server] && !plan_server(planning, item, err))
            return false;
        edited[server] |= edits;
    }
    return true;
}

static bool plan_addresses(struct planning *planning, struct error *err)
{
    const struct choose *choose = planning->choose;
    bool any = false, good = true;
    bool *edited = mem_new(choose->server_count + 1, sizeof *edited);
    for (uint32_t i = 0; good && i < choose->address_count; i++) {
        if (!target_is_plain(&choose->addresses[i], planning->wish->target.http_port))
            continue;
        any = true;
        good = plan_address(planning, i, edited, err);
    }
    free(edited);
    if (any || !good)
        return good;
    (void)fail(err, ERR_WEB_SERVER, "nginx does not listen on port %u",
               planning->wish->target.http_port);
    return with_hint(err, "a CA proves over port 80: add a server that listens there, or use "
                          "--standalone");
}

bool plan_challenge(const struct choose *choose, const struct plan_wish *wish, struct plan *out,
                    struct error *err)
{
    AUTO(plan) plan = {0};
    struct planning planning = plan_begin(choose, wish, &plan);
    if (!plan_addresses(&planning, err))
        return false;
    plan_end(&planning, out);
    return true;
}

/* How plain requests are led to https: by a second server where that changes nothing for strangers,
 * else by an `if` that knows the certificate's names. */
#include "plan_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <stdio.h>

/* What one `if` may hold of names: the expression must fit nginx's buffer. */
#define PATTERN_MAX 3000

/* ---- which ---- */

static bool is_default_somewhere(const struct planning *planning, uint32_t server)
{
    const struct choose *choose = planning->choose;
    for (uint32_t i = 0; i < choose->address_count; i++)
        if (target_is_plain(&choose->addresses[i], planning->wish->target.http_port) &&
            choose->addresses[i].default_server == server)
            return true;
    return false;
}

/* Its plain listens stand in its own block, one address each, so that they can change places. */
static bool has_own_listens(const struct planning *planning, uint32_t server)
{
    const struct choose *choose = planning->choose;
    uint32_t item = choose->servers[server].item;
    for (uint32_t i = 0; i < choose->listen_count; i++) {
        const struct choose_listen *listen = &choose->listens[i];
        if (listen->server != server)
            continue;
        if (listen->listen.last_port != listen->listen.address.port ||
            (listen->item != CONF_NONE &&
             planning->conf->items[listen->item].instance != planning->conf->items[item].instance))
            return false;
    }
    return true;
}

enum plan_redirect plan_choose_redirect(const struct planning *planning,
                                        const struct target *target, const struct server *server)
{
    if (!planning->wish->redirect || !target->plain || server->redirect != CONF_NONE ||
        server->own_if != CONF_NONE)
        return PLAN_REDIRECT_NONE;
    if (target->gets_tls && !target->tls && !target->elsewhere && target->covered &&
        server->challenge == CONF_NONE && !is_default_somewhere(planning, target->server) &&
        has_own_listens(planning, target->server))
        return PLAN_REDIRECT_SERVER;
    return PLAN_REDIRECT_IF;
}

/* "https://$host$request_uri", with the port where it is not the usual one. */
static void add_goal(const struct planning *planning, struct buf *out)
{
    uint16_t port = planning->wish->target.tls_port;
    buf_add_str(out, "https://$host");
    if (port != 443)
        buf_addf(out, ":%u", port);
    buf_add_str(out, "$request_uri");
}

/* ---- one that was there ---- */

/* Whether what follows "https://" begins with this host, on the port of TLS. */
static bool is_host(const struct planning *planning, struct span goal, const char *host)
{
    char port[16];
    size_t len = strlen(host);
    if (goal.len < len || memcmp(goal.ptr, host, len) != 0)
        return false;
    goal.ptr += len;
    goal.len -= len;
    size_t port_len = (size_t)snprintf(port, sizeof port, ":%u", planning->wish->target.tls_port);
    return goal.len == 0 || goal.ptr[0] == '/' || goal.ptr[0] == '$' ||
           (goal.len >= port_len && memcmp(goal.ptr, port, port_len) == 0);
}

void plan_note_circle(struct planning *planning, const struct target *target,
                      const struct server *server)
{
    static const char *const same[] = {"$host", "$http_host", "$server_name"};
    size_t scheme = strlen("https://");
    struct span goal;
    bool back = false;
    if (!target->gets_tls || server->redirect == CONF_NONE ||
        !server_redirect_goal(planning->conf, server->redirect, &goal))
        return;
    goal.ptr += scheme;
    goal.len -= scheme;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        back = back || is_host(planning, goal, same[i]);
    for (size_t i = 0; i < target->names.count; i++)
        back = back || is_host(planning, goal, target->names.items[i].value);
    if (back)
        plan_note(planning->plan,
                  "%s: this leads https to https again: no page is served until a server of its "
                  "own, or a condition, tells them apart",
                  layout_place(planning->conf, server->redirect).text);
}

/* ---- the `if` ---- */

static void add_pattern(const struct identifier *name, struct buf *out)
{
    const char *rest = name->value;
    bool bare_ipv6 = name->type == IDENTIFIER_IP && strchr(rest, ':') != NULL;
    if (identifier_is_wildcard(name)) {
        buf_add_str(out, "[^.]+");
        rest++;
    }
    if (bare_ipv6)
        buf_add_str(out, "\\[");
    for (; *rest != '\0'; rest++) {
        if (*rest == '.')
            buf_add_byte(out, '\\');
        buf_add_byte(out, *rest);
    }
    if (bare_ipv6)
        buf_add_str(out, "\\]");
}

static void add_url(struct layout_lines *lines)
{
    layout_line(lines, 0, "set $" SERVER_OWN_VARIABLE " \"$scheme://$host$request_uri\";");
}

/* What is to be done for the target's names: as many in one expression as nginx reads. behind: of
 * the expression, behind the host's slash. */
static void add_ifs(const struct target *target, const char *scheme, const char *behind,
                    const char *what, struct layout_lines *lines)
{
    AUTO(buf) names = BUF(PATTERN_MAX + 2 * IDENTIFIER_MAX);
    for (size_t i = 0; i < target->names.count; i++) {
        if (names.len > 0)
            buf_add_byte(&names, '|');
        add_pattern(&target->names.items[i], &names);
        if (names.len < PATTERN_MAX - IDENTIFIER_MAX && i + 1 < target->names.count)
            continue;
        layout_line(lines, 0, "if ($" SERVER_OWN_VARIABLE " ~ \"^%s://(?:%s)/%s\") {", scheme,
                    buf_str(&names), behind);
        layout_line(lines, 1, "%s", what);
        layout_line(lines, 0, "}");
        buf_clear(&names);
    }
}

void plan_add_if(const struct planning *planning, const struct target *target,
                 struct layout_lines *lines)
{
    AUTO(buf) goal = BUF(256);
    buf_add_str(&goal, "return 301 ");
    add_goal(planning, &goal);
    buf_add_byte(&goal, ';');
    add_url(lines);
    add_ifs(target, "http", "(?!\\.well-known/acme-challenge/)", buf_str(&goal), lines);
}

/* ---- HSTS ---- */

#define HSTS "max-age=63072000"

/* Never over plain HTTP (RFC 6797 section 7.2), and never for names that are not the certificate's.
 */
void plan_add_hsts(const struct target *target, enum plan_redirect redirect,
                   struct layout_lines *lines)
{
    if (redirect == PLAN_REDIRECT_SERVER || (!target->plain && target->covered)) {
        layout_line(lines, 0, "add_header Strict-Transport-Security \"" HSTS "\" always;");
        return;
    }
    if (redirect != PLAN_REDIRECT_IF)
        add_url(lines);
    layout_line(lines, 0, "set $acmec_hsts \"\";");
    add_ifs(target, "https", "", "set $acmec_hsts \"" HSTS "\";", lines);
    layout_line(lines, 0, "add_header Strict-Transport-Security $acmec_hsts always;");
}

/* ---- the second server ---- */

/* The arguments of a listen as they are written. */
static void add_listen(const struct planning *planning, const struct choose_listen *listen,
                       struct layout_lines *lines)
{
    AUTO(buf) args = BUF(LEXER_BUFFER);
    if (listen->item == CONF_NONE) {
        layout_line(lines, 1, "listen %u;", listen->listen.address.port);
        return;
    }
    const struct tree *tree = conf_tree(planning->conf, listen->item);
    uint32_t statement = planning->conf->items[listen->item].statement;
    for (uint32_t n = 1; n < tree->statements[statement].word_count; n++) {
        const struct tree_word *word = tree_word(tree, statement, n);
        buf_addf(&args, " %.*s", (int)word->raw_len, tree->text.ptr + word->start);
    }
    layout_line(lines, 1, "listen%s;", buf_str(&args));
}

static void add_names(const struct planning *planning, uint32_t server, struct layout_lines *lines)
{
    const struct choose_server *block = &planning->choose->servers[server];
    AUTO(buf) names = BUF(LEXER_BUFFER);
    for (uint32_t i = 0; i < block->name_count; i++) {
        AUTO(buf) name = BUF(2 * IDENTIFIER_MAX);
        if (!layout_quote(planning->choose->names[block->first_name + i].text, &name))
            continue;
        if (names.len + name.len + 1 > LEXER_BUFFER / 2) {
            layout_line(lines, 1, "server_name%s;", buf_str(&names));
            buf_clear(&names);
        }
        buf_addf(&names, " %s", buf_str(&name));
    }
    layout_line(lines, 1, "server_name%s;", buf_str(&names));
}

bool plan_add_server(struct planning *planning, const struct target *target, struct error *err)
{
    const struct choose *choose = planning->choose;
    AUTO(layout_lines) lines = LAYOUT_LINES;
    AUTO(buf) goal = BUF(256);
    add_goal(planning, &goal);
    layout_line(&lines, 0, "server {");
    for (uint32_t i = 0; i < choose->listen_count; i++)
        if (choose->listens[i].server == target->server &&
            target_is_plain(&choose->addresses[choose->listens[i].address],
                            planning->wish->target.http_port))
            add_listen(planning, &choose->listens[i], &lines);
    add_names(planning, target->server, &lines);
    if (planning->wish->webroot != NULL && !plan_add_location(planning, 1, &lines, err))
        return false;
    layout_line(&lines, 1, "location / {");
    layout_line(&lines, 2, "return 301 %s;", buf_str(&goal));
    layout_line(&lines, 1, "}");
    layout_line(&lines, 0, "}");
    return plan_may_edit(planning, choose->servers[target->server].item, err) &&
           layout_behind(&planning->layout, choose->servers[target->server].item, &lines, err);
}

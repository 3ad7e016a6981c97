#include <acmec/nginx/plan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fake/fake_source.h>

#include <cmocka.h>

#include <fake/plan_world.h>

static void edited(const struct world *world, const struct edit_plan *edits, struct span before,
                   struct buf *out)
{
    struct error err = {0};
    AUTO(buf) back = BUF(65536);
    const struct edit_file *file = edit_plan_find(edits, SITE);
    (void)world;
    if (file == NULL) {
        buf_add_span(out, before);
        return;
    }
    if (!edit_apply(file, before, out, &err) || !edit_undo(file, buf_span(out), &back, &err))
        fail_msg("%s", err.text);
    assert_true(span_equals(before, buf_span(&back)));
    /* Taken out again, too, when a line was added above. */
    AUTO(buf) longer = BUF(65536);
    buf_addf(&longer, "# new\n%s", buf_str(out));
    buf_clear(&back);
    if (!edit_undo(file, buf_span(&longer), &back, &err))
        fail_msg("%s", err.text);
    buf_consume(&back, strlen("# new\n"));
    assert_true(span_equals(before, buf_span(&back)));
}

struct plan_case {
    const char *names, *before, *after;
    void (*change)(struct plan_wish *wish);
};

static void check_install(const struct plan_case *one)
{
    struct world world;
    struct error err = {0};
    AUTO(buf) out = BUF(65536);
    open_world(&world, one->before, one->names);
    if (one->change != NULL)
        one->change(&world.wish);
    if (!plan_install(&world.choose, &world.wish, &world.plan, &err))
        fail_msg("%s\n%s", one->before, err.text);
    edited(&world, &world.plan.edits, span_str(one->before), &out);
    assert_string_equal(buf_str(&out), one->after);
    close_world(&world);

    /* Once more: no change. */
    struct plan again = {0};
    open_world(&world, buf_str(&out), one->names);
    if (one->change != NULL)
        one->change(&world.wish);
    if (!plan_install(&world.choose, &world.wish, &again, &err))
        fail_msg("again: %s", err.text);
    if (again.edits.count > 0)
        fail_msg("again: %.*s", (int)again.edits.files[0].items[0].now.len,
                 again.edits.files[0].items[0].now.ptr);
    plan_release(&again);
    close_world(&world);
}

static void no_redirect(struct plan_wish *wish)
{
    wish->redirect = false;
}

static void no_webroot(struct plan_wish *wish)
{
    wish->webroot = NULL;
}

static void bare(struct plan_wish *wish)
{
    wish->redirect = false;
    wish->webroot = NULL;
}

static void bare_hsts(struct plan_wish *wish)
{
    bare(wish);
    wish->hsts = true;
}

static void two_pairs(struct plan_wish *wish)
{
    bare(wish);
    wish->pairs[1] =
        (struct plan_pair){true, "/e/live/c/fullchain.rsa.pem", "/e/live/c/privkey.rsa.pem"};
    wish->pair_count = 2;
}

static void everywhere(struct plan_wish *wish)
{
    bare(wish);
    wish->target.server_block = "all";
}

static void other_port(struct plan_wish *wish)
{
    wish->target.tls_port = 8443;
    wish->webroot = NULL;
}

static void modern(struct plan_wish *wish)
{
    bare(wish);
    wish->version = 1025001;
}

static const struct plan_case installs[] = {
    /* the only server, so the default: an `if` that knows the name */
    {"a.x", "server {\n    listen 80;\n    server_name a.x;\n    root /r;\n}\n",
     "server {\n    listen 80;\n    server_name a.x;\n    listen 443 ssl;" M "\n" PAIR(
         "    ") "    include " POLICY ";" M "\n" IF("a\\.x") LOCATION("    ") "    root /r;\n}\n",
     NULL},
    /* not the default, all names covered: a second server takes the plain listens */
    {"a.x b.x",
     OTHER "server {\n    listen 80;\n    listen [::]:80;\n    server_name a.x b.x;\n}\n",
     OTHER "server {\n    listen 443 ssl;" M "\n    listen [::]:443 ssl;" M
           "\n    server_name a.x b.x;\n" PAIR(
               "    ") "    include " POLICY ";" M "\n}\nserver {" M "\n    listen 80;" M
                       "\n    listen [::]:80;" M "\n    server_name a.x b.x;" M
                       "\n" LOCATION("    ") "    location / {" M
                                             "\n        return 301 https://$host$request_uri;" M
                                             "\n    }\n}\n",
     NULL},
    /* a name that is not covered keeps what it had */
    {"a.x", OTHER "server {\n    listen 80;\n    server_name a.x z.x;\n}\n",
     OTHER "server {\n    listen 80;\n    server_name a.x z.x;\n    listen 443 ssl;" M
           "\n" PAIR("    ") "    include " POLICY ";" M "\n" IF("a\\.x") "}\n",
     no_webroot},
    /* what Certbot left: two arguments, the way past its rewrite */
    {"a.x",
     "server {\n  listen 80;\n  server_name a.x;\n  rewrite ^ https://$server_name$request_uri? "
     "permanent;\n}\nserver {\n  listen 443; ssl on;\n  server_name a.x;\n  ssl_certificate "
     "/l/a/fullchain.pem; # managed by Certbot\n  ssl_certificate_key /l/a/privkey.pem; # managed "
     "by Certbot\n  include /l/options.conf;\n  ssl_ciphers X;\n}\n",
     "server {\n  listen 80;\n  server_name a.x;\n  rewrite ^(/\\.well-known/acme-challenge/.*) $1 "
     "break;" M "\n  location ^~ /.well-known/acme-challenge/ {" M "\n    default_type "
     "text/plain;" M "\n    root /w;" M "\n    auth_basic off;" M "\n    allow all;" M
     "\n  }\n  rewrite ^ https://$server_name$request_uri? permanent;\n}\nserver {\n  listen 443; "
     "ssl on;\n  server_name a.x;\n  ssl_certificate " CHAIN "; # managed by Certbot" M
     "\n  ssl_certificate_key " KEY "; # managed by Certbot" M
     "\n  include /l/options.conf;\n  ssl_ciphers X;\n}\n",
     NULL},
    /* TLS is there: only the pair, policy and redirect */
    {"a.x",
     OTHER "server {\n    listen 80;\n    listen 443 ssl;\n    server_name a.x;\n    "
           "ssl_certificate o; ssl_certificate_key o;\n}\n",
     OTHER
     "server {\n    listen 80;\n    listen 443 ssl;\n    server_name a.x;\n    include " POLICY
     ";" M "\n    ssl_certificate " CHAIN "; ssl_certificate_key " KEY ";" M "\n}\n",
     bare},
    {"a.x", "server { listen 80; server_name a.x; }\n",
     "server { listen 80; server_name a.x; listen 443 ssl; ssl_certificate " CHAIN
     "; ssl_certificate_key " KEY "; include " POLICY "; }" M "\n",
     bare},
    /* a server without listen is on *:80, and stays there */
    {"a.x", "server {\n    server_name a.x;\n}\n",
     "server {\n    server_name a.x;\n    listen 80;" M "\n    listen 443 ssl;" M
     "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n",
     bare},
    /* its own addresses, and only those */
    {"a.x", "server {\n    listen 192.0.2.1:80;\n    listen 8080;\n    server_name a.x;\n}\n",
     "server {\n    listen 192.0.2.1:80;\n    listen 8080;\n    server_name a.x;\n    listen "
     "192.0.2.1:443 ssl;" M "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n",
     bare},
    /* socket options stay alone, the PROXY protocol comes along */
    {"a.x", "server {\n    listen 80 reuseport proxy_protocol;\n    server_name a.x;\n}\n",
     "server {\n    listen 80 reuseport proxy_protocol;\n    server_name a.x;\n    listen 443 ssl "
     "proxy_protocol;" M "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n",
     bare},
    /* http2 of the socket: on the listen before 1.25.1, where the socket has it */
    {"a.x",
     "server { listen 443 ssl http2; server_name z; ssl_certificate z; ssl_certificate_key z; }\n"
     "server {\n    listen 80;\n    server_name a.x;\n}\n",
     "server { listen 443 ssl http2; server_name z; ssl_certificate z; ssl_certificate_key z; }\n"
     "server {\n    listen 80;\n    server_name a.x;\n    listen 443 ssl http2;" M
     "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n",
     bare},
    {"a.x",
     "server { listen 443 ssl; http2 on; server_name z; ssl_certificate z; ssl_certificate_key z; "
     "}\nserver {\n    listen 80;\n    server_name a.x;\n}\n",
     "server { listen 443 ssl; http2 on; server_name z; ssl_certificate z; ssl_certificate_key z; "
     "}\nserver {\n    listen 80;\n    server_name a.x;\n    listen 443 ssl;" M "\n    http2 on;" M
     "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n",
     modern},
    /* of several pairs, the one of the same kind of key */
    {"a.x",
     "server {\n    listen 443 ssl;\n    server_name a.x;\n    ssl_protocols TLSv1.3;\n    "
     "ssl_certificate rsa;\n    ssl_certificate_key rsa;\n    ssl_certificate ec;\n    "
     "ssl_certificate_key ec;\n}\n",
     "server {\n    listen 443 ssl;\n    server_name a.x;\n    ssl_protocols TLSv1.3;\n    "
     "ssl_certificate rsa;\n    ssl_certificate_key rsa;\n" PAIR("    ") "}\n",
     bare},
    {"a.x",
     "server {\n    listen 443 ssl;\n    server_name a.x;\n    ssl_protocols TLSv1.3;\n    "
     "ssl_certificate rsa;\n    ssl_certificate_key rsa;\n}\n",
     "server {\n    listen 443 ssl;\n    server_name a.x;\n" PAIR(
         "    ") "    ssl_protocols TLSv1.3;\n    ssl_certificate /e/live/c/fullchain.rsa.pem;" M
                 "\n    ssl_certificate_key /e/live/c/privkey.rsa.pem;" M "\n}\n",
     two_pairs},
    /* wildcards: the same wildcard, or by name */
    {"*.x", "server {\n    listen 80;\n    server_name *.x;\n}\n" OTHER,
     "server {\n    listen 80;\n    server_name *.x;\n    listen 443 ssl;" M
     "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n" OTHER,
     bare},
    {"x *.x", "server {\n    listen 80;\n    server_name .x;\n}\n",
     "server {\n    listen 80;\n    server_name .x;\n    listen 443 ssl;" M
     "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n",
     bare},
    {"*.x", "server {\n    listen 80;\n    server_name a.x;\n}\n" OTHER,
     "server {\n    listen 80;\n    server_name a.x;\n    listen 443 ssl;" M
     "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n" OTHER,
     everywhere},
    /* an existing redirect is enough */
    {"a.x",
     "server {\n    listen 80;\n    server_name a.x;\n    return 301 https://$host$request_uri;\n}"
     "\nserver {\n    listen 443 ssl;\n    server_name a.x;\n    ssl_certificate o;\n    "
     "ssl_certificate_key o;\n    ssl_ciphers X;\n}\n",
     "server {\n    listen 80;\n    server_name a.x;\n    return 301 https://$host$request_uri;\n}"
     "\nserver {\n    listen 443 ssl;\n    server_name a.x;\n" PAIR("    ") "    ssl_ciphers X;\n}"
                                                                            "\n",
     no_webroot},
    /* another port */
    {"a.x", "server {\n    listen 80;\n    server_name a.x;\n}\n",
     "server {\n    listen 80;\n    server_name a.x;\n    listen 8443 ssl;" M
     "\n" PAIR("    ") "    include " POLICY ";" M
                       "\n    set $acmec_plain \"$scheme://$host$request_uri\";" M
                       "\n    if ($acmec_plain ~ "
                       "\"^http://(?:a\\.x)/(?!\\.well-known/acme-challenge/)\") {" M
                       "\n        return 301 https://$host:8443$request_uri;" M "\n    }\n}\n",
     other_port},
    /* HSTS */
    {"a.x",
     "server {\n    listen 443 ssl;\n    server_name a.x;\n    ssl_ciphers X;\n    ssl_certificate "
     "o;\n    ssl_certificate_key o;\n    add_header X y;\n}\n",
     "server {\n    listen 443 ssl;\n    server_name a.x;\n    add_header "
     "Strict-Transport-Security \"max-age=63072000\" always;" M
     "\n    ssl_ciphers X;\n" PAIR("    ") "    add_header X y;\n}\n",
     bare_hsts},
    {"a.x",
     "server { listen 80; listen 443 ssl; server_name a.x;\n    ssl_ciphers X; "
     "ssl_certificate " CHAIN "; ssl_certificate_key " KEY ";\n}\n",
     "server { listen 80; listen 443 ssl; server_name a.x;\n"
     "    set $acmec_plain \"$scheme://$host$request_uri\";" M "\n    set $acmec_hsts \"\";" M "\n"
     "    if ($acmec_plain ~ \"^https://(?:a\\.x)/\") {" M "\n"
     "        set $acmec_hsts \"max-age=63072000\";" M "\n    }\n"
     "    add_header Strict-Transport-Security $acmec_hsts always;" M "\n"
     "    ssl_ciphers X; ssl_certificate " CHAIN "; ssl_certificate_key " KEY ";\n}\n",
     bare_hsts},
    /* an answer that works already is used */
    {"a.x",
     "server {\n    listen 80;\n    listen 443 ssl;\n    server_name a.x;\n    ssl_ciphers X;\n    "
     "ssl_certificate o;\n    ssl_certificate_key o;\n    location ^~ "
     "/.well-known/acme-challenge/ { root /www; }\n}\n",
     "server {\n    listen 80;\n    listen 443 ssl;\n    server_name a.x;\n    ssl_ciphers "
     "X;\n" PAIR("    ") "    location ^~ /.well-known/acme-challenge/ { root /www; }\n}\n",
     no_redirect},
    /* tabs, CR LF */
    {"a.x", "server {\r\n\tlisten 80;\r\n\tserver_name a.x;\r\n}\r\n",
     "server {\r\n\tlisten 80;\r\n\tserver_name a.x;\r\n\tlisten 443 ssl;" M
     "\r\n\tssl_certificate " CHAIN ";" M "\r\n\tssl_certificate_key " KEY ";" M
     "\r\n\tinclude " POLICY ";" M "\r\n}\r\n",
     bare},
    /* one plain socket for both families, two TLS listens */
    {"a.x", "server {\n    listen [::]:80 ipv6only=off;\n    server_name a.x;\n}\n",
     "server {\n    listen [::]:80 ipv6only=off;\n    server_name a.x;\n    listen [::]:443 ssl;" M
     "\n    listen 443 ssl;" M "\n" PAIR("    ") "    include " POLICY ";" M "\n}\n",
     bare},
    /* TLS for the family that lacks it */
    {"a.x",
     "server {\n    listen 80;\n    listen [::]:80;\n    listen 443 ssl;\n    server_name a.x;\n   "
     " "
     "ssl_ciphers X;\n    ssl_certificate o;\n    ssl_certificate_key o;\n}\n",
     "server {\n    listen 80;\n    listen [::]:80;\n    listen 443 ssl;\n    server_name a.x;\n   "
     " "
     "listen [::]:443 ssl;" M "\n    ssl_ciphers X;\n" PAIR("    ") "}\n",
     bare},
};

static void test_install(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof installs / sizeof installs[0]; i++)
        check_install(&installs[i]);
}

static void edits_managed(struct plan_wish *wish)
{
    wish->edit_managed = true;
}

static void test_refusals(void **state)
{
    static const struct {
        const char *names, *site, *place;
    } cases[] = {
        {"a.x", "server { listen 80; server_name b.x; }\n", "no server of its own"},
        {"a.x b.x", "server { listen 80; server_name a.x; }\n", "no server of its own for b.x"},
        {"a.x", "server { listen 80; server_name ~^a; }\n", "no server of its own"},
        {"a.x", "server { listen 80; server_name *.x; }\n", "no server of its own"},
        {"*.x", "server { listen 80; server_name a.x; }\n", "no server of its own"},
        {"a.x",
         "server { listen 443 ssl; server_name a.x; ssl_certificate $c; ssl_certificate_key k; }\n",
         SITE ":1"},
        {"a.x", "server { listen 443 ssl; server_name a.x;\n ssl_reject_handshake on; }\n",
         SITE ":2"},
        {"a.x",
         "server { listen 443 ssl; server_name a.x;\n ssl_certificate_by_lua_block { x() } "
         "ssl_certificate o; ssl_certificate_key o; }\n",
         SITE ":2"},
        /* a shared snippet */
        {"a.x",
         "server { listen 443 ssl; server_name a.x; include snippet; }\n"
         "server { listen 443 ssl; server_name b.x; include snippet; }\n",
         "/etc/nginx/snippet:1"},
        /* plain 443 elsewhere */
        {"a.x", "server { listen 443; server_name z; }\nserver { listen 80; server_name a.x; }\n",
         SITE ":2"},
        /* cannot be bound by a reload */
        {"a.x",
         "server { listen 192.0.2.1:443 ssl; server_name z; ssl_certificate z; "
         "ssl_certificate_key z; }\nserver { listen 80; server_name a.x; }\n",
         SITE ":2"},
        /* would come before the server of another name */
        {"a.x",
         "server { listen 80; server_name a.x z.x; }\nserver { listen 443 ssl; server_name z.x; "
         "ssl_certificate z; ssl_certificate_key z; }\n",
         SITE ":1: on *:443 this server takes 'z.x' from the one at " SITE ":2"},
        {"a.x", "# Ansible managed\nserver { listen 80; server_name a.x; }\n", "--edit-managed"},
        {"a.x",
         "server { listen 80; server_name a.x; location ^~ /.well-known/acme-challenge/ {\n"
         "proxy_pass http://b; } }\n",
         SITE ":1"},
        {"a.x", "server { listen 80; server_name a.x; add_header x \"\n\"; }\n", SITE ":1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct error err = {0};
        open_world(&world, cases[i].site, cases[i].names);
        if (plan_install(&world.choose, &world.wish, &world.plan, &err))
            fail_msg("planned: %s", cases[i].site);
        assert_int_equal(err.code, ERR_WEB_SERVER);
        if (strstr(err.text, cases[i].place) == NULL && strstr(err.hint, cases[i].place) == NULL)
            fail_msg("%s: %s", cases[i].site, err.text);
        assert_int_equal(world.plan.edits.count, 0);
        close_world(&world);
    }
}

static void test_managed_on_wish(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    open_world(&world, "# Ansible managed\nserver { listen 80; server_name a.x; }\n", "a.x");
    edits_managed(&world.wish);
    assert_true(plan_install(&world.choose, &world.wish, &world.plan, &err));
    close_world(&world);
}

static void test_folder_of_others(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    open_world(&world, "server { listen 80; server_name a.x; }\n", "a.x");
    world.conf.files[1].facts.guarded = false;
    assert_false(plan_install(&world.choose, &world.wish, &world.plan, &err));
    close_world(&world);
}

static void test_notes(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    open_world(&world,
               "server { listen 80; server_name a.x z.x;\n root /r; # managed by Certbot\n}\n",
               "a.x");
    assert_true(plan_install(&world.choose, &world.wish, &world.plan, &err));
    assert_int_equal(world.plan.note_count, 3);
    assert_non_null(strstr(world.plan.notes[0], "the first server on *:443"));
    assert_non_null(strstr(world.plan.notes[1], "does not cover: z.x"));
    assert_non_null(strstr(world.plan.notes[2], SITE ":2-2: lines that Certbot"));
    close_world(&world);
}

/* More names than one expression may hold. */
static void test_many_names(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    AUTO(buf) names = BUF(65536);
    AUTO(buf) out = BUF(65536);
    for (unsigned i = 0; i < 100; i++)
        buf_addf(&names, "%s%0200u.a.x", i == 0 ? "" : " ", i);
    AUTO_FREE site = mem_printf("server { listen 80; server_name %s; }\n", buf_str(&names));
    open_world(&world, site, buf_str(&names));
    assert_true(plan_install(&world.choose, &world.wish, &world.plan, &err));
    edited(&world, &world.plan.edits, span_str(site), &out);
    AUTO_FREE kept = buf_take(&out);
    struct world again;
    open_world(&again, kept, buf_str(&names)); /* nginx's limits hold */
    close_world(&again);
    close_world(&world);
}

static const struct plan_case challenges[] = {
    {"a.x", "server {\n    listen 80;\n    server_name a.x;\n}\n",
     "server {\n    listen 80;\n    server_name a.x;\n" LOCATION("    ") "}\n", NULL},
    {"a.x", "server {\n    listen 80;\n    server_name a.x;\n    return 301 https://a;\n}\n",
     "server {\n    listen 80;\n    server_name a.x;\n    rewrite "
     "^(/\\.well-known/acme-challenge/.*) $1 break;" M "\n" LOCATION("    ") "    return 301 "
                                                                             "https://a;\n}\n",
     NULL},
    /* no server of its own: one for the time of the proof, on each address */
    {"a.x", "server {\n    listen 80 default_server;\n    listen [::]:80;\n}\n",
     "server {\n    listen 80 default_server;\n    listen [::]:80;\n}\nserver {" M
     "\n    listen *:80;" M "\n    server_name a.x;" M
     "\n" LOCATION("    ") "    location / {" M "\n        return 404;" M "\n    }\n}\nserver {" M
                           "\n    listen [::]:80;" M "\n    server_name a.x;" M
                           "\n" LOCATION("    ") "    location / {" M "\n        return 404;" M
                                                 "\n    }\n}\n",
     NULL},
    {"*.x", "server { listen 80; server_name *.x; }\n", "server { listen 80; server_name *.x; }\n",
     NULL},
};

static void test_challenge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof challenges / sizeof challenges[0]; i++) {
        struct world world;
        struct error err = {0};
        AUTO(buf) out = BUF(65536);
        open_world(&world, challenges[i].before, challenges[i].names);
        if (!plan_challenge(&world.choose, &world.wish, &world.plan, &err))
            fail_msg("%s", err.text);
        edited(&world, &world.plan.edits, span_str(challenges[i].before), &out);
        assert_string_equal(buf_str(&out), challenges[i].after);
        if (world.plan.edits.count > 0)
            assert_string_equal(world.plan.roots[0], "/w");
        close_world(&world);
    }
}

/* For the names that have one already it is as before. */
static void test_own_servers_are_for_the_asking(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    AUTO(buf) now = BUF(65536);
    const char *site = "server {\n    listen 80;\n    server_name a.x;\n}\n";
    open_world(&world, site, "a.x b.x");
    world.wish.own_servers = false;
    assert_true(plan_challenge(&world.choose, &world.wish, &world.plan, &err));
    edited(&world, &world.plan.edits, span_str(site), &now);
    assert_string_equal(buf_str(&now),
                        "server {\n    listen 80;\n    server_name a.x;\n" LOCATION("    ") "}\n");
    close_world(&world);
}

static void test_nothing_listens(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    open_world(&world, "server { listen 8080; server_name a.x; }\n", "a.x");
    assert_false(plan_challenge(&world.choose, &world.wish, &world.plan, &err));
    assert_non_null(strstr(err.text, "port 80"));
    close_world(&world);
}

static void test_looks(void **state)
{
    (void)state;
    struct world world;
    AUTO(plan_looks) looks = {0};
    open_world(&world,
               "server { listen 443 ssl; listen [::]:443 ssl proxy_protocol; server_name a.x; "
               "ssl_certificate " CHAIN "; ssl_certificate_key k; }\n"
               "server { listen 443 ssl; server_name b.x; ssl_certificate z; ssl_certificate_key z;"
               " }\n",
               "a.x b.x *.y");
    plan_find_looks(&world.choose, CHAIN, &world.names, &looks);
    /* "w.y" is the default server's on both addresses */
    assert_int_equal(looks.count, 5);
    assert_string_equal(looks.items[0].name, "a.x");
    assert_false(looks.items[0].proxy_protocol);
    assert_string_equal(looks.items[1].name, "w.y");
    assert_string_equal(looks.items[3].name, "b.x");
    assert_true(looks.items[2].proxy_protocol);
    close_world(&world);
}

static void test_reference(void **state)
{
    (void)state;
    struct world world;
    open_world(&world,
               "server {\n ssl_certificate /e/live/cc/x;\n ssl_certificate_key /e/live/c/k; "
               "}\n",
               "a.x");
    uint32_t item = plan_find_reference(&world.conf, "/e/live/c");
    assert_int_equal(conf_line(&world.conf, item), 3);
    assert_int_equal(plan_find_reference(&world.conf, "/e/live/x"), CONF_NONE);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_install),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_managed_on_wish),
        cmocka_unit_test(test_folder_of_others),
        cmocka_unit_test(test_notes),

        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_challenge),
        cmocka_unit_test(test_own_servers_are_for_the_asking),
        cmocka_unit_test(test_nothing_listens),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

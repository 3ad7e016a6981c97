#include "fake/fake_source.h"

#include <acmec/base/cleanup.h>
#include <acmec/nginx/server.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAIN "/etc/nginx/nginx.conf"
#define POLICY "/etc/acmec/nginx/options-ssl.conf"

struct world {
    struct fake_source_file files[3];
    struct fake_source source;
    struct conf conf;
    struct server server;
};

/* body: what the one server of http holds. */
static void open_world(struct world *world, const char *http, const char *body)
{
    struct error err = {0};
    AUTO_FREE text = mem_printf("http { %s server { %s } }", http, body);
    *world = (struct world){0};
    world->files[0] = (struct fake_source_file){.path = MAIN, .text = text};
    world->files[1] = (struct fake_source_file){
        .path = "/etc/nginx/snippet",
        .text = "ssl_certificate s.pem; ssl_certificate_key s.key; ssl_protocols TLSv1.2;"};
    world->source = fake_source(world->files);
    if (!conf_read(&world->source.port, MAIN, &world->conf, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 1; i < world->conf.item_count; i++)
        if (conf_is_block(&world->conf, i, "server"))
            server_read(&world->conf, i, POLICY, &world->server);
}

static void close_world(struct world *world)
{
    conf_release(&world->conf);
}

static void test_pairs(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, "",
               "ssl_certificate a; ssl_certificate b; ssl_certificate_key ka; "
               "include snippet; ssl_certificate_key kb;");
    const struct server *server = &world.server;
    assert_int_equal(server->pair_count, 3);
    assert_true(span_is(conf_arg(&world.conf, server->pairs[1].chain, 0), "b"));
    assert_true(span_is(conf_arg(&world.conf, server->pairs[1].key, 0), "s.key"));
    assert_true(span_is(conf_arg(&world.conf, server->pairs[2].key, 0), "kb"));
    assert_int_equal(server->foreign, CONF_NONE);
    assert_int_not_equal(server->policy, CONF_NONE);
    close_world(&world);
}

static void test_what_is_noted(void **state)
{
    static const struct {
        const char *http, *body;
        size_t field;
    } cases[] = {
#define FIELD(name) offsetof(struct server, name)
        {"", "ssl_certificate $v;", FIELD(foreign)},
        {"", "ssl_certificate a; ssl_certificate_key engine:x:y;", FIELD(foreign)},
        {"", "ssl_certificate_by_lua_block { a() }", FIELD(foreign)},
        {"ssl_certificate_by_lua_file /x;", "", FIELD(foreign)},
        {"", "ssl_reject_handshake on;", FIELD(reject)},
        {"", "ssl_ciphers x;", FIELD(policy)},
        {"", "return 301 https://$host$request_uri;", FIELD(redirect)},
        {"", "return https://a;", FIELD(redirect)},
        {"", "rewrite ^ https://$server_name$request_uri? permanent;", FIELD(redirect)},
        {"", "if ($host = a) { return 301 https://$host$request_uri; }", FIELD(redirect)},
        {"", "location / { return 308 https://a; }", FIELD(redirect)},
        {"", "location ^~ /.well-known/acme-challenge/ { root /w; }", FIELD(challenge)},
        {"", "location /.well-known/acme-challenge/ { root /w; }", FIELD(challenge)},
        {"", "rewrite ^(/\\.well-known/acme-challenge/.*) $1 break;", FIELD(guard)},
        {"", "return 404;", FIELD(early)},
        {"", "if ($acmec_plain ~ \"x\") { return 301 https://a; }", FIELD(own_if)},
        {"", "add_header Strict-Transport-Security x;", FIELD(hsts)},
        {"", "add_header X y;", FIELD(header)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        uint32_t item;
        open_world(&world, cases[i].http, cases[i].body);
        memcpy(&item, (const char *)&world.server + cases[i].field, sizeof item);
        if (item == CONF_NONE)
            fail_msg("not seen: %s", cases[i].body);
        close_world(&world);
    }
}

static void test_what_is_not(void **state)
{
    static const struct {
        const char *body;
        size_t field;
    } cases[] = {
        {"return 200 https://a;", FIELD(redirect)},
        {"return 301 http://a;", FIELD(redirect)},
        {"location /x { return 301 https://a; }", FIELD(redirect)},
        {"location = / { return 301 https://a; }", FIELD(redirect)},
        {"if ($acmec_plain ~ \"x\") { return 301 https://a; }", FIELD(redirect)},
        {"if ($acmec_plain ~ \"x\") { return 301 https://a; }", FIELD(early)},
        {"if ($acmec_plain ~ x) { return 301 https://a; } if ($acmec_plain ~ y) { return 301 "
         "https://a; }",
         FIELD(redirect)},
        {"if ($acmec_plain ~ \"^https://x/\") { set $a b; }", FIELD(own_if)},
        {"if ($acmec_plain ~ \"^https://x/\") { set $a b; }", FIELD(early)},
        {"rewrite ^(/\\.well-known/acme-challenge/.*) $1 break;", FIELD(early)},
        {"location = /.well-known/acme-challenge/ { root /w; }", FIELD(challenge)},
        {"location ~ /.well-known/acme-challenge/ { root /w; }", FIELD(challenge)},
        {"location ^~ /.well-known/ { root /w; }", FIELD(challenge)},
        {"location / { ssl_ciphers x; return 404; add_header X y; }", FIELD(policy)},
        {"location / { add_header X y; }", FIELD(header)},
        {"set $x y;", FIELD(early)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        uint32_t item;
        open_world(&world, "", cases[i].body);
        memcpy(&item, (const char *)&world.server + cases[i].field, sizeof item);
        if (item != CONF_NONE)
            fail_msg("seen: %s", cases[i].body);
        close_world(&world);
    }
}

static void test_challenge_root(void **state)
{
    static const struct {
        const char *location, *root;
    } cases[] = {
        {"root /var/www;", "/var/www"},
        {"root \"/var/w w\"; default_type text/plain; allow all;", "/var/w w"},
        {"alias /srv/.well-known/acme-challenge/;", "/srv"},
        {"alias /srv/answers/;", NULL},
        {"proxy_pass http://127.0.0.1:8888;", NULL},
        {"root /var/www; try_files $uri =404; return 404;", NULL},
        {"root /var/$host;", NULL},
        {"root html;", NULL},
        {"content_by_lua_block { x() }", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct span root = {NULL, 0};
        AUTO_FREE body =
            mem_printf("location ^~ " SERVER_CHALLENGE_PATH " { %s }", cases[i].location);
        open_world(&world, "", body);
        bool good = server_challenge_root(&world.conf, world.server.challenge, &root);
        if (good != (cases[i].root != NULL) || (good && !span_is(root, cases[i].root)))
            fail_msg("%s", cases[i].location);
        close_world(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_what_is_noted),
        cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_challenge_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

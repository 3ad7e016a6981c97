/* plan_world.h: a configuration of one site, and a wish to install a certificate for some names. */
#ifndef ACMEC_TESTS_PLAN_WORLD_H
#define ACMEC_TESTS_PLAN_WORLD_H

#include <acmec/base/cleanup.h>
#include <acmec/nginx/plan.h>
#include <fake/fake_source.h>
#include <stdio.h>

#define MAIN "/etc/nginx/nginx.conf"
#define SITE "/etc/nginx/site"
#define M " # managed by acmec: c"
#define CHAIN "/e/live/c/fullchain.pem"
#define KEY "/e/live/c/privkey.pem"
#define POLICY "/e/nginx/options-ssl.conf"
#define PAIR(in) in "ssl_certificate " CHAIN ";" M "\n" in "ssl_certificate_key " KEY ";" M "\n"
#define LOCATION(in)                                                                               \
    in "location ^~ /.well-known/acme-challenge/ {" M "\n" in "    default_type text/plain;" M     \
       "\n" in "    root /w;" M "\n" in "    auth_basic off;" M "\n" in "    allow all;" M "\n" in \
       "}\n"
#define IF(names)                                                                                  \
    "    set $acmec_plain \"$scheme://$host$request_uri\";" M "\n"                                 \
    "    if ($acmec_plain ~ \"^http://(?:" names ")/(?!\\.well-known/acme-challenge/)\") {" M      \
    "\n        return 301 https://$host$request_uri;" M "\n    }\n"
#define OTHER "server { listen 80; listen [::]:80; server_name other; }\n"

struct world {
    struct fake_source_file files[6];
    struct fake_source source;
    struct conf conf;
    struct choose choose;
    struct identifier_list names;
    struct plan_wish wish;
    struct plan plan;
};

/* RSA certificates have "rsa" in their path. */
static inline bool is_rsa(void *ctx, struct span path, bool *rsa)
{
    (void)ctx;
    *rsa = memmem(path.ptr, path.len, "rsa", 3) != NULL;
    return memmem(path.ptr, path.len, "gone", 4) == NULL;
}

/* site: what http includes. names: separated by blanks. */
static inline void open_world(struct world *world, const char *site, const char *names)
{
    struct error err = {0};
    *world = (struct world){0};
    world->files[0] = (struct fake_source_file){.path = MAIN, .text = "http { include site; }"};
    world->files[1] = (struct fake_source_file){.path = SITE, .text = site};
    world->files[2] = (struct fake_source_file){
        .path = "/etc/nginx/snippet", .text = "ssl_certificate s; ssl_certificate_key s;\n"};
    world->files[3] = (struct fake_source_file){.path = POLICY, .text = "ssl_ciphers P;\n"};
    world->files[4] = (struct fake_source_file){.path = "/l/options.conf", .text = "# none\n"};
    world->source = fake_source(world->files);
    struct choose_host host = {"myhost", true};
    if (!conf_read(&world->source.port, MAIN, &world->conf, &err) ||
        !choose_build(&world->conf, &host, &world->choose, &err))
        fail_msg("%s", err.text);
    AUTO_FREE list = mem_strdup(names);
    for (char *rest = list, *name; (name = strsep(&rest, " ")) != NULL;) {
        struct identifier identifier = {0};
        identifier.type = strchr(name, ':') != NULL ? IDENTIFIER_IP : IDENTIFIER_DNS;
        (void)snprintf(identifier.value, sizeof identifier.value, "%s", name);
        (void)identifier_list_add(&world->names, &identifier);
    }
    world->wish = (struct plan_wish){
        .own_servers = true,
        .cert = "c",
        .target = {&world->names, NULL, 80, 443},
        .pairs = {{false, CHAIN, KEY}},
        .pair_count = 1,
        .policy = POLICY,
        .webroot = "/w",
        .version = 1022001,
        .running = true,
        .redirect = true,
        .is_rsa = is_rsa,
    };
}

static inline void close_world(struct world *world)
{
    plan_release(&world->plan);
    choose_release(&world->choose);
    conf_release(&world->conf);
    identifier_list_release(&world->names);
}

#endif

#include <acmec/nginx/target.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <fake/fake_source.h>
#include <stdio.h>

#include <cmocka.h>

#define MAIN "/etc/nginx/nginx.conf"

struct world {
    struct fake_source_file files[2];
    struct fake_source source;
    struct conf conf;
    struct choose choose;
    struct identifier_list names;
    struct targets targets;
};

static void add_names(struct identifier_list *list, const char *names)
{
    AUTO_FREE text = mem_strdup(names);
    for (char *rest = text, *name; (name = strsep(&rest, " ")) != NULL;) {
        struct identifier identifier = {.type = IDENTIFIER_DNS};
        (void)snprintf(identifier.value, sizeof identifier.value, "%s", name);
        (void)identifier_list_add(list, &identifier);
    }
}

static bool find(struct world *world, const char *http, const char *names, const char *block,
                 struct error *err)
{
    struct choose_host host = {"myhost", true};
    AUTO_FREE text = mem_printf("http { %s }", http);
    *world = (struct world){0};
    world->files[0] = (struct fake_source_file){.path = MAIN, .text = text};
    world->source = fake_source(world->files);
    if (!conf_read(&world->source.port, MAIN, &world->conf, err) ||
        !choose_build(&world->conf, &host, &world->choose, err))
        fail_msg("%s", err->text);
    add_names(&world->names, names);
    struct target_wish wish = {&world->names, block, 80, 443};
    return targets_find(&world->choose, &wish, &world->targets, err);
}

static void close_world(struct world *world)
{
    targets_release(&world->targets);
    choose_release(&world->choose);
    conf_release(&world->conf);
    identifier_list_release(&world->names);
}

#define TLS "ssl_certificate c; ssl_certificate_key k; "

/* drawn: for each target its number, p(lain), t(ls), g(ets tls), e(lsewhere), c(overed), and its
 * names; then the missing ones. */
static const struct {
    const char *http, *names, *block, *drawn;
} choices[] = {
    {"server { listen 80; server_name a.x; }", "a.x", NULL, "0pgc a.x;"},
    {"server { listen 80; server_name a.x b.x; }", "a.x", NULL, "0pg a.x;"},
    {"server { listen 80; server_name a.x _; }", "a.x", NULL, "0pgc a.x;"},
    {"server { listen 80; listen 443 ssl; server_name a.x; " TLS "}", "a.x", NULL, "0ptec a.x;"},
    /* two servers: the plain one stays plain */
    {"server { listen 80; server_name a.x; } server { listen 443 ssl; server_name a.x; " TLS "}",
     "a.x", NULL, "0pec a.x; 1tc a.x;"},
    /* the same host counts, or one that stands for all */
    {"server { listen 80; listen [::]:80; server_name a.x; } "
     "server { listen 443 ssl; server_name a.x; " TLS "}",
     "a.x", NULL, "0pgec a.x; 1tc a.x;"},
    {"server { listen 192.0.2.1:80; server_name a.x; } "
     "server { listen 192.0.2.2:443 ssl; server_name a.x; " TLS "}",
     "a.x", NULL, "0pgec a.x; 1tc a.x;"},
    {"server { listen 192.0.2.1:80; server_name a.x; } "
     "server { listen 443 ssl; server_name a.x; " TLS "}",
     "a.x", NULL, "0pec a.x; 1tc a.x;"},
    {"server { listen 80; server_name a.x; } "
     "server { listen 192.0.2.1:443 ssl; server_name a.x; " TLS "}",
     "a.x", NULL, "0pec a.x; 1tc a.x;"},
    {"server { listen h:80; server_name a.x; } "
     "server { listen 192.0.2.1:443 ssl; server_name a.x; " TLS "}",
     "a.x", NULL, "0pec a.x; 1tc a.x;"},
    /* one socket for both families */
    {"server { listen [::]:80 ipv6only=off; server_name a.x; } "
     "server { listen [::]:443 ssl; server_name a.x; " TLS "}",
     "a.x", NULL, "0pgec a.x; 1tc a.x;"},
    {"server { listen 80; server_name a.x; } "
     "server { listen [::]:443 ssl ipv6only=off; server_name a.x; " TLS "}",
     "a.x", NULL, "0pec a.x; 1tc a.x;"},
    /* somebody else's TLS does not count */
    {"server { listen 80; server_name a.x; } server { listen 443 ssl; server_name z; " TLS "}",
     "a.x", NULL, "0pgc a.x;"},
    /* QUIC is no TLS listen */
    {"server { listen 80; listen 443 quic; server_name a.x; " TLS "}", "a.x", NULL, "0pgc a.x;"},
    {"server { listen 80; listen 443 quic; listen 443 ssl; server_name a.x; " TLS "}", "a.x", NULL,
     "0ptec a.x;"},
    /* other ports */
    {"server { listen 8080; server_name a.x; }", "a.x", NULL, "missing a.x;"},
    {"server { listen unix:/x; server_name a.x; }", "a.x", NULL, "missing a.x;"},
    /* who is chosen, not who has the name */
    {"server { listen 80; server_name a.x; } server { listen 80; server_name a.x; }", "a.x", NULL,
     "0pgc a.x;"},
    {"server { listen 80; server_name a.x; } server { listen 192.0.2.1:80; server_name a.x; }",
     "a.x", NULL, "0pgc a.x; 1pgc a.x;"},
    {"server { listen 80; server_name *.x; }", "a.x", NULL, "missing a.x;"},
    {"server { listen 80; server_name *.x; }", "a.x *.x", NULL, "0pgc a.x *.x;"},
    {"server { listen 80; server_name .x; }", "x *.x", NULL, "0pgc x *.x;"},
    {"server { listen 80; server_name .x; }", "*.x", NULL, "missing *.x;"},
    {"server { listen 80; server_name ~^a; }", "a.x", NULL, "missing a.x;"},
    {"server { listen 80 default_server; }", "a.x", NULL, "missing a.x;"},
    {"server { listen 80; server_name a.x; }", "a.x b.x", NULL, "0pgc a.x;missing b.x;"},
    /* a wildcard has its TLS server, too */
    {"server { listen 80; server_name *.x; } server { listen 443 ssl; server_name .x; " TLS "}",
     "x *.x", NULL, "0pec *.x; 1tc x *.x;"},
    {"server { listen 80; listen [::]:80; server_name .x; } "
     "server { listen 443 ssl; server_name x *.x; " TLS "}",
     "x *.x", NULL, "0pgec x *.x; 1tc x *.x;"},
    /* --server-block */
    {"server { listen 80; server_name a.x; } server { listen 80; server_name b.y; }", "*.x", "all",
     "0pgc *.x;"},
    {"server { listen 80; server_name a.x; } server { listen 80; server_name b.x; }", "*.x", "b.x",
     "1pgc *.x;"},
};

static void test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        struct world world;
        struct error err = {0};
        AUTO(buf) drawn = BUF(1024);
        if (!find(&world, choices[i].http, choices[i].names, choices[i].block, &err))
            fail_msg("%s", err.text);
        for (size_t k = 0; k < world.targets.count; k++) {
            const struct target *target = &world.targets.items[k];
            buf_addf(&drawn, "%s%u%s%s%s%s%s", k == 0 ? "" : " ", target->server,
                     target->plain ? "p" : "", target->tls ? "t" : "", target->gets_tls ? "g" : "",
                     target->elsewhere ? "e" : "", target->covered ? "c" : "");
            for (size_t n = 0; n < target->names.count; n++)
                buf_addf(&drawn, " %s", target->names.items[n].value);
            buf_add_byte(&drawn, ';');
        }
        for (size_t n = 0; n < world.targets.missing.count; n++)
            buf_addf(&drawn, "missing %s;", world.targets.missing.items[n].value);
        if (strcmp(buf_str(&drawn), choices[i].drawn) != 0)
            fail_msg("%s: %s, not %s", choices[i].http, buf_str(&drawn), choices[i].drawn);
        close_world(&world);
    }
}

static void test_unknown_block(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    assert_false(find(&world, "server { listen 80; server_name a.x; }", "*.y", "a.x", &err));
    assert_int_equal(err.code, ERR_WEB_SERVER);
    close_world(&world);
}

static void test_undecided(void **state)
{
    (void)state;
    struct world world;
    struct error err = {0};
    char name[201];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(find(&world, "server { listen 80; server_name \"~^(a|aa)+(a|aa)+[cd]\"; }", name,
                      NULL, &err));
    assert_non_null(strstr(err.text, MAIN ":1"));
    close_world(&world);
}

static void test_covers(void **state)
{
    static const struct {
        const char *names, *server_name;
        bool covered;
    } cases[] = {
        {"a.x", "a.x", true}, {"a.x", "b.x", false},   {"*.x", "a.x", true},
        {"*.x", "x", false},  {"*.x", "a.b.x", false}, {"*.x", "*.x", true},
        {"*.x", ".x", false}, {"x *.x", ".x", true},   {"*.x", "*.a.x", false},
        {"a.x", "", false},   {"a.x", "a.*", false},   {"x *.x", ".a.x", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(identifier_list) names = {0};
        add_names(&names, cases[i].names);
        if (target_covers(&names, cases[i].server_name) != cases[i].covered)
            fail_msg("%s %s", cases[i].names, cases[i].server_name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_unknown_block),
        cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/nginx/choose.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <acmec/base/cleanup.h>
#include <fake/fake_source.h>

#include <cmocka.h>

#define MAIN "/n.conf"

/* A configuration of one file, and its tables. */
struct site {
    struct fake_source_file files[2];
    struct fake_source source;
    struct conf conf;
    struct choose choose;
};

static void site_release(struct site *site)
{
    choose_release(&site->choose);
    conf_release(&site->conf);
}

static bool make(struct site *site, const char *text, bool as_root, struct error *err)
{
    struct choose_host host = {.hostname = "My.Host", .as_root = as_root};
    *site = (struct site){.files = {{.path = MAIN, .text = text}}};
    site->source = fake_source(site->files);
    return conf_read(&site->source.port, MAIN, &site->conf, err) &&
           choose_build(&site->conf, &host, &site->choose, err);
}

static void must_make(struct site *site, const char *text)
{
    struct error err = {0};
    if (!make(site, text, true, &err))
        fail_msg("%s", err.text);
}

/* "ADDRESS LINE BY" for each address, with " tls" where it is. */
static void answers(const struct choose *choose, const char *host, struct buf *out)
{
    for (uint32_t i = 0; i < choose->address_count; i++) {
        char address[LISTENING_TEXT_MAX];
        struct choose_answer answer = choose_find(choose, i, span_str(host));
        listening_address_text(&choose->addresses[i].address, address);
        buf_addf(out, "%s%s %u %s%s", i == 0 ? "" : ", ", address,
                 conf_line(choose->conf, choose->servers[answer.server].item),
                 choose_by_word(answer.by), choose->addresses[i].tls ? " tls" : "");
    }
}

static void assert_answers(const struct site *site, const char *host, const char *wanted)
{
    AUTO(buf) out = BUF(4096);
    answers(&site->choose, host, &out);
    assert_string_equal(buf_str(&out), wanted);
}

static void test_names_are_known_by_address(void **state)
{
    (void)state;
    AUTO(site) site;
    must_make(&site, "http {\n"
                     "server { listen 80; listen [::]:80; server_name a.com; }\n"
                     "server { listen 80; listen 10.0.0.1:80; server_name *.b.com b.com; }\n"
                     "server { listen 10.0.0.1:80 default_server; server_name ~^C; }\n"
                     "}");
    assert_answers(&site, "a.com", "*:80 2 exact, [::]:80 2 exact, 10.0.0.1:80 4 default");
    assert_answers(&site, "b.com", "*:80 3 exact, [::]:80 2 default, 10.0.0.1:80 3 exact");
    assert_answers(&site, "x.b.com",
                   "*:80 3 wildcard, [::]:80 2 default, 10.0.0.1:80 3 wildcard");
    assert_answers(&site, "c.com", "*:80 2 default, [::]:80 2 default, 10.0.0.1:80 4 regex");
    assert_int_equal(site.choose.server_count, 3);
    assert_false(site.choose.addresses[0].default_explicit);
    assert_true(site.choose.addresses[2].default_explicit);
    assert_non_null(choose_listen_of(&site.choose, 2, 1));
    assert_null(choose_listen_of(&site.choose, 1, 1));
}

static void test_only_servers_of_http_count(void **state)
{
    (void)state;
    AUTO(site) site;
    must_make(&site, "stream { server { listen 80; server_name a.com; } }\n"
                     "mail { server { listen 80; } }\n"
                     "http { upstream u { server a:80; }\n"
                     "map $x $y { server b; listen 80; }\n"
                     "server { listen 81; location / { listen 90; } } }");
    assert_answers(&site, "a.com", "*:81 5 default");
}

static void test_what_is_not_said_is_what_nginx_takes(void **state)
{
    (void)state;
    AUTO(site) site;
    must_make(&site, "http {\nserver { listen 81; }\n"
                     "server { listen 81; server_name $HOSTNAME; }\n"
                     "server { server_name A.Com; }\n"
                     "server { server_name \"\"; listen 81; } }");
    assert_answers(&site, "my.host", "*:81 3 exact, *:80 4 default");
    assert_answers(&site, "a.com", "*:81 2 default, *:80 4 exact");
    assert_answers(&site, "", "*:81 2 exact, *:80 4 default");
    AUTO(site) user;
    struct error err;
    assert_true(make(&user, "http { server {} }", false, &err));
    assert_answers(&user, "a.com", "*:8000 1 default");
}

static void test_sockets_have_properties(void **state)
{
    (void)state;
    AUTO(site) site;
    must_make(&site, "http {\n"
                     "server { listen 443; server_name a; }\n"
                     "server { listen 443 ssl http2; server_name b; }\n"
                     "server { listen 8443; ssl on; server_name c; }\n"
                     "server { listen 9443; server_name d; }\n"
                     "server { listen 9443 proxy_protocol; ssl on; server_name e; }\n"
                     "server { listen 443 quic; listen unix:/x; server_name f; } }");
    assert_answers(&site, "b",
                   "*:443 3 exact tls, *:8443 4 default tls, *:9443 5 default, "
                   "*:443 7 default tls, unix:/x 7 default");
    assert_true(site.choose.addresses[0].http2);
    assert_true(site.choose.addresses[2].proxy_protocol);
    assert_false(site.choose.addresses[1].proxy_protocol);
    AUTO(site) inherited;
    must_make(&inherited, "http { server { listen 1; } server { listen 2; ssl off; } ssl on; }");
    assert_answers(&inherited, "a", "*:1 1 default tls, *:2 1 default");
}

static void test_a_range_is_its_ports(void **state)
{
    (void)state;
    AUTO(site) site;
    must_make(&site, "http {\nserver { listen 80-82; }\nserver { listen 81; server_name a; } }");
    assert_answers(&site, "a", "*:80 2 default, *:81 3 exact, *:82 2 default");
}

static void test_of_equal_names_the_first_counts(void **state)
{
    (void)state;
    AUTO(site) site;
    must_make(&site, "http {\nserver { listen 80; }\n"
                     "server { listen 80; server_name a.com ~a\\.; }\n"
                     "server { listen 80; server_name a.com .a.com; }\n"
                     "server { listen 80; server_name x.a.com; } }");
    assert_answers(&site, "a.com", "*:80 3 exact");
    assert_answers(&site, "y.a.com", "*:80 3 regex");
    assert_answers(&site, "x.a.com", "*:80 5 exact");
}

static const char *const refused[][2] = {
    {"http {} http {}", "\"http\" directive is duplicate in " MAIN ":1"},
    {"http;", "directive \"http\" has no opening \"{\" in " MAIN ":1"},
    {"http { server; }", "directive \"server\" has no opening \"{\" in " MAIN ":1"},
    {"http { server {\nlisten {} } }", "directive \"listen\" is not terminated by \";\" in " MAIN
                                       ":2"},
    {"http { server { listen; } }",
     "invalid number of arguments in \"listen\" directive in " MAIN ":1"},
    {"http { server { server_name\n; } }",
     "invalid number of arguments in \"server_name\" directive in " MAIN ":2"},
    {"http { server { listen 0; } }",
     "invalid port in \"0\" of the \"listen\" directive in " MAIN ":1"},
    {"http { server { listen 80; listen *:80; } }", "a duplicate listen 0.0.0.0:80 in " MAIN ":1"},
    {"http { server { listen 80 default; }\nserver { listen 80 default_server; } }",
     "a duplicate default server for 0.0.0.0:80 in " MAIN ":2"},
    {"http { server { server_name *; } }", "server name \"*\" is invalid in " MAIN ":1"},
    {"http { server { server_name *a; } }", "server name \"*a\" is invalid in " MAIN ":1"},
    {"http { server { server_name .; } }", "server name \".\" is invalid in " MAIN ":1"},
    {"http { server { server_name ~; } }", "empty regex in server name \"~\" in " MAIN ":1"},
    {"http { server { server_name ~(; } }",
     "pcre2_compile() failed: missing closing parenthesis in \"(\" in " MAIN ":1"},
    {"http { server {} server { server_name a..b; } }",
     "invalid server name or wildcard \"a..b\" on 0.0.0.0:80 in " MAIN ":1"},
};

static void test_what_nginx_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        AUTO(site) site;
        struct error err = {0};
        assert_false(make(&site, refused[i][0], true, &err));
        assert_string_equal(err.text, refused[i][1]);
        assert_int_equal(err.code, ERR_WEB_SERVER);
        assert_null(site.choose.servers);
    }
    AUTO(site) alone;
    must_make(&alone, "http { server { server_name a..b; } }");
}

static void test_no_http_is_no_server(void **state)
{
    (void)state;
    AUTO(site) site;
    must_make(&site, "events {}");
    assert_int_equal(site.choose.address_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_known_by_address),
        cmocka_unit_test(test_only_servers_of_http_count),
        cmocka_unit_test(test_what_is_not_said_is_what_nginx_takes),
        cmocka_unit_test(test_sockets_have_properties),
        cmocka_unit_test(test_a_range_is_its_ports),
        cmocka_unit_test(test_of_equal_names_the_first_counts),
        cmocka_unit_test(test_what_nginx_refuses),
        cmocka_unit_test(test_no_http_is_no_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

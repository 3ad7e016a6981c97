#include <acmec/nginx/listening.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include <cmocka.h>

struct address {
    const char *given;
    const char *text;
    uint16_t last_port;
};

static const struct address addresses[] = {
    {"80", "*:80", 80},
    {"8000-8002", "*:8000", 8002},
    {"*", "*:80", 80},
    {"*:443", "*:443", 443},
    {"0.0.0.0:443", "*:443", 443},
    {"127.0.0.1", "127.0.0.1:80", 80},
    {"010.001.1.1:81-82", "10.1.1.1:81", 82},
    {"1..2.3:80", "1.0.2.3:80", 80},
    {"[::]:443", "[::]:443", 443},
    {"[::]", "[::]:80", 80},
    {"[::1]:8080-8081", "[::1]:8080", 8081},
    {"[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", 1},
    {"[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80", 80},
    {"unix:/run/x.sock", "unix:/run/x.sock", 0},
    {"UNIX:/run/x.sock", "unix:/run/x.sock", 0},
    {"LocalHost", "localhost:80", 80},
    {"a.example:8080", "a.example:8080", 8080},
    {"1.2.3.4.5", "1.2.3.4.5:80", 80},
    {"1.2.3.256", "1.2.3.256:80", 80},
    {"a-b", "a-b:80", 80},
    {"80a", "80a:80", 80},
};

static void test_addresses_are_read_as_nginx_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct span args[] = {span_str(addresses[i].given)};
        struct listening listening;
        struct error err = {0};
        char text[LISTENING_TEXT_MAX];
        if (!listening_parse(args, 1, &listening, &err))
            fail_msg("%s", err.text);
        listening_address_text(&listening.address, text);
        assert_string_equal(text, addresses[i].text);
        assert_int_equal(listening.last_port, addresses[i].last_port);
    }
}

static const char *const refused[][2] = {
    {"0", "invalid port"},
    {"65536", "invalid port"},
    {"99999999999999999999", "invalid port"},
    {"90-80", "invalid port range"},
    {"80-70000", "invalid port"},
    {"*:", "invalid port"},
    {"*:x", "invalid port"},
    {"*:80-x", "invalid port"},
    {"a:0", "invalid port"},
    {":80", "no host"},
    {"", "no host"},
    {"a/b", "invalid host"},
    {"a?b", "invalid host"},
    {"http://a", "invalid host"},
    {"[::1", "invalid host"},
    {"[::1]80", "invalid host"},
    {"[]:80", "no host"},
    {"[::1]:0", "invalid port"},
    {"[1.2.3.4]:80", "invalid IPv6 address"},
    {"[::g]", "invalid IPv6 address"},
    {"unix:", "no path in the unix domain socket"},
};

static void test_what_nginx_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct span args[] = {span_str(refused[i][0])};
        struct listening listening = {.last_port = 7};
        struct error err = {0};
        char wanted[128];
        (void)snprintf(wanted, sizeof wanted, "%s in \"%s\" of the \"listen\" directive",
                       refused[i][1], refused[i][0]);
        assert_false(listening_parse(args, 1, &listening, &err));
        assert_string_equal(err.text, wanted);
        assert_int_equal(err.code, ERR_WEB_SERVER);
        assert_int_equal(listening.last_port, 7);
    }
}

static struct listening parse(struct span option)
{
    struct span args[] = {SPAN_LIT("80"), option};
    struct listening listening;
    struct error err;
    assert_true(listening_parse(args, 2, &listening, &err));
    return listening;
}

static void test_options_are_told_apart(void **state)
{
    (void)state;
    assert_true(parse(SPAN_LIT("default_server")).default_server);
    assert_true(parse(SPAN_LIT("default")).default_server);
    assert_true(parse(SPAN_LIT("ssl")).ssl);
    assert_true(parse(SPAN_LIT("http2")).http2);
    assert_false(parse(SPAN_LIT("spdy")).http2);
    assert_true(parse(SPAN_LIT("proxy_protocol")).proxy_protocol);
    assert_true(parse(SPAN_LIT("reuseport")).socket_options);
    assert_true(parse(SPAN_LIT("ipv6only=off")).socket_options);
    assert_true(parse(SPAN_LIT("ipv6only=off")).dual_stack);
    assert_false(parse(SPAN_LIT("ipv6only=on")).dual_stack);
    assert_true(parse(SPAN_LIT("so_keepalive=on")).socket_options);
    assert_false(parse(SPAN_LIT("ssl")).socket_options);
    struct listening quic = parse(SPAN_LIT("quic"));
    struct listening plain = parse(SPAN_LIT("bind"));
    assert_true(quic.quic && quic.address.udp);
    assert_false(listening_address_equals(&quic.address, &plain.address));
}

static void test_a_server_without_one(void **state)
{
    (void)state;
    char text[LISTENING_TEXT_MAX];
    struct listening root = listening_implied(true);
    struct listening user = listening_implied(false);
    listening_address_nginx_text(&root.address, text);
    assert_string_equal(text, "0.0.0.0:80");
    listening_address_text(&user.address, text);
    assert_string_equal(text, "*:8000");
    assert_true(listening_address_is_wildcard(&root.address));
    assert_int_equal(user.last_port, 8000);
}

static void test_wildcards_are_numbers(void **state)
{
    (void)state;
    struct span six[] = {SPAN_LIT("[::]:80")};
    struct span path[] = {SPAN_LIT("unix:/x")};
    struct span loop[] = {SPAN_LIT("127.0.0.1")};
    struct listening listening;
    struct error err;
    assert_true(listening_parse(six, 1, &listening, &err));
    assert_true(listening_address_is_wildcard(&listening.address));
    assert_true(listening_parse(path, 1, &listening, &err));
    assert_false(listening_address_is_wildcard(&listening.address));
    assert_true(listening_parse(loop, 1, &listening, &err));
    assert_false(listening_address_is_wildcard(&listening.address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_read_as_nginx_does),
        cmocka_unit_test(test_what_nginx_refuses),
        cmocka_unit_test(test_options_are_told_apart),
        cmocka_unit_test(test_a_server_without_one),
        cmocka_unit_test(test_wildcards_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

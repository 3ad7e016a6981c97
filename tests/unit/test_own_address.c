#include <acmec/io/own_address.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_loopback_and_strangers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool own;
    } rows[] = {{"127.0.0.1", true},  {"127.9.9.9", true},    {"::1", true},
                {"192.0.2.1", false}, {"2001:db8::1", false}, {"", false},
                {"localhost", false}, {"127.0.0.1 ", false},  {"::ffff:127.0.0.1", false},
                {"[::1]", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (own_address_has(rows[i].text) != rows[i].own)
            fail_msg("%s", rows[i].text);
}

/* What the system says of its interfaces is what we say. */
static void test_every_interface(void **state)
{
    struct ifaddrs *all;
    (void)state;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET)
            continue;
        assert_non_null(
            inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr,
                      text, sizeof text));
        assert_true(own_address_has(text));
    }
    freeifaddrs(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_and_strangers),
        cmocka_unit_test(test_every_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/io/nginx_about.h>

#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define DEBIAN                                                                                     \
    "nginx version: nginx/1.22.1\n"                                                                \
    "built with OpenSSL 3.0.22 25 Aug 2026 (running with OpenSSL 3.0.19 27 Jan 2026)\n"            \
    "TLS SNI support enabled\n"                                                                    \
    "configure arguments: --with-cc-opt='-g -O2 --prefix=/not/this' --with-ld-opt='-Wl,-z,now' "   \
    "--prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --error-log-path=stderr "         \
    "--pid-path=\"/run/ng inx.pid\" --with-debug\n"

static bool read_about(const char *text, struct nginx_about *out)
{
    struct error err = {0};
    bool good = nginx_about_read(span_str(text), out, &err);
    assert_int_equal(err.code, good ? ERR_NONE : ERR_WEB_SERVER);
    return good;
}

static void test_debian(void **state)
{
    (void)state;
    AUTO(nginx_about) about = {0};
    assert_true(read_about(DEBIAN, &about));
    assert_string_equal(about.product, "nginx/1.22.1");
    assert_int_equal(about.version, NGINX_VERSION(1, 22, 1));
    assert_int_equal(about.openssl_built, NGINX_VERSION(3, 0, 22));
    assert_int_equal(about.openssl, NGINX_VERSION(3, 0, 19));
    assert_string_equal(about.prefix, "/usr/share/nginx");
    assert_string_equal(about.conf_path, "/etc/nginx/nginx.conf");
    assert_string_equal(about.pid_path, "/run/ng inx.pid");
    assert_null(about.error_log);
}

static void test_flavours(void **state)
{
    (void)state;
    static const struct {
        const char *text, *product;
        unsigned version, openssl;
    } cases[] = {
        {"nginx version: nginx/1.27.4 (Ubuntu)\nbuilt with OpenSSL 3.5.1 1 Jul 2025\n",
         "nginx/1.27.4", NGINX_VERSION(1, 27, 4), NGINX_VERSION(3, 5, 1)},
        {"nginx version: openresty/1.25.3.1\nbuilt with OpenSSL 1.1.1w  11 Sep 2023\n",
         "openresty/1.25.3.1", NGINX_VERSION(1, 25, 3), NGINX_VERSION(1, 1, 1)},
        {"Tengine version: Tengine/3.1.0\nnginx version: nginx/1.24.0\n", "Tengine/3.1.0",
         NGINX_VERSION(1, 24, 0), 0},
        {"Angie version: Angie/1.8.1\nnginx version: nginx/1.27.3\nbuilt with LibreSSL 4.0.0\n",
         "Angie/1.8.1", NGINX_VERSION(1, 27, 3), 0},
        {"Angie version: Angie/1.8.1\n", "Angie/1.8.1", NGINX_VERSION_UNKNOWN, 0},
        {"freenginx version: freenginx/1.27.2\n", "freenginx/1.27.2", NGINX_VERSION(1, 27, 2), 0},
        {"nginx version: nginx/1.29.0\nbuilt with OpenSSL 1.1.1 (compatible; AWS-LC 1.50.0) "
         "(running with AWS-LC 1.51.0)",
         "nginx/1.29.0", NGINX_VERSION(1, 29, 0), 0},
        {"nginx version: mine\n", "mine", NGINX_VERSION_UNKNOWN, 0},
        {"warning: x\nnginx version: n\033[2J/1.2\n", "n\\u{001B}[2J/1.2", NGINX_VERSION(1, 2, 0),
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(nginx_about) about = {0};
        assert_true(read_about(cases[i].text, &about));
        assert_string_equal(about.product, cases[i].product);
        assert_int_equal(about.version, cases[i].version);
        assert_int_equal(about.openssl, cases[i].openssl);
        assert_string_equal(about.prefix, "/usr/local/nginx");
        assert_string_equal(about.conf_path, "conf/nginx.conf");
        assert_string_equal(about.error_log, "logs/error.log");
    }
}

static void test_not_nginx(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "\n\n", "Apache/2.4\n", "usage: x",
        "nginx version: nginx/1.2\nconfigure arguments: --prefix=x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct nginx_about about = {.version = 7};
        assert_false(read_about(texts[i], &about));
        assert_int_equal(about.version, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian),
        cmocka_unit_test(test_flavours),
        cmocka_unit_test(test_not_nginx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

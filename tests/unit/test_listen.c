#include "fake/test_fault.h"

#include <acmec/io/listen.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

static int start(void **state)
{
    static struct place place;
    place_make(&place);
    *state = &place;
    return 0;
}

static int end(void **state)
{
    place_remove(*state);
    return 0;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof at;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return at.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&at)->sin6_port)
                                    : ntohs(((struct sockaddr_in *)&at)->sin_port);
}

static int family_of(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof at;
    return getsockname(fd, (struct sockaddr *)&at, &len) == 0 ? at.ss_family : -1;
}

static uint16_t free_port(void)
{
    struct listeners listeners = {0};
    struct error err = {0};
    assert_true(listen_open("127.0.0.1", 0, &listeners, &err));
    uint16_t port = port_of(listeners.fds[0]);
    listeners_release(&listeners);
    return port;
}

static bool has_v6(void)
{
    AUTO_FD fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    return fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0;
}

static bool answers(const char *address, uint16_t port)
{
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    return connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
}

/* ---- what is bound ---- */

static void test_all_addresses(void **state)
{
    AUTO(listeners) listeners = {0};
    struct error err = {0};
    uint16_t port = free_port();
    (void)state;
    assert_true(listen_open(NULL, port, &listeners, &err));
    assert_int_equal(listeners.count, has_v6() ? 2 : 1);
    for (size_t i = 0; i < listeners.count; i++) {
        int fd = listeners.fds[i], only = 0;
        socklen_t len = sizeof only;
        assert_int_equal(port_of(fd), port);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        if (family_of(fd) == AF_INET6) {
            assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len), 0);
            assert_int_equal(only, 1);
        }
    }
    assert_int_equal(family_of(listeners.fds[listeners.count - 1]), AF_INET);
    assert_true(answers("127.0.0.1", port));
    assert_true(answers("127.0.0.77", port));
    listeners_release(&listeners);
    assert_int_equal(listeners.count, 0);
    assert_false(answers("127.0.0.1", port));
}

static void test_one_address(void **state)
{
    struct listeners listeners = {0};
    struct error err = {0};
    uint16_t port = free_port();
    (void)state;
    assert_true(listen_open("127.0.0.77", port, &listeners, &err));
    assert_int_equal(listeners.count, 1);
    assert_true(answers("127.0.0.77", port));
    assert_false(answers("127.0.0.1", port));
    listeners_release(&listeners);
    if (!has_v6())
        skip();
    assert_true(listen_open("::1", port, &listeners, &err));
    assert_int_equal(listeners.count, 1);
    assert_int_equal(family_of(listeners.fds[0]), AF_INET6);
    listeners_release(&listeners);
}

static void test_not_an_address(void **state)
{
    static const char *const addresses[] = {"", "localhost", "127.0.0.1:80", "[::1]", "192.0.2.1"};
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct listeners listeners = {.count = 0, .fds = {-7, -7}};
        struct error err = {0};
        assert_false(listen_open(addresses[i], 8080, &listeners, &err));
        assert_int_equal(err.code, ERR_FILES);
        assert_non_null(strstr(err.text, "port 8080"));
        assert_int_equal(listeners.fds[0], -7);
    }
}

/* ---- a port that is taken ---- */

static void expect_taken(const char *address, uint16_t port)
{
    struct listeners listeners = {0};
    struct error err = {0};
    AUTO_FREE wanted =
        mem_printf("port %u is taken by test_listen (pid %d)", (unsigned)port, (int)getpid());
    assert_false(listen_open(address, port, &listeners, &err));
    assert_int_equal(listeners.count, 0);
    assert_int_equal(err.code, ERR_WEB_SERVER);
    assert_string_equal(err.text, wanted);
    assert_non_null(strstr(err.hint, "--webroot"));
}

static void test_taken(void **state)
{
    static const char *const holders[] = {NULL, "127.0.0.1", "0.0.0.0", "::"};
    (void)state;
    for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++) {
        AUTO(listeners) listeners = {0};
        struct error err = {0};
        uint16_t port = free_port();
        bool is_v6 = holders[i] != NULL && strchr(holders[i], ':') != NULL;
        if (is_v6 && !has_v6())
            continue;
        assert_true(listen_open(holders[i], port, &listeners, &err));
        expect_taken(NULL, port);
        if (!is_v6)
            expect_taken("127.0.0.1", port);
    }
}

/* Its own name reaches a terminal escaped. */
static void test_name_of_holder(void **state)
{
    AUTO(listeners) listeners = {0};
    struct listeners none = {0};
    struct error err = {0};
    uint16_t port = free_port();
    char name[32] = "";
    (void)state;
    FILE *file = fopen("/proc/self/comm", "r+");
    assert_non_null(file);
    assert_non_null(fgets(name, sizeof name, file));
    assert_true(fputs("\033[2J\xff", file) >= 0 && fclose(file) == 0);
    assert_true(listen_open("127.0.0.1", port, &listeners, &err));
    bool good = listen_open("127.0.0.1", port, &none, &err);
    file = fopen("/proc/self/comm", "w");
    assert_true(file != NULL && fputs(name, file) >= 0 && fclose(file) == 0);
    assert_false(good);
    assert_null(strchr(err.text, '\033'));
    assert_non_null(strstr(err.text, "\\u{001B}[2J\\xFF (pid "));
}

/* ---- machines and rights that this one does not have ---- */

/* Says what became of it in dir/result. */
static int run_job(const char *address, const char *dir)
{
    struct place place;
    AUTO(listeners) listeners = {0};
    struct error err = {0};
    (void)snprintf(place.dir, sizeof place.dir, "%s", dir);
    AUTO_FREE text = NULL;
    if (listen_open(strcmp(address, "all") == 0 ? NULL : address, 0, &listeners, &err))
        text = mem_printf("%zu", listeners.count);
    else
        text = mem_printf("%s %s|%s", err_word(err.code), err.text, err.hint);
    place_write(&place, "result", text);
    return 0;
}

static void test_faults(void **state)
{
    static const struct {
        const char *address, *fault, *result; /* how it begins */
    } rows[] = {
        {"all", "socket:error=ENOENT:when=9", "2"},
        {"all", "socket:error=EAFNOSUPPORT:when=1", "1"},
        {"all", "socket:error=EAFNOSUPPORT:when=2", "1"},
        {"all", "socket:error=EAFNOSUPPORT:when=1+", "files cannot listen"},
        {"all", "bind:error=EADDRNOTAVAIL:when=1", "1"}, /* IPv6 is there, and switched off */
        {"all", "bind:error=EADDRNOTAVAIL:when=1+", "files cannot listen"},
        {"all", "bind:error=EADDRINUSE:when=2", "web-server port 0 is taken|"},
        {"all", "bind:error=EACCES:when=1",
         "files cannot listen on port 0: Permission denied|ports "
         "below 1024 need root"},
        {"all", "socket:error=EMFILE:when=1",
         "files cannot listen on port 0: Too many open files|"},
        {"all", "setsockopt:error=ENOPROTOOPT:when=2", "files cannot listen"},
        {"all", "listen:error=EADDRINUSE:when=1", "web-server port 0 is taken|"},
        {"127.0.0.1", "socket:error=EAFNOSUPPORT:when=1", "files cannot listen"},
    };
    const struct place *place = *state;
    if (!fault_possible() || !has_v6())
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(fault_run_with(rows[i].address, place->dir, rows[i].fault), 0);
        AUTO_FREE result = place_read(place, "result");
        if (result == NULL || strncmp(result, rows[i].result, strlen(rows[i].result)) != 0)
            fail_msg("%s: %s", rows[i].fault, result == NULL ? "no result" : result);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_job(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_addresses),
        cmocka_unit_test(test_one_address),
        cmocka_unit_test(test_not_an_address),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_name_of_holder),
        cmocka_unit_test_setup_teardown(test_faults, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

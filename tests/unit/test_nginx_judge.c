#include "fake/fake_nginx.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct fake_bed bed;
static struct nginx_instance instance;
static char conf[512], candidate[512];

static int start(void **state)
{
    fake_bed_make(&bed);
    place_write(&bed.place, "nginx.conf", "fine\n");
    place_write(&bed.place, "candidate", "fine too\n");
    (void)snprintf(conf, sizeof conf, "%s/nginx.conf", bed.place.dir);
    (void)snprintf(candidate, sizeof candidate, "%s/candidate", bed.place.dir);
    instance = (struct nginx_instance){.binary = mem_strdup(fake_self()), .conf = conf};
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    free(instance.binary);
    fake_bed_remove(*state);
    return 0;
}

static void judge(struct nginx_judge *judged, size_t count)
{
    const struct nginx_candidate one = {.path = conf, .file = candidate};
    nginx_judge_start(judged, &bed.world, &instance, &one, count);
    while (!judged->over) {
        struct event event;
        fake_wait(&bed, INT64_MAX, &event);
        assert_true(event.kind != EVENT_CHILD || nginx_judge_take(judged, &event));
        event_release(&event);
    }
}

/* ---- what nginx says ---- */

static void test_complaints(void **state)
{
    (void)state;
    static const struct {
        const char *output, *text, *file;
        unsigned line;
    } cases[] = {
        {"nginx: [emerg] unknown directive \"x\" in /etc/nginx/nginx.conf:12\nnginx: configuration "
         "file /etc/nginx/nginx.conf test failed\n",
         "unknown directive \"x\"", "/etc/nginx/nginx.conf", 12},
        {"nginx: [warn] conflicting in /a:1\nnginx: [emerg] open() \"/x\" failed (2: No such file "
         "or "
         "directory) in /in /b c.conf:3",
         "open() \"/x\" failed (2: No such file or directory)", "/in /b c.conf", 3},
        {"nginx: [emerg] cannot load certificate \"/x\": BIO_new_file() failed (SSL: 2)\r\n",
         "cannot load certificate \"/x\": BIO_new_file() failed (SSL: 2)", "", 0},
        {"nginx: [alert] first\nnginx: [emerg] bind() to 0.0.0.0:80\n", "bind() to 0.0.0.0:80", "",
         0},
        {"nginx: [alert] could not open error log file\n", "could not open error log file", "", 0},
        {"nginx: [emerg] odd in /a:99999999999\n", "odd in /a:99999999999", "", 0},
        {"2026/11/25 10:00:00 [emerg] 12#34: x in /a:5\n", "x", "/a", 5},
        {"nginx: [emerg] 12#: x\nnginx: y", "x", "", 0},
        {"nginx: [emerg] 12#34:x\n", "12#34:x", "", 0},
        {"nginx: [emerg] 12", "12", "", 0},
        {"nginx: [emerg] odd in relative:1\n", "odd in relative:1", "", 0},
        {"nginx: [emerg] \033[2J in /a\001:5\n", "\\u{001B}[2J", "/a\\u{0001}", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nginx_complaint what;
        assert_true(nginx_complaint_read(span_str(cases[i].output), &what));
        assert_string_equal(what.text, cases[i].text);
        assert_string_equal(what.file, cases[i].file);
        assert_int_equal(what.line, cases[i].line);
    }
    struct nginx_complaint none = {.line = 5};
    assert_false(nginx_complaint_read(SPAN_LIT("nginx: [warn] x\nsyntax is ok\n"), &none));
    assert_false(nginx_complaint_read(SPAN_LIT(""), &none));
    assert_int_equal(none.line, 5);
}

/* ---- as it stands ---- */

static void test_as_it_stands(void **state)
{
    (void)state;
    struct nginx_judge judged;
    judge(&judged, 0);
    assert_int_equal(judged.verdict, NGINX_GOOD);
    assert_true(judged.took_ms >= 0 && judged.took_ms < 60000);
    place_write(&bed.place, "nginx.conf", "broken\n");
    judge(&judged, 0);
    AUTO_FREE place = mem_printf("unknown directive \"broken\" in %s:7", conf);
    assert_int_equal(judged.verdict, NGINX_BAD);
    assert_int_equal(judged.error.code, ERR_WEB_SERVER);
    assert_non_null(strstr(judged.error.text, place));
    assert_string_equal(judged.complaint.file, conf);
    assert_int_equal(judged.complaint.line, 7);
}

static void test_no_nginx(void **state)
{
    (void)state;
    struct nginx_judge judged;
    free(instance.binary);
    instance.binary = mem_strdup("/nowhere/nginx");
    judge(&judged, 0);
    assert_int_equal(judged.verdict, NGINX_UNJUDGED);
    assert_int_equal(judged.error.code, ERR_WEB_SERVER);
    assert_non_null(strstr(judged.error.text, "/nowhere/nginx"));
    judge(&judged, 1);
    assert_int_equal(judged.verdict, NGINX_UNJUDGED);
}

/* ---- as it would be ---- */

static bool may_isolate(void)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0)
        _exit(unshare(CLONE_NEWNS));
    (void)waitpid(child, &status, 0);
    return status == 0;
}

static void test_candidates(void **state)
{
    (void)state;
    if (!may_isolate())
        skip();
    struct nginx_judge judged;
    judge(&judged, 1);
    assert_int_equal(judged.verdict, NGINX_GOOD);
    place_write(&bed.place, "candidate", "broken\n");
    judge(&judged, 1);
    assert_int_equal(judged.verdict, NGINX_BAD);
    assert_string_equal(judged.complaint.file, conf); /* the place as it will be */
    assert_true(place_holds(&bed.place, "nginx.conf", "fine\n"));
    judge(&judged, 0);
    assert_int_equal(judged.verdict, NGINX_GOOD); /* nothing changed outside */
    place_write(&bed.place, "nginx.conf", "broken\n");
    place_write(&bed.place, "candidate", "mended\n");
    judge(&judged, 1);
    assert_int_equal(judged.verdict, NGINX_GOOD);
}

static void test_candidate_is_missing(void **state)
{
    (void)state;
    struct nginx_judge judged;
    assert_int_equal(unlink(candidate), 0);
    judge(&judged, 1);
    assert_int_equal(judged.verdict, NGINX_UNJUDGED);
    assert_string_not_equal(judged.error.text, "");
}

static void test_not_allowed(void **state)
{
    (void)state;
    char *argv[] = {
        "self", NGINX_JUDGE_ARG, "1", conf, candidate, instance.binary, "-t", "-c", conf, NULL};
    int status = 0;
    if (geteuid() != 0)
        skip();
    pid_t child = fork();
    if (child == 0) {
        if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
            _exit(9);
        _exit(nginx_judge_main(argv));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WEXITSTATUS(status) >= 120);
}

static void test_child_with_odd_words(void **state)
{
    (void)state;
    static const char *const odd[][6] = {
        {"self", NGINX_JUDGE_ARG, NULL},
        {"self", NGINX_JUDGE_ARG, "x", NULL},
        {"self", NGINX_JUDGE_ARG, "0", "/bin/true", "-t", NULL},
        {"self", NGINX_JUDGE_ARG, "2", "/a", "/b", NULL},
        {"self", NGINX_JUDGE_ARG, "-1", "/a", "/b", NULL},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_true(nginx_judge_main((char **)odd[i]) >= 120);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(int argc, char **argv)
{
    int code;
    if (fake_nginx_main(argc, argv, &code))
        return code;
    const struct CMUnitTest tests[] = {
        TEST(test_complaints),           TEST(test_as_it_stands),         TEST(test_no_nginx),
        TEST(test_candidates),           TEST(test_candidate_is_missing), TEST(test_not_allowed),
        TEST(test_child_with_odd_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

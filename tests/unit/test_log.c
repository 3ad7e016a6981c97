#include <acmec/base/log.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char folder[64];
    char path[80];
};

static int make_place(void **state)
{
    static struct place place;
    strncpy(place.folder, "/tmp/acmec-log-XXXXXX", sizeof(place.folder) - 1);
    if (mkdtemp(place.folder) == NULL)
        return -1;
    (void)snprintf(place.path, sizeof(place.path), "%s/log", place.folder);
    *state = &place;
    return 0;
}

static int remove_place(void **state)
{
    const struct place *place = *state;
    log_close();
    log_set_level(LOG_LEVEL_WARN);
    (void)unlink(place->path);
    return rmdir(place->folder);
}

static void read_all(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

static void test_default_level_is_warn(void **state)
{
    (void)state;
    assert_int_equal(log_level(), LOG_LEVEL_WARN);
}

static void test_file_gets_dated_lines_from_info_up(void **state)
{
    const struct place *place = *state;
    struct error err = {0};
    mode_t old = umask(0);
    assert_true(log_open(place->path, &err));
    umask(old);
    log_debug("quiet");
    log_info("answer %d", 42);
    log_error("two\nlines");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("loud %%s %s", "%s");
    struct stat st;
    assert_int_equal(stat(place->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    char text[1000];
    read_all(place->path, text, sizeof(text));
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, "] info: answer 42\n20"));
    assert_non_null(strstr(text, "] error: two lines\n20"));
    assert_non_null(strstr(text, "] debug: loud %s %s\n"));
    int year = 0;
    char zone = 0;
    assert_int_equal(sscanf(text, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d%c", &year, &zone), 2);
    assert_int_equal(zone, 'Z');
}

static void test_file_is_appended_to(void **state)
{
    const struct place *place = *state;
    struct error err = {0};
    for (int i = 0; i < 2; i++) {
        assert_true(log_open(place->path, &err));
        log_warn("run %d", i);
        log_close();
    }
    char text[1000];
    read_all(place->path, text, sizeof(text));
    assert_non_null(strstr(text, "run 0\n"));
    assert_non_null(strstr(text, "run 1\n"));
}

static void test_long_line_is_cut(void **state)
{
    const struct place *place = *state;
    struct error err = {0};
    char longer[9000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_true(log_open(place->path, &err));
    log_warn("%s", longer);
    log_warn("next");
    char text[9000];
    read_all(place->path, text, sizeof(text));
    assert_int_equal(strchr(text, '\n') - text, 4095);
    assert_non_null(strstr(text, "warning: next\n"));
}

static void test_links_folders_and_fifos_are_refused(void **state)
{
    const struct place *place = *state;
    struct error err = {0};
    assert_int_equal(symlink("elsewhere", place->path), 0);
    assert_false(log_open(place->path, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_int_equal(unlink(place->path), 0);
    assert_false(log_open(place->folder, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_false(log_open(place->path, &err));
    assert_int_equal(err.code, ERR_FILES);
    int reader = open(place->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_false(log_open(place->path, &err));
    assert_non_null(strstr(err.text, "not a regular file"));
    (void)close(reader);
    assert_false(log_open("/nonexistent/log", &err));
    assert_string_equal(err.text,
                        "cannot open the log '/nonexistent/log': No such file or directory");
}

static void test_failed_open_keeps_the_old_sink(void **state)
{
    const struct place *place = *state;
    struct error err = {0};
    assert_true(log_open(place->path, &err));
    assert_false(log_open("/nonexistent/log", &err));
    log_warn("still here");
    char text[1000];
    read_all(place->path, text, sizeof(text));
    assert_non_null(strstr(text, "still here\n"));
}

/* stderr is a file meanwhile. */
static void test_stderr_obeys_the_level(void **state)
{
    const struct place *place = *state;
    int saved = dup(STDERR_FILENO);
    int file = open(place->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(saved >= 0 && file >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    log_info("hidden");
    log_warn("seen");
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)close(file);
    char text[1000];
    read_all(place->path, text, sizeof(text));
    assert_string_equal(text, "test_log: warning: seen\n");
}

static void test_syslog_opens_without_a_daemon(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(log_open("syslog", &err));
    log_info("a test of acmec with %%s in it");
    log_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_level_is_warn),
        cmocka_unit_test_setup_teardown(test_file_gets_dated_lines_from_info_up, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_file_is_appended_to, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_long_line_is_cut, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_links_folders_and_fifos_are_refused, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_failed_open_keeps_the_old_sink, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_stderr_obeys_the_level, make_place, remove_place),
        cmocka_unit_test(test_syslog_opens_without_a_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/cli/progress.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bed {
    int ends[2];
    struct progress *progress;
    struct progress_sink sink;
    char seen[4096];
};

static struct bed begin(enum progress_mode mode)
{
    struct bed bed = {0};
    assert_int_equal(pipe2(bed.ends, O_NONBLOCK | O_CLOEXEC), 0);
    bed.progress = progress_new(mode, bed.ends[1]);
    bed.sink = progress_sink(bed.progress);
    return bed;
}

static void tell(struct bed *bed, enum progress_kind kind, const char *name, const char *detail)
{
    struct outcome outcome = {0};
    struct progress_event event = {kind, name, detail, kind == PROGRESS_FINISHED ? &outcome : NULL};
    if (detail != NULL && strcmp(detail, "failed") == 0)
        outcome.error.code = ERR_REFUSED;
    bed->sink.event(bed->sink.ctx, &event);
}

/* What was written since the last look. */
static const char *seen(struct bed *bed)
{
    ssize_t len = read(bed->ends[0], bed->seen, sizeof bed->seen - 1);
    bed->seen[len > 0 ? len : 0] = 0;
    return bed->seen;
}

static void end(struct bed *bed)
{
    progress_free(bed->progress);
    (void)close(bed->ends[0]);
    (void)close(bed->ends[1]);
}

static void tell_a_run(struct bed *bed)
{
    tell(bed, PROGRESS_STARTED, "a.example", "ordering");
    tell(bed, PROGRESS_STEP, "a.example", "ordering"); /* nothing new */
    tell(bed, PROGRESS_STEP, "a.example", "proving");
    tell(bed, PROGRESS_NOTICE, "", "the clock is off");
    tell(bed, PROGRESS_NOTICE, "a.example", "slow");
    tell(bed, PROGRESS_FINISHED, "a.example", NULL);
}

static void test_lines(void **state)
{
    (void)state;
    struct bed bed = begin(PROGRESS_MODE_LINES);
    tell_a_run(&bed);
    assert_string_equal(seen(&bed), "a.example: ordering\na.example: proving\nthe clock is off\n"
                                    "a.example: slow\n");
    end(&bed);
    bed = begin(PROGRESS_MODE_NOTICES);
    tell_a_run(&bed);
    assert_string_equal(seen(&bed), "the clock is off\na.example: slow\n");
    end(&bed);
    bed = begin(PROGRESS_MODE_QUIET);
    tell_a_run(&bed);
    assert_string_equal(seen(&bed), "");
    end(&bed);
}

static void test_live(void **state)
{
    (void)state;
    struct bed bed = begin(PROGRESS_MODE_LIVE);
    tell(&bed, PROGRESS_STARTED, "a.example", "ordering");
    assert_string_equal(seen(&bed), "a.example: ordering\n");
    tell(&bed, PROGRESS_STARTED, "b.example", "ordering");
    assert_string_equal(seen(&bed), "\033[1A\r\033[Ja.example: ordering\nb.example: ordering\n");
    tell(&bed, PROGRESS_NOTICE, "", "hear");
    assert_string_equal(seen(&bed),
                        "\033[2A\r\033[Jhear\na.example: ordering\nb.example: ordering\n");
    tell(&bed, PROGRESS_FINISHED, "a.example", "failed");
    assert_string_equal(
        seen(&bed), "\033[2A\r\033[Jb.example: ordering\n1 running, 1 done, 1 of them failed\n");
    progress_pause(bed.progress);
    assert_string_equal(seen(&bed), "\033[2A\r\033[J");
    progress_pause(bed.progress);
    assert_string_equal(seen(&bed), "");
    tell(&bed, PROGRESS_FINISHED, "b.example", NULL);
    assert_string_equal(seen(&bed), "");
    end(&bed);
}

static void test_many_and_long(void **state)
{
    (void)state;
    struct bed bed = begin(PROGRESS_MODE_LIVE);
    for (int i = 0; i < 20; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "n%d.example", i);
        tell(&bed, PROGRESS_STARTED, name,
             "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
             "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
             "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
             "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
        (void)seen(&bed);
    }
    tell(&bed, PROGRESS_STEP, "n0.example", "x");
    const char *text = seen(&bed);
    size_t lines = 0;
    for (const char *at = text; *at != 0; at++)
        lines += *at == '\n' ? 1 : 0;
    assert_int_equal(lines, 9);
    assert_non_null(strstr(text, "20 running"));
    const char *line = strstr(text, "n1.example");
    size_t len = strcspn(line, "\n");
    assert_true(len < 80);
    assert_int_equal((unsigned char)line[len - 1], 0xa4);
    end(&bed);
}

static void test_nobody_reads(void **state)
{
    (void)state;
    struct bed bed = begin(PROGRESS_MODE_LINES);
    (void)close(bed.ends[1]);
    tell_a_run(&bed);
    bed.ends[1] = -1;
    end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_many_and_long),
        cmocka_unit_test(test_nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

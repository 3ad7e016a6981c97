#include <acmec/cli/ask.h>

#include <acmec/base/cleanup.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bed {
    struct ask ask;
    int answer, question; /* our ends */
};

static struct bed begin(const char *typed)
{
    int in[2];
    int out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(in[1], typed, strlen(typed)), strlen(typed));
    return (struct bed){{.in = in[0], .out = out[1]}, in[1], out[0]};
}

static void end(struct bed *bed)
{
    (void)close(bed->ask.in);
    (void)close(bed->ask.out);
    (void)close(bed->question);
    if (bed->answer >= 0)
        (void)close(bed->answer);
}

static bool confirmed(const char *typed)
{
    struct bed bed = begin(typed);
    (void)close(bed.answer);
    bed.answer = -1;
    bool yes = ask_confirm(&bed.ask, "Go on?");
    char question[64] = "";
    (void)!read(bed.question, question, sizeof question - 1);
    assert_string_equal(question, "Go on? [y/N]: ");
    end(&bed);
    return yes;
}

static void test_confirm(void **state)
{
    (void)state;
    assert_true(confirmed("y\n"));
    assert_true(confirmed("  YES \r\n"));
    assert_false(confirmed("n\n"));
    assert_false(confirmed("\n"));
    assert_false(confirmed(""));
    assert_false(confirmed("y")); /* the end of input, no line */
    assert_false(confirmed("yeah\n"));
}

static void test_yes_asks_nothing(void **state)
{
    (void)state;
    struct bed bed = begin("");
    char byte;
    bed.ask.yes = true;
    assert_true(ask_confirm(&bed.ask, "Go on?"));
    assert_true(read(bed.question, &byte, 1) < 0);
    end(&bed);
}

static void test_line(void **state)
{
    (void)state;
    struct bed bed = begin(" a@b.example \t\nnext\n\n");
    AUTO_FREE first = ask_line(&bed.ask, "E-mail");
    AUTO_FREE second = ask_line(&bed.ask, "E-mail");
    assert_string_equal(first, "a@b.example");
    assert_string_equal(second, "next");
    assert_null(ask_line(&bed.ask, "E-mail"));
    end(&bed);
}

static void test_too_long(void **state)
{
    (void)state;
    char text[ASK_ANSWER_MAX + 3];
    memset(text, 'x', sizeof text);
    strncpy(text + sizeof text - 2, "\n", 2);
    struct bed bed = begin(text);
    assert_null(ask_line(&bed.ask, "E-mail"));
    end(&bed);
}

static void test_a_signal_is_no_answer(void **state)
{
    (void)state;
    struct bed bed = begin("");
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_null(ask_line(&bed.ask, "E-mail"));
    assert_int_equal(sigwait(&set, &number), 0); /* still there for the engine */
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    end(&bed);
}

static void test_no_terminal_no_questions(void **state)
{
    (void)state;
    struct bed bed = begin("");
    bed.ask.yes = true;
    struct engine_questions questions = ask_questions(&bed.ask);
    assert_null(questions.confirm);
    assert_null(questions.line);
    end(&bed);
}

static void test_terminal(void **state)
{
    (void)state;
    int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(ours >= 0);
    assert_int_equal(grantpt(ours), 0);
    assert_int_equal(unlockpt(ours), 0);
    int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(theirs >= 0);
    struct ask ask = {.in = theirs, .out = theirs};
    struct engine_questions questions = ask_questions(&ask);
    assert_ptr_equal(questions.ctx, &ask);
    assert_int_equal(write(ours, "yes\n", 4), 4);
    assert_true(questions.confirm(questions.ctx, "Go on?"));
    ask.yes = true;
    assert_null(ask_questions(&ask).line);
    (void)close(theirs);
    (void)close(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confirm),
        cmocka_unit_test(test_yes_asks_nothing),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_a_signal_is_no_answer),
        cmocka_unit_test(test_no_terminal_no_questions),
        cmocka_unit_test(test_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

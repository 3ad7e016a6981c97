#include <acmec/cli/summary.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1000000000 /* 2001-09-09T01:46:40Z */
#define DAY 86400

static const struct summary_style plain = {.now = NOW};
static const struct summary_style terminal = {.now = NOW, .terminal = true};
static const struct summary_style quiet = {.now = NOW, .quiet = true, .terminal = true};

static struct outcome *add(struct report *report, const char *name, enum outcome_action action,
                           enum err_code code)
{
    struct outcome *outcome = outcome_list_add(&report->certificates, name);
    struct identifier domain = {IDENTIFIER_DNS, ""};
    (void)snprintf(domain.value, sizeof domain.value, "%s", name);
    (void)identifier_list_add(&outcome->domains, &domain);
    outcome->action = action;
    outcome->not_before = NOW - DAY;
    outcome->not_after = NOW + 89 * DAY;
    outcome->next_renewal = NOW + 60 * DAY;
    outcome->live = mem_strdup("/etc/acmec/live/x");
    if (code != ERR_NONE)
        (fail)(&outcome->error, code, "the CA refused");
    return outcome;
}

static void assert_texts(const struct report *report, const struct summary_style *style,
                         const char *wanted_out, const char *wanted_errors)
{
    AUTO(buf) out = BUF(REPORT_MAX);
    AUTO(buf) errors = BUF(REPORT_MAX);
    summary_write(report, style, &out, &errors);
    assert_string_equal(buf_str(&out), wanted_out);
    assert_string_equal(buf_str(&errors), wanted_errors);
}

static void test_cron_is_quiet(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN};
    assert_texts(&report, &plain, "", "");
    add(&report, "a.example", ACTION_NOT_DUE, ERR_NONE);
    assert_texts(&report, &plain, "", "");
    assert_texts(&report, &terminal,
                 "nothing to do: a.example is valid until 2001-12-07, its next renewal is on "
                 "2001-11-08\n",
                 "");
    add(&report, "b.example", ACTION_NOT_DUE, ERR_NONE)->next_renewal = NOW;
    assert_texts(&report, &terminal,
                 "nothing due: 2 certificates, the next is b.example on 2001-09-09\n", "");
    assert_texts(&report, &quiet, "", "");
    add(&report, "c.example", ACTION_RENEWED, ERR_NONE);
    assert_texts(&report, &plain,
                 "renewed c.example: valid until 2001-12-07, in /etc/acmec/live/x\n", "");
    assert_texts(&report, &quiet, "", "");
}

static void test_by_hand_says_that_nothing_was_to_do(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN, .by_hand = true};
    AUTO(buf) out = BUF(REPORT_MAX);
    AUTO(buf) errors = BUF(REPORT_MAX);
    add(&report, "a.example", ACTION_NOT_DUE, ERR_NONE);
    summary_write(&report, &plain, &out, &errors);
    assert_non_null(strstr(buf_str(&out), "nothing to do: a.example"));
}

static void test_failures(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN};
    struct outcome *outcome = add(&report, "a.example", ACTION_FAILED, ERR_REFUSED);
    with_hint(&outcome->error, "look at port 80");
    assert_texts(&report, &quiet, "",
                 "acmec: a.example: the CA refused\n  hint: look at port 80\n");
    outcome = add(&report, "b.example", ACTION_HELD_BACK, ERR_RATE_LIMITED);
    outcome->error.retry_at = NOW + 60;
    add(&report, "c.example", ACTION_RENEWED, ERR_NONE);
    add(&report, "d.example", ACTION_DEFERRED, ERR_NETWORK);
    add(&report, "e.example", ACTION_NOT_DUE, ERR_NONE);
    assert_texts(&report, &terminal,
                 "renewed c.example: valid until 2001-12-07, in /etc/acmec/live/x\n",
                 "acmec: a.example: the CA refused\n  hint: look at port 80\n"
                 "acmec: b.example: held back until 2001-09-09T01:47:40Z: the CA refused\n"
                 "  hint: --force tries now\n"
                 "acmec: 1 renewed, 1 failed, 1 held-back, 1 deferred, 1 not-due\n");
}

static void test_an_outage_is_one_error(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN};
    (fail)(&report.error, ERR_NETWORK, "cannot connect");
    report.error.retry_at = NOW;
    for (int i = 0; i < 50; i++)
        add(&report, "a.example", ACTION_DEFERRED, ERR_NONE);
    assert_texts(&report, &terminal, "",
                 "acmec: cannot connect\n  hint: not before 2001-09-09T01:46:40Z\n"
                 "acmec: 50 deferred\n");
}

static void test_a_deploy_that_failed(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN};
    add(&report, "a.example", ACTION_ISSUED, ERR_HOOK);
    assert_texts(&report, &plain,
                 "issued a.example: valid until 2001-12-07, in /etc/acmec/live/x\n",
                 "acmec: a.example: the CA refused\n");
}

static void test_dry_runs(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN};
    add(&report, "a.example", ACTION_WOULD_ISSUE, ERR_NONE);
    add(&report, "b.example", ACTION_WOULD_RENEW, ERR_NONE)->reused_proof = true;
    assert_texts(&report, &plain,
                 "dry run: a.example would be issued\ndry run: b.example would be renewed; the CA "
                 "relied on an earlier proof\n",
                 "");
}

static void test_states(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_LIST};
    struct outcome *outcome = add(&report, "a.example", ACTION_NONE, ERR_NONE);
    assert_string_equal(summary_state(outcome, NOW).word, "valid");
    outcome->due = true;
    assert_string_equal(summary_state(outcome, NOW).word, "due");
    (fail)(&outcome->error, ERR_NETWORK, "gone");
    assert_string_equal(summary_state(outcome, NOW).word, "failing: ");
    assert_string_equal(summary_state(outcome, NOW).class, "network");
    outcome->deploy_pending = true;
    assert_string_equal(summary_state(outcome, NOW).word, "deploy pending");
    outcome->not_after = NOW;
    assert_string_equal(summary_state(outcome, NOW).word, "expired");
    outcome->deploy_pending = false;
    outcome->error = (struct error){0};
    outcome->not_after = 0;
    assert_string_equal(summary_state(outcome, NOW).word, "not issued");
}

static void test_table(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_LIST};
    assert_texts(&report, &plain, "", "");
    struct outcome *outcome = add(&report, "long-name.example", ACTION_NONE, ERR_NONE);
    struct identifier more = {IDENTIFIER_DNS, "www.long-name.example"};
    (void)identifier_list_add(&outcome->domains, &more);
    outcome = add(&report, "b", ACTION_NONE, ERR_NONE);
    outcome->not_after = outcome->next_renewal = 0;
    assert_texts(&report, &quiet,
                 "NAME               NAMES                 EXPIRES     RENEWAL     STATE\n"
                 "long-name.example  long-name.example +1  2001-12-07  2001-11-08  valid\n"
                 "b                  b                     -           -           not issued\n",
                 "");
}

static void test_detail_and_status(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_STATUS};
    assert_texts(&report, &plain, "0 certificates, all well\n", "");
    AUTO(buf) out = BUF(REPORT_MAX);
    AUTO(buf) errors = BUF(REPORT_MAX);
    struct outcome *outcome = add(&report, "a.example", ACTION_NONE, ERR_NONE);
    assert_texts(&report, &plain, "1 certificate, all well, the next renewal is on 2001-11-08\n",
                 "");
    (fail)(&outcome->error, ERR_NETWORK, "gone");
    with_hint(&outcome->error, "look");
    outcome->error.retry_at = NOW + 60;
    summary_write(&report, &plain, &out, &errors);
    static const char *const lines[] = {"a.example\n  names         a.example\n",
                                        "  state         failing: network\n",
                                        "  valid until   2001-12-07T01:46:40Z (",
                                        "  last failure  gone\n",
                                        "  hint          look\n",
                                        "  next attempt  2001-09-09T01:47:40Z (",
                                        "  serial        -\n",
                                        "\n1 certificate, 1 of them needs a person\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(buf_str(&out), lines[i]) == NULL)
            fail_msg("no '%s' in %s", lines[i], buf_str(&out));
    }
    assert_int_equal(errors.len, 0);
}

static void test_colors(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN};
    struct summary_style colored = {.now = NOW, .color = true};
    add(&report, "a.example", ACTION_FAILED, ERR_REFUSED);
    assert_texts(&report, &colored, "", "acmec: a.example: the CA refused\n");
    colored.color_error = true;
    assert_texts(&report, &colored, "", "\033[31macmec:\033[0m a.example: the CA refused\n");
}

static void test_answers_are_a_line_each(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_WHICH};
    struct nginx_answer answers[] = {
        {"*:443", true, true, "/etc/nginx/x\n", 12, "wildcard", "*.A.example"},
        {"[::]:80", false, false, "/etc/nginx/y", 1, "default", NULL},
        {"*:80", false, false, "/etc/nginx/y", 3, "exact", ""},
    };
    report.answers.items = answers;
    report.answers.count = 3;
    assert_texts(&report, &quiet,
                 "*:443/udp /etc/nginx/x :12 wildcard *.A.example\n"
                 "[::]:80 /etc/nginx/y:1 default -\n"
                 "*:80 /etc/nginx/y:3 exact \"\"\n",
                 "");
    report.answers = (struct nginx_answers){0};
}

static void test_a_parse_is_json_only(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_PARSE};
    (fail)(&report.error, ERR_WEB_SERVER, "unexpected \";\"");
    assert_texts(&report, &plain, "", "acmec: unexpected \";\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cron_is_quiet),
        cmocka_unit_test(test_by_hand_says_that_nothing_was_to_do),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_an_outage_is_one_error),
        cmocka_unit_test(test_a_deploy_that_failed),
        cmocka_unit_test(test_dry_runs),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_detail_and_status),
        cmocka_unit_test(test_colors),
        cmocka_unit_test(test_answers_are_a_line_each),
        cmocka_unit_test(test_a_parse_is_json_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <acmec/cli/report.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1000000

struct row {
    enum outcome_action action;
    enum err_code code;
};

static void add(struct report *report, enum outcome_action action, enum err_code code)
{
    struct outcome *outcome = outcome_list_add(&report->certificates, "a.example");
    outcome->action = action;
    if (code != ERR_NONE)
        (fail)(&outcome->error, code, "no");
}

static int code_of(enum err_code top, const struct row *rows, bool detailed)
{
    AUTO(report) report = {.kind = REPORT_RUN};
    if (top != ERR_NONE)
        (fail)(&report.error, top, "no");
    for (size_t i = 0; rows[i].action != ACTION_COUNT; i++)
        add(&report, rows[i].action, rows[i].code);
    return report_exit_code(&report, NOW, detailed);
}

#define END                                                                                        \
    {                                                                                              \
        ACTION_COUNT, ERR_NONE                                                                     \
    }

static void test_exit_codes(void **state)
{
    (void)state;
    static const struct {
        enum err_code top;
        struct row rows[5];
        int plain, detailed;
    } cases[] = {
        {ERR_NONE, {END}, 0, 0},
        {ERR_NONE, {{ACTION_NOT_DUE, ERR_NONE}, END}, 0, 0},
        {ERR_NONE, {{ACTION_ISSUED, ERR_NONE}, {ACTION_NOT_DUE, ERR_NONE}, END}, 0, 10},
        {ERR_NONE, {{ACTION_WOULD_RENEW, ERR_NONE}, END}, 0, 0},
        {ERR_NONE, {{ACTION_FAILED, ERR_REFUSED}, END}, 5, 5},
        {ERR_NONE, {{ACTION_FAILED, ERR_REFUSED}, {ACTION_NOT_DUE, ERR_NONE}, END}, 5, 5},
        {ERR_NONE, {{ACTION_FAILED, ERR_FILES}, {ACTION_FAILED, ERR_FILES}, END}, 7, 7},
        {ERR_NONE, {{ACTION_FAILED, ERR_FILES}, {ACTION_FAILED, ERR_HOOK}, END}, 1, 1},
        {ERR_NONE, {{ACTION_FAILED, ERR_REFUSED}, {ACTION_RENEWED, ERR_NONE}, END}, 1, 1},
        {ERR_NONE, {{ACTION_WOULD_RENEW, ERR_NONE}, {ACTION_FAILED, ERR_REFUSED}, END}, 1, 1},
        {ERR_NONE, {{ACTION_HELD_BACK, ERR_RATE_LIMITED}, END}, 6, 6},
        {ERR_NONE, {{ACTION_HELD_BACK, ERR_REFUSED}, {ACTION_FAILED, ERR_REFUSED}, END}, 5, 5},
        {ERR_NONE, {{ACTION_RENEWED, ERR_HOOK}, END}, 9, 9},
        {ERR_NONE, {{ACTION_NOT_DUE, ERR_HOOK}, END}, 9, 9},
        {ERR_NONE, {{ACTION_DEFERRED, ERR_NONE}, END}, 0, 0},
        {ERR_NETWORK, {{ACTION_DEFERRED, ERR_NONE}, {ACTION_DEFERRED, ERR_NONE}, END}, 4, 4},
        {ERR_NETWORK, {{ACTION_RENEWED, ERR_NONE}, {ACTION_DEFERRED, ERR_NONE}, END}, 1, 1},
        {ERR_NETWORK, {{ACTION_FAILED, ERR_REFUSED}, END}, 1, 1},
        {ERR_USAGE, {END}, 2, 2},
        {ERR_CONFIG, {END}, 3, 3},
        {ERR_LOCKED, {END}, 75, 75},
        {ERR_INTERRUPTED, {{ACTION_ISSUED, ERR_NONE}, END}, 130, 130},
        {ERR_TERMINATED, {{ACTION_FAILED, ERR_REFUSED}, END}, 143, 143},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(code_of(cases[i].top, cases[i].rows, false), cases[i].plain);
        assert_int_equal(code_of(cases[i].top, cases[i].rows, true), cases[i].detailed);
    }
}

static void test_issue_is_one_thing(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_RUN, .by_hand = true};
    add(&report, ACTION_ISSUED, ERR_NONE);
    assert_int_equal(report_exit_code(&report, NOW, true), 10);
    (fail)(&report.error, ERR_FILES, "the options could not be kept");
    assert_int_equal(report_exit_code(&report, NOW, true), 7);
    (fail)(&report.certificates.items[0].error, ERR_HOOK, "no");
    assert_int_equal(report_exit_code(&report, NOW, true), 1);
}

static void test_status_needs_a_person(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_STATUS};
    add(&report, ACTION_NONE, ERR_NONE);
    struct outcome *outcome = &report.certificates.items[0];
    outcome->not_after = NOW + 1;
    assert_int_equal(report_exit_code(&report, NOW, false), 0);
    outcome->not_after = NOW;
    assert_int_equal(report_exit_code(&report, NOW, false), 1);
    outcome->not_after = NOW + 1;
    outcome->deploy_pending = true;
    assert_int_equal(report_exit_code(&report, NOW, false), 1);
    outcome->deploy_pending = false;
    (fail)(&outcome->error, ERR_NETWORK, "gone");
    assert_int_equal(report_exit_code(&report, NOW, false), 1);
    report.kind = REPORT_LIST;
    assert_int_equal(report_exit_code(&report, NOW, false), 0);
    (fail)(&report.error, ERR_FILES, "gone");
    assert_int_equal(report_exit_code(&report, NOW, false), 7);
}

static json_t *document(const struct report *report, int code)
{
    AUTO(buf) text = BUF(REPORT_MAX);
    struct error err = {0};
    json_t *parsed = NULL;
    report_json(report, code, &text);
    assert_true(buf_ok(&text));
    assert_int_equal(buf_str(&text)[text.len - 1], '\n');
    if (!json_parse_object(buf_span(&text), REPORT_MAX, ERR_FILES, &parsed, &err))
        fail_msg("%s", err.text);
    return parsed;
}

static void assert_members(const json_t *object, const char *const *wanted)
{
    size_t i = 0;
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)object, member, value)
    {
        if (wanted[i] == NULL)
            break;
        assert_string_equal(member, wanted[i]);
        i++;
    }
    assert_null(wanted[i]);
}

static void test_document(void **state)
{
    (void)state;
    static const char *const first[] = {"acmec",        "command", "ok", "exit_code",
                                        "certificates", "error",   NULL};
    static const char *const certificate[] = {
        "name",           "domains",   "action",  "not_before", "not_after",
        "next_renewal",   "serial",    "issuer",  "live",       "due",
        "deploy_pending", "installed", "dropped", "error",      NULL};
    AUTO(report) report = {.kind = REPORT_RUN, .command = "renew"};
    struct identifier name = {IDENTIFIER_DNS, "a.example"};
    add(&report, ACTION_FAILED, ERR_RATE_LIMITED);
    add(&report, ACTION_NOT_DUE, ERR_NONE);
    struct outcome *outcome = &report.certificates.items[0];
    (void)identifier_list_add(&outcome->domains, &name);
    with_hint(&outcome->error, "wait");
    outcome->error.retry_at = 86400;
    outcome->not_after = 86401;
    outcome->live = mem_strdup("/l");
    json_t *parsed = document(&report, 6);
    assert_members(parsed, first);
    assert_string_equal(json_opt_str(parsed, "acmec"), ACMEC_VERSION);
    assert_string_equal(json_opt_str(parsed, "command"), "renew");
    assert_true(json_is_false(json_object_get(parsed, "ok")));
    assert_int_equal(json_opt_int(parsed, "exit_code", 0), 6);
    assert_true(json_is_null(json_object_get(parsed, "error")));
    json_t *row = json_array_get(json_object_get(parsed, "certificates"), 0);
    assert_members(row, certificate);
    assert_string_equal(json_opt_str(row, "action"), "failed");
    assert_string_equal(json_opt_str(row, "not_after"), "1970-01-02T00:00:01Z");
    assert_true(json_is_null(json_object_get(row, "serial")));
    assert_string_equal(json_opt_str(row, "live"), "/l");
    json_t *error = json_object_get(row, "error");
    assert_string_equal(json_opt_str(error, "class"), "rate-limited");
    assert_string_equal(json_opt_str(error, "message"), "no");
    assert_string_equal(json_opt_str(error, "hint"), "wait");
    assert_true(json_is_null(json_object_get(error, "acme_type")));
    assert_string_equal(json_opt_str(error, "retry_at"), "1970-01-02T00:00:00Z");
    row = json_array_get(json_object_get(parsed, "certificates"), 1);
    assert_true(json_is_null(json_object_get(row, "live")));
    assert_true(json_is_null(json_object_get(row, "error")));
    assert_true(json_is_array(json_object_get(row, "installed")));
    json_decref(parsed);
}

static void test_document_of_an_error(void **state)
{
    (void)state;
    AUTO(report) report = {0};
    (fail)(&report.error, ERR_USAGE, "unknown command 'x'");
    json_t *parsed = document(&report, 2);
    assert_true(json_is_null(json_object_get(parsed, "command")));
    assert_int_equal(json_array_size(json_object_get(parsed, "certificates")), 0);
    assert_string_equal(json_opt_str(json_object_get(parsed, "error"), "class"), "usage");
    json_decref(parsed);
}

static void test_further_members(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_ACCOUNTS, .command = "account show"};
    report.accounts.items = mem_new(1, sizeof *report.accounts.items);
    report.accounts.count = 1;
    report.accounts.items[0].ca = mem_strdup("https://ca.example");
    json_t *parsed = document(&report, 10);
    assert_true(json_is_true(json_object_get(parsed, "ok")));
    json_t *account = json_array_get(json_object_get(parsed, "accounts"), 0);
    assert_string_equal(json_opt_str(account, "ca"), "https://ca.example");
    assert_true(json_is_null(json_object_get(account, "thumbprint")));
    json_decref(parsed);
    report.kind = REPORT_TEXT;
    report.text = BUF(16);
    buf_add_str(&report.text, "hello");
    parsed = document(&report, 0);
    assert_string_equal(json_opt_str(parsed, "text"), "hello");
    assert_null(json_object_get(parsed, "accounts"));
    json_decref(parsed);
}

static void test_json_of_answers(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_WHICH, .command = "nginx which"};
    report.answers.name = mem_strdup("a.example");
    report.answers.items = mem_new(1, sizeof *report.answers.items);
    report.answers.count = 1;
    report.answers.items[0] = (struct nginx_answer){
        .address = mem_strdup("*:443"),
        .tls = true,
        .file = mem_strdup("/etc/nginx/x"),
        .line = 12,
        .by = "default",
    };
    AUTO(buf) out = BUF(REPORT_MAX);
    report_json(&report, 0, &out);
    assert_non_null(strstr(buf_str(&out),
                           "\"error\":null,\"name\":\"a.example\",\"answers\":[{\"address\":"
                           "\"*:443\",\"tls\":true,\"file\":\"/etc/nginx/x\",\"line\":12,"
                           "\"by\":\"default\",\"server_name\":null,\"quic\":false}]}"));
}

static void test_json_of_a_parse(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_PARSE, .command = "nginx parse"};
    AUTO(buf) out = BUF(REPORT_MAX);
    report_json(&report, 7, &out);
    assert_non_null(strstr(buf_str(&out), "\"status\":\"failed\",\"errors\":[],\"config\":[]}"));
}

static void add_target(struct report *report, enum err_code code)
{
    struct check_target *target = check_targets_add(&report->targets);
    target->place = (struct check_place){.host = "a.example", .port = 443};
    (void)snprintf(target->address, sizeof target->address, "192.0.2.1:443");
    if (code != ERR_NONE)
        (void)check_problem(target, code, "no");
}

static void test_a_target_counts_as_a_certificate_does(void **state)
{
    (void)state;
    static const struct {
        enum err_code first, second;
        int code;
    } rows[] = {
        {ERR_NONE, ERR_NONE, 0},
        {ERR_NETWORK, ERR_NETWORK, 4},
        {ERR_WEB_SERVER, ERR_WEB_SERVER, 8},
        {ERR_NETWORK, ERR_WEB_SERVER, 1},
        {ERR_NONE, ERR_WEB_SERVER, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(report) report = {.kind = REPORT_CHECK};
        add_target(&report, rows[i].first);
        add_target(&report, rows[i].second);
        assert_int_equal(report_exit_code(&report, NOW, true), rows[i].code);
    }
}

static void test_a_red_row_is_a_refusal(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_PREFLIGHT, .command = "preflight"};
    AUTO(buf) out = BUF(REPORT_MAX);
    struct error err;
    json_t *document;
    (void)preflight_add(&report.checks, "a.example", PREFLIGHT_CAA, true, "fine");
    assert_int_equal(report_exit_code(&report, NOW, true), 0);
    preflight_hint(preflight_add(&report.checks, "a.example", PREFLIGHT_PORT_80, false, "no"),
                   "do");
    assert_int_equal(report_exit_code(&report, NOW, true), 5);
    report_json(&report, 5, &out);
    assert_true(json_parse_object(buf_span(&out), REPORT_MAX, ERR_CONFIG, &document, &err));
    const json_t *row = json_array_get(json_opt_array(document, "checks"), 1);
    assert_string_equal(json_opt_str(row, "name"), "a.example");
    assert_string_equal(json_opt_str(row, "check"), "port-80");
    assert_false(json_opt_bool(row, "ok", true));
    assert_string_equal(json_opt_str(row, "detail"), "no");
    assert_string_equal(json_opt_str(row, "hint"), "do");
    assert_string_equal(json_opt_str(json_opt_object(document, "error"), "class"), "refused");
    json_decref(document);
}

static void test_json_of_targets(void **state)
{
    (void)state;
    AUTO(report) report = {.kind = REPORT_CHECK, .command = "check"};
    AUTO(buf) out = BUF(REPORT_MAX);
    struct error err;
    json_t *document;
    add_target(&report, ERR_NONE);
    add_target(&report, ERR_NETWORK);
    report.targets.items[0].version = TLS_1_3;
    report_json(&report, 1, &out);
    assert_true(json_parse_object(buf_span(&out), REPORT_MAX, ERR_CONFIG, &document, &err));
    json_t *targets = json_opt_array(document, "targets");
    assert_int_equal(json_array_size(targets), 2);
    const json_t *well = json_array_get(targets, 0), *bad = json_array_get(targets, 1);
    assert_string_equal(json_opt_str(well, "name"), "a.example");
    assert_string_equal(json_opt_str(well, "address"), "192.0.2.1:443");
    assert_string_equal(json_opt_str(well, "protocol"), "TLSv1.3");
    assert_true(json_is_null(json_object_get(well, "live")));
    assert_true(json_is_null(json_object_get(well, "error")));
    assert_true(json_is_null(json_object_get(bad, "protocol")));
    assert_true(json_is_null(json_object_get(bad, "trusted")));
    assert_string_equal(json_string_value(json_array_get(json_opt_array(bad, "problems"), 0)),
                        "no");
    assert_string_equal(json_opt_str(json_opt_object(document, "error"), "message"),
                        "a.example at 192.0.2.1:443: no");
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_target_counts_as_a_certificate_does),
        cmocka_unit_test(test_json_of_targets),
        cmocka_unit_test(test_a_red_row_is_a_refusal),
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_issue_is_one_thing),
        cmocka_unit_test(test_status_needs_a_person),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_document_of_an_error),
        cmocka_unit_test(test_further_members),
        cmocka_unit_test(test_json_of_answers),
        cmocka_unit_test(test_json_of_a_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

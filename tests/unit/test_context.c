#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fake/fake_engine.h"

#define WORDS_MAX 24

struct bed {
    char folder[64];
    struct context context;
    struct error err;
};

static int set_up(void **state)
{
    struct bed *bed = mem_new(1, sizeof *bed);
    (void)snprintf(bed->folder, sizeof bed->folder, "/tmp/acmec-test-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    AUTO_FREE certs = mem_printf("%s/certs", bed->folder);
    assert_int_equal(mkdir(certs, 0700), 0);
    *state = bed;
    return 0;
}

static void remove_files(const struct bed *bed, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        AUTO_FREE path = mem_printf("%s/%s", bed->folder, names[i]);
        (void)remove(path);
    }
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    static const char *const names[] = {
        "acmec.conf", "log", "certs/a.example.conf", "certs/n.conf", "certs", ".", NULL};
    context_release(&bed->context);
    for (size_t i = 0; i < fake_engine.count; i++)
        identifier_list_release(&fake_engine.certificates[i].domains);
    cert_spec_release(&fake_engine.spec);
    memset(&fake_engine, 0, sizeof fake_engine);
    remove_files(bed, names);
    AUTO_FREE folder = mem_strdup(bed->folder);
    assert_int_equal(rmdir(folder), 0);
    free(bed);
    return 0;
}

static void write_file(const struct bed *bed, const char *name, const char *text)
{
    AUTO_FREE path = mem_printf("%s/%s", bed->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const struct bed *bed, const char *name, const char *wanted)
{
    AUTO_FREE path = mem_printf("%s/%s", bed->folder, name);
    char text[4096] = "";
    FILE *file = fopen(path, "r");
    if (wanted == NULL) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    (void)!fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    assert_string_equal(text, wanted);
}

/* Runs "acmec WORDS... --config-dir FOLDER" as far as main does. */
static bool run(struct bed *bed, const char *words)
{
    AUTO_FREE line = mem_printf("acmec %s --config-dir %s", words, bed->folder);
    char *argv[WORDS_MAX];
    int argc = 0;
    char *rest = line;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        argv[argc++] = word;
    context_release(&bed->context);
    bed->err = (struct error){0};
    bool good =
        context_parse(&bed->context, argc, argv, &bed->err) &&
        (!bed->context.args.command->needs_engine || context_open(&bed->context, &bed->err)) &&
        bed->context.args.command->handler(&bed->context, &bed->err);
    /* argv dies with this function: only what handlers left behind is looked at. */
    bed->context.args.operand_count = 0;
    return good;
}

static void add_certificate(const char *name, const char *domain, enum outcome_action action)
{
    struct outcome *outcome = &fake_engine.certificates[fake_engine.count++];
    struct identifier identifier = {IDENTIFIER_DNS, ""};
    (void)snprintf(outcome->name, sizeof outcome->name, "%s", name);
    (void)snprintf(identifier.value, sizeof identifier.value, "%s", domain);
    (void)identifier_list_add(&outcome->domains, &identifier);
    outcome->action = action;
}

static void assert_failed(const struct bed *bed, bool good, enum err_code code, const char *text)
{
    assert_false(good);
    assert_int_equal(bed->err.code, code);
    if (strstr(bed->err.text, text) == NULL)
        fail_msg("%s", bed->err.text);
}

/* ---- settings ---- */

static void test_settings(void **state)
{
    struct bed *bed = *state;
    write_file(bed, "acmec.conf", "jobs = 3\nwait = 9\ntimeout = 2m\nproxy = http://p:1\n");
    assert_true(run(bed, "renew --jobs 4 --force --max-orders 7 --yes"));
    const struct engine_settings *settings = &fake_engine.settings;
    assert_int_equal(settings->jobs, 4);
    assert_int_equal(settings->wait_seconds, 9);
    assert_int_equal(settings->timeout_ms, 120000);
    assert_int_equal(settings->max_orders, 7);
    assert_true(settings->force && settings->yes);
    assert_false(settings->dry_run || settings->all || settings->force_rate_limit);
    assert_string_equal(settings->proxy, "http://p:1");
    assert_string_equal(settings->command, "acmec renew");
    assert_string_equal(settings->config_dir, bed->folder);
    assert_non_null(strstr(settings->state_dir, "/state"));
    assert_non_null(settings->progress.event);
    assert_int_equal(fake_engine.opened, fake_engine.closed + 1);
    assert_true(run(bed, "renew"));
    assert_int_equal(fake_engine.settings.jobs, 3);
}

static void test_a_broken_acmec_conf(void **state)
{
    struct bed *bed = *state;
    write_file(bed, "acmec.conf", "\njosb = 3\n");
    assert_failed(bed, run(bed, "list"), ERR_CONFIG, "acmec.conf:2: unknown key 'josb'");
    assert_true(run(bed, "help"));
    assert_true(run(bed, "version"));
    assert_true(run(bed, "completion zsh"));
}

static void test_log(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE words = mem_printf("list --log %s/log", bed->folder);
    assert_true(run(bed, words));
    assert_true(bed->context.logging);
    log_close();
    assert_failed(bed, run(bed, "list --log /nonexistent/folder/log"), ERR_FILES, "log");
    log_close();
}

/* ---- issue ---- */

static void test_issue_stores_after_success(void **state)
{
    struct bed *bed = *state;
    add_certificate("a.example", "a.example", ACTION_ISSUED);
    assert_true(run(bed, "issue -d A.example --webroot /w --staging"));
    assert_file(bed, "certs/a.example.conf",
                "domain = a.example\nserver = letsencrypt-staging\nwebroot = /w\n");
    assert_string_equal(fake_engine.spec.name, "a.example");
    assert_int_equal(fake_engine.spec.proof.kind, PROOF_WEBROOT);
    assert_false(fake_engine.spec.name_given);
    assert_int_equal(bed->context.report.certificates.count, 1);
}

static void test_issue_stores_nothing_else(void **state)
{
    struct bed *bed = *state;
    add_certificate("a.example", "a.example", ACTION_FAILED);
    assert_true(run(bed, "issue -d a.example"));
    assert_file(bed, "certs/a.example.conf", NULL);
    fake_engine.certificates[0].action = ACTION_WOULD_ISSUE;
    assert_true(run(bed, "issue -d a.example --dry-run"));
    assert_file(bed, "certs/a.example.conf", NULL);
    fake_engine.certificates[0].action = ACTION_NOT_DUE;
    assert_true(run(bed, "issue -d a.example --dry-run"));
    assert_file(bed, "certs/a.example.conf", NULL);
    (fail)(&fake_engine.error, ERR_NETWORK, "cannot connect");
    fake_engine.certificates[0].action = ACTION_DEFERRED;
    assert_failed(bed, run(bed, "issue -d a.example"), ERR_NETWORK, "cannot connect");
    assert_file(bed, "certs/a.example.conf", NULL);
    assert_int_equal(fake_engine.issued, 4);
    assert_int_equal(fake_engine.written, 0);
}

/* Issued is issued, whatever a hook did afterwards. */
static void test_issue_stores_beside_a_late_failure(void **state)
{
    struct bed *bed = *state;
    add_certificate("a.example", "a.example", ACTION_ISSUED);
    (fail)(&fake_engine.error, ERR_HOOK, "post hook failed");
    assert_failed(bed, run(bed, "issue -d a.example"), ERR_HOOK, "post hook");
    assert_file(bed, "certs/a.example.conf", "domain = a.example\n");
}

static void test_issue_goes_on_from_the_file(void **state)
{
    struct bed *bed = *state;
    write_file(bed, "certs/n.conf", "domain = a.example\nkey-type = rsa-2048\n");
    add_certificate("n", "a.example", ACTION_NOT_DUE);
    assert_true(run(bed, "issue -d a.example"));
    assert_string_equal(fake_engine.spec.name, "n");
    assert_int_equal(fake_engine.spec.key_types[0], KEY_RSA_2048);
    assert_int_equal(fake_engine.written, 0);
    assert_true(run(bed, "issue --name n"));
    assert_true(fake_engine.spec.name_given);
    assert_string_equal(fake_engine.spec.names.items[0].value, "a.example");
}

static void test_issue_needs_names(void **state)
{
    struct bed *bed = *state;
    assert_failed(bed, run(bed, "issue"), ERR_USAGE, "no name is given");
    assert_failed(bed, run(bed, "issue --name n"), ERR_USAGE, "certificate 'n'");
    assert_failed(bed, run(bed, "issue --name ../n -d a.example"), ERR_USAGE, "--name");
    assert_int_equal(fake_engine.issued, 0);
}

static void test_issue_takes_nobody_over(void **state)
{
    struct bed *bed = *state;
    add_certificate("a.example", "other.example", ACTION_NOT_DUE);
    assert_failed(bed, run(bed, "issue -d a.example"), ERR_USAGE, "already, for other.example");
    assert_non_null(strstr(bed->err.hint, "--name a.example-2"));
    assert_int_equal(fake_engine.issued, 0);
    assert_true(run(bed, "issue -d a.example,other.example"));
    assert_true(run(bed, "issue -d a.example --name a.example"));
    assert_int_equal(fake_engine.issued, 2);
}

/* ---- the others ---- */

static void test_renew_keeps_the_stored_ca(void **state)
{
    struct bed *bed = *state;
    write_file(bed, "acmec.conf", "server = zerossl\naccount = m\n");
    write_file(bed, "certs/a.example.conf", "domain = a.example\nserver = google\nemail = a@b.c\n");
    add_certificate("a.example", "a.example", ACTION_NOT_DUE);
    assert_true(run(bed, "renew --server https://x.example/dir --account other --email d@e.f"));
    assert_string_equal(fake_engine.spec.cas[0].server, "google");
    assert_string_equal(fake_engine.spec.account, "other");
    assert_string_equal(fake_engine.spec.email, "d@e.f");
    write_file(bed, "certs/a.example.conf", "domain = a.example\n");
    assert_true(run(bed, "renew --server https://x.example/dir"));
    assert_string_equal(fake_engine.spec.cas[0].server, "https://x.example/dir");
    assert_int_equal(fake_engine.written, 0);
}

static void test_renew_needs_names_in_the_file(void **state)
{
    struct bed *bed = *state;
    add_certificate("n", "a.example", ACTION_NOT_DUE);
    assert_failed(bed, run(bed, "renew"), ERR_CONFIG, "certs/n.conf does not say");
    assert_failed(bed, run(bed, "renew ../n"), ERR_USAGE, "../n");
    assert_failed(bed, run(bed, "list A"), ERR_USAGE, "'A'");
}

static void test_a_signal_ends_the_wait(void **state)
{
    struct bed *bed = *state;
    sigset_t set;
    assert_int_equal(sigemptyset(&set), 0);
    assert_int_equal(sigaddset(&set, SIGTERM), 0);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_failed(bed, run(bed, "renew --jitter 1h"), ERR_TERMINATED, "signal");
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    assert_true(run(bed, "renew --jitter 1h --dry-run"));
}

static void test_accounts(void **state)
{
    struct bed *bed = *state;
    static const struct {
        const char *words, *command;
        enum account_act act;
    } acts[] = {
        {"account register", "account register", ACCOUNT_ACT_REGISTER},
        {"account update --email a@b.c", "account update", ACCOUNT_ACT_UPDATE},
        {"account rollover", "account rollover", ACCOUNT_ACT_ROLLOVER},
        {"account deactivate", "account deactivate", ACCOUNT_ACT_DEACTIVATE},
        {"account show", "account show", ACCOUNT_ACT_ASK},
    };
    fake_engine.accounts = 1;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        AUTO_FREE words = mem_printf("%s --server google --agree-tos", acts[i].words);
        fake_engine.act = ACCOUNT_ACT_REGISTER;
        assert_true(run(bed, words));
        assert_int_equal(bed->context.report.kind, REPORT_ACCOUNTS);
        assert_string_equal(bed->context.report.command, acts[i].command);
        assert_int_equal(fake_engine.act, acts[i].act);
        assert_string_equal(fake_engine.spec.cas[0].server, "google");
        assert_true(fake_engine.spec.agree_tos);
    }
    assert_failed(bed, run(bed, "account update --server google"), ERR_USAGE, "no contact");
    assert_failed(bed, run(bed, "account revoke"), ERR_USAGE, "'revoke'");
    /* Without a choice nobody is asked. */
    fake_engine.act = ACCOUNT_ACT_REGISTER;
    assert_true(run(bed, "account show"));
    assert_int_equal(bed->context.report.accounts.count, 1);
    assert_int_equal(fake_engine.act, ACCOUNT_ACT_REGISTER);
}

static void assert_thumbprint(struct bed *bed, const char *thumbprint)
{
    const struct report *report = &bed->context.report;
    assert_int_equal(report->kind, REPORT_THUMBPRINT);
    assert_int_equal(report->accounts.count, 1);
    assert_string_equal(report->accounts.items[0].thumbprint, thumbprint);
}

static void test_thumbprint(void **state)
{
    struct bed *bed = *state;
    fake_engine.accounts = 0;
    assert_failed(bed, run(bed, "account thumbprint"), ERR_USAGE, "no account");
    fake_engine.accounts = 1;
    assert_true(run(bed, "account thumbprint"));
    assert_thumbprint(bed, "thumbprint-0");
    fake_engine.accounts = 3;
    assert_failed(bed, run(bed, "account thumbprint"), ERR_USAGE, "3 accounts");
    for (size_t i = 0; i < 3; i++) {
        AUTO_FREE words = mem_printf("account thumbprint --server https://ca%zu.example/dir", i);
        AUTO_FREE expected = mem_printf("thumbprint-%zu", i);
        assert_true(run(bed, words));
        assert_thumbprint(bed, expected);
    }
    assert_failed(bed, run(bed, "account thumbprint --server https://ca1.example/dir --account x"),
                  ERR_USAGE, "'x'");
    fake_engine.accounts = 1;
}

static void test_reports(void **state)
{
    struct bed *bed = *state;
    add_certificate("n", "a.example", ACTION_NONE);
    assert_true(run(bed, "list"));
    assert_int_equal(bed->context.report.kind, REPORT_LIST);
    assert_true(run(bed, "list n"));
    assert_int_equal(bed->context.report.kind, REPORT_DETAIL);
    assert_int_equal(bed->context.report.certificates.count, 1);
    assert_true(run(bed, "status"));
    assert_int_equal(bed->context.report.kind, REPORT_STATUS);
    assert_true(run(bed, "version"));
    assert_string_equal(buf_str(&bed->context.report.text), "acmec " ACMEC_VERSION "\n");
    assert_failed(bed, run(bed, "help issu"), ERR_USAGE, "'issu'");
}

static void test_colors(void **state)
{
    struct bed *bed = *state;
    assert_true(run(bed, "version --color always"));
    assert_true(context_has_color(&bed->context, -1));
    assert_true(run(bed, "version --color never"));
    assert_false(context_has_color(&bed->context, 1));
    assert_true(run(bed, "version"));
    assert_false(context_has_color(&bed->context, -1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_settings),
        TEST(test_a_broken_acmec_conf),
        TEST(test_log),
        TEST(test_issue_stores_after_success),
        TEST(test_issue_stores_nothing_else),
        TEST(test_issue_stores_beside_a_late_failure),
        TEST(test_issue_goes_on_from_the_file),
        TEST(test_issue_needs_names),
        TEST(test_issue_takes_nobody_over),
        TEST(test_renew_keeps_the_stored_ca),
        TEST(test_renew_needs_names_in_the_file),
        TEST(test_a_signal_ends_the_wait),
        TEST(test_accounts),
        TEST(test_thumbprint),
        TEST(test_reports),
        TEST(test_colors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

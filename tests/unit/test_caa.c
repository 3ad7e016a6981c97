#include <acmec/acme/caa.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <cmocka.h>

#define ACCOUNT "https://ca.example/acct/1"

static void add(struct dns_answer *answer, unsigned flags, const char *tag, const char *value)
{
    struct dns_record *record = dns_answer_add(answer);
    record->type = DNS_CAA;
    record->flags = (uint8_t)flags;
    record->owner = mem_strdup("a.example");
    (void)snprintf(record->tag, sizeof record->tag, "%s", tag);
    buf_add_str(&record->data, value);
}

struct row {
    struct {
        unsigned flags;
        const char *tag, *value;
    } records[3];
    bool wildcard;
    enum caa_verdict verdict;
    const char *part; /* of the reason */
};

static void judge(const struct row *row, const struct caa_wish *ours)
{
    AUTO(dns_answer) answer = {0};
    char reason[CAA_REASON_MAX];
    struct caa_wish wish = *ours;
    wish.wildcard = row->wildcard;
    for (size_t i = 0; i < 3 && row->records[i].tag != NULL; i++)
        add(&answer, row->records[i].flags, row->records[i].tag, row->records[i].value);
    enum caa_verdict verdict = caa_judge(&answer, &wish, reason);
    if (verdict != row->verdict || strstr(reason, row->part) == NULL)
        fail_msg("%s %s: %d, %s", row->records[0].tag, row->records[0].value, (int)verdict, reason);
}

static const struct caa_wish ours = {
    .identities = "ca.example,www.ca.example", .account_url = ACCOUNT, .method = "http-01"};

/* RFC 8659 section 4, with the examples of section 4.2 ff. */
static void test_issuers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{0, "issue", "ca.example"}}, false, CAA_ALLOWED, "name this CA"},
        {{{0, "issue", " \tCA.Example "}}, false, CAA_ALLOWED, ""},
        {{{128, "issue", "www.ca.example; policy=ev"}}, false, CAA_ALLOWED, ""},
        {{{0, "issue", "other.example"}}, false, CAA_FORBIDDEN, "only 'other.example' may issue"},
        {{{0, "issue", "other.example"}, {0, "issue", "ca.example"}}, false, CAA_ALLOWED, ""},
        {{{0, "issue", ";"}}, false, CAA_FORBIDDEN, "no CA may issue"},
        {{{0, "issue", ""}}, false, CAA_FORBIDDEN, "no CA may issue"},
        {{{0, "issue", "%%%%%"}}, false, CAA_FORBIDDEN, "only"},
        {{{0, "iodef", "mailto:a@b"}}, false, CAA_ALLOWED, "no CAA record stands"},
        {{{0, "unheard", "x"}}, false, CAA_ALLOWED, ""},
        {{{128, "unheard", "x"}, {0, "issue", "ca.example"}}, false, CAA_FORBIDDEN, "'unheard'"},
        {{{128, "?", "x"}}, false, CAA_FORBIDDEN, "critical"},
        {{{128, "iodef", "mailto:a@b"}}, false, CAA_ALLOWED, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        judge(&rows[i], &ours);
}

static void test_wildcards(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{0, "issue", "ca.example"}}, true, CAA_ALLOWED, ""},
        {{{0, "issue", "ca.example"}, {0, "issuewild", ";"}}, true, CAA_FORBIDDEN, "no CA"},
        {{{0, "issue", "ca.example"}, {0, "issuewild", ";"}}, false, CAA_ALLOWED, ""},
        {{{0, "issuewild", "ca.example"}, {0, "issue", ";"}}, true, CAA_ALLOWED, ""},
        {{{0, "issuewild", "other.example"}}, false, CAA_ALLOWED, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        judge(&rows[i], &ours);
}

/* RFC 8657 */
static void test_accounts_and_methods(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{0, "issue", "ca.example; accounturi=" ACCOUNT}}, false, CAA_ALLOWED, ""},
        {{{0, "issue", "ca.example;accounturi=" ACCOUNT "0"}},
         false,
         CAA_FORBIDDEN,
         "/acct/10 may"},
        {{{0, "issue", "ca.example; accounturi=x; accounturi=" ACCOUNT}},
         false,
         CAA_FORBIDDEN,
         "twice"},
        {{{0, "issue", "ca.example; validationmethods=dns-01,http-01"}}, false, CAA_ALLOWED, ""},
        {{{0, "issue", "ca.example; validationmethods=dns-01"}},
         false,
         CAA_FORBIDDEN,
         "only by dns-01, not by http-01"},
        {{{0, "issue", "ca.example; validationmethods=dns-01"}, {0, "issue", "other.example"}},
         false,
         CAA_FORBIDDEN,
         "only by dns-01"},
        {{{0, "issue", "ca.example; accounturi=x"}, {0, "issue", "ca.example"}},
         false,
         CAA_ALLOWED,
         ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        judge(&rows[i], &ours);
    struct caa_wish stranger = ours;
    stranger.account_url = NULL;
    judge(
        &(struct row){
            {{0, "issue", "ca.example; accounturi=x"}}, false, CAA_FORBIDDEN, "none here yet"},
        &stranger);
}

static void test_a_ca_without_a_name(void **state)
{
    (void)state;
    struct caa_wish nameless = ours;
    nameless.identities = NULL;
    judge(&(struct row){{{0, "issue", "ca.example"}}, false, CAA_UNKNOWN, "does not say"},
          &nameless);
    judge(&(struct row){{{0, "iodef", "x"}}, false, CAA_ALLOWED, ""}, &nameless);
    char reason[CAA_REASON_MAX];
    assert_int_equal(caa_judge(NULL, &nameless, reason), CAA_ALLOWED);
}

static void test_whose_records_count(void **state)
{
    (void)state;
    AUTO(dns_answer) answer = {0};
    assert_false(caa_has_records(&answer));
    struct dns_record *alias = dns_answer_add(&answer);
    alias->type = DNS_CNAME;
    assert_false(caa_has_records(&answer));
    add(&answer, 0, "issue", "x\033[31m");
    assert_true(caa_has_records(&answer));
    char reason[CAA_REASON_MAX];
    assert_int_equal(caa_judge(&answer, &ours, reason), CAA_FORBIDDEN);
    assert_null(strchr(reason, '\033'));
    answer.records[1].authority = true;
    assert_false(caa_has_records(&answer));
}

static void test_record(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(200);
    const char *const url = "https://ca.example/acct/7";
    assert_true(caa_write_record("a.example,b.example", 0, url, &out));
    assert_string_equal(buf_str(&out),
                        "0 issue \"a.example; accounturi=https://ca.example/acct/7\"");
    buf_clear(&out);
    assert_true(caa_write_record("a.example,b.example", 1, url, &out));
    assert_string_equal(buf_str(&out),
                        "0 issue \"b.example; accounturi=https://ca.example/acct/7\"");
    assert_false(caa_write_record("a.example,b.example", 2, url, &out));
    assert_false(caa_write_record(NULL, 0, url, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issuers),
        cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_accounts_and_methods),
        cmocka_unit_test(test_a_ca_without_a_name),
        cmocka_unit_test(test_whose_records_count),
        cmocka_unit_test(test_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

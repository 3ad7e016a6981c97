#include "fake/acme_fixture.h"

#include <acmec/acme/persist.h>
#include <acmec/base/cleanup.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define URI "https://ca.example/acct/1"
#define NOW 1800000000

static bool read_text(const char *text, struct persist_offer *out, struct error *err)
{
    json_auto_t *challenge = NULL;
    assert_true(json_parse_object(span_str(text), 65536, ERR_NETWORK, &challenge, err));
    return persist_read(challenge, out, err);
}

static void the_drafts_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *issuer, *account_uri;
    } rows[] = {
        {"{\"issuer-domain-names\":[\"ca.example\"]}", "ca.example", NULL},
        {"{\"issuer-domain-names\":[\"ca.example\",\"b.example\"],\"accounturi\":\"" URI "\"}",
         "ca.example", URI},
        {"{\"issuerDomainNames\":[\"new.example\"],\"issuer-domain-names\":[\"old.example\"]}",
         "new.example", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO(persist_offer) offer = {0}, copy = {0};
        struct error err = {0};
        assert_true(read_text(rows[i].text, &offer, &err));
        persist_offer_copy(&offer, &copy);
        assert_string_equal(copy.issuers[0], rows[i].issuer);
        if (rows[i].account_uri == NULL)
            assert_null(copy.account_uri);
        else
            assert_string_equal(copy.account_uri, rows[i].account_uri);
    }
}

static void names_of_a_directory(void **state)
{
    (void)state;
    AUTO(persist_offer) offer = {0};
    persist_offer_split("a.example,b.example", &offer);
    assert_int_equal(offer.issuer_count, 2);
    assert_string_equal(offer.issuers[0], "a.example");
    assert_string_equal(offer.issuers[1], "b.example");
    persist_offer_split("1,2,3,4,5,6,7,8,9,10,11", &offer);
    assert_int_equal(offer.issuer_count, PERSIST_ISSUERS_MAX);
    assert_string_equal(offer.issuers[9], "10");
}

static void offers_that_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"issuer-domain-names\":[]}",
        "{\"issuer-domain-names\":null}",
        "{\"issuer-domain-names\":[17]}",
        "{\"issuer-domain-names\":[\"\"]}",
        "{\"issuer-domain-names\":[\"a; policy=wildcard\"]}",
        ("{\"issuer-domain-names\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\","
         "\"a\"]}"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct persist_offer offer = {0};
        struct error err = {0};
        assert_false(read_text(texts[i], &offer, &err));
        assert_int_equal(err.code, ERR_REFUSED);
        assert_int_equal(offer.issuer_count, 0);
    }
}

static void names_and_texts(void **state)
{
    (void)state;
    struct identifier base = {.value = "a.example"}, wildcard = {.value = "*.a.example"};
    AUTO_FREE one = persist_name(&base);
    AUTO_FREE other = persist_name(&wildcard);
    AUTO(buf) text = BUF(PERSIST_RECORD_MAX);
    assert_string_equal(one, "_validation-persist.a.example");
    assert_string_equal(other, one);
    persist_write("ca.example", URI, false, &text);
    assert_string_equal(buf_str(&text), "ca.example; accounturi=" URI);
    buf_clear(&text);
    persist_write("ca.example", URI, true, &text);
    assert_string_equal(buf_str(&text), "ca.example; accounturi=" URI "; policy=wildcard");
}

static void lines_of_a_zone_file(void **state)
{
    (void)state;
    char text[512 + 1];
    AUTO(buf) line = BUF(PERSIST_LINE_MAX);
    persist_zone_line("_x.a.example", "a \\ \"b\"", &line);
    assert_string_equal(buf_str(&line), "_x.a.example. IN TXT \"a \\\\ \\\"b\\\"\"");

    static const struct {
        size_t len, strings;
    } rows[] = {{254, 1}, {255, 1}, {256, 2}, {510, 2}, {511, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(text, 'x', rows[i].len);
        text[rows[i].len] = '\0';
        buf_clear(&line);
        persist_zone_line("a", text, &line);
        assert_int_equal(line.len, strlen("a. IN TXT") + rows[i].len + 3 * rows[i].strings);
    }
}

static void how_the_account_is_named(void **state)
{
    (void)state;
    struct key *key = fixture_key();
    AUTO(buf) plain = BUF(256);
    AUTO(buf) hashed = BUF(256);
    AUTO(buf) other = BUF(256);
    struct error err = {0};
    assert_true(persist_account_uri(NULL, "a.example", key, URI, &plain, &err));
    assert_string_equal(buf_str(&plain), URI);
    assert_true(persist_account_uri("https://ca.example/h/", "a.example", key, URI, &hashed, &err));
    assert_true(persist_account_uri("https://ca.example/h/", "b.example", key, URI, &other, &err));
    assert_non_null(strstr(buf_str(&hashed), "https://ca.example/h/sha-256/"));
    assert_int_equal(hashed.len, strlen("https://ca.example/h/sha-256/") + 43);
    assert_string_not_equal(buf_str(&hashed), buf_str(&other));
    key_free(key);
}

static void what_a_record_allows(void **state)
{
    (void)state;
    static const char *const issuers[] = {"ca.example", "other.example"};
    const struct persist_want one = {issuers, 2, URI, false, NOW};
    const struct persist_want all = {issuers, 2, URI, true, NOW};
    static const struct {
        const char *text;
        bool one, all;
    } rows[] = {
        {"ca.example; accounturi=" URI, true, false},
        {"ca.example;accounturi=" URI ";policy=wildcard", true, true},
        {"CA.Example. ;  AccountURI = " URI " ; Policy=WILDCARD", true, true},
        {"other.example; policy=wildcard; accounturi=" URI, true, true},
        {"ca.example; accounturi=" URI "; policy=other", true, false},
        {"ca.example; accounturi=" URI "; unknown=1", true, false},
        {"ca.example; accounturi=" URI "; persistUntil=1800000000", true, false},
        {"ca.example; accounturi=" URI "; persistUntil=1799999999", false, false},
        {"ca.example; accounturi=" URI "; persistUntil=soon", false, false},
        {"ca.example; accounturi=" URI "; persistUntil=", false, false},
        {"ca.example; accounturi=" URI "0", false, false},
        {"ca.example; accounturi=https://CA.example/acct/1", false, false},
        {"ca.example; accounturi=" URI "; accounturi=" URI, false, false},
        {"ca.example; accounturi=" URI ";", false, false},
        {"ca.example; accounturi=" URI " x", false, false},
        {"ca.example", false, false},
        {"third.example; accounturi=" URI, false, false},
        {"; accounturi=" URI, false, false},
        {"", false, false},
        {";;;", false, false},
        {"v=spf1 -all", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (persist_allows(span_str(rows[i].text), &one) != rows[i].one ||
            persist_allows(span_str(rows[i].text), &all) != rows[i].all)
            fail_msg("%s", rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_a_directory),    cmocka_unit_test(the_drafts_are_told_apart),
        cmocka_unit_test(offers_that_are_refused), cmocka_unit_test(names_and_texts),
        cmocka_unit_test(lines_of_a_zone_file),    cmocka_unit_test(how_the_account_is_named),
        cmocka_unit_test(what_a_record_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/data/certs/make says what each chain is. */
#include "fake/test_files.h"

#include <acmec/base/cleanup.h>
#include <acmec/crypto/cert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define DAY INT64_C(86400)

struct chain {
    struct buf pem;
};

static void chain_release(struct chain *chain)
{
    buf_release(&chain->pem);
}

static struct chain load(const char *name)
{
    struct chain chain = {BUF(TEST_FILE_MAX)};
    char path[128];
    (void)snprintf(path, sizeof path, "certs/%s.pem", name);
    test_file(path, &chain.pem);
    return chain;
}

static struct key *load_key(const char *name)
{
    AUTO(buf) pem = BUF(TEST_FILE_MAX);
    struct key *key = NULL;
    struct error err = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "keys/%s.pem", name);
    test_file(path, &pem);
    if (!key_read_pem(buf_span(&pem), ERR_FILES, &key, &err))
        fail_msg("%s: %s", name, err.text);
    return key;
}

static struct identifier_list the_names(void)
{
    static const char *const TEXTS[] = {"2001:db8::1", "a.example", "192.0.2.1", "*.b.example"};
    struct identifier_list names = {0};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct identifier name;
        struct error err;
        assert_true(identifier_parse(TEXTS[i], &name, &err));
        assert_true(identifier_list_add(&names, &name));
    }
    return names;
}

/* A moment in the life of all chains. */
static int64_t the_time(void)
{
    AUTO(chain) good = load("good");
    AUTO(cert_info) info = {0};
    struct error err;
    assert_true(cert_read(buf_span(&good.pem), ERR_FILES, &info, &err));
    return info.not_before + DAY;
}

struct world {
    struct key *key;
    struct key *rsa;
    struct identifier_list names;
    int64_t now;
};

static int start(void **state)
{
    static struct world world;
    struct error err;
    if (!crypto_start(&err))
        return -1;
    world = (struct world){load_key("ec256"), load_key("rsa2048"), the_names(), the_time()};
    *state = &world;
    return 0;
}

static int stop(void **state)
{
    struct world *world = *state;
    key_free(world->key);
    key_free(world->rsa);
    identifier_list_release(&world->names);
    return 0;
}

/* ---- cert_read ---- */

static void says_what_the_leaf_says(void **state)
{
    struct world *world = *state;
    AUTO(chain) good = load("good");
    AUTO(cert_info) info = {0};
    struct error err;
    assert_true(cert_read(buf_span(&good.pem), ERR_FILES, &info, &err));
    assert_string_equal(info.serial, "008765432100abcdef");
    /* RFC 9773 section 4.1: the serial as it stands in the DER, with its leading 00 */
    assert_string_equal(info.ari_id, "wjbnEpkSDZuje_G18ljUFXpBYxs.AIdlQyEAq83v");
    assert_string_equal(info.issuer, "Test Intermediate");
    assert_true(info.not_after - info.not_before == 8000 * DAY);
    assert_int_equal(info.names.count, 4);
    assert_string_equal(info.names.items[0].value, "a.example");
    assert_string_equal(info.names.items[3].value, "2001:db8::1");
    assert_int_equal(info.names.items[3].type, IDENTIFIER_IP);
    assert_true(identifier_list_same_set(&info.names, &world->names));
}

static void dates_are_those_of_openssl(void **state)
{
    AUTO(chain) good = load("good");
    AUTO(buf) said = BUF(4096);
    AUTO(cert_info) info = {0};
    struct error err;
    char text[64];
    static const char *const ARGV[] = {"openssl",  "x509",     "-noout", "-startdate",
                                       "-dateopt", "iso_8601", NULL};
    (void)state;
    if (!test_has_openssl() || !test_openssl(ARGV, buf_span(&good.pem), &said))
        skip(); /* -dateopt came with openssl 3.0 */
    assert_true(cert_read(buf_span(&good.pem), ERR_FILES, &info, &err));
    time_t when = (time_t)info.not_before;
    struct tm calendar;
    (void)strftime(text, sizeof text, "notBefore=%Y-%m-%d %H:%M:%SZ\n", gmtime_r(&when, &calendar));
    assert_string_equal(buf_str(&said), text);
}

static void issuer_is_escaped(void **state)
{
    static const struct {
        const char *chain, *issuer;
    } CASES[] = {
        {"odd", "Odd \\u{001B}[31m\\u{202E}red"},
        {"anonymous", "Nameless, Inc."},
        {"direct", "Wide Root"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO(chain) chain = load(CASES[i].chain);
        AUTO(cert_info) info = {0};
        struct error err;
        assert_true(cert_read(buf_span(&chain.pem), ERR_FILES, &info, &err));
        assert_string_equal(info.issuer, CASES[i].issuer);
    }
}

static void refuses_what_it_cannot_read(void **state)
{
    static const struct {
        const char *chain, *why;
    } CASES[] = {
        {"bad-blank", "names 'a example', which is no DNS name"},
        {"bad-nul", "names 'a.example\\u{0000}evil', which is no DNS name"},
        {"bad-ip", "certificate"}, /* mbedTLS 3.6 refuses it before we do */
        {"bad-serial", "serial number is too long"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO(chain) chain = load(CASES[i].chain);
        struct cert_info info = {.serial = "untouched"};
        struct error err = {0};
        assert_false(cert_read(buf_span(&chain.pem), ERR_FILES, &info, &err));
        assert_int_equal(err.code, ERR_FILES);
        if (strstr(err.text, CASES[i].why) == NULL)
            fail_msg("%s: %s", CASES[i].chain, err.text);
        assert_string_equal(info.serial, "untouched");
    }
}

static void refuses_what_is_no_chain(void **state)
{
    static const struct {
        const char *text, *why;
    } CASES[] = {
        {"", "reading a certificate chain"},
        {"hello", "reading a certificate chain"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
         "certificate 1 of the chain cannot be read"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "reading a certificate chain"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cert_info info;
        struct error err = {0};
        assert_false(cert_read(span_str(CASES[i].text), ERR_REFUSED, &info, &err));
        assert_non_null(strstr(err.text, CASES[i].why));
    }
}

static void bytes_after_a_certificate_are_refused(void **state)
{
    AUTO(chain) good = load("good");
    AUTO(pem_list) list = {0};
    AUTO(buf) longer = BUF(TEST_FILE_MAX);
    struct cert_info info;
    struct error err = {0};
    (void)state;
    assert_true(pem_parse_chain(buf_span(&good.pem), ERR_FILES, &list, &err));
    buf_clear(&good.pem);
    buf_add_span(&longer, buf_span(&list.blocks[0].der));
    buf_add_byte(&longer, 0);
    pem_write("CERTIFICATE", buf_span(&longer), &good.pem);
    assert_false(cert_read(buf_span(&good.pem), ERR_FILES, &info, &err));
}

/* ---- cert_check_chain ---- */

static void accepts_good_chains(void **state)
{
    static const char *const CHAINS[] = {"good",   "with-root", "lone",      "reversed-names",
                                         "mail",   "client",    "server",    "critical",
                                         "narrow", "odd",       "anonymous", "direct"};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof CHAINS / sizeof CHAINS[0]; i++) {
        AUTO(chain) chain = load(CHAINS[i]);
        AUTO(cert_info) info = {0};
        struct error err = {0};
        if (!cert_check_chain(buf_span(&chain.pem), world->key, &world->names, world->now, &info,
                              &err))
            fail_msg("%s: %s", CHAINS[i], err.text);
        assert_true(identifier_list_same_set(&info.names, &world->names));
    }
}

/* Its root has expired; the visitor has another one. */
static void accepts_an_rsa_chain_with_an_expired_root(void **state)
{
    struct world *world = *state;
    AUTO(chain) chain = load("rsa");
    AUTO(cert_info) info = {0};
    struct error err = {0};
    assert_true(
        cert_check_chain(buf_span(&chain.pem), world->rsa, &world->names, world->now, &info, &err));
}

static void refuses_bad_chains(void **state)
{
    static const struct {
        const char *chain, *why;
    } CASES[] = {
        {"rsa", "the certificate is for another key"},
        {"more-names", "also for 'evil.example', which was not asked for"},
        {"no-names", "the certificate is not for '2001:db8::1'"},
        {"backwards", "ends before it begins"},
        {"forged", "certificate 1 of the chain is not signed by certificate 2"},
        {"skipped", "certificate 1 of the chain is not signed by certificate 2"},
        {"wrong-order", "certificate 1 of the chain is not signed by certificate 2"},
        {"no-ca", "certificate 1 of the chain is not signed by certificate 2"},
        {"repeated", "certificate 2 of the chain repeats certificate 1"},
        {"weak-key", "certificate 2 of the chain has a weak key"},
        {"weak-hash", "certificate 1 of the chain has a weak signature"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO(chain) chain = load(CASES[i].chain);
        struct cert_info info = {.serial = "untouched"};
        struct error err = {0};
        if (cert_check_chain(buf_span(&chain.pem), world->key, &world->names, world->now, &info,
                             &err))
            fail_msg("%s was accepted", CASES[i].chain);
        assert_int_equal(err.code, ERR_REFUSED);
        if (strstr(err.text, CASES[i].why) == NULL)
            fail_msg("%s: %s", CASES[i].chain, err.text);
        assert_string_equal(info.serial, "untouched");
    }
}

static void refuses_an_expired_leaf(void **state)
{
    struct world *world = *state;
    AUTO(chain) good = load("good");
    AUTO(cert_info) info = {0};
    struct error err = {0};
    int64_t end = world->now + 7999 * DAY;
    assert_false(
        cert_check_chain(buf_span(&good.pem), world->key, &world->names, end, &info, &err));
    assert_non_null(strstr(err.text, "the certificate expired at 20"));
    assert_true(
        cert_check_chain(buf_span(&good.pem), world->key, &world->names, end - 1, &info, &err));
}

/* One bit turned in any byte of the leaf: refused. */
static void every_byte_of_the_leaf_counts(void **state)
{
    struct world *world = *state;
    AUTO(chain) good = load("good");
    AUTO(pem_list) list = {0};
    struct error err = {0};
    assert_true(pem_parse_chain(buf_span(&good.pem), ERR_FILES, &list, &err));
    struct buf *der = &list.blocks[0].der;
    for (size_t i = 0; i < der->len; i++) {
        AUTO(buf) pem = BUF(TEST_FILE_MAX);
        struct cert_info info;
        der->data[i] = (char)(der->data[i] ^ (1 << i % 8));
        pem_write("CERTIFICATE", buf_span(der), &pem);
        pem_write("CERTIFICATE", buf_span(&list.blocks[1].der), &pem);
        if (cert_check_chain(buf_span(&pem), world->key, &world->names, world->now, &info, &err))
            fail_msg("byte %zu does not count", i);
        der->data[i] = (char)(der->data[i] ^ (1 << i % 8));
    }
}

static void fits_its_key_alone(void **state)
{
    struct world *world = *state;
    AUTO(chain) good = load("good");
    AUTO(chain) rsa = load("rsa");
    struct key *other = load_key("ec384");
    assert_true(cert_fits_key(buf_span(&good.pem), world->key));
    assert_false(cert_fits_key(buf_span(&good.pem), world->rsa));
    assert_false(cert_fits_key(buf_span(&good.pem), other));
    assert_true(cert_fits_key(buf_span(&rsa.pem), world->rsa));
    assert_false(cert_fits_key(SPAN_LIT("nonsense"), world->key));
    key_free(other);
}

/* ---- cert_is_trusted ---- */

static void trust_follows_the_chain_to_a_root(void **state)
{
    static const struct {
        const char *chain, *root;
        bool trusted;
    } CASES[] = {
        {"good", "root", true},           {"with-root", "root", true},  {"server", "root", true},
        {"client", "root", false},        {"good", "root-p521", false}, {"lone", "root", false},
        {"direct", "root-p521", true},    {"lone", "good", true},       {"forged", "root", false},
        {"weak-key", "root-p521", false}, {"weak-hash", "root", false}, {"rsa", "root-old", false},
        {"backwards", "root", false},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO(chain) chain = load(CASES[i].chain);
        AUTO(chain) root = load(CASES[i].root);
        if (cert_is_trusted(buf_span(&chain.pem), buf_span(&root.pem), world->now) !=
            CASES[i].trusted)
            fail_msg("%s by %s", CASES[i].chain, CASES[i].root);
    }
}

static void trust_ends_with_time(void **state)
{
    struct world *world = *state;
    AUTO(chain) good = load("good");
    AUTO(chain) root = load("root");
    assert_false(cert_is_trusted(buf_span(&good.pem), buf_span(&root.pem), world->now - 2 * DAY));
    assert_false(
        cert_is_trusted(buf_span(&good.pem), buf_span(&root.pem), world->now + 8000 * DAY));
}

static void trust_has_a_reason_and_an_anchor(void **state)
{
    static const struct {
        const char *chain, *root;
        enum cert_trust trust;
        int64_t days;
        const char *anchor;
    } CASES[] = {
        {"good", "root", CERT_TRUSTED, 0, "Test Root"},
        {"lone", "good", CERT_TRUSTED, 0, "Test Intermediate"},
        {"good", "root-p521", CERT_UNKNOWN, 0, ""},
        {"lone", "root", CERT_UNKNOWN, 0, ""},
        {"client", "root", CERT_OTHER_USE, 0, ""},
        {"good", "root", CERT_EXPIRED, 8000, ""},
        {"good", "root", CERT_NOT_YET, -2, ""},
        {"weak-key", "root-p521", CERT_WEAK, 0, ""},
        {"weak-hash", "root", CERT_WEAK, 0, ""},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO(chain) chain = load(CASES[i].chain);
        AUTO(chain) root = load(CASES[i].root);
        char anchor[256] = "none";
        enum cert_trust trust = cert_judge_trust(buf_span(&chain.pem), buf_span(&root.pem),
                                                 world->now + CASES[i].days * DAY, anchor);
        if (trust != CASES[i].trust || strcmp(anchor, CASES[i].anchor) != 0)
            fail_msg("%s by %s: %s, '%s'", CASES[i].chain, CASES[i].root,
                     cert_trust_sentence(trust), anchor);
    }
    char anchor[256];
    assert_int_equal(cert_judge_trust(SPAN_LIT("x"), SPAN_LIT(""), world->now, anchor),
                     CERT_UNREADABLE);
}

static void bundles_may_have_comments_and_broken_parts(void **state)
{
    struct world *world = *state;
    AUTO(chain) good = load("good");
    AUTO(chain) root = load("root");
    AUTO(buf) bundle = BUF(TEST_FILE_MAX);
    buf_add_str(&bundle, "# my roots\n-----BEGIN CERTIFICATE-----\nAAAA\n"
                         "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nno end\n");
    assert_false(cert_is_trusted(buf_span(&good.pem), buf_span(&bundle), world->now));
    buf_add_str(&bundle, "\nRoot\n====\n");
    buf_add_span(&bundle, buf_span(&root.pem));
    buf_add_str(&bundle, "the end -----BEGIN CERTIFICATE-----");
    assert_true(cert_is_trusted(buf_span(&good.pem), buf_span(&bundle), world->now));
    assert_false(cert_is_trusted(buf_span(&good.pem), SPAN_LIT(""), world->now));
    assert_false(cert_is_trusted(SPAN_LIT("x"), buf_span(&root.pem), world->now));
}

/* ---- cert_split_chain ---- */

static void splits_and_normalises(void **state)
{
    AUTO(chain) chain = load("with-root");
    AUTO(buf) untidy = BUF(TEST_FILE_MAX);
    AUTO(buf) leaf = BUF(PEM_CHAIN_MAX);
    AUTO(buf) rest = BUF(PEM_CHAIN_MAX);
    AUTO(buf) whole = BUF(PEM_CHAIN_MAX);
    struct error err;
    (void)state;
    for (size_t i = 0; i < chain.pem.len; i++) {
        if (chain.pem.data[i] == '\n')
            buf_add_str(&untidy, " \r");
        buf_add_byte(&untidy, chain.pem.data[i]);
    }
    buf_add_str(&untidy, "\n\n");
    assert_true(cert_split_chain(buf_span(&untidy), &leaf, &rest, &whole, &err));
    assert_string_equal(buf_str(&whole), buf_str(&chain.pem));
    AUTO(chain) lone = load("lone");
    assert_string_equal(buf_str(&leaf), buf_str(&lone.pem));
    assert_string_equal(buf_str(&rest), buf_str(&chain.pem) + leaf.len);
}

static void splits_a_lone_leaf(void **state)
{
    AUTO(chain) lone = load("lone");
    AUTO(buf) leaf = BUF(PEM_CHAIN_MAX);
    AUTO(buf) rest = BUF(PEM_CHAIN_MAX);
    AUTO(buf) whole = BUF(PEM_CHAIN_MAX);
    AUTO(buf) small = BUF(100);
    struct error err = {0};
    (void)state;
    assert_true(cert_split_chain(buf_span(&lone.pem), &leaf, &rest, &whole, &err));
    assert_int_equal(rest.len, 0);
    assert_string_equal(buf_str(&leaf), buf_str(&whole));
    assert_false(cert_split_chain(buf_span(&lone.pem), &small, &rest, &whole, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_false(cert_split_chain(SPAN_LIT("x"), &leaf, &rest, &whole, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_leaf_says),
        cmocka_unit_test(dates_are_those_of_openssl),
        cmocka_unit_test(issuer_is_escaped),
        cmocka_unit_test(refuses_what_it_cannot_read),
        cmocka_unit_test(refuses_what_is_no_chain),
        cmocka_unit_test(bytes_after_a_certificate_are_refused),
        cmocka_unit_test(accepts_good_chains),
        cmocka_unit_test(accepts_an_rsa_chain_with_an_expired_root),
        cmocka_unit_test(refuses_bad_chains),
        cmocka_unit_test(refuses_an_expired_leaf),
        cmocka_unit_test(every_byte_of_the_leaf_counts),
        cmocka_unit_test(fits_its_key_alone),
        cmocka_unit_test(trust_follows_the_chain_to_a_root),
        cmocka_unit_test(trust_ends_with_time),
        cmocka_unit_test(trust_has_a_reason_and_an_anchor),
        cmocka_unit_test(bundles_may_have_comments_and_broken_parts),
        cmocka_unit_test(splits_and_normalises),
        cmocka_unit_test(splits_a_lone_leaf),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

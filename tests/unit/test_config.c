#include <acmec/cli/config.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/option.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LE "https://acme-v02.api.letsencrypt.org/directory"
#define LE_STAGING "https://acme-staging-v02.api.letsencrypt.org/directory"

/* ---- files ---- */

static void refuse_file(enum option_files which, const char *text, const char *words,
                        const char *hint)
{
    AUTO(option_set) set = {0};
    struct error err = {0};
    assert_false(config_parse(span_str(text), "/c/f.conf", which, &set, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "/c/f.conf:"));
    if (strstr(err.text, words) == NULL || strstr(err.hint, hint) == NULL)
        fail_msg("%s / %s", err.text, err.hint);
}

static void test_files(void **state)
{
    (void)state;
    AUTO(option_set) set = {0};
    struct error err = {0};
    static const char text[] = "# shop\n\ndomain = a.example, b.example\ndomain=c.example\r\n"
                               "key-type = rsa-2048\ndeploy-hook = echo # x\nagree-tos = yes\n";
    assert_true(config_parse(span_str(text), "f", FILES_CERT, &set, &err));
    assert_int_equal(set.values[OPT_DOMAIN].count, 3);
    assert_int_equal(set.values[OPT_DOMAIN].items[2].line, 4);
    assert_string_equal(option_set_text(&set, OPT_DEPLOY_HOOK), "echo # x");
    assert_string_equal(option_set_text(&set, OPT_AGREE_TOS), "yes");
    assert_string_equal(set.file, "f");
}

static void test_wrong_files(void **state)
{
    (void)state;
    refuse_file(FILES_CERT, "\nwebrot = /x\n", "f.conf:2: unknown key 'webrot'", "'webroot'");
    refuse_file(FILES_CERT, "zzzzzz = 1\n", "unknown key", "acmec.conf(5)");
    refuse_file(FILES_MAIN, "domains = a.example\n", "unknown key", "acmec.conf(5)");
    refuse_file(FILES_MAIN, "domain = a.example\n", "only in certs/NAME.conf", "");
    refuse_file(FILES_CERT, "jobs = 2\n", "only in acmec.conf", "");
    refuse_file(FILES_CERT, "json = yes\n", "only on the command line", "");
    refuse_file(FILES_MAIN, "dry-run = yes\n", "only on the command line", "");
    refuse_file(FILES_MAIN, "yes = yes\n", "only on the command line", "");
    refuse_file(FILES_MAIN, "config-dir = /x\n", "only on the command line", "");
    refuse_file(FILES_CERT, "webroot = www\n", "f.conf:1: webroot: 'www' must begin", "");
    refuse_file(FILES_CERT, "http-port = 0\n", "http-port: '0'", "");
    refuse_file(FILES_CERT, "agree-tos\n", "f.conf:1", "");
    refuse_file(FILES_CERT, "agree-tos = 1\n", "'yes' or 'no'", "");
    refuse_file(FILES_CERT, "email = a@b\nemail = c@d\n", "f.conf:2: email: given a second", "");
    refuse_file(FILES_CERT, "email =\n", "a value is missing", "");
}

/* ---- specs ---- */

struct given {
    struct option_set line, cert, main;
    struct option_layers layers;
};

static void given_release(struct given *given)
{
    option_set_release(&given->line);
    option_set_release(&given->cert);
    option_set_release(&given->main);
}

static void give(struct given *given, const char *cert, const char *main)
{
    struct error err = {0};
    given->layers = (struct option_layers){{&given->line, &given->cert, &given->main}, .count = 3};
    if (cert != NULL)
        assert_true(
            config_parse(span_str(cert), "/c/certs/n.conf", FILES_CERT, &given->cert, &err));
    if (main != NULL)
        assert_true(config_parse(span_str(main), "/c/acmec.conf", FILES_MAIN, &given->main, &err));
}

static void say(struct given *given, enum option_id id, const char *text)
{
    struct error err = {0};
    assert_true(option_set_add(&given->line, id, text, 0, &err));
}

static void test_defaults(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, NULL, NULL);
    say(&given, OPT_DOMAIN, "B.example.,a.example");
    say(&given, OPT_DOMAIN, "b.EXAMPLE");
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    assert_string_equal(spec.name, "n");
    assert_int_equal(spec.names.count, 2);
    assert_string_equal(spec.names.items[0].value, "b.example");
    assert_int_equal(spec.proof.kind, PROOF_AUTO);
    assert_int_equal(spec.http_port, 80);
    assert_null(spec.http_address);
    assert_int_equal(spec.key_types[0], KEY_ECDSA_P256);
    assert_int_equal(spec.renew_before.kind, RENEW_BEFORE_DEFAULT);
    assert_int_equal(spec.ca_count, 1);
    assert_string_equal(spec.cas[0].server, "letsencrypt");
    assert_string_equal(spec.cas[0].directory_url, LE);
    assert_string_equal(spec.cas[0].staging_url, LE_STAGING);
    assert_false(spec.allow_subset);
    assert_string_equal(spec.account, "default");
    assert_null(spec.email);
    assert_false(spec.agree_tos);
    assert_int_equal(spec.hook_timeout, 600);
}

static void test_precedence(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given,
         "domain = a.example\nkey-type = rsa-2048\nhttp-port = 81\nstandalone = yes\n"
         "agree-tos = no\nname = n\n",
         "key-type = rsa-3072\nhttp-port = 82\nwebroot = /w\nemail = a@b.example, c@d.example\n"
         "agree-tos = yes\nhook-timeout = 2m\nhttp-address = ::1\nrenew-before = 20%\n");
    say(&given, OPT_KEY_TYPE, "rsa-4096");
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    assert_int_equal(spec.key_types[0], KEY_RSA_4096);
    assert_int_equal(spec.http_port, 81);
    assert_int_equal(spec.proof.kind, PROOF_STANDALONE);
    assert_null(spec.proof.argument);
    assert_string_equal(spec.email, "a@b.example,c@d.example");
    assert_false(spec.agree_tos);
    assert_int_equal(spec.hook_timeout, 120);
    assert_string_equal(spec.http_address, "::1");
    assert_int_equal(spec.renew_before.kind, RENEW_BEFORE_PERCENT);
    assert_int_equal(spec.renew_before.value, 20);
}

static void test_webroot_of_a_weaker_layer(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "domain = a.example\nstandalone = no\n", "webroot = /w\n");
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    assert_int_equal(spec.proof.kind, PROOF_WEBROOT);
    assert_string_equal(spec.proof.argument, "/w");
}

static void expect_proof(const struct cert_spec *spec, size_t nth, const char *wanted)
{
    AUTO(buf) text = BUF(4096);
    proving_write(cert_spec_proof(spec, &spec->names.items[nth]), &text);
    assert_string_equal(buf_str(&text), wanted);
}

/* The strongest layer that says anything for a name decides; in it, the name's own way. */
static void test_each_name_has_its_proof(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0}, other = {0};
    struct error err = {0};
    give(&given, "domain = a.example=webroot:/a/, b.example, c.example = auto\n", "webroot = /w\n");
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    expect_proof(&spec, 0, "webroot:/a");
    expect_proof(&spec, 1, "webroot:/w");
    expect_proof(&spec, 2, "auto");
    assert_int_equal(spec.name_proof_count, 2);
    say(&given, OPT_DOMAIN, "a.example,b.example=standalone,d.example=webroot:x/y");
    assert_true(config_spec(&given.layers, "n", &other, &err));
    expect_proof(&other, 0, "webroot:/a");
    expect_proof(&other, 1, "standalone");
    AUTO_FREE folder = getcwd(NULL, 0);
    AUTO_FREE wanted = mem_printf("webroot:%s/x/y", folder);
    expect_proof(&other, 2, wanted);
}

/* The comma between certbot's two commands is none of the list's. */
static void test_two_commands_of_one_name(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0}, other = {0};
    struct error err = {0};
    give(&given,
         "domain = a.example, *.a.example=dns:certbot:/x/auth,/x/clean, b.example\n"
         "dns = certbot:/y/auth,/y/clean\n",
         NULL);
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    assert_int_equal(spec.names.count, 3);
    expect_proof(&spec, 0, "dns:certbot:/y/auth,/y/clean");
    expect_proof(&spec, 1, "dns:certbot:/x/auth,/x/clean");
    expect_proof(&spec, 2, "dns:certbot:/y/auth,/y/clean");
    say(&given, OPT_DOMAIN, "a.example=dns:exec:/x,/y");
    assert_false(config_spec(&given.layers, "n", &other, &err));
    assert_int_equal(err.code, ERR_USAGE);
}

static void test_a_proof_for_all_outweighs_weaker_ones(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "domain = a.example=webroot:/a\n", NULL);
    say(&given, OPT_STANDALONE, NULL);
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    expect_proof(&spec, 0, "standalone");
    assert_int_equal(spec.name_proof_count, 0);
}

static void test_bad_proofs(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"a.example=", "'' is no way of proof"},
        {"a.example=smoke", "'smoke' is no way of proof"},
        {"a.example=webroot", "needs an argument"},
        {"a.example=webroot:", "needs an argument"},
        {"a.example=webroot:x", "must begin with '/'"},
        {"a.example=standalone:1", "takes no argument"},
        {"=standalone", "a name is empty"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO(given) given = {0};
        AUTO(cert_spec) spec = {0};
        AUTO_FREE text = mem_printf("domain = ok.example\ndomain = %s\n", bad[i][0]);
        struct error err = {0};
        give(&given, text, NULL);
        assert_false(config_spec(&given.layers, "n", &spec, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.text, bad[i][1]));
        assert_non_null(strstr(err.text, "n.conf:2: domain: "));
    }
}

static void check_server(struct given *given, const char *server, const char *url,
                         const char *staging_url)
{
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    if (!config_spec(&given->layers, "", &spec, &err))
        fail_msg("%s", err.text);
    assert_string_equal(spec.cas[0].server, server);
    assert_string_equal(spec.cas[0].directory_url, url);
    if (staging_url == NULL)
        assert_null(spec.cas[0].staging_url);
    else
        assert_string_equal(spec.cas[0].staging_url, staging_url);
    given_release(given);
    *given = (struct given){0};
}

static void test_servers(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    give(&given, NULL, NULL);
    say(&given, OPT_SERVER, "https://ca.example/dir");
    check_server(&given, "https://ca.example/dir", "https://ca.example/dir", NULL);
    give(&given, NULL, NULL);
    say(&given, OPT_SERVER, LE);
    check_server(&given, LE, LE, LE_STAGING);
    give(&given, NULL, NULL);
    say(&given, OPT_STAGING, NULL);
    check_server(&given, "letsencrypt-staging", LE_STAGING, LE_STAGING);
    /* again, with what was stored the first time */
    give(&given, "server = letsencrypt-staging\n", NULL);
    say(&given, OPT_STAGING, NULL);
    check_server(&given, "letsencrypt-staging", LE_STAGING, LE_STAGING);
    give(&given, "server = google\n", "server = zerossl\n");
    say(&given, OPT_STAGING, NULL);
    check_server(&given, "google-test", "https://dv.acme-v02.test-api.pki.goog/directory",
                 "https://dv.acme-v02.test-api.pki.goog/directory");
    /* a server outweighs the staging of a weaker layer */
    give(&given, "server = google\n", "staging = yes\n");
    check_server(&given, "google", "https://dv.acme-v02.api.pki.goog/directory",
                 "https://dv.acme-v02.test-api.pki.goog/directory");
    give(&given, "staging = no\n", "staging = yes\n");
    check_server(&given, "letsencrypt", LE, LE_STAGING);
}

/* All that are given count, in their order, each once; a layer's list outweighs weaker ones. */
static void test_several_servers(void **state)
{
    (void)state;
    static const struct {
        const char *given, *conf, *wanted[4];
    } cases[] = {
        {"google", "server = letsencrypt\n", {"google"}},
        {NULL,
         "server = zerossl, letsencrypt\nserver = https://ca.example/d\n",
         {"zerossl", "letsencrypt", "https://ca.example/d"}},
        {"letsencrypt,google,LetsEncrypt," LE, NULL, {"letsencrypt", "google"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(given) given = {0};
        AUTO(cert_spec) spec = {0};
        struct error err = {0};
        size_t count = 0;
        give(&given, cases[i].conf, NULL);
        if (cases[i].given != NULL)
            say(&given, OPT_SERVER, cases[i].given);
        assert_true(config_spec(&given.layers, "", &spec, &err));
        for (; cases[i].wanted[count] != NULL; count++)
            assert_string_equal(spec.cas[count].server, cases[i].wanted[count]);
        assert_int_equal(spec.ca_count, count);
    }
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "server = letsencrypt, zerossl\n", NULL);
    say(&given, OPT_STAGING, NULL);
    assert_false(config_spec(&given.layers, "", &spec, &err));
    assert_non_null(strstr(err.text, "'zerossl'"));
}

/* A key id is of no use without its key. */
static void test_binding(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "eab-kid = k\n", NULL);
    assert_false(config_spec(&given.layers, "", &spec, &err));
    assert_non_null(strstr(err.text, "eab-hmac-key-file"));
    given_release(&given);
    given = (struct given){0};
    give(&given, "eab-kid = k\neab-hmac-key-file = /etc/k\n", NULL);
    assert_true(config_spec(&given.layers, "", &spec, &err));
    assert_string_equal(spec.eab_kid, "k");
    assert_string_equal(spec.eab_hmac_key_file, "/etc/k");
}

static void refuse(enum option_id id, const char *text, const char *words, const char *hint)
{
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, NULL, NULL);
    say(&given, id, text);
    assert_false(config_spec(&given.layers, "", &spec, &err));
    assert_int_equal(err.code, ERR_USAGE);
    if (strstr(err.text, words) == NULL || strstr(err.hint, hint) == NULL)
        fail_msg("%s / %s", err.text, err.hint);
    assert_int_equal(spec.ca_count, 0);
}

static void test_wrong_values(void **state)
{
    (void)state;
    refuse(OPT_SERVER, "http://ca.example/dir", "not encrypted", "https://");
    refuse(OPT_SERVER, "https://", "neither", "letsencrypt");
    refuse(OPT_SERVER, "https://ca.example/a b", "neither", "");
    refuse(OPT_SERVER, "letsencript", "neither", "'letsencrypt'");
    refuse(OPT_SERVER, "my-own-authority", "neither", "known by name: letsencrypt, ");
    refuse(OPT_EMAIL, "nobody", "no e-mail", "");
    refuse(OPT_EMAIL, "a@b.example,", "no e-mail", "");
    refuse(OPT_EMAIL, "a@b@c", "no e-mail", "");
    refuse(OPT_EMAIL, "a@b.example?cc=x@y", "no e-mail", "");
    refuse(OPT_ACCOUNT, "../x", "no name", "");
    refuse(OPT_ACCOUNT, "A", "no name", "");
    refuse(OPT_HTTP_ADDRESS, "localhost", "no IP address", "");
    refuse(OPT_HTTP_ADDRESS, "[::1]", "no IP address", "");
    refuse(OPT_RENEW_BEFORE, "0%", "neither", "");
    refuse(OPT_RENEW_BEFORE, "100%", "neither", "");
    refuse(OPT_RENEW_BEFORE, "%", "neither", "");
    refuse(OPT_RENEW_BEFORE, "0", "neither", "");
    refuse(OPT_RENEW_BEFORE, "soon", "neither", "");
    refuse(OPT_DOMAIN, "a.example=webrot:/x", "no way of proof", "webroot");
    refuse(OPT_DOMAIN, "a..example", "--domain: ", "");
    refuse(OPT_DOMAIN, "https://a.example/", "--domain: ", "");
}

static void test_wrong_values_of_files(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *text;
    } cases[] = {
        {"\nserver = http://x.example\n", "/c/certs/n.conf:2: server: "},
        {"domain = a.example\ndomain = b.example, -\n", "/c/certs/n.conf:2: domain: "},
        {"standalone = yes\nwebroot = /w\n", "/c/certs/n.conf:1: standalone: "},
        {"name = other\n", "/c/certs/n.conf:1: name: 'other'"},
        {"server = zerossl\nstaging = yes\n", "/c/certs/n.conf:2: staging: "},
        {"email = x\n", "/c/certs/n.conf:1: email: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(given) given = {0};
        AUTO(cert_spec) spec = {0};
        struct error err = {0};
        give(&given, cases[i].cert, NULL);
        assert_false(config_spec(&given.layers, "n", &spec, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        if (strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0)
            fail_msg("%s", err.text);
    }
}

static void test_too_many_names(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(identifier_list) names = {0};
    struct error err = {0};
    give(&given, NULL, NULL);
    for (int i = 0; i < IDENTIFIERS_MAX; i++) {
        AUTO_FREE name = mem_printf("n%d.example", i);
        say(&given, OPT_DOMAIN, name);
    }
    say(&given, OPT_DOMAIN, "n0.example");
    assert_true(config_names(&given.layers, &names, &err));
    assert_int_equal(names.count, IDENTIFIERS_MAX);
    identifier_list_release(&names);
    say(&given, OPT_DOMAIN, "more.example");
    assert_false(config_names(&given.layers, &names, &err));
    assert_int_equal(names.count, 0);
}

static void test_renew_before_time(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, NULL, NULL);
    say(&given, OPT_RENEW_BEFORE, "30d");
    assert_true(config_spec(&given.layers, "", &spec, &err));
    assert_int_equal(spec.renew_before.kind, RENEW_BEFORE_SECONDS);
    assert_int_equal(spec.renew_before.value, 30 * 86400);
}

/* ---- the certificate ---- */

static void test_two_key_types(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "domain = a.example\nkey-type = rsa-2048\n", NULL);
    say(&given, OPT_KEY_TYPE, "ecdsa-p384, rsa-3072");
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    assert_int_equal(cert_spec_pairs(&spec), 2);
    assert_int_equal(spec.key_types[0], KEY_ECDSA_P384);
    assert_int_equal(spec.key_types[1], KEY_RSA_3072);
    assert_string_equal(cert_spec_suffix(&spec, 0), "");
    assert_string_equal(cert_spec_suffix(&spec, 1), ".rsa");
    refuse(OPT_KEY_TYPE, "rsa-2048,rsa-4096", "one ECDSA and one RSA", "");
    refuse(OPT_KEY_TYPE, "ecdsa-p256,ecdsa-p384", "one ECDSA and one RSA", "");
    refuse(OPT_KEY_TYPE, "ecdsa-p256,rsa-2048,rsa-2048", "more than two", "");
}

/* What the request says takes the place of options beside it, but not of those for others. */
static void test_csr(void **state)
{
    static const struct {
        const char *cert, *main, *why; /* NULL: fine */
    } cases[] = {
        {"csr = /x.csr\n", NULL, NULL},
        {"csr = /x.csr\nreuse-key = no\n", "key-type = rsa-2048\nreuse-key = yes\n", NULL},
        {"csr = /x.csr\nprofile = p\npreferred-chain = R\n", NULL, NULL},
        {"csr = /x.csr\ndomain = a.example\n", NULL, "n.conf:2: domain: does not go together"},
        {"csr = /x.csr\nkey-type = rsa-2048\n", NULL, "n.conf:2: key-type: does not"},
        {"csr = /x.csr\nreuse-key = yes\n", NULL, "n.conf:2: reuse-key: does not"},
        {"csr = /x.csr\nmust-staple = yes\n", NULL, "n.conf:2: must-staple: does not"},
        {"csr = /x.csr\nkey-group = www\n", NULL, "n.conf:2: key-group: does not"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(given) given = {0};
        AUTO(cert_spec) spec = {0};
        struct error err = {0};
        give(&given, cases[i].cert, cases[i].main);
        bool good = config_spec(&given.layers, "n", &spec, &err);
        assert_int_equal(good, cases[i].why == NULL);
        if (!good) {
            assert_non_null(strstr(err.text, cases[i].why));
            assert_non_null(strstr(err.hint, "/x.csr"));
            continue;
        }
        assert_string_equal(spec.csr, "/x.csr");
        assert_int_equal(spec.key_type_count, 0);
        assert_int_equal(cert_spec_pairs(&spec), 1);
        assert_false(spec.reuse_key);
    }
    /* A stronger wish for names contradicts a request in the file as well. */
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "csr = /x.csr\n", NULL);
    say(&given, OPT_DOMAIN, "a.example");
    assert_false(config_spec(&given.layers, "n", &spec, &err));
    assert_int_equal(err.code, ERR_USAGE);
}

static void test_profiles(void **state)
{
    static const struct {
        const char *cert, *main, *profile;
        bool optional;
    } cases[] = {
        {"", NULL, NULL, false},
        {"profile = a\n", NULL, "a", false},
        {"preferred-profile = a\n", NULL, "a", true},
        {"profile = a\n", "preferred-profile = b\n", "a", false},
        {"preferred-profile = a\n", "profile = b\n", "a", true},
        {"", "profile = b\n", "b", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(given) given = {0};
        AUTO(cert_spec) spec = {0};
        struct error err = {0};
        give(&given, cases[i].cert, cases[i].main);
        assert_true(config_spec(&given.layers, "n", &spec, &err));
        assert_int_equal(spec.profile == NULL, cases[i].profile == NULL);
        if (spec.profile != NULL)
            assert_string_equal(spec.profile, cases[i].profile);
        assert_int_equal(spec.profile_optional, cases[i].optional);
    }
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "profile = a\npreferred-profile = a\n", NULL);
    assert_false(config_spec(&given.layers, "n", &spec, &err));
    assert_non_null(strstr(err.text, "n.conf:2: preferred-profile: does not go together"));
}

static void test_dates(void **state)
{
    (void)state;
    AUTO(given) given = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    give(&given, "not-before = 1h\nnot-after = 30d\n", NULL);
    say(&given, OPT_NOT_AFTER, "2027-01-15T09:00:00+01:00");
    assert_true(config_spec(&given.layers, "n", &spec, &err));
    assert_int_equal(moment_at(&spec.not_before, 1000), 1000 + 3600);
    assert_int_equal(moment_at(&spec.not_after, 1000), 1800000000);
    AUTO(given) day = {0};
    AUTO(cert_spec) until = {0};
    give(&day, NULL, NULL);
    say(&day, OPT_NOT_AFTER, "2027-01-15");
    assert_true(config_spec(&day.layers, "n", &until, &err));
    assert_int_equal(moment_at(&until.not_after, 0), 1799971200);
    assert_int_equal(moment_at(&until.not_before, 7), 0);
    refuse(OPT_NOT_AFTER, "soon", "neither a time", "");
    refuse(OPT_NOT_BEFORE, "2027-13-01", "neither a time", "");
    AUTO(given) file = {0};
    AUTO(cert_spec) none = {0};
    give(&file, "not-after = 2027-01-15\n", NULL);
    assert_false(config_spec(&file.layers, "n", &none, &err));
    assert_non_null(strstr(err.text, "would be past some day"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_webroot_of_a_weaker_layer),
        cmocka_unit_test(test_each_name_has_its_proof),
        cmocka_unit_test(test_a_proof_for_all_outweighs_weaker_ones),
        cmocka_unit_test(test_two_commands_of_one_name),
        cmocka_unit_test(test_bad_proofs),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_several_servers),
        cmocka_unit_test(test_binding),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_wrong_values_of_files),
        cmocka_unit_test(test_too_many_names),
        cmocka_unit_test(test_renew_before_time),
        cmocka_unit_test(test_two_key_types),
        cmocka_unit_test(test_csr),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

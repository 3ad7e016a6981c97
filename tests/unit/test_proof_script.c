/* The calls, argument by argument; tests/integration/test_dns.py runs real scripts. */
#include "fake/test_place.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/engine/proof_script.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct place place;

static int start(void **state)
{
    (void)state;
    place_make(&place);
    return 0;
}

static int end(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

/* A file of this test's that may be executed; owned path. */
static char *program(const char *name)
{
    char *path = place_path(&place, name);
    place_write(&place, name, "#!/bin/sh\n");
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static bool check(const char *text, struct error *err)
{
    AUTO(proving) proof = {0};
    struct error bad;
    assert_true(proving_parse(text, NULL, &proof, &bad));
    return proof_script_check(&proof, false, err);
}

static struct stored_record record_of(const char *provider)
{
    return (struct stored_record){
        .script = mem_strdup(provider),
        .name = mem_strdup("_acme-challenge.a.example"),
        .value = mem_strdup("the-value"),
        .domain = mem_strdup("a.example"),
        .domains = mem_strdup("a.example,b.example"),
        .token = mem_strdup("the-token"),
        .remaining = 1,
    };
}

static void make(const struct stored_record *record, bool put, struct proof_script *out)
{
    struct error err = {0};
    bool needed = false;
    if (!proof_script_make(record, put, out, &needed, &err))
        fail_msg("%s", err.text);
    assert_true(needed);
}

static void expect_argv(const struct proof_script *script, const char *const *words)
{
    size_t i = 0;
    for (; words[i] != NULL; i++) {
        assert_non_null(script->argv[i]);
        assert_string_equal(script->argv[i], words[i]);
    }
    assert_null(script->argv[i]);
}

static const char *variable(const struct proof_script *script, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < script->environment.count; i++) {
        const char *entry = script->environment.entries[i];
        if (strncmp(entry, name, len) == 0 && entry[len] == '=')
            return entry + len + 1;
    }
    return NULL;
}

static void as_lego_calls_its_program(void **state)
{
    (void)state;
    AUTO_FREE path = program("hook");
    AUTO_FREE provider = mem_printf("dns:exec:%s", path);
    AUTO(stored_record) record = record_of(provider);
    AUTO(proof_script) put = {0}, out = {0};
    make(&record, true, &put);
    make(&record, false, &out);
    expect_argv(&put, (const char *const[]){path, "present", "_acme-challenge.a.example.",
                                            "the-value", NULL});
    expect_argv(&out, (const char *const[]){path, "cleanup", "_acme-challenge.a.example.",
                                            "the-value", NULL});
    assert_false(put.gives_output);
    assert_int_equal(put.input.len, 0);
}

static void as_dehydrated_calls_its_hook(void **state)
{
    (void)state;
    AUTO_FREE path = program("hook.sh");
    AUTO_FREE provider = mem_printf("dns:dehydrated:%s", path);
    AUTO(stored_record) record = record_of(provider);
    AUTO(proof_script) put = {0}, out = {0};
    make(&record, true, &put);
    make(&record, false, &out);
    expect_argv(&put, (const char *const[]){path, "deploy_challenge", "a.example", "the-token",
                                            "the-value", NULL});
    expect_argv(&out, (const char *const[]){path, "clean_challenge", "a.example", "the-token",
                                            "the-value", NULL});
}

static void as_certbot_calls_its_scripts(void **state)
{
    (void)state;
    AUTO_FREE auth = program("auth");
    AUTO_FREE clean = program("clean");
    AUTO_FREE provider = mem_printf("dns:certbot:%s 'x y',%s", auth, clean);
    AUTO_FREE command = mem_printf("%s 'x y'", auth);
    AUTO(stored_record) record = record_of(provider);
    AUTO(proof_script) put = {0}, out = {0}, again = {0};
    make(&record, true, &put);
    expect_argv(&put, (const char *const[]){"/bin/sh", "-c", command, NULL});
    assert_true(put.gives_output);
    assert_string_equal(variable(&put, "CERTBOT_DOMAIN"), "a.example");
    assert_string_equal(variable(&put, "CERTBOT_VALIDATION"), "the-value");
    assert_string_equal(variable(&put, "CERTBOT_ALL_DOMAINS"), "a.example,b.example");
    assert_string_equal(variable(&put, "CERTBOT_REMAINING_CHALLENGES"), "1");
    assert_null(variable(&put, "CERTBOT_AUTH_OUTPUT"));
    make(&record, false, &out);
    expect_argv(&out, (const char *const[]){"/bin/sh", "-c", clean, NULL});
    assert_string_equal(variable(&out, "CERTBOT_AUTH_OUTPUT"), "");
    assert_string_equal(variable(&out, "CERTBOT_REMAINING_CHALLENGES"), "1");
    record.output = mem_strdup("id 7");
    make(&record, false, &again);
    assert_string_equal(variable(&again, "CERTBOT_AUTH_OUTPUT"), "id 7");
}

static void without_a_second_script_nothing_is_called(void **state)
{
    (void)state;
    AUTO_FREE auth = program("auth");
    AUTO_FREE provider = mem_printf("dns:certbot:%s", auth);
    AUTO(stored_record) record = record_of(provider);
    AUTO(proof_script) out = {0};
    struct error err = {0};
    bool needed = true;
    assert_true(proof_script_make(&record, false, &out, &needed, &err));
    assert_false(needed);
}

static void write_conf(const char *text, char **provider)
{
    AUTO_FREE path = place_path(&place, "tsig.conf");
    place_write(&place, "tsig.conf", text);
    *provider = mem_printf("dns:rfc2136:%s", path);
}

static void by_nsupdate(void **state)
{
    (void)state;
    AUTO_FREE key = place_path(&place, "tsig.key");
    AUTO_FREE text =
        mem_printf("# ours\nserver = 192.0.2.1\nport=5353\nzone = a.example\nttl = 10\n"
                   "key-file = %s\n",
                   key);
    AUTO_FREE provider = NULL;
    place_write(&place, "tsig.key", "key");
    write_conf(text, &provider);
    AUTO(stored_record) record = record_of(provider);
    AUTO(proof_script) put = {0}, out = {0};
    make(&record, true, &put);
    make(&record, false, &out);
    expect_argv(&put, (const char *const[]){"/usr/bin/nsupdate", "-t", "60", "-k", key, NULL});
    assert_string_equal(buf_str(&put.input),
                        "server 192.0.2.1 5353\nzone a.example\nupdate add "
                        "_acme-challenge.a.example. 10 IN TXT \"the-value\"\nsend\n");
    assert_string_equal(buf_str(&out.input),
                        "server 192.0.2.1 5353\nzone a.example\nupdate delete "
                        "_acme-challenge.a.example. IN TXT \"the-value\"\nsend\n");
}

static void by_nsupdate_with_defaults(void **state)
{
    (void)state;
    AUTO_FREE provider = NULL;
    write_conf("\n", &provider);
    AUTO(stored_record) record = record_of(provider);
    AUTO(proof_script) put = {0};
    make(&record, true, &put);
    expect_argv(&put, (const char *const[]){"/usr/bin/nsupdate", "-t", "60", NULL});
    assert_string_equal(buf_str(&put.input),
                        "update add _acme-challenge.a.example. 60 IN TXT \"the-value\"\nsend\n");
}

static void a_bad_file_for_nsupdate_is_named_with_its_line(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"server = a b\n", "tsig.conf:1: server"},
        {"\nsecret = x\n", "tsig.conf:2: unknown key 'secret'"},
        {"key-file = tsig.key\n", "tsig.conf:1: key-file"},
        {"ttl = many\n", "tsig.conf:1: ttl"},
        {"key-file = /nonexistent/key\n", "/nonexistent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_FREE provider = NULL;
        struct error err = {0};
        write_conf(rows[i][0], &provider);
        assert_false(check(provider, &err));
        if (strstr(err.text, rows[i][1]) == NULL)
            fail_msg("%s", err.text);
    }
}

static void by_a_function_of_acme_sh(void **state)
{
    (void)state;
    AUTO_FREE folder = place_path(&place, "acme");
    AUTO(stored_record) record = record_of("dns:acme.sh:dns_mine");
    AUTO(proof_script) put = {0};
    struct error err = {0};
    place_mkdir(&place, "acme", 0755);
    place_mkdir(&place, "acme/dnsapi", 0755);
    place_write(&place, "acme/acme.sh", "");
    assert_int_equal(setenv("LE_WORKING_DIR", folder, 1), 0);
    assert_false(check("dns:acme.sh:dns_mine", &err));
    assert_non_null(strstr(err.text, "dnsapi/dns_mine.sh"));
    place_write(&place, "acme/dnsapi/dns_mine.sh", "");
    make(&record, true, &put);
    assert_string_equal(put.argv[1], "-c");
    assert_string_equal(put.argv[3] + strlen(folder), "/acme.sh");
    assert_string_equal(put.argv[4], folder);
    assert_string_equal(put.argv[5], "dns_mine");
    assert_string_equal(put.argv[6], "add");
    assert_string_equal(put.argv[7], "_acme-challenge.a.example");
    assert_string_equal(put.argv[8], "the-value");
    assert_null(put.argv[9]);
}

static void over_http(void **state)
{
    (void)state;
    AUTO_FREE path = program("publish");
    AUTO_FREE script = mem_printf("http-hook:%s", path);
    AUTO(stored_record) record = record_of(script);
    AUTO(proof_script) put = {0}, out = {0};
    make(&record, true, &put);
    make(&record, false, &out);
    expect_argv(
        &put, (const char *const[]){path, "present", "a.example", "the-token", "the-value", NULL});
    expect_argv(
        &out, (const char *const[]){path, "cleanup", "a.example", "the-token", "the-value", NULL});
    assert_string_equal(variable(&put, "ACMEC_KEY_AUTHORIZATION"), "the-value");
    assert_false(proof_script_is_told_name(&record));
}

static void what_cannot_run_is_said_before(void **state)
{
    (void)state;
    AUTO_FREE path = program("hook");
    AUTO_FREE provider = mem_printf("dns:exec:%s", path);
    struct error err = {0};
    assert_true(check(provider, &err));
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(check(provider, &err));
    assert_int_equal(err.code, ERR_FILES);
    assert_int_equal(chmod(path, 0755), 0);
    if (getuid() == 0) {
        assert_int_equal(chmod(path, 0777), 0);
        assert_false(check(provider, &err));
    }
    assert_false(check("dns:exec:/nonexistent/hook", &err));
    assert_false(check("dns:certbot:/bin/true,/nonexistent/hook", &err));
    assert_non_null(strstr(err.text, "/nonexistent/hook"));
}

static void whose_script_makes_the_name_itself_puts_none_of_another_name(void **state)
{
    (void)state;
    AUTO_FREE path = program("hook");
    static const struct {
        const char *form;
        bool good;
    } rows[] = {{"dns:exec", true}, {"dns:certbot", false}, {"dns:dehydrated", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_FREE text = mem_printf("%s:%s", rows[i].form, path);
        AUTO(proving) proof = {0};
        struct error err = {0};
        assert_true(proving_parse(text, NULL, &proof, &err));
        assert_int_equal(proof_script_check(&proof, true, &err), rows[i].good);
        assert_int_equal(err.code, rows[i].good ? ERR_NONE : ERR_USAGE);
    }
}

static void lanes(void **state)
{
    (void)state;
    AUTO(stored_record) exec = record_of("dns:exec:/h"), other = record_of("dns:exec:/h");
    AUTO(stored_record)
    certbot = record_of("dns:certbot:/h"), acme = record_of("dns:acme.sh:dns_x");
    AUTO_FREE one = proof_script_lane(&exec, "a");
    AUTO_FREE same = proof_script_lane(&exec, "b");
    assert_string_equal(one, same); /* one name, several values */
    other.name[0] = 'x';
    AUTO_FREE different = proof_script_lane(&other, "a");
    assert_string_not_equal(one, different);
    AUTO_FREE of_a = proof_script_lane(&certbot, "a");
    AUTO_FREE of_b = proof_script_lane(&certbot, "b");
    assert_string_not_equal(of_a, of_b);
    certbot.name[0] = 'x';
    AUTO_FREE still_a = proof_script_lane(&certbot, "a");
    assert_string_equal(of_a, still_a);
    AUTO_FREE acme_a = proof_script_lane(&acme, "a");
    AUTO_FREE acme_b = proof_script_lane(&acme, "b");
    assert_string_equal(acme_a, acme_b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_lego_calls_its_program),
        cmocka_unit_test(as_dehydrated_calls_its_hook),
        cmocka_unit_test(as_certbot_calls_its_scripts),
        cmocka_unit_test(without_a_second_script_nothing_is_called),
        cmocka_unit_test(by_nsupdate),
        cmocka_unit_test(by_nsupdate_with_defaults),
        cmocka_unit_test(a_bad_file_for_nsupdate_is_named_with_its_line),
        cmocka_unit_test(by_a_function_of_acme_sh),
        cmocka_unit_test(over_http),
        cmocka_unit_test(what_cannot_run_is_said_before),
        cmocka_unit_test(whose_script_makes_the_name_itself_puts_none_of_another_name),
        cmocka_unit_test(lanes),
    };
    return cmocka_run_group_tests(tests, start, end);
}

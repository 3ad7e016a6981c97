/* What preflight says about answers that are made up, and what it asks next;
 * tests/integration/test_preflight.py asks real ones. */
#include "../../src/engine/preflight_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/spec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct scene {
    struct questions questions;
    struct identifier identifier;
    struct preflight_name name;
    struct preflight_rows rows;
    struct cert_spec spec;
};

static struct question *dns(struct scene *scene, const char *name)
{
    struct question *question = questions_add(&scene->questions, QUESTION_DNS);
    question->dns.name = mem_strdup(name);
    question->answered = true;
    return question;
}

static void start(struct scene *scene, const char *name)
{
    *scene = (struct scene){.spec = {.http_port = 80, .tls_port = 443}};
    struct error err;
    assert_true(identifier_parse(name, &scene->identifier, &err));
    scene->name = (struct preflight_name){
        .name = &scene->identifier,
        .base = scene->identifier.value + (identifier_is_wildcard(&scene->identifier) ? 2 : 0),
        .method = "http-01",
        .token = mem_strdup("TOKEN"),
        .key_authorization = mem_strdup("TOKEN.print"),
    };
    scene->name.a = dns(scene, scene->name.base);
    scene->name.aaaa = dns(scene, scene->name.base);
}

static void end(struct scene *scene)
{
    free(scene->name.token);
    free(scene->name.key_authorization);
    questions_release(&scene->questions);
    preflight_rows_release(&scene->rows);
}

static void add(const struct question *question, enum dns_type type, const char *tag,
                const char *data)
{
    struct dns_record *record = dns_answer_add(&((struct question *)question)->records);
    record->type = type;
    record->owner = mem_strdup(question->dns.name);
    (void)snprintf(record->tag, sizeof record->tag, "%s", tag);
    buf_add_str(&record->data, data);
}

static void assert_row(const struct scene *scene, enum preflight_kind kind, bool ok,
                       const char *part)
{
    assert_true(scene->rows.count > 0);
    const struct preflight_row *row = &scene->rows.items[scene->rows.count - 1];
    if (row->kind != kind || row->ok != ok || strstr(row->detail, part) == NULL)
        fail_msg("%s: %s, not '%s'", preflight_word(row->kind), row->detail, part);
    assert_true(ok || row->hint[0] != '\0');
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, "a.example");
    preflight_judge_address(&scene.name, &scene.rows);
    assert_row(&scene, PREFLIGHT_ADDRESS, false, "neither A nor AAAA");
    ((struct question *)scene.name.a)->records.rcode = DNS_NXDOMAIN;
    preflight_judge_address(&scene.name, &scene.rows);
    assert_row(&scene, PREFLIGHT_ADDRESS, false, "NXDOMAIN");
    ((struct question *)scene.name.aaaa)->records.rcode = DNS_SERVFAIL;
    preflight_judge_address(&scene.name, &scene.rows);
    assert_row(&scene, PREFLIGHT_ADDRESS, false, "SERVFAIL");
    add(scene.name.a, DNS_CNAME, "", "b.example");
    add(scene.name.a, DNS_A, "", "192.0.2.1");
    add(scene.name.aaaa, DNS_AAAA, "", "::1");
    preflight_judge_address(&scene.name, &scene.rows);
    assert_row(&scene, PREFLIGHT_ADDRESS, true,
               "leads to 192.0.2.1 (another machine), ::1 (this machine)");
    end(&scene);
}

/* ---- CAA ---- */

static void test_caa_climbs_to_the_closest_records(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, "*.b.a.example");
    static const char *const levels[] = {"b.a.example", "a.example", "example"};
    for (size_t i = 0; i < 3; i++)
        scene.name.caa[scene.name.levels++] = dns(&scene, levels[i]);
    preflight_judge_caa(&scene.name, "ca.example", NULL, &scene.rows);
    assert_row(&scene, PREFLIGHT_CAA, true, "no CAA record stands");
    add(scene.name.caa[2], DNS_CAA, "issue", ";");
    preflight_judge_caa(&scene.name, "ca.example", NULL, &scene.rows);
    assert_row(&scene, PREFLIGHT_CAA, false, "forbid it: no CA may issue");
    add(scene.name.caa[1], DNS_CAA, "issue", "ca.example");
    preflight_judge_caa(&scene.name, "ca.example", NULL, &scene.rows);
    assert_row(&scene, PREFLIGHT_CAA, true, "name this CA");
    add(scene.name.caa[1], DNS_CAA, "issuewild", "other.example");
    preflight_judge_caa(&scene.name, "ca.example", NULL, &scene.rows);
    assert_row(&scene, PREFLIGHT_CAA, false, "only 'other.example'");
    ((struct question *)scene.name.caa[0])->records.rcode = DNS_REFUSED;
    preflight_judge_caa(&scene.name, "ca.example", NULL, &scene.rows);
    assert_row(&scene, PREFLIGHT_CAA, false, "CAA of b.a.example: REFUSED");
    end(&scene);
}

/* ---- visits ---- */

static struct question *last(const struct scene *scene)
{
    return scene->questions.items[scene->questions.count - 1];
}

static void reply(struct scene *scene, long status, const char *headers, const char *body)
{
    struct question *question = last(scene);
    question->answered = true;
    question->response =
        (struct http_response){.status = status, .headers = BUF(999), .body = BUF(999)};
    buf_add_str(&question->response.headers, headers);
    buf_add_str(&question->response.body, body);
}

static bool visit(struct scene *scene)
{
    return preflight_visit_on(&scene->spec, &scene->name, &scene->name.visits[0],
                              &scene->questions);
}

static void begin_visit(struct scene *scene, const char *address)
{
    start(scene, "a.example");
    add(scene->name.a, DNS_A, "", address);
    preflight_find_visits(&scene->name);
    assert_int_equal(scene->name.visit_count, 1);
    assert_true(visit(scene));
    assert_string_equal(last(scene)->http.url, "http://a.example/.well-known/acme-challenge/TOKEN");
}

static void judge_visit(struct scene *scene)
{
    preflight_judge_visit(&scene->name, &scene->name.visits[0], &scene->rows);
}

static void test_a_visit(void **state)
{
    (void)state;
    static const struct {
        const char *address, *body, *part;
        long status;
        bool ok;
    } rows[] = {
        {"127.0.0.1", "TOKEN.print\n", "is served at 127.0.0.1", 200, true},
        {"192.0.2.1", "TOKEN.print", "is served at 192.0.2.1", 200, true},
        {"127.0.0.1", "TOKEN.other", "answers 200 with other content", 200, false},
        {"127.0.0.1", "TOKEN.print", "answers 404", 404, false},
        {"192.0.2.1", "hello", "port 80 of a.example answers from another server: 192.0.2.1", 200,
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        begin_visit(&scene, rows[i].address);
        reply(&scene, rows[i].status, "", rows[i].body);
        assert_false(visit(&scene));
        judge_visit(&scene);
        assert_row(&scene, PREFLIGHT_PORT_80, rows[i].ok, rows[i].part);
        end(&scene);
    }
}

static void test_redirects(void **state)
{
    (void)state;
    static const struct {
        const char *location, *connect_to, *elsewhere;
    } rows[] = {
        {"https://a.example/x", "127.0.0.1:443", ""},
        {"HTTP://A.Example:8080/x", "127.0.0.1:8080", ""},
        {"https://a.example", "127.0.0.1:443", ""},
        {"https://a.example.evil/x", NULL, "https://a.example.evil/x"},
        {"https://a.example:0/x", NULL, "https://a.example:0/x"},
        {"https://b.example/\033", NULL, "https://b.example/\\u{001B}"},
        {"ftp://a.example/", NULL, "ftp://a.example/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        begin_visit(&scene, "127.0.0.1");
        AUTO_FREE header = mem_printf("Location: %s\n", rows[i].location);
        reply(&scene, 302, header, "");
        assert_int_equal(visit(&scene), rows[i].connect_to != NULL);
        if (rows[i].connect_to != NULL)
            assert_string_equal(last(&scene)->http.connect_to, rows[i].connect_to);
        assert_string_equal(scene.name.visits[0].elsewhere, rows[i].elsewhere);
        end(&scene);
    }
}

static void test_redirects_come_to_an_end(void **state)
{
    (void)state;
    struct scene scene;
    size_t count = 0;
    begin_visit(&scene, "127.0.0.1");
    do
        reply(&scene, 301, "Location: http://a.example/\n", "");
    while (visit(&scene) && ++count < 99);
    assert_int_equal(count, PREFLIGHT_REDIRECTS_MAX);
    judge_visit(&scene);
    assert_row(&scene, PREFLIGHT_PORT_80, false, "answers 301");
    end(&scene);
}

/* Before nginx has a way to the answers any answer of this machine will do, and none of another; a
 * hook may publish on another. */
static void test_a_proof_that_is_not_there_yet(void **state)
{
    (void)state;
    static const struct {
        const char *address, *detail;
        bool by_hook, ok;
    } rows[] = {
        {"127.0.0.1", "this machine answers at 127.0.0.1; issue lets nginx", false, true},
        {"192.0.2.1", "another server", false, false},
        {"127.0.0.1", "this machine answers at 127.0.0.1; --http-hook is to", true, true},
        {"192.0.2.1", "another machine answers at 192.0.2.1; --http-hook is to", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        begin_visit(&scene, rows[i].address);
        scene.name.untried = true;
        scene.name.by_hook = rows[i].by_hook;
        reply(&scene, 301, "Location: https://a.example/\n", "");
        assert_false(visit(&scene)); /* it will not lead there then */
        judge_visit(&scene);
        assert_row(&scene, PREFLIGHT_PORT_80, rows[i].ok, rows[i].detail);
        end(&scene);
    }
}

/* The CA has not found it where a hook was to publish it: that it is another machine is no cause.
 */
static void test_a_proof_that_a_hook_has_not_published(void **state)
{
    (void)state;
    struct scene scene;
    begin_visit(&scene, "192.0.2.1");
    scene.name.by_hook = true;
    reply(&scene, 404, "", "");
    judge_visit(&scene);
    assert_row(&scene, PREFLIGHT_PORT_80, false, "at 192.0.2.1 answers 404");
    end(&scene);
}

/* Only where nobody at all answers on port 80 of our own address. */
static void test_the_port_that_was_given(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        struct scene scene;
        begin_visit(&scene, own ? "127.0.0.1" : "192.0.2.1");
        scene.spec.http_port = 8080;
        (void)(fail)(&last(&scene)->error, ERR_NETWORK, "refused");
        last(&scene)->failure = HTTP_FAIL_CONNECT;
        assert_int_equal(visit(&scene), own);
        if (own) {
            assert_string_equal(last(&scene)->http.connect_to, "127.0.0.1:8080");
            reply(&scene, 200, "", "TOKEN.print");
        }
        assert_false(visit(&scene));
        judge_visit(&scene);
        assert_row(&scene, PREFLIGHT_PORT_80, own, own ? "on port 8080" : "cannot be used at");
        end(&scene);
    }
}

static void test_by_tls(void **state)
{
    (void)state;
    for (int alpn = 0; alpn < 2; alpn++) {
        struct scene scene;
        start(&scene, "192.0.2.1");
        scene.name.method = "tls-alpn-01";
        preflight_find_visits(&scene.name);
        assert_true(visit(&scene));
        assert_string_equal(last(&scene)->tls.server_name, "1.2.0.192.in-addr.arpa");
        assert_int_equal(last(&scene)->tls.port, 443);
        last(&scene)->answered = true;
        (void)snprintf(last(&scene)->report.alpn, TLS_WORD_MAX, "%s", alpn ? "acme-tls/1" : "");
        assert_false(visit(&scene));
        judge_visit(&scene);
        assert_row(&scene, PREFLIGHT_PORT_443, alpn, alpn ? "is served" : "another server");
        end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_caa_climbs_to_the_closest_records),
        cmocka_unit_test(test_a_visit),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_redirects_come_to_an_end),
        cmocka_unit_test(test_a_proof_that_is_not_there_yet),
        cmocka_unit_test(test_a_proof_that_a_hook_has_not_published),
        cmocka_unit_test(test_the_port_that_was_given),
        cmocka_unit_test(test_by_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

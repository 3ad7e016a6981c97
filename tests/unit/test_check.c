/* What check says about looks that are made up; tests/integration/test_check.py looks at servers.
 * tests/data/certs/make says what each chain is. */
#include "../../src/engine/check_private.h"
#include "fake/test_files.h"

#include <acmec/base/cleanup.h>
#include <acmec/crypto/cert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAY INT64_C(86400)

struct scene {
    struct check_world world;
    struct question browser, other, web;
    struct check_looks looks;
    struct check_targets targets;
    struct check_target *target;
};

static void load(const char *name, struct buf *out)
{
    char path[128];
    *out = BUF(TEST_FILE_MAX);
    (void)snprintf(path, sizeof path, "certs/%s.pem", name);
    test_file(path, out);
}

static void answer(struct question *question, const char *chain, enum tls_version version)
{
    AUTO(buf) pem;
    AUTO(pem_list) list = {0};
    struct error err;
    load(chain, &pem);
    assert_true(pem_parse_chain(buf_span(&pem), ERR_FILES, &list, &err));
    question->answered = true;
    question->report.version = version;
    for (size_t i = 0; i < list.count; i++) {
        question->report.chain[i] = BUF(TEST_FILE_MAX);
        buf_add_span(&question->report.chain[i], buf_span(&list.blocks[i].der));
    }
    question->report.chain_count = list.count;
}

/* a.example shows chain to browsers; root is trusted. */
static void start(struct scene *scene, const char *chain, const char *root)
{
    AUTO(cert_info) info = {0};
    AUTO(buf) good;
    struct error err;
    *scene = (struct scene){0};
    assert_true(crypto_start(&err));
    load("good", &good);
    assert_true(cert_read(buf_span(&good), ERR_FILES, &info, &err));
    scene->world.now = info.not_before + DAY;
    load(root, &scene->world.trust);
    scene->looks.browser = &scene->browser;
    if (chain != NULL)
        answer(&scene->browser, chain, TLS_1_3);
    scene->target = check_targets_add(&scene->targets);
    scene->target->place = (struct check_place){.host = "a.example", .port = 443};
}

static void release(struct question *question)
{
    tls_report_release(&question->report);
    http_response_release(&question->response);
}

static void end(struct scene *scene)
{
    release(&scene->browser);
    release(&scene->other);
    release(&scene->web);
    buf_release(&scene->world.trust);
    check_targets_release(&scene->targets);
}

static void assert_problem(const struct scene *scene, const char *part)
{
    for (size_t i = 0; i < scene->target->problems.count; i++)
        if (strstr(scene->target->problems.items[i], part) != NULL)
            return;
    fail_msg("no '%s' among %zu problems, the first: %s", part, scene->target->problems.count,
             scene->target->error.text);
}

static void test_all_well(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, "good", "root");
    check_judge(&scene.world, &scene.looks, scene.target);
    assert_int_equal(scene.target->problems.count, 0);
    assert_int_equal(scene.target->error.code, ERR_NONE);
    assert_true(scene.target->trusted);
    assert_string_equal(scene.target->anchor, "Test Root");
    assert_int_equal(scene.target->chain_count, 2);
    assert_string_equal(scene.target->chain[0].issuer, "Test Intermediate");
    assert_null(scene.target->live);
    assert_null(scene.target->second);
    assert_true(scene.target->offers[TLS_1_3]);
    assert_false(scene.target->offers[TLS_1_2]);
    end(&scene);
}

static void test_problems(void **state)
{
    (void)state;
    static const struct {
        const char *chain, *root, *host;
        int64_t days;
        const char *part;
    } rows[] = {
        {"good", "root", "b.a.example", 0, "and others, not for b.a.example"},
        {"good", "root", "a.example", 8001, "expired"},
        {"good", "root", "a.example", -3, "not valid yet"},
        {"good", "root", "a.example", 7990, "should have been renewed"},
        {"good", "root-p521", "a.example", 0, "leads to no CA"},
        {"lone", "root", "a.example", 0, "without that of its CA, 'Test Intermediate'"},
        {"root", "root-p521", "a.example", 0, "signed by nobody but itself"},
        {"root", "root", "a.example", 0, "names no server"},
        {"client", "root", "a.example", 0, "not for servers"},
        {"weak-hash", "root", "a.example", 0, "weak"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        start(&scene, rows[i].chain, rows[i].root);
        scene.world.now += rows[i].days * DAY;
        (void)snprintf(scene.target->place.host, sizeof scene.target->place.host, "%s",
                       rows[i].host);
        check_judge(&scene.world, &scene.looks, scene.target);
        assert_problem(&scene, rows[i].part);
        assert_int_equal(scene.target->error.code, ERR_WEB_SERVER);
        end(&scene);
    }
}

static void test_no_handshake(void **state)
{
    (void)state;
    for (int connected = 0; connected < 2; connected++) {
        struct scene scene;
        start(&scene, NULL, "root");
        (void)(fail)(&scene.browser.error, ERR_NETWORK, "it said no");
        scene.browser.failure = connected ? HTTP_FAIL_TLS : HTTP_FAIL_CONNECT;
        answer(&scene.other, "good", TLS_1_1);
        scene.looks.old = connected ? &scene.other : NULL;
        check_judge(&scene.world, &scene.looks, scene.target);
        assert_int_equal(scene.target->error.code, connected ? ERR_WEB_SERVER : ERR_NETWORK);
        assert_string_equal(scene.target->error.text, "it said no");
        assert_int_equal(scene.target->problems.count, connected ? 2 : 1);
        if (connected)
            assert_problem(&scene, "nothing newer than TLSv1.1");
        end(&scene);
    }
}

static void test_a_second_certificate(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, "good", "root");
    answer(&scene.other, "rsa", TLS_1_2);
    scene.looks.ecdsa = &scene.browser;
    scene.looks.rsa = &scene.other;
    check_judge(&scene.world, &scene.looks, scene.target);
    assert_non_null(scene.target->second);
    assert_string_equal(scene.target->second->key, "RSA, 2048 bits");
    end(&scene);
}

static struct check_live live_of(const char *name, const char *chain)
{
    struct question question = {0};
    struct check_live live = {.name = (char *)name};
    struct error err;
    answer(&question, chain, TLS_1_3);
    assert_true(cert_view_read(buf_span(&question.report.chain[0]), &live.leaf, &err));
    release(&question);
    return live;
}

static void test_ours(void **state)
{
    (void)state;
    struct check_live lives[] = {live_of("rsa", "rsa"), live_of("good", "good")};
    for (size_t count = 0; count <= 2; count++) {
        struct scene scene;
        start(&scene, "good", "root");
        scene.world.lives = lives;
        scene.world.live_count = count;
        check_judge(&scene.world, &scene.looks, scene.target);
        if (count == 1)
            assert_problem(&scene, "another certificate is served than live/rsa");
        else
            assert_int_equal(scene.target->problems.count, 0);
        if (count == 2)
            assert_string_equal(scene.target->live, "good");
        else
            assert_null(scene.target->live);
        end(&scene);
    }
    for (size_t i = 0; i < 2; i++)
        cert_view_release(&lives[i].leaf);
}

static void test_the_web(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, "good", "root");
    scene.web.answered = true;
    scene.web.response = (struct http_response){.status = 301, .headers = BUF(999)};
    buf_add_str(&scene.web.response.headers, "Location: https://a.example/\n"
                                             "strict-transport-security: max-age=1\x1b\n");
    scene.looks.http = scene.looks.https = &scene.web;
    check_judge(&scene.world, &scene.looks, scene.target);
    assert_string_equal(scene.target->redirect, "https://a.example/");
    assert_string_equal(scene.target->hsts, "max-age=1\\u{001B}");
    assert_int_equal(scene.target->http_status, 301);
    end(&scene);
}

/* The story has the words of this very handshake, and nothing that did not happen. */
static void test_the_story(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene, "good", "root");
    static const struct tls_step steps[] = {{.sent = true, .type = 1, .length = 300},
                                            {.type = 2, .length = 122},
                                            {.type = 11, .length = 900},
                                            {.type = 15, .length = 80}};
    memcpy(scene.browser.report.steps, steps, sizeof steps);
    scene.browser.report.step_count = 4;
    (void)snprintf(scene.browser.report.group, TLS_WORD_MAX, "x25519");
    scene.world.explain = true;
    check_judge(&scene.world, &scene.looks, scene.target);
    AUTO(buf) story = BUF(64 * 1024);
    for (size_t i = 0; i < scene.target->story.count; i++)
        buf_addf(&story, "%s\n", scene.target->story.items[i]);
    const char *text = buf_str(&story);
    assert_non_null(strstr(text, "-> ClientHello (300 bytes)"));
    assert_non_null(strstr(text, "public key of x25519"));
    assert_non_null(strstr(text, "<- CertificateVerify (80 bytes)"));
    assert_non_null(strstr(text, "up to 'Test Root'"));
    assert_null(strstr(text, "Finished"));
    assert_null(strstr(text, "HelloRetryRequest"));
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_well),     cmocka_unit_test(test_problems),
        cmocka_unit_test(test_no_handshake), cmocka_unit_test(test_a_second_certificate),
        cmocka_unit_test(test_ours),         cmocka_unit_test(test_the_web),
        cmocka_unit_test(test_the_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

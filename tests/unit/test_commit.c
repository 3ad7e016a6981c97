#include <acmec/engine/commit.h>

#include "fake/fake_run.h"
#include <acmec/engine/trust.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What this system trusts. */
static struct buf system_trust = {.max = 65536};

bool trust_read(const char *ca_bundle, struct buf *out, struct error *err)
{
    (void)ca_bundle;
    (void)err;
    *out = BUF(65536);
    buf_add_span(out, buf_span(&system_trust));
    return true;
}

struct scene {
    struct fake_run fake;
    struct test_issuer issuer;
    struct cert_spec spec;
    struct cert_state state;
    struct certkey certkey;
    struct buf chain;
    struct identifier_list dropped;
    struct commit_request request;
};

static void start(struct scene *scene)
{
    *scene = (struct scene){.chain = BUF(65536)};
    fake_run_start(&scene->fake);
    buf_clear(&system_trust);
    (void)snprintf(scene->spec.name, sizeof scene->spec.name, "cert");
    scene->spec.names = test_names(2);
    scene->spec.key_types[0] = KEY_ECDSA_P256;
    scene->spec.key_type_count = 1;
    cert_spec_add_ca(&scene->spec, "ca", "https://ca.example/dir", NULL);
    scene->request = (struct commit_request){
        .spec = &scene->spec,
        .dropped = &scene->dropped,
        .directory_url = "https://ca.example/dir",
        .account_url = "https://ca.example/acct/1",
        .profile = "shortlived",
        .has_ari = true,
    };
}

static void end(struct scene *scene)
{
    certkey_release(&scene->certkey);
    buf_release(&scene->chain);
    identifier_list_release(&scene->dropped);
    cert_spec_release(&scene->spec);
    cert_state_release(&scene->state);
    issuer_release(&scene->issuer);
    buf_release(&system_trust);
    fake_run_end(&scene->fake);
}

/* A key, its next generation, and a chain for these names. */
static void prepare(struct scene *scene, const char *const *names, size_t count)
{
    struct error err = {0};
    AUTO(buf) der = BUF(CSR_DER_MAX);
    struct run *run = &scene->fake.run;
    unsigned generation = 0;
    certkey_release(&scene->certkey);
    buf_clear(&scene->chain);
    assert_true(certkey_start(&scene->certkey, run, &scene->spec, 0, NULL, &err));
    assert_true(store_next_generation(run->store, "cert", &generation, &err));
    assert_true(certkey_save(&scene->certkey, generation, &err));
    assert_true(certkey_request(&scene->certkey, &der, &err));
    issuer_sign(&scene->issuer, buf_span(&der), names, count, scene->fake.world.wall,
                &scene->chain);
    scene->request.generation = generation;
    scene->request.keys[0] = &scene->certkey;
    scene->request.chains[0] = buf_span(&scene->chain);
}

static const char *const both[] = {"a.example", "b.example"};

static bool commit(struct scene *scene, struct error *err)
{
    return commit_generation(&scene->fake.run, &scene->request, &scene->state, err);
}

static void commit_well(struct scene *scene)
{
    struct error err = {0};
    prepare(scene, both, 2);
    if (!commit(scene, &err))
        fail_msg("%s", err.text);
}

static void give_order(struct scene *scene)
{
    stored_order_set(&scene->state.orders[0], "https://ca.example/order/1",
                     "https://ca.example/dir", "https://ca.example/acct/1", 1, "ecdsa-p256",
                     &scene->spec.names);
}

static void test_a_generation_becomes_live(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    start(&scene);
    give_order(&scene);
    scene.state.failure.count = 2;
    commit_well(&scene);
    AUTO_FREE chain = place_read(&scene.fake.home.place, "etc/live/cert/fullchain.pem");
    assert_non_null(chain);
    assert_string_equal(chain, buf_str(&scene.chain));
    assert_true(place_has(&scene.fake.home.place, "etc/live/cert/privkey.pem"));

    AUTO(cert_state) stored = {.deploy_pending = false};
    assert_true(store_read_state(scene.fake.home.store, "cert", &stored, &err));
    const struct stored_live *live = &stored.live;
    assert_int_equal(live->generation, 1);
    assert_true(live->not_before == scene.fake.world.wall);
    assert_true(live->not_after == scene.fake.world.wall + (int64_t)ISSUER_DAYS * 86400);
    assert_true(live->issued_at == scene.fake.world.wall);
    assert_true(live->due_at == scene.fake.world.wall + (int64_t)60 * 86400);
    assert_string_equal(live->issuer, "Test CA");
    assert_string_equal(live->profile, "shortlived");
    assert_string_equal(live->account_url, "https://ca.example/acct/1");
    assert_true(live->ari[0].cert_id[0] != '\0');
    assert_int_equal(live->names.count, 2);
    assert_null(stored.orders[0].url);
    assert_int_equal(stored.failure.count, 0);
    assert_false(stored.deploy_pending);
    end(&scene);
}

static void test_a_deploy_hook_has_work_then(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.spec.deploy_hook = mem_strdup("reload");
    commit_well(&scene);
    assert_true(scene.state.deploy_pending);
    end(&scene);
}

/* Both in the state and beside the chain, so that a state that is lost costs no renewal. */
static void test_names_left_out_are_kept(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    struct identifier name;
    start(&scene);
    assert_true(identifier_parse("c.example", &name, &err));
    assert_true(identifier_list_add(&scene.dropped, &name));
    commit_well(&scene);
    assert_int_equal(scene.state.live.dropped.count, 1);
    AUTO(cert_state) derived = {.deploy_pending = false};
    assert_true(store_derive_live(scene.fake.home.store, "cert", &derived, &err));
    assert_int_equal(derived.live.names.count, 2);
    assert_int_equal(derived.live.dropped.count, 1);
    assert_string_equal(derived.live.dropped.items[0].value, "c.example");
    identifier_list_release(&scene.dropped);
    commit_well(&scene);
    assert_int_equal(scene.state.live.dropped.count, 0);
    end(&scene);
}

static void test_a_ca_without_ari(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.request.has_ari = false;
    commit_well(&scene);
    assert_string_equal(scene.state.live.ari[0].cert_id, "");
    end(&scene);
}

static void test_a_useless_chain_ends_the_order(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    static const char *const other[] = {"a.example", "evil.example"};
    start(&scene);
    commit_well(&scene);
    give_order(&scene);
    prepare(&scene, other, 2);
    assert_false(commit(&scene, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_null(scene.state.orders[0].url);
    assert_int_equal(scene.state.live.generation, 1);
    assert_false(place_has(&scene.fake.home.place, "etc/archive/cert/2/fullchain.pem"));
    end(&scene);
}

static void test_a_dry_run_keeps_nothing(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    scene.fake.settings.dry_run = true;
    commit_well(&scene);
    assert_int_equal(scene.state.live.generation, 0);
    assert_false(place_has(&scene.fake.home.place, "etc/live/cert"));
    end(&scene);
}

/* The next certificate comes from a CA that this system does not trust. */
static void replace_trusted(struct scene *scene)
{
    start(scene);
    commit_well(scene);
    buf_add_span(&system_trust, buf_span(&scene->chain)); /* its last one is the CA's */
    commit_well(scene);                                   /* from the same CA: nobody minds */
    issuer_release(&scene->issuer);
    prepare(scene, both, 2);
}

static void test_what_is_trusted_is_not_lost(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    replace_trusted(&scene);
    assert_false(commit(&scene, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_non_null(strstr(err.text, "not trusted"));
    assert_non_null(strstr(err.hint, "--yes"));
    assert_int_equal(scene.state.live.generation, 2);
    scene.fake.settings.yes = true;
    assert_true(commit(&scene, &err));
    assert_int_equal(scene.state.live.generation, 3);
    end(&scene);
}

static void test_a_system_that_trusts_nobody(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    replace_trusted(&scene);
    buf_clear(&system_trust);
    assert_true(commit(&scene, &err));
    end(&scene);
}

static void test_the_stamp_follows_the_files(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {0};
    start(&scene);
    commit_well(&scene);
    struct file_stamp before = scene.state.live.conf;
    assert_true(store_write_conf(scene.fake.home.store, "cert", SPAN_LIT("names = a\n"), &err));
    scene.spec.renew_before = (struct renew_before){RENEW_BEFORE_SECONDS, 40LL * 86400};
    commit_stamp(&scene.fake.run, &scene.spec, &scene.state);
    assert_false(file_stamp_equals(&before, &scene.state.live.conf));
    assert_true(scene.state.live.due_at == scene.state.live.not_after - 40LL * 86400);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_generation_becomes_live),
        cmocka_unit_test(test_a_deploy_hook_has_work_then),
        cmocka_unit_test(test_names_left_out_are_kept),
        cmocka_unit_test(test_a_ca_without_ari),
        cmocka_unit_test(test_a_useless_chain_ends_the_order),
        cmocka_unit_test(test_a_dry_run_keeps_nothing),
        cmocka_unit_test(test_what_is_trusted_is_not_lost),
        cmocka_unit_test(test_a_system_that_trusts_nobody),
        cmocka_unit_test(test_the_stamp_follows_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_store.h: a store in a folder of a test's own (etc and var in it), with keys and chains from
 * tests/data. */
#ifndef ACMEC_TESTS_TEST_STORE_H
#define ACMEC_TESTS_TEST_STORE_H

#include "fake/test_files.h"
#include "fake/test_place.h"

#include <acmec/io/store.h>

struct test_store {
    struct place place;
    struct store *store;
};

static inline void test_store_reopen(struct test_store *test)
{
    struct error err = {0};
    AUTO_FREE config = place_path(&test->place, "etc");
    AUTO_FREE state = place_path(&test->place, "var");
    store_close(test->store);
    if (!crypto_start(&err) || !store_open(config, state, &test->store, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static inline void test_store_make(struct test_store *test)
{
    struct error err = {0};
    place_make(&test->place);
    test->store = NULL;
    test_store_reopen(test);
    if (!store_prepare(test->store, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static inline void test_store_remove(struct test_store *test)
{
    store_close(test->store);
    place_remove(&test->place);
}

/* For a cmocka test with a store of its own: *state is its struct test_store. */
static inline int test_store_set_up(void **state)
{
    struct test_store *test = mem_new(1, sizeof *test);
    test_store_make(test);
    *state = test;
    return 0;
}

static inline int test_store_tear_down(void **state)
{
    test_store_remove(*state);
    free(*state);
    return 0;
}

static inline struct key *test_key(const char *name)
{
    struct buf pem = BUF(TEST_FILE_MAX);
    struct key *key = NULL;
    struct error err = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "keys/%s.pem", name);
    test_file(path, &pem);
    if (!key_read_pem(buf_span(&pem), ERR_FILES, &key, &err)) {
        (void)fprintf(stderr, "%s: %s\n", path, err.text);
        abort();
    }
    buf_release(&pem);
    return key;
}

/* Of names[] = "a.example", "b.example", ...: the first count ones. Owned. */
static inline struct identifier_list test_names(size_t count)
{
    struct identifier_list names = {0};
    for (size_t i = 0; i < count; i++) {
        struct identifier one = {.type = IDENTIFIER_DNS};
        (void)snprintf(one.value, sizeof one.value, "%c.example", (char)('a' + i));
        (void)identifier_list_add(&names, &one);
    }
    return names;
}

/* Commits tests/data/certs/CHAIN.pem with keys/KEY.pem as the next generation. */
static inline bool test_commit(struct store *store, const char *name, const char *key_name,
                               const char *chain_name, const char *group, struct error *err)
{
    struct buf chain = BUF(TEST_FILE_MAX);
    struct key *key = test_key(key_name);
    struct identifier_list names = test_names(2);
    char path[128];
    unsigned generation;
    (void)snprintf(path, sizeof path, "certs/%s.pem", chain_name);
    test_file(path, &chain);
    struct generation_parts parts = {
        .suffixes = {""},
        .chains = {buf_span(&chain)},
        .pairs = 1,
        .request = "ecdsa-p256",
        .directory_url = "https://ca.example/dir",
        .account_url = "https://ca.example/acct/1",
        .names = &names,
        .issued_at = 1800000000,
    };
    bool good = store_next_generation(store, name, &generation, err) &&
                store_write_pending_key(store, name, generation, "", key, err) &&
                store_commit(store, name, generation, &parts, group, err);
    key_free(key);
    buf_release(&chain);
    identifier_list_release(&names);
    return good;
}

/* Commits good.pem with ec256 and rsa.pem with rsa2048 as one generation; no_key: good.pem alone,
 * whose key is elsewhere. */
static inline bool test_commit_pairs(struct store *store, const char *name, bool no_key,
                                     struct error *err)
{
    struct buf first = BUF(TEST_FILE_MAX), second = BUF(TEST_FILE_MAX);
    struct identifier_list names = test_names(2);
    struct key *ec = test_key("ec256"), *rsa = test_key("rsa2048");
    unsigned n;
    test_file("certs/good.pem", &first);
    test_file("certs/rsa.pem", &second);
    const struct generation_parts parts = {
        .suffixes = {"", ".rsa"},
        .chains = {buf_span(&first), buf_span(&second)},
        .pairs = no_key ? 1 : 2,
        .no_key = no_key,
        .directory_url = "https://ca.example/dir",
        .account_url = "https://ca.example/acct/1",
        .request = "ecdsa-p256,rsa-2048",
        .profile = "classic",
        .names = &names,
        .issued_at = 1800000000,
    };
    bool good = store_next_generation(store, name, &n, err) &&
                (no_key || (store_write_pending_key(store, name, n, "", ec, err) &&
                            store_write_pending_key(store, name, n, ".rsa", rsa, err))) &&
                store_commit(store, name, n, &parts, NULL, err);
    key_free(ec);
    key_free(rsa);
    buf_release(&first);
    buf_release(&second);
    identifier_list_release(&names);
    return good;
}

#endif

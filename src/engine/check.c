#include <acmec/engine/check.h>

#include "check_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/trust.h>
#include <acmec/engine/world.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_TIMEOUT_MS 10000
#define ADDRESSES_MAX 16
#define ALPN "h2,http/1.1"
#define PORT_HTTP 80

struct address {
    struct check_place place;
    char text[64];
    struct check_looks looks;
};

struct check {
    struct run *run;
    const struct check_request *request;
    struct check_world world;
    struct questions questions;
    struct question **names; /* one for each place; NULL: it is an address */
};

/* ---- what is known at home ---- */

static void read_live(struct check *check, const char *name)
{
    AUTO(buf) chain = BUF(PEM_CHAIN_MAX);
    AUTO(pem_list) blocks = {0};
    struct check_live live = {0};
    struct error err = {0};
    bool found = false;
    if (!store_read_live_chain(check->run->store, name, &chain, &found, &err) || !found ||
        !pem_parse_chain(buf_span(&chain), ERR_FILES, &blocks, &err) ||
        !cert_view_read(buf_span(&blocks.blocks[0].der), &live.leaf, &err)) {
        if (err.code != ERR_NONE)
            log_debug("%s", err.text);
        return;
    }
    struct check_world *world = &check->world;
    live.name = mem_strdup(name);
    world->lives = mem_resize(world->lives, world->live_count + 1, sizeof *world->lives);
    world->lives[world->live_count++] = live;
}

static bool read_home(struct check *check, struct error *err)
{
    AUTO(name_list) names = {0};
    if (!crypto_start(err) || !store_list(check->run->store, &names, err) ||
        !trust_read(check->request->ca_bundle, &check->world.trust, err))
        return false;
    for (size_t i = 0; i < names.count; i++)
        read_live(check, names.items[i]);
    check->world.now = run_now(check->run);
    check->world.explain = check->request->explain;
    return true;
}

static void release(struct check *check)
{
    for (size_t i = 0; i < check->world.live_count; i++) {
        free(check->world.lives[i].name);
        cert_view_release(&check->world.lives[i].leaf);
    }
    free(check->world.lives);
    buf_release(&check->world.trust);
    questions_release(&check->questions);
    free(check->names);
}

/* ---- questions ---- */

static void ask_names(struct check *check)
{
    check->names = mem_new(check->request->count + 1, sizeof(struct question *));
    for (size_t i = 0; i < check->request->count; i++) {
        const struct check_place *place = &check->request->places[i];
        if (place->is_address)
            continue;
        check->names[i] = questions_add(&check->questions, QUESTION_DNS);
        check->names[i]->dns = (struct dns_query){
            .name = mem_strdup(place->host),
            .type = DNS_HOST,
            .server = mem_strdup(check->run->settings->dns_server),
        };
    }
}

static struct question *look(struct check *check, const struct address *address, enum tls_key key,
                             enum tls_version min, enum tls_version max)
{
    struct question *question = questions_add(&check->questions, QUESTION_TLS);
    const char *name = address->place.is_address ? NULL : address->place.host;
    question->tls = (struct tls_request){
        .address = mem_strdup(address->text),
        .port = address->place.port,
        .server_name = mem_strdup(name),
        .alpn = mem_strdup(ALPN),
        .key = key,
        .min = min,
        .max = max,
        .timeout_ms = LOOK_TIMEOUT_MS,
    };
    return question;
}

/* An address as it stands in a URL; owned. */
static char *in_url(const char *host)
{
    bool is_v6 = strchr(host, ':') != NULL;
    return mem_printf("%s%s%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "");
}

static struct question *visit(struct check *check, const struct address *address, bool secure)
{
    struct question *question = questions_add(&check->questions, QUESTION_HTTP);
    uint16_t port = secure ? address->place.port : PORT_HTTP;
    AUTO_FREE host = in_url(address->place.host);
    AUTO_FREE home = in_url(address->text);
    question->http = (struct http_request){
        .method = HTTP_HEAD,
        .url = port == CHECK_PORT_DEFAULT || !secure
                   ? mem_printf("http%s://%s/", secure ? "s" : "", host)
                   : mem_printf("https://%s:%u/", host, (unsigned)port),
        .connect_to = mem_printf("%s:%u", home, (unsigned)port),
        .insecure = true,
        .timeout_ms = LOOK_TIMEOUT_MS,
    };
    return question;
}

static void ask_address(struct check *check, struct address *address)
{
    address->looks = (struct check_looks){
        .browser = look(check, address, TLS_ANY_KEY, TLS_VERSION_ANY, TLS_VERSION_ANY),
        .tls12 = look(check, address, TLS_ANY_KEY, TLS_1_2, TLS_1_2),
        .tls13 = look(check, address, TLS_ANY_KEY, TLS_1_3, TLS_1_3),
        .old = look(check, address, TLS_ANY_KEY, TLS_1_0, TLS_1_1),
        .ecdsa = look(check, address, TLS_ECDSA, TLS_VERSION_ANY, TLS_VERSION_ANY),
        .rsa = look(check, address, TLS_RSA, TLS_VERSION_ANY, TLS_VERSION_ANY),
        .http = address->place.port == CHECK_PORT_DEFAULT ? visit(check, address, false) : NULL,
        .https = visit(check, address, true),
    };
}

/* ---- addresses ---- */

struct addresses {
    struct address *items;
    size_t count;
};

static void add_address(struct addresses *all, const struct check_place *place, const char *text)
{
    all->items = mem_resize(all->items, all->count + 1, sizeof *all->items);
    struct address *address = &all->items[all->count++];
    *address = (struct address){.place = *place};
    (void)snprintf(address->text, sizeof address->text, "%s", text);
}

/* All addresses of a place; none where its name leads nowhere. */
static void find_addresses(const struct check *check, size_t nth, struct addresses *out)
{
    const struct check_place *place = &check->request->places[nth];
    const struct question *question = check->names[nth];
    if (question == NULL) {
        add_address(out, place, place->host);
        return;
    }
    for (size_t i = 0; i < question->records.count && i < ADDRESSES_MAX; i++)
        add_address(out, place, buf_str(&question->records.records[i].data));
}

static void judge_name(const struct question *question, struct check_target *target)
{
    if (!question->answered)
        (void)check_problem(target, ERR_NETWORK, "%s", question->error.text);
    else if (question->records.rcode != DNS_NOERROR)
        (void)check_problem(target, ERR_NETWORK, "the DNS has no address for it (%s)",
                            dns_rcode_word(question->records.rcode));
    else
        (void)check_problem(target, ERR_NETWORK, "the DNS has no address for it");
}

static void judge_all(const struct check *check, const struct addresses *all,
                      struct check_targets *out)
{
    size_t next = 0;
    for (size_t i = 0; i < check->request->count; i++) {
        struct addresses own = {0};
        find_addresses(check, i, &own);
        if (own.count == 0) {
            struct check_target *target = check_targets_add(out);
            target->place = check->request->places[i];
            judge_name(check->names[i], target);
        }
        for (size_t j = 0; j < own.count; j++, next++) {
            const struct address *address = &all->items[next];
            struct check_target *target = check_targets_add(out);
            AUTO_FREE host = in_url(address->text);
            target->place = address->place;
            (void)snprintf(target->address, sizeof target->address, "%s:%u", host,
                           (unsigned)address->place.port);
            check_judge(&check->world, &address->looks, target);
        }
        free(own.items);
    }
}

static bool ask_all(struct check *check, struct addresses *all, struct error *err)
{
    ask_names(check);
    if (!questions_ask(check->run, &check->questions, err))
        return false;
    for (size_t i = 0; i < check->request->count; i++)
        find_addresses(check, i, all);
    for (size_t i = 0; i < all->count; i++)
        ask_address(check, &all->items[i]);
    return questions_ask(check->run, &check->questions, err);
}

bool check_run(struct run *run, const struct check_request *request, struct check_targets *out,
               struct error *err)
{
    struct check check = {.run = run, .request = request};
    struct addresses all = {0};
    bool good = read_home(&check, err) && world_open(run, NULL, NULL, err);
    if (good) {
        good = ask_all(&check, &all, err);
        if (good)
            judge_all(&check, &all, out);
        world_close(run);
    }
    free(all.items);
    release(&check);
    return good;
}

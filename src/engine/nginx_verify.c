#include <acmec/engine/nginx_verify.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/pem.h>
#include <acmec/engine/world.h>
#include <acmec/io/own_address.h>
#include <acmec/nginx/plan.h>
#include <arpa/inet.h>
#include <stdio.h>

#define WITHIN_MIN_MS 5000
#define TEST_FACTOR 20
#define HANDSHAKE_MS 3000

struct look {
    struct nginx_verify_item *item;
    struct plan_look where;
    char address[64];
    bool local;
};

struct verify {
    struct look *looks;
    size_t count, open;
};

bool nginx_verify_address(const struct listening_address *address, char out[static 64])
{
    bool ipv6 = address->family == LISTENING_IPV6;
    if (!ipv6 && address->family != LISTENING_IPV4)
        return false;
    if (listening_address_is_wildcard(address))
        (void)snprintf(out, 64, "%s", ipv6 ? "::1" : "127.0.0.1");
    else if (inet_ntop(ipv6 ? AF_INET6 : AF_INET, address->bytes, out, 64) == NULL)
        return false;
    return true;
}

static void seen(void *owner, size_t tag, struct tls_report *report)
{
    struct verify *verify = owner;
    (void)report;
    verify->looks[tag].item->seen++;
    verify->open--;
}

/* An address of another machine (a standby's) proves nothing when it does not answer. */
static void failed(void *owner, size_t tag, enum http_failure failure, const struct error *error)
{
    struct verify *verify = owner;
    struct look *look = &verify->looks[tag];
    char text[LISTENING_TEXT_MAX];
    verify->open--;
    if (!look->local && failure != HTTP_FAIL_NONE) {
        look->item->unverified++;
        return;
    }
    if (look->item->error.code != ERR_NONE)
        return;
    listening_address_text(&look->where.address, text);
    (void)fail(&look->item->error, ERR_WEB_SERVER,
               "nginx does not serve the certificate for '%s' on %s: %s", look->where.name, text,
               error->text);
}

static const struct probe_listener listener = {seen, failed};

static bool leaf_of(const char *path, unsigned char out[static SHA256_SIZE], struct error *err)
{
    AUTO(buf) text = BUF(PEM_CHAIN_MAX);
    AUTO(pem_list) blocks = {0};
    return file_read(path, &text, NULL, err) &&
           pem_parse_chain(buf_span(&text), ERR_FILES, &blocks, err) &&
           digest_sha256(buf_span(&blocks.blocks[0].der), out, err);
}

static void add_looks(struct verify *verify, struct nginx_verify_item *item,
                      const struct nginx_view *view)
{
    AUTO(plan_looks) found = {0};
    plan_find_looks(&view->choose, item->path, item->names, &found);
    for (size_t i = 0; i < found.count; i++) {
        struct look look = {.item = item, .where = found.items[i]};
        if (!nginx_verify_address(&look.where.address, look.address)) {
            item->unverified++;
            continue;
        }
        look.local = own_address_has(look.address);
        verify->looks = mem_resize(verify->looks, verify->count + 1, sizeof *verify->looks);
        verify->looks[verify->count++] = look;
    }
}

static void start(struct run *run, struct verify *verify, size_t index, int64_t within_ms,
                  const unsigned char leaf[static SHA256_SIZE])
{
    const struct look *look = &verify->looks[index];
    struct probe_request request = {
        .tls =
            {
                .address = (char *)(uintptr_t)look->address,
                .port = look->where.address.port,
                .server_name =
                    look->where.name[0] == '\0' ? NULL : (char *)(uintptr_t)look->where.name,
                .key = look->item->rsa ? TLS_RSA : TLS_ECDSA,
                .proxy_protocol = look->where.proxy_protocol,
                .timeout_ms = HANDSHAKE_MS,
            },
        .within_ms = look->local ? within_ms : 0,
    };
    memcpy(request.leaf_sha256, leaf, SHA256_SIZE);
    probe_start(run->probes, &request, &listener, verify, index);
}

bool nginx_verify(struct run *run, const struct nginx_site *site, const struct nginx_view *view,
                  struct nginx_verify_item *items, size_t count, struct error *err)
{
    struct verify verify = {0};
    int64_t within_ms = TEST_FACTOR * site->test_ms;
    bool good = true;
    for (size_t i = 0; i < count; i++)
        add_looks(&verify, &items[i], view);
    verify.open = verify.count;
    const struct nginx_verify_item *last = NULL;
    unsigned char leaf[SHA256_SIZE] = {0};
    for (size_t i = 0; good && i < verify.count; i++) {
        const struct nginx_verify_item *item = verify.looks[i].item;
        good = item == last || leaf_of(item->path, leaf, err);
        last = item;
        if (good)
            start(run, &verify, i, within_ms > WITHIN_MIN_MS ? within_ms : WITHIN_MIN_MS, leaf);
    }
    while (good && verify.open > 0 && run->stop_signal == 0)
        world_wait_for(run, INT64_MAX, NULL, NULL);
    probes_cancel(run->probes, &verify);
    free(verify.looks);
    return good;
}

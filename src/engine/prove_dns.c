/* prove_dns: DNS-01 (RFC 8555 section 8.4) and dns-account-01 by TXT records that a provider's
 * script puts into the zone (--dns). */
#include <acmec/engine/proof.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/digest.h>
#include <acmec/data/b64url.h>
#include <acmec/data/base32.h>
#include <acmec/engine/proof_script.h>
#include <acmec/engine/records.h>

#define LABEL "_acme-challenge"
/* draft-ietf-acme-dns-account-label: so many bytes of the account's digest. */
#define ACCOUNT_BYTES 10

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    (void)run;
    return proof_script_check(choice, spec->dns_proof != PROOF_BY_DNS_01, err);
}

static const char *base_of(const struct identifier *identifier)
{
    return identifier->value + (identifier_is_wildcard(identifier) ? 2 : 0);
}

/* Where the record stands; owned. */
static bool name_of(const struct proof_answer *answer, char **out, struct error *err)
{
    const char *base = base_of(&answer->identifier);
    unsigned char digest[SHA256_SIZE];
    AUTO(buf) label = BUF(64);
    if (answer->spec->dns_proof == PROOF_BY_DNS_01) {
        *out = mem_printf(LABEL ".%s", base);
        return true;
    }
    if (!digest_sha256(span_str(session_account_url(answer->session)), digest, err))
        return false;
    base32_encode(span_of(digest, ACCOUNT_BYTES), &label);
    *out = mem_printf("_%s." LABEL ".%s", buf_str(&label), base);
    return true;
}

static bool value_of(const struct proof_answer *answer, char **out, struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    AUTO(buf) text = BUF(64);
    if (!digest_sha256(span_str(answer->key_authorization), digest, err))
        return false;
    b64url_encode(span_of(digest, sizeof digest), &text);
    *out = buf_take(&text);
    return true;
}

static void ready(void *ctx, const char *doubt)
{
    struct proof_answer *answer = ctx;
    answer->doubt = answer->spec->dns_timeout == 0
                        ? "was not looked for before the CA did (--dns-timeout 0)"
                        : doubt;
    proof_answer_ready(answer);
}

static void failed(void *ctx, const struct error *error)
{
    proof_answer_failed(ctx, error);
}

static bool present(struct run *run, struct proof_answer *answer, bool *is_ready, struct error *err)
{
    AUTO_FREE script = proving_text(answer->choice);
    AUTO_FREE name = NULL;
    AUTO_FREE value = NULL;
    if (!name_of(answer, &name, err) || !value_of(answer, &value, err))
        return false;
    const struct record_wish wish = {
        .cert = answer->spec->name,
        .stored = {.script = script,
                   .name = name,
                   .value = value,
                   .domain = (char *)base_of(&answer->identifier),
                   .token = answer->token},
        .script_timeout_s = answer->spec->hook_timeout,
        .dns_timeout_s = answer->spec->dns_timeout,
        .listener = {ready, failed, answer},
    };
    *is_ready = false;
    answer->own = records_put(run->records, &wish);
    return true;
}

static void take_down(struct run *run, struct proof_answer *answer)
{
    (void)run;
    record_drop(answer->own);
}

const struct proof_way prove_dns = {
    .challenge_type = "dns-01",
    .wildcards = true,
    .no_addresses = true,
    .check = check,
    .present = present,
    .remove = take_down,
};

const struct proof_way prove_dns_account = {
    .challenge_type = "dns-account-01",
    .wildcards = true,
    .no_addresses = true,
    .check = check,
    .present = present,
    .remove = take_down,
};

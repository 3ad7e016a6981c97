#include <acmec/data/spec.h>

#include <acmec/base/mem.h>
#include <stdlib.h>
#include <string.h>

#define KEY_TYPE_AS_WORD(id, word) [KEY_##id] = (word),
static const char *const words[KEY_TYPE_COUNT] = {KEY_TYPES(KEY_TYPE_AS_WORD)};

const char *key_type_word(enum key_type type)
{
    return words[type];
}

bool key_type_is_rsa(enum key_type type)
{
    return type == KEY_RSA_2048 || type == KEY_RSA_3072 || type == KEY_RSA_4096;
}

bool key_type_from_word(const char *word, enum key_type *out)
{
    for (int i = 0; i < KEY_TYPE_COUNT; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = (enum key_type)i;
            return true;
        }
    }
    return false;
}

#define DNS_PROOF_AS_WORD(id, word) [PROOF_BY_##id] = (word),
static const char *const dns_words[DNS_PROOF_COUNT] = {DNS_PROOFS(DNS_PROOF_AS_WORD)};

const char *dns_proof_word(enum dns_proof proof)
{
    return dns_words[proof];
}

bool dns_proof_from_word(const char *word, enum dns_proof *out)
{
    for (int i = 0; i < DNS_PROOF_COUNT; i++) {
        if (strcmp(dns_words[i], word) == 0) {
            *out = (enum dns_proof)i;
            return true;
        }
    }
    return false;
}

void cert_spec_release(struct cert_spec *spec)
{
    identifier_list_release(&spec->names);
    proving_release(&spec->proof);
    for (size_t i = 0; i < spec->name_proof_count; i++)
        proving_release(&spec->name_proofs[i].proof);
    free(spec->name_proofs);
    for (size_t i = 0; i < spec->ca_count; i++) {
        free(spec->cas[i].server);
        free(spec->cas[i].directory_url);
        free(spec->cas[i].staging_url);
    }
    free(spec->cas);
    char *const owned[] = {
        spec->http_address,
        spec->ca_bundle,
        spec->account,
        spec->email,
        spec->proxy,
        spec->key_group,
        spec->pre_hook,
        spec->deploy_hook,
        spec->post_hook,
        spec->eab_kid,
        spec->eab_hmac_key_file,
        spec->csr,
        spec->profile,
        spec->preferred_chain,
        spec->nginx.server_block,
        spec->nginx.binary,
        spec->nginx.conf,
        spec->nginx.reload_command,
    };
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        free(owned[i]);
    *spec = (struct cert_spec){0};
}

int64_t moment_at(const struct moment *moment, int64_t now)
{
    switch (moment->kind) {
    case MOMENT_NONE:
        return 0;
    case MOMENT_AT:
        return moment->value;
    case MOMENT_IN:
        return now + moment->value;
    }
    return 0;
}

size_t cert_spec_pairs(const struct cert_spec *spec)
{
    return spec->key_type_count > 1 ? spec->key_type_count : 1;
}

const char *cert_spec_suffix(const struct cert_spec *spec, size_t pair)
{
    if (pair == 0)
        return "";
    return key_type_is_rsa(spec->key_types[pair]) ? ".rsa" : ".ecdsa";
}

void cert_spec_request(const struct cert_spec *spec, struct buf *out)
{
    if (spec->csr != NULL)
        buf_addf(out, "csr %s", spec->csr_sha256);
    for (size_t i = 0; spec->csr == NULL && i < cert_spec_pairs(spec); i++)
        buf_addf(out, "%s%s", i == 0 ? "" : ",", key_type_word(spec->key_types[i]));
    if (spec->profile != NULL)
        buf_addf(out, "; profile %s", spec->profile);
    if (spec->preferred_chain != NULL)
        buf_addf(out, "; chain %s", spec->preferred_chain);
    if (spec->must_staple)
        buf_add_str(out, "; must-staple");
}

bool cert_spec_has_ca(const struct cert_spec *spec, const char *directory_url)
{
    for (size_t i = 0; i < spec->ca_count; i++)
        if (strcmp(spec->cas[i].directory_url, directory_url) == 0)
            return true;
    return false;
}

size_t cert_spec_find_ca(const struct cert_spec *spec, const char *directory_url)
{
    for (size_t i = 0; directory_url != NULL && i < spec->ca_count; i++)
        if (strcmp(spec->cas[i].directory_url, directory_url) == 0)
            return i;
    return 0;
}

void cert_spec_add_ca(struct cert_spec *spec, const char *server, const char *directory_url,
                      const char *staging_url)
{
    if (cert_spec_has_ca(spec, directory_url))
        return;
    spec->cas = mem_resize(spec->cas, spec->ca_count + 1, sizeof *spec->cas);
    spec->cas[spec->ca_count++] = (struct ca_choice){
        .server = mem_strdup(server),
        .directory_url = mem_strdup(directory_url),
        .staging_url = mem_strdup(staging_url),
    };
}

const struct proving *cert_spec_proof(const struct cert_spec *spec, const struct identifier *name)
{
    for (size_t i = 0; i < spec->name_proof_count; i++)
        if (identifier_equals(&spec->name_proofs[i].name, name))
            return &spec->name_proofs[i].proof;
    return &spec->proof;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

bool cert_spec_share_nginx(const struct cert_spec *a, const struct cert_spec *b)
{
    return same_text(a->nginx.binary, b->nginx.binary) && same_text(a->nginx.conf, b->nginx.conf);
}

bool cert_spec_uses(const struct cert_spec *spec, enum proof_kind kind)
{
    for (size_t i = 0; i < spec->names.count; i++)
        if (cert_spec_proof(spec, &spec->names.items[i])->kind == kind)
            return true;
    return false;
}

void cert_spec_prove(struct cert_spec *spec, const struct identifier *name, struct proving *taken)
{
    size_t count = spec->name_proof_count;
    spec->name_proofs = mem_resize(spec->name_proofs, count + 1, sizeof *spec->name_proofs);
    spec->name_proofs[count] = (struct name_proof){*name, *taken};
    spec->name_proof_count++;
    *taken = (struct proving){0};
}

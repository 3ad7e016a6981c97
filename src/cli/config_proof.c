/* The names of a certificate, and how each is proved. */
#include "config_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

/* Fails with another's reason at the place that a value came from. */
static bool fail_because(const struct option_set *set, enum option_id id, size_t nth,
                         const struct error *why, struct error *err)
{
    option_fail(set, id, nth, err, "%s", why->text);
    return why->hint[0] == 0 ? false : with_hint(err, "%s", why->hint);
}

/* Where the proof begins in "NAME=PROOF", which may have blanks around the "="; NULL: there is
 * none.
 */
static const char *proof_in(const char *text)
{
    const char *sign = strchr(text, '=');
    return sign == NULL ? NULL : sign + 1 + strspn(sign + 1, " ");
}

/* The two commands of certbot's scripts have a comma between them, at which the list was split:
 * whether the nth part is no name, but the second command of the one before. */
static bool is_second_command(const struct option_set *set, size_t nth)
{
    const struct option_values *values = &set->values[OPT_DOMAIN];
    if (nth == 0 || nth >= values->count)
        return false;
    const char *text = values->items[nth].text;
    const char *before = proof_in(values->items[nth - 1].text);
    return before != NULL && strncmp(before, "dns:certbot:", 12) == 0 &&
           (text[0] == '/' || (text[0] == '.' && text[1] == '/'));
}

/* A name, without the "=PROOF" that may follow it. */
static bool read_name(const struct option_set *set, size_t nth, struct identifier *out,
                      struct error *err)
{
    const char *text = set->values[OPT_DOMAIN].items[nth].text;
    size_t len = strcspn(text, "=");
    while (text[len] == '=' && len > 0 && text[len - 1] == ' ')
        len--;
    AUTO_FREE name = mem_strndup(text, len);
    struct error why = {0};
    return identifier_parse(name, out, &why) || fail_because(set, OPT_DOMAIN, nth, &why, err);
}

bool config_names(const struct option_layers *layers, struct identifier_list *out,
                  struct error *err)
{
    AUTO(identifier_list) names = {0};
    const struct option_set *set = option_layers_find(layers, OPT_DOMAIN);
    for (size_t i = 0; set != NULL && i < set->values[OPT_DOMAIN].count; i++) {
        struct identifier name;
        if (is_second_command(set, i))
            continue;
        if (!read_name(set, i, &name, err))
            return false;
        (void)identifier_list_add(&names, &name);
        if (names.count > IDENTIFIERS_MAX)
            return option_fail(set, OPT_DOMAIN, i, err, "more than %d names in one certificate",
                               IDENTIFIERS_MAX);
    }
    *out = names;
    names = (struct identifier_list){0};
    return true;
}

/* ---- the ways ---- */

/* The options that say it for all names. */
static const struct {
    enum option_id id;
    enum proof_kind kind;
} proof_options[] = {
    {OPT_STANDALONE, PROOF_STANDALONE}, {OPT_WEBROOT, PROOF_WEBROOT},
    {OPT_TLS_ALPN, PROOF_TLS_ALPN},     {OPT_DNS, PROOF_DNS},
    {OPT_NGINX, PROOF_NGINX},           {OPT_STATELESS, PROOF_STATELESS},
    {OPT_HTTP_HOOK, PROOF_HTTP_HOOK},   {OPT_DNS_PERSIST, PROOF_DNS_PERSIST},
};
#define PROOF_OPTION_COUNT (sizeof proof_options / sizeof proof_options[0])

bool config_is_proof(enum option_id id)
{
    for (size_t i = 0; i < PROOF_OPTION_COUNT; i++)
        if (proof_options[i].id == id)
            return true;
    return false;
}

static bool says(const struct option_set *set, enum option_id id)
{
    return option_row(id)->kind == OPTION_FLAG ? config_is_yes(set, id)
                                               : option_set_text(set, id) != NULL;
}

/* Where relative paths of a set begin: owned, or NULL in a file. */
static char *folder_of(const struct option_set *set)
{
    return set->file != NULL ? NULL : getcwd(NULL, 0);
}

/* What a set says for all names; *found: whether it says anything. */
static bool read_general(const struct option_set *set, struct proving *out, bool *found,
                         struct error *err)
{
    AUTO_FREE folder = folder_of(set);
    size_t at = PROOF_OPTION_COUNT;
    for (size_t i = 0; i < PROOF_OPTION_COUNT; i++) {
        if (!says(set, proof_options[i].id))
            continue;
        if (at != PROOF_OPTION_COUNT) {
            FAIL_VALUE(set, proof_options[at].id, err, "does not go together with '%s'",
                       option_row(proof_options[i].id)->name);
            return with_hint(err, "choose one way of proof");
        }
        at = i;
    }
    *found = at != PROOF_OPTION_COUNT;
    if (!*found)
        return true;
    enum option_id id = proof_options[at].id;
    const char *argument = option_row(id)->kind == OPTION_FLAG ? NULL : option_set_text(set, id);
    struct error why = {0};
    return proving_make(proof_options[at].kind, argument, folder, out, &why) ||
           fail_because(set, id, config_counting(set, id), &why, err);
}

/* The proof after a name, owned, or NULL. */
static char *proof_of_item(const struct option_set *set, size_t nth)
{
    const struct option_values *values = &set->values[OPT_DOMAIN];
    const char *proof = proof_in(values->items[nth].text);
    if (proof == NULL)
        return NULL;
    return is_second_command(set, nth + 1) ? mem_printf("%s,%s", proof, values->items[nth + 1].text)
                                           : mem_strdup(proof);
}

/* What a set says for this name alone; *found: whether it says anything. The last one counts. */
static bool read_special(const struct option_set *set, const struct identifier *name,
                         struct proving *out, bool *found, struct error *err)
{
    AUTO_FREE folder = folder_of(set);
    AUTO(proving) special = {0};
    *found = false;
    for (size_t i = 0; i < set->values[OPT_DOMAIN].count; i++) {
        struct identifier other;
        struct error why = {0};
        AUTO_FREE proof = proof_of_item(set, i);
        if (proof == NULL)
            continue;
        if (!read_name(set, i, &other, err))
            return false;
        if (!identifier_equals(&other, name))
            continue;
        proving_release(&special);
        if (!proving_parse(proof, folder, &special, &why))
            return fail_because(set, OPT_DOMAIN, i, &why, err);
        *found = true;
    }
    *out = special;
    special = (struct proving){0};
    return true;
}

/* The strongest set that says anything for this name decides; in it, the special before the
 * general. *special: it is the name's own. */
static bool read_proof_of(const struct option_layers *layers, const struct identifier *name,
                          struct proving *out, bool *special, struct error *err)
{
    bool found = false;
    *special = false;
    for (size_t i = 0; i < layers->count && !found; i++) {
        AUTO(proving) general = {0};
        bool has_general = false;
        if (!read_special(layers->sets[i], name, out, special, err) ||
            !read_general(layers->sets[i], &general, &has_general, err))
            return false;
        found = *special || has_general;
    }
    return true;
}

bool config_read_proofs(const struct option_layers *layers, struct cert_spec *spec,
                        struct error *err)
{
    bool found = false;
    for (size_t i = 0; i < layers->count && !found; i++)
        if (!read_general(layers->sets[i], &spec->proof, &found, err))
            return false;
    for (size_t i = 0; i < spec->names.count; i++) {
        const struct identifier *name = &spec->names.items[i];
        AUTO(proving) proof = {0};
        bool special = false;
        if (!read_proof_of(layers, name, &proof, &special, err))
            return false;
        if (special)
            cert_spec_prove(spec, name, &proof);
    }
    return true;
}

bool config_read_dns(const struct option_layers *layers, struct cert_spec *spec, struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_DNS_TYPE);
    spec->dns_timeout = option_layers_number(layers, OPT_DNS_TIMEOUT, 120);
    if (set == NULL || dns_proof_from_word(option_set_text(set, OPT_DNS_TYPE), &spec->dns_proof))
        return true;
    return FAIL_VALUE(set, OPT_DNS_TYPE, err, "no such type of proof");
}

bool config_read_address(const struct option_layers *layers, struct cert_spec *spec,
                         struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_HTTP_ADDRESS);
    spec->http_port = (uint16_t)option_layers_number(layers, OPT_HTTP_PORT, 80);
    spec->tls_port = (uint16_t)option_layers_number(layers, OPT_TLS_PORT, 443);
    if (set == NULL)
        return true;
    const char *text = option_set_text(set, OPT_HTTP_ADDRESS);
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)
        return FAIL_VALUE(set, OPT_HTTP_ADDRESS, err, "'%s' is no IP address",
                          escaped_str(text).text);
    spec->http_address = mem_strdup(text);
    return true;
}

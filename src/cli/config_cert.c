/* The options of the group "The certificate". */
#include "config_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/timefmt.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

static bool read_key_types(const struct option_layers *layers, struct cert_spec *spec,
                           struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_KEY_TYPE);
    spec->key_types[0] = KEY_ECDSA_P256;
    spec->key_type_count = 1;
    if (set == NULL)
        return true;
    const struct option_values *values = &set->values[OPT_KEY_TYPE];
    for (size_t i = 0; i < values->count; i++) {
        enum key_type type;
        if (!key_type_from_word(values->items[i].text, &type))
            return option_fail(set, OPT_KEY_TYPE, i, err, "'%s' is none of %s",
                               escaped_str(values->items[i].text).text,
                               option_row(OPT_KEY_TYPE)->words);
        if (i == KEY_TYPES_MAX)
            return option_fail(set, OPT_KEY_TYPE, i, err, "more than two types");
        /* A server picks one certificate of each algorithm: two of one could never both serve. */
        if (i == 1 && key_type_is_rsa(type) == key_type_is_rsa(spec->key_types[0]))
            return option_fail(set, OPT_KEY_TYPE, i, err,
                               "two types must be one ECDSA and one RSA");
        spec->key_types[i] = type;
    }
    spec->key_type_count = values->count;
    return true;
}

/* ---- a request of one's own ---- */

/* What acmec makes itself where there is no --csr. */
static const enum option_id not_with_csr[] = {OPT_DOMAIN, OPT_KEY_TYPE, OPT_REUSE_KEY,
                                              OPT_MUST_STAPLE, OPT_KEY_GROUP};
#define NOT_WITH_CSR_COUNT (sizeof not_with_csr / sizeof not_with_csr[0])

bool config_is_against_csr(enum option_id id)
{
    for (size_t i = 0; i < NOT_WITH_CSR_COUNT; i++)
        if (not_with_csr[i] == id)
            return true;
    return false;
}

/* What stands where the request does, or is stronger, contradicts it; weaker layers are defaults
 * for others. */
static bool read_csr(const struct option_layers *layers, struct cert_spec *spec, struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_CSR);
    if (set == NULL)
        return true;
    for (size_t i = 0; i < layers->count; i++) {
        const struct option_set *other = layers->sets[i];
        for (size_t k = 0; k < NOT_WITH_CSR_COUNT; k++) {
            enum option_id id = not_with_csr[k];
            if (other->values[id].count == 0 ||
                (option_row(id)->kind == OPTION_FLAG && !config_is_yes(other, id)))
                continue;
            FAIL_VALUE(other, id, err, "does not go together with 'csr'");
            return with_hint(err, "the certificate request '%s' says which names and which key",
                             escaped_str(option_set_text(set, OPT_CSR)).text);
        }
        if (other == set)
            break;
    }
    spec->csr = mem_strdup(option_set_text(set, OPT_CSR));
    spec->key_type_count = 0;
    spec->reuse_key = spec->must_staple = false;
    identifier_list_release(&spec->names);
    return true;
}

/* ---- profile and dates ---- */

/* The stronger of both words counts. */
static bool read_profile(const struct option_layers *layers, struct cert_spec *spec,
                         struct error *err)
{
    for (size_t i = 0; i < layers->count; i++) {
        const char *required = option_set_text(layers->sets[i], OPT_PROFILE);
        const char *preferred = option_set_text(layers->sets[i], OPT_PREFERRED_PROFILE);
        if (required != NULL && preferred != NULL) {
            FAIL_VALUE(layers->sets[i], OPT_PREFERRED_PROFILE, err,
                       "does not go together with 'profile'");
            return with_hint(err, "'profile' insists on one, 'preferred-profile' does not");
        }
        if (required == NULL && preferred == NULL)
            continue;
        spec->profile = mem_strdup(required != NULL ? required : preferred);
        spec->profile_optional = required == NULL;
        return true;
    }
    return true;
}

/* A date speaks of one certificate; in a file, which speaks of all that follow, it would be past
 * some day. */
static bool read_moment(const struct option_layers *layers, enum option_id id, struct moment *out,
                        struct error *err)
{
    const struct option_set *set = option_layers_find(layers, id);
    const char *text = option_layers_text(layers, id);
    if (text == NULL)
        return true;
    out->kind = MOMENT_IN;
    if (timefmt_parse_duration(span_str(text), &out->value))
        return true;
    out->kind = MOMENT_AT;
    AUTO_FREE midnight = mem_printf("%sT00:00:00Z", text);
    if (!timefmt_parse_rfc3339(span_str(text), &out->value) &&
        !timefmt_parse_rfc3339(span_str(midnight), &out->value))
        return FAIL_VALUE(set, id, err,
                          "'%s' is neither a time from now such as 30d nor a date such as "
                          "2027-01-31 or 2027-01-31T12:00:00Z",
                          escaped_str(text).text);
    if (set->file == NULL)
        return true;
    FAIL_VALUE(set, id, err, "'%s' is a date: it would be past some day", escaped_str(text).text);
    return with_hint(err, "give a time from each order on, such as 30d");
}

/* ---- when to renew ---- */

static bool parse_renew_before(const char *text, struct renew_before *out)
{
    size_t digits = strspn(text, "0123456789");
    if (strcmp(text + digits, "%") == 0) {
        *out = (struct renew_before){RENEW_BEFORE_PERCENT, strtoll(text, NULL, 10)};
        return digits >= 1 && digits <= 2 && out->value >= 1;
    }
    out->kind = RENEW_BEFORE_SECONDS;
    return timefmt_parse_duration(span_str(text), &out->value) && out->value > 0;
}

static bool read_renew_before(const struct option_layers *layers, struct cert_spec *spec,
                              struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_RENEW_BEFORE);
    if (set == NULL)
        return true;
    const char *text = option_set_text(set, OPT_RENEW_BEFORE);
    if (parse_renew_before(text, &spec->renew_before))
        return true;
    return FAIL_VALUE(set, OPT_RENEW_BEFORE, err,
                      "'%s' is neither a time such as 30d nor a share such as 33%%",
                      escaped_str(text).text);
}

bool config_read_certificate(const struct option_layers *layers, struct cert_spec *spec,
                             struct error *err)
{
    spec->reuse_key = option_layers_flag(layers, OPT_REUSE_KEY);
    spec->must_staple = option_layers_flag(layers, OPT_MUST_STAPLE);
    spec->preferred_chain = mem_strdup(option_layers_text(layers, OPT_PREFERRED_CHAIN));
    return read_key_types(layers, spec, err) && read_csr(layers, spec, err) &&
           read_profile(layers, spec, err) &&
           read_moment(layers, OPT_NOT_BEFORE, &spec->not_before, err) &&
           read_moment(layers, OPT_NOT_AFTER, &spec->not_after, err) &&
           read_renew_before(layers, spec, err);
}

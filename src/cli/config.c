#include "config_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/nearest.h>
#include <acmec/data/ca.h>
#include <acmec/data/escape.h>
#include <acmec/data/http_msg.h>
#include <acmec/data/ini.h>
#include <acmec/data/timefmt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config_private.h"

/* ---- files ---- */

static bool may_stand_in(enum option_files allowed, enum option_files which)
{
    return allowed == FILES_BOTH || allowed == which;
}

static bool fail_unknown_key(const struct ini_line *line, const char *file, enum option_files which,
                             struct error *err)
{
    struct nearest nearest = nearest_begin(line->key);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_row((enum option_id)i);
        if (may_stand_in(row->files, which))
            nearest_offer(&nearest, row->name);
    }
    fail(err, ERR_CONFIG, "%s:%u: unknown key '%s'", escaped_str(file).text, line->line,
         escaped_str(line->key).text);
    if (nearest.best == NULL)
        return with_hint(err, "acmec.conf(5) lists the keys");
    return with_hint(err, "the nearest known one is '%s'", nearest.best);
}

static bool fail_misplaced_key(const struct ini_line *line, const char *file,
                               const struct option_row *row, struct error *err)
{
    static const char *const places[] = {
        [FILES_NONE] = "on the command line",
        [FILES_CERT] = "in certs/NAME.conf",
        [FILES_MAIN] = "in acmec.conf",
        [FILES_BOTH] = "in both files",
    };
    return fail(err, ERR_CONFIG, "%s:%u: '%s' makes sense only %s", escaped_str(file).text,
                line->line, row->name, places[row->files]);
}

bool config_parse(struct span text, const char *file, enum option_files which,
                  struct option_set *out, struct error *err)
{
    *out = (struct option_set){.file = mem_strdup(file)};
    AUTO(ini) ini = {0};
    if (!ini_parse(text, file, &ini, err))
        return false;
    for (size_t i = 0; i < ini.count; i++) {
        const struct ini_line *line = &ini.lines[i];
        enum option_id id;
        if (!option_by_name(line->key, &id))
            return fail_unknown_key(line, file, which, err);
        const struct option_row *row = option_row(id);
        if (!may_stand_in(row->files, which))
            return fail_misplaced_key(line, file, row, err);
        if (!option_set_add(out, id, line->value, line->line, err))
            return false;
    }
    return true;
}

/* ---- the certificate ---- */

size_t config_counting(const struct option_set *set, enum option_id id)
{
    return set->values[id].count - 1;
}

bool config_is_yes(const struct option_set *set, enum option_id id)
{
    const char *text = option_set_text(set, id);
    return text != NULL && strcmp(text, "yes") == 0;
}

/* A file that says which certificate it is for must be that certificate's. */
static bool check_name_key(const struct option_layers *layers, const char *name, struct error *err)
{
    for (size_t i = 0; i < layers->count; i++) {
        const struct option_set *set = layers->sets[i];
        const char *text = option_set_text(set, OPT_NAME);
        if (set->file != NULL && text != NULL && strcmp(text, name) != 0)
            return FAIL_VALUE(set, OPT_NAME, err, "'%s' is not the name of this file",
                              escaped_str(text).text);
    }
    return true;
}

/* ---- the CA ---- */

static bool read_email(const struct option_layers *layers, struct cert_spec *spec,
                       struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_EMAIL);
    if (set == NULL)
        return true;
    const char *text = option_set_text(set, OPT_EMAIL);
    AUTO(buf) list = BUF(OPTION_VALUE_MAX);
    for (const char *at = text; at != NULL;) {
        at += strspn(at, " ");
        size_t len = strcspn(at, ",");
        AUTO_FREE one = mem_strndup(at, len);
        for (size_t end = len; end > 0 && one[end - 1] == ' '; end--)
            one[end - 1] = 0;
        const char *sign = strchr(one, '@');
        /* RFC 8555 section 7.3: one address each, and no header fields. */
        if (sign == NULL || sign == one || sign[1] == 0 || strchr(sign + 1, '@') != NULL ||
            strpbrk(one, " ?\"<>()") != NULL)
            return FAIL_VALUE(set, OPT_EMAIL, err, "'%s' is no e-mail address",
                              escaped_str(one).text);
        buf_addf(&list, "%s%s", list.len == 0 ? "" : ",", one);
        at = at[len] == 0 ? NULL : at + len + 1;
    }
    spec->email = buf_take(&list);
    return true;
}

/* The key id alone is useless, and so is the key. */
static bool read_eab(const struct option_layers *layers, struct cert_spec *spec, struct error *err)
{
    const struct option_set *kid = option_layers_find(layers, OPT_EAB_KID);
    const struct option_set *file = option_layers_find(layers, OPT_EAB_HMAC_KEY_FILE);
    if (kid != NULL && file == NULL)
        return FAIL_VALUE(kid, OPT_EAB_KID, err, "needs '%s' beside it",
                          option_row(OPT_EAB_HMAC_KEY_FILE)->name);
    if (file != NULL && kid == NULL)
        return FAIL_VALUE(file, OPT_EAB_HMAC_KEY_FILE, err, "needs '%s' beside it",
                          option_row(OPT_EAB_KID)->name);
    spec->eab_kid = mem_strdup(option_layers_text(layers, OPT_EAB_KID));
    spec->eab_hmac_key_file = mem_strdup(option_layers_text(layers, OPT_EAB_HMAC_KEY_FILE));
    return true;
}

static bool read_account(const struct option_layers *layers, struct cert_spec *spec,
                         struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_ACCOUNT);
    const char *text = set == NULL ? "default" : option_set_text(set, OPT_ACCOUNT);
    struct error why;
    if (set != NULL && !cert_name_check(text, &why))
        return FAIL_VALUE(set, OPT_ACCOUNT, err,
                          "'%s' is no name of small letters, digits, '.', "
                          "'_' and '-'",
                          escaped_str(text).text);
    spec->account = mem_strdup(text);
    return true;
}

static bool fail_server(const struct option_set *set, size_t nth, struct error *err)
{
    const char *text = set->values[OPT_SERVER].items[nth].text;
    if (strncmp(text, "http://", 7) == 0) {
        option_fail(set, OPT_SERVER, nth, err, "'%s' is not encrypted", escaped_str(text).text);
        return with_hint(err, "a CA is reached by https:// only");
    }
    option_fail(set, OPT_SERVER, nth, err, "'%s' is neither an https:// URL nor the name of a CA",
                escaped_str(text).text);
    const struct ca *nearest = ca_nearest(text);
    if (nearest != NULL)
        return with_hint(err, "the nearest known one is '%s'", nearest->name);
    AUTO(buf) known = BUF(ERROR_HINT_MAX);
    for (size_t i = 0; i < ca_count(); i++)
        buf_addf(&known, "%s%s", i == 0 ? "" : ", ", ca_at(i)->name);
    return with_hint(err, "known by name: %s", buf_str(&known));
}

static bool is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 && text[8] != 0 && strlen(text) < HTTP_URL_MAX &&
           strpbrk(text, " #") == NULL;
}

/* A layer that names a server and is silent about staging outweighs the staging of weaker ones. */
static bool wants_staging(const struct option_layers *layers, const struct option_set **where)
{
    for (size_t i = 0; i < layers->count; i++) {
        *where = layers->sets[i];
        if (option_set_text(*where, OPT_STAGING) != NULL)
            return config_is_yes(*where, OPT_STAGING);
        if (option_set_text(*where, OPT_SERVER) != NULL)
            return false;
    }
    return false;
}

/* The staging partner; a staging service is its own. NULL: none is known. */
static const struct ca *staging_of(const struct ca *ca)
{
    if (ca == NULL)
        return NULL;
    if (ca->staging != NULL)
        return ca_by_name(ca->staging);
    for (size_t i = 0; i < ca_count(); i++) {
        const char *partner = ca_at(i)->staging;
        if (partner != NULL && strcmp(partner, ca->name) == 0)
            return ca;
    }
    return NULL;
}

/* Adds the CA that text stands for, or its staging partner where staging (who says so) is wanted.
 */
static bool add_ca(struct cert_spec *spec, const char *text, const struct ca *ca,
                   const struct option_set *staging, struct error *err)
{
    const struct ca *partner = staging_of(ca);
    const char *url = partner == NULL ? NULL : partner->directory_url;
    if (staging == NULL) {
        cert_spec_add_ca(spec, text, ca == NULL ? text : ca->directory_url, url);
    } else if (partner != NULL) {
        cert_spec_add_ca(spec, partner->name, url, url);
    } else {
        FAIL_VALUE(staging, OPT_STAGING, err, "acmec knows no staging service of '%s'",
                   escaped_str(text).text);
        return with_hint(err, "give its URL with --server");
    }
    return true;
}

static bool read_servers(const struct option_layers *layers, struct cert_spec *spec,
                         struct error *err)
{
    const struct option_set *set = option_layers_find(layers, OPT_SERVER);
    const struct option_set *staging;
    if (!wants_staging(layers, &staging))
        staging = NULL;
    if (set == NULL)
        return add_ca(spec, CONFIG_SERVER_DEFAULT, ca_by_name(CONFIG_SERVER_DEFAULT), staging, err);
    const struct option_values *values = &set->values[OPT_SERVER];
    for (size_t i = 0; i < values->count; i++) {
        const char *text = values->items[i].text;
        const struct ca *ca = is_url(text) ? ca_by_url(text) : ca_by_name(text);
        if (ca == NULL && !is_url(text))
            return fail_server(set, i, err);
        if (!add_ca(spec, text, ca, staging, err))
            return false;
    }
    return true;
}

/* ---- all of it ---- */

static void read_plain(const struct option_layers *layers, struct cert_spec *spec)
{
    const struct {
        enum option_id id;
        char **to;
    } strings[] = {
        {OPT_CA_BUNDLE, &spec->ca_bundle}, {OPT_PROXY, &spec->proxy},
        {OPT_KEY_GROUP, &spec->key_group}, {OPT_PRE_HOOK, &spec->pre_hook},
        {OPT_POST_HOOK, &spec->post_hook}, {OPT_DEPLOY_HOOK, &spec->deploy_hook},
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i].to = mem_strdup(option_layers_text(layers, strings[i].id));
    spec->allow_subset = option_layers_flag(layers, OPT_ALLOW_SUBSET);
    spec->agree_tos = option_layers_flag(layers, OPT_AGREE_TOS);
    spec->hook_timeout = option_layers_number(layers, OPT_HOOK_TIMEOUT, 600);
}

/* Each reads one part of the spec; the first that fails says why. */
static bool (*const readers[])(const struct option_layers *, struct cert_spec *, struct error *) = {
    config_read_proofs,
    config_read_dns,
    config_read_address,
    config_read_certificate,
    config_read_nginx,
    read_email,
    read_eab,
    read_account,
    read_servers,
};

bool config_spec(const struct option_layers *layers, const char *name, struct cert_spec *out,
                 struct error *err)
{
    AUTO(cert_spec) spec = {0};
    if (!check_name_key(layers, name, err) || !config_names(layers, &spec.names, err))
        return false;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
        if (!readers[i](layers, &spec, err))
            return false;
    read_plain(layers, &spec);
    (void)memcpy(spec.name, name, strnlen(name, CERT_NAME_MAX));
    *out = spec;
    spec = (struct cert_spec){0};
    return true;
}

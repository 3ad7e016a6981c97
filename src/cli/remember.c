#include <acmec/cli/remember.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/config.h>
#include <acmec/data/ini.h>
#include <stdlib.h>

/* Changes to make; each key's values are an owned array of borrowed strings. */
struct changes {
    struct ini_change items[OPTION_COUNT * 2];
    size_t count;
    char **texts; /* those that are made here; owned */
    size_t text_count;
};

static void changes_release(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free((void *)changes->items[i].values);
    for (size_t i = 0; i < changes->text_count; i++)
        free(changes->texts[i]);
    free(changes->texts);
}

/* An array to fill, owned by changes. */
static const char **add_change(struct changes *changes, enum option_id id, size_t count)
{
    const char **values = mem_new(count + 1, sizeof *values);
    changes->items[changes->count++] =
        (struct ini_change){.key = option_row(id)->name, .values = values, .count = count};
    return values;
}

static void remove_key(struct changes *changes, enum option_id id)
{
    (void)add_change(changes, id, 0);
}

/* Whether the file alone says the same names, each with the same way of its own. */
static bool has_same_names(const struct option_set *old, const struct cert_spec *spec)
{
    AUTO(cert_spec) before = {0};
    struct option_layers layers = {.sets = {old}, .count = 1};
    struct error ignored;
    if (!config_spec(&layers, spec->name, &before, &ignored) ||
        !identifier_list_same_set(&before.names, &spec->names) ||
        before.name_proof_count != spec->name_proof_count)
        return false;
    for (size_t i = 0; i < before.name_proof_count; i++) {
        const struct name_proof *own = &before.name_proofs[i];
        const struct proving *wanted = cert_spec_proof(spec, &own->name);
        if (wanted == &spec->proof || !proving_equals(&own->proof, wanted))
            return false;
    }
    return true;
}

/* NAME or NAME=PROOF, owned by changes. */
static const char *name_text(struct changes *changes, const struct cert_spec *spec,
                             const struct identifier *name)
{
    const struct proving *proof = cert_spec_proof(spec, name);
    AUTO(buf) text = BUF(IDENTIFIER_MAX + OPTION_VALUE_MAX + 32);
    if (proof == &spec->proof)
        return name->value;
    buf_addf(&text, "%s=", name->value);
    proving_write(proof, &text);
    changes->texts = mem_resize(changes->texts, changes->text_count + 1, sizeof *changes->texts);
    return changes->texts[changes->text_count++] = buf_take(&text);
}

static void add_names(struct changes *changes, const struct option_set *old,
                      const struct cert_spec *spec)
{
    if (has_same_names(old, spec))
        return;
    const char **values = add_change(changes, OPT_DOMAIN, spec->names.count);
    for (size_t i = 0; i < spec->names.count; i++)
        values[i] = name_text(changes, spec, &spec->names.items[i]);
}

static void add_server(struct changes *changes, const struct cert_spec *spec)
{
    const char **values = add_change(changes, OPT_SERVER, spec->ca_count);
    for (size_t i = 0; i < spec->ca_count; i++)
        values[i] = spec->cas[i].server;
    remove_key(changes, OPT_STAGING);
}

static bool is_given(const struct option_set *given, enum option_id id)
{
    return given->values[id].count > 0;
}

/* Whether the option's own value is written, as it was given. */
static bool is_plain(enum option_id id)
{
    enum option_files files = option_row(id)->files;
    return (files == FILES_BOTH || files == FILES_CERT) && id != OPT_DOMAIN && id != OPT_NAME &&
           id != OPT_SERVER && id != OPT_STAGING;
}

static void add_values(struct changes *changes, const struct option_set *given,
                       const struct cert_spec *spec, enum option_id id)
{
    const struct option_values *values = &given->values[id];
    bool is_list = option_row(id)->kind == OPTION_LIST;
    const char **texts = add_change(changes, id, is_list ? values->count : 1);
    if (!is_list)
        texts[0] = id == OPT_DNS ? spec->proof.argument : option_set_text(given, id);
    for (size_t i = 0; is_list && i < values->count; i++)
        texts[i] = values->items[i].text;
}

/* A date speaks of this certificate alone, not of those that renew it. */
static bool is_date(const struct cert_spec *spec, enum option_id id)
{
    return (id == OPT_NOT_BEFORE && spec->not_before.kind == MOMENT_AT) ||
           (id == OPT_NOT_AFTER && spec->not_after.kind == MOMENT_AT);
}

/* One way of proof at a time: the file's others go. */
static void add_proof(struct changes *changes, const struct option_set *given)
{
    bool says = false;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        says |= config_is_proof((enum option_id)i) && is_given(given, (enum option_id)i);
    for (size_t i = 0; says && i < OPTION_COUNT; i++)
        if (config_is_proof((enum option_id)i) && !is_given(given, (enum option_id)i))
            remove_key(changes, (enum option_id)i);
}

static void collect(struct changes *changes, const struct option_set *given,
                    const struct option_set *old, const struct cert_spec *spec)
{
    if (spec->names.count > 0 && spec->csr == NULL)
        add_names(changes, old, spec);
    if (is_given(given, OPT_SERVER) || is_given(given, OPT_STAGING))
        add_server(changes, spec);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        enum option_id id = (enum option_id)i;
        if (is_plain(id) && is_given(given, id) && !is_date(spec, id))
            add_values(changes, given, spec, id);
        if (is_given(given, OPT_CSR) && config_is_against_csr(id))
            remove_key(changes, id);
    }
    add_proof(changes, given);
    if (is_given(given, OPT_PROFILE))
        remove_key(changes, OPT_PREFERRED_PROFILE);
    if (is_given(given, OPT_PREFERRED_PROFILE))
        remove_key(changes, OPT_PROFILE);
}

bool remember_options(struct engine *engine, const struct option_set *given,
                      const struct cert_spec *spec, struct error *err)
{
    AUTO(buf) old_text = BUF(ENGINE_CONF_MAX);
    AUTO(buf) new_text = BUF(ENGINE_CONF_MAX);
    AUTO(option_set) old = {0};
    AUTO(changes) changes = {0};
    AUTO_FREE path = NULL;
    bool found = false;
    if (!engine_read_conf(engine, spec->name, &old_text, &path, &found, err) ||
        (found && !config_parse(buf_span(&old_text), path, FILES_CERT, &old, err)))
        return false;
    collect(&changes, given, &old, spec);
    if (!ini_edit(buf_span(&old_text), changes.items, changes.count, &new_text, err))
        return while_doing(err, "storing the options of '%s'", spec->name);
    if (found && span_equals(buf_span(&old_text), buf_span(&new_text)))
        return true;
    return engine_write_conf(engine, spec->name, buf_span(&new_text), err);
}

#include <acmec/cli/remember.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/config.h>
#include <acmec/data/ini.h>
#include <stdlib.h>

/* Changes to make; each key's values are an owned array of borrowed strings. */
struct changes {
    struct ini_change items[OPTION_COUNT + 2];
    size_t count;
};

static void changes_release(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free((void *)changes->items[i].values);
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

static void add_names(struct changes *changes, const struct option_set *old,
                      const struct cert_spec *spec)
{
    AUTO(identifier_list) before = {0};
    struct option_layers layers = {.sets = {old}, .count = 1};
    struct error ignored;
    if (config_names(&layers, &before, &ignored) && identifier_list_same_set(&before, &spec->names))
        return;
    const char **values = add_change(changes, OPT_DOMAIN, spec->names.count);
    for (size_t i = 0; i < spec->names.count; i++)
        values[i] = spec->names.items[i].value;
}

static void add_server(struct changes *changes, const struct cert_spec *spec)
{
    add_change(changes, OPT_SERVER, 1)[0] = spec->server;
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

static void collect(struct changes *changes, const struct option_set *given,
                    const struct option_set *old, const struct cert_spec *spec)
{
    if (is_given(given, OPT_DOMAIN))
        add_names(changes, old, spec);
    if (is_given(given, OPT_SERVER) || is_given(given, OPT_STAGING))
        add_server(changes, spec);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        enum option_id id = (enum option_id)i;
        if (is_plain(id) && is_given(given, id))
            add_change(changes, id, 1)[0] = option_set_text(given, id);
    }
    /* One way of proof at a time. */
    if (is_given(given, OPT_STANDALONE))
        remove_key(changes, OPT_WEBROOT);
    if (is_given(given, OPT_WEBROOT))
        remove_key(changes, OPT_STANDALONE);
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
